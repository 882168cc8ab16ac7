// Sigmoid linear unit: x s for the sigmoid s = 1 / (1 + e^-x).
//
// Only e^-|x| is computed, which cannot overflow. Beyond 87 it counts as 0, and is no normal number: so that nothing is
// left of it where x is huge. NaN stays NaN.

fn silu(x: vec4f) -> vec4f {
    return x * silu_sigmoid(x);
}

// upstream * s (1 + x (1 - s)), where 1 - s is the sigmoid of -x.
fn silu_gradient(upstream: vec4f, input: vec4f) -> vec4f {
    return upstream * silu_sigmoid(input) * (1.0 + input * silu_sigmoid(-input));
}

fn silu_sigmoid(x: vec4f) -> vec4f {
    let is_beyond = abs(x) > vec4f(87.0);
    let power = select(exp(-select(abs(x), vec4f(0.0), is_beyond)), vec4f(0.0), is_beyond);
    return select(vec4f(1.0), power, x < vec4f(0.0)) / (1.0 + power);
}
