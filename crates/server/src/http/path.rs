//! The segments of a URL's path. They are parsed strictly, so that each picture has one URL only.

use super::error::{ApiError, shown};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use heatsplat_points::{MAX_ZOOM, TileId};
use heatsplat_render::encode::ImageFormat;
use serde::de::DeserializeOwned;

/// The segments of a path, as axum's `Path` extracts them. If the path is not UTF-8, this type
/// answers with an error in JSON, as the server's other errors are.
pub(crate) struct Segments<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(ApiError::bad_request("the address is not UTF-8")),
        }
    }
}

/// The picture formats that the file extension in a URL's path chooses, without any parameter.
const FORMATS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Npy, ImageFormat::Tiff];

/// The extension of PNG files whose colours encode values, as in elevation models (DEM).
pub(crate) const DEM: &str = "dem.png";

/// The format that an extension stands for. `None` for unknown extensions and for [`DEM`], whose
/// format also needs a range of values.
pub(crate) fn format_of(extension: &str) -> Option<ImageFormat> {
    let mut all = FORMATS.into_iter();
    all.find(|format| format.extension() == extension)
}

/// The file extensions of all picture formats, with their dots and separated by commas, for error
/// messages.
pub(crate) fn extensions() -> String {
    let names = FORMATS.map(|format| format!(".{}", format.extension()));
    format!("{}, .{DEM}", names.join(", "))
}

/// The path of a tile: `/{layer}/{z}/{x}/{y}[@2x].{extension}`.
pub(crate) struct TilePath {
    pub(crate) layer: String,
    /// The parts of the path after the layer. If they are wrong, `Err` has the error with which the
    /// request is answered if the layer exists; if the layer doesn't exist, the answer is 404.
    pub(crate) file: Result<TileFile, ApiError>,
}

/// A tile, with the device pixel ratio and the extension that its path asks for.
#[derive(Debug)]
pub(crate) struct TileFile {
    pub(crate) tile: TileId,
    /// The number of device pixels per CSS pixel.
    pub(crate) ratio: u32,
    pub(crate) extension: String,
}

impl<S: Send + Sync> FromRequestParts<S> for TilePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let all = Segments::from_request_parts(parts, state).await?;
        let Segments((layer, z, x, y)): Segments<(String, String, String, String)> = all;
        let file = tile_file(&z, &x, &y);
        Ok(Self { layer, file })
    }
}

fn tile_file(z: &str, x: &str, y: &str) -> Result<TileFile, ApiError> {
    let file = FileName::parse(y).ok_or_else(|| {
        ApiError::bad_request(format!("a tile's address ends in {}", extensions()))
    })?;
    let z = zoom("z", z)?;
    let tile = TileId::new(z, number("x", x)?, number("y", file.stem)?);
    Ok(TileFile {
        tile: tile.map_err(|e| ApiError::bad_request(e.to_string()))?,
        ratio: file.ratio,
        extension: file.extension.to_owned(),
    })
}

/// The last segment of a picture's path, like `map@2x.png`, which has the stem `map`, the ratio 2
/// and the extension `png`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileName<'a> {
    pub(crate) stem: &'a str,
    /// The number of device pixels per CSS pixel: 2 after `@2x`, else 1.
    pub(crate) ratio: u32,
    pub(crate) extension: &'a str,
}

impl<'a> FileName<'a> {
    /// Splits a segment at its first dot. `None` if it has no dot, and so no extension.
    pub(crate) fn parse(segment: &'a str) -> Option<Self> {
        let (stem, extension) = segment.split_once('.')?;
        let (stem, ratio) = match stem.strip_suffix("@2x") {
            Some(stem) => (stem, 2),
            None => (stem, 1),
        };
        Some(Self {
            stem,
            ratio,
            extension,
        })
    }
}

/// Parses a whole zoom from 0 to [`MAX_ZOOM`]. `name` is the parameter's name, for error messages.
pub(crate) fn zoom(name: &'static str, text: &str) -> Result<u8, ApiError> {
    let zoom = number(name, text)?;
    u8::try_from(zoom)
        .ok()
        .filter(|&zoom| zoom <= MAX_ZOOM)
        .ok_or_else(|| {
            ApiError::bad_request(format!(
                "{name} can't be {zoom}: expected a whole zoom from 0 to {MAX_ZOOM}"
            ))
        })
}

/// Parses a zoom from 0 to [`MAX_ZOOM`] that may have decimals, like `7` or `7.25`. `name` is the
/// parameter's name, for error messages.
pub(crate) fn any_zoom(name: &'static str, text: &str) -> Result<f64, ApiError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let zoom = text.parse().ok().filter(|_| plain);
    zoom.filter(|zoom| (0.0..=f64::from(MAX_ZOOM)).contains(zoom))
        .ok_or_else(|| {
            ApiError::bad_request(format!(
                "{name} can't be `{}`: expected a zoom from 0 to {MAX_ZOOM}, like 7 or 7.25",
                shown(text)
            ))
        })
}

/// Parses a whole number, written in ASCII digits only. Signs, `0x`, leading zeros and digits of
/// other scripts are errors. `name` is the parameter's name, for error messages.
pub(crate) fn number(name: &'static str, text: &str) -> Result<u32, ApiError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number = text.parse().ok().filter(|_| plain);
    number.ok_or_else(|| {
        ApiError::bad_request(format!(
            "{name} can't be `{}`: expected a whole number",
            shown(text)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimal_numbers() {
        assert_eq!(number("x", "0"), Ok(0));
        assert_eq!(number("x", "4294967295"), Ok(u32::MAX));
        for bad in [
            "",
            "-1",
            "+1",
            "01",
            "00",
            "0x1",
            "１",
            "1e3",
            "1.0",
            " 1",
            "4294967296",
        ] {
            assert!(number("x", bad).is_err(), "{bad:?}");
        }
        assert_eq!(zoom("z", "24"), Ok(24));
        assert!(zoom("z", "25").is_err() && zoom("z", "256").is_err());
        assert!(tile_file("1", "2", "0.png").is_err());
    }

    #[test]
    fn files_have_stem_ratio_and_extension() {
        let file = |stem, ratio, extension| {
            Some(FileName {
                stem,
                ratio,
                extension,
            })
        };
        assert_eq!(FileName::parse("7.png"), file("7", 1, "png"));
        assert_eq!(FileName::parse("7@2x.npy"), file("7", 2, "npy"));
        assert_eq!(FileName::parse("7@3x.png"), file("7@3x", 1, "png"));
        assert_eq!(FileName::parse("7.tar.gz"), file("7", 1, "tar.gz"));
        assert_eq!(FileName::parse("7"), None);
    }
}
