// Stochastic gradient descent: parameter - learning_rate * scale * gradient. Where the scale is not positive, the
// parameter stays: by select, since the gradient may be NaN.

fn sgd(parameter: vec4f, gradient: vec4f, learning_rate: vec4f, scale: vec4f) -> vec4f {
    return select(parameter, parameter - learning_rate * (gradient * scale), scale > vec4f(0.0));
}
