//! Cloud-Optimised GeoTIFF: one raster, the deepest zoom at full size and each other one as an
//! overview of it. What says where tiles are comes first, then the tiles, coarse ones before fine
//! ones, so that a reader on the net fetches little.
//!
//! <https://docs.ogc.org/is/21-026/21-026.html>

mod ifd;

use crate::area::Area;
use crate::error::{At as _, ExportError};
use crate::hilbert;
use crate::journal::{Entry, Part};
use crate::render::{Brush, Paint};
use heatsplat_points::mercator::EQUATOR_METRES;
use heatsplat_points::{MAX_ZOOM, TileId};
use ifd::{Directory, Field};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::ops::RangeInclusive;
use std::path::Path;

/// The most tiles of a zoom: places for all of them are kept, those that show nothing too.
const MOST: u64 = 1 << 24;

/// "BigTIFF", little-endian, offsets of eight bytes, the first directory right behind.
const HEADER: [u8; 16] = [b'I', b'I', 43, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0];

/// Which tiles the raster has, and where in the file it says so.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    zooms: RangeInclusive<u8>,
    /// Columns and rows of the first zoom; those of deeper ones follow.
    columns: RangeInclusive<i64>,
    rows: RangeInclusive<i64>,
    pixels: u32,
    paint: Paint,
    /// The value that means nothing.
    nothing: &'static str,
    /// What programs may know of it beside.
    metadata: Option<String>,
}

impl Layout {
    /// The raster of an area, or of all that points show in; whole tiles of the first zoom.
    pub(crate) fn new(
        brush: &Brush<'_>,
        zooms: RangeInclusive<u8>,
        nothing: &'static str,
    ) -> Result<Self, ExportError> {
        let z = *zooms.start();
        let last = (1i64 << z) - 1;
        let (columns, rows) = match brush.area {
            Some(area) => area.tiles(z),
            None => touched(brush, zooms.clone()).unwrap_or((0..=last, 0..=last)),
        };
        // what goes round the world has each column once
        let columns = if columns.end() - columns.start() > last {
            0..=last
        } else {
            columns
        };
        let rows = (*rows.start()).clamp(0, last)..=(*rows.end()).clamp(0, last);
        let count = |range: &RangeInclusive<i64>| range.end() - range.start() + 1;
        let deeper = 2 * (zooms.end() - z);
        let tiles = (count(&columns) * count(&rows)) as u64;
        if deeper >= 48 || tiles << deeper > MOST {
            return Err(ExportError::Impossible(format!(
                "a raster of zoom {} would have {} tiles there, and can have {MOST}; take less of \
                 the map, a lower zoom, or an archive",
                zooms.end(),
                u128::from(tiles) << deeper,
            )));
        }
        Ok(Self {
            zooms,
            columns,
            rows,
            pixels: brush.size.pixels(),
            paint: brush.paint,
            nothing,
            metadata: brush.layer.data_bounds().map(metadata),
        })
    }

    /// Bytes before the first tile's.
    pub(crate) fn reserved(&self) -> u64 {
        let directories = self.directories();
        directories.last().map_or(16, |(_, last)| last.end())
    }

    /// Columns and rows of a zoom: the first, and how many.
    fn grid(&self, z: u8) -> [(i64, u64); 2] {
        [&self.columns, &self.rows].map(|range| {
            let deeper = z - self.zooms.start();
            let count = (range.end() - range.start() + 1) as u64;
            (range.start() << deeper, count << deeper)
        })
    }

    /// A directory for each zoom, the deepest first, one behind the other.
    fn directories(&self) -> Vec<(u8, Directory)> {
        let mut at = HEADER.len() as u64;
        let mut all = Vec::new();
        for z in self.zooms.clone().rev() {
            let directory = Directory::at(at, self.fields(z), z > *self.zooms.start());
            at = directory.end();
            all.push((z, directory));
        }
        all
    }

    fn fields(&self, z: u8) -> Vec<Field> {
        let [(west, columns), (north, rows)] = self.grid(z);
        let tiles = (columns * rows) as usize;
        let side = |tiles: u64| Field::long(tiles as u32 * self.pixels);
        let deepest = z == *self.zooms.end();
        let density = self.paint == Paint::Density;
        let bands = if density { 1 } else { 4 };
        let mut fields = vec![
            // 1: a smaller version of another one
            Field::long(u32::from(!deepest)).tag(254),
            side(columns).tag(256),
            side(rows).tag(257),
            Field::shorts(&vec![if density { 32 } else { 8 }; bands]).tag(258),
            Field::shorts(&[8]).tag(259),
            Field::shorts(&[if density { 1 } else { 2 }]).tag(262),
            Field::shorts(&[bands as u16]).tag(277),
            Field::shorts(&[1]).tag(284),
            Field::shorts(&[if density { 3 } else { 2 }]).tag(317),
            Field::long(self.pixels).tag(322),
            Field::long(self.pixels).tag(323),
            Field::long8s(tiles).tag(324),
            Field::longs(tiles).tag(325),
        ];
        if !density {
            // the fourth band is alpha that colours are not multiplied by
            fields.push(Field::shorts(&[2]).tag(338));
        }
        fields.push(Field::shorts(&vec![if density { 3 } else { 1 }; bands]).tag(339));
        if deepest {
            let side = EQUATOR_METRES / (1u64 << z) as f64;
            let pixel = side / f64::from(self.pixels);
            let corner = [
                west as f64 * side - EQUATOR_METRES / 2.0,
                EQUATOR_METRES / 2.0 - north as f64 * side,
            ];
            fields.push(Field::doubles(&[pixel, pixel, 0.0]).tag(33_550));
            fields.push(Field::doubles(&[0.0, 0.0, 0.0, corner[0], corner[1], 0.0]).tag(33_922));
            // GeoTIFF 1.1, four keys: a projected system, pixels are areas, which one, in metres
            let keys = [
                1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 3857, 3076, 0, 1, 9001,
            ];
            fields.push(Field::shorts(&keys).tag(34_735));
        }
        if let Some(text) = self.metadata.as_deref().filter(|_| deepest) {
            fields.push(Field::text(text).tag(42_112));
        }
        if density {
            fields.push(Field::text(self.nothing).tag(42_113));
        }
        fields
    }

    /// A tile's place among its zoom's.
    fn place(&self, tile: TileId) -> Option<usize> {
        let [(west, columns), (north, rows)] = self.grid(tile.z());
        let world = 1i64 << tile.z();
        // the raster may begin in one world and end in the next
        let column = (i64::from(tile.x()) - west).rem_euclid(world) as u64;
        let row = u64::try_from(i64::from(tile.y()) - north).ok()?;
        (column < columns && row < rows).then_some((row * columns + column) as usize)
    }
}

/// The points' bounds as GDAL keeps what it has no tag for.
fn metadata(bounds: [f64; 4]) -> String {
    let [west, south, east, north] = bounds;
    format!(
        "<GDALMetadata><Item name=\"data_bounds\">{west},{south},{east},{north}</Item></GDALMetadata>"
    )
}

/// The tiles of the first zoom that heat is in at any of them. Columns may go beyond the last one:
/// the world goes on there.
fn touched(
    brush: &Brush<'_>,
    zooms: RangeInclusive<u8>,
) -> Option<(RangeInclusive<i64>, RangeInclusive<i64>)> {
    let z = *zooms.start();
    let layer = brush.layer;
    let heat = layer.heat_bounds(layer.style(), zooms, brush.size)?;
    Some(Area::new(heat).ok()?.tiles(z))
}

/// Completes the part and gives it its name: directories first but for the very first bytes,
/// without which it is no TIFF.
pub(crate) fn finish(part: Part, target: &Path, layout: &Layout) -> Result<(), ExportError> {
    let path = part.path().to_owned();
    let mut file = part.data();
    let mut entries = part.entries()?.peekable();
    for (z, directory) in layout.directories().iter().rev() {
        let [(_, columns), (_, rows)] = layout.grid(*z);
        let tiles = (columns * rows) as usize;
        let (mut offsets, mut lengths) = (vec![0u64; tiles], vec![0u32; tiles]);
        let end = hilbert::before(z + 1);
        let here = |entry: &std::io::Result<Entry>| {
            entry
                .as_ref()
                .map_or(true, |entry| entry.number < end || *z == MAX_ZOOM)
        };
        while let Some(entry) = entries.next_if(here) {
            let entry = entry.at(&path)?;
            let tile = hilbert::at(*z, entry.number - hilbert::before(*z));
            let place = layout.place(tile);
            let place = place.and_then(|at| offsets.get_mut(at).zip(lengths.get_mut(at)));
            if let Some((offset, length)) = place {
                (*offset, *length) = (entry.offset, entry.length);
            }
        }
        file.seek(SeekFrom::Start(directory.start)).at(&path)?;
        file.write_all(&directory.bytes(&offsets, &lengths))
            .at(&path)?;
    }
    drop(entries);
    file.sync_data().at(&path)?;
    file.seek(SeekFrom::Start(0)).at(&path)?;
    file.write_all(&HEADER).at(&path)?;
    part.publish(target)
}
