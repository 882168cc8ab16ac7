// Difference, element by element: left - right.

fn sub(left: vec4f, right: vec4f) -> vec4f {
    return left - right;
}
