// Each row of a matrix, less its mean and divided by its standard deviation:
//
//     y[j] = (x[j] - mean x) * r,    r = 1 / sqrt(variance x + epsilon)
//
// Elements are taken relative to the row's first one, so that a mean that is large against the deviation costs no
// accuracy; the variance is that of the differences from the mean. Each row is read three times. On a GPU some
// invocations side by side, the strands, share a row and take its blocks of four columns in turn; on a software
// adapter each takes a row of its own.

struct layer_norm_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> layer_norm_dims: layer_norm_extents;
@group(0) @binding(1) var<storage, read> layer_norm_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> layer_norm_output: array<f32>;
@group(0) @binding(3) var<storage, read_write> layer_norm_scale: array<f32>;

const layer_norm_epsilon: f32 = 1e-5;
const layer_norm_strands: u32 = 16;
const layer_norm_rows: u32 = 16;

var<workgroup> layer_norm_partial: array<f32, layer_norm_strands * layer_norm_rows>;

// Four elements of one row; zeros beyond its end.
fn layer_norm_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < layer_norm_dims.columns; lane++) {
        block[lane] = layer_norm_input[row * layer_norm_dims.columns + column + lane];
    }
    return block;
}

// Four elements of one row, of which those beyond its end are not written.
fn layer_norm_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < layer_norm_dims.columns; lane++) {
        layer_norm_output[row * layer_norm_dims.columns + column + lane] = value[lane];
    }
}

// The reciprocal deviations are a matrix of one row.
fn layer_norm_store_scale(row: u32, column: u32, value: f32) {
    layer_norm_scale[row + column] = value;
}

// The end of a row's columns: 0 for rows that are not there.
fn layer_norm_end(row: u32) -> u32 {
    return select(0, layer_norm_dims.columns, row < layer_norm_dims.rows);
}

// What elements are taken relative to.
fn layer_norm_shift(row: u32) -> f32 {
    if (row < layer_norm_dims.rows) {
        return layer_norm_load(row, 0).x;
    }
    return 0;
}

// Four elements less the row's first one and the mean of such differences; zeros beyond the row's end.
fn layer_norm_centred(row: u32, column: u32, shift: f32, mean: f32) -> vec4f {
    let inside = column + vec4u(0, 1, 2, 3) < vec4u(layer_norm_dims.columns);
    return select(vec4f(), layer_norm_load(row, column) - shift - mean, inside);
}

// The share of a row's sum of one strand, the `first`, of `strands`.
fn layer_norm_sum(row: u32, shift: f32, first: u32, strands: u32) -> f32 {
    let end = layer_norm_end(row);
    var sums = vec4f();
    for (var column = 4 * first; column < end; column += 4 * strands) {
        sums += layer_norm_centred(row, column, shift, 0);
    }
    return (sums.x + sums.y) + (sums.z + sums.w);
}

fn layer_norm_squares(row: u32, shift: f32, mean: f32, first: u32, strands: u32) -> f32 {
    let end = layer_norm_end(row);
    var sums = vec4f();
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let difference = layer_norm_centred(row, column, shift, mean);
        sums += difference * difference;
    }
    return (sums.x + sums.y) + (sums.z + sums.w);
}

fn layer_norm_finish(row: u32, shift: f32, mean: f32, squares: f32, first: u32, strands: u32) {
    let end = layer_norm_end(row);
    let scale = 1 / sqrt(squares / f32(layer_norm_dims.columns) + layer_norm_epsilon);
    for (var column = 4 * first; column < end; column += 4 * strands) {
        layer_norm_store(row, column, layer_norm_centred(row, column, shift, mean) * scale);
    }
    if (first == 0 && row < layer_norm_dims.rows) {
        layer_norm_store_scale(0, row, scale);
    }
}

@compute @workgroup_size(8)
fn layer_norm_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let row = (group.x + 65535 * group.y) * 8 + local;
    let shift = layer_norm_shift(row);
    let mean = layer_norm_sum(row, shift, 0, 1) / f32(layer_norm_dims.columns);
    layer_norm_finish(row, shift, mean, layer_norm_squares(row, shift, mean, 0, 1), 0, 1);
}

@compute @workgroup_size(layer_norm_strands, layer_norm_rows)
fn layer_norm(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let row = (group.x + 65535 * group.y) * layer_norm_rows + invocation.y;
    let start = invocation.y * layer_norm_strands;
    let shift = layer_norm_shift(row);
    layer_norm_partial[local] = layer_norm_sum(row, shift, invocation.x, layer_norm_strands);
    for (var stride = layer_norm_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            layer_norm_partial[local] += layer_norm_partial[local + stride];
        }
    }
    workgroupBarrier();
    let mean = layer_norm_partial[start] / f32(layer_norm_dims.columns);
    workgroupBarrier();
    layer_norm_partial[local] = layer_norm_squares(row, shift, mean, invocation.x, layer_norm_strands);
    for (var stride = layer_norm_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            layer_norm_partial[local] += layer_norm_partial[local + stride];
        }
    }
    workgroupBarrier();
    layer_norm_finish(row, shift, mean, layer_norm_partial[start], invocation.x, layer_norm_strands);
}
