// Stochastic gradient descent, as PyTorch's: parameter - learning_rate * (scale * gradient + weight_decay * parameter).
// Where the scale is not positive, the parameter stays: by select, since the gradient may be NaN.

fn sgd(parameter: vec4f, gradient: vec4f, learning_rate: vec4f, weight_decay: vec4f, scale: vec4f) -> vec4f {
    let g = gradient * scale + parameter * weight_decay;
    return select(parameter, parameter - learning_rate * g, scale > vec4f(0.0));
}
