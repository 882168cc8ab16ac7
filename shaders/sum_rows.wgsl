// Sum of a matrix's rows: y[column] = sum over row of x[row, column].
//
// A workgroup makes 32 sums: 8 invocations side by side take four columns each, and of 32 below one another the one
// numbered i takes the rows i, i + 32, i + 64 and so on. A tree in workgroup memory adds up those 32, in a fixed
// order.

struct sum_rows_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> sum_rows_dims: sum_rows_extents;
@group(0) @binding(1) var<storage, read> sum_rows_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> sum_rows_output: array<f32>;

const sum_rows_blocks: u32 = 8;
const sum_rows_strands: u32 = 32;

var<workgroup> sum_rows_partial: array<vec4f, sum_rows_blocks * sum_rows_strands>;

// Four elements of one row; zeros beyond its end.
fn sum_rows_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < sum_rows_dims.columns; lane++) {
        block[lane] = sum_rows_input[row * sum_rows_dims.columns + column + lane];
    }
    return block;
}

// Four sums, of which those beyond the last column are not written.
fn sum_rows_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < sum_rows_dims.columns; lane++) {
        sum_rows_output[row + column + lane] = value[lane];
    }
}

@compute @workgroup_size(sum_rows_blocks, sum_rows_strands)
fn sum_rows(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let column = 4 * ((group.x + 65535 * group.y) * sum_rows_blocks + invocation.x);
    let inside = column < sum_rows_dims.columns;
    var total = vec4f();
    if (inside) {
        for (var row = invocation.y; row < sum_rows_dims.rows; row += sum_rows_strands) {
            total += sum_rows_load(row, column);
        }
    }
    sum_rows_partial[local] = total;
    for (var stride = sum_rows_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.y < stride) {
            sum_rows_partial[local] += sum_rows_partial[local + stride * sum_rows_blocks];
        }
    }
    if (inside && invocation.y == 0) {
        sum_rows_store(0, column, sum_rows_partial[local]);
    }
}
