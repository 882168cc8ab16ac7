// Element i of the batch of a step, in order: (step mod steps an epoch) * batch size + i, at most length - 1.

fn sequence(index: u32, step: u32, length: u32, batch_size: u32, steps: u32) -> u32 {
    return min((step % steps) * batch_size + index, length - 1u);
}
