// Gradient descent with momentum, as PyTorch's, with g = scale * gradient + weight_decay * parameter:
// velocity' = momentum * velocity + g
// parameter' = parameter - learning_rate * velocity', or with Nesterov's - learning_rate * (g + momentum * velocity')
//
// Where the scale is not positive, nothing changes: by select, since the gradient may be NaN.

struct momentum_result { parameter: vec4f, velocity: vec4f }

fn momentum(
    parameter: vec4f, gradient: vec4f, velocity: vec4f, learning_rate: vec4f, momentum: vec4f,
    weight_decay: vec4f, scale: vec4f, nesterov: bool,
) -> momentum_result {
    let runs = scale > vec4f(0.0);
    let g = gradient * scale + parameter * weight_decay;
    let next = velocity * momentum + g;
    let direction = select(next, next * momentum + g, nesterov);
    return momentum_result(select(parameter, parameter - learning_rate * direction, runs), select(velocity, next, runs));
}
