//! Counts tests from what test programs print.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tests that ran and passed.
    pub passed: usize,
    /// Tests that ran and failed, and cargo runs that failed before any test could.
    pub failed: usize,
    /// Ignored tests, and tests not run for want of an adapter; not those that the caller filtered out.
    pub skipped: usize,
}

impl Totals {
    /// The counts in a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`, if it is one.
    pub fn from_result_line(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |name: &str| {
            let parts = counts.split(';').filter_map(|part| part.trim().split_once(' '));
            parts.filter(|(_, word)| *word == name).find_map(|(number, _)| number.parse().ok())
        };
        Some(Self { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
    }

    /// Whether any test was executed.
    pub fn ran_any(&self) -> bool {
        self.passed + self.failed > 0
    }
}

/// The number of tests in the last line that a test program prints with `--list`: `3 tests, 0 benchmarks`.
pub fn listed_tests(line: &str) -> Option<usize> {
    let (tests, benchmarks) = line.split_once(", ")?;
    let (number, word) = tests.split_once(' ')?;
    let is_summary = matches!(word, "test" | "tests") && benchmarks.contains("benchmark");
    number.parse().ok().filter(|_| is_summary)
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted() {
        let ok = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; finished in 0.02s";
        assert_eq!(Totals::from_result_line(ok), Some(Totals { passed: 12, failed: 0, skipped: 3 }));
        let failed = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Totals::from_result_line(failed), Some(Totals { passed: 1, failed: 2, skipped: 0 }));
    }

    #[test]
    fn other_lines_are_not() {
        let lines =
            ["running 3 tests", "test result: ok", "test xor ... ok", " test result: ok. 1 passed; 0 failed; 0 ignored", ""];
        for line in lines {
            assert_eq!(Totals::from_result_line(line), None, "{line}");
        }
    }

    #[test]
    fn listed_tests_are_counted() {
        assert_eq!(listed_tests("17 tests, 0 benchmarks"), Some(17));
        assert_eq!(listed_tests("1 test, 0 benchmarks"), Some(1));
        assert_eq!(listed_tests("xor_trains: test"), None);
        assert_eq!(listed_tests("17 tests, run"), None);
    }

    #[test]
    fn totals_add_up_and_print_plainly() {
        let mut totals = Totals { passed: 1, failed: 2, skipped: 3 };
        totals += Totals { passed: 10, failed: 20, skipped: 30 };
        assert_eq!(totals.to_string(), "11 passed, 22 failed, 33 skipped");
    }

    #[test]
    fn skipped_tests_were_not_executed() {
        assert!(!Totals { passed: 0, failed: 0, skipped: 4 }.ran_any());
        assert!(Totals { passed: 1, failed: 0, skipped: 0 }.ran_any());
        assert!(Totals { passed: 0, failed: 1, skipped: 0 }.ran_any());
    }
}
