//! Reading of TCX, Garmin's format of activities and courses: the positions of trackpoints.

use super::whole::WholeInput;
use super::xml::{self, SlotTexts, Slots, XmlEvent, XmlReader};
use super::{Geometry, ReadFailure, RecordSink};
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::messages::shown;
use crate::number;
use crate::options::LoadOptions;
use crate::source::Source;

/// Elements inside trackpoints that only contain other elements. They are no columns.
const CONTAINERS: [&str; 3] = ["Extensions", "TPX", "Position"];

/// A source that reads an input as TCX. Its columns are the elements inside trackpoints: `Time`,
/// `AltitudeMeters`, `HeartRateBpm`, `Speed` and others. They are looked for in the beginning of
/// the file (its first 256 KiB). Options may also name elements that only later trackpoints have.
pub(crate) fn source(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let why = "read as TCX: positions from trackpoints";
    xml::source(input, options, why, columns, read)
}

/// The columns of the trackpoints in `sample`, the beginning of a file (its first 256 KiB).
fn columns(sample: &[u8], origin: &Origin) -> Slots {
    let mut trackpoints = Trackpoints::new(Slots::collecting());
    let mut reader = XmlReader::new(sample, origin.clone());
    // A sample usually ends in the middle of an element, which is an error there.
    while let Ok(event) = reader.next() {
        match event {
            XmlEvent::Start(start) => trackpoints.start(start.local_name()),
            XmlEvent::End(_) => drop(trackpoints.end()),
            XmlEvent::Eof => break,
            _ => (),
        }
    }
    trackpoints.slots
}

/// Sends the positions of all trackpoints to a sink. `weight` is the index of the column of
/// weights; `None` if every trackpoint counts 1.
fn read(
    xml: WholeInput,
    origin: &Origin,
    slots: Slots,
    weight: Option<usize>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    let mut reader = XmlReader::new(xml, origin.clone());
    let mut trackpoints = Trackpoints::new(slots);
    loop {
        let is_point = match reader.next()? {
            XmlEvent::Start(start) => {
                trackpoints.start(start.local_name());
                false
            }
            XmlEvent::Empty(start) => {
                trackpoints.start(start.local_name());
                trackpoints.end()
            }
            XmlEvent::Text(text) => {
                trackpoints.text(&text);
                false
            }
            XmlEvent::End(_) => trackpoints.end(),
            XmlEvent::Other => false,
            XmlEvent::Eof => return Ok(()),
        };
        if is_point {
            trackpoints.send(weight, sink)?;
        }
    }
}

/// The slots of the texts of a trackpoint's place.
const LONGITUDE: usize = 0;
const LATITUDE: usize = 1;

/// The use of an element in a trackpoint.
#[derive(Clone, Copy)]
enum TrackpointElement {
    Trackpoint,
    /// A coordinate. The field is [`LONGITUDE`] or [`LATITUDE`].
    Coordinate(usize),
    /// An element whose text is a value. The field is the value's slot (see [`Slots`]); `None` if
    /// the value isn't wanted.
    Text(Option<usize>),
}

/// The state of reading a document: the trackpoint that is open.
struct Trackpoints {
    slots: Slots,
    /// The elements that are open, from the trackpoint down to the innermost. Empty outside of
    /// trackpoints.
    path: Vec<TrackpointElement>,
    place: SlotTexts,
    texts: SlotTexts,
}

impl Trackpoints {
    fn new(slots: Slots) -> Self {
        Self {
            slots,
            path: Vec::new(),
            place: SlotTexts::default(),
            texts: SlotTexts::default(),
        }
    }

    fn start(&mut self, name: &str) {
        let element = match (self.path.last(), name) {
            (None, "Trackpoint") => {
                self.place.begin(2);
                self.texts.begin(self.slots.len());
                TrackpointElement::Trackpoint
            }
            (None, _) => return,
            (_, "LongitudeDegrees") => TrackpointElement::Coordinate(LONGITUDE),
            (_, "LatitudeDegrees") => TrackpointElement::Coordinate(LATITUDE),
            // A heart rate is an element with this one inside.
            (Some(outer @ TrackpointElement::Text(_)), "Value") => *outer,
            (_, name) if CONTAINERS.contains(&name) => TrackpointElement::Text(None),
            (_, name) => TrackpointElement::Text(self.slots.of(name)),
        };
        self.path.push(element);
    }

    fn text(&mut self, text: &str) {
        match self.path.last() {
            Some(TrackpointElement::Coordinate(axis)) => self.place.append(*axis, text),
            Some(TrackpointElement::Text(Some(slot))) => self.texts.append(*slot, text),
            _ => (),
        }
    }

    /// Handles the end of an element. Returns true if the element is a trackpoint.
    fn end(&mut self) -> bool {
        matches!(self.path.pop(), Some(TrackpointElement::Trackpoint))
    }

    /// Sends the trackpoint that was read last.
    fn send(&self, weight: Option<usize>, sink: &mut RecordSink) -> Result<(), ReadFailure> {
        let value = |column: usize| self.slots.value(&self.texts, column);
        if !sink.selects(|column| value(column).into_owned())? {
            return Ok(());
        }
        let weight = weight.map(value);
        let number = |name: &str, axis: usize| {
            let text = self.place.get(axis).unwrap_or_default();
            let found = || format!("{name} {}", shown(text.trim().as_bytes()));
            number::parse(text.as_bytes()).ok_or_else(found)
        };
        if self.place.is_free(LONGITUDE) && self.place.is_free(LATITUDE) {
            // Indoors, and while there is no reception.
            let geometry = Geometry::Nothing("trackpoint without position");
            return Ok(sink.record(geometry, weight.as_ref())?);
        }
        let lon = number("LongitudeDegrees", LONGITUDE);
        let lat = number("LatitudeDegrees", LATITUDE);
        match lon.and_then(|lon| Ok((lon, lat?))) {
            Ok((lon, lat)) => sink.record(Geometry::Point(lon, lat), weight.as_ref())?,
            Err(found) => sink.malformed(found),
        }
        Ok(())
    }
}
