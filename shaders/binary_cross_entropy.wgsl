// Cross-entropy of a probability p with a target t in [0, 1]:
// -(t max(log p, -100) + (1 - t) max(log(1 - p), -100)).

fn binary_cross_entropy(probability: vec4f, target_value: vec4f) -> vec4f {
    let yes = binary_cross_entropy_log(probability);
    let no = binary_cross_entropy_log(1.0 - probability);
    return -(target_value * yes + (1.0 - target_value) * no);
}

// upstream * (p - t) / max(p (1 - p), 1e-12)
fn binary_cross_entropy_gradient(upstream: vec4f, probability: vec4f, target_value: vec4f) -> vec4f {
    let variance = probability * (1.0 - probability);
    let divisor = select(variance, vec4f(1e-12), variance < vec4f(1e-12));
    return upstream * (probability - target_value) / divisor;
}

// max(log p, -100) without a logarithm of zero, and with NaN for NaN. What is below the smallest normal number, which
// adapters may flush to zero, counts as zero.
fn binary_cross_entropy_log(probability: vec4f) -> vec4f {
    let vanishes = probability < vec4f(1.1754944e-38);
    return select(log(select(probability, vec4f(1.0), vanishes)), vec4f(-100.0), vanishes);
}
