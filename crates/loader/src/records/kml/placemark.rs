//! Placemarks of KML: a state machine that reads the events of a document, and collects the
//! positions and texts of the placemark that is open.

use crate::messages::shown;
use crate::number;
use crate::records::xml::{SlotTexts, Slots, XmlTag, append};
use crate::records::{Geometry, ReadFailure, RecordSink};
use crate::value::Value;
use std::borrow::Cow;
use std::collections::VecDeque;

/// The number of positions and other geometries of an open placemark that may be in memory: a
/// choice. When there are this many, they are sent before the placemark's end is read, since a
/// track may have millions.
const HELD: usize = 1 << 16;

/// The most bytes that the times of a track may take while they wait for their positions, a choice:
/// 32 MiB are 1.5 million usual times. Most writers put each time beside its position.
const WAITING: usize = 32 << 20;

/// The most bytes of a time's text that are stored: a choice. A longer text is cut off; it is no
/// time.
const TIME: usize = 64;

/// The most bytes of a value of a track's position that are stored: a choice. Longer values are
/// left out.
const VALUE: usize = 256;

/// The name of the column that has the times of positions.
const WHEN: &str = "when";

/// Names of the child elements of a placemark whose texts become columns.
const TEXTS: [&str; 6] = [
    "name",
    "description",
    "address",
    "phoneNumber",
    "styleUrl",
    "visibility",
];

/// An element within a placemark, by the use of its content. A slot is a number that [`Slots`]
/// gives to each element or value that is wanted.
#[derive(Clone, Copy)]
enum PlacemarkElement {
    Placemark,
    /// The element `MultiGeometry` or `MultiTrack`.
    Multi,
    Point,
    /// The element `coordinates` of a point.
    Coordinates,
    Track,
    /// The element `coord` of a track.
    Coord,
    /// The element `when` of a track. The field is the slot of the column of times; `None` if times
    /// aren't wanted.
    When(Option<usize>),
    /// The element `ExtendedData` of a track, or the element `SchemaData` in it.
    TrackData,
    /// The element `SimpleArrayData` of a track. The field is the slot of the array's name; `None`
    /// if the array isn't wanted.
    ArrayData(Option<usize>),
    /// The element `value` of an array. The field is the slot that the array's values belong to.
    ArrayValue(usize),
    /// The element `TimeStamp` or `TimeSpan`.
    Time,
    ExtendedData,
    SchemaData,
    /// The element `Data`. The field is the slot for its value; `None` if the value isn't wanted.
    Data(Option<usize>),
    /// An element whose text is a value. The field is the value's slot; `None` if it isn't wanted,
    /// or if the slot has a text already.
    Text(Option<usize>),
    /// An element that is not read.
    Unread,
}

/// A position of a placemark. Only the positions of tracks have a time and values of their own.
struct PlacemarkPosition {
    /// The longitude and the latitude in degrees. The error is a text that is no position, as
    /// reports show it.
    place: Result<(f64, f64), String>,
    /// The time of a track's position, as a text; `None` if it has none.
    when: Option<String>,
    /// The values of a track's position, each after its slot in [`Slots`].
    values: Vec<(usize, String)>,
}

/// The times of a track for which no positions were read yet, in the order of the track. Each is
/// stored as a byte that states the length of its text, followed by the text.
#[derive(Default)]
struct WaitingTimes(VecDeque<u8>);

impl WaitingTimes {
    /// Adds the text of a time, of which at most [`TIME`] bytes are stored. Returns false if there
    /// is no room for it.
    fn push(&mut self, text: &str) -> bool {
        let text = text.trim();
        let text = text
            .get(..text.floor_char_boundary(TIME))
            .unwrap_or_default();
        let has_room = self.0.len() + text.len() < WAITING;
        if has_room {
            self.0.push_back(text.len() as u8);
            self.0.extend(text.bytes());
        }
        has_room
    }

    /// Removes the first waiting time and returns its text; `None` if no time is waiting.
    fn pop(&mut self) -> Option<String> {
        let length = usize::from(self.0.pop_front()?);
        let text = self.0.drain(..length.min(self.0.len())).collect();
        String::from_utf8(text).ok()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// The track whose closing tag was not read yet.
#[derive(Default)]
struct OpenTrack {
    /// The index, in the `positions` of the placemark, of the first position of this track.
    first: usize,
    /// The number of this track's positions that were sent already.
    sent: usize,
    /// The number of values read so far of the open array. The next value belongs to the position
    /// of the track with this index, counted from 0.
    values: usize,
}

/// The placemark whose closing tag was not read yet.
#[derive(Default)]
struct OpenPlacemark {
    texts: SlotTexts,
    positions: Vec<PlacemarkPosition>,
    /// The times of the open track that wait for their positions to be read.
    whens: WaitingTimes,
    track: OpenTrack,
    /// The names of the types of the placemark's geometries that are no points, for reports.
    others: Vec<&'static str>,
    /// The text read so far of the open element, if its content is positions, a time or the value
    /// of an array.
    text: String,
    /// True if some of the placemark's positions were sent to the sink already.
    sent: bool,
    closed: bool,
}

impl OpenPlacemark {
    /// Gives the text of an array's next value to the next position of the track. Returns false if
    /// that position was sent already, so that it can't get the value.
    fn add_value(&mut self, slot: usize) -> bool {
        let at = self.track.values;
        self.track.values += 1;
        let Some(behind) = at.checked_sub(self.track.sent) else {
            return false;
        };
        let position = self.positions.get_mut(self.track.first + behind);
        let text = self.text.trim();
        if let Some(position) = position
            && !text.is_empty()
            && text.len() <= VALUE
            && position.values.iter().all(|(known, _)| *known != slot)
        {
            position.values.push((slot, text.to_owned()));
        }
        true
    }
}

/// The state of reading a KML document.
pub(super) struct Placemarks {
    slots: Slots,
    /// The elements that are open, from the placemark down to the innermost. Empty outside of
    /// placemarks.
    path: Vec<PlacemarkElement>,
    open: OpenPlacemark,
    any: bool,
    links: u64,
    /// True if a value was read after positions of its placemark were sent, so that these positions
    /// don't have the value.
    late: bool,
    /// True if times of a track were left out, since more than [`WAITING`] bytes of them came
    /// before their positions.
    crowded: bool,
}

impl Placemarks {
    pub(super) fn new(slots: Slots) -> Self {
        Self {
            slots,
            path: Vec::new(),
            open: OpenPlacemark::default(),
            any: false,
            links: 0,
            late: false,
            crowded: false,
        }
    }

    /// Returns true if at least one placemark was read.
    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// The number of links to other files, which are not read.
    pub(super) fn links(&self) -> u64 {
        self.links
    }

    pub(super) fn into_slots(self) -> Slots {
        self.slots
    }

    pub(super) fn start(&mut self, tag: &XmlTag<'_>) {
        let name = tag.local_name();
        let Some(parent) = self.path.last().copied() else {
            match name {
                "Placemark" => self.begin(),
                "NetworkLink" => self.links += 1,
                _ => (),
            }
            return;
        };
        let element = self.element(parent, name, tag);
        match element {
            PlacemarkElement::Coordinates
            | PlacemarkElement::Coord
            | PlacemarkElement::When(_)
            | PlacemarkElement::ArrayValue(_) => {
                self.open.text.clear();
            }
            PlacemarkElement::Track => {
                self.open.track = OpenTrack {
                    first: self.open.positions.len(),
                    ..OpenTrack::default()
                }
            }
            PlacemarkElement::ArrayData(_) => self.open.track.values = 0,
            _ => (),
        }
        self.path.push(element);
    }

    fn begin(&mut self) {
        self.any = true;
        self.path.push(PlacemarkElement::Placemark);
        // The memory of the placemark before is used again.
        let open = &mut self.open;
        open.texts.begin(self.slots.len());
        open.positions.clear();
        open.whens.clear();
        open.others.clear();
        (open.sent, open.closed) = (false, false);
    }

    /// The use of an element in a placemark. It follows from the element's name and from `parent`,
    /// the use of the element around it.
    fn element(
        &mut self,
        parent: PlacemarkElement,
        name: &str,
        tag: &XmlTag<'_>,
    ) -> PlacemarkElement {
        use PlacemarkElement::{
            Data, ExtendedData, Multi, Placemark, Point, SchemaData, Time, Track,
        };
        match (parent, name) {
            (Placemark | Multi, "Point") => Point,
            (Point, "coordinates") => PlacemarkElement::Coordinates,
            (Placemark | Multi, "MultiGeometry" | "MultiTrack") => Multi,
            (Placemark | Multi, "Track") => Track,
            (Track, "coord") => PlacemarkElement::Coord,
            (Track, "when") => PlacemarkElement::When(self.slots.of(WHEN)),
            // What a track has beside positions and times is an array for each name.
            (Track, "ExtendedData") => PlacemarkElement::TrackData,
            (PlacemarkElement::TrackData, "SchemaData") => PlacemarkElement::TrackData,
            (PlacemarkElement::TrackData, "SimpleArrayData") => {
                PlacemarkElement::ArrayData(named(tag, &mut self.slots))
            }
            (PlacemarkElement::ArrayData(Some(slot)), "value") => {
                PlacemarkElement::ArrayValue(slot)
            }
            (Placemark | Multi, "LineString") => self.other("LineString"),
            (Placemark | Multi, "LinearRing") => self.other("LinearRing"),
            (Placemark | Multi, "Polygon") => self.other("Polygon"),
            (Placemark | Multi, "Model") => self.other("Model"),
            (Placemark, "TimeStamp" | "TimeSpan") => Time,
            (Time, "when" | "begin" | "end") => self.slot(name),
            (Placemark, "ExtendedData") => ExtendedData,
            (ExtendedData, "SchemaData") => SchemaData,
            (SchemaData, "SimpleData") => {
                let slot = named(tag, &mut self.slots);
                self.first(slot)
            }
            (ExtendedData, "Data") => Data(named(tag, &mut self.slots)),
            (Data(slot), "value") => self.first(slot),
            (ExtendedData, name) => self.slot(name),
            (Placemark, name) if TEXTS.contains(&name) => self.slot(name),
            _ => PlacemarkElement::Unread,
        }
    }

    fn other(&mut self, name: &'static str) -> PlacemarkElement {
        self.open.others.push(name);
        PlacemarkElement::Unread
    }

    fn slot(&mut self, name: &str) -> PlacemarkElement {
        let slot = self.slots.of(name);
        self.first(slot)
    }

    /// The use of an element whose text is the value of a slot. If the slot has a text already, the
    /// new text is not read.
    fn first(&mut self, slot: Option<usize>) -> PlacemarkElement {
        let texts = &self.open.texts;
        let slot = slot.filter(|at| texts.is_free(*at));
        self.late |= slot.is_some() && self.open.sent;
        PlacemarkElement::Text(slot)
    }

    pub(super) fn text(&mut self, text: &str) {
        let open = &mut self.open;
        match self.path.last() {
            Some(
                PlacemarkElement::Coordinates
                | PlacemarkElement::Coord
                | PlacemarkElement::When(Some(_))
                | PlacemarkElement::ArrayValue(_),
            ) => {
                append(&mut open.text, text);
            }
            Some(PlacemarkElement::Text(Some(slot))) => {
                open.texts.append(*slot, text);
            }
            _ => (),
        }
    }

    pub(super) fn end(&mut self) {
        let open = &mut self.open;
        match self.path.pop() {
            Some(PlacemarkElement::Coordinates) => open.positions.push(PlacemarkPosition {
                place: place(open.text.trim().split(','), &open.text),
                when: None,
                values: Vec::new(),
            }),
            Some(PlacemarkElement::Coord) => {
                let place = place(open.text.split_ascii_whitespace(), &open.text);
                let when = open.whens.pop();
                let values = Vec::new();
                open.positions.push(PlacemarkPosition {
                    place,
                    when,
                    values,
                });
            }
            Some(PlacemarkElement::ArrayValue(slot)) => self.late |= !open.add_value(slot),
            Some(PlacemarkElement::When(Some(_))) => self.crowded |= !open.whens.push(&open.text),
            // Each track has its own times.
            Some(PlacemarkElement::Track) => open.whens.clear(),
            Some(PlacemarkElement::Placemark) => open.closed = true,
            _ => (),
        }
    }
}

/// The slot of the value whose name is in the attribute `name` of a tag; `None` if there is no such
/// attribute or if the value isn't wanted.
fn named(tag: &XmlTag<'_>, slots: &mut Slots) -> Option<usize> {
    let (_, value) = tag.attributes().find(|(name, _)| *name == "name")?;
    let text = quick_xml::escape::unescape(&value).ok()?;
    Some(text.trim())
        .filter(|name| !name.is_empty())
        .and_then(|name| slots.of(name))
}

/// Returns the longitude and the latitude: the first two of `numbers`, the texts of the numbers of
/// one position. `text` is the text that `numbers` were split from. If it isn't exactly one
/// position, the error is `text` as messages quote it.
fn place<'t>(mut numbers: impl Iterator<Item = &'t str>, text: &str) -> Result<(f64, f64), String> {
    let mut number = || number::parse(numbers.next()?.as_bytes());
    let (lon, lat) = (number(), number());
    // An altitude is a number too. A second position would follow it after a blank.
    let rest = numbers.all(|altitude| number::parse(altitude.as_bytes()).is_some());
    match (lon, lat) {
        (Some(lon), Some(lat)) if rest => Ok((lon, lat)),
        _ => Err(format!("coordinates {}", shown(text.trim().as_bytes()))),
    }
}

/// A sender of the positions of placemarks to a sink.
pub(super) struct PlacemarkRecords<'j> {
    /// The index of the column of weights; `None` if every position counts 1.
    pub(super) weight: Option<usize>,
    pub(super) sink: &'j mut RecordSink,
}

impl PlacemarkRecords<'_> {
    /// Sends the positions and other geometries of the open placemark if the placemark's end was
    /// read, or if at least [`HELD`] of them are in memory.
    pub(super) fn take(&mut self, placemarks: &mut Placemarks) -> Result<(), ReadFailure> {
        let closed = std::mem::take(&mut placemarks.open.closed);
        let held = placemarks.open.positions.len() + placemarks.open.others.len();
        if !closed && held < HELD {
            return Ok(());
        }
        let (slots, open) = (&placemarks.slots, &mut placemarks.open);
        if open.positions.is_empty() && open.others.is_empty() && !open.sent {
            let geometry = Geometry::Nothing("placemark without geometry");
            return self.send(slots, &open.texts, Ok(geometry), (None, &[]));
        }
        open.sent = true;
        let track = &mut open.track;
        track.sent += open.positions.len().saturating_sub(track.first);
        track.first = 0;
        for position in open.positions.drain(..) {
            let place = position.place.map(|(lon, lat)| Geometry::Point(lon, lat));
            let own = (position.when, &*position.values);
            self.send(slots, &open.texts, place, own)?;
        }
        for name in open.others.drain(..) {
            self.send(slots, &open.texts, Ok(Geometry::Other(name)), (None, &[]))?;
        }
        if std::mem::take(&mut placemarks.late) {
            self.sink.note(format!(
                "values that come after the first {HELD} positions of their placemark are not \
                 those of these positions"
            ));
        }
        if std::mem::take(&mut placemarks.crowded) {
            self.sink.note(format!(
                "a track has times of over {WAITING} bytes before its positions; the positions \
                 after that have no time"
            ));
        }
        Ok(())
    }

    /// Sends one record: a position or another geometry, the texts of the placemark by their slots,
    /// and the time and the values of the position, each value after its slot.
    fn send(
        &mut self,
        slots: &Slots,
        texts: &SlotTexts,
        place: Result<Geometry<'_>, String>,
        (when, values): (Option<String>, &[(usize, String)]),
    ) -> Result<(), ReadFailure> {
        let own = when.and_then(|when| Some((slots.column(WHEN)?, when)));
        let value = |column: usize| match &own {
            Some((time, text)) if *time == column => Value::Text(Cow::Borrowed(text)),
            _ if values.is_empty() => slots.value(texts, column),
            _ => match values.iter().find(|(slot, _)| slots.is_of(*slot, column)) {
                Some((_, text)) => Value::Text(Cow::Borrowed(text)),
                None => slots.value(texts, column),
            },
        };
        if !self.sink.selects(|column| value(column).into_owned())? {
            return Ok(());
        }
        let weight = self.weight.map(value);
        match place {
            Ok(geometry) => self.sink.record(geometry, weight.as_ref())?,
            Err(found) => self.sink.malformed(found),
        }
        Ok(())
    }
}
