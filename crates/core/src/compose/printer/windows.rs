//! Prints which element of an image a window shows.
//!
//! The place of a window is packed into the bits of one `u32`, image, y and x, so that the hook for rows can hand it
//! on: a tap is then one addition, which carries into no other field. The fields hold places from 0 on, before the
//! padding is taken off; places too many for 32 bits are computed anew, by divisions, for each element.

use crate::fuse::Access;
use crate::graph::Value;
use crate::op::Lanes;
use crate::windows::{WindowAxis, Windows};

use super::super::bindings::Accessor;
use super::super::scope::{At, Scope};
use super::super::text::{kind, nonzero, sum};
use super::Printer;

/// An [`Expression::Windows`](crate::fuse::Expression::Windows).
pub struct Panes<'a> {
    pub windows: &'a Windows,
    pub access: &'a Access,
}

/// Where a tap is: names or terms for the image, y, x and the channel.
struct Tap {
    image: String,
    places: [String; 2],
    channel: String,
}

/// The largest amount by which taps go below the window's first.
fn lead(axis: &WindowAxis) -> usize {
    axis.taps.saturating_sub(1) * axis.step.min(0).unsigned_abs()
}

/// The bits that the places of an axis take.
fn bits(axis: &WindowAxis) -> u32 {
    let last = axis.windows.saturating_sub(1) * axis.stride + axis.taps.saturating_sub(1) * axis.step.unsigned_abs();
    usize::BITS - last.leading_zeros()
}

/// A number as the `u32` that an addition which wraps around takes for it; nothing for 0.
fn wrapped(number: isize) -> String {
    nonzero(number as u32 as usize)
}

/// A term times a constant; nothing for none of it.
fn times(term: &str, factor: usize) -> String {
    match factor {
        _ if term.is_empty() => String::new(),
        0 => String::new(),
        1 => term.to_owned(),
        factor => format!("({term}) * {}u", factor as u32),
    }
}

impl Panes<'_> {
    fn images(&self) -> usize {
        self.access.shape.dims()[0]
    }

    fn channels(&self) -> usize {
        self.access.shape.columns()
    }

    /// What a hook for rows makes of a row: the place of its window; none where that takes more than 32 bits.
    pub fn packed_row(&self, row: &str) -> Option<String> {
        let [y, x] = self.windows.axes.each_ref().map(bits);
        let image = usize::BITS - self.images().saturating_sub(1).leading_zeros();
        if y + x >= 32 || y + x + image > 32 {
            return None;
        }
        let [image, place_y, place_x] = self.places(row);
        Some(sum(&[times(&image, 1 << (y + x)), times(&place_y, 1 << x), place_x]))
    }

    /// The image and the places of a window's first tap, from 0 on.
    fn places(&self, row: &str) -> [String; 3] {
        let [y, x] = &self.windows.axes;
        let image = format!("{row} / {}u", (y.windows * x.windows).max(1));
        let y_index = format!("{row} / {}u % {}u", x.windows.max(1), y.windows.max(1));
        let x_index = format!("{row} % {}u", x.windows.max(1));
        let place = |axis: &WindowAxis, index: &str| sum(&[times(index, axis.stride), nonzero(lead(axis))]);
        [image, place(y, &y_index), place(x, &x_index)]
    }

    /// The tap of a column, in the window of a row.
    fn tap(&self, at: &At, column: &str, scope: &mut Scope) -> Tap {
        let [y, x] = &self.windows.axes;
        let channels = self.channels();
        let mut bind = |text: String| scope.body.bind("v", text);
        let channel = if channels == 1 { String::new() } else { bind(format!("({column}) % {channels}u")) };
        let tap = if channels == 1 { format!("({column})") } else { bind(format!("({column}) / {channels}u")) };
        let taps = [
            if y.taps == 1 { String::new() } else { bind(format!("{tap} / {}u", x.taps)) },
            if x.taps == 1 { String::new() } else { bind(format!("{tap} % {}u", x.taps)) },
        ];
        let moved = |axis: &WindowAxis, tap: &str, shift: u32| times(tap, ((axis.step << shift) as u32) as usize);
        if at.fetched {
            let [y_bits, x_bits] = self.windows.axes.each_ref().map(bits);
            let place = bind(sum(&[at.row.clone(), moved(y, &taps[0], x_bits), moved(x, &taps[1], 0)]));
            let image = format!("({place} >> {}u)", y_bits + x_bits);
            let field = |shift: u32, bits: u32| format!("(({place} >> {shift}u) & {}u)", (1u64 << bits) - 1);
            return Tap { image, places: [field(x_bits, y_bits), field(0, x_bits)], channel };
        }
        let [image, place_y, place_x] = self.places(&at.row);
        let places = [sum(&[place_y, moved(y, &taps[0], 0)]), sum(&[place_x, moved(x, &taps[1], 0)])];
        Tap { image: format!("({image})"), places, channel }
    }

    /// The linear index of a tap's element, `offset` elements behind that of its strides alone, and the name of what says
    /// whether it is inside the image, if it may be outside: then the index is that of some other element.
    fn index(&self, tap: Tap, offset: String, scope: &mut Scope) -> (String, Option<String>) {
        let mut terms = vec![times(&tap.image, self.access.strides[0])];
        let mut conditions = Vec::new();
        for (axis, (window, place)) in self.windows.axes.iter().zip(&tap.places).enumerate() {
            let place = scope.body.bind("v", sum(&[place.clone(), wrapped(window.start - lead(window) as isize)]));
            if !window.is_inside() {
                conditions.push(format!("({place} < {}u)", window.pixels * window.spread));
            }
            let pixel = if window.spread == 1 { place.clone() } else { format!("{place} / {}u", window.spread) };
            if window.spread > 1 {
                conditions.push(format!("({place} % {}u == 0u)", window.spread));
            }
            terms.push(times(&pixel, self.access.strides[axis + 1]));
        }
        terms.push(times(&tap.channel, self.access.strides[3]));
        terms.push(offset.clone());
        if conditions.is_empty() {
            return (sum(&terms), None);
        }
        // Never `&&`, which is a branch, and here one of dozens in a row.
        let inside = scope.body.bind("v", conditions.join(" & "));
        (format!("select({}, {}, {inside})", sum(&[offset]), sum(&terms)), Some(inside))
    }
}

impl Printer<'_> {
    /// What a window shows: four channels at once where they lie in one group of four, else element by element.
    pub fn window(&mut self, value: Value, panes: &Panes, lanes: Lanes, at: &At, scope: &mut Scope) -> String {
        let location = &self.locations.values[&value];
        let is_aligned = panes.access.is_aligned() && location.offset.is_multiple_of(4);
        if lanes == Lanes::One {
            return self.pane(value, panes, (Accessor::LoadOne, Lanes::One), at, &at.column, scope);
        }
        if is_aligned && panes.channels().is_multiple_of(4) {
            return self.pane(value, panes, (Accessor::LoadFour, Lanes::Four), at, &at.column, scope);
        }
        let four = kind(location.kind.dtype, Lanes::Four);
        // Columns beyond the row's end are clamped to its last: nobody uses them.
        let lane = |lane: usize| {
            let column = format!("min({} + {lane}u, {}u)", at.column, at.columns.saturating_sub(1));
            let text = self.pane(value, panes, (Accessor::LoadOne, Lanes::One), at, &column, scope);
            scope.body.bind("v", text)
        };
        format!("{four}({})", (0..4).map(lane).collect::<Vec<_>>().join(", "))
    }

    /// The element or elements at a column, or zeros.
    fn pane(
        &mut self,
        value: Value,
        panes: &Panes,
        (accessor, lanes): (Accessor, Lanes),
        at: &At,
        column: &str,
        scope: &mut Scope,
    ) -> String {
        let location = &self.locations.values[&value];
        let (buffer, dtype, begin) = (location.buffer, location.kind.dtype, location.offset + panes.access.offset);
        let is_part = self.is_part(value, panes.access.reach());
        let offset = self.offset(buffer, begin, is_part);
        let tap = panes.tap(at, column, scope);
        let (index, inside) = panes.index(tap, offset, scope);
        let element = format!("{}({index})", self.bindings.accessor(buffer, dtype, accessor));
        match inside {
            Some(inside) => format!("select({}(), {element}, {inside})", kind(dtype, lanes)),
            None => element,
        }
    }
}
