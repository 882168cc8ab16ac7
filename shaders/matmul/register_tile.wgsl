// Matrix products C[m, n] = op(A)[m, k] op(B)[k, n] in f32, for software adapters: each invocation computes a tile of C
// alone, in registers, without workgroup memory.
//
//   lhs     [m, k], or [k, m] where matmul_transpose_lhs
//   rhs     [k, n], or [n, k] where matmul_transpose_rhs
//   output  [m, n]; and on request sums[m], the sum over k of op(A): for A = dY transposed, the gradient of the bias
//
// Where matmul_batched, all of them have one more axis in front, and hooks see a batch's rows behind those of the one
// before.
//
// A software adapter runs the invocations of a workgroup as the lanes of a vector. Arithmetic is a vector instruction,
// but every load and store is done lane by lane, about eleven cycles a lane, even where all lanes read one address; and
// workgroup memory is no cheaper than storage, while each barrier saves and restores every lane. So the one thing that
// counts is multiply-adds for each load: a step of four k loads rows + columns vec4f for rows * columns * 4
// multiply-adds.
//
// The code has the one form that Mesa's compiler (22.3) makes fast:
// - Arrays stay in registers only if the loop over them is unrolled, and it is unrolled for their sake only where the
//   loop's variable itself is the index: sum0[i], never sum0[4 * i + 1], nor a nested loop. Hence an array of 4 x 4
//   blocks, and four named arrays for the sixteen columns. Otherwise each addition scatters to memory, five times slower.
// - A loop that ends at a plain uniform is compiled again at every submission, with the uniform's value in it, where it
//   then has few enough rounds to be unrolled. Hence k_end.
// Transposing a block is free: it only renames registers.
//
// Dispatch ceil(ceil(m / tile_rows) * ceil(n / 16) / workgroup_size) workgroups for each batch, in rows of 65,535; z must be 1,
// see k_end.

struct MatmulDims { m: u32, n: u32, k: u32, batch: u32 }

@group(0) @binding(0) var<uniform> matmul_dims: MatmulDims;
@group(0) @binding(1) var<storage, read> matmul_lhs: array<vec4f>;
@group(0) @binding(2) var<storage, read> matmul_rhs: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> matmul_output: array<vec4f>;

const matmul_transpose_lhs: bool = false;
const matmul_transpose_rhs: bool = false;
// False where m, n and k are multiples of tile_rows, tile_columns and 4: no guards then.
const matmul_ragged: bool = true;
const matmul_batched: bool = false;
const matmul_sum_lhs: bool = false;

// A multiple of four. 32 is some 5 % faster than 16, which is 15 % faster than 8, but each takes three times as long to
// compile as the next (1 s for 16).
const matmul_tile_rows: u32 = 16;
// Fixed by the four arrays of sums.
const matmul_tile_columns: u32 = 16;
// One vector of AVX2. Fewer would leave lanes idle; more would only make the last workgroup of a small product wait.
const matmul_workgroup_size: u32 = 8;
const matmul_blocks_down: u32 = matmul_tile_rows / 4;

// Hook: the row that a stored row of lhs is fetched from.
fn matmul_lhs_row(row: u32) -> u32 {
    return row;
}

// Hook: the row that a stored row of rhs is fetched from.
fn matmul_rhs_row(row: u32) -> u32 {
    return row;
}

// Hook: four consecutive elements of a fetched row of lhs, zeros beyond its end; column is a multiple of four. The
// default wants row lengths that are multiples of four.
fn matmul_load_lhs(row: u32, column: u32) -> vec4f {
    let columns = select(matmul_dims.k, matmul_dims.m, matmul_transpose_lhs);
    return matmul_lhs[(row * columns + column) / 4];
}

// Hook: the same for rhs.
fn matmul_load_rhs(row: u32, column: u32) -> vec4f {
    let columns = select(matmul_dims.n, matmul_dims.k, matmul_transpose_rhs);
    return matmul_rhs[(row * columns + column) / 4];
}

// Hook: four consecutive elements of C, each four exactly once; column is a multiple of four, and those beyond the end
// of the row are not to be stored.
fn matmul_store(row: u32, column: u32, value: vec4f) {
    matmul_output[(row * matmul_dims.n + column) / 4] = value;
}

// Hook: the sum over k of a row of op(lhs), where matmul_sum_lhs; each row exactly once.
fn matmul_store_lhs_sum(row: u32, value: f32) {
    _ = row;
    _ = value;
}

// The row of a batch among those of all batches, each of which has so many.
fn matmul_batch_row(batch: u32, rows: u32, row: u32) -> u32 {
    return select(row, batch * rows + row, matmul_batched);
}

// Four consecutive stored rows of a batch. Rows beyond its last one are replaced by it: what they contribute is either
// never stored or set to zero below, and a clamp is cheaper here than a branch around each load.
fn matmul_four_rows(batch: u32, first: u32, rows: u32) -> vec4u {
    let start = vec4u(matmul_batch_row(batch, rows, 0));
    let four = first + vec4u(0, 1, 2, 3);
    if (matmul_ragged) {
        return start + min(four, vec4u(rows - 1));
    }
    return start + four;
}

fn matmul_lhs_rows(batch: u32, first: u32, rows: u32) -> vec4u {
    let four = matmul_four_rows(batch, first, rows);
    return vec4u(matmul_lhs_row(four.x), matmul_lhs_row(four.y), matmul_lhs_row(four.z), matmul_lhs_row(four.w));
}

fn matmul_rhs_rows(batch: u32, first: u32, rows: u32) -> vec4u {
    let four = matmul_four_rows(batch, first, rows);
    return vec4u(matmul_rhs_row(four.x), matmul_rhs_row(four.y), matmul_rhs_row(four.z), matmul_rhs_row(four.w));
}

// A column to load four elements from, the last such where it lies beyond the row.
fn matmul_clamp_column(column: u32, columns: u32) -> u32 {
    if (matmul_ragged) {
        return min(column, (columns - 1) / 4 * 4);
    }
    return column;
}

// A block whose columns are the rows k to k + 3 of a stored matrix, with those beyond the last set to zero.
fn matmul_zero_beyond(block: mat4x4f, k: u32) -> mat4x4f {
    if (matmul_ragged) {
        let inside = k + vec4u(0, 1, 2, 3) < vec4u(matmul_dims.k);
        return mat4x4f(
            select(vec4f(), block[0], inside.x),
            select(vec4f(), block[1], inside.y),
            select(vec4f(), block[2], inside.z),
            select(vec4f(), block[3], inside.w),
        );
    }
    return block;
}

// op(A) at four rows and k to k + 3, one column of the matrix for each row; rows are its fetched stored rows.
fn matmul_lhs_block(rows: vec4u, row: u32, k: u32) -> mat4x4f {
    let column = select(k, matmul_clamp_column(row, matmul_dims.m), matmul_transpose_lhs);
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

// op(B) at k to k + 3 and four columns, one column of the matrix for each k; rows are its fetched stored rows.
fn matmul_rhs_block(rows: vec4u, column: u32, k: u32) -> mat4x4f {
    let stored_column = select(matmul_clamp_column(column, matmul_dims.n), k, matmul_transpose_rhs);
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

// Column i of a block, where i is not known when the kernel is compiled.
fn matmul_column(block: mat4x4f, i: u32) -> vec4f {
    return select(select(block[0], block[1], i == 1), select(block[2], block[3], i == 3), i >= 2);
}

// Replaces a block where that is wanted.
fn matmul_replace(block: mat4x4f, other: mat4x4f, wanted: bool) -> mat4x4f {
    return mat4x4f(
        select(block[0], other[0], wanted),
        select(block[1], other[1], wanted),
        select(block[2], other[2], wanted),
        select(block[3], other[3], wanted),
    );
}

// The condition is joined by |: || would be one more branch, and this is inlined four times into a loop, of which
// SwiftShader follows every path.
fn matmul_store_inside(row: u32, column: u32, value: vec4f) {
    if (!matmul_ragged | (column < matmul_dims.n)) {
        matmul_store(row, column, value);
    }
}

@compute @workgroup_size(matmul_workgroup_size)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32) {
    let dims = matmul_dims;
    let tiles_across = (dims.n + matmul_tile_columns - 1) / matmul_tile_columns;
    let tiles_down = (dims.m + matmul_tile_rows - 1) / matmul_tile_rows;
    let groups = (tiles_across * tiles_down + matmul_workgroup_size - 1) / matmul_workgroup_size;
    let number = group.x + 65535 * group.y;
    let batch = number / groups;
    let tile = number % groups * matmul_workgroup_size + invocation;
    let row = tile / tiles_across * matmul_tile_rows;
    let column = tile % tiles_across * matmul_tile_columns;
    if ((batch >= dims.batch) | (row >= dims.m)) {
        return;
    }

    // Stored rows that do not depend on k are gathered once.
    var lhs_rows: array<vec4u, matmul_blocks_down>;
    for (var i = 0u; i < matmul_blocks_down; i++) {
        lhs_rows[i] = matmul_lhs_rows(batch, row + 4 * i, dims.m);
    }
    var rhs_rows0 = matmul_rhs_rows(batch, column, dims.n);
    var rhs_rows1 = matmul_rhs_rows(batch, column + 4, dims.n);
    var rhs_rows2 = matmul_rhs_rows(batch, column + 8, dims.n);
    var rhs_rows3 = matmul_rhs_rows(batch, column + 12, dims.n);

    var sum0: array<mat4x4f, matmul_blocks_down>;
    var sum1: array<mat4x4f, matmul_blocks_down>;
    var sum2: array<mat4x4f, matmul_blocks_down>;
    var sum3: array<mat4x4f, matmul_blocks_down>;
    var lhs_sum: array<mat4x4f, matmul_blocks_down>;
    let k_end = dims.k + group.z; // group.z is 0, but that is not known when the loop is compiled
    for (var k = 0u; k < k_end; k += 4) {
        var lhs_rows_of_k: vec4u;
        if (matmul_transpose_lhs) {
            lhs_rows_of_k = matmul_lhs_rows(batch, k, dims.k);
        }
        if (!matmul_transpose_rhs) {
            rhs_rows0 = matmul_rhs_rows(batch, k, dims.k);
            rhs_rows1 = rhs_rows0;
            rhs_rows2 = rhs_rows0;
            rhs_rows3 = rhs_rows0;
        }
        let b0 = matmul_rhs_block(rhs_rows0, column, k);
        let b1 = matmul_rhs_block(rhs_rows1, column + 4, k);
        let b2 = matmul_rhs_block(rhs_rows2, column + 8, k);
        let b3 = matmul_rhs_block(rhs_rows3, column + 12, k);
        for (var i = 0u; i < matmul_blocks_down; i++) {
            var rows = lhs_rows[i];
            if (matmul_transpose_lhs) {
                rows = lhs_rows_of_k;
            }
            let a = matmul_lhs_block(rows, row + 4 * i, k);
            sum0[i] += b0 * a;
            sum1[i] += b1 * a;
            sum2[i] += b2 * a;
            sum3[i] += b3 * a;
            if (matmul_sum_lhs) {
                lhs_sum[i] += a;
            }
        }
    }

    // These loops stay loops, since their bounds are not known when they are compiled either. Unrolled, the hook that
    // stores, and whatever was fused into it, would be compiled once for each four elements of the tile, for seconds.
    for (var i = 0u; i < matmul_blocks_down + group.z; i++) {
        var block0 = sum0[0];
        var block1 = sum1[0];
        var block2 = sum2[0];
        var block3 = sum3[0];
        var sums = lhs_sum[0];
        for (var j = 1u; j < matmul_blocks_down; j++) {
            block0 = matmul_replace(block0, sum0[j], i == j);
            block1 = matmul_replace(block1, sum1[j], i == j);
            block2 = matmul_replace(block2, sum2[j], i == j);
            block3 = matmul_replace(block3, sum3[j], i == j);
            if (matmul_sum_lhs) {
                sums = matmul_replace(sums, lhs_sum[j], i == j);
            }
        }
        for (var j = 0u; j < 4 + group.z; j++) {
            if (matmul_ragged & (row + 4 * i + j >= dims.m)) {
                return;
            }
            let stored = matmul_batch_row(batch, dims.m, row + 4 * i + j);
            matmul_store_inside(stored, column, matmul_column(block0, j));
            matmul_store_inside(stored, column + 4, matmul_column(block1, j));
            matmul_store_inside(stored, column + 8, matmul_column(block2, j));
            matmul_store_inside(stored, column + 12, matmul_column(block3, j));
            if (matmul_sum_lhs & (column == 0)) {
                matmul_store_lhs_sum(stored, dot(matmul_column(sums, j), vec4f(1)));
            }
        }
    }
}
