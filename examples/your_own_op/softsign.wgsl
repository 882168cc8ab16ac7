// Softsign: x / (1 + |x|), four elements at a time.
fn softsign(x: vec4f) -> vec4f {
    return x / (1.0 + abs(x));
}

// Its derivative is (1 - |y|)^2 for the output y.
fn softsign_gradient(upstream: vec4f, output: vec4f) -> vec4f {
    let slope = 1.0 - abs(output);
    return upstream * slope * slope;
}
