//! A map of Mapnik's: where its XML says that the points are, and the picture of its markers.

use super::Failure;
use super::source_flags::SourceFlags;
use heatsplat::import::Imported;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads the marker's picture, which the XML names relative to itself.
pub(super) fn with_marker(imported: Imported, xml: &Path) -> Result<Imported, Failure> {
    let Some(marker) = imported.marker.clone() else {
        return Ok(imported);
    };
    let file = beside(xml, &marker);
    let named = |e: String| format!("{}: {e}", file.display());
    let png = fs::read(&file).map_err(|e| named(e.to_string()))?;
    Ok(imported.with_marker(&png).map_err(named)?)
}

/// The source that a datasource stands for; how to read it goes into the flags, unless they say
/// something else already.
pub(super) fn source(
    parameters: &[(String, String)],
    xml: &Path,
    flags: &mut SourceFlags,
) -> Result<String, Failure> {
    let get = |name: &str| {
        let mut all = parameters.iter();
        all.find(|(n, _)| n == name).map(|(_, v)| v.trim())
    };
    let kind =
        get("type").ok_or_else(|| at(xml, "no layer of the heat's style has a datasource"))?;
    match kind {
        "csv" | "shape" | "geojson" | "ogr" => {
            if get("inline").is_some() {
                return Err(at(
                    xml,
                    "an inline datasource can't be read; write it into a file",
                ));
            }
            let file = get("file").ok_or_else(|| at(xml, "the datasource names no file"))?;
            let base = get("base").map_or_else(PathBuf::new, PathBuf::from);
            let mut file = beside(xml, base.join(file));
            if kind == "shape" && file.extension().is_none() {
                file.set_extension("shp");
            }
            let separator = get("separator").filter(|s| !s.is_empty());
            flags.suggest_delimiter(separator);
            Ok(file.to_string_lossy().into_owned())
        }
        #[cfg(feature = "postgis")]
        "postgis" => {
            let table = get("table").ok_or_else(|| at(xml, "the datasource names no table"))?;
            flags.suggest_database(table, get("geometry_field"), get("srid"));
            Ok(address(&get))
        }
        other => Err(at(
            xml,
            &format!(
                "a datasource of type {other} can't be read; csv, shape, geojson and postgis can"
            ),
        )),
    }
}

fn at(xml: &Path, message: &str) -> Failure {
    format!("{}: {message}", xml.display()).into()
}

fn beside(xml: &Path, file: impl AsRef<Path>) -> PathBuf {
    xml.parent().unwrap_or(Path::new("")).join(file)
}

/// postgres://user:password@host:port/dbname
#[cfg(feature = "postgis")]
fn address<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> String {
    let plain = |text: &str| -> String {
        let byte = |b: u8| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(b).to_string()
            }
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let part = |name: &str| get(name).filter(|v| !v.is_empty()).map(plain);
    let mut url = "postgres://".to_owned();
    if let Some(user) = part("user") {
        url += &user;
        if let Some(password) = part("password") {
            url += &format!(":{password}");
        }
        url.push('@');
    }
    let host = get("host").filter(|h| !h.is_empty());
    match host {
        // a folder of sockets
        Some(folder) if folder.starts_with('/') => {
            url += &format!(
                "/{}?host={}",
                part("dbname").unwrap_or_default(),
                plain(folder)
            );
            if let Some(port) = part("port") {
                url += &format!("&port={port}");
            }
            return url;
        }
        host => url += host.unwrap_or("localhost"),
    }
    if let Some(port) = part("port") {
        url += &format!(":{port}");
    }
    url.push('/');
    url + &part("dbname").unwrap_or_default()
}

#[cfg(all(test, feature = "postgis"))]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let url = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.to_vec();
            address(&move |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
        };
        assert_eq!(url(&[("dbname", "gis")]), "postgres://localhost/gis");
        assert_eq!(
            url(&[
                ("host", "db"),
                ("port", "5433"),
                ("user", "me"),
                ("password", "a@b"),
                ("dbname", "gis")
            ]),
            "postgres://me:a%40b@db:5433/gis"
        );
        assert_eq!(
            url(&[("host", "/run/pg"), ("user", "me"), ("dbname", "gis")]),
            "postgres://me@/gis?host=%2Frun%2Fpg"
        );
    }
}
