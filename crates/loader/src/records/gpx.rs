//! Reading of GPX: the points of tracks and of routes, and waypoints.

use super::whole::whole;
use super::xml::{SlotTexts, Slots, XmlEvent, XmlReader, XmlTag};
use super::{Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged};
use crate::columns::resolve::{PositionColumns, ResolvedColumns};
use crate::columns::selection::RowSelection;
use crate::columns::{self, Columns, Position, Schema};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::number;
use crate::options::LoadOptions;
use crate::source::Source;
use std::io::BufRead;

/// Names of the XML elements that hold a position.
const POINTS: [&str; 3] = ["trkpt", "wpt", "rtept"];

/// A source that reads an input as GPX. Its columns are the elements inside points, for example
/// `ele`, `time`, or `hr` of an extension. They are looked for in the beginning of the file (its
/// first 256 KiB). The options for the weight, the filter and kept columns may also name other
/// elements, which later points may have.
pub(crate) fn source(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let seen = elements(&sample, &origin).into_columns(options);
    let schema = Schema {
        names: &seen,
        file: &origin.name,
    };
    let selection = RowSelection::resolve(options, schema)?;
    let weight = options
        .weight
        .as_ref()
        .filter(|name| !name.eq_ignore_ascii_case("none"))
        .and_then(|name| columns::named(&seen, name));
    let weight_name = weight.and_then(|at| seen.get(at));
    let why = match weight_name {
        Some(name) => format!("weight from <{name}>"),
        None => "every point counts 1 (`weight` ele takes the elevation)".to_owned(),
    };
    let slots = Slots::wanted(&seen, weight, &selection);
    let columns = Columns {
        position: Position::Geometry,
        geometry: None,
        weight: weight_name.cloned(),
        kept: selection.names(&seen),
        guess: None,
        why: format!("positions from tracks, routes and waypoints, {why}"),
        seen,
    };
    let errors = origin.clone();
    let text = whole(sample, rest);
    let reader: RecordReader = Box::new(move |sink| {
        let mut points = PointReader {
            slots,
            weight,
            sink,
        };
        points.read(text, &errors)
    });
    let found = ResolvedColumns {
        columns,
        position: PositionColumns::Geometry(None),
        weight,
        selection,
    };
    RecordSourceBuilder::new(origin, found, Crs::LonLat, options).start(vec![reader])
}

/// The names of the elements inside points, in the order in which they first appear in `sample`,
/// the beginning of a file (its first 256 KiB).
fn elements(sample: &[u8], origin: &Origin) -> Slots {
    let mut reader = XmlReader::new(sample, origin.clone());
    let (mut slots, mut within) = (Slots::collecting(), false);
    // A sample usually ends in the middle of an element, which is an error there. An error ends
    // the loop.
    while let Ok(event) = reader.next() {
        match event {
            XmlEvent::Start(start) if is_point(&start) => within = true,
            XmlEvent::Start(start) if within => {
                let name = start.local_name();
                if name != "extensions" {
                    slots.of(name);
                }
            }
            XmlEvent::End(end) if POINTS.contains(&end) => within = false,
            XmlEvent::Eof => break,
            _ => (),
        }
    }
    slots
}

/// A point whose closing tag was not read yet.
struct OpenPoint {
    place: Result<(f64, f64), String>,
    /// The text read so far of each wanted element, by the element's slot (see [`Slots`]).
    texts: SlotTexts,
}

/// A reader that makes points of XML elements and sends them to a sink.
struct PointReader<'j> {
    slots: Slots,
    /// The index, among the source's columns, of the element that holds a point's weight; `None` if
    /// every point has the weight 1.
    weight: Option<usize>,
    sink: &'j mut RecordSink,
}

impl PointReader<'_> {
    fn read(&mut self, xml: impl BufRead, origin: &Origin) -> Result<(), ReadFailure> {
        let mut reader = XmlReader::new(xml, origin.clone());
        let mut point: Option<OpenPoint> = None;
        // The slot of the element that is open; `None` if it isn't wanted.
        let mut element: Option<usize> = None;
        let mut any = false;
        loop {
            match reader.next()? {
                XmlEvent::Start(start) if is_point(&start) => {
                    any = true;
                    point = Some(self.open(&start));
                }
                XmlEvent::Empty(start) if is_point(&start) => {
                    any = true;
                    let point = self.open(&start);
                    self.finish(point)?;
                }
                XmlEvent::Start(start) => element = self.slots.of(start.local_name()),
                XmlEvent::Text(text) => note(&mut point, element, &text),
                XmlEvent::End(end) => {
                    element = None;
                    if POINTS.contains(&end)
                        && let Some(point) = point.take()
                    {
                        self.finish(point)?;
                    }
                }
                XmlEvent::Eof if !any => {
                    let message = "no trkpt, wpt or rtept in it";
                    return Err(damaged(origin, "end of the file", message).into());
                }
                XmlEvent::Eof => return Ok(()),
                _ => (),
            }
        }
    }

    fn open(&self, start: &XmlTag<'_>) -> OpenPoint {
        let mut texts = SlotTexts::default();
        texts.begin(self.slots.len());
        OpenPoint {
            place: place(start),
            texts,
        }
    }

    fn finish(&mut self, point: OpenPoint) -> Result<(), ReadFailure> {
        let value = |column: usize| self.slots.value(&point.texts, column);
        if !self.sink.selects(|column| value(column).into_owned())? {
            return Ok(());
        }
        let weight = self.weight.map(value);
        match point.place {
            Ok((lon, lat)) => self
                .sink
                .record(Geometry::Point(lon, lat), weight.as_ref())?,
            Err(found) => self.sink.malformed(found),
        }
        Ok(())
    }
}

/// Appends `text` to the text of an element of the open point. `element` is the element's slot;
/// `None` if the element isn't wanted. Does nothing then, or if no point is open.
fn note(point: &mut Option<OpenPoint>, element: Option<usize>, text: &str) {
    if let Some((point, slot)) = point.as_mut().zip(element) {
        point.texts.append(slot, text);
    }
}

fn is_point(start: &XmlTag<'_>) -> bool {
    POINTS.contains(&start.local_name())
}

/// The longitude and the latitude in degrees, from the attributes of a point. The error describes
/// the attribute that is missing or malformed.
fn place(start: &XmlTag<'_>) -> Result<(f64, f64), String> {
    let attribute = |name: &str| {
        let found = start.first_attribute(name);
        let found = found.ok_or_else(|| format!("a point without {name}"))?;
        number::parse(found.as_bytes())
            .ok_or_else(|| format!("{name} {}", crate::messages::shown(found.as_bytes())))
    };
    Ok((attribute("lon")?, attribute("lat")?))
}
