//! Descriptions of Darwin Core archives (`meta.xml`, the Darwin Core text guide of TDWG), as GBIF
//! writes them: which file has the records, and how its text is delimited.

use super::xml::{XmlEvent, XmlReader, XmlTag, append};
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::{LoadOptions, Quote};
use std::borrow::Cow;
use std::io::BufRead;

/// The name of the file that describes an archive.
pub(crate) const META: &str = "meta.xml";

/// The file that has the core records of a Darwin Core archive, and the description of its text. A
/// field is `None` if `meta.xml` doesn't state it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct CoreFile {
    /// The name of the file, relative to the folder of `meta.xml`.
    pub(crate) location: String,
    delimiter: Option<u8>,
    quote: Option<Quote>,
    encoding: Option<String>,
    has_header: bool,
    /// The index of the column of longitudes, counted from 0.
    longitude: Option<usize>,
    latitude: Option<usize>,
}

impl CoreFile {
    /// Reads the description of an archive from `meta`. `None` if the XML describes something else.
    pub(crate) fn read(meta: impl BufRead, origin: &Origin) -> Result<Option<Self>, LoadError> {
        let mut reader = XmlReader::new(meta, origin.clone());
        let mut core: Option<Self> = None;
        let (mut is_core, mut is_location) = (false, false);
        loop {
            match reader.next()? {
                XmlEvent::Start(tag) => match tag.local_name() {
                    "core" => {
                        is_core = true;
                        core = Some(Self::new(&tag));
                    }
                    "location" => is_location = is_core,
                    "field" => note_field(&mut core, is_core, &tag),
                    _ => (),
                },
                XmlEvent::Empty(tag) if tag.local_name() == "field" => {
                    note_field(&mut core, is_core, &tag);
                }
                XmlEvent::Text(text) if is_location => {
                    if let Some(core) = &mut core {
                        append(&mut core.location, text.trim());
                    }
                }
                XmlEvent::End(name) => match name {
                    "core" => is_core = false,
                    "location" => is_location = false,
                    _ => (),
                },
                XmlEvent::Eof => return Ok(core.filter(|core| !core.location.is_empty())),
                _ => (),
            }
        }
    }

    fn new(tag: &XmlTag<'_>) -> Self {
        let text = |name| tag.attribute(name).map(Cow::into_owned);
        let delimiter = text("fieldsTerminatedBy").unwrap_or_else(|| ",".to_owned());
        let quote = text("fieldsEnclosedBy").unwrap_or_else(|| "\"".to_owned());
        Self {
            delimiter: match delimiter.as_bytes() {
                b"\\t" => Some(b'\t'),
                [byte] => Some(*byte),
                _ => None,
            },
            quote: match quote.as_bytes() {
                [] => Some(Quote::None),
                // The usual quote is looked at as in any text.
                b"\"" => None,
                [byte] => Some(Quote::Byte(*byte)),
                _ => None,
            },
            encoding: text("encoding"),
            has_header: text("ignoreHeaderLines").is_some_and(|lines| lines.trim() != "0"),
            ..Self::default()
        }
    }

    /// The options for reading the core file. What the caller has set takes precedence over the
    /// description.
    pub(crate) fn options(&self, options: &LoadOptions) -> LoadOptions {
        let mut all = options.clone();
        all.delimiter = all.delimiter.or(self.delimiter);
        all.quote = all.quote.or(self.quote);
        let other = self
            .encoding
            .as_ref()
            .filter(|name| !name.eq_ignore_ascii_case("utf-8"));
        all.encoding = all.encoding.or(other.and_then(|name| name.parse().ok()));
        if !self.has_header && all.lon.is_none() && all.lat.is_none() {
            let number = |at: Option<usize>| at.map(|at| (at + 1).to_string());
            (all.lon, all.lat) = (number(self.longitude), number(self.latitude));
        }
        all
    }
}

/// Records the index of the column that a `<field>` describes, if this is the longitude or the
/// latitude of the core records.
fn note_field(core: &mut Option<CoreFile>, is_core: bool, tag: &XmlTag<'_>) {
    let Some(core) = core.as_mut().filter(|_| is_core) else {
        return;
    };
    let term = tag.attribute("term").unwrap_or_default();
    let at = tag.attribute("index").and_then(|index| index.parse().ok());
    match term.rsplit('/').next() {
        Some("decimalLongitude") => core.longitude = at,
        Some("decimalLatitude") => core.latitude = at,
        _ => (),
    }
}
