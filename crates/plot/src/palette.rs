//! Colours. Those of the series are Okabe and Ito's, which stay apart for colour-blind eyes
//! (<https://jfly.uni-koeln.de/color/>).

use plotters::style::RGBColor;

pub(crate) const PAPER: RGBColor = RGBColor(255, 255, 255);
pub(crate) const INK: RGBColor = RGBColor(34, 34, 34);
pub(crate) const FAINT_INK: RGBColor = RGBColor(96, 96, 96);
pub(crate) const RULE: RGBColor = RGBColor(224, 224, 224);
pub(crate) const WRONG: RGBColor = RGBColor(200, 40, 20);

const SERIES: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// The colour of the series at `index`; colours repeat after seven.
pub(crate) fn series_color(index: usize) -> RGBColor {
    SERIES[index % SERIES.len()]
}

/// A colour mixed with so much white that points of the colour itself stand out from it.
pub(crate) fn pale(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let mixed = |channel: u8| 255 - (255 - channel) / 4;
    RGBColor(mixed(red), mixed(green), mixed(blue))
}
