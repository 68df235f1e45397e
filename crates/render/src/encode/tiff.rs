//! GeoTIFF files: densities with their position on the map, for GIS programs.

use super::{EncodeError, check};
use crate::unit_costs::{ENCODED, report};
use ::tiff::encoder::{TiffEncoder, colortype::Gray32Float};
use ::tiff::tags::Tag;
use heatsplat_points::Window;
use heatsplat_points::mercator::{EQUATOR_METRES, WORLD};
use std::io::Cursor;

/// GeoTIFF's tag for the size of a pixel.
const PIXEL_SCALE: Tag = Tag::Unknown(33_550);
/// GeoTIFF's tag for the position on the map of the picture's top left corner.
const TIEPOINT: Tag = Tag::Unknown(33_922);
/// GeoTIFF's tag for the keys that name the coordinate system.
const KEYS: Tag = Tag::Unknown(34_735);
/// GDAL's tag for the value that means "no data".
const NODATA: Tag = Tag::Unknown(42_113);

/// The place of a picture in a projected coordinate system, for GIS programs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Georeference {
    /// The system's EPSG number.
    pub epsg: u32,
    /// The easting of the picture's western edge, in the system's unit.
    pub west: f64,
    /// The northing of the picture's northern edge, in the system's unit.
    pub north: f64,
    /// The side of a pixel in the system's unit.
    pub pixel: f64,
}

impl From<&Window> for Georeference {
    /// The place of a window in EPSG:3857, Web Mercator in metres.
    fn from(window: &Window) -> Self {
        Self {
            epsg: 3857,
            west: (window.left() / WORLD - 0.5) * EQUATOR_METRES,
            north: (0.5 - window.top() / WORLD) * EQUATOR_METRES,
            pixel: window.pixel() / WORLD * EQUATOR_METRES,
        }
    }
}

/// Encodes values as a GeoTIFF: one band of 32-bit floats, uncompressed, with the coordinates of
/// `place`. `values` are in rows from the north. The value 0 is declared as "no data".
///
/// # Errors
/// A number of values other than `width * height`, or a width or height that is 0 or over
/// [`MAX_EDGE`](super::MAX_EDGE).
pub fn tiff(
    values: &[f32],
    width: u32,
    height: u32,
    place: &Georeference,
) -> Result<Vec<u8>, EncodeError> {
    check(values.len(), 1, width, height)?;
    let &Georeference {
        epsg,
        west,
        north,
        pixel,
    } = place;
    // The numbers state GeoTIFF's version, 1.1.0, and the number of the keys that follow: the
    // coordinates are projected, pixels are areas, the EPSG number of the projection (32767 for one
    // that no key can hold), and the unit of EPSG:3857, the metre. The unit of other systems
    // follows from their number.
    let system = u16::try_from(epsg).unwrap_or(32_767);
    let mercator: &[u16] = &[3076, 0, 1, 9001];
    let (count, unit) = if epsg == 3857 {
        (4, mercator)
    } else {
        (3, &[][..])
    };
    let keys = [
        1, 1, 0, count, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, system,
    ];
    let keys = [&keys, unit].concat();
    let mut bytes = Cursor::new(Vec::with_capacity(values.len() * 4 + 1024));
    let mut encoder = TiffEncoder::new(&mut bytes)?;
    let mut image = encoder.new_image::<Gray32Float>(width, height)?;
    let tags = image.encoder();
    tags.write_tag(PIXEL_SCALE, &[pixel, pixel, 0.0][..])?;
    tags.write_tag(TIEPOINT, &[0.0, 0.0, 0.0, west, north, 0.0][..])?;
    tags.write_tag(KEYS, &keys[..])?;
    tags.write_tag(NODATA, "0")?;
    let mut rest = values;
    while let Some((strip, after)) = rest.split_at_checked(image.next_strip_sample_count() as usize)
        && !strip.is_empty()
    {
        report(strip.len(), ENCODED);
        image.write_strip(strip)?;
        rest = after;
    }
    image.finish()?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::tiff::decoder::{Decoder, DecodingResult};
    use heatsplat_points::TileId;

    #[test]
    fn values_and_place_come_back() {
        let window = Window::tile(TileId::new(1, 1, 0).unwrap(), 2);
        let values = [0.0, 1.5, f32::MAX, -2.0];
        let bytes = tiff(&values, 2, 2, &Georeference::from(&window)).unwrap();
        let mut decoder = Decoder::new(Cursor::new(bytes)).unwrap();
        assert_eq!(decoder.dimensions().unwrap(), (2, 2));
        let tag = |decoder: &mut Decoder<_>, tag| decoder.get_tag_f64_vec(tag).unwrap();
        let half = EQUATOR_METRES / 2.0;
        assert_eq!(
            tag(&mut decoder, PIXEL_SCALE),
            [half / 2.0, half / 2.0, 0.0]
        );
        assert_eq!(tag(&mut decoder, TIEPOINT)[3..], [0.0, half, 0.0]);
        let DecodingResult::F32(read) = decoder.read_image().unwrap() else {
            panic!("floats");
        };
        assert_eq!(read, values);
    }
}
