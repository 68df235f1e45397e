//! Keys for caches. Styles with equal keys share cached statistics, a cached scale or a cached
//! density.

use crate::scale::transform::Transform;
use crate::style::Style;
use crate::style::kernel::{Normalize, Shape};
use crate::style::measure::Measure;
use crate::style::radius::{Length, Radius};
use std::borrow::Cow;

/// The key under which values of pictures are cached: the parts of a style on which the values at a
/// level depend. Two styles with equal keys give the same points equal values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ValuesKey {
    measure: Measure,
    shape: Shape,
    exact: bool,
    metres: bool,
    /// The radius in CSS pixels, or in metres if `metres` is true, as the bits of an f64.
    length: u64,
    normalize: Normalize,
    blend: String,
}

/// The key under which a scale is cached: the parts of a style on which the scale of a level
/// depends. The scale also depends on the points, which aren't part of the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NormalizerKey {
    statistics: ValuesKey,
    transform: Transform,
    domain: String,
}

impl ValuesKey {
    /// The number of bytes of the key's only text, the blend mode, for caches that are bounded in
    /// bytes.
    pub fn text_bytes(&self) -> usize {
        self.blend.len()
    }
}

impl NormalizerKey {
    pub(crate) fn text_bytes(&self) -> usize {
        self.statistics.text_bytes() + self.domain.len()
    }
}

impl Style {
    /// Makes the key under which the values of a picture at a level are cached. The level matters
    /// because a radius may depend on the zoom.
    pub fn values_key(&self, level: u8) -> ValuesKey {
        self.key_with(self.length_at(level))
    }

    /// Makes the key under which the statistics of a level are cached: the
    /// [`values_key`](Self::values_key) of the style that [`for_statistics`](Self::for_statistics)
    /// returns.
    pub fn statistics_key(&self, level: u8) -> ValuesKey {
        self.key_with(self.length_at(level).rounded())
    }

    /// The style in which the values of a level are measured to make a scale: this style with a
    /// rounded radius. The radius changes by at most 3.2 %, so that styles with nearly equal radii
    /// share one scale. The rounded radius follows from the style alone, whether the style is a
    /// layer's own or a request's.
    pub fn for_statistics(&self, level: u8) -> Cow<'_, Self> {
        let (length, rounded) = (self.length_at(level), self.length_at(level).rounded());
        if length == rounded || self.shape() == Shape::Pixel {
            return Cow::Borrowed(self);
        }
        Cow::Owned(self.clone().with_radius(Radius::from_length(rounded)))
    }

    fn length_at(&self, level: u8) -> Length {
        self.radius().at_zoom(f64::from(level) - 8.0)
    }

    fn key_with(&self, length: Length) -> ValuesKey {
        let (metres, length) = match length {
            _ if self.shape() == Shape::Pixel => (false, 0.0),
            Length::Pixels(n) => (false, n),
            Length::Metres(n) => (true, n),
        };
        ValuesKey {
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
            // A domain may be that of another level.
            statistics: self.statistics_key(self.scale().level(level)),
            transform: self.scale().transform,
            domain: self.scale().domain.to_string(),
        }
    }
}
