// Where the largest elements are, and their gradient: the upstream gradient, shared evenly among equals.

// 1 for each element that is the largest, else 0.
fn max_ties(x: vec4f, largest: vec4f) -> vec4f {
    return select(vec4f(), vec4f(1), x == largest);
}

fn max_gradient(upstream: vec4f, ties: vec4f, count: vec4f) -> vec4f {
    return ties * (upstream / count);
}
