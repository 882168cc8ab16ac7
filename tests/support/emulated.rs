//! Cooperative matrices for adapters that have none, so that all of a kernel but the adapter's own units can be tested.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

/// What takes the place of a matrix: all of its elements by rows, which every invocation of a subgroup holds for itself.
const MATRIX: &str = "
struct EmulatedMatrix { elements: array<f32, 256> }

fn emulated_halves(value: vec4f) -> vec2u {
    return vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
}

fn emulated_multiply_add(a: EmulatedMatrix, b: EmulatedMatrix, c: EmulatedMatrix) -> EmulatedMatrix {
    var lhs = a;
    var rhs = b;
    var sums = c;
    for (var index = 0u; index < 256u; index++) {
        var sum = sums.elements[index];
        for (var inner = 0u; inner < 16u; inner++) {
            sum += lhs.elements[index / 16u * 16u + inner] * rhs.elements[inner * 16u + index % 16u];
        }
        sums.elements[index] = sum;
    }
    return sums;
}
";

/// Loads from an array of groups of four halves, in which places and strides are counted. Vulkan wants both to be multiples of
/// 16 bytes; what is not loads nonsense.
const LOAD: &str = "
fn emulated_load_NAME(at: u32, stride: u32, by_rows: bool) -> EmulatedMatrix {
    var matrix: EmulatedMatrix;
    for (var group = 0u; group < 64u; group++) {
        let words = NAME[at + group / 4u * stride + group % 4u];
        var four = vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
        if ((at | stride) % 2u != 0u) {
            four = vec4f(1e30);
        }
        for (var lane = 0u; lane < 4u; lane++) {
            let place = vec2u(group / 4u, group % 4u * 4u + lane);
            let turned = select(place.yx, place, by_rows);
            matrix.elements[turned.x * 16u + turned.y] = four[lane];
        }
    }
    return matrix;
}
";

/// Stores by rows into an array of groups of four floats. All invocations of a subgroup store the same.
const STORE: &str = "
fn emulated_store_NAME(matrix: EmulatedMatrix, at: u32, stride: u32) {
    var elements = matrix.elements;
    for (var group = 0u; group < 64u; group++) {
        let first = group * 4u;
        NAME[at + group / 4u * stride + group % 4u] =
            vec4f(elements[first], elements[first + 1u], elements[first + 2u], elements[first + 3u]);
    }
}
";

/// A kernel's WGSL with matrices and halves in the place of which is what every adapter has. Subgroups are taken to be the
/// runs of `matmul_subgroup_size` invocations.
pub fn emulated(source: &str) -> Result<String> {
    let mut text = source.replace("enable f16;", "").replace("enable wgpu_cooperative_matrix;", "");
    let (mut loaded, mut stored) = (BTreeSet::new(), BTreeSet::new());
    while let Some(call) = Call::find(&text, "coopLoad") {
        let [pointer, stride] = call.arguments()?;
        let (name, at) = element(&pointer)?;
        let by_rows = call.function.starts_with("coopLoadT<");
        text.replace_range(call.begin..call.end, &format!("emulated_load_{name}({at}, {stride}, {by_rows})"));
        loaded.insert(name);
    }
    while let Some(call) = Call::find(&text, "coopStore") {
        ensure!(call.function == "coopStoreT", "{} is not emulated", call.function);
        let [matrix, pointer, stride] = call.arguments()?;
        let (name, at) = element(&pointer)?;
        text.replace_range(call.begin..call.end, &format!("emulated_store_{name}({matrix}, {at}, {stride})"));
        stored.insert(name);
    }
    for matrix in ["coop_mat16x16<f16, A>", "coop_mat16x16<f16, B>", "coop_mat16x16<f32, C>"] {
        text = text.replace(matrix, "EmulatedMatrix");
    }
    text = text.replace("coopMultiplyAdd", "emulated_multiply_add");
    text = text.replace("vec4<f16>(", "emulated_halves(").replace("vec4<f16>", "vec2u");
    const SUBGROUP: &str = "    @builtin(subgroup_id) subgroup: u32,\n) {\n";
    ensure!(text.contains(SUBGROUP), "the entry point asks for no subgroup");
    text = text.replace(SUBGROUP, ") {\n    let subgroup = invocation / matmul_subgroup_size;\n");
    text.push_str(MATRIX);
    loaded.iter().for_each(|name| text.push_str(&LOAD.replace("NAME", name)));
    stored.iter().for_each(|name| text.push_str(&STORE.replace("NAME", name)));
    ensure!(!loaded.is_empty() && !stored.is_empty() && !text.contains("coop"), "something is left:\n{text}");
    Ok(text)
}

/// A call in a text.
struct Call {
    /// The name, and the template's parameters.
    function: String,
    /// What stands between the parentheses.
    inside: String,
    begin: usize,
    end: usize,
}

impl Call {
    /// The first call of a function whose name begins so.
    fn find(text: &str, name: &str) -> Option<Self> {
        let begin = text.find(name)?;
        let open = begin + text[begin..].find('(')?;
        let close = open + closing(&text[open..])?;
        let inside = text[open + 1..close].to_owned();
        Some(Self { function: text[begin..open].to_owned(), inside, begin, end: close + 1 })
    }

    fn arguments<const N: usize>(&self) -> Result<[String; N]> {
        let mut arguments = vec![String::new()];
        let mut depth = 0;
        for letter in self.inside.chars() {
            depth += i32::from("([".contains(letter)) - i32::from(")]".contains(letter));
            match letter {
                ',' if depth == 0 => arguments.push(String::new()),
                letter => arguments.last_mut().context("no argument")?.push(letter),
            }
        }
        let trimmed: Vec<String> = arguments.iter().map(|argument| argument.trim().to_owned()).collect();
        trimmed.try_into().ok().with_context(|| format!("{}: not {N} arguments", self.function))
    }
}

/// The place of the parenthesis that closes the one which the text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(place, letter)| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        (depth == 0).then_some(place)
    })
}

/// The name and the index of `&name[index]`.
fn element(pointer: &str) -> Result<(String, String)> {
    let inner = pointer.strip_prefix('&').and_then(|inner| inner.strip_suffix(']')).and_then(|inner| inner.split_once('['));
    let (name, index) = inner.with_context(|| format!("{pointer} is no pointer to an element"))?;
    Ok((name.to_owned(), index.to_owned()))
}
