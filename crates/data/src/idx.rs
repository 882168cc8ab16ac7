//! The IDX format: a number that says what the file holds, the dimensions, and one byte for each element.
//!
//! All numbers of the header are 32-bit and big-endian. Files may be gzipped; their first bytes tell, not their names.
//! A header is not believed: memory grows with the data that is really there and never beyond what was promised, so
//! that neither a false header nor a gzip bomb costs more than an error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::DataError;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How many bytes are read before the buffer has to prove, by filling up, that it should grow.
const FIRST_READ: usize = 1 << 16;

/// The content of an IDX file of unsigned bytes: as many as the product of its dimensions, none of which is zero.
///
/// Labels have one dimension (count), grey images three (count, rows, columns).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx<const RANK: usize> {
    /// The dimensions, outermost first.
    pub dimensions: [usize; RANK],
    /// The elements, row major.
    pub bytes: Vec<u8>,
}

impl<const RANK: usize> Idx<RANK> {
    /// The number that such a file begins with: 0x08 for unsigned bytes, then the number of dimensions.
    pub const MAGIC: u32 = 0x0800 + RANK as u32;

    const HEADER_LENGTH: usize = 4 + 4 * RANK;

    /// Reads a file, gzipped or not.
    ///
    /// # Errors
    /// If the file cannot be read or unpacked, holds something else than bytes of `RANK` dimensions, is empty, or is
    /// not exactly as long as its header promises.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Read { path: path.to_path_buf(), source };
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let is_gzipped = file.fill_buf().map_err(unreadable)?.starts_with(&GZIP_MAGIC);
        if is_gzipped {
            Reading { source: MultiGzDecoder::new(file), path, is_gzipped }.read()
        } else {
            Reading { source: file, path, is_gzipped }.read()
        }
    }

    /// Writes the file, not gzipped.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&Self::MAGIC.to_be_bytes())?;
        for dimension in self.dimensions {
            let dimension = u32::try_from(dimension).map_err(io::Error::other)?;
            file.write_all(&dimension.to_be_bytes())?;
        }
        file.write_all(&self.bytes)?;
        file.flush()
    }
}

/// A file being read: its unpacked bytes, and what errors have to tell.
struct Reading<'a, R> {
    source: R,
    path: &'a Path,
    is_gzipped: bool,
}

impl<R: Read> Reading<'_, R> {
    fn read<const RANK: usize>(mut self) -> Result<Idx<RANK>, DataError> {
        let dimensions = self.header::<RANK>()?;
        let header_length = Idx::<RANK>::HEADER_LENGTH;
        let length = self.promised_length(&dimensions)?;
        let promised = header_length.checked_add(length).ok_or_else(|| self.too_large(&dimensions))?;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let wanted = (length - bytes.len()).min(bytes.len().max(FIRST_READ));
            bytes.try_reserve_exact(wanted).map_err(|_| self.too_large(&dimensions))?;
            if self.read_up_to(wanted, &mut bytes)? < wanted {
                return Err(self.truncated(promised, header_length + bytes.len()));
            }
        }
        self.expect_end(promised)?;
        Ok(Idx { dimensions, bytes })
    }

    /// The magic number is judged first, since a short file of another kind is better called that.
    fn header<const RANK: usize>(&mut self) -> Result<[usize; RANK], DataError> {
        let wanted = Idx::<RANK>::HEADER_LENGTH;
        let mut header = Vec::with_capacity(wanted);
        self.read_up_to(wanted, &mut header)?;
        let mut numbers = header.chunks_exact(4).map(big_endian);
        let magic = numbers.next();
        if let Some(got) = magic.filter(|&got| got != Idx::<RANK>::MAGIC) {
            let path = self.path.to_path_buf();
            return Err(DataError::WrongMagic { path, rank: RANK, wanted: Idx::<RANK>::MAGIC, got });
        }
        let dimensions: Vec<usize> = numbers.map(|number| number as usize).collect();
        dimensions.try_into().map_err(|_| self.truncated(wanted, header.len()))
    }

    fn promised_length(&self, dimensions: &[usize]) -> Result<usize, DataError> {
        if dimensions.contains(&0) {
            return Err(DataError::Empty { path: self.path.to_path_buf(), dimensions: dimensions.to_vec() });
        }
        let product = dimensions.iter().try_fold(1_usize, |product, &dimension| product.checked_mul(dimension));
        product.ok_or_else(|| self.too_large(dimensions))
    }

    /// Appends at most `limit` bytes, fewer only where the data end; returns how many.
    fn read_up_to(&mut self, limit: usize, bytes: &mut Vec<u8>) -> Result<usize, DataError> {
        self.source.by_ref().take(limit as u64).read_to_end(bytes).map_err(|source| self.failed(source))
    }

    /// Reading past the last byte also makes the decoder compare gzip's checksum.
    fn expect_end(&mut self, promised: usize) -> Result<(), DataError> {
        if self.read_up_to(1, &mut Vec::with_capacity(1))? > 0 {
            return Err(DataError::Oversized { path: self.path.to_path_buf(), wanted: promised });
        }
        Ok(())
    }

    fn too_large(&self, dimensions: &[usize]) -> DataError {
        DataError::TooLarge { path: self.path.to_path_buf(), dimensions: dimensions.to_vec() }
    }

    fn truncated(&self, wanted: usize, got: usize) -> DataError {
        DataError::Truncated { path: self.path.to_path_buf(), wanted, got }
    }

    fn failed(&self, source: io::Error) -> DataError {
        let path = self.path.to_path_buf();
        match source.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof if self.is_gzipped => {
                DataError::CorruptGzip { path, source }
            }
            _ => DataError::Read { path, source },
        }
    }
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const RANK: usize>(source: impl Read) -> Result<Idx<RANK>, DataError> {
        Reading { source, path: Path::new("test"), is_gzipped: false }.read()
    }

    /// With this source, whoever reads more than the header promises reads for ever.
    #[test]
    fn reading_stops_at_the_promised_length() {
        let endless = [0, 0, 8, 1, 0, 3, 0, 0].as_slice().chain(io::repeat(7));
        let error = read::<1>(endless).unwrap_err();
        assert!(matches!(error, DataError::Oversized { wanted: 196_616, .. }), "{error}");
    }

    #[test]
    fn a_single_byte_is_read() {
        let idx = read::<1>([0, 0, 8, 1, 0, 0, 0, 1, 5].as_slice()).unwrap();
        assert_eq!((idx.dimensions, idx.bytes), ([1], vec![5]));
    }

    #[test]
    fn a_length_that_overflows_is_too_large() {
        let mut header = vec![0, 0, 8, 3];
        header.extend([0xff; 12]);
        let error = read::<3>(header.as_slice()).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images");
        let images = Idx { dimensions: [2, 300, 500], bytes: (0..300_000).map(|i| (i % 251) as u8).collect() };
        images.write(&path).unwrap();
        assert_eq!(Idx::read(&path).unwrap(), images);
    }
}
