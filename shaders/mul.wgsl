// Product, element by element: left * right.

fn mul(left: vec4f, right: vec4f) -> vec4f {
    return left * right;
}
