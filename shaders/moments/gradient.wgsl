// The gradient of the mean and the variance of the rows of x: each row's share, one over their number, of both.
fn moments_gradient(x: vec4f, mean: vec4f, of_mean: vec4f, of_variance: vec4f, share: f32) -> vec4f {
    return share * (of_mean + 2 * of_variance * (x - mean));
}
