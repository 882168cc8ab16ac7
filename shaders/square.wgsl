// Square.

fn square(x: vec4f) -> vec4f {
    return x * x;
}

// upstream * 2 x
fn square_gradient(upstream: vec4f, input: vec4f) -> vec4f {
    return 2.0 * upstream * input;
}
