//! Cooperative matrices for adapters that have none, so that all of a kernel but the adapter's own units can be tested.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

/// What takes the place of matrices: of A and B where they lie, which nobody changes between a load and the products that
/// follow it; of C each invocation's share of elements, which follow one another along rows. Loops end at what no compiler
/// knows, since Mesa would unroll them, and compile for minutes.
const MATRICES: &str = "
var<private> emulated_lane: u32;
var<private> emulated_zero: u32;
const emulated_share: u32 = 256 / matmul_subgroup_size;
struct EmulatedOperand { at: u32, stride: u32, by_rows: bool }
struct EmulatedSums { elements: array<f32, emulated_share> }

fn emulated_halves(value: vec4f) -> vec2u {
    return vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
}

fn emulated_multiply_add(a: EmulatedOperand, b: EmulatedOperand, c: EmulatedSums) -> EmulatedSums {
    var sums = c;
    for (var index = 0u; index < emulated_share + emulated_zero; index++) {
        let element = emulated_lane * emulated_share + index;
        var sum = sums.elements[index];
        for (var inner = 0u; inner < 16u + emulated_zero; inner++) {
            sum += emulated_element_A(a, element / 16u, inner) * emulated_element_B(b, inner, element % 16u);
        }
        sums.elements[index] = sum;
    }
    return sums;
}
";

/// Reads an element from an array of groups of four halves, in which places and strides are counted. Vulkan wants both to be
/// multiples of 16 bytes; where they are not, elements are nonsense.
const ELEMENT: &str = "
fn emulated_element_ROLE(operand: EmulatedOperand, row: u32, column: u32) -> f32 {
    let place = select(vec2u(column, row), vec2u(row, column), operand.by_rows);
    let words = NAME[operand.at + place.x * operand.stride + place.y / 4u];
    let pair = unpack2x16float(select(words.x, words.y, place.y % 4u >= 2u));
    return select(select(pair.x, pair.y, place.y % 2u == 1u), 1e30, (operand.at | operand.stride) % 2u != 0u);
}
";

/// Stores each invocation's share by rows into an array of groups of four floats.
const STORE: &str = "
fn emulated_store(sums: EmulatedSums, at: u32, stride: u32) {
    var elements = sums.elements;
    for (var index = 0u; index < emulated_share + emulated_zero; index += 4u) {
        let place = emulated_lane * emulated_share + index;
        NAME[at + place / 16u * stride + place % 16u / 4u] =
            vec4f(elements[index], elements[index + 1u], elements[index + 2u], elements[index + 3u]);
    }
}
";

/// A kernel's WGSL with matrices and halves in the place of which is what every adapter has. Subgroups are taken to be the
/// runs of `matmul_subgroup_size` invocations.
pub fn emulated(source: &str) -> Result<String> {
    const SUBGROUP: &str = "    @builtin(subgroup_id) subgroup: u32,\n) {\n";
    const EMULATED: &str = ") {
    let subgroup = invocation / matmul_subgroup_size;
    emulated_lane = invocation % matmul_subgroup_size;
    emulated_zero = group.z;
";
    ensure!(source.contains(SUBGROUP), "the entry point asks for no subgroup");
    let mut text = source.replace("enable f16;", "").replace("enable wgpu_cooperative_matrix;", "").replace(SUBGROUP, EMULATED);
    let mut arrays: BTreeMap<&str, String> = BTreeMap::new();
    let mut keep = |role, name: &str| {
        let known = arrays.entry(role).or_insert_with(|| name.to_owned());
        ensure!(known == name, "matrices {role} are in {known} and in {name}");
        Ok(())
    };
    while let Some(call) = Call::find(&text, "coopLoad") {
        let [pointer, stride] = call.arguments()?;
        let (name, at) = element(&pointer)?;
        let role = ["A", "B"].into_iter().find(|role| call.function.ends_with(&format!("<coop_mat16x16<f16, {role}>>")));
        keep(role.with_context(|| call.function.clone())?, &name)?;
        let by_rows = call.function.starts_with("coopLoadT<");
        text.replace_range(call.begin..call.end, &format!("EmulatedOperand({at}, {stride}, {by_rows})"));
    }
    while let Some(call) = Call::find(&text, "coopStore") {
        ensure!(call.function == "coopStoreT", "{} is not emulated", call.function);
        let [sums, pointer, stride] = call.arguments()?;
        let (name, at) = element(&pointer)?;
        keep("C", &name)?;
        text.replace_range(call.begin..call.end, &format!("emulated_store({sums}, {at}, {stride})"));
    }
    for (right, emulated) in [
        ("coop_mat16x16<f16, A>", "EmulatedOperand"),
        ("coop_mat16x16<f16, B>", "EmulatedOperand"),
        ("coop_mat16x16<f32, C>", "EmulatedSums"),
        ("coopMultiplyAdd", "emulated_multiply_add"),
        ("vec4<f16>(", "emulated_halves("),
        ("vec4<f16>", "vec2u"),
    ] {
        text = text.replace(right, emulated);
    }
    let is_left = ["coopLoad", "coopStore", "coop_mat", "f16>"].into_iter().find(|word| text.contains(word));
    ensure!(is_left.is_none(), "{is_left:?} is left:\n{text}");
    text.push_str(MATRICES);
    for (role, template) in [("A", ELEMENT), ("B", ELEMENT), ("C", STORE)] {
        let name = arrays.get(role).with_context(|| format!("no matrix {role} is loaded or stored"))?;
        text.push_str(&template.replace("ROLE", role).replace("NAME", name));
    }
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
