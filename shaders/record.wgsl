// Writes the means of a step's losses and hits into the log's row `step % capacity`, and tells whether the step counts:
//
//     scale = 1 if the mean loss is finite and stop == 0, else 0
//
// After the stop the log stays as it is.
//
// One workgroup: invocation i adds up the blocks of four elements i, i + 256 and so on of both, and a tree in
// workgroup memory adds up the invocations' sums, in a fixed order. Sums carry a NaN to the mean on every driver, as
// minima and maxima might not; whether the mean is finite is read from its bits.

struct record_extents { capacity: u32, loss_rows: u32, loss_columns: u32, hit_rows: u32, hit_columns: u32 }

@group(0) @binding(0) var<uniform> record_dims: record_extents;
@group(0) @binding(1) var<storage, read_write> record_log: array<f32>;
@group(0) @binding(2) var<storage, read> record_step: array<u32>;
@group(0) @binding(3) var<storage, read> record_stop: array<u32>;
@group(0) @binding(4) var<storage, read> record_losses: array<f32>;
@group(0) @binding(5) var<storage, read> record_hits: array<f32>;
@group(0) @binding(6) var<storage, read_write> record_scale: array<f32>;

const record_workgroup_size: u32 = 256;

// The sums of losses and of hits.
var<workgroup> record_partial: array<vec2f, record_workgroup_size>;

fn record_load_step(row: u32, column: u32) -> u32 {
    return record_step[row + column];
}

fn record_load_stop(row: u32, column: u32) -> u32 {
    return record_stop[row + column];
}

// Four losses of one row; zeros beyond its end.
fn record_load_losses(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < record_dims.loss_columns; lane++) {
        block[lane] = record_losses[row * record_dims.loss_columns + column + lane];
    }
    return block;
}

// Four hits of one row; zeros beyond its end.
fn record_load_hits(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < record_dims.hit_columns; lane++) {
        block[lane] = record_hits[row * record_dims.hit_columns + column + lane];
    }
    return block;
}

fn record_store_scale(row: u32, column: u32, value: f32) {
    record_scale[row + column] = value;
}

fn record_sum_losses(local: u32) -> f32 {
    let blocks_across = (record_dims.loss_columns + 3) / 4;
    let blocks = record_dims.loss_rows * blocks_across;
    var total = vec4f();
    for (var block = local; block < blocks; block += record_workgroup_size) {
        let row = block / blocks_across;
        total += record_load_losses(row, 4 * (block - row * blocks_across));
    }
    return (total.x + total.y) + (total.z + total.w);
}

fn record_sum_hits(local: u32) -> f32 {
    let blocks_across = (record_dims.hit_columns + 3) / 4;
    let blocks = record_dims.hit_rows * blocks_across;
    var total = vec4f();
    for (var block = local; block < blocks; block += record_workgroup_size) {
        let row = block / blocks_across;
        total += record_load_hits(row, 4 * (block - row * blocks_across));
    }
    return (total.x + total.y) + (total.z + total.w);
}

@compute @workgroup_size(record_workgroup_size)
fn record(@builtin(local_invocation_index) local: u32) {
    record_partial[local] = vec2f(record_sum_losses(local), record_sum_hits(local));
    for (var stride = record_workgroup_size / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (local < stride) {
            record_partial[local] += record_partial[local + stride];
        }
    }
    if (local == 0) {
        let losses = f32(record_dims.loss_rows * record_dims.loss_columns);
        let hits = f32(record_dims.hit_rows * record_dims.hit_columns);
        let mean = record_partial[0] / vec2f(losses, hits);
        let runs = record_load_stop(0, 0) == 0;
        if (runs) {
            let row = record_load_step(0, 0) % record_dims.capacity;
            record_log[2 * row] = mean.x;
            record_log[2 * row + 1] = mean.y;
        }
        let finite = (bitcast<u32>(mean.x) & 0x7f800000) != 0x7f800000;
        record_store_scale(0, 0, select(0.0, 1.0, finite && runs));
    }
}
