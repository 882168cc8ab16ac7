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

@compute @workgroup_size(64)
fn lookup(@builtin(global_invocation_id) id: vec3u) {
    if id.x < lookup_dims.columns {
        let row = lookup_load_step(0u, 0u) % lookup_dims.rows;
        lookup_store(0u, id.x, lookup_load_table(row, id.x));
    }
}
