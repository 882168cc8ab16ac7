// Matrix products C[m, n] = op(A)[m, k] op(B)[k, n] in f32, for GPUs: each workgroup computes one tile of C from tiles of
// A and B that it copies into workgroup memory, each invocation 4 x 4 elements of it in registers.
//
//   lhs     [m, k], or [k, m] where matmul_transpose_lhs
//   rhs     [k, n], or [n, k] where matmul_transpose_rhs
//   output  [m, n]; and on request sums[m], the sum over k of op(A): for A = dY transposed, the gradient of the bias
//
// Where matmul_batched, all of them have one more axis in front, and hooks see a batch's rows behind those of the one
// before.
//
// The method is the tiling of Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra" (SC 2008). An element
// that is in workgroup memory is read by every invocation of its row or column of the tile, and an element that is in a
// register is used four times, so that global memory is read tile_rows (tile_columns) times less often than by one
// invocation for each output.
//
// Slices. Few tiles with a long k would leave a GPU idle (64 x 256 is 16 tiles of 32 x 32). The invocations of a
// workgroup are therefore divided into matmul_slices slices: every slice computes the whole tile over its own quarter
// (for four slices) of each step of k, and the partial sums are added at the end, in the order of the slices, so that
// the result is the same bits every time.
//
// Dispatch ceil(n / tile_columns) * ceil(m / tile_rows) workgroups for each batch, in rows of 65,535; z must be 1, see k_end.

struct MatmulDims { m: u32, n: u32, k: u32, batch: u32 }

@group(0) @binding(0) var<uniform> matmul_dims: MatmulDims;
@group(0) @binding(1) var<storage, read> matmul_lhs: array<vec4f>;
@group(0) @binding(2) var<storage, read> matmul_rhs: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> matmul_output: array<vec4f>;

const matmul_transpose_lhs: bool = false;
const matmul_transpose_rhs: bool = false;
// False where m and n are multiples of the tile, and k of a step (matmul_tile_depth * matmul_slices): no guards then.
const matmul_ragged: bool = true;
const matmul_batched: bool = false;
const matmul_sum_lhs: bool = false;

// A slice has (tile_rows / 4) * (tile_columns / 4) invocations, and all slices together at most 256. Workgroup memory is
// slices * depth * (rows + columns) * 4 bytes, at most 16 KiB; where there are slices, depth is at least columns / 4. All
// but the number of slices are multiples of four.
const matmul_tile_rows: u32 = 32;
const matmul_tile_columns: u32 = 32;
const matmul_tile_depth: u32 = 16;
const matmul_slices: u32 = 4;

const matmul_blocks_down: u32 = matmul_tile_rows / 4;
const matmul_blocks_across: u32 = matmul_tile_columns / 4;
const matmul_blocks_deep: u32 = matmul_tile_depth / 4;
const matmul_slice_size: u32 = matmul_blocks_down * matmul_blocks_across;
const matmul_workgroup_size: u32 = matmul_slice_size * matmul_slices;

// Element [slice][k][block] holds four rows of op(A) (four columns of op(B)) at one k, whichever way they are stored:
// the transposition is done once, on the way in, and reading needs two vec4f for sixteen multiply-adds. After the last
// step the first of them serves the sum over the slices, for which it needs one vec4f for each invocation.
var<workgroup> matmul_lhs_tile: array<vec4f, matmul_slices * matmul_tile_depth * matmul_blocks_down>;
var<workgroup> matmul_rhs_tile: array<vec4f, matmul_slices * matmul_tile_depth * matmul_blocks_across>;

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

// Conditions in these functions are joined by & and |: && and || are branches of their own, and all are inlined many
// times into one loop, of which SwiftShader follows every path.
fn matmul_fetch_lhs(batch: u32, row: u32, column: u32, rows: u32, columns: u32) -> vec4f {
    if (matmul_ragged & ((row >= rows) | (column >= columns))) {
        return vec4f();
    }
    return matmul_load_lhs(matmul_lhs_row(matmul_batch_row(batch, rows, row)), column);
}

fn matmul_fetch_rhs(batch: u32, row: u32, column: u32, rows: u32, columns: u32) -> vec4f {
    if (matmul_ragged & ((row >= rows) | (column >= columns))) {
        return vec4f();
    }
    return matmul_load_rhs(matmul_rhs_row(matmul_batch_row(batch, rows, row)), column);
}

// Four rows of op(A) at four k, as one column of the matrix for each k.
fn matmul_lhs_block(batch: u32, row: u32, k: u32) -> mat4x4f {
    let dims = matmul_dims;
    if (matmul_transpose_lhs) {
        return mat4x4f(
            matmul_fetch_lhs(batch, k, row, dims.k, dims.m),
            matmul_fetch_lhs(batch, k + 1, row, dims.k, dims.m),
            matmul_fetch_lhs(batch, k + 2, row, dims.k, dims.m),
            matmul_fetch_lhs(batch, k + 3, row, dims.k, dims.m),
        );
    }
    return transpose(mat4x4f(
        matmul_fetch_lhs(batch, row, k, dims.m, dims.k),
        matmul_fetch_lhs(batch, row + 1, k, dims.m, dims.k),
        matmul_fetch_lhs(batch, row + 2, k, dims.m, dims.k),
        matmul_fetch_lhs(batch, row + 3, k, dims.m, dims.k),
    ));
}

// Four columns of op(B) at four k, as one column of the matrix for each k.
fn matmul_rhs_block(batch: u32, column: u32, k: u32) -> mat4x4f {
    let dims = matmul_dims;
    if (matmul_transpose_rhs) {
        return transpose(mat4x4f(
            matmul_fetch_rhs(batch, column, k, dims.n, dims.k),
            matmul_fetch_rhs(batch, column + 1, k, dims.n, dims.k),
            matmul_fetch_rhs(batch, column + 2, k, dims.n, dims.k),
            matmul_fetch_rhs(batch, column + 3, k, dims.n, dims.k),
        ));
    }
    return mat4x4f(
        matmul_fetch_rhs(batch, k, column, dims.k, dims.n),
        matmul_fetch_rhs(batch, k + 1, column, dims.k, dims.n),
        matmul_fetch_rhs(batch, k + 2, column, dims.k, dims.n),
        matmul_fetch_rhs(batch, k + 3, column, dims.k, dims.n),
    );
}

// The place of a block in a tile, x along the rows or columns of C and y along k, such that neighbouring invocations
// read neighbouring addresses of the stored matrix.
fn matmul_block_place(index: u32, blocks: u32, along_k: bool) -> vec2u {
    if (along_k) {
        return vec2u(index / matmul_blocks_deep, index % matmul_blocks_deep);
    }
    return vec2u(index % blocks, index / blocks);
}

// Copies one slice's tiles of A and B for the step that begins at k into workgroup memory. The blocks of both tiles are
// dealt out together, so that as many invocations as possible have a load under way.
fn matmul_fill_tiles(batch: u32, slice: u32, member: u32, row: u32, column: u32, k: u32) {
    let lhs_blocks = matmul_blocks_down * matmul_blocks_deep;
    let all_blocks = lhs_blocks + matmul_blocks_across * matmul_blocks_deep;
    for (var index = member; index < all_blocks; index += matmul_slice_size) {
        if (index < lhs_blocks) {
            let place = matmul_block_place(index, matmul_blocks_down, !matmul_transpose_lhs);
            let block = matmul_lhs_block(batch, row + 4 * place.x, k + 4 * place.y);
            let at = (slice * matmul_tile_depth + 4 * place.y) * matmul_blocks_down + place.x;
            matmul_lhs_tile[at] = block[0];
            matmul_lhs_tile[at + matmul_blocks_down] = block[1];
            matmul_lhs_tile[at + 2 * matmul_blocks_down] = block[2];
            matmul_lhs_tile[at + 3 * matmul_blocks_down] = block[3];
        } else {
            let place = matmul_block_place(index - lhs_blocks, matmul_blocks_across, matmul_transpose_rhs);
            let block = matmul_rhs_block(batch, column + 4 * place.x, k + 4 * place.y);
            let at = (slice * matmul_tile_depth + 4 * place.y) * matmul_blocks_across + place.x;
            matmul_rhs_tile[at] = block[0];
            matmul_rhs_tile[at + matmul_blocks_across] = block[1];
            matmul_rhs_tile[at + 2 * matmul_blocks_across] = block[2];
            matmul_rhs_tile[at + 3 * matmul_blocks_across] = block[3];
        }
    }
}

// The sum of the slices' values, in the order of the slices. Every invocation must call it.
fn matmul_sum_slices(value: vec4f, member: u32, invocation: u32) -> vec4f {
    if (matmul_slices == 1) {
        return value;
    }
    workgroupBarrier();
    matmul_lhs_tile[invocation] = value;
    workgroupBarrier();
    var total = matmul_lhs_tile[member];
    for (var slice = 1u; slice < matmul_slices; slice++) {
        total += matmul_lhs_tile[slice * matmul_slice_size + member];
    }
    return total;
}

fn matmul_store_block(batch: u32, row: u32, column: u32, block: mat4x4f) {
    let dims = matmul_dims;
    let stored = matmul_batch_row(batch, dims.m, row);
    if (matmul_ragged & (column >= dims.n)) {
        return;
    }
    if (!matmul_ragged | (row < dims.m)) { matmul_store(stored, column, block[0]); }
    if (!matmul_ragged | (row + 1 < dims.m)) { matmul_store(stored + 1, column, block[1]); }
    if (!matmul_ragged | (row + 2 < dims.m)) { matmul_store(stored + 2, column, block[2]); }
    if (!matmul_ragged | (row + 3 < dims.m)) { matmul_store(stored + 3, column, block[3]); }
}

fn matmul_store_sums(batch: u32, row: u32, sums: vec4f) {
    let dims = matmul_dims;
    let stored = matmul_batch_row(batch, dims.m, row);
    if (!matmul_ragged | (row < dims.m)) { matmul_store_lhs_sum(stored, sums.x); }
    if (!matmul_ragged | (row + 1 < dims.m)) { matmul_store_lhs_sum(stored + 1, sums.y); }
    if (!matmul_ragged | (row + 2 < dims.m)) { matmul_store_lhs_sum(stored + 2, sums.z); }
    if (!matmul_ragged | (row + 3 < dims.m)) { matmul_store_lhs_sum(stored + 3, sums.w); }
}

@compute @workgroup_size(matmul_workgroup_size)
fn matmul(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) invocation: u32,
) {
    let slice = invocation / matmul_slice_size;
    let member = invocation % matmul_slice_size;
    let block_row = member / matmul_blocks_across;
    let block_column = member % matmul_blocks_across;
    let tiles_across = (matmul_dims.n + matmul_tile_columns - 1) / matmul_tile_columns;
    let tiles_down = (matmul_dims.m + matmul_tile_rows - 1) / matmul_tile_rows;
    let number = group.x + 65535 * group.y;
    let batch = number / (tiles_across * tiles_down);
    if (batch >= matmul_dims.batch) {
        return;
    }
    let tile = number % (tiles_across * tiles_down);
    let row = tile / tiles_across * matmul_tile_rows;
    let column = tile % tiles_across * matmul_tile_columns;

    var sum: mat4x4f;
    var lhs_sum: vec4f;
    // group.z is 0. Without it the loop's end would be a plain uniform, and lavapipe (22.3) would compile the kernel again at
    // every submission, with the value of the uniform in it.
    let k_end = matmul_dims.k + group.z;
    for (var k = 0u; k < k_end; k += matmul_tile_depth * matmul_slices) {
        matmul_fill_tiles(batch, slice, member, row, column, k + slice * matmul_tile_depth);
        workgroupBarrier();
        let first = slice * matmul_tile_depth;
        for (var depth = first; depth < first + matmul_tile_depth; depth++) {
            let a = matmul_lhs_tile[depth * matmul_blocks_down + block_row];
            let b = matmul_rhs_tile[depth * matmul_blocks_across + block_column];
            sum += mat4x4f(b * a.x, b * a.y, b * a.z, b * a.w);
            if (matmul_sum_lhs) {
                lhs_sum += a;
            }
        }
        workgroupBarrier();
    }

    let total = mat4x4f(
        matmul_sum_slices(sum[0], member, invocation),
        matmul_sum_slices(sum[1], member, invocation),
        matmul_sum_slices(sum[2], member, invocation),
        matmul_sum_slices(sum[3], member, invocation),
    );
    if (slice == 0) {
        matmul_store_block(batch, row + 4 * block_row, column + 4 * block_column, total);
    }
    if (matmul_sum_lhs && column == 0) {
        let sums = matmul_sum_slices(lhs_sum, member, invocation);
        if (slice == 0 && block_column == 0) {
            matmul_store_sums(batch, row + 4 * block_row, sums);
        }
    }
}
