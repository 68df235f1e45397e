//! Opening of JSON that has rows: the beginning of a document decides which rows and columns are
//! read.

use super::columnar;
use super::document_tail::{DocumentTail, LateMembers, two_parts};
use super::judgement::{Judgement, RowForm};
use super::outline::{DocumentOutline, DocumentPart, PartKind, search};
use super::path::{Container, dotted};
use super::row_plan::plan;
use super::row_scanner::RowScanner;
use super::script_reader;
use super::{topojson, unused_options};
use crate::encoding::may_be_utf8;
use crate::error::LoadError;
use crate::geojson::lines::LineSplitter;
use crate::input::detect::RECORD_SEPARATOR;
use crate::input::script::value_start;
use crate::input::{Input, fill};
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::source::Source;
use crate::text::chunker::{self, TextPosition};
use crate::text::pipeline::{Pipeline, width};
use std::io::{Cursor, Read};

/// The number of bytes at the beginning of a document that decide how it is read: a choice.
const SAMPLE: usize = 1 << 20;

/// Returns whether the beginning of a document shows that it must be read as rows and not as
/// GeoJSON. `is_whole` is true if `sample` is the whole document.
pub(crate) fn recognises(sample: &[u8], is_whole: bool, options: &LoadOptions) -> bool {
    value_start(sample).is_some() || search(sample, is_whole, options).is_rows(options)
}

/// A source that reads an input as JSON rows.
pub(crate) fn source(
    mut input: Input,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    if let Some(start) = value_start(&input.sample) {
        input = script_reader::unwrapped(input, start)?;
    }
    if !input.whole {
        input.whole = fill(&mut input.rest, &mut input.sample, SAMPLE)
            .map_err(|error| input.origin.read_error(error))?;
    }
    let file = input.origin.file();
    let sample = std::mem::take(&mut input.sample);
    let outline = search(&sample, input.whole, options);
    let part = chosen(outline, options, &file)?;
    let (path, at) = (part.path, part.at);
    let unused: &[Parameter] = match &part.kind {
        PartKind::GeoJson => &[Parameter::Decimal, Parameter::Order, Parameter::Geom],
        PartKind::Columns => &[Parameter::Decimal, Parameter::Order],
        PartKind::Topology => &[
            Parameter::Decimal,
            Parameter::Order,
            Parameter::Geom,
            Parameter::Pair,
            Parameter::Lon,
            Parameter::Lat,
        ],
        PartKind::Rows(..) => &[Parameter::Decimal],
    };
    unused_options::refuse(unused_options::first_set(options, unused), &file)?;
    let (parser, columns, container, late) = match part.kind {
        PartKind::GeoJson => return super::wrapped::source(input, sample, &path, at, options),
        PartKind::Columns => return columnar::source(input, sample, &path, options),
        PartKind::Topology => return topojson::source(input, sample, &path, options),
        PartKind::Rows(container, judgement, names) => {
            let late = late_members(&judgement, names.is_some());
            let (parser, columns) = plan(*judgement, container, options, &file)?;
            (parser, columns, container, late)
        }
    };
    if !may_be_utf8(&sample, input.whole) {
        input.origin.note_mixed_text();
    }
    let is_sequence = sample.trim_ascii_start().first() == Some(&RECORD_SEPARATOR);
    let at = if container == Container::Lines { 0 } else { at };
    let place = TextPosition::START.after(sample.get(..at).unwrap_or_default(), b'\n');
    let mut beginning = Cursor::new(sample);
    beginning.set_position(at as u64);
    let reader = beginning.chain(input.rest);
    let (ahead, origin) = (width(), input.origin);
    let blocks = if container == Container::Lines {
        let terminator = if is_sequence { RECORD_SEPARATOR } else { b'\n' };
        let splitter = LineSplitter { terminator };
        chunker::start(reader, origin.clone(), splitter, place, ahead)?
    } else {
        let tail = DocumentTail::new(&path, file, options, late);
        let scanner = RowScanner::new(container, tail);
        chunker::start(reader, origin.clone(), scanner, place, ahead)?
    };
    let times = parser.selection.times.clone();
    Ok(Box::new(Pipeline::new(
        origin,
        columns,
        (parser, times),
        options,
        None,
        blocks,
    )))
}

/// The kinds of members that are an error if they come after the rows that `judgement` describes.
/// `has_names` is true if names of columns came before the rows.
fn late_members(judgement: &Judgement<'_>, has_names: bool) -> LateMembers {
    LateMembers {
        names: !has_names && judgement.form == RowForm::Arrays,
        reference: judgement.reference.as_ref().is_some_and(Vec::is_empty),
        rows: !judgement.is_known,
    }
}

/// The part of a document that is to be read, among the parts that the search found. The error
/// states that there is no such part, or that there are several.
fn chosen<'a>(
    outline: DocumentOutline<'a>,
    options: &LoadOptions,
    file: &str,
) -> Result<DocumentPart<'a>, LoadError> {
    let refused = |message: String| LoadError::JsonRows {
        file: file.to_owned(),
        message,
    };
    let mut parts = outline.parts.into_iter();
    match (parts.next(), parts.next(), outline.without) {
        (Some(first), Some(second), _) => Err(refused(two_parts(
            &dotted(&first.path),
            &dotted(&second.path),
        ))),
        (Some(part), None, _) => Ok(part),
        // Its columns are an error, which names them.
        (None, _, Some(part)) if options.rows.is_none() => Ok(part),
        _ => Err(refused(match &options.rows {
            Some(rows) => format!(
                "`rows`: there are no rows at {} in its first MiB: no array of objects or arrays",
                crate::messages::shown(rows.as_bytes())
            ),
            None => {
                "its first MiB has no rows: no array of objects or arrays with a longitude and \
                     a latitude"
                    .to_owned()
            }
        })),
    }
}
