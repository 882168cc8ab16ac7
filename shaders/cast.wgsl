// Rounds f32 to what f16 (IEEE 754 binary16) holds: to the nearest, of two the even one; from 65520 on to infinity. NaN
// stays NaN.
//
// By integers, since `pack2x16float` may round either way (llvmpipe truncates), and what it makes of a number beyond f16
// is not defined. Below 2^-14, where f16 has a fixed step of 2^-24, the steps are counted, which `round` does to the even.

fn cast_narrow(x: vec4f) -> vec4f {
    let bits = bitcast<vec4u>(x);
    let sign = bits & vec4u(0x80000000u);
    let magnitude = bits & vec4u(0x7fffffffu);
    let nearest = (magnitude + vec4u(0xfffu) + ((magnitude >> vec4u(13u)) & vec4u(1u))) & vec4u(0xffffe000u);
    let finite = select(nearest, vec4u(0x7f800000u), nearest >= vec4u(0x47800000u));
    let normal = select(finite, vec4u(0x7fc00000u), magnitude > vec4u(0x7f800000u));
    let is_small = magnitude < vec4u(0x38800000u);
    let steps = round(select(vec4f(), bitcast<vec4f>(magnitude), is_small) * 16777216.0) * 5.9604644775390625e-8;
    return bitcast<vec4f>(select(normal, bitcast<vec4u>(steps), is_small) | sign);
}

fn cast_widen(x: vec4f) -> vec4f {
    return x;
}
