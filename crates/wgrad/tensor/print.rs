//! Numbers in brackets, laid out by the rules of PyTorch's `print`.

/// Elements beyond which only the edges are shown.
const SUMMARIZED: usize = 1000;
/// Elements shown at each end of an axis then.
const EDGE: usize = 3;
/// Characters in a line.
const LINE: usize = 80;
/// The width of `tensor(`, by which all lines but the first are indented.
const INDENT: usize = 7;
/// What stands for elements that are left out.
const ELLIPSIS: &str = "...";

/// The elements of a tensor, without `tensor( )` around them. All numbers of f32 and of u32 are numbers of f64.
pub(super) fn print(dims: &[usize], elements: &[f64], is_float: bool) -> String {
    if elements.is_empty() {
        return "[]".to_owned();
    }
    let edge = (elements.len() > SUMMARIZED).then_some(EDGE);
    let shown = shown(dims, elements, edge);
    let notation = Notation::of(&shown, is_float);
    let width = shown.iter().map(|&element| notation.write(element).len()).max().unwrap_or(0);
    Layout { edge, notation, width }.print(dims, elements, INDENT)
}

/// How all elements of a tensor are written.
#[derive(Clone, Copy)]
enum Notation {
    /// `7`
    Integer,
    /// `7.`
    Whole,
    /// `7.2500`
    Decimal,
    /// `7.2500e+00`
    Scientific,
}

impl Notation {
    fn of(elements: &[f64], is_float: bool) -> Self {
        if !is_float {
            return Self::Integer;
        }
        let magnitudes = || elements.iter().filter(|x| x.is_finite() && **x != 0.0).map(|x| x.abs());
        let (smallest, largest) = magnitudes().fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        let is_whole = magnitudes().all(|x| x.fract() == 0.0);
        let is_wide = largest > 1000.0 * smallest || largest > 1e8;
        match (is_wide || (!is_whole && smallest < 1e-4), is_whole) {
            (true, _) => Self::Scientific,
            (false, true) => Self::Whole,
            (false, false) => Self::Decimal,
        }
    }

    fn write(self, element: f64) -> String {
        if !element.is_finite() {
            return if element.is_nan() { "nan".into() } else { element.to_string() };
        }
        match self {
            Self::Integer => format!("{element:.0}"),
            Self::Whole => format!("{element:.0}."),
            Self::Decimal => format!("{element:.4}"),
            Self::Scientific => scientific(element),
        }
    }
}

/// With a sign and two digits at least in the exponent, which Rust leaves out.
fn scientific(element: f64) -> String {
    let text = format!("{element:.4e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

struct Layout {
    edge: Option<usize>,
    notation: Notation,
    width: usize,
}

impl Layout {
    fn print(&self, dims: &[usize], elements: &[f64], indent: usize) -> String {
        match dims {
            [] => elements.iter().map(|&element| self.notation.write(element)).collect(),
            [_] => self.vector(elements, indent),
            [rows, inner @ ..] => self.block(*rows, inner, elements, indent),
        }
    }

    fn vector(&self, elements: &[f64], indent: usize) -> String {
        let write = |index: Option<usize>| match index {
            Some(index) => format!("{:>1$}", self.notation.write(elements[index]), self.width),
            None => ELLIPSIS.to_owned(),
        };
        let texts: Vec<String> = shown_indices(elements.len(), self.edge).into_iter().map(write).collect();
        let per_line = (LINE.saturating_sub(indent) / (self.width + 2)).max(1);
        let lines: Vec<String> = texts.chunks(per_line).map(|line| line.join(", ")).collect();
        format!("[{}]", lines.join(&format!(",\n{}", " ".repeat(indent + 1))))
    }

    fn block(&self, rows: usize, inner: &[usize], elements: &[f64], indent: usize) -> String {
        let size: usize = inner.iter().product();
        let write = |index: Option<usize>| match index {
            Some(index) => self.print(inner, &elements[index * size..(index + 1) * size], indent + 1),
            None => ELLIPSIS.to_owned(),
        };
        let texts: Vec<String> = shown_indices(rows, self.edge).into_iter().map(write).collect();
        let separator = format!(",{}{}", "\n".repeat(inner.len()), " ".repeat(indent + 1));
        format!("[{}]", texts.join(&separator))
    }
}

/// The indices along an axis that are shown; none stands for those between.
fn shown_indices(extent: usize, edge: Option<usize>) -> Vec<Option<usize>> {
    match edge {
        Some(edge) if extent > 2 * edge => (0..edge).map(Some).chain([None]).chain((extent - edge..extent).map(Some)).collect(),
        _ => (0..extent).map(Some).collect(),
    }
}

/// The elements that are shown, which decide the notation and the width of all.
fn shown(dims: &[usize], elements: &[f64], edge: Option<usize>) -> Vec<f64> {
    let Some((&extent, inner)) = dims.split_first() else { return elements.to_vec() };
    let size: usize = inner.iter().product();
    let indices = shown_indices(extent, edge).into_iter().flatten();
    indices.flat_map(|index| shown(inner, &elements[index * size..(index + 1) * size], edge)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    #[test]
    fn notation_follows_the_magnitudes() {
        assert_eq!(print(&[3], &[1.0, 2.0, 100.0], true), "[  1.,   2., 100.]");
        assert_eq!(print(&[2], &[1.5, -20.25], true), "[  1.5000, -20.2500]");
        assert_eq!(print(&[2], &[1e-5, 0.5], true), "[1.0000e-05, 5.0000e-01]");
        assert_eq!(print(&[2], &[0.0, 0.0], true), "[0., 0.]");
        assert_eq!(print(&[3], &[7.0, 8.0, 255.0], false), "[  7,   8, 255]");
        assert_eq!(print(&[], &[0.25], true), "0.2500");
        assert_eq!(print(&[0], &[], true), "[]");
    }

    #[test]
    fn all_digits_of_integers_are_shown() {
        let largest = Tensor::from([16_777_217, u32::MAX]);
        assert_eq!(largest.to_string(), "tensor([  16777217, 4294967295], dtype=u32)");
    }

    /// As in PyTorch, which names the shape unless there is one axis.
    #[test]
    fn tensors_without_elements_are_empty_brackets() {
        let empty = |dims: &[usize]| Tensor::f32(dims.to_vec(), Vec::new()).unwrap().to_string();
        assert_eq!(empty(&[0]), "tensor([])");
        assert_eq!(empty(&[2, 0]), "tensor([], size=(2, 0))");
        assert_eq!(empty(&[usize::MAX, 0]), format!("tensor([], size=({}, 0))", usize::MAX));
        assert_eq!(Tensor::u32([0, 3], Vec::new()).unwrap().to_string(), "tensor([], size=(0, 3), dtype=u32)");
    }

    #[test]
    fn more_axes_than_characters_in_a_line_are_printed() {
        let printed = Tensor::f32(vec![1; 100], vec![2.0]).unwrap().to_string();
        assert_eq!(printed.replace(['[', ']'], ""), "tensor(2.)");
    }

    #[test]
    fn what_is_not_finite_is_named() {
        assert_eq!(print(&[3], &[f64::NAN, f64::NEG_INFINITY, 0.5], true), "[   nan,   -inf, 0.5000]");
    }

    #[test]
    fn axes_are_nested_and_separated_by_blank_lines() {
        let elements: Vec<f64> = (0..8).map(|index| f64::from(index) / 10.0).collect();
        let expected =
            "[[[0.0000, 0.1000],\n         [0.2000, 0.3000]],\n\n        [[0.4000, 0.5000],\n         [0.6000, 0.7000]]]";
        assert_eq!(print(&[2, 2, 2], &elements, true), expected);
    }

    #[test]
    fn long_lines_wrap_and_large_tensors_are_cut() {
        let lines = print(&[20], &[0.5; 20], true);
        assert_eq!(lines.lines().map(str::len).collect::<Vec<_>>(), [72, 79, 23]);
        let large = print(&[2000], &[1.0; 2000], true);
        assert_eq!(large, "[1., 1., 1., ..., 1., 1., 1.]");
        // What is left out does not count, as in PyTorch.
        let hidden: Vec<f64> = (0..2000).map(|index| if index == 1000 { 1e-9 } else { 1.0 }).collect();
        assert_eq!(print(&[2000], &hidden, true), large);
        let matrix = print(&[100, 100], &[1.0; 10_000], true);
        assert_eq!(matrix.lines().nth(3), Some("        ...,"));
    }
}
