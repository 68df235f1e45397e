//! The one struct that flows from file to picture.

use crate::mercator::{self, Refusal, WorldCoord};

/// A weighted position: 12 bytes, the same in memory, in a file and in a GPU buffer.
///
/// A *cell* of the pyramid is a `Point` too: the weighted mean position and the
/// summed weight of the points it stands for.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Point {
    /// [`WorldCoord::x`].
    pub x: u32,
    /// [`WorldCoord::y`].
    pub y: u32,
    /// What the point counts for: finite, 1.0 where the source gives no weights at all.
    ///
    /// −0.0 is no weight: the point adds nothing to a sum, as 0 does, and takes no part in a mean
    /// or a count of values. [`Point::new`] makes 0 of a −0.0 that is a number.
    pub weight: f32,
}

/// What stands for a weight that is missing. Of a sum it is the neutral element: −0.0 + −0.0 is
/// −0.0, and with any number it makes that number; so a cell has no weight only if none of its
/// points has.
const NO_WEIGHT: f32 = -0.0;

/// Why a longitude, latitude and weight make no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointError {
    /// The position is not on the map.
    #[error(transparent)]
    Position(#[from] Refusal),
    /// The weight is NaN or infinite.
    #[error("a weight must be a finite number")]
    Weight,
}

impl Point {
    /// A point at a position of the world square.
    #[inline]
    pub fn new(at: WorldCoord, weight: f32) -> Self {
        Self {
            x: at.x,
            y: at.y,
            weight: weight + 0.0, // of both zeros the one that is a number
        }
    }

    /// A point whose weight is missing: where others have one, it takes no part in means and
    /// counts.
    #[inline]
    pub fn without_weight(at: WorldCoord) -> Self {
        Self {
            x: at.x,
            y: at.y,
            weight: NO_WEIGHT,
        }
    }

    /// A point with a weight that may be missing.
    #[inline]
    pub fn weighing(at: WorldCoord, weight: Option<f32>) -> Self {
        match weight {
            Some(weight) => Self::new(at, weight),
            None => Self::without_weight(at),
        }
    }

    /// Whether two positions share their top `level` bits: one pixel of the world drawn
    /// 2^`level` pixels wide.
    #[inline]
    pub fn shares(&self, other: &Self, level: u32) -> bool {
        ((self.x ^ other.x) | (self.y ^ other.y)).leading_zeros() >= level
    }

    /// Whether the weight is a number, and not missing.
    #[inline]
    pub fn has_weight(&self) -> bool {
        self.weight.to_bits() != NO_WEIGHT.to_bits()
    }

    /// A point at a longitude and latitude in degrees.
    ///
    /// # Errors
    /// What [`mercator::project`] refuses, and a weight that is not finite.
    pub fn from_lon_lat(lon: f64, lat: f64, weight: f32) -> Result<Self, PointError> {
        let at = mercator::project(lon, lat)?;
        if weight.is_finite() {
            Ok(Self::new(at, weight))
        } else {
            Err(PointError::Weight)
        }
    }

    /// Where the point lies.
    pub fn at(&self) -> WorldCoord {
        WorldCoord {
            x: self.x,
            y: self.y,
        }
    }
}

/// Where a source of points pours them: a `Vec`, the index builder, the buffers of a GPU.
///
/// Sources call [`push`](Self::push) with batches of any size; the batches' borders
/// and order must mean nothing to the sink.
pub trait PointSink {
    /// Take one batch. Weights are finite: the source has refused others.
    fn push(&mut self, batch: &[Point]);
}

impl PointSink for Vec<Point> {
    fn push(&mut self, batch: &[Point]) {
        self.extend_from_slice(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_weight_is_not_a_weight_of_zero() {
        let at = WorldCoord { x: 3, y: 4 };
        for zero in [0.0, -0.0, 1e-60_f32, -1e-60_f32] {
            assert!(Point::new(at, zero).has_weight(), "{zero}");
        }
        let none = Point::without_weight(at);
        assert!(!none.has_weight() && none.weight == 0.0);
        assert_eq!(Point::weighing(at, Some(2.0)), Point::new(at, 2.0));
        assert!(!Point::weighing(at, None).has_weight());
        assert!(Point::from_lon_lat(1.0, 2.0, -0.0).unwrap().has_weight());
    }
}
