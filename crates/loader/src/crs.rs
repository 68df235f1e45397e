//! Coordinate systems: what positions mean before they are longitude and latitude.

use crate::error::LoadError;
use proj4rs::Proj;
use proj4rs::transform::transform;
use std::f64::consts::PI;

/// What the coordinates of a file are in.
pub(crate) enum Crs {
    /// Longitude and latitude in degrees: they are taken as they are.
    LonLat,
    /// Web Mercator, EPSG:3857, in metres.
    Mercator,
    /// Anything that has a formula, and longitude and latitude as its target.
    Other(Box<(Proj, Proj)>),
}

/// The earth's radius of Web Mercator.
const RADIUS: f64 = 6_378_137.0;

/// Geographic systems whose degrees differ from WGS 84's by less than a metre or two: GPS
/// itself, its three-dimensional form, CRS 84, NAD 83, ETRS 89.
const DEGREES: [u32; 4] = [4326, 4979, 4269, 4258];

impl Crs {
    /// The system of an EPSG number.
    pub(crate) fn of_epsg(code: u32, file: &str) -> Result<Self, LoadError> {
        match code {
            _ if DEGREES.contains(&code) => Ok(Self::LonLat),
            3857 | 900_913 | 102_100 | 102_113 | 3785 => Ok(Self::Mercator),
            _ => u16::try_from(code)
                .ok()
                .and_then(|code| Proj::from_epsg_code(code).ok())
                .and_then(Self::other)
                .ok_or_else(|| unknown(file, format!("EPSG:{code}"))),
        }
    }

    /// The system of a definition in well-known text, as `.prj` files have it.
    pub(crate) fn of_wkt(text: &str, file: &str) -> Result<Self, LoadError> {
        let text = text.trim();
        // the number, where it is told, stands for the whole definition
        if let Some(code) = authority(text)
            && let Ok(known) = Self::of_epsg(code, file)
        {
            return Ok(known);
        }
        let geographic = ["GEOGCS", "GEOGCRS", "GEODCRS"]
            .iter()
            .any(|word| starts_with(text, word));
        if geographic && text.contains("WGS") {
            return Ok(Self::LonLat);
        }
        proj4wkt::wkt_to_projstring(text)
            .ok()
            .and_then(|definition| Proj::from_user_string(&definition).ok())
            .and_then(Self::other)
            .ok_or_else(|| unknown(file, name(text)))
    }

    /// The system of a PROJJSON object, by its identifier; a text may be `EPSG:4326` or
    /// well-known text.
    pub(crate) fn of_projjson(crs: &serde_json::Value, file: &str) -> Result<Self, LoadError> {
        use serde_json::Value;
        if let Value::String(text) = crs {
            return match text.strip_prefix("EPSG:").map(str::parse) {
                Some(Ok(code)) => Self::of_epsg(code, file),
                _ if text == "OGC:CRS84" => Ok(Self::LonLat),
                _ => Self::of_wkt(text, file),
            };
        }
        let id = |key| crs.get("id").and_then(|id| id.get(key));
        let code = match id("code") {
            Some(Value::Number(code)) => code.as_u64().and_then(|code| u32::try_from(code).ok()),
            Some(Value::String(code)) if code == "CRS84" => return Ok(Self::LonLat),
            Some(Value::String(code)) => code.parse().ok(),
            _ => None,
        };
        let ours = id("authority").is_some_and(|authority| authority == "EPSG");
        match code {
            Some(code) if ours => Self::of_epsg(code, file),
            _ => {
                let name = crs.get("name").and_then(Value::as_str);
                let name = name.unwrap_or("one without a name");
                Err(unknown(file, crate::report::shown(name.as_bytes())))
            }
        }
    }

    fn other(from: Proj) -> Option<Self> {
        let to = Proj::from_user_string("+proj=longlat +datum=WGS84 +no_defs").ok()?;
        Some(Self::Other(Box::new((from, to))))
    }

    /// Longitude and latitude in degrees; `None` where the system has no such place.
    pub(crate) fn lon_lat(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        match self {
            Self::LonLat => Some((x, y)),
            Self::Mercator => Some((
                (x / RADIUS).to_degrees(),
                (PI / 2.0 - 2.0 * (-y / RADIUS).exp().atan()).to_degrees(),
            )),
            Self::Other(systems) => {
                let (from, to) = &**systems;
                let mut at = if from.is_latlong() {
                    (x.to_radians(), y.to_radians(), 0.0)
                } else {
                    (x, y, 0.0)
                };
                transform(from, to, &mut at).ok()?;
                let (lon, lat) = (at.0.to_degrees(), at.1.to_degrees());
                (lon.is_finite() && lat.is_finite()).then_some((lon, lat))
            }
        }
    }
}

fn unknown(file: &str, system: String) -> LoadError {
    LoadError::UnknownCrs {
        file: file.to_owned(),
        system,
    }
}

fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// The EPSG number that closes a definition: of the whole, not of a part of it.
fn authority(text: &str) -> Option<u32> {
    let inner = text.strip_suffix([']', ')'])?;
    let start = inner.rfind(['[', '('])?;
    let word = inner.get(..start)?;
    let ours = ["AUTHORITY", "ID"].iter().any(|w| word.ends_with(w));
    let values = inner.get(start + 1..)?.strip_suffix([']', ')'])?;
    let (owner, code) = values.split_once(',')?;
    if !ours || owner.trim_matches(['"', ' ']) != "EPSG" {
        return None;
    }
    code.trim_matches(['"', ' ']).parse().ok()
}

/// What a definition calls its system.
fn name(text: &str) -> String {
    let quoted = text.split('"').nth(1).unwrap_or(text);
    crate::report::shown(quoted.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(crs: &Crs, (x, y): (f64, f64), (lon, lat): (f64, f64), metres: f64) {
        let (a, b) = crs.lon_lat(x, y).unwrap();
        let off = ((a - lon) * lat.to_radians().cos()).hypot(b - lat) * 111_320.0;
        assert!(off < metres, "{a}, {b} is {off} m from {lon}, {lat}");
    }

    #[test]
    fn numbers_and_definitions_lead_to_the_same_place() {
        // Big Ben, and the Space Needle in feet
        let britain = Crs::of_epsg(27700, "a").unwrap();
        near(&britain, (530_268.0, 179_640.0), (-0.124_6, 51.500_7), 15.0);
        let wkt = r#"PROJCS["OSGB_1936_British_National_Grid",GEOGCS["GCS_OSGB 1936",DATUM["D_OSGB_1936",SPHEROID["Airy_1830",6377563.396,299.3249646],TOWGS84[446.448,-125.157,542.06,0.15,0.247,0.842,-20.489]],PRIMEM["Greenwich",0],UNIT["Degree",0.017453292519943295]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",49],PARAMETER["central_meridian",-2],PARAMETER["scale_factor",0.9996012717],PARAMETER["false_easting",400000],PARAMETER["false_northing",-100000],UNIT["Meter",1]]"#;
        let same = Crs::of_wkt(wkt, "a").unwrap();
        assert!(matches!(same, Crs::Other(_)));
        near(&same, (530_268.0, 179_640.0), (-0.124_6, 51.500_7), 15.0);
        let washington = Crs::of_epsg(2926, "a").unwrap();
        near(
            &washington,
            (1_266_500.0, 230_290.0),
            (-122.349_3, 47.620_4),
            150.0,
        );
    }

    #[test]
    fn web_mercator_and_degrees_need_no_transform() {
        let mercator = Crs::of_epsg(3857, "a").unwrap();
        near(&mercator, (1_491_636.0, 6_894_700.0), (13.4, 52.52), 50.0);
        for code in DEGREES {
            assert_eq!(
                Crs::of_epsg(code, "a").unwrap().lon_lat(1.5, 2.5),
                Some((1.5, 2.5))
            );
        }
        let wkt = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["Degree",0.017453292519943295]]"#;
        assert!(matches!(Crs::of_wkt(wkt, "a"), Ok(Crs::LonLat)));
    }

    #[test]
    fn unknown_systems_are_refused_by_name() {
        let message = |crs: Result<Crs, LoadError>| match crs {
            Err(error) => error.to_string(),
            Ok(_) => panic!("known"),
        };
        assert!(message(Crs::of_epsg(99_999, "a.shp")).contains("EPSG:99999"));
        let local = message(Crs::of_wkt(
            r#"LOCAL_CS["Site grid 7",UNIT["metre",1]]"#,
            "a.shp",
        ));
        assert!(
            local.contains("Site grid 7") && local.starts_with("a.shp: "),
            "{local}"
        );
    }

    #[test]
    fn the_number_of_a_part_is_not_that_of_the_whole() {
        assert_eq!(
            authority(r#"PROJCS["x",GEOGCS["y",AUTHORITY["EPSG","4277"]]]"#),
            None
        );
        assert_eq!(
            authority(r#"PROJCS["x",AUTHORITY["EPSG","27700"]]"#),
            Some(27700)
        );
        assert_eq!(authority(r#"PROJCRS["x",ID["EPSG",27700]]"#), Some(27700));
    }
}
