//! Weighted points.

use crate::mercator::{self, ProjectionError, WorldCoord};

/// Weighted position: 12 bytes, with the same layout in memory, in a file and in a GPU buffer.
///
/// A *cell* of the pyramid is a `Point` too. It has the weighted mean position and the summed
/// weight of the points that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Point {
    /// World units east of longitude −180°, as in [`WorldCoord::x`].
    pub x: u32,
    /// World units south of the map's northern edge, as in [`WorldCoord::y`].
    pub y: u32,
    /// Weight, a finite number. It is 1.0 if the source has no weights at all.
    ///
    /// −0.0 means that the weight is missing. Such a point adds nothing to a sum, as with a weight
    /// of 0, and takes no part in a mean or a count of values. [`Point::new`] turns a −0.0 in the
    /// data into 0.
    pub weight: f32,
}

/// Value that stands for a missing weight. Adding it changes no sum: −0.0 + −0.0 is −0.0, and −0.0
/// plus a number is that number. So a cell has no weight only if none of its points has one.
const NO_WEIGHT: f32 = -0.0;

/// Reason why a longitude, latitude and weight make no valid point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointError {
    /// The position is not on the map.
    #[error(transparent)]
    Position(#[from] ProjectionError),
    /// The weight is NaN or infinite.
    #[error("a weight must be a finite number")]
    Weight,
}

impl Point {
    /// Point at a position of the world square.
    #[inline]
    pub fn new(at: WorldCoord, weight: f32) -> Self {
        Self {
            x: at.x,
            y: at.y,
            weight: weight + 0.0, // Turns −0.0 into 0.
        }
    }

    /// Point whose weight is missing: it takes no part in means and counts of values.
    #[inline]
    pub fn without_weight(at: WorldCoord) -> Self {
        Self {
            x: at.x,
            y: at.y,
            weight: NO_WEIGHT,
        }
    }

    /// Point with a weight; `None` means that the weight is missing.
    #[inline]
    pub fn weighing(at: WorldCoord, weight: Option<f32>) -> Self {
        match weight {
            Some(weight) => Self::new(at, weight),
            None => Self::without_weight(at),
        }
    }

    /// Returns true if the x and the y of two positions have the same top `level` bits. Then the
    /// two lie in the same pixel of the world drawn 2^`level` pixels wide.
    #[inline]
    pub fn shares(&self, other: &Self, level: u32) -> bool {
        ((self.x ^ other.x) | (self.y ^ other.y)).leading_zeros() >= level
    }

    /// Returns true unless the weight is missing.
    #[inline]
    pub fn has_weight(&self) -> bool {
        self.weight.to_bits() != NO_WEIGHT.to_bits()
    }

    /// Point at a longitude and latitude in degrees.
    ///
    /// # Errors
    /// A [`PointError`] if [`mercator::project`] fails or the weight is not finite.
    pub fn from_lon_lat(lon: f64, lat: f64, weight: f32) -> Result<Self, PointError> {
        let at = mercator::project(lon, lat)?;
        if weight.is_finite() {
            Ok(Self::new(at, weight))
        } else {
            Err(PointError::Weight)
        }
    }

    /// Position of the point.
    pub fn at(&self) -> WorldCoord {
        WorldCoord {
            x: self.x,
            y: self.y,
        }
    }
}

/// Receiver of points: a `Vec`, a [`PointsBuilder`](crate::PointsBuilder), or the buffers of a GPU.
///
/// Sources call [`push`](Self::push) with batches of any size. The receiver's result must not
/// depend on the order of the batches or on how the points are divided into them.
pub trait PointSink {
    /// Takes a batch of points. Their weights are finite, since sources refuse others.
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
