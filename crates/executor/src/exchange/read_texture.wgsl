// The texels of a texture as a tensor [channels, height, width]. A single channel is the luma of colours (Rec. ITU-R
// BT.709), or the only component that there is.

struct Dims {
    channels: u32,
    components: u32,
    // Where the tensor begins, in elements.
    offset: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var source: texture_2d<f32>;
@group(0) @binding(2) var<storage, read_write> tensor: array<f32>;

@compute @workgroup_size(8, 8)
fn read_texture(@builtin(global_invocation_id) id: vec3u) {
    let size = textureDimensions(source);
    if (any(id.xy >= size)) {
        return;
    }
    var texel = textureLoad(source, id.xy, 0);
    if (dims.channels == 1u && dims.components > 2u) {
        texel.x = dot(texel.xyz, vec3f(0.2126, 0.7152, 0.0722));
    }
    for (var channel = 0u; channel < dims.channels; channel++) {
        tensor[dims.offset + (channel * size.y + id.y) * size.x + id.x] = texel[channel];
    }
}
