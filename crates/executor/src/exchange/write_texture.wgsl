// A tensor [channels, height, width] as the texels of a texture: one channel is grey, and what has no fourth is opaque.

struct Dims {
    channels: u32,
    components: u32,
    // Where the tensor begins, in elements.
    offset: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var target_texture: texture_storage_2d<rgba8unorm, write>;
@group(0) @binding(2) var<storage, read> tensor: array<f32>;

@compute @workgroup_size(8, 8)
fn write_texture(@builtin(global_invocation_id) id: vec3u) {
    let size = textureDimensions(target_texture);
    if (any(id.xy >= size)) {
        return;
    }
    var texel = vec4f(1.0);
    for (var channel = 0u; channel < dims.channels; channel++) {
        texel[channel] = tensor[dims.offset + (channel * size.y + id.y) * size.x + id.x];
    }
    if (dims.channels == 1u) {
        texel = vec4f(texel.xxx, 1.0);
    }
    textureStore(target_texture, id.xy, texel);
}
