// Logistic function: 1 / (1 + e^-x).
//
// Only e^-|x| is computed, which cannot overflow: the result is 1 / (1 + e^-|x|) for x >= 0 and e^-|x| / (1 + e^-|x|)
// below, which keeps its relative precision. |x| is clamped by select, which lets NaN through.

fn sigmoid(x: vec4f) -> vec4f {
    let magnitude = select(abs(x), vec4f(87.0), abs(x) > vec4f(87.0));
    let power = sigmoid_exp(-magnitude);
    return select(vec4f(1.0), power, x < vec4f(0.0)) / (1.0 + power);
}

// upstream * y (1 - y) for the output y.
fn sigmoid_gradient(upstream: vec4f, output: vec4f) -> vec4f {
    return upstream * (output * (1.0 - output));
}

// e^x for x in [-87, 0], since the built-in exp may be wrong by 3 + 2 |x| ULP.
//
// With x = k ln 2 + r and |r| <= ln(2) / 2 it is 2^k e^r. ln 2 is taken in two parts, of which 355/512 has exact
// products with k. The Taylor series of e^r ends at r^7: what is left out is below 6e-9.
fn sigmoid_exp(x: vec4f) -> vec4f {
    let k = floor(x * 1.44269504 + 0.5);
    let r = (x - k * 0.693359375) + k * 2.12194440e-4;
    var series = vec4f(1.0 / 5040.0);
    series = series * r + 1.0 / 720.0;
    series = series * r + 1.0 / 120.0;
    series = series * r + 1.0 / 24.0;
    series = series * r + 1.0 / 6.0;
    series = series * r + 0.5;
    series = series * r + 1.0;
    series = series * r + 1.0;
    let exponent = vec4u(vec4i(k) + 127);
    return series * bitcast<vec4f>(exponent << vec4u(23u));
}
