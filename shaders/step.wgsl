// Heaviside's step: 1 where x >= 0, else 0.

fn step_at_zero(x: vec4f) -> vec4f {
    return select(vec4f(0.0), vec4f(1.0), x >= vec4f(0.0));
}

// 0, since the step is flat.
fn step_gradient(upstream: vec4f) -> vec4f {
    return vec4f(0.0);
}
