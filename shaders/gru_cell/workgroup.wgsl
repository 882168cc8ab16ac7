// One step of a GRU for GPUs. See mod.rs for the formulas.
//
//   input       [batch, 3, units]   the inputs' products with their biases
//   hidden      [batch, units]
//   weight      [3 units, units]    a gate's rows together
//   bias        [3, units]          of the hidden state's products
//   new_hidden  [batch, units]
//   saved       [batch, 4, units]   the gates and the third product with its bias, for the gradient
//
// A tile has 16 rows, 16 units and all three gates, and passes through workgroup memory; each invocation has one row and
// four units. Steps are small and many wait for each other, so tiles are small too, and the invocations of a workgroup
// are divided into slices, each of which computes the tile over its own quarter of each step of k, as in
// matmul/workgroup_tile.wgsl.
//
// Dispatch ceil(units / 16) * ceil(batch / 16) workgroups, in rows of 65,535.

struct GruCellDims { batch: u32, units: u32 }

@group(0) @binding(0) var<uniform> gru_cell_dims: GruCellDims;
@group(0) @binding(1) var<storage, read> gru_cell_input: array<vec4f>;
@group(0) @binding(2) var<storage, read> gru_cell_hidden: array<vec4f>;
@group(0) @binding(3) var<storage, read> gru_cell_weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> gru_cell_bias: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> gru_cell_new_hidden: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> gru_cell_saved: array<vec4f>;

const gru_cell_tile: u32 = 16;
const gru_cell_depth: u32 = 8;
const gru_cell_slices: u32 = 4;
// Blocks of four units in a tile, and invocations of a slice.
const gru_cell_blocks: u32 = gru_cell_tile / 4;
const gru_cell_slice_size: u32 = gru_cell_tile * gru_cell_blocks;
const gru_cell_workgroup_size: u32 = gru_cell_slice_size * gru_cell_slices;

// Element [slice][k][row], and [slice][k][gate][block], with room for a fourth gate, so that there is an element for
// each invocation. After the last step the second serves the sum over the slices.
var<workgroup> gru_cell_hidden_tile: array<f32, gru_cell_slices * gru_cell_depth * gru_cell_tile>;
var<workgroup> gru_cell_weight_tile: array<vec4f, gru_cell_slices * gru_cell_depth * gru_cell_tile>;

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

fn gru_cell_fetch_hidden(row: u32, k: u32) -> vec4f {
    if (row >= gru_cell_dims.batch || k >= gru_cell_dims.units) {
        return vec4f();
    }
    return gru_cell_load_hidden(row, k);
}

fn gru_cell_fetch_weight(gate: u32, unit: u32, k: u32) -> vec4f {
    if (unit >= gru_cell_dims.units || k >= gru_cell_dims.units) {
        return vec4f();
    }
    return gru_cell_load_weight(gate * gru_cell_dims.units + unit, k);
}

// Copies a slice's part of the weights and the hidden state, from k on, into workgroup memory: 24 of
// its invocations a block of 4 x 4 weights each, 32 others four elements of the hidden state.
fn gru_cell_fill_tiles(slice: u32, member: u32, row: u32, unit: u32, k: u32) {
    let first = slice * gru_cell_depth;
    if (member < 24) {
        let block_of_k = member % 2 * 4;
        let place = member / 2;
        let first_unit = unit + place % gru_cell_blocks * 4;
        let gate = place / gru_cell_blocks;
        let block = transpose(mat4x4f(
            gru_cell_fetch_weight(gate, first_unit, k + block_of_k),
            gru_cell_fetch_weight(gate, first_unit + 1, k + block_of_k),
            gru_cell_fetch_weight(gate, first_unit + 2, k + block_of_k),
            gru_cell_fetch_weight(gate, first_unit + 3, k + block_of_k),
        ));
        let at = (first + block_of_k) * gru_cell_tile + place;
        gru_cell_weight_tile[at] = block[0];
        gru_cell_weight_tile[at + gru_cell_tile] = block[1];
        gru_cell_weight_tile[at + 2 * gru_cell_tile] = block[2];
        gru_cell_weight_tile[at + 3 * gru_cell_tile] = block[3];
    } else if (member >= 32) {
        let block_of_k = member % 2 * 4;
        let place = (member - 32) / 2;
        let elements = gru_cell_fetch_hidden(row + place, k + block_of_k);
        for (var i = 0u; i < 4; i++) {
            gru_cell_hidden_tile[(first + block_of_k + i) * gru_cell_tile + place] = elements[i];
        }
    }
}

// The sum of the slices' values, in the order of the slices. Every invocation must call it.
fn gru_cell_sum_slices(value: vec4f, member: u32, invocation: u32) -> vec4f {
    workgroupBarrier();
    gru_cell_weight_tile[invocation] = value;
    workgroupBarrier();
    var total = gru_cell_weight_tile[member];
    for (var slice = 1u; slice < gru_cell_slices; slice++) {
        total += gru_cell_weight_tile[slice * gru_cell_slice_size + member];
    }
    return total;
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
fn gru_cell(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32) {
    let slice = invocation / gru_cell_slice_size;
    let member = invocation % gru_cell_slice_size;
    let place = member / gru_cell_blocks;
    let block = member % gru_cell_blocks;
    let number = group.x + 65535 * group.y;
    let tiles_across = (gru_cell_dims.units + gru_cell_tile - 1) / gru_cell_tile;
    let row = number / tiles_across * gru_cell_tile;
    let unit = number % tiles_across * gru_cell_tile;

    var sum: mat3x4f;
    let k_end = gru_cell_dims.units + group.z; // group.z is 0, but that is not known when the loop is compiled
    for (var k = 0u; k < k_end; k += gru_cell_depth * gru_cell_slices) {
        gru_cell_fill_tiles(slice, member, row, unit, k + slice * gru_cell_depth);
        workgroupBarrier();
        let first = slice * gru_cell_depth;
        for (var depth = first; depth < first + gru_cell_depth; depth++) {
            let a = gru_cell_hidden_tile[depth * gru_cell_tile + place];
            let at = depth * gru_cell_tile + block;
            sum += a * mat3x4f(
                gru_cell_weight_tile[at],
                gru_cell_weight_tile[at + gru_cell_blocks],
                gru_cell_weight_tile[at + 2 * gru_cell_blocks],
            );
        }
        workgroupBarrier();
    }
    let products = mat3x4f(
        gru_cell_sum_slices(sum[0], member, invocation),
        gru_cell_sum_slices(sum[1], member, invocation),
        gru_cell_sum_slices(sum[2], member, invocation),
    );
    if (slice == 0 && row + place < gru_cell_dims.batch && unit + 4 * block < gru_cell_dims.units) {
        gru_cell_step(row + place, unit + 4 * block, products);
    }
}
