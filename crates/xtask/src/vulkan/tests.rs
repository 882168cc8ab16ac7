//! Driver discovery in a folder tree made for each test.

use tempfile::TempDir;

use super::*;

/// A machine with the loader in `lib` and nothing else, whose every place of manifests lies in one folder.
struct Machine {
    root: TempDir,
    variables: Vec<(&'static str, OsString)>,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |folder: &str| root.path().join(folder).into_os_string();
        let variables = vec![
            ("HOME", at("home")),
            ("XDG_CONFIG_DIRS", at("etc/xdg")),
            ("XDG_DATA_DIRS", at("usr/share")),
            ("LD_LIBRARY_PATH", at("lib")),
        ];
        let machine = Self { root, variables };
        machine.write("lib/libvulkan.so.1", "");
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn write_manifest(&self, path: &str, library: &str) {
        self.write(path, &format!(r#"{{"ICD": {{"api_version": "1.3", "library_path" : "{library}"}}}}"#));
    }

    fn set(&mut self, name: &'static str, path: &str) {
        self.variables.push((name, self.path(path).into_os_string()));
    }

    fn search(&self) -> Search {
        let lookup = |name: &str| self.variables.iter().find(|(set, _)| *set == name).map(|(_, value)| value.clone());
        Search::new(lookup, "")
    }

    /// The drivers in this machine's folders: those of the machine that runs the test, in `/etc`, are left out.
    fn drivers(&self) -> Vec<PathBuf> {
        let drivers = self.search().drivers().into_iter();
        drivers.filter(|path| path.starts_with(self.root.path())).collect()
    }
}

#[test]
fn a_manifest_counts_in_every_place_the_loader_looks() {
    let places = ["home/.config", "etc/xdg", "home/.local/share", "usr/share"];
    for place in places {
        let machine = Machine::new();
        let manifest = format!("{place}/vulkan/icd.d/driver.json");
        machine.write("lib/libdriver.so", "");
        machine.write_manifest(&manifest, "libdriver.so");
        assert_eq!(machine.drivers(), [machine.path(&manifest)]);
    }
}

#[test]
fn the_system_folders_are_searched_without_any_variable() {
    let search = Search::new(|_| None, "");
    for folder in ["/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"] {
        assert!(search.manifests.contains(&PathBuf::from(folder)), "{folder} is missing");
    }
}

#[test]
fn a_manifest_without_its_library_is_no_driver() {
    let machine = Machine::new();
    for (file, library) in [("bare", "libgone.so"), ("absolute", "/gone/libgone.so"), ("relative", "../libgone.so")] {
        machine.write_manifest(&format!("usr/share/vulkan/icd.d/{file}.json"), library);
    }
    machine.write("usr/share/vulkan/icd.d/empty.json", "");
    machine.write_manifest("usr/share/vulkan/icd.d/no_library.json", "");
    assert!(machine.drivers().is_empty());
}

#[test]
fn a_library_is_found_by_absolute_and_by_relative_path() {
    let machine = Machine::new();
    machine.write("usr/share/vulkan/libdriver.so", "");
    let absolute = machine.path("usr/share/vulkan/libdriver.so");
    machine.write_manifest("usr/share/vulkan/icd.d/absolute.json", absolute.to_str().unwrap());
    machine.write_manifest("usr/share/vulkan/icd.d/relative.json", "../libdriver.so");
    assert_eq!(machine.drivers().len(), 2);
}

#[test]
fn only_json_files_are_manifests() {
    let machine = Machine::new();
    machine.write("lib/libdriver.so", "");
    machine.write_manifest("usr/share/vulkan/icd.d/driver.json.disabled", "libdriver.so");
    assert!(machine.drivers().is_empty());
}

#[test]
fn an_override_hides_the_usual_places() {
    let mut machine = Machine::new();
    machine.write("lib/libdriver.so", "");
    machine.write_manifest("usr/share/vulkan/icd.d/driver.json", "libdriver.so");
    machine.set("VK_DRIVER_FILES", "gone.json");
    assert_eq!(machine.search().overridden_by, Some("VK_DRIVER_FILES"));
    assert!(!machine.search().finds_driver());
}

#[test]
fn an_override_may_name_a_file_or_a_folder() {
    for (variable, place) in [("VK_DRIVER_FILES", "own/driver.json"), ("VK_ICD_FILENAMES", "own")] {
        let mut machine = Machine::new();
        machine.write("own/libdriver.so", "");
        machine.write_manifest("own/driver.json", "./libdriver.so");
        machine.set(variable, place);
        assert!(machine.search().finds_driver(), "{variable}");
    }
}

#[test]
fn an_empty_override_is_none() {
    let mut machine = Machine::new();
    machine.variables.push(("VK_DRIVER_FILES", OsString::new()));
    assert_eq!(machine.search().overridden_by, None);
}

#[test]
fn the_linker_cache_gives_library_folders() {
    let cache = "2 libs found in cache\n\tlibm.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libm.so.6\n\
                 \tlibc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6\n";
    assert_eq!(folders_in_cache(cache), [PathBuf::from("/lib/x86_64-linux-gnu")]);
}

#[test]
fn a_driver_without_the_loader_is_not_enough() {
    let mut machine = Machine::new();
    machine.write("own/libdriver.so", "");
    machine.write_manifest("own/driver.json", "./libdriver.so");
    machine.set("VK_DRIVER_FILES", "own");
    let mut search = machine.search();
    search.library_folders = vec![machine.path("own")];
    assert!(!search.finds_driver());
}
