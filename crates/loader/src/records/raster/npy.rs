//! Reading of arrays of NumPy (`.npy`) as rasters. The first row is the northern one.

use super::grid::PixelGrid;
use super::npy_header::NpyHeader;
use super::pixels::PixelSender;
use super::refusals::missing_extent;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::options::LoadOptions;
use crate::records::{ReadFailure, RecordReader, RecordSourceBuilder, damaged, unreadable};
use crate::source::Source;
use std::io::{Cursor, Read};

pub(crate) use super::npy_header::MAGIC;

/// The number of bytes that are read at a time, a choice: 64 KiB, which numbers of any type fill
/// without a rest.
const CHUNK: usize = 64 << 10;

/// A source that reads an input as an array of NumPy.
pub(crate) fn source(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let unsupported = |message: String| LoadError::Unsupported {
        file: origin.file(),
        message,
    };
    let header = NpyHeader::parse(&sample).map_err(unsupported)?;
    // An axis of one element is none.
    let axes: Vec<u64> = header
        .shape
        .iter()
        .copied()
        .filter(|size| *size != 1)
        .collect();
    let size = match (axes.as_slice(), header.shape.as_slice()) {
        ([height, width], _) | (_, [height, width]) => (*width, *height),
        _ => {
            return Err(unsupported(format!(
                "this array has {} axes, and a raster has two, rows and columns; save a part of \
                 it: np.save('part.npy', array[0])",
                header.shape.len()
            )));
        }
    };
    let Some(extent) = options.extent else {
        return Err(missing_extent(&origin));
    };
    let bytes = size
        .0
        .checked_mul(size.1)
        .and_then(|all| all.checked_mul(8));
    if bytes.is_none() {
        return Err(damaged(&origin, "header", "it states an impossible size"));
    }
    let names = vec!["value".to_owned()];
    let found = super::columns("a raster (NumPy array)", size, names, &origin, options)?;
    let crs = Crs::unstated(options, &origin.file())?;
    let (errors, weight) = (origin.clone(), found.weight);
    let grid = PixelGrid::over(extent, size);
    let mut sample = Cursor::new(sample);
    sample.set_position(header.length as u64);
    let numbers = sample.chain(rest);
    let reader: RecordReader = Box::new(move |sink| {
        let mut pixels = PixelSender::new(sink, grid, size.0, weight);
        read(numbers, &header, size, &errors, &mut pixels)?;
        pixels.finish();
        Ok(())
    });
    RecordSourceBuilder::new(origin, found, crs, options).start(vec![reader])
}

fn read(
    mut numbers: impl Read,
    header: &NpyHeader,
    (width, height): (u64, u64),
    origin: &Origin,
    pixels: &mut PixelSender<'_>,
) -> Result<(), ReadFailure> {
    let size = header.kind.bytes();
    let mut buffer = vec![0; CHUNK];
    let (mut at, count) = (0, width * height);
    while at < count {
        let wanted = (count - at).min((CHUNK / size) as u64) as usize * size;
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let place = || format!("number {}", at + 1);
        let read = numbers.read_exact(part);
        read.map_err(|error| unreadable(origin, place(), error))?;
        for bytes in part.chunks_exact(size) {
            let (column, row) = match header.is_by_columns {
                true => (at / height, at % height),
                false => (at % width, at / width),
            };
            let value = header.kind.read(bytes, header.is_big_endian);
            pixels.send(column, row, &[value])?;
            at += 1;
        }
    }
    let rest = numbers.read(&mut buffer);
    if rest.map_err(|error| unreadable(origin, "end", error))? > 0 {
        let note = "more bytes follow the array, and are left out";
        pixels.sink.note(note.to_owned());
    }
    Ok(())
}
