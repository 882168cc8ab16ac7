//! Where choices are kept from run to run.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use wgrad_core::plan::Choices;
use wgrad_executor::AdapterInfo;

use crate::error::Error;
use crate::files::replace;

/// A file of choices, for any number of adapters. One that is missing, damaged, or of another version holds none.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    path: PathBuf,
}

/// What marks the file, and how it is laid out.
const FORMAT: &str = "wgrad tuning 1";

impl Store {
    /// The user's own: `WGRAD_TUNING`, or a file in the folder for caches. None where there is no such folder.
    pub fn of_user() -> Option<Self> {
        if let Some(path) = env::var_os("WGRAD_TUNING") {
            return (!path.is_empty()).then(|| Self { path: path.into() });
        }
        let folder = |name: &str| env::var_os(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let caches =
            folder("XDG_CACHE_HOME").or_else(|| folder("LOCALAPPDATA")).or_else(|| Some(folder("HOME")?.join(".cache")))?;
        Some(Self { path: caches.join("wgrad").join("tuning.json") })
    }

    /// The choices for an adapter with its driver of now, made by this version of wgrad.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(&self, adapter: &AdapterInfo) -> Choices {
        let mut all = self.read();
        all.remove(&key(adapter)).into_iter().flatten().collect()
    }

    /// Keeps choices for an adapter beside those for others.
    pub fn save(&self, adapter: &AdapterInfo, choices: &Choices) -> Result<(), Error> {
        let mut all = self.read();
        all.insert(key(adapter), choices.iter().map(|(key, candidate)| (key.to_owned(), candidate.to_owned())).collect());
        let failed =
            |error: std::io::Error| Error::File { path: self.path.clone(), message: format!("cannot be written: {error}") };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let text = format!("{:#}\n", json!({ "format": FORMAT, "adapters": all }));
        replace(&self.path, text.as_bytes(), None)
    }

    fn read(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let parsed: Value = serde_json::from_str(&text).unwrap_or_default();
        if parsed["format"] != FORMAT {
            return BTreeMap::new();
        }
        serde_json::from_value(parsed["adapters"].clone()).unwrap_or_default()
    }
}

/// What choices depend on beside the operation.
fn key(adapter: &AdapterInfo) -> String {
    format!("{adapter}, wgrad {}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use wgrad_executor::wgpu::{Backend, DeviceType};

    use super::*;

    fn adapter(driver: &str) -> AdapterInfo {
        AdapterInfo {
            name: "Some GPU".to_owned(),
            backend: Backend::Vulkan,
            driver: driver.to_owned(),
            device_type: DeviceType::DiscreteGpu,
        }
    }

    fn choices(candidate: &str) -> Choices {
        [("Matmul of f32[2, 2]".to_owned(), candidate.to_owned())].into_iter().collect()
    }

    #[test]
    fn choices_are_kept_for_each_adapter_and_driver() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store { path: folder.path().join("new").join("tuning.json") };
        assert_eq!(store.load(&adapter("1")), Choices::default());
        store.save(&adapter("1"), &choices("large")).unwrap();
        store.save(&adapter("2"), &choices("small")).unwrap();
        assert_eq!(store.load(&adapter("1")), choices("large"));
        assert_eq!(store.load(&adapter("2")), choices("small"));
        assert_eq!(store.load(&adapter("3")), Choices::default());
    }

    #[test]
    fn a_damaged_store_holds_nothing_and_can_be_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store { path: folder.path().join("tuning.json") };
        for text in
            ["", "{", "[]", r#"{"format": "wgrad tuning 0", "adapters": {}}"#, r#"{"format": "wgrad tuning 1", "adapters": 7}"#]
        {
            fs::write(&store.path, text).unwrap();
            assert_eq!(store.load(&adapter("1")), Choices::default(), "{text}");
        }
        store.save(&adapter("1"), &choices("large")).unwrap();
        assert_eq!(store.load(&adapter("1")), choices("large"));
    }
}
