// The gradient of one step of an LSTM for software adapters, in registers, without workgroup memory. See mod.rs for the
// formulas.
//
//   next           [batch, gates, units]  the gates' gradients of the step behind this one; gates is 4, or 0 for none
//   weight         [4 units, units]       that step's weights, a gate's rows together
//   upstream       [batch, units]         what else is the gradient of the hidden state
//   cell_upstream  [batch, units]         the gradient of the new cell
//   saved          [batch, 5, units]      what the step saved
//   cell           [batch, units]         the cell before the step
//   gates          [batch, 4, units]      the gates' gradients before their nonlinearities
//   cell_gradient  [batch, units]         the gradient of the cell before the step
//
// The product of the next step's gradients is a tile as in matmul/register_tile.wgsl, in the form explained there.
//
// Dispatch ceil(ceil(batch / tile_rows) * ceil(units / 16) / workgroup_size) workgroups, in rows of 65,535; z must
// be 1, since it keeps the loops' ends unknown to the compiler.

struct LstmCellGradientDims { batch: u32, units: u32, gates: u32 }

@group(0) @binding(0) var<uniform> lstm_cell_gradient_dims: LstmCellGradientDims;
@group(0) @binding(1) var<storage, read> lstm_cell_gradient_next: array<vec4f>;
@group(0) @binding(2) var<storage, read> lstm_cell_gradient_weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> lstm_cell_gradient_upstream: array<vec4f>;
@group(0) @binding(4) var<storage, read> lstm_cell_gradient_cell_upstream: array<vec4f>;
@group(0) @binding(5) var<storage, read> lstm_cell_gradient_saved: array<vec4f>;
@group(0) @binding(6) var<storage, read> lstm_cell_gradient_cell: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> lstm_cell_gradient_gates: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> lstm_cell_gradient_cell_gradient: array<vec4f>;

// A multiple of four.
const lstm_cell_gradient_tile_rows: u32 = 16;
const lstm_cell_gradient_blocks_down: u32 = lstm_cell_gradient_tile_rows / 4;
const lstm_cell_gradient_workgroup_size: u32 = 8;

// Hooks: four consecutive elements of a row, zeros beyond its end; column is a multiple of four. The defaults want units
// in multiples of four.
fn lstm_cell_gradient_load_next(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_next[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_weight(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_weight[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_upstream(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_upstream[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_cell_upstream(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_cell_upstream[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_saved(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_saved[(row * lstm_cell_gradient_dims.units + column) / 4];
}

fn lstm_cell_gradient_load_cell(row: u32, column: u32) -> vec4f {
    return lstm_cell_gradient_cell[(row * lstm_cell_gradient_dims.units + column) / 4];
}

// Hooks: the same to be stored, each four exactly once; those beyond the end of the row are not to be stored.
fn lstm_cell_gradient_store_gates(row: u32, column: u32, value: vec4f) {
    lstm_cell_gradient_gates[(row * lstm_cell_gradient_dims.units + column) / 4] = value;
}

fn lstm_cell_gradient_store_cell_gradient(row: u32, column: u32, value: vec4f) {
    lstm_cell_gradient_cell_gradient[(row * lstm_cell_gradient_dims.units + column) / 4] = value;
}

// Four rows of the next gradients of a gate at k to k + 3, one column of the matrix for each row. Rows beyond the last
// are replaced by it, and never stored.
fn lstm_cell_gradient_next_block(row: u32, gate: u32, k: u32) -> mat4x4f {
    let rows = min(row + vec4u(0, 1, 2, 3), vec4u(lstm_cell_gradient_dims.batch - 1)) * lstm_cell_gradient_dims.gates + gate;
    return mat4x4f(
        lstm_cell_gradient_load_next(rows.x, k),
        lstm_cell_gradient_load_next(rows.y, k),
        lstm_cell_gradient_load_next(rows.z, k),
        lstm_cell_gradient_load_next(rows.w, k),
    );
}

// The weights of a gate at k to k + 3 and four units, one column of the matrix for each k. What lies beyond the last k
// meets zeros, what lies beyond the last unit is never stored.
fn lstm_cell_gradient_weight_block(gate: u32, unit: u32, k: u32) -> mat4x4f {
    let units = lstm_cell_gradient_dims.units;
    let rows = gate * units + min(k + vec4u(0, 1, 2, 3), vec4u(units - 1));
    let column = min(unit, (units - 1) / 4 * 4);
    return mat4x4f(
        lstm_cell_gradient_load_weight(rows.x, column),
        lstm_cell_gradient_load_weight(rows.y, column),
        lstm_cell_gradient_load_weight(rows.z, column),
        lstm_cell_gradient_load_weight(rows.w, column),
    );
}

// Column i of a block, where i is not known when the kernel is compiled.
fn lstm_cell_gradient_column(block: mat4x4f, i: u32) -> vec4f {
    return select(select(block[0], block[1], i == 1), select(block[2], block[3], i == 3), i >= 2);
}

// Replaces a block where that is wanted.
fn lstm_cell_gradient_replace(block: mat4x4f, other: mat4x4f, wanted: bool) -> mat4x4f {
    return mat4x4f(
        select(block[0], other[0], wanted),
        select(block[1], other[1], wanted),
        select(block[2], other[2], wanted),
        select(block[3], other[3], wanted),
    );
}

// The gradients of four units of a row, given the product of the next step's.
fn lstm_cell_gradient_step(row: u32, unit: u32, product: vec4f) {
    let input_gate = lstm_cell_gradient_load_saved(5 * row, unit);
    let forget_gate = lstm_cell_gradient_load_saved(5 * row + 1, unit);
    let candidate = lstm_cell_gradient_load_saved(5 * row + 2, unit);
    let output_gate = lstm_cell_gradient_load_saved(5 * row + 3, unit);
    let squashed = lstm_cell_gradient_load_saved(5 * row + 4, unit);
    let hidden = product + lstm_cell_gradient_load_upstream(row, unit);
    let cell = lstm_cell_gradient_load_cell_upstream(row, unit) + hidden * output_gate * (1.0 - squashed * squashed);
    let of_input = cell * candidate * input_gate * (1.0 - input_gate);
    let of_forget = cell * lstm_cell_gradient_load_cell(row, unit) * forget_gate * (1.0 - forget_gate);
    let of_candidate = cell * input_gate * (1.0 - candidate * candidate);
    let of_output = hidden * squashed * output_gate * (1.0 - output_gate);
    lstm_cell_gradient_store_gates(4 * row, unit, of_input);
    lstm_cell_gradient_store_gates(4 * row + 1, unit, of_forget);
    lstm_cell_gradient_store_gates(4 * row + 2, unit, of_candidate);
    lstm_cell_gradient_store_gates(4 * row + 3, unit, of_output);
    lstm_cell_gradient_store_cell_gradient(row, unit, cell * forget_gate);
}

@compute @workgroup_size(lstm_cell_gradient_workgroup_size)
fn lstm_cell_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let index = (group.x + 65535 * group.y) * lstm_cell_gradient_workgroup_size + local;
    let dims = lstm_cell_gradient_dims;
    let tiles_across = (dims.units + 15) / 16;
    let row = index / tiles_across * lstm_cell_gradient_tile_rows;
    let unit = index % tiles_across * 16;
    if (row >= dims.batch) {
        return;
    }

    var sum0: array<mat4x4f, lstm_cell_gradient_blocks_down>;
    var sum1: array<mat4x4f, lstm_cell_gradient_blocks_down>;
    var sum2: array<mat4x4f, lstm_cell_gradient_blocks_down>;
    var sum3: array<mat4x4f, lstm_cell_gradient_blocks_down>;
    let blocks = (dims.units + 3) / 4;
    let blocks_end = dims.gates * blocks + group.z; // group.z is 0, but that is not known to the compiler
    for (var block = 0u; block < blocks_end; block++) {
        let gate = block / blocks;
        let k = (block - gate * blocks) * 4;
        let b0 = lstm_cell_gradient_weight_block(gate, unit, k);
        let b1 = lstm_cell_gradient_weight_block(gate, unit + 4, k);
        let b2 = lstm_cell_gradient_weight_block(gate, unit + 8, k);
        let b3 = lstm_cell_gradient_weight_block(gate, unit + 12, k);
        for (var i = 0u; i < lstm_cell_gradient_blocks_down; i++) {
            let a = lstm_cell_gradient_next_block(row + 4 * i, gate, k);
            sum0[i] += b0 * a;
            sum1[i] += b1 * a;
            sum2[i] += b2 * a;
            sum3[i] += b3 * a;
        }
    }

    // Loops, not unrolled code, so that what a step stores is compiled once.
    for (var i = 0u; i < lstm_cell_gradient_blocks_down + group.z; i++) {
        var block0 = sum0[0];
        var block1 = sum1[0];
        var block2 = sum2[0];
        var block3 = sum3[0];
        for (var j = 1u; j < lstm_cell_gradient_blocks_down; j++) {
            block0 = lstm_cell_gradient_replace(block0, sum0[j], i == j);
            block1 = lstm_cell_gradient_replace(block1, sum1[j], i == j);
            block2 = lstm_cell_gradient_replace(block2, sum2[j], i == j);
            block3 = lstm_cell_gradient_replace(block3, sum3[j], i == j);
        }
        for (var j = 0u; j < 16 + group.z; j++) {
            let stored = row + 4 * i + j / 4;
            if (stored >= dims.batch) {
                return;
            }
            let at = unit + j % 4 * 4;
            if (at < dims.units) {
                let of_row = mat4x4f(
                    lstm_cell_gradient_column(block0, j / 4),
                    lstm_cell_gradient_column(block1, j / 4),
                    lstm_cell_gradient_column(block2, j / 4),
                    lstm_cell_gradient_column(block3, j / 4),
                );
                lstm_cell_gradient_step(stored, at, lstm_cell_gradient_column(of_row, j % 4));
            }
        }
    }
}
