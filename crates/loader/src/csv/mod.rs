//! Delimiter-separated text: CSV, TSV and their kin.

mod dialect;
mod header;
mod record;
mod rows;

use crate::blocks::{self, Place};
use crate::error::LoadError;
use crate::format::Format;
use crate::input::Input;
use crate::open::Options;
use crate::pipeline::{Pipeline, width};
use crate::report::Report;
use crate::source::Source;
use crate::table::Kept;
use header::Head;
use std::io::{Cursor, Read};

/// A source that reads an input as delimiter-separated text.
pub(crate) fn source(
    mut input: Input,
    format: Format,
    options: &Options,
) -> Result<Box<dyn Source>, LoadError> {
    let delimiter = match format {
        Format::Tsv => options.delimiter.or(Some(b'\t')),
        _ => options.delimiter,
    };
    let dialect = dialect::find(&input, delimiter, options)?;
    let head = Head::read(&input, dialect)?;
    let (rows, columns) = head.choose(&input, options)?;
    let body = if rows.header.is_some() {
        head.end
    } else {
        head.start
    };
    let before = input.sample.get(..body).unwrap_or_default();
    let place = Place::START.after(before, dialect.newline);
    let reader = Cursor::new(input.sample.split_off(body)).chain(input.rest);
    let blocks = blocks::start(reader, input.origin.clone(), dialect, place, width())?;
    Ok(Box::new(Pipeline {
        origin: input.origin,
        columns,
        parser: rows,
        kept: Kept::default(),
        within: options.within,
        strict: options.strict,
        first: None,
        blocks,
        report: Report::default(),
        ended: false,
    }))
}
