//! Which integration tests need an adapter, from the names of their files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Integration tests with this prefix need an adapter; no other test does.
const ADAPTER_PREFIX: &str = "gpu_";

/// The names of all integration tests of the workspace, each list sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TestTargets {
    /// Those that run on any machine.
    pub without_adapter: Vec<String>,
    /// Those that need an adapter.
    pub with_adapter: Vec<String>,
}

impl TestTargets {
    /// Finds the tests in the `tests` folders of the packages at and below `root`.
    pub fn of_workspace(root: &Path) -> Result<Self> {
        let mut names = Vec::new();
        for package in packages(root)? {
            names.extend(tests_of(&package)?);
        }
        names.sort();
        names.dedup();
        let (with_adapter, without_adapter) = names.into_iter().partition(|name| name.starts_with(ADAPTER_PREFIX));
        Ok(Self { without_adapter, with_adapter })
    }
}

/// The packages of the workspace: its root, and the folders with a manifest in it and in `crates`.
fn packages(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![root.to_path_buf()];
    folders.extend(entries(root)?);
    folders.extend(entries(&root.join("crates"))?);
    Ok(folders.into_iter().filter(|folder| folder.join("Cargo.toml").is_file()).collect())
}

/// The test targets that cargo finds in a package: `tests/NAME.rs` and `tests/NAME/main.rs`.
fn tests_of(package: &Path) -> Result<Vec<String>> {
    let entries = entries(&package.join("tests"))?.into_iter();
    let targets =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file());
    Ok(targets.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect())
}

/// The contents of `folder`; a folder that does not exist is empty.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn the_prefix_tells_what_needs_an_adapter() {
        let root = workspace(&["Cargo.toml", "tests/gpu_golden.rs", "tests/golden.rs", "tests/mygpu_.rs"]);
        let targets = TestTargets::of_workspace(root.path()).unwrap();
        assert_eq!(targets.with_adapter, ["gpu_golden"]);
        assert_eq!(targets.without_adapter, ["golden", "mygpu_"]);
    }

    #[test]
    fn tests_of_all_packages_are_found() {
        let root = workspace(&[
            "Cargo.toml",
            "tests/plan/main.rs",
            "shaders/Cargo.toml",
            "shaders/tests/emit.rs",
            "crates/data/Cargo.toml",
            "crates/data/tests/idx.rs",
        ]);
        let targets = TestTargets::of_workspace(root.path()).unwrap();
        assert_eq!(targets.without_adapter, ["emit", "idx", "plan"]);
        assert!(targets.with_adapter.is_empty());
    }

    #[test]
    fn what_cargo_does_not_test_is_left_out() {
        let root = workspace(&[
            "Cargo.toml",
            "tests/golden/xor.json",
            "tests/support/mod.rs",
            "tests/README.md",
            "crates/no_package/tests/lost.rs",
        ]);
        assert_eq!(TestTargets::of_workspace(root.path()).unwrap(), TestTargets::default());
    }
}
