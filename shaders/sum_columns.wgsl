// Sum of a matrix's columns: y[row] = sum over column of x[row, column].
//
// A workgroup makes 16 sums. For each, 16 invocations side by side take every 16th block of four columns, and a tree
// in workgroup memory adds up what they have, in a fixed order.

struct sum_columns_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> sum_columns_dims: sum_columns_extents;
@group(0) @binding(1) var<storage, read> sum_columns_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> sum_columns_output: array<f32>;

const sum_columns_strands: u32 = 16;
const sum_columns_rows: u32 = 16;

var<workgroup> sum_columns_partial: array<f32, sum_columns_strands * sum_columns_rows>;

// Four elements of one row; zeros beyond its end.
fn sum_columns_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < sum_columns_dims.columns; lane++) {
        block[lane] = sum_columns_input[row * sum_columns_dims.columns + column + lane];
    }
    return block;
}

// The sums are a matrix of one row.
fn sum_columns_store(row: u32, column: u32, value: f32) {
    sum_columns_output[row + column] = value;
}

@compute @workgroup_size(sum_columns_strands, sum_columns_rows)
fn sum_columns(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let row = (group.x + 65535 * group.y) * sum_columns_rows + invocation.y;
    let inside = row < sum_columns_dims.rows;
    var total = vec4f();
    if (inside) {
        for (var column = 4 * invocation.x; column < sum_columns_dims.columns; column += 4 * sum_columns_strands) {
            total += sum_columns_load(row, column);
        }
    }
    sum_columns_partial[local] = (total.x + total.y) + (total.z + total.w);
    for (var stride = sum_columns_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            sum_columns_partial[local] += sum_columns_partial[local + stride];
        }
    }
    if (inside && invocation.x == 0) {
        sum_columns_store(0, row, sum_columns_partial[local]);
    }
}
