//! Reading of XML by events, with limits on the size of an event and on the depth of elements. It
//! is shared by the formats that are XML.

use super::whole::{WholeInput, whole};
use super::{ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged, unreadable};
use crate::columns::resolve::{Geometries, Names, resolve};
use crate::columns::{self, selection::RowSelection};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::options::LoadOptions;
use crate::source::Source;
use crate::value::Value;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use std::borrow::Cow;
use std::io::{self, BufRead, Read};

/// The most bytes of an element's text that are read, a choice: 4 KiB. A longer text is cut off.
const LONGEST: usize = 4 << 10;

/// The most bytes that one tag, text or comment may have, a choice: 16 MiB. Each of them is held
/// in memory as a whole.
const ENDLESS: usize = 16 << 20;

/// The most elements of one document that may be open, one inside the other: a choice.
const DEPTH: usize = 1000;

/// A function that sends the records of a text to a sink. Its arguments are the text, the text's
/// origin, the elements whose texts are read, the index of the column of weights (`None` if every
/// record counts 1), and the sink.
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

/// An event of an XML document.
pub(super) enum XmlEvent<'a> {
    Start(BytesStart<'a>),
    /// An empty element such as `<a/>`. No event for its end follows.
    Empty(BytesStart<'a>),
    End(BytesEnd<'a>),
    /// A part of an element's text. A text is split at its entities.
    Text(Cow<'a, str>),
    /// A comment, a declaration or another event that has no data.
    Other,
    /// The end of the document. All elements are closed.
    Eof,
}

/// A reader of a document's events.
pub(super) struct XmlReader<R> {
    reader: quick_xml::Reader<BoundedReader<R>>,
    buffer: Vec<u8>,
    depth: usize,
    origin: Origin,
}

impl<R: BufRead> XmlReader<R> {
    pub(super) fn new(xml: R, origin: Origin) -> Self {
        Self {
            reader: quick_xml::Reader::from_reader(BoundedReader::new(xml)),
            buffer: Vec::new(),
            depth: 0,
            origin,
        }
    }

    /// Reads the next event of the document.
    ///
    /// # Errors
    /// The XML is malformed, ends early or exceeds a limit.
    pub(super) fn next(&mut self) -> Result<XmlEvent<'_>, LoadError> {
        self.buffer.clear();
        self.reader.get_mut().passed = 0;
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => {
                let place = format!("byte {}", self.reader.error_position());
                return Err(match error {
                    quick_xml::Error::Io(error) => {
                        let error = io::Error::new(error.kind(), error.to_string());
                        unreadable(&self.origin, place, error)
                    }
                    other => damaged(&self.origin, place, other),
                });
            }
        };
        Ok(match event {
            Event::Start(_) if self.depth >= DEPTH => {
                let place = format!("byte {}", self.reader.buffer_position());
                let message = format!("more than {DEPTH} elements within each other");
                return Err(damaged(&self.origin, place, message));
            }
            // The names of all open elements are held in memory.
            Event::Start(start) if start.name().as_ref().len() > LONGEST => {
                let place = format!("byte {}", self.reader.buffer_position());
                let message = format!("an element's name has over {LONGEST} bytes");
                return Err(damaged(&self.origin, place, message));
            }
            Event::Start(start) => {
                self.depth += 1;
                XmlEvent::Start(start)
            }
            Event::Empty(start) => XmlEvent::Empty(start),
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                XmlEvent::End(end)
            }
            Event::Text(text) => XmlEvent::Text(text.into_inner()),
            Event::CData(text) => XmlEvent::Text(text.into_inner()),
            Event::GeneralRef(name) => {
                let meant = match name.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    _ => quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned),
                };
                XmlEvent::Text(Cow::Owned(meant.unwrap_or_default()))
            }
            // If an element is not closed at the end of the file, the file was cut off.
            Event::Eof if self.depth > 0 => {
                let message = "it is cut off: the last element is not closed";
                return Err(damaged(&self.origin, "end of the file", message));
            }
            Event::Eof => XmlEvent::Eof,
            _ => XmlEvent::Other,
        })
    }
}

/// A reader that limits the size of the XML parser's events. After [`ENDLESS`] bytes of one event
/// it returns an error, since an event is held in memory as a whole.
struct BoundedReader<R> {
    reader: R,
    /// The number of bytes that were read since the current event began.
    passed: usize,
}

impl<R> BoundedReader<R> {
    fn new(reader: R) -> Self {
        Self { reader, passed: 0 }
    }
}

impl<R: BufRead> Read for BoundedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<R: BufRead> BufRead for BoundedReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.passed > ENDLESS {
            let what = format!("a tag, text or comment of over {ENDLESS} bytes ends here");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.passed += count;
        self.reader.consume(count);
    }
}

/// Appends a part of a text to `known`, up to [`LONGEST`] bytes in all.
pub(super) fn append(known: &mut String, text: &str) {
    let room = LONGEST.saturating_sub(known.len());
    known.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or(text));
}

/// The value of a tag's attribute `name`, with or without a prefix; `None` if it is missing or has
/// over [`LONGEST`] bytes.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let is_it = |found: &Attribute<'_>| found.key.local_name().as_ref() == name;
    let mut attributes = tag.attributes();
    let mut found = attributes.with_checks(false).flatten();
    let found = found
        .find(is_it)
        .filter(|found| found.value.len() <= LONGEST)?;
    quick_xml::escape::unescape(&found.value)
        .ok()
        .map(|text| text.into_owned())
}

/// The XML elements whose texts are read, by their names. Each has a slot: its index in this list,
/// counted from 0.
#[derive(Default)]
pub(super) struct Slots {
    names: Vec<String>,
    /// The index, among the source's columns, of the column that each element gives. Empty while
    /// names are collected.
    columns: Vec<usize>,
    /// True while the names of the first records' elements are collected: each new name then gets a
    /// slot.
    collects: bool,
}

impl Slots {
    /// An empty list, for collecting names: [`of`](Self::of) adds each name that it is called with.
    pub(super) fn collecting() -> Self {
        Self {
            collects: true,
            ..Self::default()
        }
    }

    /// The elements that a source needs: the elements of the weight, of the filter and of the kept
    /// columns. `seen` are the names of the source's columns.
    pub(super) fn wanted(seen: &[String], weight: Option<usize>, selection: &RowSelection) -> Self {
        let mut slots = Self::default();
        for at in weight.into_iter().chain(selection.places()) {
            if let Some(name) = seen.get(at).filter(|_| !slots.columns.contains(&at)) {
                slots.names.push(name.clone());
                slots.columns.push(at);
            }
        }
        slots
    }

    /// The slot of the element called `name`; `None` if its text is not read. While names are
    /// collected, a new name is added.
    pub(super) fn of(&mut self, name: &str) -> Option<usize> {
        let found = self.names.iter().position(|known| known == name);
        if found.is_none() && self.collects {
            self.names.push(name.to_owned());
            return Some(self.names.len() - 1);
        }
        found
    }

    /// The index, among the source's columns, of the column that the element called `name` gives;
    /// `None` if its text is not read.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        let at = self.names.iter().position(|known| known == name)?;
        self.columns.get(at).copied()
    }

    /// Returns whether the element in a slot gives the column with the index `column`.
    pub(super) fn is_of(&self, slot: usize, column: usize) -> bool {
        self.columns.get(slot) == Some(&column)
    }

    /// The number of elements that have a slot.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of the source's columns: the collected names, and then further names in the
    /// options for the weight, the filter and kept columns.
    pub(super) fn into_columns(self, options: &LoadOptions) -> Vec<String> {
        let mut seen = self.names;
        let weight = options
            .weight
            .as_ref()
            .filter(|name| !name.eq_ignore_ascii_case("none"));
        let filter = options.filter.iter().flat_map(|filter| filter.columns());
        for name in weight.into_iter().chain(filter).chain(&options.keep) {
            if columns::named(&seen, name).is_none() {
                seen.push(name.clone());
            }
        }
        seen
    }

    /// A record's value in the column with the index `column`; null if its text is missing or
    /// blank. `texts` are the texts of the record's elements, each at the index that is the
    /// element's slot.
    pub(super) fn value(&self, texts: &[Option<String>], column: usize) -> Value<'static> {
        let at = self.columns.iter().position(|known| *known == column);
        let text = at.and_then(|at| texts.get(at).cloned().flatten());
        let text = text.filter(|text| !text.trim().is_empty());
        text.map_or(Value::Null, Value::text)
    }
}
