// Power with a fixed exponent. Where that is a whole number from -16 to 16 it is made of products, which are exact to a
// rounding each and take numbers of either sign.

fn power(x: vec4f, exponent: f32) -> vec4f {
    if (floor(exponent) == exponent && abs(exponent) <= 16.0) {
        let product = power_product(x, u32(abs(exponent)));
        return select(product, 1.0 / product, vec4<bool>(exponent < 0.0));
    }
    // The built-in function may take the logarithm of 0.
    return select(pow(x, vec4f(exponent)), vec4f(0.0), (x == vec4f(0.0)) & vec4<bool>(exponent > 0.0));
}

// x^exponent by squaring.
fn power_product(x: vec4f, exponent: u32) -> vec4f {
    var product = vec4f(1.0);
    var square = x;
    for (var rest = exponent; rest > 0u; rest >>= 1u) {
        if ((rest & 1u) == 1u) {
            product *= square;
        }
        square *= square;
    }
    return product;
}

// upstream * exponent * x^(exponent - 1); 0 for an exponent of 0.
fn power_gradient(upstream: vec4f, input: vec4f, exponent: f32) -> vec4f {
    if (exponent == 0.0) {
        return vec4f(0.0);
    }
    return upstream * exponent * power(input, exponent - 1.0);
}
