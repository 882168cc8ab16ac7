// 1 where an output lies on the same side of its threshold as the target of one half, else 0.

fn binary_hits(output: vec4f, target_value: vec4f, threshold: f32) -> vec4f {
    return select(vec4f(0.0), vec4f(1.0), (output >= vec4f(threshold)) == (target_value >= vec4f(0.5)));
}
