// The gradient of one step of a GRU for software adapters, in registers, without workgroup memory. See mod.rs for the
// formulas.
//
//   next        [batch, gates, units]  the gradients of the next step's products; gates is 3, or 0 for no such step
//   weight      [3 units, units]       that step's weights, a gate's rows together
//   direct      [batch, units]         what flows back from the next step past its gates
//   upstream    [batch, units]         what else is the gradient of the hidden state
//   saved       [batch, 4, units]      what the step saved
//   hidden      [batch, units]         the hidden state before the step
//   gates       [batch, 6, units]      the gradients of the inputs' products, and of the hidden state's
//   past        [batch, units]         what flows back from this step past its gates
//
// The product of the next step's gradients is a tile as in matmul/register_tile.wgsl, in the form explained there.
//
// Dispatch ceil(ceil(batch / tile_rows) * ceil(units / 16) / workgroup_size) workgroups, in rows of 65,535; z must
// be 1, since it keeps the loops' ends unknown to the compiler.

struct GruCellGradientDims { batch: u32, units: u32, gates: u32 }

@group(0) @binding(0) var<uniform> gru_cell_gradient_dims: GruCellGradientDims;
@group(0) @binding(1) var<storage, read> gru_cell_gradient_next: array<vec4f>;
@group(0) @binding(2) var<storage, read> gru_cell_gradient_weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> gru_cell_gradient_direct: array<vec4f>;
@group(0) @binding(4) var<storage, read> gru_cell_gradient_upstream: array<vec4f>;
@group(0) @binding(5) var<storage, read> gru_cell_gradient_saved: array<vec4f>;
@group(0) @binding(6) var<storage, read> gru_cell_gradient_hidden: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> gru_cell_gradient_gates: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> gru_cell_gradient_past: array<vec4f>;

// A multiple of four.
const gru_cell_gradient_tile_rows: u32 = 16;
const gru_cell_gradient_blocks_down: u32 = gru_cell_gradient_tile_rows / 4;
const gru_cell_gradient_workgroup_size: u32 = 8;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want units
// in multiples of four.
fn gru_cell_gradient_load_next(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_next[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_weight(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_weight[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_direct(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_direct[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_upstream[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_saved(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_saved[(row * gru_cell_gradient_dims.units + column) / 4];
}

fn gru_cell_gradient_load_hidden(row: u32, column: u32) -> vec4f {
    return gru_cell_gradient_hidden[(row * gru_cell_gradient_dims.units + column) / 4];
}

// Hooks: the same to be stored, each four exactly once; those beyond the end of the row are not to be stored.
fn gru_cell_gradient_store_gates(row: u32, column: u32, value: vec4f) {
    gru_cell_gradient_gates[(row * gru_cell_gradient_dims.units + column) / 4] = value;
}

fn gru_cell_gradient_store_past(row: u32, column: u32, value: vec4f) {
    gru_cell_gradient_past[(row * gru_cell_gradient_dims.units + column) / 4] = value;
}

// Four rows of the next gradients of a gate at k to k + 3, one column of the matrix for each row. Rows beyond the last
// are replaced by it, and never stored.
fn gru_cell_gradient_next_block(row: u32, gate: u32, k: u32) -> mat4x4f {
    let rows = min(row + vec4u(0, 1, 2, 3), vec4u(gru_cell_gradient_dims.batch - 1)) * gru_cell_gradient_dims.gates + gate;
    return mat4x4f(
        gru_cell_gradient_load_next(rows.x, k),
        gru_cell_gradient_load_next(rows.y, k),
        gru_cell_gradient_load_next(rows.z, k),
        gru_cell_gradient_load_next(rows.w, k),
    );
}

// The weights of a gate at k to k + 3 and four units, one column of the matrix for each k. What lies beyond the last k
// meets zeros, what lies beyond the last unit is never stored.
fn gru_cell_gradient_weight_block(gate: u32, unit: u32, k: u32) -> mat4x4f {
    let units = gru_cell_gradient_dims.units;
    let rows = gate * units + min(k + vec4u(0, 1, 2, 3), vec4u(units - 1));
    let column = min(unit, (units - 1) / 4 * 4);
    return mat4x4f(
        gru_cell_gradient_load_weight(rows.x, column),
        gru_cell_gradient_load_weight(rows.y, column),
        gru_cell_gradient_load_weight(rows.z, column),
        gru_cell_gradient_load_weight(rows.w, column),
    );
}

// Column i of a block, where i is not known when the kernel is compiled.
fn gru_cell_gradient_column(block: mat4x4f, i: u32) -> vec4f {
    return select(select(block[0], block[1], i == 1), select(block[2], block[3], i == 3), i >= 2);
}

// Replaces a block where that is wanted.
fn gru_cell_gradient_replace(block: mat4x4f, other: mat4x4f, wanted: bool) -> mat4x4f {
    return mat4x4f(
        select(block[0], other[0], wanted),
        select(block[1], other[1], wanted),
        select(block[2], other[2], wanted),
        select(block[3], other[3], wanted),
    );
}

// The gradients of four units of a row, given the product of the next step's.
fn gru_cell_gradient_step(row: u32, unit: u32, product: vec4f) {
    let reset_gate = gru_cell_gradient_load_saved(4 * row, unit);
    let update_gate = gru_cell_gradient_load_saved(4 * row + 1, unit);
    let candidate = gru_cell_gradient_load_saved(4 * row + 2, unit);
    let third = gru_cell_gradient_load_saved(4 * row + 3, unit);
    let hidden = product + gru_cell_gradient_load_direct(row, unit) + gru_cell_gradient_load_upstream(row, unit);
    let of_candidate = hidden * (1.0 - update_gate) * (1.0 - candidate * candidate);
    let of_reset = of_candidate * third * reset_gate * (1.0 - reset_gate);
    let difference = gru_cell_gradient_load_hidden(row, unit) - candidate;
    let of_update = hidden * difference * update_gate * (1.0 - update_gate);
    gru_cell_gradient_store_gates(6 * row, unit, of_reset);
    gru_cell_gradient_store_gates(6 * row + 1, unit, of_update);
    gru_cell_gradient_store_gates(6 * row + 2, unit, of_candidate);
    gru_cell_gradient_store_gates(6 * row + 3, unit, of_reset);
    gru_cell_gradient_store_gates(6 * row + 4, unit, of_update);
    gru_cell_gradient_store_gates(6 * row + 5, unit, of_candidate * reset_gate);
    gru_cell_gradient_store_past(row, unit, hidden * update_gate);
}

@compute @workgroup_size(gru_cell_gradient_workgroup_size)
fn gru_cell_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let index = (group.x + 65535 * group.y) * gru_cell_gradient_workgroup_size + local;
    let dims = gru_cell_gradient_dims;
    let tiles_across = (dims.units + 15) / 16;
    let row = index / tiles_across * gru_cell_gradient_tile_rows;
    let unit = index % tiles_across * 16;
    if (row >= dims.batch) {
        return;
    }

    var sum0: array<mat4x4f, gru_cell_gradient_blocks_down>;
    var sum1: array<mat4x4f, gru_cell_gradient_blocks_down>;
    var sum2: array<mat4x4f, gru_cell_gradient_blocks_down>;
    var sum3: array<mat4x4f, gru_cell_gradient_blocks_down>;
    let blocks = (dims.units + 3) / 4;
    let blocks_end = dims.gates * blocks + group.z; // group.z is 0, but that is not known to the compiler
    for (var block = 0u; block < blocks_end; block++) {
        let gate = block / blocks;
        let k = (block - gate * blocks) * 4;
        let b0 = gru_cell_gradient_weight_block(gate, unit, k);
        let b1 = gru_cell_gradient_weight_block(gate, unit + 4, k);
        let b2 = gru_cell_gradient_weight_block(gate, unit + 8, k);
        let b3 = gru_cell_gradient_weight_block(gate, unit + 12, k);
        for (var i = 0u; i < gru_cell_gradient_blocks_down; i++) {
            let a = gru_cell_gradient_next_block(row + 4 * i, gate, k);
            sum0[i] += b0 * a;
            sum1[i] += b1 * a;
            sum2[i] += b2 * a;
            sum3[i] += b3 * a;
        }
    }

    // Loops, not unrolled code, so that what a step stores is compiled once.
    for (var i = 0u; i < gru_cell_gradient_blocks_down + group.z; i++) {
        var block0 = sum0[0];
        var block1 = sum1[0];
        var block2 = sum2[0];
        var block3 = sum3[0];
        for (var j = 1u; j < gru_cell_gradient_blocks_down; j++) {
            block0 = gru_cell_gradient_replace(block0, sum0[j], i == j);
            block1 = gru_cell_gradient_replace(block1, sum1[j], i == j);
            block2 = gru_cell_gradient_replace(block2, sum2[j], i == j);
            block3 = gru_cell_gradient_replace(block3, sum3[j], i == j);
        }
        for (var j = 0u; j < 16 + group.z; j++) {
            let stored = row + 4 * i + j / 4;
            if (stored >= dims.batch) {
                return;
            }
            let at = unit + j % 4 * 4;
            if (at < dims.units) {
                let of_row = mat4x4f(
                    gru_cell_gradient_column(block0, j / 4),
                    gru_cell_gradient_column(block1, j / 4),
                    gru_cell_gradient_column(block2, j / 4),
                    gru_cell_gradient_column(block3, j / 4),
                );
                gru_cell_gradient_step(stored, at, gru_cell_gradient_column(of_row, j % 4));
            }
        }
    }
}
