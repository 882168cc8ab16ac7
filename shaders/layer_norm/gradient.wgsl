// The gradient of a row's normalisation, for the upstream gradient g, the normalised row y and the reciprocal
// deviation r:
//
//     dx[j] = r * (g[j] - mean of g - y[j] * mean of (g * y))
//
// Each row is read twice. On a GPU some invocations side by side, the strands, share a row and take its blocks
// of four columns in turn; on a software adapter each takes a row of its own.

struct layer_norm_gradient_extents { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> layer_norm_gradient_dims: layer_norm_gradient_extents;
@group(0) @binding(1) var<storage, read> layer_norm_gradient_upstream: array<f32>;
@group(0) @binding(2) var<storage, read> layer_norm_gradient_output: array<f32>;
@group(0) @binding(3) var<storage, read> layer_norm_gradient_scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> layer_norm_gradient_input: array<f32>;

const layer_norm_gradient_strands: u32 = 16;
const layer_norm_gradient_rows: u32 = 16;

// Sums of g and of g * y.
var<workgroup> layer_norm_gradient_partial: array<vec2f, layer_norm_gradient_strands * layer_norm_gradient_rows>;

// Four elements of one row; zeros beyond its end.
fn layer_norm_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < layer_norm_gradient_dims.columns; lane++) {
        block[lane] = layer_norm_gradient_upstream[row * layer_norm_gradient_dims.columns + column + lane];
    }
    return block;
}

fn layer_norm_gradient_load_output(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < layer_norm_gradient_dims.columns; lane++) {
        block[lane] = layer_norm_gradient_output[row * layer_norm_gradient_dims.columns + column + lane];
    }
    return block;
}

// The reciprocal deviations are a matrix of one row.
fn layer_norm_gradient_load_scale(row: u32, column: u32) -> f32 {
    return layer_norm_gradient_scale[row + column];
}

// Four elements of one row, of which those beyond its end are not written.
fn layer_norm_gradient_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < layer_norm_gradient_dims.columns; lane++) {
        layer_norm_gradient_input[row * layer_norm_gradient_dims.columns + column + lane] = value[lane];
    }
}

// The end of a row's columns: 0 for rows that are not there.
fn layer_norm_gradient_end(row: u32) -> u32 {
    return select(0, layer_norm_gradient_dims.columns, row < layer_norm_gradient_dims.rows);
}

// The share of a row's sums of one strand, the `first`, of `strands`.
fn layer_norm_gradient_sums(row: u32, first: u32, strands: u32) -> vec2f {
    let end = layer_norm_gradient_end(row);
    var sums = vec4f();
    var products = vec4f();
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let upstream = layer_norm_gradient_load_upstream(row, column);
        sums += upstream;
        products += upstream * layer_norm_gradient_load_output(row, column);
    }
    return vec2f((sums.x + sums.y) + (sums.z + sums.w), (products.x + products.y) + (products.z + products.w));
}

fn layer_norm_gradient_finish(row: u32, sums: vec2f, first: u32, strands: u32) {
    let end = layer_norm_gradient_end(row);
    if (end == 0) {
        return;
    }
    let means = sums / f32(end);
    let scale = layer_norm_gradient_load_scale(0, row);
    for (var column = 4 * first; column < end; column += 4 * strands) {
        let upstream = layer_norm_gradient_load_upstream(row, column);
        let output = layer_norm_gradient_load_output(row, column);
        layer_norm_gradient_store(row, column, scale * (upstream - means.x - output * means.y));
    }
}

@compute @workgroup_size(8)
fn layer_norm_gradient_serial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let row = (group.x + 65535 * group.y) * 8 + local;
    layer_norm_gradient_finish(row, layer_norm_gradient_sums(row, 0, 1), 0, 1);
}

@compute @workgroup_size(layer_norm_gradient_strands, layer_norm_gradient_rows)
fn layer_norm_gradient(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) invocation: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let row = (group.x + 65535 * group.y) * layer_norm_gradient_rows + invocation.y;
    layer_norm_gradient_partial[local] = layer_norm_gradient_sums(row, invocation.x, layer_norm_gradient_strands);
    for (var stride = layer_norm_gradient_strands / 2; stride > 0; stride /= 2) {
        workgroupBarrier();
        if (invocation.x < stride) {
            layer_norm_gradient_partial[local] += layer_norm_gradient_partial[local + stride];
        }
    }
    workgroupBarrier();
    let sums = layer_norm_gradient_partial[invocation.y * layer_norm_gradient_strands];
    layer_norm_gradient_finish(row, sums, invocation.x, layer_norm_gradient_strands);
}
