// One step of a GRU for software adapters: each invocation computes all three gates of some rows and four units, in
// registers, without workgroup memory. See mod.rs for the formulas.
//
//   input       [batch, 3, units]   the inputs' products with their biases
//   hidden      [batch, units]
//   weight      [3 units, units]    a gate's rows together
//   bias        [3, units]          of the hidden state's products
//   new_hidden  [batch, units]
//   saved       [batch, 4, units]   the gates and the third product with its bias, for the gradient
//
// The form is that of matmul/register_tile.wgsl, for the reasons given there: an array of 4 x 4 blocks for each of three
// columns of blocks, which are the gates, so that each invocation has all that its units' nonlinearities need.
//
// Dispatch ceil(ceil(batch / tile_rows) * ceil(units / 4) / workgroup_size) workgroups, in rows of 65,535; z must
// be 1, since it keeps the loops' ends unknown to the compiler.

struct GruCellDims { batch: u32, units: u32 }

@group(0) @binding(0) var<uniform> gru_cell_dims: GruCellDims;
@group(0) @binding(1) var<storage, read> gru_cell_input: array<vec4f>;
@group(0) @binding(2) var<storage, read> gru_cell_hidden: array<vec4f>;
@group(0) @binding(3) var<storage, read> gru_cell_weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> gru_cell_bias: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> gru_cell_new_hidden: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> gru_cell_saved: array<vec4f>;

// A multiple of four.
const gru_cell_tile_rows: u32 = 16;
const gru_cell_blocks_down: u32 = gru_cell_tile_rows / 4;
const gru_cell_workgroup_size: u32 = 8;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want units
// in multiples of four.
fn gru_cell_load_input(row: u32, column: u32) -> vec4f {
    return gru_cell_input[(row * gru_cell_dims.units + column) / 4];
}

fn gru_cell_load_hidden(row: u32, column: u32) -> vec4f {
    return gru_cell_hidden[(row * gru_cell_dims.units + column) / 4];
}

fn gru_cell_load_weight(row: u32, column: u32) -> vec4f {
    return gru_cell_weight[(row * gru_cell_dims.units + column) / 4];
}

fn gru_cell_load_bias(row: u32, column: u32) -> vec4f {
    return gru_cell_bias[(row * gru_cell_dims.units + column) / 4];
}

// Hooks: the same to be stored, each four exactly once; those beyond the end of the row are not to be stored.
fn gru_cell_store_hidden(row: u32, column: u32, value: vec4f) {
    gru_cell_new_hidden[(row * gru_cell_dims.units + column) / 4] = value;
}

fn gru_cell_store_saved(row: u32, column: u32, value: vec4f) {
    gru_cell_saved[(row * gru_cell_dims.units + column) / 4] = value;
}

// Clamped by select, which lets NaN through, where the result is 0 or 1 in f32.
fn gru_cell_sigmoid(x: vec4f) -> vec4f {
    let magnitude = select(abs(x), vec4f(80.0), abs(x) > vec4f(80.0));
    let power = exp(-magnitude);
    return select(vec4f(1.0), power, x < vec4f(0.0)) / (1.0 + power);
}

fn gru_cell_tanh(x: vec4f) -> vec4f {
    return 2.0 * gru_cell_sigmoid(2.0 * x) - 1.0;
}

// Four rows of the hidden state at k to k + 3, one column of the matrix for each row. Rows beyond the last are replaced
// by it, and never stored.
fn gru_cell_hidden_block(row: u32, k: u32) -> mat4x4f {
    let rows = min(row + vec4u(0, 1, 2, 3), vec4u(gru_cell_dims.batch - 1));
    return mat4x4f(
        gru_cell_load_hidden(rows.x, k),
        gru_cell_load_hidden(rows.y, k),
        gru_cell_load_hidden(rows.z, k),
        gru_cell_load_hidden(rows.w, k),
    );
}

// A gate's weights of four units at k to k + 3, one column of the matrix for each k.
fn gru_cell_weight_block(gate: u32, unit: u32, k: u32) -> mat4x4f {
    let units = gru_cell_dims.units;
    let rows = gate * units + min(unit + vec4u(0, 1, 2, 3), vec4u(units - 1));
    return transpose(mat4x4f(
        gru_cell_load_weight(rows.x, k),
        gru_cell_load_weight(rows.y, k),
        gru_cell_load_weight(rows.z, k),
        gru_cell_load_weight(rows.w, k),
    ));
}

// Column i of a block, where i is not known when the kernel is compiled.
fn gru_cell_column(block: mat4x4f, i: u32) -> vec4f {
    return select(select(block[0], block[1], i == 1), select(block[2], block[3], i == 3), i >= 2);
}

// Replaces a block where that is wanted.
fn gru_cell_replace(block: mat4x4f, other: mat4x4f, wanted: bool) -> mat4x4f {
    return mat4x4f(
        select(block[0], other[0], wanted),
        select(block[1], other[1], wanted),
        select(block[2], other[2], wanted),
        select(block[3], other[3], wanted),
    );
}

// What four units of a row become, given the products of the hidden state for each gate.
fn gru_cell_step(row: u32, unit: u32, products: mat3x4f) {
    let reset_sum = products[0] + gru_cell_load_bias(0, unit) + gru_cell_load_input(3 * row, unit);
    let update_sum = products[1] + gru_cell_load_bias(1, unit) + gru_cell_load_input(3 * row + 1, unit);
    let third = products[2] + gru_cell_load_bias(2, unit);
    let reset_gate = gru_cell_sigmoid(reset_sum);
    let update_gate = gru_cell_sigmoid(update_sum);
    let candidate = gru_cell_tanh(gru_cell_load_input(3 * row + 2, unit) + reset_gate * third);
    let hidden = (1.0 - update_gate) * candidate + update_gate * gru_cell_load_hidden(row, unit);
    gru_cell_store_hidden(row, unit, hidden);
    gru_cell_store_saved(4 * row, unit, reset_gate);
    gru_cell_store_saved(4 * row + 1, unit, update_gate);
    gru_cell_store_saved(4 * row + 2, unit, candidate);
    gru_cell_store_saved(4 * row + 3, unit, third);
}

@compute @workgroup_size(gru_cell_workgroup_size)
fn gru_cell(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let index = (group.x + 65535 * group.y) * gru_cell_workgroup_size + local;
    let dims = gru_cell_dims;
    let tiles_across = (dims.units + 3) / 4;
    let row = index / tiles_across * gru_cell_tile_rows;
    let unit = index % tiles_across * 4;
    if (row >= dims.batch) {
        return;
    }

    var sum0: array<mat4x4f, gru_cell_blocks_down>;
    var sum1: array<mat4x4f, gru_cell_blocks_down>;
    var sum2: array<mat4x4f, gru_cell_blocks_down>;
    let k_end = dims.units + group.z; // group.z is 0, but that is not known when the loop is compiled
    for (var k = 0u; k < k_end; k += 4) {
        let b0 = gru_cell_weight_block(0, unit, k);
        let b1 = gru_cell_weight_block(1, unit, k);
        let b2 = gru_cell_weight_block(2, unit, k);
        for (var i = 0u; i < gru_cell_blocks_down; i++) {
            let a = gru_cell_hidden_block(row + 4 * i, k);
            sum0[i] += b0 * a;
            sum1[i] += b1 * a;
            sum2[i] += b2 * a;
        }
    }

    // Loops, not unrolled code, so that what a step stores is compiled once.
    for (var i = 0u; i < gru_cell_blocks_down + group.z; i++) {
        var block0 = sum0[0];
        var block1 = sum1[0];
        var block2 = sum2[0];
        for (var j = 1u; j < gru_cell_blocks_down; j++) {
            block0 = gru_cell_replace(block0, sum0[j], i == j);
            block1 = gru_cell_replace(block1, sum1[j], i == j);
            block2 = gru_cell_replace(block2, sum2[j], i == j);
        }
        for (var j = 0u; j < 4 + group.z; j++) {
            let stored = row + 4 * i + j;
            if (stored >= dims.batch) {
                return;
            }
            let products = mat3x4f(
                gru_cell_column(block0, j),
                gru_cell_column(block1, j),
                gru_cell_column(block2, j),
            );
            gru_cell_step(stored, unit, products);
        }
    }
}
