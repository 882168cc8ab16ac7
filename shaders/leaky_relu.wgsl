// Leaky rectified linear unit: x where x > 0, else slope * x.

fn leaky_relu(x: vec4f, slope: f32) -> vec4f {
    return select(x * slope, x, x > vec4f(0.0));
}

// upstream where output > 0, else slope * upstream: the derivative at 0 is the slope.
fn leaky_relu_gradient(upstream: vec4f, output: vec4f, slope: f32) -> vec4f {
    return select(upstream * slope, upstream, output > vec4f(0.0));
}
