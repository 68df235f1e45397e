//! Reading of GeoTIFF, cloud-optimised or not: the full image, strip by strip or tile by tile.
//!
//! The crate `tiff` decodes strips and tiles. Each is held whole, within a limit. Overviews
//! (smaller copies of the image) are not read, since the pyramid over the points takes their place.

use super::bands::{Band, GDAL_METADATA, StoredNumber, bands, no_value};
use super::geo_tags::{TiffDecoder, geo_keys, stated_grid, text};
use super::grid::PixelGrid;
use super::pixels::PixelSender;
use super::refusals::{BLOCK, missing_extent, no_extent, refuse_mask, refuse_picture, refused};
use crate::columns::resolve::ResolvedColumns;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::records::{ReadFailure, RecordReader, RecordSink, RecordSourceBuilder};
use crate::source::Source;
use heatsplat_points::LonLatBox;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::{PlanarConfiguration, Tag};
use tiff::{ColorType, TiffError};

/// The full-size image of a GeoTIFF, whose strips or tiles are decoded one by one.
struct GeoTiff {
    decoder: TiffDecoder,
    layout: BlockLayout,
    grid: PixelGrid,
    bands: Vec<Band>,
    /// The index of the sample (one of the numbers of a pixel) that is the pixel's opacity. Opacity
    /// 0 means that the pixel has no value. `None` if there is no such sample.
    alpha: Option<usize>,
    no_value: Option<f64>,
    /// The box outside of which strips and tiles are not read; `None` if all are read.
    within: Option<LonLatBox>,
}

/// The sizes, in pixels (width and height), of an image and of its blocks, and the arrangement of
/// samples. A block is a strip or tile of the TIFF file.
#[derive(Clone, Copy)]
struct BlockLayout {
    size: (u64, u64),
    block: (u64, u64),
    /// The number of samples (numbers) of a pixel.
    samples: usize,
    /// True if each sample has strips or tiles of its own; false if the samples of a pixel are side
    /// by side.
    is_planar: bool,
}

impl BlockLayout {
    /// The number of strips or tiles from the left edge of the image to its right edge, and their
    /// number from the top to the bottom.
    fn counts(&self) -> (u64, u64) {
        let count = |size: u64, block: u64| size.div_ceil(block.max(1));
        (
            count(self.size.0, self.block.0),
            count(self.size.1, self.block.1),
        )
    }
}

/// A source that reads the GeoTIFF at a path.
pub(crate) fn source(
    path: &Path,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let (image, found, crs) = open(path, &origin, options)?;
    let errors = origin.clone();
    let weight = found.weight;
    let reader: RecordReader = Box::new(move |sink| image.read(&errors, weight, sink));
    RecordSourceBuilder::new(origin, found, crs, options).start(vec![reader])
}

fn open(
    path: &Path,
    origin: &Origin,
    options: &LoadOptions,
) -> Result<(GeoTiff, ResolvedColumns, Crs), LoadError> {
    let failed = |error| refused(error, origin, "header");
    let file = File::open(path).map_err(|error| origin.read_error(error))?;
    let mut limits = Limits::default();
    (limits.decoding_buffer_size, limits.intermediate_buffer_size) = (BLOCK, BLOCK);
    let decoder = Decoder::new(BufReader::new(origin.counted(file))).map_err(failed)?;
    let mut decoder = decoder.with_limits(limits);
    refuse_mask(&mut decoder, origin)?;
    let color = decoder.colortype().map_err(failed)?;
    refuse_picture(color, &mut decoder, origin, options)?;
    let layout = layout(&mut decoder, color).map_err(failed)?;
    let keys = geo_keys(&mut decoder).map_err(failed)?;
    let grid = match (stated_grid(&mut decoder, &keys, origin)?, options.extent) {
        (Some(_), Some(_)) => return Err(no_extent(origin, "this raster states its place")),
        (Some(grid), None) => grid,
        (None, Some(extent)) => PixelGrid::over(extent, layout.size),
        (None, None) => return Err(missing_extent(origin)),
    };
    let crs = keys.system(options, &origin.file())?;
    let alpha = alpha(&mut decoder, color).map_err(failed)?;
    let count = layout.samples - usize::from(alpha.is_some());
    let names = match count {
        1 => vec!["value".to_owned()],
        _ => (1..=count).map(|band| format!("band_{band}")).collect(),
    };
    let found = super::columns("a raster (GeoTIFF)", layout.size, names, origin, options)?;
    let metadata = text(&mut decoder, GDAL_METADATA).map_err(failed)?;
    let none = text(&mut decoder, Tag::GdalNodata).map_err(failed)?;
    let stored = stored_number(&mut decoder).map_err(failed)?;
    let image = GeoTiff {
        layout,
        grid,
        bands: bands(count, metadata.as_deref()),
        alpha,
        no_value: none.and_then(|text| no_value(&text, stored)),
        within: options.within.filter(|_| matches!(crs, Crs::LonLat)),
        decoder,
    };
    Ok((image, found, crs))
}

fn layout(decoder: &mut TiffDecoder, color: ColorType) -> Result<BlockLayout, TiffError> {
    let (width, height) = decoder.dimensions()?;
    let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration)?;
    let is_planar = planar == Some(PlanarConfiguration::Planar.to_u16());
    let block = decoder.chunk_dimensions();
    Ok(BlockLayout {
        size: (u64::from(width), u64::from(height)),
        block: (u64::from(block.0), u64::from(block.1)),
        samples: usize::from(color.num_samples()),
        is_planar,
    })
}

/// The index of the sample that is a pixel's opacity: the last sample, if the file states that it
/// is opacity. `None` if the file states no opacity.
fn alpha(decoder: &mut TiffDecoder, color: ColorType) -> Result<Option<usize>, TiffError> {
    let samples = usize::from(color.num_samples());
    let has_alpha = match color {
        ColorType::GrayA(_) | ColorType::RGBA(_) => true,
        ColorType::Multiband { .. } => {
            let extra = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)?;
            matches!(extra.as_deref(), Some([.., 1 | 2]))
        }
        // The decoder drops further samples of these, opacity among them.
        _ => false,
    };
    Ok((has_alpha && samples > 1).then(|| samples - 1))
}

/// The type of the stored numbers, as far as it decides how the number for "no value" is rounded.
fn stored_number(decoder: &mut TiffDecoder) -> Result<StoredNumber, TiffError> {
    let bits = decoder.find_tag_unsigned_vec::<u16>(Tag::BitsPerSample)?;
    let format = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat)?;
    let first = |all: Option<Vec<u16>>| all.and_then(|all| all.first().copied());
    Ok(match (first(bits), first(format)) {
        (Some(16), Some(3)) => StoredNumber::Half,
        (Some(32), Some(3)) => StoredNumber::Single,
        _ => StoredNumber::Other,
    })
}

/// The number at the index `at` of a decoded strip or tile; `None` beyond its end.
fn number(block: &DecodingResult, at: usize) -> Option<f64> {
    match block {
        DecodingResult::U8(all) => all.get(at).map(|n| f64::from(*n)),
        DecodingResult::U16(all) => all.get(at).map(|n| f64::from(*n)),
        DecodingResult::U32(all) => all.get(at).map(|n| f64::from(*n)),
        DecodingResult::U64(all) => all.get(at).map(|n| *n as f64),
        DecodingResult::F16(all) => all.get(at).map(|n| f64::from(*n)),
        DecodingResult::F32(all) => all.get(at).map(|n| f64::from(*n)),
        DecodingResult::F64(all) => all.get(at).copied(),
        DecodingResult::I8(all) => all.get(at).map(|n| f64::from(*n)),
        DecodingResult::I16(all) => all.get(at).map(|n| f64::from(*n)),
        DecodingResult::I32(all) => all.get(at).map(|n| f64::from(*n)),
        DecodingResult::I64(all) => all.get(at).map(|n| *n as f64),
    }
}

impl GeoTiff {
    fn read(
        mut self,
        origin: &Origin,
        weight: Option<usize>,
        sink: &mut RecordSink,
    ) -> Result<(), ReadFailure> {
        let (layout, within, grid) = (self.layout, self.within, self.grid);
        let sizes = self.stored_sizes();
        let sizes = sizes.map_err(|error| refused(error, origin, "header"))?;
        let mut pixels = PixelSender::new(sink, grid, layout.size.0, weight);
        let (across, down) = layout.counts();
        for row in 0..down {
            for column in 0..across {
                let ends = |at: u64, block: u64, size: u64| {
                    (at * block, size.min((at + 1).saturating_mul(block)))
                };
                let columns = ends(column, layout.block.0, layout.size.0);
                let rows = ends(row, layout.block.1, layout.size.1);
                if within.is_some_and(|within| !grid.may_touch(within, columns, rows)) {
                    continue;
                }
                let place = || format!("strip or tile {}", row * across + column + 1);
                let planes = self.planes(row * across + column, across * down, &sizes);
                match planes.map_err(|error| refused(error, origin, &place()))? {
                    Some(planes) => self.send(&planes, columns, rows, &mut pixels)?,
                    // GDAL leaves out blocks without values.
                    None => pixels.skip((columns.1 - columns.0) * (rows.1 - rows.0)),
                }
            }
        }
        pixels.finish();
        Ok(())
    }

    /// The sizes in bytes of all strips or tiles, as they are stored in the file. A size of 0 means
    /// that the file has no data for the strip or tile.
    fn stored_sizes(&mut self) -> Result<Vec<u64>, TiffError> {
        self.decoder
            .get_tag_u64_vec(match self.decoder.get_chunk_type() {
                ChunkType::Strip => Tag::StripByteCounts,
                ChunkType::Tile => Tag::TileByteCounts,
            })
    }

    /// Decodes the strip or tile with the index `at`, counted from 0. Returns one list of numbers
    /// or, if each sample has strips or tiles of its own, one list for each sample. `count` is the
    /// number of strips or tiles of one sample, and `sizes` are the stored sizes of all of them in
    /// bytes. A list is `None` if the file has no data for it; the result is `None` if all lists
    /// are.
    fn planes(
        &mut self,
        at: u64,
        count: u64,
        sizes: &[u64],
    ) -> Result<Option<Vec<Option<DecodingResult>>>, TiffError> {
        let planes = if self.layout.is_planar {
            self.layout.samples
        } else {
            1
        };
        let mut all = Vec::with_capacity(planes);
        for plane in 0..planes as u64 {
            let at = at + plane * count;
            if usize::try_from(at).ok().and_then(|at| sizes.get(at)) == Some(&0) {
                all.push(None);
                continue;
            }
            let at = u32::try_from(at).map_err(|_| TiffError::LimitsExceeded)?;
            all.push(Some(self.decoder.read_chunk(at)?));
        }
        Ok(all.iter().any(Option::is_some).then_some(all))
    }

    fn send(
        &self,
        planes: &[Option<DecodingResult>],
        columns: (u64, u64),
        rows: (u64, u64),
        pixels: &mut PixelSender<'_>,
    ) -> Result<(), ReadFailure> {
        let samples = self.layout.samples;
        let width = (columns.1 - columns.0) as usize;
        let mut values = vec![f64::NAN; self.bands.len()];
        for row in rows.0..rows.1 {
            let start = (row - rows.0) as usize * width;
            for (at, column) in (start..).zip(columns.0..columns.1) {
                let stored = |sample: usize| match planes {
                    [all] if !self.layout.is_planar => number(all.as_ref()?, at * samples + sample),
                    planes => number(planes.get(sample)?.as_ref()?, at),
                };
                // Opacity that is not stored is 0.
                let is_clear = |alpha| stored(alpha).is_none_or(|opacity| opacity == 0.0);
                let is_clear = self.alpha.is_some_and(is_clear);
                for (sample, (value, band)) in values.iter_mut().zip(&self.bands).enumerate() {
                    *value = match is_clear {
                        true => f64::NAN,
                        false => stored(sample)
                            .map_or(f64::NAN, |stored| band.value(stored, self.no_value)),
                    };
                }
                pixels.send(column, row, &values)?;
            }
        }
        Ok(())
    }
}
