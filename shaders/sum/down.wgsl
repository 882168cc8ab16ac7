// Sums over the middle axis of a tensor [outer, extent, columns], whole or in parts of `chunk`:
//
//     y[o * parts + part, j] = sum over i in part * chunk .. (part + 1) * chunk of x[o, i, j]
//
// An invocation adds up four columns at a time. On a GPU some, the strands, share a sum and take its rows in turn;
// a tree in workgroup memory adds up what they have. On a software adapter each makes its sums alone. Both orders are
// fixed, so that the same input gives the same bits.

struct sum_down_extents { rows: u32, extent: u32, columns: u32, chunk: u32, parts: u32 }

@group(0) @binding(0) var<uniform> sum_down_dims: sum_down_extents;
@group(0) @binding(1) var<storage, read> sum_down_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> sum_down_output: array<f32>;

const sum_down_blocks: u32 = 8;
const sum_down_strands: u32 = 32;

var<workgroup> sum_down_partial: array<vec4f, sum_down_blocks * sum_down_strands>;

// Four elements of one row; zeros beyond its end.
fn sum_down_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < sum_down_dims.columns; lane++) {
        block[lane] = sum_down_input[row * sum_down_dims.columns + column + lane];
    }
    return block;
}

// Four sums, of which those beyond the last column are not written.
fn sum_down_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < sum_down_dims.columns; lane++) {
        sum_down_output[row * sum_down_dims.columns + column + lane] = value[lane];
    }
}

// The output's row, and its first column, of a block of four.
fn sum_down_place(block: u32) -> vec2u {
    let blocks_across = (sum_down_dims.columns + 3) / 4;
    let row = block / blocks_across;
    return vec2u(row, 4 * (block - row * blocks_across));
}

// The share of one strand, the `first`, of `strands` that make four sums. Beyond the last row there is nothing to add.
fn sum_down_strand(place: vec2u, first: u32, strands: u32) -> vec4f {
    let outer = place.x / sum_down_dims.parts;
    let begin = (place.x - outer * sum_down_dims.parts) * sum_down_dims.chunk;
    let end = select(0, min(begin + sum_down_dims.chunk, sum_down_dims.extent), place.x < sum_down_dims.rows);
    var total = vec4f();
    for (var row = begin + first; row < end; row += strands) {
        total += sum_down_load(outer * sum_down_dims.extent + row, place.y);
    }
    return total;
}

@compute @workgroup_size(8)
fn sum_down_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let place = sum_down_place((group.x + 65535 * group.y) * 8 + local);
    if (place.x < sum_down_dims.rows) {
        sum_down_store(place.x, place.y, sum_down_strand(place, 0, 1));
    }
}

@compute @workgroup_size(sum_down_blocks, sum_down_strands)
fn sum_down(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let place = sum_down_place((group.x + 65535 * group.y) * sum_down_blocks + invocation.x);
    sum_down_partial[local] = sum_down_strand(place, invocation.y, sum_down_strands);
    for (var stride = sum_down_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.y < stride) {
            sum_down_partial[local] += sum_down_partial[local + stride * sum_down_blocks];
        }
    }
    if (place.x < sum_down_dims.rows && invocation.y == 0) {
        sum_down_store(place.x, place.y, sum_down_partial[local]);
    }
}
