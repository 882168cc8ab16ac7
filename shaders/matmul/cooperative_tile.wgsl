// Matrix products C[m, n] = op(A)[m, k] op(B)[k, n] of f16 with sums in f32, for GPUs with cooperative matrices: units that
// multiply 16 x 16 matrices which the invocations of a subgroup hold together. Each workgroup computes a tile of 64 x 64 of
// C in four subgroups, each of them a quarter as 2 x 2 matrices.
//
//   lhs     [m, k], or [k, m] where matmul_transpose_lhs, of f16
//   rhs     [k, n], or [n, k] where matmul_transpose_rhs, of f16
//   output  [m, n] of f32
//
// Where matmul_batched, all of them have one more axis in front, and hooks see a batch's rows behind those of the one
// before.
//
// Operands pass through workgroup memory, as in workgroup_tile.wgsl, so that hooks and guards see every element once on its
// way in. They lie there as they are stored, and are not transposed: a cooperative matrix is loaded by rows or by columns.
//
// What is not known, since no GPU with such units has run it: how fast it is; and whether a driver takes barriers for what
// they are. naga declares the memory model of Vulkan, in which only accesses that are marked as not private are ordered by
// barriers, and marks none. wgrad therefore multiplies something with this kernel before it is used on a device.
//
// Dispatch ceil(n / 64) * ceil(m / 64) workgroups for each batch, in rows of 65,535; z must be 1, see k_end.

enable f16;
enable wgpu_cooperative_matrix;

struct MatmulDims { m: u32, n: u32, k: u32, batch: u32 }

@group(0) @binding(0) var<uniform> matmul_dims: MatmulDims;
@group(0) @binding(1) var<storage, read> matmul_lhs: array<vec2u>;
@group(0) @binding(2) var<storage, read> matmul_rhs: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> matmul_output: array<vec4f>;

const matmul_transpose_lhs: bool = false;
const matmul_transpose_rhs: bool = false;
// False where m and n are multiples of 64, and k of 32: no guards then.
const matmul_ragged: bool = true;
const matmul_batched: bool = false;
// The invocations of each subgroup. A workgroup is four of them.
const matmul_subgroup_size: u32 = 32;

// The edge of a cooperative matrix, of what a subgroup makes, and of what the workgroup makes.
const matmul_edge: u32 = 16;
const matmul_quarter: u32 = 2 * matmul_edge;
const matmul_tile: u32 = 2 * matmul_quarter;
// The step along k.
const matmul_depth: u32 = 32;
const matmul_workgroup_size: u32 = 4 * matmul_subgroup_size;

// The tiles of A and B, in groups of four elements of a stored row: how many of them are in a row and in a tile, and the
// distance between rows. Two groups are left free behind each row, so that the rows of a matrix begin in other banks, and
// all of them at multiples of 16 bytes, as Vulkan wants it.
const matmul_lhs_groups: u32 = select(matmul_depth, matmul_tile, matmul_transpose_lhs) / 4;
const matmul_rhs_groups: u32 = select(matmul_tile, matmul_depth, matmul_transpose_rhs) / 4;
const matmul_groups: u32 = matmul_tile * matmul_depth / 4;
const matmul_lhs_stride: u32 = matmul_lhs_groups + 2;
const matmul_rhs_stride: u32 = matmul_rhs_groups + 2;
var<workgroup> matmul_lhs_tile: array<vec4<f16>, matmul_groups / matmul_lhs_groups * matmul_lhs_stride>;
var<workgroup> matmul_rhs_tile: array<vec4<f16>, matmul_groups / matmul_rhs_groups * matmul_rhs_stride>;

// A matrix of sums of each subgroup, on its way to the hook: so that all of this memory, 15 KiB, is within the 16 that every
// adapter has, the four of a subgroup go one after another.
const matmul_sums_groups: u32 = matmul_edge / 4;
const matmul_sums_stride: u32 = matmul_sums_groups + 1;
const matmul_sums_size: u32 = matmul_edge * matmul_sums_stride;
var<workgroup> matmul_sums: array<vec4f, 4 * matmul_sums_size>;

// Hook: the row that a stored row of lhs is fetched from.
fn matmul_lhs_row(row: u32) -> u32 {
    return row;
}

// Hook: the row that a stored row of rhs is fetched from.
fn matmul_rhs_row(row: u32) -> u32 {
    return row;
}

// Hook: four consecutive elements of a fetched row of lhs, which f16 holds exactly, zeros beyond its end; column is a
// multiple of four. The default wants row lengths that are multiples of four.
fn matmul_load_lhs(row: u32, column: u32) -> vec4f {
    let columns = select(matmul_dims.k, matmul_dims.m, matmul_transpose_lhs);
    let words = matmul_lhs[(row * columns + column) / 4];
    return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

// Hook: the same for rhs.
fn matmul_load_rhs(row: u32, column: u32) -> vec4f {
    let columns = select(matmul_dims.n, matmul_dims.k, matmul_transpose_rhs);
    let words = matmul_rhs[(row * columns + column) / 4];
    return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

// Hook: four consecutive elements of C, each four exactly once; column is a multiple of four, and those beyond the end
// of the row are not to be stored.
fn matmul_store(row: u32, column: u32, value: vec4f) {
    matmul_output[(row * matmul_dims.n + column) / 4] = value;
}

// The row of a batch among those of all batches, each of which has so many.
fn matmul_batch_row(batch: u32, rows: u32, row: u32) -> u32 {
    return select(row, batch * rows + row, matmul_batched);
}

// Four elements of a stored row of lhs, zeros outside of it. `at` is the row, then the column.
fn matmul_fetch_lhs(batch: u32, at: vec2u) -> vec4f {
    let stored = select(vec2u(matmul_dims.m, matmul_dims.k), vec2u(matmul_dims.k, matmul_dims.m), matmul_transpose_lhs);
    if (matmul_ragged & ((at.x >= stored.x) | (at.y >= stored.y))) {
        return vec4f();
    }
    return matmul_load_lhs(matmul_lhs_row(matmul_batch_row(batch, stored.x, at.x)), at.y);
}

// The same for rhs.
fn matmul_fetch_rhs(batch: u32, at: vec2u) -> vec4f {
    let stored = select(vec2u(matmul_dims.k, matmul_dims.n), vec2u(matmul_dims.n, matmul_dims.k), matmul_transpose_rhs);
    if (matmul_ragged & ((at.x >= stored.x) | (at.y >= stored.y))) {
        return vec4f();
    }
    return matmul_load_rhs(matmul_rhs_row(matmul_batch_row(batch, stored.x, at.x)), at.y);
}

// Copies the tiles of A and B for the step that begins at k into workgroup memory. Neighbouring invocations read
// neighbouring groups of a row.
fn matmul_fill_tiles(batch: u32, invocation: u32, row: u32, column: u32, k: u32) {
    let lhs_first = select(vec2u(row, k), vec2u(k, row), matmul_transpose_lhs);
    let rhs_first = select(vec2u(k, column), vec2u(column, k), matmul_transpose_rhs);
    for (var index = invocation; index < matmul_groups; index += matmul_workgroup_size) {
        let lhs = vec2u(index / matmul_lhs_groups, index % matmul_lhs_groups);
        let rhs = vec2u(index / matmul_rhs_groups, index % matmul_rhs_groups);
        let a = matmul_fetch_lhs(batch, lhs_first + lhs * vec2u(1, 4));
        let b = matmul_fetch_rhs(batch, rhs_first + rhs * vec2u(1, 4));
        matmul_lhs_tile[lhs.x * matmul_lhs_stride + lhs.y] = vec4<f16>(a);
        matmul_rhs_tile[rhs.x * matmul_rhs_stride + rhs.y] = vec4<f16>(b);
    }
}

// The matrix of A that begins at a row of the tile and at k, and that of B at k and a column. Strides and places are in
// groups of four, which are the elements of what is pointed into.
fn matmul_lhs_matrix(row: u32, k: u32) -> coop_mat16x16<f16, A> {
    if (matmul_transpose_lhs) {
        return coopLoad<coop_mat16x16<f16, A>>(&matmul_lhs_tile[k * matmul_lhs_stride + row / 4], matmul_lhs_stride);
    }
    return coopLoadT<coop_mat16x16<f16, A>>(&matmul_lhs_tile[row * matmul_lhs_stride + k / 4], matmul_lhs_stride);
}

fn matmul_rhs_matrix(k: u32, column: u32) -> coop_mat16x16<f16, B> {
    if (matmul_transpose_rhs) {
        return coopLoad<coop_mat16x16<f16, B>>(&matmul_rhs_tile[column * matmul_rhs_stride + k / 4], matmul_rhs_stride);
    }
    return coopLoadT<coop_mat16x16<f16, B>>(&matmul_rhs_tile[k * matmul_rhs_stride + column / 4], matmul_rhs_stride);
}

// The row and column at which a subgroup's quarter of the tile begins.
fn matmul_quarter_place(subgroup: u32) -> vec2u {
    return vec2u(subgroup / 2, subgroup % 2) * matmul_quarter;
}

fn matmul_store_group(batch: u32, row: u32, column: u32, value: vec4f) {
    let dims = matmul_dims;
    if (!matmul_ragged | ((row < dims.m) & (column < dims.n))) {
        matmul_store(matmul_batch_row(batch, dims.m, row), column, value);
    }
}

// Stores a matrix of sums of each subgroup, which lies at that row and column of its quarter. Every invocation must call
// it.
fn matmul_store_sums(
    sums: coop_mat16x16<f32, C>,
    subgroup: u32,
    invocation: u32,
    batch: u32,
    row: u32,
    column: u32,
) {
    workgroupBarrier();
    coopStoreT(sums, &matmul_sums[subgroup * matmul_sums_size], matmul_sums_stride);
    workgroupBarrier();
    for (var index = invocation; index < 4 * matmul_edge * matmul_sums_groups; index += matmul_workgroup_size) {
        let line = index / matmul_sums_groups;
        let group = index % matmul_sums_groups;
        let place = matmul_quarter_place(line / matmul_edge);
        let value = matmul_sums[line * matmul_sums_stride + group];
        matmul_store_group(batch, row + place.x + line % matmul_edge, column + place.y + 4 * group, value);
    }
}

@compute @workgroup_size(matmul_workgroup_size)
fn matmul(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) invocation: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    let tiles_across = (matmul_dims.n + matmul_tile - 1) / matmul_tile;
    let tiles_down = (matmul_dims.m + matmul_tile - 1) / matmul_tile;
    let number = group.x + 65535 * group.y;
    let batch = number / (tiles_across * tiles_down);
    if (batch >= matmul_dims.batch) {
        return;
    }
    let tile = number % (tiles_across * tiles_down);
    let row = tile / tiles_across * matmul_tile;
    let column = tile % tiles_across * matmul_tile;
    let place = matmul_quarter_place(subgroup);

    var top_left: coop_mat16x16<f32, C>;
    var top_right: coop_mat16x16<f32, C>;
    var bottom_left: coop_mat16x16<f32, C>;
    var bottom_right: coop_mat16x16<f32, C>;
    // group.z is 0: see workgroup_tile.wgsl.
    let k_end = matmul_dims.k + group.z;
    for (var k = 0u; k < k_end; k += matmul_depth) {
        matmul_fill_tiles(batch, invocation, row, column, k);
        workgroupBarrier();
        for (var depth = 0u; depth < matmul_depth; depth += matmul_edge) {
            let top = matmul_lhs_matrix(place.x, depth);
            let bottom = matmul_lhs_matrix(place.x + matmul_edge, depth);
            let left = matmul_rhs_matrix(depth, place.y);
            let right = matmul_rhs_matrix(depth, place.y + matmul_edge);
            top_left = coopMultiplyAdd(top, left, top_left);
            top_right = coopMultiplyAdd(top, right, top_right);
            bottom_left = coopMultiplyAdd(bottom, left, bottom_left);
            bottom_right = coopMultiplyAdd(bottom, right, bottom_right);
        }
        workgroupBarrier();
    }

    matmul_store_sums(top_left, subgroup, invocation, batch, row, column);
    matmul_store_sums(top_right, subgroup, invocation, batch, row, column + matmul_edge);
    matmul_store_sums(bottom_left, subgroup, invocation, batch, row + matmul_edge, column);
    matmul_store_sums(bottom_right, subgroup, invocation, batch, row + matmul_edge, column + matmul_edge);
}
