//! Reading of delimiter-separated text: CSV, TSV and text with other delimiters.
//!
//! The *sample* is the beginning of a text. The delimiter and the header are found in its first 256
//! KiB; then it is extended to 1 MiB, in which the notation of numbers and the form of positions
//! are found.

mod dialect;
mod fields;
mod gps_columns;
mod header;
mod parser;
mod places;
mod preamble;
mod quotes;
mod record;
mod sample;

use crate::encoding::may_be_utf8;
use crate::error::LoadError;
use crate::format::InputFormat;
use crate::input::{Input, fill};
use crate::options::LoadOptions;
use crate::source::Source;
use crate::text::chunker::{self, TextPosition};
use crate::text::pipeline::{Pipeline, width};
use header::FirstRecord;
use preamble::{BlankParted, Preamble};
use std::io::{Cursor, Read};

/// The size in bytes of the extended sample, in which the notation of numbers and the form of
/// positions are found: 1 MiB, a choice.
const SAMPLE: usize = 1 << 20;

/// A source that reads an input as delimiter-separated text.
pub(crate) fn source(
    mut input: Input,
    format: InputFormat,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let preamble = Preamble::find(&input, options);
    let mut delimiter = match format {
        InputFormat::Tsv => options.delimiter.or(Some(b'\t')),
        _ => options.delimiter,
    };
    delimiter = delimiter.or(preamble.delimiter);
    let body = input
        .sample
        .split_off(preamble.length.min(input.sample.len()));
    let start = TextPosition::START.after(&input.sample, dialect::newline(&input.sample));
    input.sample = body;
    if preamble.by_blanks {
        let reader = Cursor::new(input.sample).chain(input.rest);
        input = Input::from_bytes(Box::new(BlankParted::new(reader)), input.origin)?;
        delimiter = Some(b'\t');
    }
    let dialect = dialect::find(&input, delimiter, options)?;
    let head = FirstRecord::read(&input, dialect, start)?;
    if !may_be_utf8(&input.sample, input.whole) {
        input.origin.note_mixed_text();
    }
    if !input.whole {
        let more = fill(&mut input.rest, &mut input.sample, SAMPLE);
        input.whole = more.map_err(|error| input.origin.read_error(error))?;
    }
    let (parser, mut columns) = head.choose(&input, options)?;
    columns.why.push_str(&preamble.why());
    let dialect = parser.dialect;
    let body = if parser.header.is_some() {
        head.end
    } else {
        head.start
    };
    let before = input.sample.get(..body).unwrap_or_default();
    let place = head.position.after(before, dialect.newline);
    let reader = Cursor::new(input.sample.split_off(body)).chain(input.rest);
    let blocks = chunker::start(reader, input.origin.clone(), dialect, place, width())?;
    let times = parser.selection.times.clone();
    Ok(Box::new(Pipeline::new(
        input.origin,
        columns,
        (parser, times),
        options,
        None,
        blocks,
    )))
}
