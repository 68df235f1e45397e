//! The points in GeoJSON objects.

use super::extent;
use super::object::{Kind, Object, property};
use crate::batch::{Batch, Weight};
use crate::blocks::{Block, Place};
use crate::error::LoadError;
use crate::input::Origin;
use crate::pipeline::Parser;
use crate::report::{Report, Skip, shown};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Objects within objects that are followed: feature, geometry, and collections of collections.
const DEPTH: usize = 16;

/// Makes points of features.
pub(crate) struct Features {
    pub(crate) origin: Origin,
    /// The property of weights.
    pub(crate) weight: Option<String>,
    /// Whether that property was asked for, but was not among the first features'.
    pub(crate) unseen: Option<Vec<String>>,
    /// Whether each item is a line of its own: then malformed JSON costs a row, not the file.
    pub(crate) lines: bool,
}

/// One item being read: what its rows need to know.
struct Reading<'a, L> {
    features: &'a Features,
    batch: &'a mut Batch,
    line: L,
}

impl<L: FnMut() -> u64> Reading<'_, L> {
    fn skip(&mut self, skip: Skip, found: impl FnOnce() -> String) {
        let line = &mut self.line;
        self.batch.report.skip(skip, || (line(), found()));
    }

    /// The rows of an object. `properties` are those of the feature around it.
    fn object(
        &mut self,
        text: &[u8],
        properties: Option<&RawValue>,
        depth: usize,
    ) -> Result<(), serde_json::Error> {
        if depth == 0 {
            self.skip(Skip::Malformed, || "collections nested too deeply".into());
            return Ok(());
        }
        let object = Object::read(text)?;
        let members = |list: Option<Vec<_>>| list.unwrap_or_default();
        match object.kind() {
            Kind::FeatureCollection => {
                for feature in members(object.features) {
                    self.object(feature.get().as_bytes(), None, depth - 1)?;
                }
            }
            Kind::Feature => match object.geometry {
                Some(geometry) => {
                    self.object(geometry.get().as_bytes(), object.properties, depth - 1)?;
                }
                None => self.skip(Skip::NoPosition, || "geometry null".into()),
            },
            Kind::GeometryCollection => {
                let geometries = members(object.geometries);
                if geometries.is_empty() {
                    self.skip(Skip::NoPosition, || "empty GeometryCollection".into());
                }
                for geometry in geometries {
                    self.object(geometry.get().as_bytes(), properties, depth - 1)?;
                }
            }
            Kind::Point => {
                let weight = self.weight(properties);
                self.position(coordinates(&object), weight.as_deref());
            }
            Kind::MultiPoint => {
                let weight = self.weight(properties);
                let coordinates = coordinates(&object);
                if extent::elements(coordinates).next().is_none() {
                    self.skip(Skip::NoPosition, || "empty MultiPoint".into());
                }
                for position in extent::elements(coordinates) {
                    self.position(position, weight.as_deref());
                }
            }
            Kind::Extended(name) => self.skip(Skip::NotAPoint, || format!("geometry {name}")),
            Kind::Unknown(name) => self.skip(Skip::Malformed, || {
                format!("type {}, which is no GeoJSON", shown(name.as_bytes()))
            }),
        }
        Ok(())
    }

    /// One position and so one row.
    fn position(&mut self, position: &[u8], weight: Option<&[u8]>) {
        let mut axes = extent::elements(position);
        let mut axis = || axes.next().filter(|a| *a != b"null");
        let (Some(lon), Some(lat)) = (axis(), axis()) else {
            return self.skip(Skip::NoPosition, || {
                format!("coordinates {}", shown(position))
            });
        };
        let weight = weight.map_or(Weight::Unused, Weight::Text);
        if let Err(refused) = self.batch.keep(lon, lat, weight) {
            let line = &mut self.line;
            self.batch
                .report
                .skip(refused.skip, || (line(), refused.found()));
        }
    }

    /// The text of the weight, empty if it is missing; `None` if weights are not used.
    fn weight<'p>(&self, properties: Option<&'p RawValue>) -> Option<Cow<'p, [u8]>> {
        let name = self.features.weight.as_deref()?;
        let Some(value) = properties.and_then(|p| property(p, name)) else {
            return Some(Cow::Borrowed(b""));
        };
        // A number in quotes is read by the same rule as a field of CSV.
        Some(match serde_json::from_str::<String>(value.get()) {
            Ok(text) => Cow::Owned(text.into_bytes()),
            Err(_) => Cow::Borrowed(value.get().as_bytes()),
        })
    }
}

fn coordinates<'a>(object: &Object<'a>) -> &'a [u8] {
    object.coordinates.map_or(b"", |c| c.get().as_bytes())
}

impl Parser for Features {
    fn parse(&self, block: &Block, batch: &mut Batch) -> Result<(), LoadError> {
        // Lines are counted only up to the last item that needed to know.
        let (mut counted, mut place) = (0, block.start);
        for range in &block.items {
            let Some(text) = block.bytes.get(range.clone()) else {
                continue;
            };
            let mut here = || {
                let passed = block.bytes.get(counted..range.start).unwrap_or_default();
                place = place.after(passed, b'\n');
                counted = range.start;
                place
            };
            let line = || here().line;
            let read = Reading {
                features: self,
                batch: &mut *batch,
                line,
            }
            .object(text, None, DEPTH);
            match read {
                Ok(()) => {}
                Err(error) if self.lines || error.is_data() => {
                    let found = || format!("{}: {}", message(&error), shown(text));
                    batch
                        .report
                        .skip(Skip::Malformed, || (here().line, found()));
                }
                Err(error) => {
                    let Place { line, column } = within(here(), &error);
                    let (file, message) = (self.origin.file(), message(&error));
                    return Err(LoadError::Json {
                        file,
                        line,
                        column,
                        message,
                    });
                }
            }
        }
        Ok(())
    }

    fn finish(&self, report: &Report) -> Result<(), LoadError> {
        match (&self.unseen, &self.weight) {
            (Some(seen), Some(name)) if report.kept == report.weights_missing => {
                Err(LoadError::NoSuchColumn {
                    file: self.origin.file(),
                    parameter: "--weight",
                    name: name.clone(),
                    seen: seen.clone(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Where in the file an item's error is, the item beginning at `start`.
fn within(start: Place, error: &serde_json::Error) -> Place {
    let (line, column) = (error.line() as u64, error.column() as u64);
    match line {
        0 | 1 => Place {
            column: start.column + column.saturating_sub(1),
            ..start
        },
        _ => Place {
            line: start.line + line - 1,
            column,
        },
    }
}

/// What an error says, without its own idea of the place.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}
