// Sum of all elements, by one workgroup.
//
// Invocation i adds up the blocks of four elements i, i + 256, i + 512 and so on; a tree in workgroup memory adds up
// the invocations' sums. The order is fixed, so that the same input gives the same bits. One workgroup keeps a large
// GPU mostly idle, so that a sum of millions of elements is slow, if correct: losses and norms are far smaller.

struct sum_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> sum_dims: sum_extents;
@group(0) @binding(1) var<storage, read> sum_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> sum_output: array<f32>;

const sum_workgroup_size: u32 = 256;

var<workgroup> sum_partial: array<f32, sum_workgroup_size>;

// Four elements of one row; zeros beyond its end.
fn sum_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < sum_dims.columns; lane++) {
        block[lane] = sum_input[row * sum_dims.columns + column + lane];
    }
    return block;
}

fn sum_store(row: u32, column: u32, value: f32) {
    sum_output[row + column] = value;
}

@compute @workgroup_size(sum_workgroup_size)
fn sum(@builtin(local_invocation_index) local: u32) {
    let blocks_across = (sum_dims.columns + 3) / 4;
    let blocks = sum_dims.rows * blocks_across;
    var total = vec4f();
    for (var block = local; block < blocks; block += sum_workgroup_size) {
        let row = block / blocks_across;
        total += sum_load(row, 4 * (block - row * blocks_across));
    }
    sum_partial[local] = (total.x + total.y) + (total.z + total.w);
    for (var stride = sum_workgroup_size / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (local < stride) {
            sum_partial[local] += sum_partial[local + stride];
        }
    }
    if (local == 0) {
        sum_store(0, 0, sum_partial[0]);
    }
}
