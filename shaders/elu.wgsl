// Exponential linear unit: x where x > 0, else alpha * (e^x - 1).
//
// From -0.5 to 0, where e^x - 1 would cancel, the Taylor series up to x^8 takes its place: what is left out is below 2e-8
// of the result. Below, x ends at -87, by select, which lets NaN through.

fn elu(x: vec4f, alpha: f32) -> vec4f {
    let bounded = select(x, vec4f(-87.0), x < vec4f(-87.0));
    var series = 1.0 + x / 8.0;
    series = 1.0 + x / 7.0 * series;
    series = 1.0 + x / 6.0 * series;
    series = 1.0 + x / 5.0 * series;
    series = 1.0 + x / 4.0 * series;
    series = 1.0 + x / 3.0 * series;
    series = 1.0 + x / 2.0 * series;
    let below = select(x * series, exp(bounded) - 1.0, x < vec4f(-0.5));
    return select(alpha * below, x, x > vec4f(0.0));
}

// upstream where output > 0, else upstream * (output + alpha): the derivative at 0 is alpha.
fn elu_gradient(upstream: vec4f, output: vec4f, alpha: f32) -> vec4f {
    return select(upstream * (output + alpha), upstream, output > vec4f(0.0));
}
