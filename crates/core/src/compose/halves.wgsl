// Four numbers that f16 (IEEE 754 binary16) holds exactly, infinity and NaN among them, as two words, the first number in
// the lowest bits.
//
// By integers: SwiftShader's `pack2x16float` makes 6.1154e-5 of 2^-14, which f16 holds, and llvmpipe's truncates. Below 2^-14,
// f16 counts steps of 2^-24, as f32 does in its last bits between 0.5 and 1.
fn halves_pack(value: vec4f) -> vec2u {
    let bits = bitcast<vec4u>(value);
    let magnitude = bits & vec4u(0x7fffffffu);
    let steps = bitcast<vec4u>(bitcast<vec4f>(magnitude) + 0.5) - vec4u(0x3f000000u);
    let finite = select((magnitude >> vec4u(13u)) - vec4u(0x1c000u), steps, magnitude < vec4u(0x38800000u));
    let special = select(vec4u(0x7c00u), vec4u(0x7e00u), magnitude > vec4u(0x7f800000u));
    let halves = select(finite, special, magnitude >= vec4u(0x7f800000u)) | ((bits >> vec4u(16u)) & vec4u(0x8000u));
    return halves.xz | (halves.yw << vec2u(16u));
}
