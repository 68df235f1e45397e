//! Checks of the values in an archive's metadata.

use crate::contents::PathlessError;
use heatsplat_points::{LonLatBox, MAX_ZOOM};
use serde_json::Value;
use std::ops::RangeInclusive;

/// The largest number of bytes of an encoded tile: 64 MiB, a choice. A longer tile is treated as
/// damage.
pub(crate) const LARGEST: u64 = 1 << 26;

/// Makes the range of zooms, without those that are deeper than [`MAX_ZOOM`]. It is an error if no
/// zoom is left.
pub(crate) fn zooms(first: u8, last: u8) -> Result<RangeInclusive<u8>, PathlessError> {
    if first > last || first > MAX_ZOOM {
        return Err(format!("it can't have zooms {first} to {last}").into());
    }
    Ok(first..=last.min(MAX_ZOOM))
}

/// Makes the bounds of the tiles from west, south, east and north in degrees. Impossible edges are
/// replaced by those of the whole map:
///
/// * beyond ±180° or ±90°
/// * a west that isn't less than the east, or a south that isn't less than the north
/// * no numbers
pub(crate) fn bounds(edges: [f64; 4]) -> LonLatBox {
    let [west, south, east, north] = edges;
    let degrees = west.abs() <= 180.0 && east.abs() <= 180.0;
    let bounds = LonLatBox::try_from(edges).ok();
    bounds
        .filter(|_| degrees && west < east && south < north)
        .unwrap_or(LonLatBox::WORLD)
}

/// Makes the bounds of the points from west, south, east and north in degrees. They may have no
/// area, and may cross ±180°: then the east is over 180. Returns `None` in these cases:
///
/// * there aren't exactly four edges
/// * the west lies beyond ±180°, or the south or the north beyond ±90°
/// * the west is greater than the east, or the south greater than the north
/// * the bounds are more than 360° wide
pub(crate) fn data_bounds(edges: &[f64]) -> Option<LonLatBox> {
    let bounds = LonLatBox::try_from(<[f64; 4]>::try_from(edges).ok()?).ok()?;
    let [west, _, east, _] = bounds.edges();
    let fits = (-180.0..=180.0).contains(&west) && east <= west + 360.0;
    fits.then_some(bounds)
}

/// Returns the longitude, the latitude and the zoom that a map shows first. These are the numbers
/// of `center` if there are three and they lie within the bounds and the zooms. Otherwise they are
/// the middle of the bounds and a zoom that shows all of the bounds.
pub(crate) fn center(center: &[f64], bounds: LonLatBox, zooms: &RangeInclusive<u8>) -> [f64; 3] {
    let (first, last) = (f64::from(*zooms.start()), f64::from(*zooms.end()));
    let [west, south, east, north] = bounds.edges();
    if let &[lon, lat, zoom] = center
        && (west..=east).contains(&lon)
        && (south..=north).contains(&lat)
        && (first..=last).contains(&zoom)
    {
        return [lon, lat, zoom];
    }
    let zoom = (360.0 / (east - west).max(1e-6)).log2().floor() + 1.0;
    let (lon, lat) = bounds.center();
    [lon, lat, zoom.clamp(first, last)]
}

/// Returns the width of a tile in CSS pixels: `size` if it is from 1 to 4096, otherwise `pixels`,
/// the tile's width in pixels.
pub(crate) fn tile_size(size: Option<u64>, pixels: u32) -> u32 {
    let size = size.and_then(|size| u32::try_from(size).ok());
    size.filter(|size| (1..=4096).contains(size))
        .unwrap_or(pixels)
}

/// Reads the width of a PNG in pixels from its first bytes. Returns `None` if the bytes are no PNG,
/// or if the width is not from 1 to 4096.
pub(crate) fn png_side(bytes: &[u8]) -> Option<u32> {
    let head = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let side = u32::from_be_bytes(*head.first_chunk()?);
    (1..=4096).contains(&side).then_some(side)
}

/// Returns the legends of an archive's zooms unchanged, if they look like the server's legends: an
/// object with a member for each zoom, whose value has a list of colours (`stops`) and a list of
/// ticks. Otherwise returns `None`.
pub(crate) fn legends(value: &Value) -> Option<Value> {
    let has_list = |legend: &Value, name: &str| legend.get(name).is_some_and(Value::is_array);
    let is_legend = |legend: &Value| has_list(legend, "stops") && has_list(legend, "ticks");
    let all = value.as_object()?;
    let is_zoom = |name: &String| name.parse::<u8>().is_ok();
    let known = !all.is_empty() && all.keys().all(is_zoom) && all.values().all(is_legend);
    known.then(|| value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn legends_are_objects_by_zoom() {
        let legend = json!({"stops": [], "ticks": [], "domain": [0, 1]});
        assert!(legends(&json!({"0": legend, "12": legend})).is_some());
        for bad in [
            json!({}),
            json!([legend]),
            json!({"a": legend}),
            json!({"0": legend, "1": {"stops": 1, "ticks": []}}),
            json!("x"),
        ] {
            assert_eq!(legends(&bad), None, "{bad}");
        }
    }

    #[test]
    fn impossible_values_are_replaced() {
        let world = bounds([f64::NAN, 0.0, 1.0, 1.0]);
        assert_eq!(world, LonLatBox::WORLD);
        for good in [[177.0, -18.0, 182.0, -16.0], [5.0, 6.0, 5.0, 6.0]] {
            assert_eq!(data_bounds(&good).map(|bounds| bounds.edges()), Some(good));
        }
        for bad in [
            &[190.0, 0.0, 200.0, 1.0][..],
            &[5.0, 0.0, 4.0, 1.0],
            &[1.0],
            &[f64::NAN; 4],
        ] {
            assert_eq!(data_bounds(bad), None, "{bad:?}");
        }
        let within = LonLatBox::new(0.0, 0.0, 90.0, 60.0).unwrap();
        assert_eq!(
            center(&[10.0, 50.0, 4.0], within, &(0..=5)),
            [10.0, 50.0, 4.0]
        );
        for bad in [
            &[-1.0, 50.0, 4.0][..],
            &[10.0, 50.0, 9.0],
            &[],
            &[f64::NAN, 1.0, 1.0],
        ] {
            assert_eq!(center(bad, within, &(0..=5)), [45.0, 30.0, 3.0], "{bad:?}");
        }
        assert_eq!(
            (tile_size(Some(256), 512), tile_size(None, 512)),
            (256, 512)
        );
        assert_eq!(
            (tile_size(Some(0), 512), tile_size(Some(1 << 40), 256)),
            (512, 256)
        );
    }
}
