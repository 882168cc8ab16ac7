// What the gradients of attention need of each query. See gradient.rs for the formulas.
//
//   upstream, output  [rows, columns]
//   sums              [rows, 2]    the largest score of a row, and the sum of its exponentials relative to that
//   statistics        [rows, 4]    the largest score, the reciprocal of the sum, the mean, 0
//
// Each invocation has a row.
//
// Dispatch ceil(rows / workgroup size) workgroups.

struct attention_statistics_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> attention_statistics_dims: attention_statistics_extents;
@group(0) @binding(1) var<storage, read> attention_statistics_upstream: array<vec4f>;
@group(0) @binding(2) var<storage, read> attention_statistics_output: array<vec4f>;
@group(0) @binding(3) var<storage, read> attention_statistics_sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> attention_statistics_result: array<vec4f>;

const attention_statistics_workgroup_size: u32 = 64;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want
// columns in multiples of four.
fn attention_statistics_load_upstream(row: u32, column: u32) -> vec4f {
    return attention_statistics_upstream[(row * attention_statistics_dims.columns + column) / 4];
}

fn attention_statistics_load_output(row: u32, column: u32) -> vec4f {
    return attention_statistics_output[(row * attention_statistics_dims.columns + column) / 4];
}

// Hook: one of two elements of a row.
fn attention_statistics_load_sums(row: u32, column: u32) -> f32 {
    return attention_statistics_sums[2 * row + column];
}

// Hook: a row to be stored.
fn attention_statistics_store(row: u32, column: u32, value: vec4f) {
    attention_statistics_result[row + column / 4] = value;
}

@compute @workgroup_size(attention_statistics_workgroup_size)
fn attention_statistics(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let dims = attention_statistics_dims;
    let row = (group.x + 65535 * group.y) * attention_statistics_workgroup_size + local;
    if (row >= dims.rows) {
        return;
    }
    var products = vec4f();
    // group.z is 0, but that is not known when the loop is compiled: it would be compiled again at every submission.
    for (var column = 0u; column < dims.columns + group.z; column += 4) {
        products += attention_statistics_load_upstream(row, column) * attention_statistics_load_output(row, column);
    }
    let mean = (products.x + products.y) + (products.z + products.w);
    let maximum = attention_statistics_load_sums(row, 0);
    let sum = attention_statistics_load_sums(row, 1);
    attention_statistics_store(row, 0, vec4f(maximum, 1 / sum, mean, 0));
}
