//! Rasters of densities or other numbers. Each pixel that has a value becomes a point in the
//! pixel's middle, whose weight is the value.
//!
//! Pixels are read strip by strip or tile by tile. Each becomes a row as in any other format, so
//! filters, boxes and coordinate systems work in the same way.

mod bands;
mod geo_keys;
mod geo_tags;
pub(crate) mod geotiff;
mod grid;
pub(crate) mod npy;
mod npy_header;
mod pixels;
mod refusals;

use crate::columns::resolve::{Geometries, Names, ResolvedColumns, resolve};
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::parameter::Parameter;

/// The columns of a raster, which are its bands. `kind` names the format in reports.
///
/// # Errors
/// There are several bands, and the option `weight` names none of them.
fn columns(
    kind: &str,
    (width, height): (u64, u64),
    bands: Vec<String>,
    origin: &Origin,
    options: &LoadOptions,
) -> Result<ResolvedColumns, LoadError> {
    let weight = match (&options.weight, bands.as_slice()) {
        (Some(asked), _) => asked.clone(),
        (None, [only]) => only.clone(),
        (None, several) => {
            return Err(LoadError::BadOption {
                file: origin.file(),
                parameter: Parameter::Weight,
                message: format!(
                    "this raster has several bands; choose one: {}",
                    crate::messages::list(several)
                ),
            });
        }
    };
    let options = LoadOptions {
        weight: Some(weight),
        ..options.clone()
    };
    let geometries = Geometries {
        column: None,
        why: format!(
            "read as {kind} of {width} × {height} pixels: points at the middles of those that have \
             a value"
        ),
    };
    resolve(
        bands,
        Names::Typed,
        &options,
        Some(geometries),
        &origin.name,
    )
}
