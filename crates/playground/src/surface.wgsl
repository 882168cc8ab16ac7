// Draws a value over the plane, orange where it is negative and blue where it is positive, from a tensor [side * side, columns]
// that holds it for each point of a grid, row by row from the top left.

struct Picture {
    // Where the tensor begins, in elements of the buffer.
    offset: u32,
    columns: u32,
    side: u32,
    // What makes a number from -1 to 1 of a value: see `scaled`.
    scale: u32,
}

@group(0) @binding(0) var<uniform> picture: Picture;
@group(0) @binding(1) var<storage, read> values: array<f32>;

// Whether colours are linear where they are written, since the target encodes them.
override is_linear: bool = false;
// How far the plane that is shown reaches from its middle.
override reach: f32 = 1.0;

const NEGATIVE = vec3f(0.937, 0.537, 0.118);
const NEUTRAL = vec3f(0.937, 0.941, 0.945);
const POSITIVE = vec3f(0.094, 0.443, 0.710);
const BOUNDARY = vec3f(0.216, 0.243, 0.278);

struct Corner {
    @builtin(position) position: vec4f,
    // From (0, 0) at the top left to (1, 1).
    @location(0) place: vec2f,
    @location(1) @interpolate(flat) unit: u32,
}

// One triangle that covers the viewport. The instance tells the unit.
@vertex
fn corner(@builtin(vertex_index) index: u32, @builtin(instance_index) unit: u32) -> Corner {
    let place = vec2f(f32((index << 1u) & 2u), f32(index & 2u));
    return Corner(vec4f(2.0 * place.x - 1.0, 1.0 - 2.0 * place.y, 0.0, 1.0), place, unit);
}

fn value_at(column: u32, row: u32, unit: u32) -> f32 {
    return values[picture.offset + (row * picture.side + column) * picture.columns + unit];
}

// The value between the four points of the grid around a place, and its slope across and down, for each cell of the grid.
fn value_between(place: vec2f, unit: u32) -> vec3f {
    let last = picture.side - 1u;
    let grid = clamp(place, vec2f(0.0), vec2f(1.0)) * f32(last);
    let low = min(vec2u(grid), vec2u(last - 1u));
    let share = grid - vec2f(low);
    let upper = vec2f(value_at(low.x, low.y, unit), value_at(low.x + 1u, low.y, unit));
    let lower = vec2f(value_at(low.x, low.y + 1u, unit), value_at(low.x + 1u, low.y + 1u, unit));
    let sides = mix(upper, lower, share.y);
    let ends = mix(vec2f(upper.x, lower.x), vec2f(upper.y, lower.y), share.x);
    return vec3f(mix(sides.x, sides.y, share.x), sides.y - sides.x, ends.y - ends.x);
}

fn scaled(value: f32) -> f32 {
    switch picture.scale {
        // A logit: how much more likely one class is than the other.
        case 1u: { return tanh(clamp(0.5 * value, -10.0, 10.0)); }
        // A share from 0 to 1.
        case 2u: { return 2.0 * value - 1.0; }
        // Any number: colours end at -2 and 2.
        case 3u: { return 0.5 * value; }
        // A place on the plane.
        case 4u: { return value / reach; }
        default: { return value; }
    }
}

fn to_linear(colour: vec3f) -> vec3f {
    return select(pow((colour + 0.055) / 1.055, vec3f(2.4)), colour / 12.92, colour <= vec3f(0.04045));
}

@fragment
fn shade(corner: Corner) -> @location(0) vec4f {
    // The cells of the grid in a pixel. Derivatives of values would be wrong where a load is masked out at a triangle's edge.
    let cells = fwidth(corner.place) * f32(picture.side - 1u);
    let found = value_between(corner.place, corner.unit);
    let value = found.x;
    let share = clamp(scaled(value), -1.0, 1.0);
    // The output is paler than the points that are drawn on it.
    let strength = select(1.0, 0.8, picture.scale == 1u);
    var colour = mix(NEUTRAL, select(NEGATIVE, POSITIVE, share > 0.0), strength * abs(share));
    if picture.scale == 1u {
        // Where both classes are equally likely: a line of about two pixels.
        let pixels = abs(value) / max(length(found.yz * cells), 1e-6);
        colour = mix(colour, BOUNDARY, 0.8 * (1.0 - smoothstep(0.5, 1.5, pixels)));
    }
    return vec4f(select(colour, to_linear(colour), is_linear), 1.0);
}
