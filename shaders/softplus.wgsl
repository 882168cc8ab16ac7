// Softplus: log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). |x| is bounded by select, which lets NaN through.

fn softplus(x: vec4f) -> vec4f {
    return select(x, vec4f(0.0), x < vec4f(0.0)) + softplus_log(softplus_power(x));
}

// upstream / (1 + e^-x)
fn softplus_gradient(upstream: vec4f, input: vec4f) -> vec4f {
    let power = softplus_power(input);
    return upstream * select(vec4f(1.0), power, input < vec4f(0.0)) / (1.0 + power);
}

// e^-|x|
fn softplus_power(x: vec4f) -> vec4f {
    return exp(-select(abs(x), vec4f(87.0), abs(x) > vec4f(87.0)));
}

// log(1 + y) for y in [0, 1] without rounding 1 + y: with s = y / (2 + y) it is the series 2 (s + s^3/3 + s^5/5 + ...),
// which ends at s^15. What is left out is below 1e-9, since s is at most 1/3.
fn softplus_log(y: vec4f) -> vec4f {
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
