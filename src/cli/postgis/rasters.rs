//! Export of the densities of a layer into a table of PostGIS rasters.

use crate::cli::error::BoxError;
use crate::cli::logging::say;
use heatsplat::points::mercator::{EQUATOR_METRES, WORLD};
use heatsplat::{Layer, TileId, Window};
use heatsplat_loader::postgis::{Address, is_address, raster};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The database table into which an export writes rasters.
#[derive(Clone, Debug)]
pub(crate) struct RasterTable {
    address: Address,
    name: String,
}

impl RasterTable {
    /// Parses the address of a database with the name of a table:
    /// `postgres://user@host/database?table=NAME`. Returns `None` if the text is not the address of
    /// a database, and an error message if it is one without a legal table.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, String>> {
        is_address(text).then(|| Self::parse_address(text))
    }

    fn parse_address(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected postgres://user@host/database?table=NAME";
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (table, others): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .partition(|pair| pair.starts_with("table="));
        let name = match table.as_slice() {
            [pair] => pair.trim_start_matches("table=").to_owned(),
            _ => return Err(EXPECTED.to_owned()),
        };
        let plain =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !(1..=2).contains(&name.split('.').count()) || !name.split('.').all(plain) {
            return Err("table must be a plain name, with or without a schema".to_owned());
        }
        let url = format!("{base}?{}", others.join("&"));
        let address = Address::parse(url.trim_end_matches('?')).map_err(|e| e.to_string())?;
        Ok(Self { address, name })
    }

    /// Checks that the tables can be created: the one for the last zoom, and an overview for each
    /// lower zoom. This happens before the source is read, which may take long.
    pub(crate) fn check(&self, zooms: RangeInclusive<u8>, overwrite: bool) -> Result<(), BoxError> {
        let last = *zooms.end();
        let factors: Vec<u32> = zooms.map(|z| 1 << (last - z)).collect();
        let checked = raster::check(&self.address, &self.name, overwrite, &factors);
        checked.map_err(|error| format!("{}: {error}", self.address).into())
    }

    /// Writes the densities of a layer. The tiles of the last zoom go into the table. The tiles of
    /// each lower zoom go into a table of their own, which is an overview of the first table.
    pub(crate) fn write(
        &self,
        layer: &Layer,
        zooms: RangeInclusive<u8>,
        overwrite: bool,
    ) -> Result<(), BoxError> {
        let Self { address, name } = self;
        let last = *zooms.end();
        let all = zooms.rev().map(|z| raster::RasterZoom {
            factor: 1 << (last - z),
            tiles: Box::new(tiles(layer, z)),
        });
        let written = raster::write(address, name, overwrite, all.collect())?;
        say!("{written} rasters in {name} of {address}");
        Ok(())
    }
}

/// Draws the tiles of zoom `z` that show something, as rasters of densities.
fn tiles(layer: &Layer, z: u8) -> impl Iterator<Item = raster::RasterTile> + '_ {
    let zero = layer
        .data()
        .value_kind(layer.style().measure())
        .zero_is_nothing();
    let mut warned = false;
    addresses(layer, z).into_iter().filter_map(move |tile| {
        let density = layer.tile(tile).density();
        let nothing = |&v: &f32| v.is_nan() || zero && v == 0.0;
        if density.values.iter().all(nothing) {
            return None;
        }
        let values = within_floats(density.values, &mut warned);
        let window = Window::tile(tile, density.width);
        let metres = |world: f64| world / WORLD * EQUATOR_METRES;
        Some(raster::RasterTile {
            address: [i32::from(tile.z()), tile.x() as i32, tile.y() as i32],
            corner: [
                metres(window.left()) - EQUATOR_METRES / 2.0,
                EQUATOR_METRES / 2.0 - metres(window.top()),
            ],
            pixel: metres(window.pixel()),
            side: density.width as u16,
            values,
        })
    })
}

/// Replaces infinite sums by the greatest finite `f32`. If `warned` is false, the first replacement
/// prints a warning and sets `warned`.
fn within_floats(mut values: Vec<f32>, warned: &mut bool) -> Vec<f32> {
    for value in values.iter_mut().filter(|value| value.is_infinite()) {
        *value = value.clamp(f32::MIN, f32::MAX);
        if !std::mem::replace(warned, true) {
            say!("sums of weights beyond what 32-bit floats hold are written as 3.4e38");
        }
    }
    values
}

/// The tiles of zoom `z` in which points lie, and all tiles that the kernels of these points reach.
fn addresses(layer: &Layer, z: u8) -> BTreeSet<TileId> {
    let side = 1i64 << z;
    let mut all = BTreeSet::new();
    for occupied in layer.points().occupied_tiles(z) {
        let window = Window::tile(occupied.tile, 256);
        let margin = layer.margin_in(window).ceil() as u32;
        // A radius in metres is more pixels nearer to the poles. So the margin is measured again in
        // a window that is grown by the first margin.
        let margin = layer.margin_in(window.grown(margin));
        let reach = (margin / 256.0).ceil() as i64;
        let (x, y) = (i64::from(occupied.tile.x()), i64::from(occupied.tile.y()));
        for (dx, dy) in (-reach..=reach).flat_map(|dx| (-reach..=reach).map(move |dy| (dx, dy))) {
            let x = (x + dx).rem_euclid(side) as u32;
            let y = u32::try_from(y + dy).ok();
            all.extend(y.and_then(|y| TileId::new(z, x, y).ok()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_in_addresses() {
        let table =
            RasterTable::parse_address("postgres://me:pw@db/gis?sslmode=disable&table=maps.heat")
                .unwrap();
        assert_eq!(
            (table.address.to_string().as_str(), table.name.as_str()),
            ("postgres://db:5432/gis", "maps.heat")
        );
        for bad in [
            "postgres://db/gis",
            "postgres://db/gis?table=",
            "postgres://db/g?table=a.b.c",
        ] {
            assert!(RasterTable::parse_address(bad).is_err(), "{bad}");
        }
    }
}
