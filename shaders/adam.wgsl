// Adam (Kingma and Ba, 2015), as PyTorch's, with g = scale * gradient + coupled * parameter:
// m' = beta1 m + (1 - beta1) g
// v' = beta2 v + (1 - beta2) g^2
// parameter' = parameter - learning_rate * (m' correction1 / (sqrt(v' correction2) + epsilon) + decoupled * parameter)
// where the weight decay is one of coupled and decoupled, and the other is 0.
//
// The complement of beta2 is a constant of its own, since 1 - beta2 in f32 loses digits; 1 - beta1 is exact, but for the
// rounding of beta1 itself. Where the scale is not positive, nothing changes: by select, since the gradient may be NaN.

struct adam_result { parameter: vec4f, first_moment: vec4f, second_moment: vec4f }

fn adam(
    parameter: vec4f, gradient: vec4f, first_moment: vec4f, second_moment: vec4f,
    learning_rate: vec4f, beta1: vec4f, correction1: vec4f, correction2: vec4f,
    weight_decay: vec4f, scale: vec4f, beta2: f32, complement2: f32, epsilon: f32, is_decoupled: bool,
) -> adam_result {
    let runs = scale > vec4f(0.0);
    let coupled = select(weight_decay, vec4f(0.0), is_decoupled);
    let decoupled = select(vec4f(0.0), weight_decay, is_decoupled);
    let g = gradient * scale + parameter * coupled;
    let first = first_moment * beta1 + g * (1.0 - beta1);
    let second = second_moment * beta2 + g * g * complement2;
    let direction = (first * correction1) / (sqrt(second * correction2) + epsilon) + parameter * decoupled;
    return adam_result(
        select(parameter, parameter - learning_rate * direction, runs),
        select(first_moment, first, runs),
        select(second_moment, second, runs),
    );
}
