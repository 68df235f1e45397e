//! Reading of GPX: the points of tracks and of routes, and waypoints.

use super::{
    Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged, unreadable,
};
use crate::columns::resolve::{PositionColumns, ResolvedColumns};
use crate::columns::selection::RowSelection;
use crate::columns::{self, Columns, Position, Schema};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::number;
use crate::options::LoadOptions;
use crate::source::Source;
use crate::value::Value;
use quick_xml::events::{BytesStart, Event};
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// Names of the XML elements that hold a position.
const POINTS: [&str; 3] = ["trkpt", "wpt", "rtept"];

/// The most bytes that are kept of one text inside a point, a choice: 4 KiB. A longer text is cut
/// off.
const LONGEST: usize = 4 << 10;

/// The most bytes that one tag, text or comment may have, a choice: 16 MiB. Each of them is held in
/// memory as a whole.
const ENDLESS: usize = 16 << 20;

/// The most levels to which elements may be nested: a choice.
const DEPTH: usize = 1000;

/// A source that reads an input as GPX. Its columns are the elements inside points, for example
/// `ele`, `time`, or `hr` of an extension. The elements of the first points are known before the
/// file is read. The options for the weight, the filter and kept columns may also name other
/// elements, which later points may have.
pub(crate) fn source(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let mut seen = elements(&sample);
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
    let schema = Schema {
        names: &seen,
        file: &origin.name,
    };
    let selection = RowSelection::resolve(options, schema)?;
    let weight = weight.and_then(|name| columns::named(&seen, name));
    let weight_name = weight.and_then(|at| seen.get(at));
    let why = match weight_name {
        Some(name) => format!("weight from <{name}>"),
        None => "every point counts 1 (`weight` ele takes the elevation)".to_owned(),
    };
    let wanted: Vec<(usize, String)> = weight
        .into_iter()
        .chain(selection.places())
        .filter_map(|at| Some((at, seen.get(at)?.clone())))
        .collect();
    let columns = Columns {
        position: Position::Geometry,
        weight: weight_name.cloned(),
        kept: selection.names(&seen),
        guess: None,
        why: format!("positions from tracks, routes and waypoints, {why}"),
        seen,
    };
    let errors = origin.clone();
    let xml = BufReader::new(Cursor::new(sample).chain(rest));
    let reader: RecordReader = Box::new(move |sink| {
        let mut points = PointReader {
            wanted,
            weight,
            sink,
        };
        points.read(xml, &errors)
    });
    let found = ResolvedColumns {
        columns,
        position: PositionColumns::Geometry(None),
        weight,
        selection,
    };
    RecordSourceBuilder::new(origin, found, Crs::LonLat, options).start(vec![reader])
}

/// The names of the elements inside points, in the order in which they first appear. `sample` is
/// the beginning of a file.
fn elements(sample: &[u8]) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_reader(sample);
    let (mut seen, mut within, mut buffer) = (Vec::new(), false, Vec::new());
    // A sample usually ends in the middle of an element, which is an error there. An error ends the
    // loop.
    while let Ok(event) = reader.read_event_into(&mut buffer) {
        match event {
            Event::Start(start) if is_point(&start) => within = true,
            Event::Start(start) if within => {
                let name = start.local_name().as_ref().to_owned();
                if name != "extensions" && !seen.contains(&name) {
                    seen.push(name);
                }
            }
            Event::End(end) if POINTS.contains(&end.local_name().as_ref()) => within = false,
            Event::Eof => break,
            _ => (),
        }
        buffer.clear();
    }
    seen
}

/// A point whose closing tag is not read yet.
struct OpenPoint {
    place: Result<(f64, f64), String>,
    /// The texts of the wanted elements, as far as they are read. `None` for an element that didn't
    /// appear yet.
    texts: Vec<Option<String>>,
}

/// A reader that makes points of XML elements and sends them to a sink.
struct PointReader<'j> {
    /// The elements whose texts are read. Each is the number of its column and its name.
    wanted: Vec<(usize, String)>,
    /// The number of the column of weights; `None` if every point counts 1.
    weight: Option<usize>,
    sink: &'j mut RecordSink,
}

impl PointReader<'_> {
    fn read(&mut self, xml: impl BufRead, origin: &Origin) -> Result<(), ReadFailure> {
        let mut reader = quick_xml::Reader::from_reader(BoundedReader::new(xml));
        let mut buffer = Vec::new();
        let mut point: Option<OpenPoint> = None;
        // The index in `wanted` of the element that is open; `None` if it isn't wanted.
        let mut element: Option<usize> = None;
        let (mut any, mut depth) = (false, 0usize);
        loop {
            buffer.clear();
            reader.get_mut().passed = 0;
            let event = reader.read_event_into(&mut buffer).map_err(|error| {
                let place = format!("byte {}", reader.error_position());
                match error {
                    quick_xml::Error::Io(error) => unreadable(
                        origin,
                        place,
                        io::Error::new(error.kind(), error.to_string()),
                    ),
                    other => damaged(origin, place, other),
                }
            })?;
            match event {
                Event::Start(_) if depth >= DEPTH => {
                    let place = format!("byte {}", reader.buffer_position());
                    let message = format!("more than {DEPTH} elements within each other");
                    return Err(damaged(origin, place, message).into());
                }
                Event::Start(_) => depth += 1,
                Event::End(_) => depth = depth.saturating_sub(1),
                _ => (),
            }
            match event {
                Event::Start(start) if is_point(&start) => {
                    any = true;
                    point = Some(self.open(&start));
                }
                Event::Empty(start) if is_point(&start) => {
                    any = true;
                    let point = self.open(&start);
                    self.finish(point)?;
                }
                Event::Start(start) => {
                    let name = start.local_name();
                    let is_it = |wanted: &(usize, String)| wanted.1 == name.as_ref();
                    element = self.wanted.iter().position(is_it);
                }
                Event::Text(text) => note(&mut point, element, &text),
                Event::CData(text) => note(&mut point, element, &text),
                Event::GeneralRef(name) => {
                    let meant = match name.resolve_char_ref() {
                        Ok(Some(c)) => Some(c.to_string()),
                        _ => quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned),
                    };
                    note(&mut point, element, meant.as_deref().unwrap_or_default());
                }
                Event::End(end) => {
                    element = None;
                    if POINTS.contains(&end.local_name().as_ref())
                        && let Some(point) = point.take()
                    {
                        self.finish(point)?;
                    }
                }
                // If an element is not closed at the end of the file, the file was cut off.
                Event::Eof if depth > 0 || !any => {
                    let message = if depth > 0 {
                        "it is cut off: the last element is not closed"
                    } else {
                        "no trkpt, wpt or rtept in it"
                    };
                    return Err(damaged(origin, "end of the file", message).into());
                }
                Event::Eof => return Ok(()),
                _ => (),
            }
        }
    }

    fn open(&self, start: &BytesStart<'_>) -> OpenPoint {
        OpenPoint {
            place: place(start),
            texts: vec![None; self.wanted.len()],
        }
    }

    fn finish(&mut self, point: OpenPoint) -> Result<(), ReadFailure> {
        let value = |column: usize| {
            let at = self.wanted.iter().position(|wanted| wanted.0 == column);
            let text = at.and_then(|at| point.texts.get(at).cloned().flatten());
            let text = text.filter(|text| !text.trim().is_empty());
            text.map_or(Value::Null, Value::text)
        };
        if !self.sink.selects(value)? {
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

/// Appends a part of a text to the text of the open element. The parser splits a text at its
/// entities.
fn note(point: &mut Option<OpenPoint>, element: Option<usize>, text: &str) {
    let place = point.as_mut().zip(element);
    let Some(known) = place.and_then(|(point, at)| point.texts.get_mut(at)) else {
        return;
    };
    let known = known.get_or_insert_default();
    let room = LONGEST.saturating_sub(known.len());
    known.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or(text));
}

fn is_point(start: &BytesStart<'_>) -> bool {
    POINTS.contains(&start.local_name().as_ref())
}

/// Longitude and latitude, from the attributes of a point. The error describes the attribute that
/// is missing or malformed.
fn place(start: &BytesStart<'_>) -> Result<(f64, f64), String> {
    let attribute = |name: &str| {
        let found = start.try_get_attribute(name).ok().flatten();
        let found = found.ok_or_else(|| format!("a point without {name}"))?;
        number::parse(found.value.as_bytes())
            .ok_or_else(|| format!("{name} {}", crate::messages::shown(found.value.as_bytes())))
    };
    Ok((attribute("lon")?, attribute("lat")?))
}
