// Negation.

fn neg(x: vec4f) -> vec4f {
    return -x;
}

fn neg_gradient(upstream: vec4f) -> vec4f {
    return -upstream;
}
