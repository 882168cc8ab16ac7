// Inverted dropout: x * scale where r >= threshold, else 0.
//
// r is lane i % 4 of Philox4x32 for element i, with the key (seed, stream) and the counter (i / 4, step, 0, 0).
// Philox: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. They publish ten rounds; seven are
// the fewest that pass BigCrush (their table 2), and are taken here.

const dropout_rounds: u32 = 7u;

fn dropout(index: u32, x: vec4f, step: vec4u, threshold: u32, scale: f32, seed: u32, stream: u32) -> vec4f {
    let random = dropout_random(index, step.x, vec2u(seed, stream));
    return select(vec4f(0.0), x * scale, random >= vec4u(threshold));
}

// The random numbers of four consecutive elements, which are of two blocks unless the first index divides by four.
fn dropout_random(index: u32, step: u32, key: vec2u) -> vec4u {
    let first = dropout_philox(vec4u(index / 4u, step, 0u, 0u), key);
    if (index % 4u == 0u) {
        return first;
    }
    let second = dropout_philox(vec4u(index / 4u + 1u, step, 0u, 0u), key);
    switch index % 4u {
        case 1u: { return vec4u(first.yzw, second.x); }
        case 2u: { return vec4u(first.zw, second.xy); }
        default: { return vec4u(first.w, second.xyz); }
    }
}

fn dropout_philox(block: vec4u, key: vec2u) -> vec4u {
    let factors = vec2u(0xd2511f53u, 0xcd9e8d57u);
    var counter = block;
    var round_key = key;
    for (var round = 0u; round < dropout_rounds; round++) {
        let high = dropout_mul_high(factors, counter.xz);
        let low = factors * counter.xz;
        counter = vec4u(high.y ^ counter.y ^ round_key.x, low.y, high.x ^ counter.w ^ round_key.y, low.x);
        round_key += vec2u(0x9e3779b9u, 0xbb67ae85u);
    }
    return counter;
}

// The upper 32 of the 64 bits of a product, in halves of 16 bits: WGSL has no wider integers.
fn dropout_mul_high(left: vec2u, right: vec2u) -> vec2u {
    let mask = vec2u(0xffffu);
    let shift = vec2u(16u);
    let left_low = left & mask;
    let left_high = left >> shift;
    let right_low = right & mask;
    let right_high = right >> shift;
    let middle = left_high * right_low + ((left_low * right_low) >> shift);
    let other = left_low * right_high + (middle & mask);
    return left_high * right_high + (middle >> shift) + (other >> shift);
}
