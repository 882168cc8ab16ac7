// Exponential function, which ends at the largest f32. The built-in one may be wrong by 3 + 2 |x| ULP.
//
// With x = k ln 2 + r and |r| <= ln(2) / 2 it is 2^k e^r. ln 2 is taken in two parts, of which 355/512 has exact
// products with k. The Taylor series of e^r ends at r^7: what is left out is below 6e-9. 2^k has two factors, since
// 2^128 alone is no f32. x is bounded by select, which lets NaN through.

fn exp_saturated(x: vec4f) -> vec4f {
    let above = select(x, vec4f(-87.0), x < vec4f(-87.0));
    let bounded = select(above, vec4f(88.7228), above > vec4f(88.7228));
    let k = floor(bounded * 1.44269504 + 0.5);
    let r = (bounded - k * 0.693359375) + k * 2.12194440e-4;
    var series = vec4f(1.0 / 5040.0);
    series = series * r + 1.0 / 720.0;
    series = series * r + 1.0 / 120.0;
    series = series * r + 1.0 / 24.0;
    series = series * r + 1.0 / 6.0;
    series = series * r + 0.5;
    series = series * r + 1.0;
    series = series * r + 1.0;
    let half = vec4i(k) / 2;
    let power = series * exp_power_of_two(half) * exp_power_of_two(vec4i(k) - half);
    return select(power, vec4f(3.4028234e38), x > vec4f(88.7228));
}

fn exp_power_of_two(exponent: vec4i) -> vec4f {
    return bitcast<vec4f>(vec4u(exponent + 127) << vec4u(23u));
}

// upstream * y for the output y.
fn exp_gradient(upstream: vec4f, output: vec4f) -> vec4f {
    return upstream * output;
}
