//! Keys for caches. If two styles have equal keys, they share cached statistics or a cached scale.

use crate::scale::transform::Transform;
use crate::style::Style;
use crate::style::kernel::{Normalize, Shape};
use crate::style::measure::Measure;
use crate::style::radius::Length;

/// The key of cached statistics: the parts of a style that the statistics of a level depend on. Two
/// styles with equal keys have equal statistics of the same points.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatisticsKey {
    measure: Measure,
    shape: Shape,
    exact: bool,
    metres: bool,
    /// The radius in CSS pixels, or in metres if `metres` is true, as the bits of an f64.
    length: u64,
    normalize: Normalize,
    blend: String,
}

/// The key of a cached scale: the parts of a style that the scale of a level depends on. The scale
/// also depends on the points.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NormalizerKey {
    statistics: StatisticsKey,
    transform: Transform,
    domain: String,
}

impl StatisticsKey {
    /// The size in bytes of the texts in the key, for caches that are bounded in bytes.
    pub fn text_bytes(&self) -> usize {
        self.blend.len()
    }
}

impl Style {
    /// Makes the key under which the statistics of a level are cached. A radius may depend on the
    /// zoom and so on the level.
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

    /// Makes the key under which the scale of a level is cached.
    pub(crate) fn normalizer_key(&self, level: u8) -> NormalizerKey {
        NormalizerKey {
            statistics: self.statistics_key(level),
            transform: self.scale().transform,
            domain: self.scale().domain.to_string(),
        }
    }
}
