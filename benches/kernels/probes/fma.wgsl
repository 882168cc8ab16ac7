// As many fused multiplications and additions as an invocation can keep apart: eight chains of four lanes.

struct FmaDims { rounds: u32 }

@group(0) @binding(0) var<uniform> fma_dims: FmaDims;
@group(0) @binding(1) var<storage, read_write> fma_output: array<vec4f>;

@compute @workgroup_size(64)
fn fma_main(@builtin(global_invocation_id) id: vec3u) {
    let scale = vec4f(0.999 + f32(fma_dims.rounds) * 1e-12);
    let start = vec4f(f32(id.x) * 1e-6, 0.25, 0.5, 0.75);
    var a = start;
    var b = start + 0.1;
    var c = start + 0.2;
    var d = start + 0.3;
    var e = start + 0.4;
    var f = start + 0.5;
    var g = start + 0.6;
    var h = start + 0.7;
    for (var round = 0u; round < fma_dims.rounds; round++) {
        a = fma(a, scale, start);
        b = fma(b, scale, start);
        c = fma(c, scale, start);
        d = fma(d, scale, start);
        e = fma(e, scale, start);
        f = fma(f, scale, start);
        g = fma(g, scale, start);
        h = fma(h, scale, start);
    }
    fma_output[id.x] = a + b + c + d + e + f + g + h;
}
