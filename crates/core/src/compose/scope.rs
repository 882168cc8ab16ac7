//! The functions that expressions are printed into.

use std::collections::HashMap;

use crate::graph::Value;
use crate::tensor::Shape;

/// The indices that an expression is printed for.
#[derive(Clone, Debug)]
pub struct At {
    pub columns: usize,
    pub rows: usize,
    pub row: String,
    pub column: String,
    /// Whether `row` is what the kernel's hook for rows has made of it.
    pub fetched: bool,
}

impl At {
    /// A hook's arguments `row` and `column`.
    pub fn hook(shape: &Shape) -> Self {
        let row = if shape.rows() == 1 { "0u" } else { "row" };
        Self { columns: shape.columns(), rows: shape.rows(), row: row.to_owned(), column: "column".to_owned(), fetched: false }
    }

    /// One element of a vector.
    pub fn vector(index: &str) -> Self {
        Self { columns: 1, rows: 1, row: "0u".to_owned(), column: index.to_owned(), fetched: false }
    }

    /// The same where `row` is what the kernel's hook for rows has made of it.
    pub fn with_fetched_row(mut self) -> Self {
        self.row = "row".to_owned();
        self.fetched = true;
        self
    }
}

/// The statements of a function.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub hoists: bool,
    pub body: Statements,
    /// What is computed before the loop over elements, and kept in private variables.
    pub prepare: Statements,
    pub privates: Vec<(String, &'static str)>,
    pub locals: HashMap<Value, String>,
}

/// Statements that name values.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    lines: Vec<String>,
    known: HashMap<String, String>,
}

impl Statements {
    /// Names the value of an expression; the same expression gets the same name.
    pub fn bind(&mut self, prefix: &str, expression: String) -> String {
        let fresh = format!("{prefix}{}", self.known.len());
        let name = self.known.entry(expression.clone()).or_insert_with(|| fresh.clone()).clone();
        if name == fresh {
            self.lines.push(format!("let {name} = {expression};"));
        }
        name
    }

    fn text(&self) -> String {
        self.lines.iter().map(|line| format!("    {line}\n")).collect()
    }
}

impl Scope {
    /// A loop's body: what is the same for all elements is prepared outside it.
    pub fn hoisting() -> Self {
        Self { hoists: true, ..Self::default() }
    }

    /// Gives a value that the hook has a name.
    pub fn name(&mut self, value: Value, name: &str) {
        self.locals.insert(value, name.to_owned());
    }

    /// Adds a statement.
    pub fn push(&mut self, statements: String) {
        self.body.lines.extend(statements.lines().map(|line| line.trim().to_owned()));
    }

    /// The statements.
    pub fn body(&self) -> String {
        self.body.text()
    }

    /// What is prepared, and the declarations of the variables that keep it.
    pub fn prepared(&self) -> (String, String) {
        let assignments: String =
            self.privates.iter().enumerate().map(|(index, (value, _))| format!("    uniform_{index} = {value};\n")).collect();
        let declarations =
            self.privates.iter().enumerate().map(|(index, (_, kind))| format!("var<private> uniform_{index}: {kind};\n"));
        (self.prepare.text() + &assignments, declarations.collect())
    }
}
