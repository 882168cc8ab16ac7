// The clock (step, position, update, stop): where the scale is positive the counts advance, else stop becomes 1.

fn tick(clock: vec4u, scale: vec4f, step: u32, position: u32, update: u32) -> vec4u {
    let stopped = vec4u(clock.xyz, 1u);
    return select(stopped, clock + vec4u(step, position, update, 0u), scale > vec4f(0.0));
}
