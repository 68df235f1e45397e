//! `heatsplat export`: tiles of densities, written somewhere to stay.

use super::Failure;
use super::source::{SourceFlags, shown};
use super::style_flags::StyleFlags;
use clap::Args;
use heatsplat::points::mercator::{EQUATOR_METRES, WORLD};
use heatsplat::{Layer, TileId, TileSize, Window};
use heatsplat_loader::postgis::{Address, is_address, raster};
use std::collections::BTreeSet;

const EXAMPLES: &str = "\
Examples:
  heatsplat export quakes.csv -o 'postgres://me@db/gis?table=heat' --zoom 6
  heatsplat export quakes.csv -o 'postgres://me@db/gis?table=maps.heat' --zoom 3-8 --overwrite

Of several zooms the deepest becomes the table, each other one an overview of it: o_2_heat,
o_4_heat … The role must be one that may create tables.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    /// A file of points, or postgres://user@host/database with --table or --sql
    source: String,
    /// Where to write: postgres://user@host/database?table=NAME for a table of PostGIS rasters
    #[arg(short, long, value_name = "OUTPUT", value_parser = output)]
    output: Output,
    /// The zoom of the tiles, or the first and the last: 6, 3-8
    #[arg(long, value_name = "ZOOM", value_parser = zooms)]
    zoom: Zooms,
    /// Replace what is there
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    source_flags: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
}

/// Where an export goes.
#[derive(Clone, Debug)]
enum Output {
    /// A table of PostGIS rasters.
    Rasters { address: Address, table: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Zooms {
    first: u8,
    last: u8,
}

impl Export {
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let (style, columns) = self.style.style_and_columns()?;
        self.source_flags.suggest(&columns);
        let loaded = self.source_flags.read(&self.source)?;
        eprintln!("{}", loaded.summary(&shown(&self.source)));
        let layer = Layer::on_cpu(&shown(&self.source), loaded.points, style);
        match &self.output {
            Output::Rasters { address, table } => {
                let zooms = (self.zoom.first..=self.zoom.last).rev();
                let zooms = zooms.map(|z| raster::Zoom {
                    factor: 1 << (self.zoom.last - z),
                    tiles: Box::new(tiles(&layer, z)),
                });
                let written = raster::write(address, table, self.overwrite, zooms.collect())?;
                eprintln!("{written} rasters in {table} of {address}");
                Ok(())
            }
        }
    }
}

/// The tiles of a zoom that show something.
fn tiles(layer: &Layer, z: u8) -> impl Iterator<Item = raster::Tile> + '_ {
    addresses(layer, z).into_iter().filter_map(move |tile| {
        let density = layer.tile_density(tile, TileSize::NORMAL, layer.style());
        if density.values.iter().all(|&v| v == 0.0 || v.is_nan()) {
            return None;
        }
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
            values: density.values,
        })
    })
}

/// Tiles with points, and all that their kernels reach.
fn addresses(layer: &Layer, z: u8) -> BTreeSet<TileId> {
    let side = 1i64 << z;
    let mut all = BTreeSet::new();
    for occupied in layer.points().occupied_tiles(z) {
        let window = Window::tile(occupied.tile, 256);
        let reach = layer.style().reach_in(&window, 1).ceil() as u32;
        // a radius in metres has more pixels towards the poles
        let reach = layer.style().reach_in(&window.grown(reach), 1);
        let reach = (reach / 256.0).ceil() as i64;
        let (x, y) = (i64::from(occupied.tile.x()), i64::from(occupied.tile.y()));
        for (dx, dy) in (-reach..=reach).flat_map(|dx| (-reach..=reach).map(move |dy| (dx, dy))) {
            let x = (x + dx).rem_euclid(side) as u32;
            let y = u32::try_from(y + dy).ok();
            all.extend(y.and_then(|y| TileId::new(z, x, y).ok()));
        }
    }
    all
}

fn output(text: &str) -> Result<Output, String> {
    const EXPECTED: &str = "expected postgres://user@host/database?table=NAME";
    if !is_address(text) {
        return Err(EXPECTED.to_owned());
    }
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    let (table, others): (Vec<&str>, Vec<&str>) = query
        .split('&')
        .partition(|pair| pair.starts_with("table="));
    let table = match table.as_slice() {
        [pair] => pair.trim_start_matches("table=").to_owned(),
        _ => return Err(EXPECTED.to_owned()),
    };
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !(1..=2).contains(&table.split('.').count()) || !table.split('.').all(plain) {
        return Err("table must be a plain name, with or without a schema".to_owned());
    }
    let url = format!("{base}?{}", others.join("&"));
    let address = Address::parse(url.trim_end_matches('?')).map_err(|e| e.to_string())?;
    Ok(Output::Rasters { address, table })
}

fn zooms(text: &str) -> Result<Zooms, &'static str> {
    const EXPECTED: &str = "expected a zoom from 0 to 24, or two like 3-8";
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let zoom = |text: &str| {
        let zoom = text.trim().parse::<u8>().ok();
        zoom.filter(|&z| z <= heatsplat::points::MAX_ZOOM)
    };
    match zoom(first).zip(zoom(last)) {
        Some((first, last)) if first <= last => Ok(Zooms { first, last }),
        _ => Err(EXPECTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_and_zooms() {
        let Ok(Output::Rasters { address, table }) =
            output("postgres://me:pw@db/gis?sslmode=disable&table=maps.heat")
        else {
            panic!("a table");
        };
        assert_eq!(
            (address.to_string().as_str(), table.as_str()),
            ("postgres://db:5432/gis", "maps.heat")
        );
        for bad in [
            "heat.pmtiles",
            "postgres://db/gis",
            "postgres://db/gis?table=",
            "postgres://db/g?table=a.b.c",
        ] {
            assert!(output(bad).is_err(), "{bad}");
        }
        assert_eq!(zooms("6"), Ok(Zooms { first: 6, last: 6 }));
        assert_eq!(zooms("3-8"), Ok(Zooms { first: 3, last: 8 }));
        for bad in ["", "25", "8-3", "a", "1-2-3", "-1"] {
            assert!(zooms(bad).is_err(), "{bad}");
        }
    }
}
