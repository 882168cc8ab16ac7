// Gradient descent with momentum, as PyTorch's: velocity' = momentum * velocity + scale * gradient, and
// parameter' = parameter - learning_rate * velocity'. Where the scale is not positive, nothing changes: by select,
// since the gradient may be NaN.

struct momentum_result { parameter: vec4f, velocity: vec4f }

fn momentum(
    parameter: vec4f, gradient: vec4f, velocity: vec4f, learning_rate: vec4f, scale: vec4f, momentum: f32,
) -> momentum_result {
    let runs = scale > vec4f(0.0);
    let next = velocity * momentum + gradient * scale;
    return momentum_result(select(parameter, parameter - learning_rate * next, runs), select(velocity, next, runs));
}
