// Each element, or the bound that it lies beyond. NaN stays NaN, which the built-in clamp would not promise.

fn clamp_between(x: vec4f, minimum: f32, maximum: f32) -> vec4f {
    let raised = select(x, vec4f(minimum), x < vec4f(minimum));
    return select(raised, vec4f(maximum), raised > vec4f(maximum));
}

// upstream between the bounds, 0 at them and outside.
fn clamp_gradient(upstream: vec4f, input: vec4f, minimum: f32, maximum: f32) -> vec4f {
    return select(vec4f(0.0), upstream, (input > vec4f(minimum)) & (input < vec4f(maximum)));
}
