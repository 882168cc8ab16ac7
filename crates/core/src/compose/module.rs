//! A WGSL file whose declarations can be replaced, by the spans that naga gives.

use std::ops::Range;

use crate::op::Literal;

use super::ComposeError;

/// A parsed file, and edits of it.
pub struct Module<'a> {
    operation: &'a str,
    source: &'a str,
    module: naga::Module,
    edits: Vec<(Range<usize>, String)>,
}

impl<'a> Module<'a> {
    pub fn parse(operation: &'a str, source: &'a str) -> Result<Self, ComposeError> {
        let module = naga::front::wgsl::parse_str(source)
            .map_err(|error| ComposeError::Parse { operation: operation.to_owned(), message: error.emit_to_string(source) })?;
        Ok(Self { operation, source, module, edits: Vec::new() })
    }

    /// The names of the members of the struct that a function returns; empty for any other function.
    pub fn returned_members(&self, function: &str) -> Vec<String> {
        let found = self.module.functions.iter().find(|(_, candidate)| candidate.name.as_deref() == Some(function));
        let result = found.and_then(|(_, function)| function.result.as_ref());
        match result.map(|result| &self.module.types[result.ty].inner) {
            Some(naga::TypeInner::Struct { members, .. }) => members.iter().filter_map(|member| member.name.clone()).collect(),
            _ => Vec::new(),
        }
    }

    fn uniform(&self) -> Option<&naga::GlobalVariable> {
        let mut variables = self.module.global_variables.iter().map(|(_, variable)| variable);
        variables.find(|variable| variable.space == naga::AddressSpace::Uniform)
    }

    /// The name of the uniform at binding 0.
    pub fn uniform_name(&self) -> Result<String, ComposeError> {
        let name = self.uniform().and_then(|uniform| uniform.name.clone());
        name.ok_or_else(|| self.missing("variable", "of the address space uniform"))
    }

    /// Adds members to the uniform's struct, behind its own: [`offset_name`] of 0 to `count`.
    pub fn extend_dims(&mut self, count: usize) -> Result<(), ComposeError> {
        let span = self.uniform().and_then(|uniform| self.module.types.get_span(uniform.ty).to_range());
        let end = span.and_then(|span| Some(span.start + self.source[span].rfind('}')?));
        let end = end.ok_or_else(|| self.missing("struct", "of the uniform"))?;
        let comma = if self.source[..end].trim_end().ends_with(',') { "" } else { "," };
        let members: Vec<String> = (0..count).map(|index| format!(" {}: u32", offset_name(index))).collect();
        if count > 0 {
            self.edits.push((end..end, format!("{comma}{} ", members.join(","))));
        }
        Ok(())
    }

    fn missing(&self, what: &'static str, name: &str) -> ComposeError {
        ComposeError::Missing { operation: self.operation.to_owned(), what, name: name.to_owned() }
    }

    /// Whether the uniform at binding 0 is a struct of that many `u32`s.
    pub fn check_dims(&self, wanted: usize) -> Result<(), ComposeError> {
        let members = match self.uniform().map(|variable| &self.module.types[variable.ty].inner) {
            Some(naga::TypeInner::Struct { members, .. }) => members.as_slice(),
            _ => &[],
        };
        let is_u32 =
            |member: &naga::StructMember| self.module.types[member.ty].inner == naga::TypeInner::Scalar(naga::Scalar::U32);
        let got = members.iter().filter(|member| is_u32(member)).count();
        if got == wanted && members.len() == wanted {
            return Ok(());
        }
        Err(ComposeError::Dims { operation: self.operation.to_owned(), wanted, got })
    }

    pub fn set_constant(&mut self, name: &str, value: Literal) -> Result<(), ComposeError> {
        let found = self.module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some(name));
        let range = found.and_then(|(handle, _)| self.module.constants.get_span(handle).to_range());
        let (kind, value) = (kind(value), print_literal(value));
        self.replace(range, "constant", name, format!("const {name}: {kind} = {value};"))
    }

    /// Replaces a function by text, which may be empty.
    pub fn replace_function(&mut self, name: &str, text: &str) -> Result<(), ComposeError> {
        let found = self.module.functions.iter().find(|(_, function)| function.name.as_deref() == Some(name));
        let range = found.and_then(|(handle, _)| self.module.functions.get_span(handle).to_range());
        self.replace(range, "function", name, text.to_owned())
    }

    /// Removes a storage binding.
    pub fn remove_variable(&mut self, name: &str) -> Result<(), ComposeError> {
        self.take_variable(name).map(drop)
    }

    /// Removes a storage binding and returns the text of its type. A second time only the type is returned: inputs
    /// and outputs that share memory share the variable.
    pub fn take_variable(&mut self, name: &str) -> Result<&'a str, ComposeError> {
        let found = self.module.global_variables.iter().find(|(_, variable)| variable.name.as_deref() == Some(name));
        let range = found.and_then(|(handle, _)| self.module.global_variables.get_span(handle).to_range());
        let attributed = range.clone().map(|range| self.source[..range.start].rfind("@group").unwrap_or(range.start)..range.end);
        let text = range.map_or("", |range| &self.source[range]);
        let known = self.edits.iter().any(|(edit, _)| Some(edit) == attributed.as_ref());
        if !known {
            self.replace(attributed, "variable", name, String::new())?;
        }
        Ok(text.split_once(':').map_or("", |(_, kind)| kind.trim_end_matches(';').trim()))
    }

    fn replace(&mut self, range: Option<Range<usize>>, what: &'static str, name: &str, text: String) -> Result<(), ComposeError> {
        let range = range.ok_or_else(|| self.missing(what, name))?;
        if !self.edits.iter().any(|(edit, _)| *edit == range) {
            self.edits.push((range, text));
        }
        Ok(())
    }

    /// The file with all edits.
    pub fn edited(&self) -> String {
        let mut edits: Vec<_> = self.edits.iter().collect();
        edits.sort_by_key(|(range, _)| range.start);
        let (mut text, mut end) = (String::new(), 0);
        for (range, replacement) in edits {
            text.push_str(&self.source[end..range.start]);
            text.push_str(replacement);
            end = range.end;
        }
        text + &self.source[end..]
    }
}

/// The name of a member that [`Module::extend_dims`] adds.
pub fn offset_name(index: usize) -> String {
    format!("offset_{index}")
}

fn kind(literal: Literal) -> &'static str {
    match literal {
        Literal::F32(_) => "f32",
        Literal::U32(_) => "u32",
        Literal::Bool(_) => "bool",
    }
}

/// A literal as WGSL, exact for any finite number.
pub fn print_literal(literal: Literal) -> String {
    match literal {
        // The shortest decimal that is nearest to it lies beyond it, where compilers may refuse it.
        Literal::F32(f32::MAX) => "0x1.fffffep+127f".to_owned(),
        Literal::F32(f32::MIN) => "-0x1.fffffep+127f".to_owned(),
        Literal::F32(value) => format!("{value:?}f"),
        Literal::U32(value) => format!("{value}u"),
        Literal::Bool(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number that a compiler makes of a literal.
    fn compiled(literal: &str) -> f32 {
        let module = naga::front::wgsl::parse_str(&format!("const number = {literal};")).unwrap();
        let (_, constant) = module.constants.iter().next().unwrap();
        match module.global_expressions[constant.init] {
            naga::Expression::Literal(naga::Literal::F32(number)) => number,
            ref other => panic!("{literal} is {other:?}"),
        }
    }

    #[test]
    fn numbers_are_exact() {
        for number in [0.0, 1.0, 0.1, 16_777_215.0, f32::MIN_POSITIVE, 3.402_823_3e38, f32::MAX] {
            for number in [number, -number] {
                assert_eq!(compiled(&print_literal(Literal::F32(number))).to_bits(), number.to_bits(), "{number}");
            }
        }
    }

    #[test]
    fn no_literal_is_beyond_the_largest_number() {
        assert_eq!(print_literal(Literal::F32(f32::MAX)), "0x1.fffffep+127f");
        assert_eq!(print_literal(Literal::F32(f32::MIN)), "-0x1.fffffep+127f");
    }
}
