//! The coordinate system that Esri JSON states.

use crate::crs::Crs;
use crate::error::LoadError;
use crate::messages::shown;
use crate::options::LoadOptions;
use serde_json::Value;

/// The coordinate system that a `spatialReference` of Esri JSON states, and a phrase about it for
/// reports, such as ` in EPSG:3857`. `reference` is the JSON text of the `spatialReference`. An
/// empty `reference` means that the document has no `spatialReference`; its coordinates are then
/// longitudes and latitudes.
pub(super) fn parse(
    reference: &[u8],
    options: &LoadOptions,
    file: &str,
) -> Result<(Crs, String), LoadError> {
    let Ok(stated) = serde_json::from_slice::<Value>(reference) else {
        let words = " in degrees (no spatialReference is there)";
        return Ok((Crs::LonLat, words.to_owned()));
    };
    let number = |name: &str| stated.get(name).and_then(Value::as_u64);
    let code = number("latestWkid").or_else(|| number("wkid"));
    let text = ["wkt", "wkt2"]
        .iter()
        .find_map(|name| stated.get(name)?.as_str());
    let (crs, words) = match (code.and_then(|code| u32::try_from(code).ok()), text) {
        (Some(code), _) => (Crs::from_epsg(code, file)?, format!(" in EPSG:{code}")),
        (None, Some(text)) => (Crs::from_wkt(text, file)?, String::new()),
        (None, None) => {
            return Err(LoadError::UnknownCrs {
                file: file.to_owned(),
                system: shown(reference),
            });
        }
    };
    Ok((crs.accepting(options.datum_error, file)?, words))
}
