// Matrix product C[m, n] = op(A)[m, k] op(B)[k, n] in f32, for software adapters.

struct MatmulDims { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<uniform> matmul_dims: MatmulDims;
@group(0) @binding(1) var<storage, read> matmul_lhs: array<vec4f>;
@group(0) @binding(2) var<storage, read> matmul_rhs: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> matmul_output: array<vec4f>;

const matmul_transpose_lhs: bool = false;
const matmul_transpose_rhs: bool = false;
const matmul_ragged: bool = true;
const matmul_sum_lhs: bool = false;
const matmul_tile_rows: u32 = 32;
const matmul_tile_columns: u32 = 16;
const matmul_workgroup_size: u32 = 8;

fn matmul_lhs_row(row: u32) -> u32 { return row; }

fn matmul_rhs_row(row: u32) -> u32 { return row; }

fn matmul_load_lhs(row: u32, column: u32) -> vec4f {
    let columns = select(matmul_dims.k, matmul_dims.m, matmul_transpose_lhs);
    return matmul_lhs[(row * columns + column) / 4];
}

fn matmul_load_rhs(row: u32, column: u32) -> vec4f {
    let columns = select(matmul_dims.n, matmul_dims.k, matmul_transpose_rhs);
    return matmul_rhs[(row * columns + column) / 4];
}

fn matmul_store(row: u32, column: u32, value: vec4f) {
    matmul_output[(row * matmul_dims.n + column) / 4] = value;
}

fn matmul_store_lhs_sum(row: u32, value: f32) {
    _ = row;
    _ = value;
}

fn matmul_clamp(first: u32, count: u32) -> vec4u {
    let indices = first + vec4u(0, 1, 2, 3);
    if (matmul_ragged) {
        return min(indices, vec4u(count - 1));
    }
    return indices;
}

fn matmul_clamp_block(first: u32, count: u32) -> u32 {
    if (matmul_ragged) {
        return min(first, (count - 1) / 4 * 4);
    }
    return first;
}

fn matmul_lhs_rows(first: u32, count: u32) -> vec4u {
    let rows = matmul_clamp(first, count);
    return vec4u(matmul_lhs_row(rows.x), matmul_lhs_row(rows.y), matmul_lhs_row(rows.z), matmul_lhs_row(rows.w));
}

fn matmul_rhs_rows(first: u32, count: u32) -> vec4u {
    let rows = matmul_clamp(first, count);
    return vec4u(matmul_rhs_row(rows.x), matmul_rhs_row(rows.y), matmul_rhs_row(rows.z), matmul_rhs_row(rows.w));
}

fn matmul_zero_beyond(block: mat4x4f, k: u32) -> mat4x4f {
    if (matmul_ragged) {
        let inside = k + vec4u(0, 1, 2, 3) < vec4u(matmul_dims.k);
        let zero = vec4f();
        return mat4x4f(
            select(zero, block[0], inside.x),
            select(zero, block[1], inside.y),
            select(zero, block[2], inside.z),
            select(zero, block[3], inside.w),
        );
    }
    return block;
}

fn matmul_lhs_block(rows: vec4u, row: u32, k: u32) -> mat4x4f {
    let column = select(k, matmul_clamp_block(row, matmul_dims.m), matmul_transpose_lhs);
    let block = mat4x4f(
        matmul_load_lhs(rows.x, column),
        matmul_load_lhs(rows.y, column),
        matmul_load_lhs(rows.z, column),
        matmul_load_lhs(rows.w, column),
    );
    if (matmul_transpose_lhs) {
        return transpose(matmul_zero_beyond(block, k));
    }
    return block;
}

fn matmul_rhs_block(rows: vec4u, column: u32, k: u32) -> mat4x4f {
    let stored_column = select(matmul_clamp_block(column, matmul_dims.n), k, matmul_transpose_rhs);
    let block = mat4x4f(
        matmul_load_rhs(rows.x, stored_column),
        matmul_load_rhs(rows.y, stored_column),
        matmul_load_rhs(rows.z, stored_column),
        matmul_load_rhs(rows.w, stored_column),
    );
    if (matmul_transpose_rhs) {
        return transpose(block);
    }
    return matmul_zero_beyond(block, k);
}

fn matmul_store_guarded(row: u32, column: u32, value: vec4f) {
    if (!matmul_ragged || (row < matmul_dims.m && column < matmul_dims.n)) {
        matmul_store(row, column, value);
    }
}

@compute @workgroup_size(matmul_workgroup_size)
fn matmul(@builtin(global_invocation_id) invocation: vec3u) {
    let dims = matmul_dims;
    let tiles_across = (dims.n + matmul_tile_columns - 1) / matmul_tile_columns;
    let tile_row = invocation.x / tiles_across;
    let row = tile_row * matmul_tile_rows;
    let column = (invocation.x - tile_row * tiles_across) * matmul_tile_columns;
    if (row >= dims.m) {
        return;
    }

    var lhs_rows: array<vec4u, matmul_tile_rows / 4>;
    for (var i = 0u; i < matmul_tile_rows / 4; i++) {
        lhs_rows[i] = matmul_lhs_rows(row + 4 * i, dims.m);
    }
    var rhs_rows0 = matmul_rhs_rows(column, dims.n);
    var rhs_rows1 = matmul_rhs_rows(column + 4, dims.n);
    var rhs_rows2 = matmul_rhs_rows(column + 8, dims.n);
    var rhs_rows3 = matmul_rhs_rows(column + 12, dims.n);

    var sum0: array<vec4f, matmul_tile_rows>;
    var sum1: array<vec4f, matmul_tile_rows>;
    var sum2: array<vec4f, matmul_tile_rows>;
    var sum3: array<vec4f, matmul_tile_rows>;
    var lhs_sum: array<vec4f, matmul_tile_rows>;
    let k_end = dims.k + invocation.z;
    for (var k = 0u; k < k_end; k += 4) {
        if (!matmul_transpose_rhs) {
            rhs_rows0 = matmul_rhs_rows(k, dims.k);
            rhs_rows1 = rhs_rows0;
            rhs_rows2 = rhs_rows0;
            rhs_rows3 = rhs_rows0;
        }
        var lhs_k_rows: vec4u;
        if (matmul_transpose_lhs) {
            lhs_k_rows = matmul_lhs_rows(k, dims.k);
        }
        let b0 = matmul_rhs_block(rhs_rows0, column, k);
        let b1 = matmul_rhs_block(rhs_rows1, column + 4, k);
        let b2 = matmul_rhs_block(rhs_rows2, column + 8, k);
        let b3 = matmul_rhs_block(rhs_rows3, column + 12, k);
        for (var i = 0u; i < matmul_tile_rows / 4; i++) {
            var rows = lhs_rows[i];
            if (matmul_transpose_lhs) {
                rows = lhs_k_rows;
            }
            let a = matmul_lhs_block(rows, row + 4 * i, k);
            let r = 4 * i;
            sum0[r] += b0 * a[0];
            sum1[r] += b1 * a[0];
            sum2[r] += b2 * a[0];
            sum3[r] += b3 * a[0];
            sum0[r + 1] += b0 * a[1];
            sum1[r + 1] += b1 * a[1];
            sum2[r + 1] += b2 * a[1];
            sum3[r + 1] += b3 * a[1];
            sum0[r + 2] += b0 * a[2];
            sum1[r + 2] += b1 * a[2];
            sum2[r + 2] += b2 * a[2];
            sum3[r + 2] += b3 * a[2];
            sum0[r + 3] += b0 * a[3];
            sum1[r + 3] += b1 * a[3];
            sum2[r + 3] += b2 * a[3];
            sum3[r + 3] += b3 * a[3];
            if (matmul_sum_lhs) {
                lhs_sum[r] += a[0];
                lhs_sum[r + 1] += a[1];
                lhs_sum[r + 2] += a[2];
                lhs_sum[r + 3] += a[3];
            }
        }
    }

    for (var i = 0u; i < matmul_tile_rows; i++) {
        matmul_store_guarded(row + i, column, sum0[i]);
        matmul_store_guarded(row + i, column + 4, sum1[i]);
        matmul_store_guarded(row + i, column + 8, sum2[i]);
        matmul_store_guarded(row + i, column + 12, sum3[i]);
        if (matmul_sum_lhs && column == 0 && (!matmul_ragged || row + i < dims.m)) {
            matmul_store_lhs_sum(row + i, dot(lhs_sum[i], vec4f(1)));
        }
    }
}
