//! The storage bindings of a composed file, and the functions that read and write them.

use std::collections::BTreeSet;

use crate::plan::{Binding, BufferId};
use crate::tensor::DType;

/// How f16 is packed.
const HALVES: &str = include_str!("halves.wgsl");

/// Ways to reach the elements of a binding by linear index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accessor {
    /// Four from a multiple of 4.
    LoadFour,
    /// Four from anywhere; what lies beyond the buffer's end is arbitrary.
    LoadAnyFour,
    /// One.
    LoadOne,
    /// Four from a multiple of 4.
    StoreFour,
    /// One.
    StoreOne,
}

/// All bindings, in the order in which they were asked for.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    buffer: BufferId,
    dtype: DType,
    writes: bool,
    accessors: BTreeSet<Accessor>,
    /// The name and type that a kernel knows it by.
    own: Option<(String, String)>,
}

impl Bindings {
    /// The name of the function that reaches a buffer in this way.
    pub fn accessor(&mut self, buffer: BufferId, dtype: DType, accessor: Accessor) -> String {
        let index = self.index(buffer, dtype);
        self.entries[index].accessors.insert(accessor);
        self.entries[index].writes |= matches!(accessor, Accessor::StoreFour | Accessor::StoreOne);
        name(accessor, index)
    }

    /// Binds a buffer under a kernel's own name for it.
    pub fn bind_as(&mut self, variable: &str, kind: &str, buffer: BufferId, dtype: DType, writes: bool) {
        let index = self.index(buffer, dtype);
        self.entries[index].writes |= writes;
        self.entries[index].own = Some((variable.to_owned(), kind.to_owned()));
    }

    fn index(&mut self, buffer: BufferId, dtype: DType) -> usize {
        let known = self.entries.iter().position(|entry| entry.buffer == buffer);
        known.unwrap_or_else(|| {
            self.entries.push(Entry { buffer, dtype, writes: false, accessors: BTreeSet::new(), own: None });
            self.entries.len() - 1
        })
    }

    /// What a dispatch binds, in order.
    pub fn list(&self) -> Vec<Binding> {
        self.entries.iter().map(|entry| Binding { buffer: entry.buffer, writes: entry.writes }).collect()
    }

    /// The declarations of all bindings and functions.
    pub fn declarations(&self) -> String {
        let stores_halves = self.entries.iter().any(|entry| entry.dtype == DType::F16 && entry.writes);
        let packing = if stores_halves { HALVES } else { "" };
        let declarations = self.entries.iter().enumerate().map(|(index, entry)| entry.declaration(index));
        std::iter::once(packing.to_owned()).chain(declarations).collect()
    }
}

fn name(accessor: Accessor, index: usize) -> String {
    let prefix = match accessor {
        Accessor::LoadFour => "load_four",
        Accessor::LoadAnyFour => "load_any_four",
        Accessor::LoadOne => "load_one",
        Accessor::StoreFour => "store_four",
        Accessor::StoreOne => "store_one",
    };
    format!("{prefix}_{index}")
}

impl Entry {
    /// Whether all elements can be reached in aligned groups of four.
    fn is_wide(&self) -> bool {
        let narrow = [Accessor::LoadAnyFour, Accessor::LoadOne, Accessor::StoreOne];
        !self.accessors.iter().any(|accessor| narrow.contains(accessor))
    }

    fn scalar(&self) -> &'static str {
        if self.dtype == DType::F32 { "f32" } else { "u32" }
    }

    fn declaration(&self, index: usize) -> String {
        let access = if self.writes { "read_write" } else { "read" };
        let (variable, kind) = match (&self.own, self.dtype, self.is_wide()) {
            (Some((variable, kind)), ..) => (variable.clone(), kind.clone()),
            (None, DType::F16, true) => (format!("buffer_{index}"), "array<vec2u>".to_owned()),
            (None, DType::U8 | DType::F16, _) => (format!("buffer_{index}"), "array<u32>".to_owned()),
            (None, _, true) => (format!("buffer_{index}"), format!("array<vec4<{}>>", self.scalar())),
            (None, _, false) => (format!("buffer_{index}"), format!("array<{}>", self.scalar())),
        };
        let functions: String = self.accessors.iter().map(|&accessor| self.function(accessor, index, &variable)).collect();
        format!("@group(0) @binding({}) var<storage, {access}> {variable}: {kind};\n{functions}", index + 1)
    }

    /// Elements of 16 bits, two to a word. A store rounds nothing: what is stored is exact in 16 bits. It is not
    /// `pack2x16float`, which some drivers round and flush even so.
    fn half_function(&self, accessor: Accessor, name: &str, variable: &str) -> String {
        let widened = |words: [&str; 2]| format!("vec4f({})", words.map(|word| format!("unpack2x16float({word})")).join(", "));
        match accessor {
            Accessor::LoadFour if self.is_wide() => format!(
                "fn {name}(i: u32) -> vec4f {{ let words = {variable}[i / 4u]; return {}; }}\n",
                widened(["words.x", "words.y"])
            ),
            Accessor::LoadFour => {
                let words = [format!("{variable}[i / 2u]"), format!("{variable}[i / 2u + 1u]")];
                format!("fn {name}(i: u32) -> vec4f {{ return {}; }}\n", widened(words.each_ref().map(String::as_str)))
            }
            Accessor::LoadAnyFour => format!(
                "fn {name}(i: u32) -> vec4f {{ let last = arrayLength(&{variable}) - 1u; let a = {variable}[i / 2u]; \
                 let b = {variable}[min(i / 2u + 1u, last)]; let c = {variable}[min(i / 2u + 2u, last)]; let odd = i % 2u == 1u; \
                 return {}; }}\n",
                widened(["select(a, (a >> 16u) | (b << 16u), odd)", "select(b, (b >> 16u) | (c << 16u), odd)"])
            ),
            Accessor::LoadOne => {
                format!("fn {name}(i: u32) -> f32 {{ return unpack2x16float({variable}[i / 2u] >> (i % 2u * 16u)).x; }}\n")
            }
            Accessor::StoreFour if self.is_wide() => {
                format!("fn {name}(i: u32, value: vec4f) {{ {variable}[i / 4u] = halves_pack(value); }}\n")
            }
            Accessor::StoreFour => format!(
                "fn {name}(i: u32, value: vec4f) {{ let words = halves_pack(value); {variable}[i / 2u] = words.x; \
                 {variable}[i / 2u + 1u] = words.y; }}\n"
            ),
            // The plan refuses what would store a part of a word.
            Accessor::StoreOne => unreachable!("an element of 16 bits stored alone"),
        }
    }

    fn function(&self, accessor: Accessor, index: usize, variable: &str) -> String {
        if self.dtype == DType::F16 {
            return self.half_function(accessor, &name(accessor, index), variable);
        }
        let (scalar, wide, byte) = (self.scalar(), self.is_wide(), self.dtype == DType::U8);
        let name = name(accessor, index);
        let any = |at: [&str; 4]| format!("vec4<{scalar}>({})", at.map(|at| format!("{variable}[{at}]")).join(", "));
        let each = ["i", "i + 1u", "i + 2u", "i + 3u"];
        match accessor {
            Accessor::LoadFour if byte => format!("fn {name}(i: u32) -> vec4u {{ return unpack4xU8({variable}[i / 4u]); }}\n"),
            Accessor::LoadOne if byte => {
                format!("fn {name}(i: u32) -> u32 {{ return ({variable}[i / 4u] >> (i % 4u * 8u)) & 0xffu; }}\n")
            }
            Accessor::LoadAnyFour if byte => {
                let one = |at: &str| format!("({variable}[({at}) / 4u] >> (({at}) % 4u * 8u)) & 0xffu");
                let last = format!("let last = arrayLength(&{variable}) * 4u - 1u;");
                let at = ["i", "min(i + 1u, last)", "min(i + 2u, last)", "min(i + 3u, last)"].map(one).join(", ");
                format!("fn {name}(i: u32) -> vec4u {{ {last} return vec4u({at}); }}\n")
            }
            Accessor::StoreFour if byte => {
                format!("fn {name}(i: u32, value: vec4u) {{ {variable}[i / 4u] = pack4xU8(value); }}\n")
            }
            Accessor::LoadFour if wide => format!("fn {name}(i: u32) -> vec4<{scalar}> {{ return {variable}[i / 4u]; }}\n"),
            Accessor::LoadFour => format!("fn {name}(i: u32) -> vec4<{scalar}> {{ return {}; }}\n", any(each)),
            Accessor::LoadAnyFour => {
                let at = ["i", "min(i + 1u, last)", "min(i + 2u, last)", "min(i + 3u, last)"];
                format!(
                    "fn {name}(i: u32) -> vec4<{scalar}> {{ let last = arrayLength(&{variable}) - 1u; return {}; }}\n",
                    any(at)
                )
            }
            Accessor::LoadOne => format!("fn {name}(i: u32) -> {scalar} {{ return {variable}[i]; }}\n"),
            Accessor::StoreFour if wide => {
                format!("fn {name}(i: u32, value: vec4<{scalar}>) {{ {variable}[i / 4u] = value; }}\n")
            }
            Accessor::StoreFour => {
                let stores: String = (0..4).map(|lane| format!("{variable}[i + {lane}u] = value[{lane}]; ")).collect();
                format!("fn {name}(i: u32, value: vec4<{scalar}>) {{ {stores}}}\n")
            }
            Accessor::StoreOne => format!("fn {name}(i: u32, value: {scalar}) {{ {variable}[i] = value; }}\n"),
        }
    }
}
