//! Keys that are equal where styles can share statistics or a scale.

use crate::scale::transform::Transform;
use crate::style::Style;
use crate::style::kernel::{Normalize, Shape};
use crate::style::measure::Measure;
use crate::style::radius::Length;

/// The parts of a style on which a level's statistics depend. Over equal points, two styles with
/// equal keys have equal statistics.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatisticsKey {
    measure: Measure,
    shape: Shape,
    exact: bool,
    metres: bool,
    /// The bits of the radius, a float.
    length: u64,
    normalize: Normalize,
    blend: String,
}

/// The parts of a style on which a level's scale depends, apart from the points.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NormalizerKey {
    statistics: StatisticsKey,
    transform: Transform,
    domain: String,
}

impl Style {
    /// The key under which a level's statistics are cached.
    pub fn statistics_key(&self, level: u8) -> StatisticsKey {
        let (metres, length) = match self.radius().at_zoom(f64::from(level) - 8.0) {
            _ if self.shape() == Shape::Pixel => (false, 0.0),
            Length::Pixels(n) => (false, n),
            Length::Metres(n) => (true, n),
        };
        StatisticsKey {
            measure: self.measure(),
            shape: self.shape(),
            exact: self.is_exact(),
            metres,
            length: length.to_bits(),
            normalize: self.normalize(),
            blend: self.blend().to_string(),
        }
    }

    /// The key under which a level's scale is cached.
    pub(crate) fn normalizer_key(&self, level: u8) -> NormalizerKey {
        NormalizerKey {
            statistics: self.statistics_key(level),
            transform: self.scale().transform,
            domain: self.scale().domain.to_string(),
        }
    }
}
