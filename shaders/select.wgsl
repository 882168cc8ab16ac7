// One of two numbers: the first where the condition is not 0, else the second.

fn select_element(condition: vec4f, chosen: vec4f, other: vec4f) -> vec4f {
    return select(other, chosen, condition != vec4f(0.0));
}
