// Softmax of each row of a matrix, or its logarithm:
//
//     y[j] = exp(x[j] - max x) / sum over i of exp(x[i] - max x)
//     y[j] = (x[j] - max x) - log(sum over i of exp(x[i] - max x))
//
// Each row is read three times: for its maximum, for the sum, and for the result. On a GPU some invocations side by
// side, the strands, share a row and take its blocks of four columns in turn; on a software adapter each takes a
// row of its own. Comparisons leave a NaN where it is, which max would not.

struct softmax_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> softmax_dims: softmax_extents;
@group(0) @binding(1) var<storage, read> softmax_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> softmax_output: array<f32>;

const softmax_log: bool = false;
const softmax_strands: u32 = 16;
const softmax_rows: u32 = 16;

var<workgroup> softmax_partial: array<f32, softmax_strands * softmax_rows>;

// Four elements of one row; zeros beyond its end.
fn softmax_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < softmax_dims.columns; lane++) {
        block[lane] = softmax_input[row * softmax_dims.columns + column + lane];
    }
    return block;
}

// Four elements of one row, of which those beyond its end are not written.
fn softmax_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < softmax_dims.columns; lane++) {
        softmax_output[row * softmax_dims.columns + column + lane] = value[lane];
    }
}

// The end of a row's columns: 0 for rows that are not there.
fn softmax_end(row: u32) -> u32 {
    return select(0, softmax_dims.columns, row < softmax_dims.rows);
}

fn softmax_larger(left: f32, right: f32) -> f32 {
    return select(left, right, right > left);
}

// exp of elements less their maximum. Below -87 the result would be no normal number, and drivers differ.
fn softmax_exponentials(shifted: vec4f) -> vec4f {
    return exp(select(shifted, vec4f(-87), shifted < vec4f(-87)));
}

// The largest element that one strand, the `first`, of `strands` finds. What is beyond the row's end is seen as its
// first element, which changes nothing.
fn softmax_maximum(row: u32, first: u32, strands: u32) -> f32 {
    let end = softmax_end(row);
    if (end == 0) {
        return 0;
    }
    let start = vec4f(softmax_load(row, 0).x);
    var largest = start;
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let inside = column + vec4u(0, 1, 2, 3) < vec4u(end);
        let block = select(start, softmax_load(row, column), inside);
        largest = select(largest, block, block > largest);
    }
    return softmax_larger(softmax_larger(largest.x, largest.y), softmax_larger(largest.z, largest.w));
}

// One strand's share of the sum of exponentials.
fn softmax_sum(row: u32, maximum: f32, first: u32, strands: u32) -> f32 {
    let end = softmax_end(row);
    var sums = vec4f();
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let inside = column + vec4u(0, 1, 2, 3) < vec4u(end);
        sums += select(vec4f(), softmax_exponentials(softmax_load(row, column) - maximum), inside);
    }
    return (sums.x + sums.y) + (sums.z + sums.w);
}

fn softmax_finish(row: u32, maximum: f32, sum: f32, first: u32, strands: u32) {
    let end = softmax_end(row);
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let shifted = softmax_load(row, column) - maximum;
        if (softmax_log) {
            softmax_store(row, column, shifted - log(sum));
        } else {
            softmax_store(row, column, softmax_exponentials(shifted) / sum);
        }
    }
}

@compute @workgroup_size(8)
fn softmax_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let row = (group.x + 65535 * group.y) * 8 + local;
    let maximum = softmax_maximum(row, 0, 1);
    softmax_finish(row, maximum, softmax_sum(row, maximum, 0, 1), 0, 1);
}

@compute @workgroup_size(softmax_strands, softmax_rows)
fn softmax(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let row = (group.x + 65535 * group.y) * softmax_rows + invocation.y;
    let start = invocation.y * softmax_strands;
    softmax_partial[local] = softmax_maximum(row, invocation.x, softmax_strands);
    for (var stride = softmax_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            softmax_partial[local] = softmax_larger(softmax_partial[local], softmax_partial[local + stride]);
        }
    }
    workgroupBarrier();
    let maximum = softmax_partial[start];
    workgroupBarrier();
    softmax_partial[local] = softmax_sum(row, maximum, invocation.x, softmax_strands);
    for (var stride = softmax_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            softmax_partial[local] += softmax_partial[local + stride];
        }
    }
    workgroupBarrier();
    softmax_finish(row, maximum, softmax_partial[start], invocation.x, softmax_strands);
}
