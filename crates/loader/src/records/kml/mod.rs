//! Reading of KML (OGC 12-007r2): the points of placemarks, and the positions of their tracks.

mod placemark;

use super::whole::WholeInput;
use super::xml::{self, Slots, XmlEvent, XmlReader};
use super::{ReadFailure, RecordSink};
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::options::LoadOptions;
use crate::source::Source;
use placemark::{PlacemarkRecords, Placemarks};

/// A source that reads an input as KML. Its columns are the texts of placemarks (`name`,
/// `description` …), their times (`when`, `begin`, `end`), and the data of `ExtendedData` by their
/// names. They are looked for in the beginning of the file (its first 256 KiB). Options may also
/// name columns that only later placemarks have.
pub(crate) fn source(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let why = "read as KML: positions from placemarks and their tracks";
    xml::source(input, options, why, columns, read)
}

/// The columns of the placemarks in `sample`, which is the beginning of a file (its first 256 KiB).
fn columns(sample: &[u8], origin: &Origin) -> Slots {
    let mut reader = XmlReader::new(sample, origin.clone());
    let mut placemarks = Placemarks::new(Slots::collecting());
    // A sample usually ends in the middle of an element, which is an error there. An error ends the
    // loop.
    loop {
        match reader.next() {
            Ok(XmlEvent::Start(start)) => placemarks.start(&start),
            Ok(XmlEvent::Empty(start)) => {
                placemarks.start(&start);
                placemarks.end();
            }
            Ok(XmlEvent::End(_)) => placemarks.end(),
            Ok(XmlEvent::Text(_) | XmlEvent::Other) => (),
            Ok(XmlEvent::Eof) | Err(_) => break,
        }
    }
    placemarks.into_slots()
}

/// Sends the positions of all placemarks to a sink. `weight` is the index of the column of weights;
/// `None` if every position counts 1.
fn read(
    xml: WholeInput,
    origin: &Origin,
    slots: Slots,
    weight: Option<usize>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    let mut reader = XmlReader::new(xml, origin.clone());
    let mut placemarks = Placemarks::new(slots);
    let mut records = PlacemarkRecords { weight, sink };
    loop {
        match reader.next()? {
            XmlEvent::Start(start) => placemarks.start(&start),
            XmlEvent::Empty(start) => {
                placemarks.start(&start);
                placemarks.end();
                records.take(&mut placemarks)?;
            }
            XmlEvent::Text(text) => placemarks.text(&text),
            XmlEvent::End(_) => {
                placemarks.end();
                records.take(&mut placemarks)?;
            }
            XmlEvent::Other => (),
            XmlEvent::Eof if placemarks.any() => return Ok(()),
            XmlEvent::Eof => {
                let file = origin.file();
                return Err(match placemarks.links() {
                    0 => LoadError::NoRows { file },
                    links => LoadError::Unsupported {
                        file,
                        message: format!(
                            "this KML has no placemarks, only {links} links to other KML \
                             (NetworkLink), which are not followed; get the linked file and \
                             name that"
                        ),
                    },
                }
                .into());
            }
        }
    }
}
