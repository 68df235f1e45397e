//! Delimiter-separated text: CSV, TSV and their kin.

mod dialect;
mod fields;
mod header;
mod parser;
mod quotes;
mod record;

use crate::encoding::may_be_utf8;
use crate::error::LoadError;
use crate::format::Format;
use crate::input::Input;
use crate::open::Options;
use crate::report::Report;
use crate::source::Source;
use crate::table::Kept;
use crate::text::chunker::{self, Place};
use crate::text::pipeline::{Pipeline, width};
use header::Head;
use std::io::{Cursor, Read};
use std::str::FromStr;

/// What quotes the fields of delimiter-separated text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// Nothing: all bytes but delimiters and line ends are text.
    None,
    /// This byte, as RFC 4180 has it, whatever comes of it.
    Byte(u8),
}

impl FromStr for Quote {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            [byte] if !matches!(byte, b'\n' | b'\r') => Ok(Self::Byte(*byte)),
            _ if text.eq_ignore_ascii_case("none") => Ok(Self::None),
            _ => Err("expected one character of ASCII, or none"),
        }
    }
}

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
    let dialect = rows.dialect;
    if !may_be_utf8(&input.sample, input.whole) {
        input.origin.note_mixed_text();
    }
    let body = if rows.header.is_some() {
        head.end
    } else {
        head.start
    };
    let before = input.sample.get(..body).unwrap_or_default();
    let place = Place::START.after(before, dialect.newline);
    let reader = Cursor::new(input.sample.split_off(body)).chain(input.rest);
    let blocks = chunker::start(reader, input.origin.clone(), dialect, place, width())?;
    Ok(Box::new(Pipeline {
        origin: input.origin,
        columns,
        times: rows.asked.times.clone(),
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
