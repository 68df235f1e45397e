//! Reading of delimiter-separated text: CSV, TSV and text with other delimiters.

mod dialect;
mod fields;
mod header;
mod parser;
mod quotes;
mod record;

use crate::encoding::may_be_utf8;
use crate::error::LoadError;
use crate::format::InputFormat;
use crate::input::Input;
use crate::options::LoadOptions;
use crate::source::Source;
use crate::text::chunker::{self, TextPosition};
use crate::text::pipeline::{Pipeline, width};
use header::FirstRecord;
use std::io::{Cursor, Read};

/// A source that reads an input as delimiter-separated text.
pub(crate) fn source(
    mut input: Input,
    format: InputFormat,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let delimiter = match format {
        InputFormat::Tsv => options.delimiter.or(Some(b'\t')),
        _ => options.delimiter,
    };
    let dialect = dialect::find(&input, delimiter, options)?;
    let head = FirstRecord::read(&input, dialect)?;
    let (parser, columns) = head.choose(&input, options)?;
    let dialect = parser.dialect;
    if !may_be_utf8(&input.sample, input.whole) {
        input.origin.note_mixed_text();
    }
    let body = if parser.header.is_some() {
        head.end
    } else {
        head.start
    };
    let before = input.sample.get(..body).unwrap_or_default();
    let place = TextPosition::START.after(before, dialect.newline);
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
