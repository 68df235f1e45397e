//! Densities as a table of PostGIS rasters.

use crate::cli::Failure;
use crate::cli::export::Zooms;
use heatsplat::points::mercator::{EQUATOR_METRES, WORLD};
use heatsplat::{Layer, TileId, TileSize, Window};
use heatsplat_loader::postgis::{Address, raster};
use heatsplat_render::say;
use std::collections::BTreeSet;

/// Where rasters go.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Table {
    address: Address,
    name: String,
}

impl Table {
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
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

    /// Whether the table can be made, before anything is read.
    pub(in crate::cli) fn check(&self, zooms: Zooms, overwrite: bool) -> Result<(), Failure> {
        let factors: Vec<u32> = zooms.range().map(|z| 1 << (zooms.last - z)).collect();
        let checked = raster::check(&self.address, &self.name, overwrite, &factors);
        checked.map_err(|error| format!("{}: {error}", self.address).into())
    }

    pub(in crate::cli) fn write(
        &self,
        layer: &Layer,
        zooms: Zooms,
        overwrite: bool,
    ) -> Result<(), Failure> {
        let Self { address, name } = self;
        let all = zooms.range().rev().map(|z| raster::Zoom {
            factor: 1 << (zooms.last - z),
            tiles: Box::new(tiles(layer, z)),
        });
        let written = raster::write(address, name, overwrite, all.collect())?;
        say!("{written} rasters in {name} of {address}");
        Ok(())
    }
}

/// The tiles of a zoom that show something.
fn tiles(layer: &Layer, z: u8) -> impl Iterator<Item = raster::Tile> + '_ {
    let zero = layer.set().nature(layer.style().measure).zero_is_nothing();
    let mut said = false;
    addresses(layer, z).into_iter().filter_map(move |tile| {
        let density = layer.tile_density(tile, TileSize::NORMAL, layer.style());
        let nothing = |&v: &f32| v.is_nan() || zero && v == 0.0;
        if density.values.iter().all(nothing) {
            return None;
        }
        let values = within_floats(density.values, &mut said);
        let window = Window::tile(tile, density.width);
        let metres = |world: f64| world / WORLD * EQUATOR_METRES;
        Some(raster::Tile {
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

/// Sums beyond what a float can be as the greatest there is, which is said once.
fn within_floats(mut values: Vec<f32>, said: &mut bool) -> Vec<f32> {
    for value in values.iter_mut().filter(|value| value.is_infinite()) {
        *value = value.clamp(f32::MIN, f32::MAX);
        if !std::mem::replace(said, true) {
            say!("sums of weights beyond what 32-bit floats hold are written as 3.4e38");
        }
    }
    values
}

/// Tiles with points, and all that their kernels reach.
fn addresses(layer: &Layer, z: u8) -> BTreeSet<TileId> {
    let side = 1i64 << z;
    let mut all = BTreeSet::new();
    for occupied in layer.points().occupied_tiles(z) {
        let window = Window::tile(occupied.tile, 256);
        let margin = layer.margin_in(&window, 1).ceil() as u32;
        // a radius in metres has more pixels towards the poles
        let margin = layer.margin_in(&window.grown(margin), 1);
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
            Table::parse("postgres://me:pw@db/gis?sslmode=disable&table=maps.heat").unwrap();
        assert_eq!(
            (table.address.to_string().as_str(), table.name.as_str()),
            ("postgres://db:5432/gis", "maps.heat")
        );
        for bad in [
            "postgres://db/gis",
            "postgres://db/gis?table=",
            "postgres://db/g?table=a.b.c",
        ] {
            assert!(Table::parse(bad).is_err(), "{bad}");
        }
    }
}
