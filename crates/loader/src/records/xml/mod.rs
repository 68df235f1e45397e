//! Reading of XML by events, for all formats that are XML. An *event* is an opening or closing tag,
//! a text, a comment or another piece of a document. The size of an event is limited, and so is the
//! depth to which elements are nested.
//!
//! The *parser* is the one of the crate `quick-xml`. Most events are read without it, faster, since
//! they are written in the usual way: see [`plain`].

mod input;
mod plain;
mod reader;
mod slots;
mod tag;

pub(super) use reader::{XmlEvent, XmlReader};
pub(super) use slots::{SlotTexts, Slots};
pub(super) use tag::XmlTag;

use super::whole::{WholeInput, whole};
use super::{ReadFailure, RecordReader, RecordSink, RecordSourceBuilder};
use crate::columns::resolve::{Geometries, Names, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::options::LoadOptions;
use crate::source::Source;

/// The most bytes of an element's text that are read, a choice: 4 KiB. A longer text is cut off.
const LONGEST: usize = 4 << 10;

/// A function that sends the records of an XML document to a sink. Its arguments are the XML, the
/// XML's origin, the elements whose texts are read, the index of the column of weights (`None` if
/// every record counts 1), and the sink.
pub(super) type XmlRecordReader =
    fn(WholeInput, &Origin, Slots, Option<usize>, &mut RecordSink) -> Result<(), ReadFailure>;

/// A source that reads an input as XML. `columns` finds the columns of the records in the beginning
/// of the text (its first 256 KiB). `why` states for reports where the positions come from.
pub(super) fn source(
    input: Input,
    options: &LoadOptions,
    why: &str,
    columns: fn(&[u8], &Origin) -> Slots,
    read: XmlRecordReader,
) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let seen = columns(&sample, &origin).into_columns(options);
    let geometries = Geometries {
        column: None,
        why: why.to_owned(),
    };
    let found = resolve(seen, Names::Typed, options, Some(geometries), &origin.name)?;
    let weight = found.weight;
    let slots = Slots::wanted(&found.columns.seen, weight, &found.selection);
    let errors = origin.clone();
    let text = whole(sample, rest);
    let reader: RecordReader = Box::new(move |sink| read(text, &errors, slots, weight, sink));
    RecordSourceBuilder::new(origin, found, Crs::LonLat, options).start(vec![reader])
}

/// Appends a part of a text to `known`, up to [`LONGEST`] bytes in all.
pub(super) fn append(known: &mut String, text: &str) {
    let room = LONGEST.saturating_sub(known.len());
    known.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or(text));
}
