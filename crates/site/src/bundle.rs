//! From packages to a folder that any web server can serve.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::toolchain::{TARGET, Toolchain};
use crate::{Page, target_folder, workspace_root};

/// Builds all pages; returns their folder.
pub fn build(pages: &[Page]) -> Result<PathBuf> {
    let toolchain = Toolchain::make()?;
    let site = target_folder().join("site");
    for page in pages {
        succeed(toolchain.cargo("build").args(["--release", "--package", page.package]))?;
        bundle(page, &site.join(page.name))?;
    }
    let first = pages.first().map_or("", |page| page.name);
    let redirect = format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0; url={first}/\"><title>wgrad</title>\n");
    fs::write(site.join("index.html"), redirect)?;
    Ok(site)
}

/// The page's program, with what connects it to JavaScript, and its other files.
fn bundle(page: &Page, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let program = target_folder().join(TARGET).join("release").join(format!("{}.wasm", page.package.replace('-', "_")));
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&program).web(true)?.omit_default_module_path(false).typescript(false).out_name(page.package);
    bindgen.generate(folder).with_context(|| format!("cannot bind {}", program.display()))?;
    for (from, to) in page.folders {
        copy(&workspace_root().join(from), &folder.join(to))?;
    }
    let size = fs::metadata(folder.join(format!("{}_bg.wasm", page.package)))?.len();
    println!("{}: {:.1} MB of WebAssembly in {}", page.name, size as f64 / 1e6, folder.display());
    Ok(())
}

/// Copies the files of a folder, which has no others in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name())).with_context(|| format!("cannot copy {:?}", entry.path()))?;
    }
    Ok(())
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
