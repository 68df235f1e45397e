//! Definitions of coordinate systems: what well-known text and PROJJSON have in common, and the
//! systems they stand for.

use super::datum::Datum;
use super::local::Local;
use super::methods::{self, Projected};
use super::{Crs, registry};
use crate::report::shown;

/// A definition of a horizontal system.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Definition {
    pub(super) name: String,
    /// The EPSG number of the whole.
    pub(super) code: Option<u32>,
    pub(super) base: Base,
    pub(super) projection: Option<Projection>,
}

/// The longitudes and latitudes below.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Base {
    pub(super) name: String,
    pub(super) code: Option<u32>,
    pub(super) datum: String,
    /// The half axis in metres, and 1 through the flattening or 0.
    pub(super) ellipsoid: (f64, f64),
    /// Degrees from Greenwich.
    pub(super) meridian: f64,
    /// Degrees to a unit.
    pub(super) unit: f64,
    /// The shift to WGS 84, where the file says it: metres, seconds, parts per million.
    pub(super) shift: Option<[f64; 7]>,
}

/// A projection by its method's name, in any of the dialects.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Projection {
    pub(super) method: String,
    pub(super) parameters: Vec<Parameter>,
    /// Metres to a unit.
    pub(super) unit: f64,
    /// Whether its first axis is said to go east.
    pub(super) east: bool,
    /// PROJ's words, where the file has them too.
    pub(super) words: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: f64,
    /// Radians or metres to its unit, where it has one of its own.
    pub(super) unit: Option<f64>,
}

impl Definition {
    /// The system, or what messages call one that is not known.
    pub(super) fn system(&self) -> Result<Crs, String> {
        // the number stands for the whole, but for a shift that the file says itself
        if let Some(code) = self.code
            && self.base.said().is_none()
            && let Ok(known) = Crs::numbered(code)
        {
            return Ok(known);
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
        if matches!(projected, Some(Projected::WebMercator)) {
            return Ok(Crs::Mercator);
        }
        let datum = base.datum().ok_or_else(|| {
            let datum = shown(base.datum.as_bytes());
            format!("{name} (its datum is {datum}, whose shift to WGS 84 is not known)")
        })?;
        let (meridian, ellipsoid) = (base.meridian, base.ellipsoid);
        match projected {
            None | Some(Projected::WebMercator) => {
                Ok(Crs::angles(name, base.unit, meridian, datum))
            }
            Some(Projected::Words(words)) => {
                Local::plane(name.clone(), &words, ellipsoid, meridian, datum)
                    .map(|local| Crs::Other(Box::new(local)))
                    .ok_or(name)
            }
        }
    }
}

impl Base {
    /// The shift that the file says, if it is one: noughts for a datum of long ago are none.
    fn said(&self) -> Option<[f64; 7]> {
        let satellites = (self.ellipsoid.0 - 6_378_137.0).abs() < 5.0;
        let any = |shift: &[f64; 7]| shift.iter().any(|number| *number != 0.0);
        self.shift.filter(|shift| satellites || any(shift))
    }

    /// The datum by what the file says of it: its shift, the number of its degrees, its name.
    fn datum(&self) -> Option<Datum> {
        if let Some(shift) = self.said() {
            return Some(match shift.iter().all(|number| *number == 0.0) {
                true => Datum::Same,
                false => Datum::said(shift, self.ellipsoid),
            });
        }
        let named = |name: &str| {
            let short = name.get(4..).filter(|_| starts_with(name, "GCS_"));
            registry::datum(short.unwrap_or(name))
        };
        let codes = [self.code, named(&self.datum), named(&self.name)];
        let known = codes.into_iter().flatten().find_map(|code| {
            let known = registry::geographic(code)?;
            let same = alike((known.axis, known.flattening), self.ellipsoid);
            let datum = Datum::of(known.shift, self.ellipsoid)?;
            same.then_some(datum)
        });
        known.or_else(|| self.is_nameless().then_some(Datum::Same))
    }

    /// Whether the datum has no name, on an ellipsoid that only datums of satellites have: those
    /// are WGS 84 within a few metres.
    fn is_nameless(&self) -> bool {
        let name = registry::plain(&self.datum);
        let name = name.strip_prefix('d').unwrap_or(&name);
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

/// Whether two ellipsoids are one, rounded differently.
fn alike(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() < 2.0 && (a.1 - b.1).abs() < 0.01
}

pub(super) fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}
