// The smaller of an index and a limit.

fn min_index(x: vec4u, limit: u32) -> vec4u {
    return min(x, vec4u(limit));
}
