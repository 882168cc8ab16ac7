// Absolute value.

fn abs_value(x: vec4f) -> vec4f {
    return abs(x);
}

// upstream * sign(x): the derivative at 0 is 0.
fn abs_gradient(upstream: vec4f, input: vec4f) -> vec4f {
    return upstream * sign(input);
}
