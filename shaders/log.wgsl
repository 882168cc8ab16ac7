// Natural logarithm, at least that of the smallest normal number.

fn log_raised(x: vec4f) -> vec4f {
    return log(log_argument(x));
}

// upstream / x
fn log_gradient(upstream: vec4f, input: vec4f) -> vec4f {
    return upstream / log_argument(input);
}

// What lies between 0 and the smallest normal number, which adapters may flush to zero, counts as that number.
fn log_argument(x: vec4f) -> vec4f {
    let smallest = vec4f(1.1754944e-38);
    return select(x, smallest, (x >= vec4f(0.0)) & (x < smallest));
}
