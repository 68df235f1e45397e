//! Coordinate systems of files, and the transformation of positions to longitude and latitude.
//!
//! All formats follow one rule. A file states its system by an EPSG number or by a definition. A
//! definition gives the unit, prime meridian, projection and datum, and perhaps the datum's shift
//! to WGS 84. If the file states no shift, the datum is looked up in EPSG's tables, by its number
//! or its name. A datum may have several shifts there, each for an area. At each position the most
//! accurate of them is used, as PROJ does if it has no grids. Errors over ten metres are reported.
//! Datums that differ from WGS 84 by up to five metres (ETRS89, NAD83 and GDA2020, for example) are
//! used unchanged.
//!
//! A file is refused if its datum is too uncertain, which is so in two cases:
//!
//! * The error of the shift may exceed five metres, and a grid would be more accurate. (A grid is a
//!   file of shifts, which this crate can't read.)
//! * Two shifts for one position differ by more than ten metres.
//!
//! Users can accept larger errors ([`datum_error`](crate::LoadOptions::datum_error)). A datum or
//! projection that is not known at all is always refused.
//!
//! The order of coordinates is easting and northing, or longitude and latitude. All formats that
//! are read here write them in this order, so the official order of a system's axes is ignored.

mod datum;
mod definition;
mod local;
mod methods;
mod new_zealand;
mod plane;
mod projjson;
mod registry;
mod wkt;

use crate::error::LoadError;
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use datum::Datum;
pub(crate) use datum::VagueShift;
pub(crate) use local::{GeographicPlace, LocalCrs, PlaceError};
pub use plane::{PlaneCrs, PlaneCrsError, ProjectedSquare};
use std::f64::consts::PI;

/// The coordinate system of a file.
pub(crate) enum Crs {
    /// Longitude and latitude in degrees, which are used unchanged.
    LonLat,
    /// Web Mercator (EPSG:3857), in metres.
    Mercator,
    /// Any other system that can be transformed to longitude and latitude.
    Other(Box<LocalCrs>),
}

/// The radius of the earth in Web Mercator, in metres.
const RADIUS: f64 = 6_378_137.0;

impl Crs {
    /// The coordinate system with an EPSG number. Errors name the source by `file`.
    pub(crate) fn from_epsg(code: u32, file: &str) -> Result<Self, LoadError> {
        Self::from_number(code).map_err(|system| unknown(file, system))
    }

    /// The coordinate system of a file that states none: the one that the option `srid` names, or
    /// else longitude and latitude.
    pub(crate) fn unstated(options: &LoadOptions, file: &str) -> Result<Self, LoadError> {
        let named = |code| Self::from_epsg(code, file);
        options.srid.map_or(Ok(Self::LonLat), named)
    }

    /// Returns an error if the option `srid` is set, for a file that states its own coordinate
    /// system. `place` is the part of the file that states it, such as `its header`, for the
    /// message.
    pub(crate) fn refuse_option(
        options: &LoadOptions,
        file: &str,
        place: &str,
    ) -> Result<(), LoadError> {
        match options.srid {
            None => Ok(()),
            Some(_) => Err(LoadError::BadOption {
                file: file.to_owned(),
                parameter: Parameter::Srid,
                message: format!("{place} states the coordinate system of this file; leave it out"),
            }),
        }
    }

    /// The system that a text describes: a definition in well-known text, as a `.prj` holds it, or
    /// a name such as `EPSG:4326`. Errors name the source by `file`.
    pub(crate) fn from_wkt(text: &str, file: &str) -> Result<Self, LoadError> {
        let named = Self::from_name(text.trim());
        let found = named.unwrap_or_else(|| wkt::definition(text)?.system());
        found.map_err(|system| unknown(file, system))
    }

    /// The system that a PROJJSON object describes. A JSON string is accepted too, which may be a
    /// name such as `EPSG:4326` or well-known text. Errors name the source by `file`.
    pub(crate) fn from_projjson(crs: &serde_json::Value, file: &str) -> Result<Self, LoadError> {
        if let Some(text) = crs.as_str() {
            return Self::from_wkt(text, file);
        }
        let by_ogc = projjson::code_by(crs, "OGC");
        if let Some(Ok(known)) = by_ogc.as_deref().and_then(Self::from_ogc) {
            return Ok(known);
        }
        let found = projjson::definition(crs).and_then(|definition| definition.system());
        found.map_err(|system| unknown(file, system))
    }

    /// The system that a name means. The name has one of these forms: `EPSG:4326`,
    /// `urn:ogc:def:crs:EPSG::4326` or `http://www.opengis.net/def/crs/OGC/1.3/CRS84`. `None` if
    /// the text has none of these forms. If the system is not known, the inner error is the text by
    /// which messages name it.
    pub(crate) fn from_name(name: &str) -> Option<Result<Self, String>> {
        if name.contains(['[', '(', '"']) {
            return None;
        }
        let last = name.rsplit([':', '/', '#']).next().unwrap_or_default();
        if let Some(known) = Self::from_ogc(last) {
            return Some(known);
        }
        let ours = name.to_ascii_uppercase().contains("EPSG");
        // A `+` and the number of a vertical system may follow, which are ignored.
        let code = last.split('+').next()?.parse().ok().filter(|_| ours)?;
        Some(Self::from_number(code))
    }

    /// The system for a code of the OGC such as `CRS84`, which has longitude before latitude;
    /// `None` for any other code.
    fn from_ogc(code: &str) -> Option<Result<Self, String>> {
        let code = code.to_ascii_uppercase();
        match &*code {
            "CRS84" | "WGS84" | "CRS84H" => Some(Ok(Self::LonLat)),
            "CRS83" => Some(Self::from_number(4269)),
            "CRS27" => Some(Self::from_number(4267)),
            _ => None,
        }
    }

    /// The coordinate system with an EPSG number. If it is not known, the error is the text by
    /// which messages name it.
    fn from_number(code: u32) -> Result<Self, String> {
        let code = registry::horizontal(code).unwrap_or(code);
        // The other numbers are older ones of EPSG and ones of Esri for Web Mercator, which is
        // 3857.
        if matches!(code, 3857 | 900_913 | 102_100 | 102_113 | 3785) {
            return Ok(Self::Mercator);
        }
        let projected = registry::projected(code);
        let below = projected.map_or(code, |(below, _)| below);
        let unknown = || format!("EPSG:{code}");
        let base = registry::geographic(below).ok_or_else(unknown)?;
        let name = format!("EPSG:{code} (datum of {})", base.name);
        let ellipsoid = (base.axis, base.flattening);
        let datum = Datum::parse(base.shift, ellipsoid).ok_or_else(|| {
            let name = base.name;
            format!("EPSG:{code} (the shift from {name} to WGS 84 is not known)")
        })?;
        match projected {
            None => Ok(Self::angles(name, base.unit, base.meridian, datum)),
            Some((_, words)) => LocalCrs::plane(name, words, ellipsoid, base.meridian, datum)
                .map(|local| Self::Other(Box::new(local)))
                .ok_or_else(unknown),
        }
    }

    /// A system of longitudes and latitudes. `unit` is the size of its angular unit, and `meridian`
    /// its prime meridian east of Greenwich, both in degrees. It is [`LonLat`](Self::LonLat) if
    /// nothing has to be transformed.
    fn angles(name: String, unit: f64, meridian: f64, datum: Datum) -> Self {
        match datum {
            Datum::Same if unit == 1.0 && meridian == 0.0 => Self::LonLat,
            datum => Self::Other(Box::new(LocalCrs::angles(name, unit, meridian, datum))),
        }
    }

    /// The system, set to accept positions whose shift to WGS 84 may be wrong by at most `metres`;
    /// `None`: the default limits apply. Returns an error if the system can't transform any
    /// position.
    pub(crate) fn accepting(mut self, metres: Option<f64>, file: &str) -> Result<Self, LoadError> {
        if let Self::Other(local) = &mut self {
            local.accept(metres);
            if let Some(vague) = local.vague() {
                return Err(self.refusal(&vague, file));
            }
        }
        Ok(self)
    }

    /// The error for a file with a position whose shift to WGS 84 is too uncertain. `vague` is the
    /// reason, and `file` names the source.
    pub(crate) fn refusal(&self, vague: &VagueShift, file: &str) -> LoadError {
        LoadError::VagueDatum {
            file: file.to_owned(),
            system: match self {
                Self::Other(local) => local.name().to_owned(),
                Self::LonLat | Self::Mercator => "WGS 84".to_owned(),
            },
            vague: vague.to_string(),
            advice: match vague.metres {
                Some(metres) => format!(", or accept that by `datum_error` {}m", metres.ceil()),
                None => String::new(),
            },
        }
    }

    /// Transforms coordinates, in the system's unit and with the easting or longitude first, to
    /// longitude and latitude on WGS 84 in degrees.
    pub(crate) fn place(&self, x: f64, y: f64) -> Result<GeographicPlace, PlaceError> {
        let (lon, lat) = match self {
            Self::LonLat => (x, y),
            Self::Mercator => (
                (x / RADIUS).to_degrees(),
                (PI / 2.0 - 2.0 * (-y / RADIUS).exp().atan()).to_degrees(),
            ),
            Self::Other(local) => return local.place(x, y),
        };
        Ok(GeographicPlace {
            lon,
            lat,
            error: 0.0,
        })
    }
}

fn unknown(file: &str, system: String) -> LoadError {
    LoadError::UnknownCrs {
        file: file.to_owned(),
        system,
    }
}

#[cfg(test)]
mod tests;
