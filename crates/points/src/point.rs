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
    /// What the point counts for: finite, 1.0 where the source gives no weight.
    pub weight: f32,
}

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
    pub fn new(at: WorldCoord, weight: f32) -> Self {
        Self {
            x: at.x,
            y: at.y,
            weight,
        }
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
