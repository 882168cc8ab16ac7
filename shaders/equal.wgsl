// 1 where left == right, else 0.

fn equal(left: vec4f, right: vec4f) -> vec4f {
    return select(vec4f(0.0), vec4f(1.0), left == right);
}
