//! Definitions of coordinate systems: the content that well-known text and PROJJSON have in common,
//! and the choice of the system that a definition describes.

use super::datum::{Datum, SECOND};
use super::local::LocalCrs;
use super::methods::{self, ProjDefinition};
use super::registry::starts_with;
use super::{Crs, registry};
use crate::messages::shown;

/// The definition of a horizontal coordinate system.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Definition {
    pub(super) name: String,
    /// The EPSG number of the whole system; `None` if the definition states none.
    pub(super) code: Option<u32>,
    pub(super) base: Base,
    pub(super) projection: Option<Projection>,
}

/// The geographic system on which a projection is based, or the whole system if it has no
/// projection.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Base {
    pub(super) name: String,
    pub(super) code: Option<u32>,
    pub(super) datum: String,
    /// The ellipsoid's semi-major axis in metres, and its inverse flattening (0 for a sphere).
    pub(super) ellipsoid: (f64, f64),
    /// The system's prime meridian, as its longitude in degrees east of Greenwich.
    pub(super) meridian: f64,
    /// The size in degrees of the unit in which longitudes and latitudes are given.
    pub(super) unit: f64,
    /// The shift to WGS 84 that the file states: three translations in metres, three rotations in
    /// seconds of arc, and a scale in parts per million. `None` if the file states no shift.
    pub(super) shift: Option<[f64; 7]>,
}

/// A projection. The names of its method and parameters are as the file has them, in the dialect of
/// OGC, GDAL, Esri or EPSG.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Projection {
    pub(super) method: String,
    pub(super) parameters: Vec<ProjectionParameter>,
    /// The size in metres of the unit in which easting and northing are given.
    pub(super) unit: f64,
    pub(super) axes: Axes,
    /// The PROJ string that the file states beside the definition; `None` if there is none.
    pub(super) words: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(super) struct ProjectionParameter {
    pub(super) name: String,
    pub(super) value: f64,
    /// The size of the unit that the parameter itself states: in radians for an angle, in metres
    /// for a length, as a factor for a scale. `None` if it states no unit.
    pub(super) unit: Option<f64>,
}

/// The directions in which a system's two coordinates grow, as its definition states them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Axes {
    /// The directions are not stated, or both axes point north or both south, as in polar
    /// projections.
    #[default]
    Unsaid,
    EastAndNorth,
    SouthAndWest,
}

impl Axes {
    /// Determines the axes from the directions that a file states for them, such as `east`, in any
    /// order.
    ///
    /// # Errors
    /// One axis goes west or south, except for two cases: the axes go south and west, or both go
    /// south.
    pub(super) fn from_directions<'a>(
        directions: impl Iterator<Item = &'a str>,
    ) -> Result<Self, &'static str> {
        let all: Vec<String> = directions.map(str::to_ascii_lowercase).collect();
        let has = |direction: &str| all.iter().any(|other| other == direction);
        match (has("east"), has("north"), has("south"), has("west")) {
            (true, true, ..) => Ok(Self::EastAndNorth),
            (_, _, true, true) => Ok(Self::SouthAndWest),
            _ if all == ["south", "south"] => Ok(Self::Unsaid),
            (_, _, false, false) => Ok(Self::Unsaid),
            _ => Err("one of its axes goes west or south"),
        }
    }

    /// Checks the axes of a system of longitude and latitude. Returns an error if the axes go south
    /// and west, which only projections may do.
    pub(super) fn of_degrees(self) -> Result<(), &'static str> {
        match self {
            Self::SouthAndWest => Err("its degrees go west and south"),
            Self::Unsaid | Self::EastAndNorth => Ok(()),
        }
    }
}

/// The size of the unit that all axes have in common: in radians or in metres, as in `units`, the
/// sizes of the axes' units. `None` if no axis states a unit.
///
/// # Errors
/// Two units differ, or the size of one can't be read.
pub(super) fn one_unit(
    units: impl Iterator<Item = Result<Option<f64>, &'static str>>,
) -> Result<Option<f64>, &'static str> {
    let mut found = None;
    for unit in units {
        found = match (found, unit?) {
            (Some(one), Some(other)) if one != other => return Err("its axes differ in units"),
            (one, other) => one.or(other),
        };
    }
    Ok(found)
}

impl Definition {
    /// Adds the shift of a "bound" system to this definition. A bound system consists of a
    /// definition, a shift to another system, and that other system: its target `to`. `to` is
    /// `None` if the file doesn't state the target in a known form. If `shift` is `None`, nothing
    /// is added.
    ///
    /// # Errors
    /// The target is another system than WGS 84, or this definition has nothing but an EPSG number.
    pub(super) fn bound(
        mut self,
        shift: Option<[f64; 7]>,
        to: Option<Self>,
    ) -> Result<Self, &'static str> {
        if shift.is_none() {
            return Ok(self);
        }
        if to.is_some_and(|to| !matches!(to.system(), Ok(Crs::LonLat))) {
            return Err("it is bound to another datum than that of WGS 84");
        }
        if self.is_number() {
            return Err("it is bound, and has nothing but a number");
        }
        self.base.shift = shift;
        Ok(self)
    }

    /// Returns whether the definition holds nothing but an EPSG number.
    fn is_number(&self) -> bool {
        self.base == Base::default()
    }

    /// Finds the coordinate system that the definition describes. If it is not known, the error is
    /// the text by which messages name it.
    pub(super) fn system(&self) -> Result<Crs, String> {
        // The EPSG number stands for the whole definition. But if the file states a shift, the
        // definition is used, so that the shift counts.
        if let Some(code) = self.code
            && self.base.said().is_none()
        {
            match Crs::from_number(code) {
                Err(_) if !self.is_number() => (),
                known => return known,
            }
        }
        let name = shown(self.name.as_bytes());
        let base = &self.base;
        let projected = match &self.projection {
            None => None,
            Some(projection) => Some(methods::words(projection, base).ok_or_else(|| {
                let method = shown(projection.method.as_bytes());
                format!("{name} (its projection is {method}, with parameters as it has them)")
            })?),
        };
        if matches!(projected, Some(ProjDefinition::WebMercator)) {
            return Ok(Crs::Mercator);
        }
        let datum = base.datum().ok_or_else(|| {
            let datum = shown(base.datum.as_bytes());
            format!("{name} (its datum is {datum}, whose shift to WGS 84 is not known)")
        })?;
        let (meridian, ellipsoid) = (base.meridian, base.ellipsoid);
        match projected {
            None | Some(ProjDefinition::WebMercator) => {
                Ok(Crs::angles(name, base.unit, meridian, datum))
            }
            Some(ProjDefinition::Words(words)) => {
                LocalCrs::plane(name.clone(), &words, ellipsoid, meridian, datum)
                    .map(|local| Crs::Other(Box::new(local)))
                    .ok_or(name)
            }
        }
    }
}

impl Base {
    /// The field `shift`, the shift to WGS 84 that the file states; `None` if it states none. A
    /// shift of zeros counts only on an ellipsoid of satellite datums, whose semi-major axis is
    /// within 5 m of 6,378,137 m. On any other ellipsoid it is ignored (`None`).
    fn said(&self) -> Option<[f64; 7]> {
        let satellites = (self.ellipsoid.0 - 6_378_137.0).abs() < 5.0;
        let any = |shift: &[f64; 7]| shift.iter().any(|number| *number != 0.0);
        self.shift.filter(|shift| satellites || any(shift))
    }

    /// The definition's datum, found by the first of these that the definition has and that is
    /// known; `None` if none is:
    ///
    /// * the shift to WGS 84 that the file states
    /// * the EPSG number of the geographic system
    /// * the datum's name
    /// * the geographic system's name
    ///
    /// A number or a name counts only if the ellipsoid that belongs to it is the file's. A datum
    /// without a name is treated as equal to WGS 84 if [`is_nameless`](Self::is_nameless) allows
    /// it.
    fn datum(&self) -> Option<Datum> {
        if let Some(shift) = self.said() {
            return Some(match shift.iter().all(|number| *number == 0.0) {
                true => Datum::Same,
                false => Datum::said(shift, self.ellipsoid),
            });
        }
        let named = [&self.datum, &self.name].map(|name| registry::datum(name));
        let codes = [self.code].into_iter().chain(named);
        let known = codes.flatten().find_map(|code| {
            let known = registry::geographic(code)?;
            let same = alike((known.axis, known.flattening), self.ellipsoid);
            let datum = Datum::parse(known.shift, self.ellipsoid)?;
            same.then_some(datum)
        });
        known.or_else(|| self.is_nameless().then_some(Datum::Same))
    }

    /// Returns whether the file has no real name for the datum (it may be `unknown`, for example),
    /// and the ellipsoid is GRS 80 or the ellipsoid of WGS 84. Such a datum is treated as equal to
    /// WGS 84, since the satellite datums on these ellipsoids differ from WGS 84 by a few metres
    /// only.
    fn is_nameless(&self) -> bool {
        let name = registry::plain(registry::bare(&self.datum));
        let none = [
            "unknown",
            "unnamed",
            "notspecified",
            "undefined",
            "unspecified",
        ];
        let satellites = [298.257_222_101, 298.257_223_563];
        let satellites = satellites.map(|flattening| (6_378_137.0, flattening));
        none.iter().any(|none| name.starts_with(none))
            && satellites.iter().any(|s| alike(*s, self.ellipsoid))
    }
}

/// Returns whether two ellipsoids are equal except for rounding. Each is a semi-major axis in
/// metres and an inverse flattening.
fn alike(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() < 2.0 && (a.1 - b.1).abs() < 0.01
}

/// Converts the size of an angular unit from radians to degrees. A result within 10⁻⁸ of 1 becomes
/// exactly 1, since the factor of a degree may be rounded in the file.
pub(super) fn degrees(radians: f64) -> f64 {
    let degrees = radians.to_degrees();
    if (degrees - 1.0).abs() < 1e-8 {
        1.0
    } else {
        degrees
    }
}

/// The shift to WGS 84 that a transformation describes by the names of its method and its
/// parameters: three translations in metres, three rotations in seconds of arc, and the scale
/// difference in parts per million. `None` if the method is not a shift. In a file, translations
/// without a unit are in metres, and rotations without a unit in seconds of arc.
///
/// # Errors
/// The parameters can't be read.
pub(super) fn shift(
    method: &str,
    parameters: impl FnOnce() -> Result<Vec<ProjectionParameter>, &'static str>,
) -> Result<Option<[f64; 7]>, &'static str> {
    const NAMES: [&str; 7] = [
        "X-axis translation",
        "Y-axis translation",
        "Z-axis translation",
        "X-axis rotation",
        "Y-axis rotation",
        "Z-axis rotation",
        "Scale difference",
    ];
    const UNREADABLE: &str = "its shift to WGS 84 can't be read";
    let frame = starts_with(method, "Coordinate Frame");
    let known = ["Geocentric translations", "Position Vector"];
    if !frame && !known.iter().any(|known| starts_with(method, known)) {
        return Ok(None);
    }
    let mut seven = [0.0; 7];
    for ProjectionParameter { name, value, unit } in parameters()? {
        let at = NAMES.iter().position(|known| starts_with(&name, known));
        let at = at.ok_or(UNREADABLE)?;
        let value = match at {
            0..3 => value * unit.unwrap_or(1.0),
            3..6 => value * unit.map_or(1.0, |unit| unit / SECOND),
            _ => stretch(value, unit).ok_or(UNREADABLE)?,
        };
        let turned = frame && (3..6).contains(&at);
        *seven.get_mut(at).ok_or(UNREADABLE)? = if turned { -value } else { value };
    }
    Ok(Some(seven))
}

/// Converts the scale of a shift to parts per million. A value from 0.9 to 1.1 is the factor
/// itself. Any other value is the factor's difference from 1, and needs a unit unless it is 0.
/// `unit` is the size of the value's unit as a factor, such as 10⁻⁶; `None` if the file states no
/// unit. The result is `None` if a needed unit is missing, or if the factor differs from 1 by a
/// thousandth or more, which no datum's does.
fn stretch(value: f64, unit: Option<f64>) -> Option<f64> {
    let ones = value * unit.unwrap_or(1.0);
    let difference = match (0.9..1.1).contains(&ones) {
        true => ones - 1.0,
        false if unit.is_some() || value == 0.0 => ones,
        false => return None,
    };
    (difference.abs() < 1e-3).then_some(difference * 1e6)
}
