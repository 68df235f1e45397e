//! Documents that are held in memory as a whole, since their positions are spread over them.

use super::document_tail::{DocumentTail, LateMembers};
use super::path::{PathStep, elements, members, offset_in};
use crate::columns::resolve::ResolvedColumns;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::geojson::cursor::ScanStop;
use crate::geojson::features::{message, within};
use crate::input::{Input, Origin, fill};
use crate::options::LoadOptions;
use crate::records::{ReadFailure, RecordReader, RecordSink, RecordSourceBuilder};
use crate::source::Source;
use crate::text::chunker::TextPosition;
use serde::de::IgnoredAny;
use std::ops::Range;

/// The size limit, in bytes, of a document that is held in memory: a choice.
const MOST: usize = 256 << 20;

/// A whole JSON document in memory. It was checked to be valid JSON.
pub(super) struct HeldDocument {
    pub(super) text: Vec<u8>,
    pub(super) origin: Origin,
    /// The range, in bytes of the document, of the part that has the positions: the value at the
    /// path that [`read`](Self::read) was called with.
    root: Range<usize>,
}

impl HeldDocument {
    /// Reads a document to its end. `sample` is the beginning of the document, which was read
    /// already. `path` leads to the part of the JSON that has the positions. `form` describes this
    /// part in messages, for example `TopoJSON`.
    pub(super) fn read(
        mut input: Input,
        sample: Vec<u8>,
        (path, form): (&[PathStep], &str),
        options: &LoadOptions,
    ) -> Result<Self, LoadError> {
        let (mut text, origin) = (sample, input.origin);
        if !input.whole {
            let ended = fill(&mut input.rest, &mut text, MOST + 1)
                .map_err(|error| origin.read_error(error))?;
            if !ended {
                return Err(LoadError::JsonRows {
                    file: origin.file(),
                    message: format!(
                        "this is {form} of over {} MiB, which is not read, since it is held in \
                         memory as a whole; write it as rows (in pandas: orient=\"records\", \
                         lines=True)",
                        MOST >> 20
                    ),
                });
            }
        }
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(&text) {
            let TextPosition { line, column } = within(TextPosition::START, &error);
            return Err(LoadError::Json {
                file: origin.file(),
                line,
                column,
                message: message(&error),
            });
        }
        let root = part_at(&text, path);
        let document = Self { text, origin, root };
        document.check_tail(path, options)?;
        Ok(document)
    }

    /// Returns an error if the document has other positions after the part at `path`.
    fn check_tail(&self, path: &[PathStep], options: &LoadOptions) -> Result<(), LoadError> {
        let late = LateMembers {
            names: false,
            reference: false,
            rows: true,
        };
        let mut tail = DocumentTail::new(path, self.origin.file(), options, late);
        match tail.follow(self.text.get(self.root.end..).unwrap_or_default()) {
            Err(ScanStop::Refused(_, error)) => Err(*error),
            // The document is valid, so nothing else stops the tail.
            _ => Ok(()),
        }
    }

    /// The JSON text of the part that has the positions; empty if the document has no such part.
    pub(super) fn root(&self) -> &[u8] {
        self.text.get(self.root.clone()).unwrap_or_default()
    }

    /// A source whose rows are made by the function `read`: it takes them from this document and
    /// sends them to a sink. `found` are the columns that were chosen.
    pub(super) fn source(
        self,
        found: ResolvedColumns,
        options: &LoadOptions,
        read: impl FnOnce(&Self, &mut RecordSink) -> Result<(), ReadFailure> + Send + 'static,
    ) -> Result<Box<dyn Source>, LoadError> {
        let origin = self.origin.clone();
        let reader: RecordReader = Box::new(move |sink| read(&self, sink));
        RecordSourceBuilder::new(origin, found, Crs::LonLat, options).start(vec![reader])
    }
}

/// The range, in bytes, of the value at a JSON path in a document; empty if there is no such value.
fn part_at(text: &[u8], path: &[PathStep]) -> Range<usize> {
    let mut json = text.trim_ascii();
    for step in path {
        let found = match step {
            PathStep::Member(name) => members(json).find(|(key, _)| key == name).map(|m| m.1),
            PathStep::Element(at) => elements(json).nth(*at),
        };
        json = found.map_or(&[], |value| value.json);
    }
    let start = offset_in(text, json);
    start..start + json.len()
}
