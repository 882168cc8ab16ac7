//! A file of named tensors.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;

use crate::error::Error;
use crate::files::stored::Stored;
use crate::files::{Digest, replace};
use crate::tensor::Tensor;

/// Named tensors, and texts beside them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TensorFile {
    texts: BTreeMap<String, String>,
    tensors: BTreeMap<String, Stored>,
}

/// The text that tells a whole file from a damaged one.
const DIGEST: &str = "digest";

impl TensorFile {
    /// A file without tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under a name.
    pub fn set_text(&mut self, name: &str, text: impl ToString) {
        self.texts.insert(name.to_owned(), text.to_string());
    }

    /// Adds a tensor under a name.
    pub fn set_tensor(&mut self, name: impl Into<String>, tensor: &Tensor) {
        self.tensors.insert(name.into(), tensor.into());
    }

    /// The text of a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The tensors whose names begin with `prefix`, by the rest of their names, as they were added; as text, what those are
    /// that never were.
    pub fn tensors(&self, prefix: &str) -> Vec<(String, Result<Tensor, String>)> {
        self.each(prefix, Stored::tensor)
    }

    /// The same, converted to f32.
    pub fn floats(&self, prefix: &str) -> Vec<(String, Result<Tensor, String>)> {
        self.each(prefix, Stored::floats)
    }

    fn each<T>(&self, prefix: &str, read: impl Fn(&Stored) -> T) -> Vec<(String, T)> {
        let named = self.tensors.iter().filter_map(|(name, stored)| Some((name.strip_prefix(prefix)?, stored)));
        named.map(|(name, stored)| (name.to_owned(), read(stored))).collect()
    }

    /// The same with a mark that tells it from a damaged one. Files that others may change and write again need none.
    pub fn sealed(mut self) -> Self {
        let digest = self.digest();
        self.set_text(DIGEST, digest);
        self
    }

    /// Replaces a file, and keeps the one before if `keep` says where.
    ///
    /// # Errors
    /// Where it cannot be written; the file is as it was then.
    pub fn write(self, path: &Path, keep: Option<&Path>) -> Result<(), Error> {
        let texts: HashMap<String, String> = self.texts.into_iter().collect();
        let bytes = safetensors::serialize(self.tensors, Some(texts));
        let bytes = bytes.map_err(|error| Error::File { path: path.to_owned(), message: error.to_string() })?;
        replace(path, &bytes, keep)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read, is no safetensors file or not a whole one, or is damaged and was sealed.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |message| Error::File { path: path.to_owned(), message };
        let bytes = fs::read(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
        Self::parse(&bytes).map_err(|[wanted, got]| failed(format!("wanted {wanted}, got {got}")))
    }

    /// The file that bytes are; as text, what was wanted and what they are instead.
    pub fn parse(bytes: &[u8]) -> Result<Self, [String; 2]> {
        let parsed = SafeTensors::deserialize(bytes).and_then(|tensors| Ok((tensors, SafeTensors::read_metadata(bytes)?.1)));
        let none = |error| ["a whole safetensors file".to_owned(), format!("{} bytes that are none: {error}", bytes.len())];
        let (tensors, header) = parsed.map_err(none)?;
        let texts = header.metadata().iter().flatten().map(|(name, text)| (name.clone(), text.clone())).collect();
        let stored = tensors.iter().map(|(name, tensor)| {
            let (dtype, shape, bytes) = (tensor.dtype(), tensor.shape().to_vec(), tensor.data().to_vec());
            (name.to_owned(), Stored { dtype, shape, bytes })
        });
        let file = Self { texts, tensors: stored.collect() };
        match file.texts.get(DIGEST).filter(|&wanted| *wanted != file.digest()) {
            Some(wanted) => Err([format!("contents of digest {wanted}"), format!("{}: it is damaged", file.digest())]),
            None => Ok(file),
        }
    }

    /// Sixteen digits that differ where anything but the digest does.
    fn digest(&self) -> String {
        let texts = self.texts.iter().filter(|(name, _)| *name != DIGEST);
        let digest = texts.fold(Digest::new(), |digest, (name, text)| digest.and_text(name).and_text(text));
        let tensors = self.tensors.iter().fold(digest, |digest, (name, Stored { dtype, shape, bytes })| {
            digest.and_text(name).and_text(&format!("{dtype:?}{shape:?}")).and(bytes.iter().copied())
        });
        tensors.digits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> TensorFile {
        let mut file = TensorFile::new();
        file.set_text("steps", 12);
        file.set_tensor("model.weight", &Tensor::from([[1.0, 2.0]]));
        file.set_tensor("state.clock", &Tensor::from([7_u32, 0]));
        file.set_tensor("input", &Tensor::f32([0, 2], Vec::new()).unwrap());
        file
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        file().write(&path, None).unwrap();
        let read = TensorFile::read(&path).unwrap();
        assert_eq!((read.text("steps"), read.text("epochs")), (Some("12"), None));
        assert_eq!(read.tensors("model."), [("weight".to_owned(), Ok(Tensor::from([[1.0, 2.0]])))]);
        assert_eq!(read.tensors("state."), [("clock".to_owned(), Ok(Tensor::from([7_u32, 0])))]);
        assert_eq!(read.floats("state."), [("clock".to_owned(), Ok(Tensor::from([7.0, 0.0])))]);
        assert_eq!(read.tensors("input")[0].1.as_ref().unwrap().shape().dims(), [0, 2]);
    }

    /// A sealed file that ends at any byte, or has any bit of its tensors or a text turned over, is refused.
    #[test]
    fn damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        file().sealed().write(&path, None).unwrap();
        let whole = fs::read(&path).unwrap();
        let error = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            TensorFile::read(&path).map(|_| format!("a file of {} bytes was read", bytes.len())).unwrap_err().to_string()
        };
        for length in 0..whole.len() {
            let message = error(&whole[..length]);
            assert!(message.contains(&format!("wanted a whole safetensors file, got {length} bytes")), "{message}");
        }
        let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
        for bit in 8 * header..8 * whole.len() {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let message = error(&damaged);
            assert!(message.contains("wanted contents of digest ") && message.contains("damaged"), "bit {bit}: {message}");
        }
        let at = whole.windows(4).position(|window| window == b"\"12\"").unwrap();
        let mut damaged = whole.clone();
        damaged[at + 1] = b'3';
        assert!(error(&damaged).contains("damaged"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = TensorFile::read(Path::new("no/such/file")).unwrap_err().to_string();
        assert!(error.starts_with("no/such/file: cannot be read: "), "{error}");
    }
}
