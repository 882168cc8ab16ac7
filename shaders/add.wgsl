// Sum, element by element: left + right.

fn add(left: vec4f, right: vec4f) -> vec4f {
    return left + right;
}
