//! Between textures of an application and a model.

use wgrad::prelude::*;
use wgrad::{CopyFrom, CopyTo, PredictOptions, Weights, wgpu};

use crate::application::Application;

/// A layer that doubles what it gets, plus a parameter that is 0.
#[derive(Debug)]
struct Double;

impl Layer for Double {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let bias = input.trace().parameter("bias", [1], Initial::Constant(0.0))?;
        Ok(2.0 * input + bias)
    }
}

#[test]
fn textures_go_in_and_out() {
    let application = Application::new(false);
    let weights = Weights::from(&[("bias".to_owned(), Tensor::from([0.0]))][..]);
    let doubled = |input: &[usize]| {
        pollster::block_on(application.engine().predictor(Double, &weights, input, PredictOptions::default())).unwrap()
    };
    let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::STORAGE_BINDING;
    // 5 x 3 texels: red, green and blue differ at each.
    let size = [5, 3];
    let camera = application.texture(wgpu::TextureFormat::Rgba8Unorm, usage, size);
    let texels: Vec<u8> = (0..15).flat_map(|texel| [texel * 8, 120 - texel * 8, 60, 255]).collect();
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(20), rows_per_image: None };
    application.queue.write_texture(camera.as_image_copy(), &texels, layout, camera.size());
    let output = application.texture(wgpu::TextureFormat::Rgba8Unorm, usage, size);

    let colours = doubled(&[3, 3, 5]);
    let mut encoder = application.encoder();
    colours.record_predict(&mut encoder, &camera, &output).unwrap();
    application.submit(encoder);
    let planes = application.read_tensor(colours.input());
    for (texel, place) in texels.chunks_exact(4).zip(0..) {
        for channel in 0..3 {
            assert!((planes[channel * 15 + place] - f32::from(texel[channel]) / 255.0).abs() < 1e-6, "{place} {channel}");
        }
    }
    assert_eq!(
        read_bytes(&application, &output),
        texels.iter().enumerate().map(|(index, &byte)| { if index % 4 == 3 { 255 } else { byte * 2 } }).collect::<Vec<u8>>()
    );

    let grey = doubled(&[15]);
    let height_map = application.texture(wgpu::TextureFormat::R32Float, usage, size);
    let mut encoder = application.encoder();
    grey.record_predict(&mut encoder, &camera, &height_map).unwrap();
    application.submit(encoder);
    let luma =
        |texel: &[u8]| (0.2126 * f32::from(texel[0]) + 0.7152 * f32::from(texel[1]) + 0.0722 * f32::from(texel[2])) / 255.0;
    for (got, texel) in application.read_tensor(grey.output()).iter().zip(texels.chunks_exact(4)) {
        assert!((got - 2.0 * luma(texel)).abs() < 1e-5, "{got} {texel:?}");
    }

    let picture = application.texture(wgpu::TextureFormat::Rgba8Unorm, usage, size);
    let mut encoder = application.encoder();
    grey.record_predict(&mut encoder, CopyFrom::Here, &picture).unwrap();
    application.submit(encoder);
    for (got, texel) in read_bytes(&application, &picture).chunks_exact(4).zip(texels.chunks_exact(4)) {
        assert!(got[0] == got[1] && got[1] == got[2] && got[3] == 255, "{got:?}");
        assert!((f32::from(got[0]) / 255.0 - 2.0 * luma(texel)).abs() < 0.003, "{got:?} {texel:?}");
    }

    let mut encoder = application.encoder();
    let mut wrong = |input: CopyFrom, output: CopyTo| grey.record_predict(&mut encoder, input, output).unwrap_err().to_string();
    let small = application.texture(wgpu::TextureFormat::Rgba8Unorm, usage, [2, 3]);
    let integers = application.texture(wgpu::TextureFormat::R32Uint, usage, size);
    let plain = application.texture(wgpu::TextureFormat::Rgba8Unorm, wgpu::TextureUsages::empty(), size);
    assert!(wrong((&small).into(), CopyTo::Here).contains("wanted one layer of the pixels of f32[1, 15]"));
    // As many texels, in another order.
    let turned = application.texture(wgpu::TextureFormat::Rgba8Unorm, usage, [3, 5]);
    let mut encoder = application.encoder();
    let error = colours.record_predict(&mut encoder, &turned, CopyTo::Here).unwrap_err().to_string();
    assert!(error.contains("pixels of f32[1, 3, 3, 5], in 1, 3 or 4 channels, got D2 of 3 x 5 x 1"), "{error}");
    let error = colours.record_predict(&mut encoder, CopyFrom::Here, &height_map).unwrap_err().to_string();
    assert!(error.contains("output texture: wanted 3 components, got R32Float"), "{error}");
    let error = colours.record_predict(&mut encoder, &height_map, CopyTo::Here).unwrap_err().to_string();
    assert!(error.contains("input texture: wanted 3 components, got R32Float"), "{error}");
    let mut wrong = |input: CopyFrom, output: CopyTo| grey.record_predict(&mut encoder, input, output).unwrap_err().to_string();
    assert!(wrong((&integers).into(), CopyTo::Here).contains("wanted a format of floats, got R32Uint"));
    assert!(wrong((&plain).into(), CopyTo::Here).contains("wanted a usage with TEXTURE_BINDING"));
    assert!(wrong(CopyFrom::Here, (&integers).into()).contains("got R32Uint"));
    let buffer = application.buffer(&[0.0; 14]);
    assert!(wrong((&buffer).into(), CopyTo::Here).contains("wanted 60 bytes"));
    assert!(wrong(CopyFrom::Buffer(&buffer, 6), CopyTo::Here).contains("a multiple of 4"));
    assert!(wrong(CopyFrom::Here, (&buffer).into()).contains("got a buffer of 56 bytes"));
    assert!(wrong(grey.input().into(), CopyTo::Here).contains("or Here for the tensor itself"));
}

/// The bytes of a texture of 5 x 3 texels of four bytes.
fn read_bytes(application: &Application, texture: &wgpu::Texture) -> Vec<u8> {
    let buffer = application.buffer(&[0.0; 64 * 3]);
    let mut encoder = application.encoder();
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(256), rows_per_image: None };
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo { buffer: &buffer, layout },
        texture.size(),
    );
    application.submit(encoder);
    let floats = application.read(&buffer, 0, 64 * 3);
    let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_bits().to_le_bytes()).collect();
    bytes.chunks(256).flat_map(|row| row[..20].to_vec()).collect()
}
