//! From a function that draws to a PNG file that is either whole or not there.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};

use crate::{PlotError, lettering, palette};

/// What the pictures are drawn on; its coordinates are pixels, from the upper left.
pub(crate) type Canvas<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
pub(crate) type DrawingResult = Result<(), DrawingAreaErrorKind<<BitMapBackend<'static> as DrawingBackend>::ErrorType>>;

/// The last twelve bytes of every PNG file: the length, name and checksum of its final, empty chunk.
const PNG_END: [u8; 12] = [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82];

/// Draws a picture of `size` (width, height) pixels and writes it to `path`, in PNG format whatever the path's ending.
///
/// The picture is made in a temporary folder beside the path and moved there once it is complete, so that a failure
/// neither leaves half a picture nor harms the one that was there. Missing folders above the path are created.
pub(crate) fn write(path: &Path, size: (u32, u32), draw: impl FnOnce(&Canvas) -> DrawingResult) -> Result<(), PlotError> {
    if path.exists() && !path.is_file() {
        return Err(PlotError::NotAFile { path: path.to_path_buf() });
    }
    let refused = |source| PlotError::Write { path: path.to_path_buf(), source };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(refused)?;
    let folder = tempfile::Builder::new().prefix(".picture-").tempdir_in(parent).map_err(refused)?;
    let complete = folder.path().join("picture.png");
    encode(&complete, size, draw).map_err(|source| PlotError::Draw { path: path.to_path_buf(), source })?;
    fs::rename(&complete, path).map_err(refused)
}

/// plotters takes the format from the file's ending, which must be `.png`.
fn encode(
    path: &Path,
    size: (u32, u32),
    draw: impl FnOnce(&Canvas) -> DrawingResult,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    lettering::register_fonts()?;
    let canvas = BitMapBackend::new(path, size).into_drawing_area();
    canvas.fill(&palette::PAPER)?;
    draw(&canvas)?;
    canvas.present()?;
    Ok(expect_complete(path)?)
}

/// The encoder does not report a failure to write the last few kilobytes, so that what is on the disk is looked at.
fn expect_complete(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut end = [0; PNG_END.len()];
    file.seek(SeekFrom::End(-(PNG_END.len() as i64)))?;
    file.read_exact(&mut end)?;
    if end != PNG_END {
        return Err(io::Error::new(io::ErrorKind::WriteZero, "the file is incomplete; the disk may be full"));
    }
    file.sync_all()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use plotters::style::RGBColor;

    /// A picture's pixels, row by row from the top.
    pub(crate) fn pixels(size: (u32, u32), draw: impl FnOnce(&Canvas) -> DrawingResult) -> Vec<RGBColor> {
        lettering::register_fonts().unwrap();
        let mut bytes = vec![255; 3 * (size.0 * size.1) as usize];
        let canvas = BitMapBackend::with_buffer(&mut bytes, size).into_drawing_area();
        draw(&canvas).unwrap();
        drop(canvas);
        bytes.chunks(3).map(|pixel| RGBColor(pixel[0], pixel[1], pixel[2])).collect()
    }

    /// How many pixels of a picture have exactly this colour.
    pub(crate) fn count_of_color(size: (u32, u32), color: RGBColor, draw: impl FnOnce(&Canvas) -> DrawingResult) -> usize {
        pixels(size, draw).into_iter().filter(|pixel| *pixel == color).count()
    }

    /// Small pictures fail where the file is looked at, large ones within the encoder.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.png");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        for size in [(30, 20), (2000, 2000)] {
            let error = encode(&path, size, |_| Ok(())).unwrap_err().to_string();
            assert!(error.contains("disk may be full") || error.contains("No space left"), "{size:?}: {error}");
        }
    }

    #[test]
    fn an_incomplete_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        encode(&path, (300, 200), |_| Ok(())).unwrap();
        let whole = fs::read(&path).unwrap();
        assert!(expect_complete(&path).is_ok());
        for length in [0, 8, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(expect_complete(&path).is_err(), "{length} bytes");
        }
    }
}
