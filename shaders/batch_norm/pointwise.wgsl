// Batch normalisation with given statistics, and the reciprocal deviation r of a variance with its derivative.

fn batch_norm(x: vec4f, mean: vec4f, scale: vec4f, shift: vec4f) -> vec4f {
    return (x - mean) * scale + shift;
}

fn batch_norm_deviation(variance: vec4f, epsilon: f32) -> vec4f {
    return 1 / sqrt(variance + epsilon);
}

fn batch_norm_deviation_gradient(upstream: vec4f, r: vec4f) -> vec4f {
    return -0.5 * upstream * r * r * r;
}
