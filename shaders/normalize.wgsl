// Affine map: x * scale + offset, of floats and of bytes.

fn normalize_floats(x: vec4f, scale: f32, offset: f32) -> vec4f {
    return x * scale + offset;
}

fn normalize_bytes(x: vec4u, scale: f32, offset: f32) -> vec4f {
    return vec4f(x) * scale + offset;
}
