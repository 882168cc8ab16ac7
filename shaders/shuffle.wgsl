// Element i of the batch of a step, in an order of its own for each epoch: a permutation of 0 .. length, applied to
// (step mod steps an epoch) * batch size + i, at most length - 1.
//
// The permutation is a balanced Feistel network of six rounds on numbers of 2 * half_bits bits, the fewest that hold
// the length. What leaves the range goes through it again until it comes back ("cycle walking"; Black and Rogaway,
// "Ciphers with arbitrary finite domains", CT-RSA 2002): at most four times on average.

const shuffle_rounds: u32 = 6u;

fn shuffle(index: u32, step: u32, length: u32, batch_size: u32, steps: u32, half_bits: u32, seed: u32) -> u32 {
    let key = shuffle_mix(shuffle_mix(seed + 0x9e3779b9u) + step / steps);
    var position = min((step % steps) * batch_size + index, length - 1u);
    loop {
        position = shuffle_permute(position, half_bits, key);
        if (position < length) {
            break;
        }
    }
    return position;
}

fn shuffle_permute(position: u32, half_bits: u32, key: u32) -> u32 {
    let mask = (1u << half_bits) - 1u;
    var left = position >> half_bits;
    var right = position & mask;
    for (var round = 0u; round < shuffle_rounds; round++) {
        let next = left ^ (shuffle_mix(key ^ (round << 16u) ^ right) & mask);
        left = right;
        right = next;
    }
    return (left << half_bits) | right;
}

// A bijection in which each bit depends on all: the finalizer of MurmurHash3 (Appleby, 2011; public domain).
fn shuffle_mix(value: u32) -> u32 {
    var bits = value;
    bits = (bits ^ (bits >> 16u)) * 0x85ebca6bu;
    bits = (bits ^ (bits >> 13u)) * 0xc2b2ae35u;
    return bits ^ (bits >> 16u);
}
