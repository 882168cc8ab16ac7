// Rectified linear unit: x where x > 0, else 0. NaN stays NaN, which max(x, 0) would not promise.

fn relu(x: vec4f) -> vec4f {
    return select(x, vec4f(0.0), x <= vec4f(0.0));
}

// upstream where output > 0, else 0: the derivative at 0 is 0.
fn relu_gradient(upstream: vec4f, output: vec4f) -> vec4f {
    return select(vec4f(0.0), upstream, output > vec4f(0.0));
}
