// Hyperbolic tangent. The built-in one may be wrong by 1e-5, and NaN for large arguments on some drivers.
//
// For |x| >= 1 it is (1 - e) / (1 + e) with e = e^-2|x|. Below that 1 - e would cancel; there it is the fifth
// convergent of Lambert's continued fraction x / (1 + x^2 / (3 + x^2 / (5 + ...))), which is exact to 1e-8.
// |x| is clamped, to where the result is 1 in f32, by select, which lets NaN through.

fn tanh_activation(x: vec4f) -> vec4f {
    let magnitude = select(abs(x), vec4f(10.0), abs(x) > vec4f(10.0));
    let power = exp(-2.0 * magnitude);
    let square = magnitude * magnitude;
    let numerator = magnitude * ((square + 105.0) * square + 945.0);
    let denominator = (15.0 * square + 420.0) * square + 945.0;
    let near = magnitude < vec4f(1.0);
    let result = select(1.0 - power, numerator, near) / select(1.0 + power, denominator, near);
    return select(result, -result, x < vec4f(0.0));
}

// upstream * (1 - y^2) for the output y.
fn tanh_gradient(upstream: vec4f, output: vec4f) -> vec4f {
    return upstream * ((1.0 - output) * (1.0 + output));
}
