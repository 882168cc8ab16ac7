// output[j] = table[step % rows][j]

struct LookupDims {
    rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> lookup_dims: LookupDims;
@group(0) @binding(1) var<storage, read> lookup_table: array<f32>;
@group(0) @binding(2) var<storage, read> lookup_step: array<u32>;
@group(0) @binding(3) var<storage, read_write> lookup_output: array<f32>;

fn lookup_load_table(row: u32, column: u32) -> f32 {
    return lookup_table[row * lookup_dims.columns + column];
}

fn lookup_load_step(row: u32, column: u32) -> u32 {
    return lookup_step[column];
}

fn lookup_store(row: u32, column: u32, value: f32) {
    lookup_output[column] = value;
}

const lookup_workgroup_size: u32 = 64;

// Dispatch ceil(columns / workgroup_size) workgroups, in rows of 65,535.
@compute @workgroup_size(lookup_workgroup_size)
fn lookup(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let column = (group.x + 65535 * group.y) * lookup_workgroup_size + local;
    if column < lookup_dims.columns {
        let row = lookup_load_step(0u, 0u) % lookup_dims.rows;
        lookup_store(0u, column, lookup_load_table(row, column));
    }
}
