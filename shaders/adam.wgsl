// Adam (Kingma and Ba, 2015), as PyTorch's, with g = scale * gradient:
// m' = beta1 m + (1 - beta1) g
// v' = beta2 v + (1 - beta2) g^2
// parameter' = parameter - learning_rate * (m' correction1) / (sqrt(v' correction2) + epsilon)
//
// The complements of the betas are constants of their own, since 1 - beta2 in f32 loses digits. Where the scale is not
// positive, nothing changes: by select, since the gradient may be NaN.

struct adam_result { parameter: vec4f, first_moment: vec4f, second_moment: vec4f }

fn adam(
    parameter: vec4f, gradient: vec4f, first_moment: vec4f, second_moment: vec4f,
    learning_rate: vec4f, correction1: vec4f, correction2: vec4f, scale: vec4f,
    beta1: f32, complement1: f32, beta2: f32, complement2: f32, epsilon: f32,
) -> adam_result {
    let runs = scale > vec4f(0.0);
    let scaled = gradient * scale;
    let first = first_moment * beta1 + scaled * complement1;
    let second = second_moment * beta2 + scaled * scaled * complement2;
    let change = learning_rate * (first * correction1) / (sqrt(second * correction2) + epsilon);
    return adam_result(
        select(parameter, parameter - change, runs),
        select(first_moment, first, runs),
        select(second_moment, second, runs),
    );
}
