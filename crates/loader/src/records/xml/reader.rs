//! A reader of the events of an XML document.
//!
//! Events in their usual spelling, which are nearly all, are read where they lie in the block. The
//! parser reads the others, and decides about all that is malformed. Before that, it is passed the
//! opening tags of the open elements that it doesn't know of. So its errors are the same as if it
//! had read the whole document.

use super::LONGEST;
use super::input::XmlInput;
use super::plain::{PlainEvent, plain_event};
use super::tag::{XmlTag, local};
use crate::error::LoadError;
use crate::input::Origin;
use crate::records::{damaged, unreadable};
use quick_xml::events::{BytesRef, Event};
use std::borrow::Cow;
use std::io::{self, BufRead};
use std::ops::Range;

/// The most elements of one document that may be open, one inside the other: a choice.
const DEPTH: usize = 1000;

/// An event of an XML document.
pub(in crate::records) enum XmlEvent<'a> {
    Start(XmlTag<'a>),
    /// An empty element such as `<a/>`. No event for its end follows.
    Empty(XmlTag<'a>),
    /// The end of an element, with the element's name without its prefix.
    End(&'a str),
    /// A part of an element's text. A text is split at its entities.
    Text(Cow<'a, str>),
    /// A comment, a declaration or another event that has no data.
    Other,
    /// The end of the document. All elements are closed.
    Eof,
}

/// A reader of a document's events.
pub(in crate::records) struct XmlReader<R> {
    parser: quick_xml::Reader<XmlInput<R>>,
    /// The bytes of the event that the parser has read last.
    buffer: Vec<u8>,
    /// True if the parser has to read the next event, whatever its spelling: at the beginning, and
    /// after a text that the parser has read.
    is_bound: bool,
    /// The names of the open elements whose opening tags were read without the parser, as ranges of
    /// the block's text, the innermost last.
    open: Vec<Range<usize>>,
    /// The difference, in bytes, between a position in the document and the parser's position: the
    /// bytes that were read without the parser, less the tags that were inserted for the parser.
    apart: i64,
    depth: usize,
    origin: Origin,
}

/// An event that the parser has read, without its data, which are in [`XmlReader::buffer`].
enum ParsedEvent {
    /// An opening tag: the lengths, in bytes, of the tag without its brackets and of its name.
    Start(usize, usize),
    Empty(usize, usize),
    /// The end of an element: the length of its name in bytes.
    End(usize),
    /// A text: its start and its end in the event's bytes.
    Text(usize, usize),
    /// The text of a section `<![CDATA[…]]>`: its start and its end in the event's bytes.
    Data(usize, usize),
    Reference(String),
    Other,
    Eof,
}

impl<R: BufRead> XmlReader<R> {
    pub(in crate::records) fn new(xml: R, origin: Origin) -> Self {
        Self {
            parser: quick_xml::Reader::from_reader(XmlInput::new(xml)),
            buffer: Vec::new(),
            is_bound: true,
            open: Vec::new(),
            apart: 0,
            depth: 0,
            origin,
        }
    }

    /// Reads the next event of the document.
    ///
    /// # Errors
    /// The XML is malformed, ends early or exceeds a limit.
    pub(in crate::records) fn next(&mut self) -> Result<XmlEvent<'_>, LoadError> {
        let (text, at) = self.parser.get_ref().block();
        let plain = match self.is_bound {
            true => None,
            false => plain_event(text, at, self.open.last().cloned()),
        };
        match plain {
            Some((PlainEvent::Start(_, name), _)) if self.depth >= DEPTH || name > LONGEST => {
                self.parsed()
            }
            Some((event, size)) => Ok(self.plain(event, size)),
            None => self.parsed(),
        }
    }

    /// Moves past an event of `size` bytes that was read without the parser, and returns it.
    fn plain(&mut self, event: PlainEvent, size: usize) -> XmlEvent<'_> {
        self.parser.get_mut().skip(size);
        self.apart += size as i64;
        match &event {
            PlainEvent::Start(content, name) => {
                self.depth += 1;
                self.open.push(content.start..content.start + name);
            }
            PlainEvent::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                self.open.pop();
            }
            _ => (),
        }
        let (text, _) = self.parser.get_ref().block();
        let text = |range: Range<usize>| text.get(range).unwrap_or_default();
        match event {
            PlainEvent::Start(content, name) => XmlEvent::Start(XmlTag::new(text(content), name)),
            PlainEvent::Empty(content, name) => XmlEvent::Empty(XmlTag::new(text(content), name)),
            PlainEvent::End(name) => XmlEvent::End(local(text(name))),
            PlainEvent::Text(range) => XmlEvent::Text(Cow::Borrowed(text(range))),
            PlainEvent::Reference(name) => XmlEvent::Text(Cow::Owned(meant(text(name)))),
        }
    }

    /// Reads the next event by the parser.
    fn parsed(&mut self) -> Result<XmlEvent<'_>, LoadError> {
        self.open_in_parser()?;
        let event = self.parse()?;
        self.is_bound = matches!(event, ParsedEvent::Text(..));
        let bytes = |start, end| {
            let bytes = self.buffer.get(start..end).unwrap_or_default();
            std::str::from_utf8(bytes).unwrap_or_default()
        };
        Ok(match event {
            ParsedEvent::Start(..) if self.depth >= DEPTH => {
                let message = format!("more than {DEPTH} elements within each other");
                return Err(damaged(&self.origin, self.place(), message));
            }
            // The names of all open elements are held in memory.
            ParsedEvent::Start(_, name) if name > LONGEST => {
                let message = format!("an element's name has over {LONGEST} bytes");
                return Err(damaged(&self.origin, self.place(), message));
            }
            ParsedEvent::Start(content, name) => {
                self.depth += 1;
                XmlEvent::Start(XmlTag::new(bytes(1, 1 + content), name))
            }
            ParsedEvent::Empty(content, name) => {
                XmlEvent::Empty(XmlTag::new(bytes(1, 1 + content), name))
            }
            ParsedEvent::End(name) => {
                self.depth = self.depth.saturating_sub(1);
                XmlEvent::End(local(bytes(2, 2 + name)))
            }
            ParsedEvent::Text(start, end) | ParsedEvent::Data(start, end) => {
                XmlEvent::Text(Cow::Borrowed(bytes(start, end)))
            }
            ParsedEvent::Reference(text) => XmlEvent::Text(Cow::Owned(text)),
            ParsedEvent::Other => XmlEvent::Other,
            // If an element is not closed at the end of the file, the file was cut off.
            ParsedEvent::Eof if self.depth > 0 => {
                let message = "it is cut off: the last element is not closed";
                return Err(damaged(&self.origin, "end of the file", message));
            }
            ParsedEvent::Eof => XmlEvent::Eof,
        })
    }

    /// Passes to the parser the opening tags that were read without it, so that it knows which
    /// elements are open.
    fn open_in_parser(&mut self) -> Result<(), LoadError> {
        let mut tags = Vec::new();
        let (text, _) = self.parser.get_ref().block();
        for name in &self.open {
            let name = text.as_bytes().get(name.clone()).unwrap_or_default();
            tags.extend_from_slice(&[b"<", name, b">"].concat());
        }
        self.parser.get_mut().insert(&tags);
        for _ in 0..self.open.len() {
            self.parse()?;
        }
        self.apart -= tags.len() as i64;
        self.open.clear();
        Ok(())
    }

    /// Makes the parser read the next event.
    fn parse(&mut self) -> Result<ParsedEvent, LoadError> {
        self.buffer.clear();
        self.parser.get_mut().begin_event();
        let event = match self.parser.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => {
                let place = match self.parser.error_position() {
                    // Errors of reading have no place.
                    0 => "byte 0".to_owned(),
                    position => self.in_document(position),
                };
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
            Event::Start(tag) => ParsedEvent::Start(tag.len(), tag.name().as_ref().len()),
            Event::Empty(tag) => ParsedEvent::Empty(tag.len(), tag.name().as_ref().len()),
            Event::End(tag) => ParsedEvent::End(tag.name().as_ref().len()),
            Event::Text(text) => ParsedEvent::Text(0, text.len()),
            // `<![CDATA[` comes before the text.
            Event::CData(text) => ParsedEvent::Data(9, 9 + text.len()),
            Event::GeneralRef(name) => ParsedEvent::Reference(meant(&name)),
            Event::Eof => ParsedEvent::Eof,
            _ => ParsedEvent::Other,
        })
    }

    /// The place in the document after the event that the parser has read last, as text for
    /// messages: `byte 120`.
    fn place(&self) -> String {
        self.in_document(self.parser.buffer_position())
    }

    /// The place in the document, as text for messages, of `position`, which counts the bytes that
    /// the parser has read.
    fn in_document(&self, position: u64) -> String {
        format!("byte {}", position.saturating_add_signed(self.apart))
    }
}

/// The text that a reference to an entity or a character means: `&` for the name `amp`. Empty if
/// the name is unknown.
fn meant(name: &str) -> String {
    let name = BytesRef::new(name);
    match name.resolve_char_ref() {
        Ok(Some(c)) => c.to_string(),
        _ => {
            let known = quick_xml::escape::resolve_predefined_entity(&name);
            known.unwrap_or_default().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quick_xml::events::attributes::Attributes;
    use std::io::BufReader;

    /// Pieces of documents in usual spelling, in unusual spelling, and malformed ones.
    const PIECES: [&str; 34] = [
        "<a>",
        "</a>",
        "<b x=\"1\">",
        "</b>",
        "<n:c y='2' z=\"&lt;\">",
        "</n:c>",
        "<d/>",
        "<d />",
        "<e q='>'/>",
        "text",
        " \n",
        "ü€",
        "&amp;",
        "&#65;",
        "&bad;",
        "&",
        ";",
        "<!-- - -->",
        "<![CDATA[<x>]]>",
        "<?p q?>",
        "<!DOCTYPE a>",
        "</a >",
        "<a\t>",
        "<e x=1 y>",
        "<e x = '1'>",
        "</e>",
        "<e x=\"1\"y='2'>",
        "<e x='1' =\"2\" y='3'>",
        "<e/f>",
        "<",
        ">",
        "\"",
        "'",
        "/",
    ];

    /// The events of a document up to its end or its first error, as texts. If `is_alone` is true,
    /// the parser reads all of them. The document is read in blocks of `block` bytes.
    fn events(xml: &[u8], block: usize, is_alone: bool) -> Vec<String> {
        let input = BufReader::with_capacity(block, xml);
        let mut reader = XmlReader::new(input, Origin::in_memory("a.xml"));
        let mut all = Vec::new();
        loop {
            reader.is_bound |= is_alone;
            let (event, is_end) = match reader.next() {
                Ok(XmlEvent::Start(tag)) => (format!("start {}", described(&tag)), false),
                Ok(XmlEvent::Empty(tag)) => (format!("empty {}", described(&tag)), false),
                Ok(XmlEvent::End(name)) => (format!("end {name}"), false),
                Ok(XmlEvent::Text(text)) => (format!("text {text}"), false),
                Ok(XmlEvent::Other) => ("other".to_owned(), false),
                Ok(XmlEvent::Eof) => ("eof".to_owned(), true),
                Err(error) => (error.to_string(), true),
            };
            all.push(event);
            if is_end {
                return all;
            }
        }
    }

    /// The name of a tag and its attributes, which must be those that the parser's crate finds.
    fn described(tag: &XmlTag<'_>) -> String {
        let (content, name) = tag.parts();
        let mut known = Attributes::new(content, name);
        let known = known.with_checks(false).flatten();
        let known: Vec<_> = known.map(|a| (a.key.into_inner(), a.value)).collect();
        let found: Vec<_> = tag.attributes().collect();
        assert_eq!(found, known, "{content}");
        for name in ["x", "y", "z"] {
            let start = quick_xml::events::BytesStart::from_content(content, tag.parts().1);
            let known = start.try_get_attribute(name).ok().flatten();
            let known = known.map(|attribute| attribute.value);
            assert_eq!(tag.first_attribute(name), known, "{content}: {name}");
        }
        format!("{} {found:?}", tag.local_name())
    }

    /// A document that consists of `pieces`. If `is_closed` is true, its elements are closed in the
    /// right order, whatever closing tags `pieces` has.
    fn document(pieces: &[&str], is_closed: bool) -> String {
        let mut open = vec!["r"];
        let mut xml = "<r>".to_owned();
        for piece in pieces {
            if is_closed && piece.starts_with("</") {
                let name = open.pop().map(|name| format!("</{name}>"));
                xml.push_str(&name.unwrap_or_default());
                continue;
            }
            xml.push_str(piece);
            let inner = piece.strip_prefix('<').unwrap_or_default();
            let name = inner.split([' ', '\t', '>']).next().unwrap_or_default();
            if name.starts_with(char::is_alphabetic) && !piece.ends_with("/>") {
                open.push(name);
            }
        }
        for name in open.iter().rev() {
            xml.push_str(&format!("</{name}>"));
        }
        xml
    }

    #[test]
    fn usual_events_are_read_without_the_parser() {
        let xml = "<a><b x=\"1\">t&amp;u</b><n:c/>\n</a>";
        let mut reader = XmlReader::new(xml.as_bytes(), Origin::in_memory("a.xml"));
        let mut count = 0;
        while !matches!(reader.next().unwrap(), XmlEvent::Eof) {
            count += 1;
        }
        // The parser reads the first tag, the end of that element and the end of the file.
        let apart = xml.len() as i64 - "<a></a>".len() as i64;
        assert_eq!((count, reader.apart), (9, apart));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn events_and_errors_are_those_of_the_parser(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..14),
            bytes in proptest::collection::vec(any::<u8>(), 0..3),
            at in 0_usize..40,
            block in 1_usize..50,
            is_closed: bool,
        ) {
            let mut xml = document(&pieces, is_closed).into_bytes();
            let at = at.min(xml.len());
            drop(xml.splice(at..at, bytes));
            prop_assert_eq!(events(&xml, block, false), events(&xml, block, true));
            prop_assert_eq!(events(&xml, 1 << 16, false), events(&xml, 1, true));
        }
    }
}
