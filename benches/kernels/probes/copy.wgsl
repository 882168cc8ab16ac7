// A copy of four floats for each invocation.

struct CopyDims { count: u32, columns: u32 }

@group(0) @binding(0) var<uniform> copy_dims: CopyDims;
@group(0) @binding(1) var<storage, read> copy_input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> copy_output: array<vec4f>;

@compute @workgroup_size(64)
fn copy_main(@builtin(global_invocation_id) id: vec3u) {
    let index = id.y * copy_dims.columns + id.x;
    if (id.x < copy_dims.columns && index < copy_dims.count) {
        copy_output[index] = copy_input[index];
    }
}
