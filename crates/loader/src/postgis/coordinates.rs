//! Units of coordinates that need no transform by the database, and boxes in them.

use heatsplat_points::{ProjectionError, WorldCoord, mercator};

/// West, south, east and north of a box, in the unit of the layer's coordinates.
pub(crate) type Sides = [f64; 4];

/// A unit of coordinates that are read without a transform by the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoordinateUnit {
    /// Longitude and latitude in degrees: EPSG:4326.
    Degrees,
    /// Web-Mercator metres: EPSG:3857 and older numbers for it.
    Metres,
}

impl CoordinateUnit {
    /// The unit of a reference system; `None` if the database has to transform the system.
    pub(crate) fn from_srid(srid: u32) -> Option<Self> {
        match srid {
            4326 => Some(Self::Degrees),
            3857 | 3785 | 900_913 | 102_100 | 102_113 => Some(Self::Metres),
            _ => None,
        }
    }

    pub(super) fn place(self, x: f64, y: f64) -> Result<WorldCoord, ProjectionError> {
        match self {
            Self::Degrees => mercator::project(x, y),
            Self::Metres => mercator::project_metres(x, y),
        }
    }
}
