//! Points with weights.

use crate::mercator::{self, ProjectionError, WorldCoord};
use crate::zorder;
use std::cmp::Ordering;

/// A position with a weight. It has 12 bytes, and the same layout in memory, in a file and in a GPU
/// buffer.
///
/// A cell of the pyramid, which stands for several points, is a `Point` too. Its position is the
/// weighted mean of theirs, and its weight is the sum of their weights.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Point {
    /// The distance to the east of longitude −180°, in world units, as in [`WorldCoord::x`].
    pub x: u32,
    /// The distance to the south of the map's northern edge, in world units, as in
    /// [`WorldCoord::y`].
    pub y: u32,
    /// The weight, a finite number. If the source has no weights, each point has 1.0.
    ///
    /// −0.0 means that the point's weight is missing. Such a point adds nothing to a sum, like a
    /// point of weight 0. But a mean, or a count of values, leaves it out. [`Point::new`] turns a
    /// −0.0 in the data into 0.
    pub weight: f32,
}

/// The value that stands for a missing weight. Adding −0.0 changes no sum: −0.0 + −0.0 is −0.0, and
/// −0.0 plus any other number is that number. So the weight of a cell is missing only if the weight
/// of each of its points is.
const NO_WEIGHT: f32 = -0.0;

/// The reason why a longitude, a latitude and a weight are no valid point.
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
    /// Makes a point with a weight at a position of the world square. A weight of −0.0 becomes 0.
    #[inline]
    pub fn new(at: WorldCoord, weight: f32) -> Self {
        Self {
            x: at.x,
            y: at.y,
            weight: weight + 0.0, // Turns −0.0 into 0.
        }
    }

    /// Makes a point whose weight is missing, so that means and counts of values leave it out.
    #[inline]
    pub fn without_weight(at: WorldCoord) -> Self {
        Self {
            x: at.x,
            y: at.y,
            weight: NO_WEIGHT,
        }
    }

    /// Makes a point with a weight; `None` stands for a missing weight.
    #[inline]
    pub fn weighing(at: WorldCoord, weight: Option<f32>) -> Self {
        match weight {
            Some(weight) => Self::new(at, weight),
            None => Self::without_weight(at),
        }
    }

    /// Returns true if both points lie in the same pixel of the world drawn 2^`level` pixels wide:
    /// if the top `level` bits of x are equal in both points, and also the top `level` bits of y.
    #[inline]
    pub fn shares(&self, other: &Self, level: u32) -> bool {
        ((self.x ^ other.x) | (self.y ^ other.y)).leading_zeros() >= level
    }

    /// Returns the key of the point's position: its number along the Z-order curve. The key has the
    /// bits of x and y in turn, the bit of y before the bit of x.
    #[inline]
    pub fn z_key(&self) -> u64 {
        zorder::key(self)
    }

    /// Compares two points as an index sorts them: along the Z-order curve, and points at one
    /// position by weight. Only identical points are equal.
    #[inline]
    pub fn z_order(&self, other: &Self) -> Ordering {
        zorder::compare(self, other)
    }

    /// Returns true if the weight is not missing.
    #[inline]
    pub fn has_weight(&self) -> bool {
        self.weight.to_bits() != NO_WEIGHT.to_bits()
    }

    /// Makes a point at a longitude and latitude in degrees.
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

    /// Returns the position of the point, without its weight.
    pub fn at(&self) -> WorldCoord {
        WorldCoord {
            x: self.x,
            y: self.y,
        }
    }
}

/// A receiver of points: a `Vec`, a [`PointsBuilder`](crate::PointsBuilder), or the buffers of a
/// GPU.
///
/// Sources call [`push`](Self::push) with batches of any size. The receiver's result must not
/// depend on the order of the batches or on how the points are divided into them.
pub trait PointSink {
    /// Receives a batch of points. Each weight is a finite number, since sources refuse other
    /// weights.
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
