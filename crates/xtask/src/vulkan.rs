//! Finds out whether the Vulkan loader would find a driver, without loading one.
//!
//! A driver is a JSON manifest that names a shared library. The places are those of the loader's documentation,
//! "Linux driver discovery" (<https://github.com/KhronosGroup/Vulkan-Loader>, `docs/LoaderDriverInterface.md`).
//! To ask Vulkan itself would need its bindings, and with them a build before set-up.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LOADER: &str = "libvulkan.so.1";

/// The variables that replace all other places of manifests, the first one set winning.
const OVERRIDES: [&str; 2] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

const STANDARD_LIBRARY_FOLDERS: [&str; 6] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"];

/// Where the Vulkan loader, and the dynamic linker for it, look on a machine.
pub struct Search {
    /// The variable that replaces the usual places, if one is set.
    pub overridden_by: Option<&'static str>,
    /// Manifests, and folders of manifests; any of them may be missing.
    manifests: Vec<PathBuf>,
    library_folders: Vec<PathBuf>,
}

impl Search {
    /// The search on this machine, with this process's environment.
    pub fn of_this_machine() -> Self {
        Self::new(|name| env::var_os(name), &linker_cache())
    }

    /// The search with the environment `variable` and what `ldconfig -p` prints.
    fn new(variable: impl Fn(&str) -> Option<OsString>, linker_cache: &str) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let overridden_by = OVERRIDES.into_iter().find(|name| set(name).is_some());
        let mut manifests = paths(set("VK_ADD_DRIVER_FILES"));
        match overridden_by {
            Some(name) => manifests = paths(set(name)),
            None => manifests.extend(manifest_folders(&set)),
        }
        let mut library_folders = paths(set("LD_LIBRARY_PATH"));
        library_folders.extend(folders_in_cache(linker_cache));
        library_folders.extend(STANDARD_LIBRARY_FOLDERS.map(PathBuf::from));
        Self { overridden_by, manifests, library_folders }
    }

    /// Whether there are both the loader and at least one driver.
    pub fn finds_driver(&self) -> bool {
        self.finds_library(LOADER) && !self.drivers().is_empty()
    }

    /// The manifests whose library exists.
    fn drivers(&self) -> Vec<PathBuf> {
        self.manifests.iter().flat_map(|place| manifests_at(place)).filter(|path| self.is_usable(path)).collect()
    }

    fn is_usable(&self, manifest: &Path) -> bool {
        let Ok(json) = fs::read_to_string(manifest) else {
            return false;
        };
        let Some(library) = library_path(&json) else {
            return false;
        };
        if !library.contains('/') {
            return self.finds_library(library);
        }
        // A relative path starts at the manifest; joining an absolute one replaces it.
        manifest.parent().is_some_and(|folder| folder.join(library).is_file())
    }

    fn finds_library(&self, name: &str) -> bool {
        self.library_folders.iter().any(|folder| folder.join(name).is_file())
    }
}

fn paths(list: Option<OsString>) -> Vec<PathBuf> {
    let list = list.unwrap_or_default();
    env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect()
}

fn manifest_folders(set: &impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let home = |folder: &str| set("HOME").map(|home| Path::new(&home).join(folder).into_os_string());
    let bases = [
        set("XDG_CONFIG_HOME").or_else(|| home(".config")),
        set("XDG_CONFIG_DIRS").or(Some("/etc/xdg".into())),
        Some("/etc".into()),
        set("XDG_DATA_HOME").or_else(|| home(".local/share")),
        set("XDG_DATA_DIRS").or(Some("/usr/local/share:/usr/share".into())),
    ];
    bases.into_iter().flat_map(paths).map(|base| base.join("vulkan/icd.d")).collect()
}

/// `place` itself when it is a manifest, all manifests in it when it is a folder.
fn manifests_at(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place) else {
        return vec![place.to_path_buf()];
    };
    let files = entries.flatten().map(|entry| entry.path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

/// The value of `library_path`, which occurs once in a manifest; a JSON parser would cost more than it gives.
fn library_path(manifest: &str) -> Option<&str> {
    let (_, after_key) = manifest.split_once("\"library_path\"")?;
    let value = after_key.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|(path, _)| path)
}

/// What `ldconfig -p` prints, or nothing where there is no such program.
fn linker_cache() -> String {
    // Users other than root often have no /sbin in their PATH.
    let runs = ["/sbin/ldconfig", "ldconfig"].into_iter();
    runs.filter_map(|program| Command::new(program).arg("-p").stderr(Stdio::null()).output().ok())
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .next()
        .unwrap_or_default()
}

/// The folders of the libraries in lines such as `libm.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libm.so.6`.
fn folders_in_cache(linker_cache: &str) -> Vec<PathBuf> {
    let libraries = linker_cache.lines().filter_map(|line| line.split_once(" => "));
    let mut folders: Vec<PathBuf> =
        libraries.filter_map(|(_, path)| Path::new(path.trim()).parent()).map(Path::to_path_buf).collect();
    folders.sort();
    folders.dedup();
    folders
}

#[cfg(test)]
mod tests;
