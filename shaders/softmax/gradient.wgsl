// The gradient of softmax y of each row, or of its logarithm y, for an upstream gradient g:
//
//     dx[j] = y[j] * (g[j] - sum over i of g[i] * y[i])
//     dx[j] = g[j] - exp(y[j]) * sum over i of g[i]
//
// Each row is read twice. On a GPU some invocations side by side, the strands, share a row and take its blocks
// of four columns in turn; on a software adapter each takes a row of its own.

struct softmax_gradient_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> softmax_gradient_dims: softmax_gradient_extents;
@group(0) @binding(1) var<storage, read> softmax_gradient_upstream: array<f32>;
@group(0) @binding(2) var<storage, read> softmax_gradient_output: array<f32>;
@group(0) @binding(3) var<storage, read_write> softmax_gradient_input: array<f32>;

const softmax_gradient_log: bool = false;
const softmax_gradient_strands: u32 = 16;
const softmax_gradient_rows: u32 = 16;

var<workgroup> softmax_gradient_partial: array<f32, softmax_gradient_strands * softmax_gradient_rows>;

// Four elements of one row; zeros beyond its end.
fn softmax_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < softmax_gradient_dims.columns; lane++) {
        block[lane] = softmax_gradient_upstream[row * softmax_gradient_dims.columns + column + lane];
    }
    return block;
}

fn softmax_gradient_load_output(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < softmax_gradient_dims.columns; lane++) {
        block[lane] = softmax_gradient_output[row * softmax_gradient_dims.columns + column + lane];
    }
    return block;
}

// Four elements of one row, of which those beyond its end are not written.
fn softmax_gradient_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < softmax_gradient_dims.columns; lane++) {
        softmax_gradient_input[row * softmax_gradient_dims.columns + column + lane] = value[lane];
    }
}

// The end of a row's columns: 0 for rows that are not there.
fn softmax_gradient_end(row: u32) -> u32 {
    return select(0, softmax_gradient_dims.columns, row < softmax_gradient_dims.rows);
}

// The share of a row's sum of one strand, the `first`, of `strands`.
fn softmax_gradient_sum(row: u32, first: u32, strands: u32) -> f32 {
    let end = softmax_gradient_end(row);
    var sums = vec4f();
    for (var column = 4 * first; column < end; column += 4 * strands) {
        var terms = softmax_gradient_load_upstream(row, column);
        if (!softmax_gradient_log) {
            terms *= softmax_gradient_load_output(row, column);
        }
        sums += terms;
    }
    return (sums.x + sums.y) + (sums.z + sums.w);
}

fn softmax_gradient_finish(row: u32, sum: f32, first: u32, strands: u32) {
    let end = softmax_gradient_end(row);
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let upstream = softmax_gradient_load_upstream(row, column);
        let output = softmax_gradient_load_output(row, column);
        if (softmax_gradient_log) {
            softmax_gradient_store(row, column, upstream - exp(max(output, vec4f(-87))) * sum);
        } else {
            softmax_gradient_store(row, column, output * (upstream - sum));
        }
    }
}

@compute @workgroup_size(8)
fn softmax_gradient_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let row = (group.x + 65535 * group.y) * 8 + local;
    softmax_gradient_finish(row, softmax_gradient_sum(row, 0, 1), 0, 1);
}

@compute @workgroup_size(softmax_gradient_strands, softmax_gradient_rows)
fn softmax_gradient(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let row = (group.x + 65535 * group.y) * softmax_gradient_rows + invocation.y;
    softmax_gradient_partial[local] = softmax_gradient_sum(row, invocation.x, softmax_gradient_strands);
    for (var stride = softmax_gradient_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            softmax_gradient_partial[local] += softmax_gradient_partial[local + stride];
        }
    }
    workgroupBarrier();
    let sum = softmax_gradient_partial[invocation.y * softmax_gradient_strands];
    softmax_gradient_finish(row, sum, invocation.x, softmax_gradient_strands);
}
