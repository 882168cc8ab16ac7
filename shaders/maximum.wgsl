// The larger of two numbers. NaN on either side gives NaN, which the built-in max would not promise: that of the right
// because no comparison with it holds, that of the left by its bits.

fn maximum(left: vec4f, right: vec4f) -> vec4f {
    let is_nan = (bitcast<vec4u>(left) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
    return select(right, left, (left > right) | is_nan);
}
