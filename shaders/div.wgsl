// Quotient, element by element: left / right.

fn div(left: vec4f, right: vec4f) -> vec4f {
    return left / right;
}
