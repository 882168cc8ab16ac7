//! Pieces of WGSL.

use crate::fuse::Access;
use crate::op::{Function, Lanes};
use crate::tensor::DType;

use super::bindings::Accessor;
use super::module::print_literal;
use super::scope::At;

/// Four elements of a row, with zeros for those beyond its end.
pub fn inside(value: &str, kind: &str, at: &At) -> String {
    if at.columns.is_multiple_of(4) {
        return value.to_owned();
    }
    format!("select({kind}(), {value}, vec4u(column) + vec4u(0u, 1u, 2u, 3u) < vec4u({}u))", at.columns)
}

pub fn invocation(function: &Function, index: &str, arguments: Vec<String>) -> String {
    let index = function.takes_index.then(|| index.to_owned());
    let constants = function.constants.iter().map(|&constant| print_literal(constant));
    let all: Vec<String> = index.into_iter().chain(arguments).chain(constants).collect();
    format!("{}({})", function.name, all.join(", "))
}

pub fn kind(dtype: DType, lanes: Lanes) -> &'static str {
    match (dtype, lanes) {
        (DType::F32 | DType::F16, Lanes::One) => "f32",
        (DType::F32 | DType::F16, Lanes::Four) => "vec4f",
        (DType::U32 | DType::U8, Lanes::One) => "u32",
        (DType::U32 | DType::U8, Lanes::Four) => "vec4u",
    }
}

pub fn splat(text: &str, kind: &str, lanes: Lanes) -> String {
    if lanes == Lanes::Four { format!("{kind}({text})") } else { text.to_owned() }
}

pub fn gather_accessor(lanes: Lanes, width: usize, offset: usize) -> Accessor {
    match lanes {
        Lanes::One => Accessor::LoadOne,
        Lanes::Four if width.is_multiple_of(4) && offset.is_multiple_of(4) => Accessor::LoadFour,
        Lanes::Four => Accessor::LoadAnyFour,
    }
}

/// The linear index of an access, `offset` elements behind that of its strides alone.
pub fn linear(access: &Access, offset: String, at: &At) -> String {
    let mut terms = Vec::new();
    let mut below = 1;
    let runs = access.row_runs();
    for (depth, &(extent, stride)) in runs.iter().enumerate().rev() {
        let quotient = if below == 1 { at.row.clone() } else { format!("{} / {below}u", at.row) };
        let index = if depth == 0 { quotient } else { format!("{quotient} % {}u", extent.max(1)) };
        let scaled = if stride == 1 { index } else { format!("({index}) * {stride}u") };
        terms.push(if stride == 0 || at.row == "0u" { String::new() } else { scaled });
        below *= extent.max(1);
    }
    terms.push(match access.column_stride() {
        0 => String::new(),
        1 => at.column.clone(),
        stride => format!("({}) * {stride}u", at.column),
    });
    terms.push(offset);
    sum(&terms)
}

pub fn nonzero(number: usize) -> String {
    if number == 0 { String::new() } else { format!("{number}u") }
}

/// The sum of the terms that are there.
pub fn sum(terms: &[String]) -> String {
    let terms: Vec<&str> =
        terms.iter().map(String::as_str).filter(|term| !term.is_empty() && !term.starts_with("0u *")).collect();
    if terms.is_empty() { "0u".to_owned() } else { terms.join(" + ") }
}

pub fn is_name(text: &str) -> bool {
    text.chars().all(|character| character.is_alphanumeric() || character == '_' || character == '.')
}
