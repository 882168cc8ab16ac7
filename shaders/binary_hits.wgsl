// 1 where a probability and a target lie on the same side of one half, else 0.

fn binary_hits(probability: vec4f, target_value: vec4f) -> vec4f {
    let threshold = vec4f(0.5);
    return select(vec4f(0.0), vec4f(1.0), (probability >= threshold) == (target_value >= threshold));
}
