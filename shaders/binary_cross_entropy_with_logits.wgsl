// Cross-entropy of the sigmoid of a logit x with a target t in [0, 1]: max(x, 0) - t x + log(1 + e^-|x|), in which
// nothing overflows. |x| is bounded by select, which lets NaN through.

fn binary_cross_entropy_with_logits(logit: vec4f, target_value: vec4f) -> vec4f {
    let positive = select(logit, vec4f(0.0), logit < vec4f(0.0));
    let magnitude = select(abs(logit), vec4f(87.0), abs(logit) > vec4f(87.0));
    return positive - target_value * logit + binary_cross_entropy_with_logits_log(exp(-magnitude));
}

// log(1 + y) for y in [0, 1] without rounding 1 + y: with s = y / (2 + y) it is the series 2 (s + s^3/3 + s^5/5 + ...),
// which ends at s^15. What is left out is below 1e-9, since s is at most 1/3.
fn binary_cross_entropy_with_logits_log(y: vec4f) -> vec4f {
    let s = y / (2.0 + y);
    let square = s * s;
    var series = square / 15.0 + 1.0 / 13.0;
    series = series * square + 1.0 / 11.0;
    series = series * square + 1.0 / 9.0;
    series = series * square + 1.0 / 7.0;
    series = series * square + 1.0 / 5.0;
    series = series * square + 1.0 / 3.0;
    series = series * square + 1.0;
    return 2.0 * s * series;
}
