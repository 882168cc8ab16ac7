// Dynamic loss scaling: the scale and the count of good steps after a step, and what its gradients and their norm are
// multiplied with. Whether the norm is finite is read from its bits. The factor is selected, since 0 times NaN is NaN.

struct rescale_result { scale: vec4f, good_steps: vec4u, factor: vec4f, norm: vec4f }

fn rescale(scale: vec4f, good_steps: vec4u, norm: vec4f, gate: vec4f, growth_interval: u32) -> rescale_result {
    let counts = gate > vec4f(0.0);
    let finite = (bitcast<vec4u>(norm) & vec4u(0x7f800000u)) != vec4u(0x7f800000u);
    let grows = good_steps + 1u >= vec4u(growth_interval);
    // Twice the scale is finite up to 2^127, and half of it normal from 2^-125 on.
    let doubled = select(scale, scale * 2.0, scale < vec4f(0x1p+127f));
    let halved = select(scale, scale * 0.5, scale >= vec4f(0x1p-125f));
    let next = select(halved, select(scale, doubled, grows), finite);
    let count = select(vec4u(), select(good_steps + 1u, vec4u(), grows), finite);
    let runs = counts & finite;
    return rescale_result(
        select(scale, next, counts),
        select(good_steps, count, counts),
        select(vec4f(), gate / scale, runs),
        select(vec4f(), norm / scale, runs),
    );
}
