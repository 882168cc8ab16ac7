// Sums of rows by index: y[index] = sum over i where indices[i] == index of x[i], the gradient of rows picked from a
// table.
//
// An invocation makes some blocks of four columns of some neighbouring rows, and looks through all indices for its
// own. That is the order in which it adds up, so that the same input gives the same bits without atomics. An index that
// names no row is nobody's.

// The table has `rows` for each `chunk` of the input, which has `count`.
struct scatter_rows_extents { rows: u32, columns: u32, count: u32, chunk: u32 }

@group(0) @binding(0) var<uniform> scatter_rows_dims: scatter_rows_extents;
@group(0) @binding(1) var<storage, read> scatter_rows_input: array<f32>;
@group(0) @binding(2) var<storage, read> scatter_rows_indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> scatter_rows_output: array<f32>;

const scatter_rows_workgroup_size: u32 = 64;
const scatter_rows_chunks: u32 = 1;
const scatter_rows_range: u32 = 1;
const scatter_rows_blocks: u32 = 1;

// Four elements of one row; zeros beyond its end.
fn scatter_rows_load(row: u32, column: u32) -> vec4f {
    var block = vec4f();
    for (var lane = 0u; lane < 4 && column + lane < scatter_rows_dims.columns; lane++) {
        block[lane] = scatter_rows_input[row * scatter_rows_dims.columns + column + lane];
    }
    return block;
}

// Four indices, which are a matrix of one row; zeros beyond its end.
fn scatter_rows_load_indices(row: u32, column: u32) -> vec4u {
    var block = vec4u();
    for (var lane = 0u; lane < 4 && column + lane < scatter_rows_dims.count; lane++) {
        block[lane] = scatter_rows_indices[row + column + lane];
    }
    return block;
}

// Four elements of one row, of which those beyond its end are not written.
fn scatter_rows_store(row: u32, column: u32, value: vec4f) {
    for (var lane = 0u; lane < 4 && column + lane < scatter_rows_dims.columns; lane++) {
        scatter_rows_output[row * scatter_rows_dims.columns + column + lane] = value[lane];
    }
}

@compute @workgroup_size(scatter_rows_workgroup_size)
fn scatter_rows(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) invocation: vec3u) {
    let across = (scatter_rows_dims.columns + 4 * scatter_rows_blocks - 1) / (4 * scatter_rows_blocks);
    let place = (group.x + 65535 * group.y) * scatter_rows_workgroup_size + invocation.x;
    let ranges = (scatter_rows_dims.rows + scatter_rows_range - 1) / scatter_rows_range;
    let chunk = place / (across * ranges);
    let range = place / across - chunk * ranges;
    let begin = range * scatter_rows_range;
    let start = chunk * scatter_rows_dims.chunk;
    if (chunk >= scatter_rows_chunks) {
        return;
    }
    let column = 4 * scatter_rows_blocks * (place % across);
    var totals: array<vec4f, scatter_rows_range * scatter_rows_blocks>;
    // The z is 0. Without it Mesa's software driver takes the uniform as a constant, unrolls the loops and compiles the
    // kernel again for each submission.
    let count = min(start + scatter_rows_dims.chunk, scatter_rows_dims.count) + invocation.z;
    let blocks = scatter_rows_blocks + invocation.z;
    for (var first = start; first < count; first += 4) {
        // Rows before the first wrap around to large numbers.
        let rows = scatter_rows_load_indices(0, first) - begin;
        let is_mine = rows < vec4u(scatter_rows_range);
        if (any(is_mine)) {
            for (var lane = 0u; lane < 4 && first + lane < count; lane++) {
                for (var block = 0u; is_mine[lane] && block < blocks; block++) {
                    totals[rows[lane] * scatter_rows_blocks + block] += scatter_rows_load(first + lane, column + 4 * block);
                }
            }
        }
    }
    let end = min(begin + scatter_rows_range, scatter_rows_dims.rows);
    for (var row = begin; row < end; row++) {
        for (var block = 0u; block < blocks && column + 4 * block < scatter_rows_dims.columns; block++) {
            scatter_rows_store(chunk * scatter_rows_dims.rows + row, column + 4 * block, totals[(row - begin) * scatter_rows_blocks + block]);
        }
    }
}
