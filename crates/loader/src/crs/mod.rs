//! Coordinate systems: what positions mean before they are longitude and latitude.
//!
//! One rule for all formats. A system comes by its EPSG number or its definition; units, meridian,
//! projection and datum are its own, and so is the shift to WGS 84 if the file says one. Else the
//! datum is found by its number or name, and of EPSG's shifts the one with the best accuracy at
//! each place is taken, as PROJ does without grids; over ten metres the account says how far places
//! may be off. Datums that differ from WGS 84 by up to five metres (ETRS89, NAD83, GDA2020) are
//! taken as they are.
//!
//! A file is refused where its datum isn't known well: where a grid would do better than a shift
//! that is only known within more than five metres, or where two shifts that meet disagree by over
//! ten. Both can be accepted (`--datum-error`); a datum or projection that isn't known at all can't.
//!
//! Coordinates are easting and northing, longitude and latitude, in this order, whatever the
//! official one is: all our formats have them so.

mod datum;
mod definition;
mod local;
mod methods;
mod new_zealand;
mod projjson;
mod registry;
mod wkt;

use crate::error::LoadError;
use datum::Datum;
pub(crate) use datum::VagueShift;
pub(crate) use local::{GeographicPlace, LocalCrs, PlaceError};
use std::f64::consts::PI;

/// What the coordinates of a file are in.
pub(crate) enum Crs {
    /// Longitude and latitude in degrees: they are taken as they are.
    LonLat,
    /// Web Mercator, EPSG:3857, in metres.
    Mercator,
    /// Anything that takes more arithmetic.
    Other(Box<LocalCrs>),
}

/// The earth's radius of Web Mercator.
const RADIUS: f64 = 6_378_137.0;

impl Crs {
    /// The system of an EPSG number.
    pub(crate) fn of_epsg(code: u32, file: &str) -> Result<Self, LoadError> {
        Self::numbered(code).map_err(|system| unknown(file, system))
    }

    /// The system of a definition in well-known text, as `.prj` files have it; `EPSG:4326` and
    /// the like may stand in its place.
    pub(crate) fn of_wkt(text: &str, file: &str) -> Result<Self, LoadError> {
        let named = Self::named(text.trim());
        let found = named.unwrap_or_else(|| wkt::definition(text)?.system());
        found.map_err(|system| unknown(file, system))
    }

    /// The system of a PROJJSON object; a text may be `EPSG:4326` or well-known text.
    pub(crate) fn of_projjson(crs: &serde_json::Value, file: &str) -> Result<Self, LoadError> {
        if let Some(text) = crs.as_str() {
            return Self::of_wkt(text, file);
        }
        let by_ogc = projjson::code_by(crs, "OGC");
        if let Some(Ok(known)) = by_ogc.as_deref().and_then(Self::of_ogc) {
            return Ok(known);
        }
        let found = projjson::definition(crs).and_then(|definition| definition.system());
        found.map_err(|system| unknown(file, system))
    }

    /// The system of a name: `EPSG:4326`, `urn:ogc:def:crs:EPSG::4326`,
    /// `http://www.opengis.net/def/crs/OGC/1.3/CRS84`; `None` if a text is none of those.
    pub(crate) fn named(name: &str) -> Option<Result<Self, String>> {
        if name.contains(['[', '(', '"']) {
            return None;
        }
        let last = name.rsplit([':', '/', '#']).next().unwrap_or_default();
        if let Some(known) = Self::of_ogc(last) {
            return Some(known);
        }
        let ours = name.to_ascii_uppercase().contains("EPSG");
        // heights may be named behind it
        let code = last.split('+').next()?.parse().ok().filter(|_| ours)?;
        Some(Self::numbered(code))
    }

    /// The systems that OGC names itself, longitude first.
    fn of_ogc(code: &str) -> Option<Result<Self, String>> {
        let code = code.to_ascii_uppercase();
        match &*code {
            "CRS84" | "WGS84" | "CRS84H" => Some(Ok(Self::LonLat)),
            "CRS83" => Some(Self::numbered(4269)),
            "CRS27" => Some(Self::numbered(4267)),
            _ => None,
        }
    }

    /// The system of an EPSG number, or what messages call it.
    fn numbered(code: u32) -> Result<Self, String> {
        let code = registry::horizontal(code).unwrap_or(code);
        // numbers of before 3857 had one, and Esri's
        if matches!(code, 3857 | 900_913 | 102_100 | 102_113 | 3785) {
            return Ok(Self::Mercator);
        }
        let projected = registry::projected(code);
        let below = projected.map_or(code, |(below, _)| below);
        let unknown = || format!("EPSG:{code}");
        let base = registry::geographic(below).ok_or_else(unknown)?;
        let name = format!("EPSG:{code} (datum of {})", base.name);
        let ellipsoid = (base.axis, base.flattening);
        let datum = Datum::of(base.shift, ellipsoid).ok_or_else(|| {
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

    /// Longitude and latitude in some unit, from some meridian.
    fn angles(name: String, unit: f64, meridian: f64, datum: Datum) -> Self {
        match datum {
            Datum::Same if unit == 1.0 && meridian == 0.0 => Self::LonLat,
            datum => Self::Other(Box::new(LocalCrs::angles(name, unit, meridian, datum))),
        }
    }

    /// The system with places that may be off by so many metres as `--datum-error` accepts, and
    /// the error if it has no place that can be taken.
    pub(crate) fn accepting(mut self, metres: Option<f64>, file: &str) -> Result<Self, LoadError> {
        if let Self::Other(local) = &mut self {
            local.accept(metres);
            if let Some(vague) = local.vague() {
                return Err(self.refusal(&vague, file));
            }
        }
        Ok(self)
    }

    /// The error for a file with a place that isn't known well enough.
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

    /// The place of coordinates.
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
