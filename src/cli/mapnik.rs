//! Maps for Mapnik: the source of points that the XML names, and the picture of its markers.

use super::error::BoxError;
use super::postgis;
use super::source_flags::SourceFlags;
use heatsplat::import::ImportedStyle;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads the picture of the marker, if the Mapnik XML names one, into the style. Its path is
/// relative to the folder of the file `xml`.
pub(super) fn with_marker(imported: ImportedStyle, xml: &Path) -> Result<ImportedStyle, BoxError> {
    let Some(marker) = imported.marker.clone() else {
        return Ok(imported);
    };
    let file = beside(xml, &marker);
    let png = fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let imported = imported.with_marker(&png);
    Ok(imported.map_err(|e| format!("{}: {e}", file.display()))?)
}

/// Converts the parameters of a Mapnik datasource to a source: a file's path or a database's
/// address. If the parameters also state how to read the source, this goes into `flags`, except
/// flags that the user has set.
pub(super) fn source(
    parameters: &[(String, String)],
    xml: &Path,
    flags: &mut SourceFlags,
) -> Result<String, BoxError> {
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
        "postgis" if cfg!(feature = "postgis") => {
            postgis::datasource(&get, flags).map_err(|message| at(xml, message))
        }
        other => Err(at(
            xml,
            &format!(
                "a datasource of type {other} can't be read; csv, shape, geojson and postgis can"
            ),
        )),
    }
}

fn at(xml: &Path, message: &str) -> BoxError {
    format!("{}: {message}", xml.display()).into()
}

fn beside(xml: &Path, file: impl AsRef<Path>) -> PathBuf {
    xml.parent().unwrap_or(Path::new("")).join(file)
}
