// Exponential linear unit: x where x > 0, else alpha * (e^x - 1).
//
// From -0.5 to 0, where e^x - 1 would cancel, the Taylor series up to x^8 takes its place: what is left out is below 2e-8
// of the result.

fn elu(x: vec4f, alpha: f32) -> vec4f {
    var series = 1.0 + x / 8.0;
    series = 1.0 + x / 7.0 * series;
    series = 1.0 + x / 6.0 * series;
    series = 1.0 + x / 5.0 * series;
    series = 1.0 + x / 4.0 * series;
    series = 1.0 + x / 3.0 * series;
    series = 1.0 + x / 2.0 * series;
    let below = select(x * series, elu_power(x) - 1.0, x < vec4f(-0.5));
    return select(alpha * below, x, x > vec4f(0.0));
}

// upstream where x > 0, else upstream * alpha * e^x: the derivative at 0 is alpha.
fn elu_gradient(upstream: vec4f, x: vec4f, alpha: f32) -> vec4f {
    return select(upstream * (alpha * elu_power(x)), upstream, x > vec4f(0.0));
}

// e^x, for x from -87 to 0, by select, which lets NaN through.
fn elu_power(x: vec4f) -> vec4f {
    let below = select(x, vec4f(-87.0), x < vec4f(-87.0));
    return exp(select(below, vec4f(0.0), x > vec4f(0.0)));
}
