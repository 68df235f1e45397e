//! GPX: the points of tracks, routes and waypoints.

use super::{Ended, Geometry, Judge, Opening, Reader, damaged, unreadable};
use crate::batch::Amount;
use crate::columns::{Columns, Position};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::number;
use crate::open::Options;
use crate::source::Source;
use quick_xml::events::{BytesStart, Event};
use std::io::{BufRead, BufReader, Cursor, Read};

/// The elements that have a position.
const POINTS: [&str; 3] = ["trkpt", "wpt", "rtept"];

/// A source that reads an input as GPX. The weight may be any element within a point that
/// holds a number: `ele`, `hr` of an extension.
pub(crate) fn source(input: Input, options: &Options) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    if options.filter.is_some() {
        return Err(LoadError::BadOption {
            file: origin.file(),
            parameter: "--filter",
            message: "GPX has no columns to filter by; leave the option out".into(),
        });
    }
    let weight = options
        .weight
        .clone()
        .filter(|name| !name.eq_ignore_ascii_case("none"));
    let why = match &weight {
        Some(name) => format!("weight from <{name}>"),
        None => "every point counts 1 (--weight ele takes the elevation)".to_owned(),
    };
    let columns = Columns {
        seen: weight.iter().cloned().collect(),
        position: Position::Geometry,
        weight: weight.clone(),
        why: format!("positions from tracks, routes and waypoints, {why}"),
    };
    let errors = origin.clone();
    let xml = BufReader::new(Cursor::new(sample).chain(rest));
    let reader: Reader = Box::new(move |judge| read(xml, weight.as_deref(), &errors, judge));
    let opening = Opening {
        origin,
        columns,
        crs: Crs::LonLat,
        filter: None,
        within: options.within,
        strict: options.strict,
    };
    opening.start(vec![reader])
}

/// A point whose end has not come yet.
struct Open {
    place: Result<(f64, f64), String>,
    weight: Amount,
}

fn read(
    xml: impl BufRead,
    weight: Option<&str>,
    origin: &Origin,
    judge: &mut Judge,
) -> Result<(), Ended> {
    let mut reader = quick_xml::Reader::from_reader(xml);
    let mut buffer = Vec::new();
    let mut point: Option<Open> = None;
    // whether the text that comes is the weight's
    let mut weighing = false;
    let mut any = false;
    let missing = || {
        if weight.is_some() {
            Amount::Missing
        } else {
            Amount::Unused
        }
    };
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|error| {
            let place = format!("byte {}", reader.error_position());
            match error {
                quick_xml::Error::Io(error) => unreadable(
                    origin,
                    place,
                    std::io::Error::new(error.kind(), error.to_string()),
                ),
                other => damaged(origin, place, other),
            }
        })?;
        match event {
            Event::Start(start) if is_point(&start) => {
                any = true;
                point = Some(Open {
                    place: place(&start),
                    weight: missing(),
                });
            }
            Event::Empty(start) if is_point(&start) => {
                any = true;
                finish(
                    judge,
                    Open {
                        place: place(&start),
                        weight: missing(),
                    },
                )?;
            }
            Event::Start(start) => {
                weighing = weight.is_some_and(|w| start.local_name().as_ref() == w)
            }
            Event::Text(text) if weighing => {
                if let Some(point) = &mut point {
                    point.weight = Amount::Text(text.to_string());
                }
            }
            Event::End(end) => {
                weighing = false;
                if POINTS.contains(&end.local_name().as_ref())
                    && let Some(point) = point.take()
                {
                    finish(judge, point)?;
                }
            }
            Event::Eof if point.is_some() || !any => {
                let message = if any {
                    "the last point is not closed"
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

fn is_point(start: &BytesStart<'_>) -> bool {
    POINTS.contains(&start.local_name().as_ref())
}

fn finish(judge: &mut Judge, point: Open) -> Result<(), Ended> {
    match point.place {
        Ok((lon, lat)) => judge.record(Geometry::Point(lon, lat), &point.weight)?,
        Err(found) => judge.malformed(found),
    }
    Ok(())
}

/// Longitude and latitude of a point's attributes, or what is there instead.
fn place(start: &BytesStart<'_>) -> Result<(f64, f64), String> {
    let attribute = |name: &str| {
        let found = start.try_get_attribute(name).ok().flatten();
        let found = found.ok_or_else(|| format!("a point without {name}"))?;
        number::parse(found.value.as_bytes())
            .ok_or_else(|| format!("{name} {}", crate::report::shown(found.value.as_bytes())))
    };
    Ok((attribute("lon")?, attribute("lat")?))
}
