//! The segments of a path: read strictly, so that every picture has one address.

use crate::http::error::{Refused, shown};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use heatsplat_points::{MAX_ZOOM, TileId};
use serde::de::DeserializeOwned;

/// axum's `Path`, its refusals in our words.
pub(crate) struct Segments<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(Refused::bad("the address is not UTF-8")),
        }
    }
}

/// The last segment of a picture's address: `map@2x.png`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File<'a> {
    pub(crate) stem: &'a str,
    /// Pixels to a CSS pixel: 2 after `@2x`, else 1.
    pub(crate) ratio: u32,
    pub(crate) extension: &'a str,
}

impl<'a> File<'a> {
    /// `None` without an extension.
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

/// A tile's address.
pub(crate) fn tile(z: &str, x: &str, y: &str) -> Result<TileId, Refused> {
    let z = zoom("z", z)?;
    TileId::new(z, number("x", x)?, number("y", y)?).map_err(|e| Refused::bad(e.to_string()))
}

/// A zoom, 0 to [`MAX_ZOOM`].
pub(crate) fn zoom(name: &'static str, text: &str) -> Result<u8, Refused> {
    let zoom = number(name, text)?;
    u8::try_from(zoom)
        .ok()
        .filter(|&zoom| zoom <= MAX_ZOOM)
        .ok_or_else(|| {
            Refused::bad(format!(
                "{name} can't be {zoom}: expected a whole zoom from 0 to {MAX_ZOOM}"
            ))
        })
}

/// A zoom, 0 to [`MAX_ZOOM`], which may lie between two.
pub(crate) fn any_zoom(name: &'static str, text: &str) -> Result<f64, Refused> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let zoom = text.parse().ok().filter(|_| plain);
    zoom.filter(|zoom| (0.0..=f64::from(MAX_ZOOM)).contains(zoom))
        .ok_or_else(|| {
            Refused::bad(format!(
                "{name} can't be `{}`: expected a zoom from 0 to {MAX_ZOOM}, like 7 or 7.25",
                shown(text)
            ))
        })
}

/// Decimal digits and nothing else: no sign, no `0x`, no leading zero, no digits of other scripts.
pub(crate) fn number(name: &'static str, text: &str) -> Result<u32, Refused> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number = text.parse().ok().filter(|_| plain);
    number.ok_or_else(|| {
        Refused::bad(format!(
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
        assert!(tile("1", "2", "0").is_err());
    }

    #[test]
    fn files_have_stem_ratio_and_extension() {
        let file = |stem, ratio, extension| {
            Some(File {
                stem,
                ratio,
                extension,
            })
        };
        assert_eq!(File::parse("7.png"), file("7", 1, "png"));
        assert_eq!(File::parse("7@2x.webp"), file("7", 2, "webp"));
        assert_eq!(File::parse("7@3x.png"), file("7@3x", 1, "png"));
        assert_eq!(File::parse("7.tar.gz"), file("7", 1, "tar.gz"));
        assert_eq!(File::parse("7"), None);
    }
}
