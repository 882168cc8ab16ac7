// The clock: the next step where the scale is positive, else the same step and a stop flag that stays.

struct tick_result { step: u32, stop: u32 }

fn tick(step: u32, stop: u32, scale: f32) -> tick_result {
    let runs = scale > 0.0;
    return tick_result(select(step, step + 1u, runs), select(1u, stop, runs));
}
