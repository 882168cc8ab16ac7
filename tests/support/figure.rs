//! What programs write for people.

/// What a program says in the end: its figures, which `cargo xtask examples` shows.
pub fn last(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// The number that follows `name` in the line that begins with `line`.
pub fn figure(text: &str, line: &str, name: &str) -> f32 {
    let found = text.lines().find(|candidate| candidate.starts_with(line)).and_then(|line| line.split_once(name));
    let digits = found.and_then(|(_, rest)| rest.split([' ', ',', ';']).next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no {name} in a line {line}:\n{text}"))
}
