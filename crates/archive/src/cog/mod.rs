//! Cloud-Optimised GeoTIFF: one raster. Its full resolution is the deepest zoom; each other zoom is
//! an overview of it.
//!
//! In the file the directories come first and then the tiles, low zooms before high ones. So a
//! reader over HTTP needs few bytes for an overview. The format is described at
//! <https://docs.ogc.org/is/21-026/21-026.html>.

mod ifd;

use crate::error::{ExportError, WithPath as _};
use crate::journal::{Journal, StoredTile};
use crate::render::TileRenderer;
use crate::tile::TileContent;
use heatsplat_points::mercator::EQUATOR_METRES;
use heatsplat_points::{LonLatBox, TileId, Window};
use ifd::{Ifd, IfdEntry};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::ops::RangeInclusive;
use std::path::Path;

/// The largest number of tiles of a zoom: a choice. There is a limit because the directory of a
/// zoom lists all its tiles, empty ones too.
const MAX_TILES: u64 = 1 << 24;

/// The header of the file: a BigTIFF with little-endian numbers and offsets of eight bytes, whose
/// first directory begins at byte 16.
const HEADER: [u8; 16] = [b'I', b'I', 43, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0];

/// The zooms and the tiles of the raster. The offsets of its directories in the file follow from
/// these.
#[derive(Clone, Debug)]
pub(crate) struct CogLayout {
    zooms: RangeInclusive<u8>,
    /// The columns of tiles at the first (lowest) zoom. The columns at deeper zooms follow from
    /// these.
    columns: RangeInclusive<i64>,
    /// The rows of tiles at the first (lowest) zoom, counted from the north.
    rows: RangeInclusive<i64>,
    pixels: u32,
    content: TileContent,
    /// The value of pixels without data, as text: `0` or `nan`.
    no_data: &'static str,
    /// The bounds of the points in GDAL's XML for metadata; `None` for a layer without points.
    metadata: Option<String>,
}

impl CogLayout {
    /// Makes the layout of a raster of whole tiles of the first zoom. It covers the area to which
    /// the export is restricted or, if it isn't restricted, everything that the tiles show.
    pub(crate) fn new(
        renderer: &TileRenderer<'_>,
        zooms: RangeInclusive<u8>,
        no_data: &'static str,
    ) -> Result<Self, ExportError> {
        let z = *zooms.start();
        let last = (1i64 << z) - 1;
        let (columns, rows) = match renderer.area {
            Some(area) => area.tiles(z),
            None => heated_tiles(renderer, zooms.clone()).unwrap_or((0..=last, 0..=last)),
        };
        // A box that is wider than the world must not contain a column twice.
        let columns = if columns.end() - columns.start() > last {
            0..=last
        } else {
            columns
        };
        let rows = (*rows.start()).clamp(0, last)..=(*rows.end()).clamp(0, last);
        let count = |range: &RangeInclusive<i64>| range.end() - range.start() + 1;
        let deeper = 2 * (zooms.end() - z);
        let tiles = (count(&columns) * count(&rows)) as u64;
        if deeper >= 48 || tiles << deeper > MAX_TILES {
            return Err(ExportError::TooManyTiles {
                zoom: *zooms.end(),
                tiles: u128::from(tiles) << deeper,
                most: MAX_TILES,
            });
        }
        Ok(Self {
            zooms,
            columns,
            rows,
            pixels: renderer.size.pixels(),
            content: renderer.content,
            no_data,
            metadata: renderer.layer.data_bounds().map(gdal_metadata),
        })
    }

    /// The number of bytes in the file before the first tile.
    pub(crate) fn reserved(&self) -> u64 {
        let directories = self.directories();
        directories.last().map_or(16, |(_, last)| last.end())
    }

    /// The tiles of a zoom: the first column and the number of columns, then the first row and the
    /// number of rows.
    fn grid(&self, z: u8) -> [(i64, u64); 2] {
        [&self.columns, &self.rows].map(|range| {
            let deeper = z - self.zooms.start();
            let count = (range.end() - range.start() + 1) as u64;
            (range.start() << deeper, count << deeper)
        })
    }

    /// The image file directory of each zoom, from the deepest zoom to the first.
    fn directories(&self) -> Vec<(u8, Ifd)> {
        let mut at = HEADER.len() as u64;
        let mut all = Vec::new();
        for z in self.zooms.clone().rev() {
            let directory = Ifd::new(at, self.entries(z), z > *self.zooms.start());
            at = directory.end();
            all.push((z, directory));
        }
        all
    }

    fn entries(&self, z: u8) -> Vec<IfdEntry> {
        let [(west, columns), (north, rows)] = self.grid(z);
        let tiles = (columns * rows) as usize;
        let side = |tiles: u64| IfdEntry::long(tiles as u32 * self.pixels);
        let deepest = z == *self.zooms.end();
        let density = self.content == TileContent::Density;
        let bands = if density { 1 } else { 4 };
        let mut entries = vec![
            // NewSubfileType: 1 stands for a smaller version of another picture, 0 for the full
            // picture.
            IfdEntry::long(u32::from(!deepest)).tag(254),
            side(columns).tag(256),
            side(rows).tag(257),
            IfdEntry::shorts(&vec![if density { 32 } else { 8 }; bands]).tag(258),
            IfdEntry::shorts(&[8]).tag(259),
            IfdEntry::shorts(&[if density { 1 } else { 2 }]).tag(262),
            IfdEntry::shorts(&[bands as u16]).tag(277),
            IfdEntry::shorts(&[1]).tag(284),
            IfdEntry::shorts(&[if density { 3 } else { 2 }]).tag(317),
            IfdEntry::long(self.pixels).tag(322),
            IfdEntry::long(self.pixels).tag(323),
            IfdEntry::long8s(tiles).tag(324),
            IfdEntry::longs(tiles).tag(325),
        ];
        if !density {
            // ExtraSamples: the fourth band is alpha, and the three colours are not multiplied by
            // it.
            entries.push(IfdEntry::shorts(&[2]).tag(338));
        }
        entries.push(IfdEntry::shorts(&vec![if density { 3 } else { 1 }; bands]).tag(339));
        if deepest {
            let side = EQUATOR_METRES / (1u64 << z) as f64;
            let pixel = side / f64::from(self.pixels);
            let corner = [
                west as f64 * side - EQUATOR_METRES / 2.0,
                EQUATOR_METRES / 2.0 - north as f64 * side,
            ];
            entries.push(IfdEntry::doubles(&[pixel, pixel, 0.0]).tag(33_550));
            entries
                .push(IfdEntry::doubles(&[0.0, 0.0, 0.0, corner[0], corner[1], 0.0]).tag(33_922));
            // GeoTIFF 1.1 with four keys: the system is projected, a pixel stands for an area, the
            // system is EPSG:3857, and the unit is the metre.
            let keys = [
                1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 3857, 3076, 0, 1, 9001,
            ];
            entries.push(IfdEntry::shorts(&keys).tag(34_735));
        }
        if let Some(text) = self.metadata.as_deref().filter(|_| deepest) {
            entries.push(IfdEntry::text(text).tag(42_112));
        }
        if density {
            entries.push(IfdEntry::text(self.no_data).tag(42_113));
        }
        entries
    }

    /// The index of a tile, counted from 0, in its zoom's list of tiles: row by row from the north,
    /// each row from the west. `None` if the tile lies outside the raster.
    fn index(&self, tile: TileId) -> Option<usize> {
        let [(west, columns), (north, rows)] = self.grid(tile.z());
        let world = 1i64 << tile.z();
        // The raster may begin in one copy of the world and end in the copy east of it.
        let column = (i64::from(tile.x()) - west).rem_euclid(world) as u64;
        let row = u64::try_from(i64::from(tile.y()) - north).ok()?;
        (column < columns && row < rows).then_some((row * columns + column) as usize)
    }
}

/// The bounds of the points as XML, in which GDAL stores metadata for which TIFF has no tag.
fn gdal_metadata(bounds: LonLatBox) -> String {
    let [west, south, east, north] = bounds.edges();
    format!(
        "<GDALMetadata><Item name=\"data_bounds\">{west},{south},{east},{north}</Item></GDALMetadata>"
    )
}

/// The range of columns and the range of rows, at the first (lowest) zoom, of the tiles in whose
/// area something is shown, at this zoom or a deeper one. Columns beyond the last one of the world
/// belong to the copy of the world in the east. `None` if nothing is shown.
fn heated_tiles(
    renderer: &TileRenderer<'_>,
    zooms: RangeInclusive<u8>,
) -> Option<(RangeInclusive<i64>, RangeInclusive<i64>)> {
    let z = *zooms.start();
    let layer = renderer.layer;
    let heat = layer.heat_bounds(layer.style(), zooms, renderer.size)?;
    Window::around(heat, 1, 1).ok()?;
    Some(heat.tiles(z))
}

/// Turns the journal's file into a GeoTIFF and renames it to the target. The directories are
/// written first and the header last, so that an incomplete file is never mistaken for a TIFF.
pub(crate) fn finish(
    journal: Journal,
    target: &Path,
    layout: &CogLayout,
) -> Result<(), ExportError> {
    let path = journal.path().to_owned();
    let mut file = journal.data();
    let mut stored_tiles = journal.stored_tiles()?.peekable();
    for (z, directory) in layout.directories().iter().rev() {
        let [(_, columns), (_, rows)] = layout.grid(*z);
        let tiles = (columns * rows) as usize;
        let (mut offsets, mut lengths) = (vec![0u64; tiles], vec![0u32; tiles]);
        let in_zoom = |stored: &io::Result<StoredTile>| {
            stored.as_ref().map_or(true, |stored| stored.tile.z() == *z)
        };
        while let Some(stored) = stored_tiles.next_if(in_zoom) {
            let stored = stored.at(&path)?;
            let index = layout.index(stored.tile);
            let place = index.and_then(|at| offsets.get_mut(at).zip(lengths.get_mut(at)));
            if let Some((offset, length)) = place {
                (*offset, *length) = (stored.offset, stored.length);
            }
        }
        file.seek(SeekFrom::Start(directory.start)).at(&path)?;
        file.write_all(&directory.to_bytes(&offsets, &lengths))
            .at(&path)?;
    }
    drop(stored_tiles);
    file.sync_data().at(&path)?;
    file.seek(SeekFrom::Start(0)).at(&path)?;
    file.write_all(&HEADER).at(&path)?;
    journal.publish(target)
}
