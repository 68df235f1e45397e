//! Definitions of coordinate systems: the content that well-known text and PROJJSON share, and the
//! system that it describes.

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
    /// The EPSG number of the system as a whole, if it is stated.
    pub(super) code: Option<u32>,
    pub(super) base: Base,
    pub(super) projection: Option<Projection>,
}

/// The geographic system from which a projection starts.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Base {
    pub(super) name: String,
    pub(super) code: Option<u32>,
    pub(super) datum: String,
    /// The semi-major axis in metres, and the inverse flattening (0 for a sphere).
    pub(super) ellipsoid: (f64, f64),
    /// The prime meridian in degrees east of Greenwich.
    pub(super) meridian: f64,
    /// The angular unit in degrees.
    pub(super) unit: f64,
    /// The shift to WGS 84 that the file states, if any: three numbers in metres, three in seconds
    /// of arc and one in parts per million.
    pub(super) shift: Option<[f64; 7]>,
}

/// A projection, with the name of its method in any dialect.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Projection {
    pub(super) method: String,
    pub(super) parameters: Vec<Parameter>,
    /// The linear unit in metres.
    pub(super) unit: f64,
    pub(super) axes: Axes,
    /// The PROJ string that the file states beside the definition, if any.
    pub(super) words: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: f64,
    /// The parameter's own unit in radians, metres or ones; `None` if it states none.
    pub(super) unit: Option<f64>,
}

/// The directions of a system's axes, as its definition states them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Axes {
    /// No directions are stated, or both axes follow a meridian, as in systems around a pole.
    #[default]
    Unsaid,
    EastAndNorth,
    SouthAndWest,
}

impl Axes {
    /// The axes for their directions, in any order; an error for directions that aren't supported.
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

    /// Returns an error for geographic axes that go west and south.
    pub(super) fn of_degrees(self) -> Result<(), &'static str> {
        match self {
            Self::SouthAndWest => Err("its degrees go west and south"),
            Self::Unsaid | Self::EastAndNorth => Ok(()),
        }
    }
}

/// The unit that all axes have; `None` if no axis states one, and an error if they differ.
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
    /// Adds to a system the shift that a bound system states, if any. `to` is the system to which
    /// the shift leads, which must be WGS 84.
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

    /// Returns true if the definition consists of its EPSG number only.
    fn is_number(&self) -> bool {
        self.base == Base::default()
    }

    /// Resolves the definition to a coordinate system. The error describes the system for messages.
    pub(super) fn system(&self) -> Result<Crs, String> {
        // The EPSG number stands for the whole definition, unless the file states a shift.
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
    /// The shift that the file states. A shift of zeros on an ellipsoid older than satellites is
    /// ignored.
    fn said(&self) -> Option<[f64; 7]> {
        let satellites = (self.ellipsoid.0 - 6_378_137.0).abs() < 5.0;
        let any = |shift: &[f64; 7]| shift.iter().any(|number| *number != 0.0);
        self.shift.filter(|shift| satellites || any(shift))
    }

    /// The datum, found by the stated shift, the EPSG number of the geographic system, or the name.
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

    /// Returns true if the datum has no name and its ellipsoid is that of a satellite datum. Such
    /// datums equal WGS 84 within a few metres.
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

/// Returns true if two ellipsoids are equal except for rounding. Each is a semi-major axis and an
/// inverse flattening.
fn alike(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() < 2.0 && (a.1 - b.1).abs() < 0.01
}

/// An angular unit, given in radians, in degrees. A degree that was rounded becomes exactly 1.
pub(super) fn degrees(radians: f64) -> f64 {
    let degrees = radians.to_degrees();
    if (degrees - 1.0).abs() < 1e-8 {
        1.0
    } else {
        degrees
    }
}

/// The shift to WGS 84 that a transformation describes, by the names of its method and parameters.
/// `None` if the method is of another kind. Values without a unit are in metres and seconds of arc.
pub(super) fn shift(
    method: &str,
    parameters: impl FnOnce() -> Result<Vec<Parameter>, &'static str>,
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
    for Parameter { name, value, unit } in parameters()? {
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

/// A scale in parts per million; `None` if no datum has such a scale, which differs from 1 by far
/// less than a thousandth. A value near 1 is a factor. Another value is the difference from 1 and
/// needs a unit, except 0.
fn stretch(value: f64, unit: Option<f64>) -> Option<f64> {
    let ones = value * unit.unwrap_or(1.0);
    let difference = match (0.9..1.1).contains(&ones) {
        true => ones - 1.0,
        false if unit.is_some() || value == 0.0 => ones,
        false => return None,
    };
    (difference.abs() < 1e-3).then_some(difference * 1e6)
}
