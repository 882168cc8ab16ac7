// Square root.

fn sqrt_positive(x: vec4f) -> vec4f {
    return sqrt(x);
}

// upstream / (2 y) for the output y, which counts as the root of the smallest normal number where it is below that.
fn sqrt_gradient(upstream: vec4f, output: vec4f) -> vec4f {
    let smallest = vec4f(1.0842022e-19);
    return 0.5 * upstream / select(output, smallest, output < smallest);
}
