//! Licence expressions of SPDX: names joined by `AND`, `OR`, `WITH` and parentheses
//! (<https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>), and cargo's old `MIT/Apache-2.0`.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::vec::IntoIter;

use anyhow::{Context, Result, bail};

/// Whether a user may choose among the licences of `expression` so that all of them are in `allowed`.
pub fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> Result<bool> {
    let mut parser = Parser { tokens: tokens(expression).into_iter().peekable(), allowed };
    let answer = parser.alternatives()?;
    match parser.tokens.next() {
        None => Ok(answer),
        Some(token) => bail!("{token:?} follows a complete licence expression"),
    }
}

/// The words of `expression`, with parentheses as words and the old slash as the `OR` that it means.
fn tokens(expression: &str) -> Vec<String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// One method for each level of precedence, the loosest first; all of them evaluate as they read.
struct Parser<'list> {
    tokens: Peekable<IntoIter<String>>,
    allowed: &'list BTreeSet<String>,
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<bool> {
        let mut answer = self.conjunction()?;
        while self.takes("OR") {
            answer |= self.conjunction()?;
        }
        Ok(answer)
    }

    fn conjunction(&mut self) -> Result<bool> {
        let mut answer = self.licence()?;
        while self.takes("AND") {
            answer &= self.licence()?;
        }
        Ok(answer)
    }

    fn licence(&mut self) -> Result<bool> {
        if self.takes("(") {
            let answer = self.alternatives()?;
            return if self.takes(")") { Ok(answer) } else { bail!("a parenthesis is not closed") };
        }
        let mut name = self.name()?;
        if self.takes("WITH") {
            name = format!("{name} WITH {}", self.name()?);
        }
        Ok(self.allowed.contains(&name))
    }

    fn name(&mut self) -> Result<String> {
        let name = self.tokens.next().context("a licence is missing at the end")?;
        if ["AND", "OR", "WITH", "(", ")"].contains(&name.as_str()) {
            bail!("a licence is missing before {name:?}");
        }
        Ok(name)
    }

    fn takes(&mut self, token: &str) -> bool {
        self.tokens.next_if(|next| next == token).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(expression: &str) -> Result<bool> {
        let allowed = ["MIT", "Apache-2.0", "Zlib", "Apache-2.0 WITH LLVM-exception"];
        is_allowed(expression, &allowed.map(str::to_owned).into())
    }

    #[test]
    fn or_needs_one_and_and_needs_all() {
        let cases = [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0 OR LGPL-3.0", false),
            ("MIT AND Zlib", true),
            ("MIT AND GPL-3.0", false),
            ("Apache-2.0/MIT", true),
            ("GPL-3.0 / MIT", true),
            ("GPL-3.0/LGPL-3.0", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(answer(expression).unwrap(), expected, "{expression}");
        }
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_tightest() {
        let cases = [
            ("MIT OR Zlib AND GPL-3.0", true),
            ("(MIT OR Zlib) AND GPL-3.0", false),
            ("GPL-3.0 AND GPL-2.0 OR MIT", true),
            ("GPL-3.0 AND (GPL-2.0 OR MIT)", false),
            ("(MIT OR Apache-2.0) AND (GPL-3.0 OR Zlib)", true),
        ];
        for (expression, expected) in cases {
            assert_eq!(answer(expression).unwrap(), expected, "{expression}");
        }
    }

    #[test]
    fn an_exception_is_part_of_the_licence() {
        assert!(answer("Apache-2.0 WITH LLVM-exception").unwrap());
        assert!(!answer("MIT WITH LLVM-exception").unwrap());
        assert!(!answer("Apache-2.0 WITH Other-exception").unwrap());
    }

    #[test]
    fn malformed_expressions_are_errors() {
        for expression in ["", "MIT OR", "AND MIT", "(MIT", "MIT)", "MIT Zlib", "MIT WITH", "()"] {
            assert!(answer(expression).is_err(), "{expression:?}");
        }
    }
}
