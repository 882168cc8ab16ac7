//! Pictures as files, and how much two of them differ.

use std::io::{BufRead, Seek, Write};

use anyhow::{Context, Result, ensure};
use wgrad::wgpu;

/// Pixels of red, green and blue, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The pixels of a row, and the rows.
    pub size: [u32; 2],
    /// Three bytes for each pixel.
    pub pixels: Vec<u8>,
}

/// How much two pictures differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The mean difference of a component, of 255.
    pub mean: f64,
    /// The share of pixels of which a component differs by more than 32 of 255.
    pub share: f64,
}

impl Image {
    /// Writes a file in the format PNG.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub fn write(&self, file: impl Write) -> Result<()> {
        let mut encoder = png::Encoder::new(file, self.size[0], self.size[1]);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(())
    }

    /// Reads a file of the format PNG, in red, green and blue or with a palette of these.
    ///
    /// # Errors
    /// Where it is another kind of file.
    pub fn read(file: impl BufRead + Seek) -> Result<Self> {
        let mut decoder = png::Decoder::new(file);
        // Colours of a palette too, with which a stored picture is smaller.
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size().context("too large a picture")?];
        let frame = reader.next_frame(&mut pixels)?;
        ensure!((frame.color_type, frame.bit_depth) == (png::ColorType::Rgb, png::BitDepth::Eight), "wanted RGB of 8 bits");
        Ok(Self { size: [frame.width, frame.height], pixels })
    }

    /// How much it differs from another of the same size.
    ///
    /// # Errors
    /// Where the sizes differ.
    pub fn difference(&self, other: &Self) -> Result<Difference> {
        ensure!(self.size == other.size, "pictures of {:?} and {:?} pixels", self.size, other.size);
        let differences: Vec<u8> = self.pixels.iter().zip(&other.pixels).map(|(one, two)| one.abs_diff(*two)).collect();
        let sum: u64 = differences.iter().map(|&difference| u64::from(difference)).sum();
        let far = differences.chunks_exact(3).filter(|pixel| pixel.iter().any(|&difference| difference > 32)).count();
        Ok(Difference { mean: sum as f64 / differences.len() as f64, share: 3.0 * far as f64 / differences.len() as f64 })
    }
}

/// The pixels of a texture of red, green, blue and alpha, without the last.
pub(super) fn read(device: &wgpu::Device, queue: &wgpu::Queue, texture: &wgpu::Texture) -> Result<Image> {
    let (width, height) = (texture.width(), texture.height());
    let row = (4 * width).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("picture"),
        size: u64::from(row * height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None };
    let into = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    encoder.copy_texture_to_buffer(texture.as_image_copy(), into, texture.size());
    encoder.map_buffer_on_submit(&buffer, wgpu::MapMode::Read, .., |_| {});
    queue.submit([encoder.finish()]);
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let bytes = buffer.get_mapped_range(..)?;
    let rows = bytes.chunks_exact(row as usize).map(|bytes| &bytes[..4 * width as usize]);
    let pixels = rows.flat_map(|row| row.chunks_exact(4)).flat_map(|pixel| pixel[..3].to_vec()).collect();
    Ok(Image { size: [width, height], pixels })
}
