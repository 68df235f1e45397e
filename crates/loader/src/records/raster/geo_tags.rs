//! Tags of a GeoTIFF: the coordinates of its pixels, and its GeoKeys.

use super::geo_keys::GeoKeys;
use super::grid::PixelGrid;
use super::refusals::refused;
use crate::error::LoadError;
use crate::input::{CountedReader, Origin};
use crate::records::damaged;
use std::fs::File;
use std::io::BufReader;
use tiff::TiffError;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

/// A decoder of a TIFF file that counts the bytes that are read.
pub(super) type TiffDecoder = Decoder<BufReader<CountedReader<File>>>;

/// The text of a TIFF tag; `None` if the file doesn't have the tag.
pub(super) fn text(decoder: &mut TiffDecoder, tag: Tag) -> Result<Option<String>, TiffError> {
    let found = decoder.find_tag(tag)?;
    found.map(|value| value.into_string()).transpose()
}

/// The numbers of a TIFF tag; empty if the file doesn't have the tag.
fn numbers(decoder: &mut TiffDecoder, tag: Tag) -> Result<Vec<f64>, TiffError> {
    let found = decoder.find_tag(tag)?;
    Ok(found
        .map(|value| value.into_f64_vec())
        .transpose()?
        .unwrap_or_default())
}

pub(super) fn geo_keys(decoder: &mut TiffDecoder) -> Result<GeoKeys, TiffError> {
    let directory = decoder.find_tag_unsigned_vec::<u16>(Tag::GeoKeyDirectoryTag)?;
    let texts = text(decoder, Tag::GeoAsciiParamsTag)?.unwrap_or_default();
    Ok(GeoKeys::new(&directory.unwrap_or_default(), texts))
}

/// The grid of pixels that the file states, either by a matrix or by the coordinates of one pixel
/// and the size of pixels; `None` if it states none.
pub(super) fn stated_grid(
    decoder: &mut TiffDecoder,
    keys: &GeoKeys,
    origin: &Origin,
) -> Result<Option<PixelGrid>, LoadError> {
    let failed = |error| refused(error, origin, "place of its pixels");
    let matrix = numbers(decoder, Tag::ModelTransformationTag).map_err(failed)?;
    let scale = numbers(decoder, Tag::ModelPixelScaleTag).map_err(failed)?;
    let ties = numbers(decoder, Tag::ModelTiepointTag).map_err(failed)?;
    let mut grid = match (matrix.as_slice(), scale.as_slice(), ties.as_slice()) {
        ([a, b, _, x, d, e, _, y, ..], ..) => PixelGrid {
            corner: (*x, *y),
            across: (*a, *d),
            down: (*b, *e),
        },
        (_, [width, height, ..], [column, row, _, x, y, ..]) => PixelGrid {
            corner: (x - column * width, y + row * height),
            across: (*width, 0.0),
            down: (0.0, -height),
        },
        (_, _, [_, _, _, _, _, _, _, ..]) => {
            return Err(LoadError::Unsupported {
                file: origin.file(),
                message: "this raster is placed by control points; place it by a grid: \
                          gdalwarp -t_srs EPSG:4326 FILE placed.tif"
                    .to_owned(),
            });
        }
        _ => return Ok(None),
    };
    if keys.places_middles() {
        grid.corner = grid.place(-0.5, -0.5);
    }
    if !grid.is_usable() {
        return Err(damaged(
            origin,
            "header",
            "its pixels have no size or no place",
        ));
    }
    Ok(Some(grid))
}
