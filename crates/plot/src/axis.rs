//! Axes: the range that a set of values covers, and round numbers along it.

mod linear;
mod logarithmic;

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// Equal factors are equal distances.
    Logarithmic,
}

/// Larger numbers are left out as infinite ones are, and on logarithmic axes those below its reciprocal.
const LARGEST: f64 = 1e99;

impl Scale {
    /// Whether an axis can show the value.
    pub(crate) fn shows(self, value: f64) -> bool {
        match self {
            Self::Linear => value.abs() <= LARGEST,
            Self::Logarithmic => (LARGEST.recip()..=LARGEST).contains(&value),
        }
    }

    fn coordinate(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.log10(),
        }
    }
}

/// A range of values with its ticks.
#[derive(Debug)]
pub(crate) struct Axis {
    scale: Scale,
    /// The ends, as coordinates of the scale.
    start: f64,
    end: f64,
    ticks: Vec<Tick>,
}

/// A value along an axis, with what is written beside it.
#[derive(Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) label: String,
}

impl Axis {
    /// An axis that covers `values`, all of which the scale shows, with a margin.
    ///
    /// Without values, it reaches from 0 to 1, or from 1 to 10.
    pub(crate) fn covering(scale: Scale, values: impl Iterator<Item = f64> + Clone) -> Axis {
        match scale {
            Scale::Linear => linear::covering(values),
            Scale::Logarithmic => logarithmic::covering(values),
        }
    }

    /// A linear axis from `start` to `end`, without a margin.
    pub(crate) fn between(start: f64, end: f64) -> Axis {
        linear::between(start, end)
    }

    /// Where `value` lies between the axis's start (0) and end (1).
    pub(crate) fn position(&self, value: f64) -> f64 {
        (self.scale.coordinate(value) - self.start) / (self.end - self.start)
    }

    pub(crate) fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// Whether zero lies within the axis, not at an end.
    pub(crate) fn crosses_zero(&self) -> bool {
        self.scale == Scale::Linear && self.start < 0.0 && self.end > 0.0
    }
}
