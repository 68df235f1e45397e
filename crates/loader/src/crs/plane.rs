//! Projected coordinate systems as the target of maps: from longitude and latitude to coordinates.

use super::{Crs, LocalCrs};
use heatsplat_points::mercator::WORLD;
use heatsplat_points::projected::Projection;

/// A projected coordinate system in which maps can be drawn, for example EPSG:3035. Coordinates are
/// in its own unit, mostly metres: the easting to the right and the northing up, whatever its
/// official order of axes.
pub struct PlaneCrs {
    code: u32,
    local: Box<LocalCrs>,
}

/// The reason why no maps can be drawn in a coordinate system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaneCrsError {
    /// The text is no EPSG number, with or without `EPSG:` before it.
    #[error("{0:?} is no coordinate system; expected an EPSG number, like EPSG:3035")]
    NotANumber(String),
    /// The system is not known, or can't be computed.
    #[error("the coordinate system EPSG:{0} is not known here, or can't be computed")]
    Unknown(u32),
    /// The system has longitudes and latitudes, in which circles are not round.
    #[error(
        "EPSG:{0} has longitudes and latitudes; expected a projected system, like EPSG:3035 for \
         Europe or the UTM zone of your area"
    )]
    Geographic(u32),
    /// The system is Web Mercator, in which maps are drawn without any `crs`.
    #[error("EPSG:{0} is Web Mercator, in which maps are drawn anyway; leave it out")]
    Mercator(u32),
}

impl PlaneCrs {
    /// Returns the system that a text names: an EPSG number, mostly with `EPSG:` before it.
    ///
    /// # Errors
    /// See [`PlaneCrsError`].
    pub fn from_name(name: &str) -> Result<Self, PlaneCrsError> {
        let name = name.trim();
        let upper = name.to_ascii_uppercase();
        let number = upper.strip_prefix("EPSG:").unwrap_or(&upper);
        let number = number.parse().ok();
        Self::from_epsg(number.ok_or_else(|| PlaneCrsError::NotANumber(name.to_owned()))?)
    }

    /// Returns the system with an EPSG number.
    ///
    /// # Errors
    /// The system is not known, can't be computed, is geographic, or is Web Mercator.
    pub fn from_epsg(code: u32) -> Result<Self, PlaneCrsError> {
        match Crs::from_number(code).map_err(|_| PlaneCrsError::Unknown(code))? {
            Crs::Other(local) if local.is_projected() => Ok(Self { code, local }),
            Crs::Other(_) | Crs::LonLat => Err(PlaneCrsError::Geographic(code)),
            Crs::Mercator => Err(PlaneCrsError::Mercator(code)),
        }
    }

    /// Returns the system's EPSG number.
    pub fn code(&self) -> u32 {
        self.code
    }

    /// Projects a longitude and latitude on WGS 84, in degrees, to easting and northing. `None`
    /// outside of the system's area, or where its datum's shift is too uncertain.
    pub fn project(&self, lon: f64, lat: f64) -> Option<[f64; 2]> {
        self.local.coordinates(lon, lat)
    }

    /// Returns the longitude and latitude on WGS 84, in degrees, of an easting and a northing.
    /// `None` outside of the system's range.
    pub fn unproject(&self, x: f64, y: f64) -> Option<[f64; 2]> {
        let place = self.local.place(x, y).ok()?;
        Some([place.lon, place.lat])
    }
}

/// A square of a projected coordinate system, as the square of a projection of heatsplat.
pub struct ProjectedSquare {
    crs: PlaneCrs,
    left: f64,
    top: f64,
    side: f64,
    name: String,
}

impl ProjectedSquare {
    /// Makes the square with its top left corner at an easting and a northing, and with a side, all
    /// in the system's unit.
    pub fn new(crs: PlaneCrs, [left, top]: [f64; 2], side: f64) -> Self {
        let name = format!("EPSG:{} {left},{top} {side}", crs.code);
        Self {
            crs,
            left,
            top,
            side,
            name,
        }
    }

    /// Returns the coordinate system.
    pub fn crs(&self) -> &PlaneCrs {
        &self.crs
    }

    /// Returns x and y, in world units of the square, of an easting and a northing.
    pub fn world(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let unit = self.unit();
        [(x - self.left) / unit, (self.top - y) / unit]
    }

    /// Returns the easting and the northing of x and y in world units of the square.
    pub fn position(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let unit = self.unit();
        [self.left + x * unit, self.top - y * unit]
    }

    /// Returns the length of a world unit in the system's unit.
    pub fn unit(&self) -> f64 {
        self.side / WORLD
    }
}

impl Projection for ProjectedSquare {
    fn place(&self, lon: f64, lat: f64) -> Option<[f64; 2]> {
        self.crs.project(lon, lat).map(|at| self.world(at))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for ProjectedSquare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}
