//! Checks the licences of all dependencies against the list in `deny.toml`.
//!
//! For machines without `cargo deny`, which takes minutes to install: the same list, applied to what `cargo tree`
//! says of the same graph. Sources and bans are left to `cargo deny`.

mod expression;

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::cargo;

/// Fails, naming each offender, if a dependency on any platform has a licence that `deny.toml` does not allow.
pub fn check() -> Result<()> {
    let path = cargo::workspace_root().join("deny.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let allowed = allowed_licences(&text)?;
    let packages = packages(&dependency_tree()?)?;
    let offenders: Vec<String> = packages.iter().filter_map(|package| offence(package, &allowed)).collect();
    if !offenders.is_empty() {
        bail!("licences that deny.toml does not allow:\n{}", offenders.join("\n"));
    }
    println!("the licences of all {} packages are allowed", packages.len());
    Ok(())
}

/// A package with its version, and its licence expression; the expression is empty where the package states none.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    licence: String,
}

fn offence(package: &Package, allowed: &BTreeSet<String>) -> Option<String> {
    let Package { name, licence } = package;
    if licence.is_empty() {
        return Some(format!("    {name}: states no licence"));
    }
    match expression::is_allowed(licence, allowed) {
        Ok(true) => None,
        Ok(false) => Some(format!("    {name}: {licence}")),
        Err(error) => Some(format!("    {name}: {licence}: {error}")),
    }
}

/// One line for each package, with a tab before its licence.
fn dependency_tree() -> Result<String> {
    let mut command = cargo::in_workspace();
    command
        .args(["tree", "--workspace", "--all-features", "--edges", "normal,build", "--target", "all"])
        .args(["--locked", "--prefix", "none", "--format", "{p}\t{l}"]);
    cargo::output(&mut command)
}

fn packages(tree: &str) -> Result<BTreeSet<Package>> {
    let lines = tree.lines().filter(|line| !line.trim().is_empty());
    lines.map(package).collect()
}

fn package(line: &str) -> Result<Package> {
    // Cargo marks a package whose own dependencies it has printed before.
    let line = line.strip_suffix(" (*)").unwrap_or(line);
    let (name, licence) = line.split_once('\t').with_context(|| format!("no licence in {line:?}"))?;
    Ok(Package { name: name.trim().into(), licence: licence.trim().into() })
}

/// The strings of the list `allow` in the section `[licenses]`.
fn allowed_licences(deny: &str) -> Result<BTreeSet<String>> {
    let uncommented: Vec<&str> = deny.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).collect();
    let section = uncommented.iter().skip_while(|line| **line != "[licenses]").skip(1);
    let section: Vec<&str> = section.take_while(|line| !line.starts_with('[')).copied().collect();
    let text = section.join(" ");
    let (_, list) = text.split_once("allow = [").context("deny.toml has no `allow = [` in [licenses]")?;
    let (list, _) = list.split_once(']').context("the list `allow` in deny.toml has no end")?;
    let names = list.split(',').map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = r#"
[bans]
allow = ["left-pad"]

[licenses] # why
allow = [
    "MIT", # the usual
    # "GPL-3.0",
    "Apache-2.0 WITH LLVM-exception",
]

[sources]
allow = ["Zlib"]
"#;

    #[test]
    fn the_list_is_that_of_the_section_on_licences() {
        let allowed: Vec<String> = allowed_licences(DENY).unwrap().into_iter().collect();
        assert_eq!(allowed, ["Apache-2.0 WITH LLVM-exception", "MIT"]);
    }

    #[test]
    fn a_missing_list_is_an_error() {
        assert!(allowed_licences("[bans]\nallow = [\"MIT\"]\n").is_err());
        assert!(allowed_licences("[licenses]\nallow = [\n\"MIT\"\n").is_err());
    }

    #[test]
    fn packages_are_read_from_a_tree() {
        let tree = "xtask v0.1.0 (/wgrad)\tMIT OR Apache-2.0\nanyhow v1.0.0\tMIT\n\nanyhow v1.0.0\tMIT (*)\nnone v1.0.0\t\n";
        let packages: Vec<Package> = packages(tree).unwrap().into_iter().collect();
        let expected = [("anyhow v1.0.0", "MIT"), ("none v1.0.0", ""), ("xtask v0.1.0 (/wgrad)", "MIT OR Apache-2.0")];
        assert_eq!(packages, expected.map(|(name, licence)| Package { name: name.into(), licence: licence.into() }));
    }

    #[test]
    fn offenders_are_named_with_their_licence() {
        let allowed = allowed_licences(DENY).unwrap();
        let offence_of = |licence: &str| offence(&Package { name: "x v1".into(), licence: licence.into() }, &allowed);
        assert_eq!(offence_of("MIT"), None);
        assert_eq!(offence_of("GPL-3.0"), Some("    x v1: GPL-3.0".into()));
        assert!(offence_of("").is_some_and(|text| text.contains("no licence")));
        assert!(offence_of("MIT OR").is_some_and(|text| text.contains("x v1")));
    }
}
