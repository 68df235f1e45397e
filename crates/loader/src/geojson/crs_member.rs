//! The member `crs` of GeoJSON objects. It comes from the format before RFC 7946 (GeoJSON 2008,
//! section 3), and some programs still write it.

use crate::crs::Crs;
use crate::error::LoadError;
use crate::messages::shown;
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// The coordinate system of a document's features. It is set once it is known, and shared between
/// the thread that scans the document and the threads that parse features.
pub(super) type SharedCrs = Arc<OnceLock<Crs>>;

/// Parses the value of a member `crs` to the coordinate system that it states; `null` means
/// longitude and latitude. `datum_error` is the largest error, in metres, of a shift to WGS 84 that
/// the user accepts; `None`: the limits that the module `crs` states.
pub(super) fn parse_crs(
    json: &[u8],
    file: &str,
    datum_error: Option<f64>,
) -> Result<Crs, LoadError> {
    let unknown = |system: String| LoadError::UnknownCrs {
        file: file.to_owned(),
        system,
    };
    let said: Value = serde_json::from_slice(json).map_err(|_| unknown(shown(json)))?;
    if said.is_null() {
        return Ok(Crs::LonLat);
    }
    let property = |name: &str| said.get("properties").and_then(|all| all.get(name));
    let name = match (property("name"), property("code")) {
        (Some(Value::String(name)), _) => name.clone(),
        // Before 2008 the member held the number of an EPSG system.
        (_, Some(Value::Number(code))) => format!("EPSG:{code}"),
        _ => return Err(unknown(shown(json))),
    };
    let crs = match Crs::from_name(&name) {
        Some(parse_crs) => parse_crs.map_err(unknown)?,
        // Some writers put well-known text into the name.
        None => Crs::from_wkt(&name, file)?,
    };
    crs.accepting(datum_error, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_by_every_way_to_name_them() {
        let of = |text: &str| parse_crs(text.as_bytes(), "a.geojson", None);
        let named = |name: &str| {
            of(&format!(
                r#"{{"type":"name","properties":{{"name":"{name}"}}}}"#
            ))
        };
        for name in [
            "urn:ogc:def:crs:OGC:1.3:CRS84",
            "urn:ogc:def:crs:OGC::CRS84",
            "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            "EPSG:4326",
            "epsg:4326",
            "urn:ogc:def:crs:EPSG::4326",
            "WGS84",
        ] {
            assert!(matches!(named(name), Ok(Crs::LonLat)), "{name}");
        }
        for name in [
            "urn:ogc:def:crs:EPSG::3857",
            "urn:x-ogc:def:crs:EPSG:6.9:3857",
            "EPSG:900913",
        ] {
            assert!(matches!(named(name), Ok(Crs::Mercator)), "{name}");
        }
        assert!(matches!(named("EPSG:27700"), Ok(Crs::Other(_))));
        assert!(matches!(
            of(r#"{"type":"EPSG","properties":{"code":3857}}"#),
            Ok(Crs::Mercator)
        ));
        assert!(matches!(of("null"), Ok(Crs::LonLat)));
        for (text, says) in [
            (
                r#"{"type":"link","properties":{"href":"http://x/y"}}"#,
                "http://x/y",
            ),
            (
                r#"{"type":"name","properties":{"name":"Moon:4326"}}"#,
                "Moon:4326",
            ),
            (
                r#"{"type":"name","properties":{"name":"EPSG:999999"}}"#,
                "EPSG:999999",
            ),
            ("7", "7"),
        ] {
            let Err(error) = of(text) else {
                panic!("{text}")
            };
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
