// Gaussian error linear unit: x times the normal distribution function of x.
//
// For |x| up to 9 the distribution function of -|x| is e^(-x^2 / 2) times a polynomial in t = 1 / (1 + 0.3 |x|), whose
// coefficients interpolate at Chebyshev's points: wrong by 1e-7 of the result at most. Beyond, it counts as 0.

fn gelu(x: vec4f) -> vec4f {
    return x * gelu_distribution(x, gelu_power(x));
}

// upstream * (distribution(x) + x density(x))
fn gelu_gradient(upstream: vec4f, input: vec4f) -> vec4f {
    let power = gelu_power(input);
    return upstream * (gelu_distribution(input, power) + input * (power * 0.398942280));
}

// e^(-x^2 / 2). NaN stays NaN.
fn gelu_power(x: vec4f) -> vec4f {
    let is_beyond = abs(x) > vec4f(9.0);
    let bounded = select(x, vec4f(0.0), is_beyond);
    return select(exp(-0.5 * bounded * bounded), vec4f(0.0), is_beyond);
}

fn gelu_distribution(x: vec4f, power: vec4f) -> vec4f {
    let t = 1.0 / (1.0 + 0.3 * abs(x));
    var series = vec4f(0.0380356833);
    series = series * t - 0.167287558;
    series = series * t + 0.224263638;
    series = series * t - 0.0707856566;
    series = series * t + 0.138021305;
    series = series * t + 0.0968890414;
    series = series * t + 0.121270619;
    series = series * t + 0.11959295;
    let tail = power * (t * series);
    return select(1.0 - tail, tail, x < vec4f(0.0));
}
