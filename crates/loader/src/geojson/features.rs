//! Parsing of GeoJSON objects into points.

use super::crs_member::{SharedCrs, parse_crs};
use super::object::{Object, ObjectKind, not_null, property, string, typed};
use super::{shapes, skip_value};
use crate::batch::{Batch, Weight};
use crate::columns::Schema;
use crate::crs::{Crs, PlaceError};
use crate::error::LoadError;
use crate::filter::Filter;
use crate::input::Origin;
use crate::messages::shown;
use crate::number;
use crate::parameter::Parameter;
use crate::report::{Report, SkipReason};
use crate::shape::{COLLECTION_DEPTH, ShapeCollector};
use crate::text::chunker::{TextBlock, TextPosition};
use crate::text::pipeline::BlockParser;
use crate::time::Times;
use crate::value::Value;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::sync::Arc;

/// A parser of features into points.
pub(crate) struct FeatureParser {
    pub(crate) origin: Origin,
    /// The name of the property that holds the weight; `None`: every point counts 1.
    pub(crate) weight: Option<String>,
    pub(crate) selection: PropertySelection,
    /// True for newline-delimited GeoJSON. A line of malformed JSON is then a skipped row;
    /// otherwise malformed JSON is an error that ends the load.
    pub(crate) lines: bool,
    /// The coordinate system that the document around the features states.
    pub(crate) crs: SharedCrs,
    /// The largest error, in metres, of a shift to WGS 84 that the user accepts; `None`: the limits
    /// that the module `crs` states.
    pub(crate) datum_error: Option<f64>,
}

/// The choice of the features that are read, and of the kept properties: those that the option
/// `keep` names.
pub(crate) struct PropertySelection {
    /// The filter, and the names of the properties that it uses, as they are in the file.
    pub(crate) filter: Option<(Filter, Vec<String>)>,
    /// The names of the kept properties, whose values are read for each point.
    pub(crate) keep: Vec<String>,
    /// The formats in which dates and times in properties are read.
    pub(crate) times: Times,
    /// The names of the properties in the first features, if an option names a property for the
    /// weight that none of these features has; otherwise `None`. If later features don't have it
    /// either, the load ends with an error that lists these names.
    pub(crate) unseen: Option<Vec<String>>,
}

/// The state of reading one item, which is a feature or another GeoJSON object.
struct FeatureReader<'a, L> {
    features: &'a FeatureParser,
    batch: &'a mut Batch,
    line: L,
    /// The coordinate system that a member `crs` states: that of the current object, or else of the
    /// nearest object around it within the same feature. `None`: the coordinate system of the
    /// document.
    crs: Option<Arc<Crs>>,
    /// The error for a coordinate system that is refused; `None` if none is. It ends the load.
    refused: Option<LoadError>,
}

impl<L: FnMut() -> u64> FeatureReader<'_, L> {
    fn skip(&mut self, skip: SkipReason, found: impl FnOnce() -> String) {
        let line = &mut self.line;
        self.batch.report.skip(skip, || (line(), found()));
    }

    /// Reads all positions in an object, each as a row. `properties` is the JSON of the properties
    /// of the feature that contains the object; `None` if no feature does. `depth` is the number of
    /// levels down to which objects may still be nested, this object included.
    fn object(&mut self, json: &[u8], properties: Option<&[u8]>, depth: usize) {
        if depth == 0 {
            return self.skip(SkipReason::Malformed, || {
                "collections nested too deeply".into()
            });
        }
        let object = Object::parse(json);
        let around = self.crs.clone();
        if let Some(said) = object.crs {
            let (name, accepted) = (&self.features.origin.name, self.features.datum_error);
            match parse_crs(said, name, accepted) {
                Ok(crs) => self.crs = Some(Arc::new(crs)),
                Err(error) => {
                    self.refused = Some(error);
                    return;
                }
            }
        }
        self.members(&object, json, properties, depth);
        self.crs = around;
    }

    fn members(
        &mut self,
        object: &Object<'_>,
        json: &[u8],
        properties: Option<&[u8]>,
        depth: usize,
    ) {
        let coordinates = object.coordinates.unwrap_or_default();
        match object.kind() {
            ObjectKind::FeatureCollection => {
                for feature in skip_value::elements(object.features.unwrap_or_default()) {
                    self.object(feature, None, depth - 1);
                }
            }
            ObjectKind::Feature if !self.wants(object.properties) => (),
            ObjectKind::Feature => match object.geometry {
                Some(geometry) => {
                    self.object(geometry, object.properties, depth - 1);
                    let keep = &self.features.selection.keep;
                    self.batch
                        .keep_values(|at| value(object.properties, keep.get(at)));
                }
                None => self.skip(SkipReason::NoPosition, || "geometry null".into()),
            },
            ObjectKind::GeometryCollection => {
                let geometries = object.geometries.unwrap_or_default();
                self.each(geometries, "GeometryCollection", |reading, geometry| {
                    reading.object(geometry, properties, depth - 1);
                });
            }
            ObjectKind::MultiPoint => {
                let weight = self.weight(properties);
                self.each(coordinates, "MultiPoint", |reading, position| {
                    reading.position(position, weight.as_deref());
                });
            }
            ObjectKind::Point => {
                let weight = self.weight(properties);
                self.position(coordinates, weight.as_deref());
            }
            ObjectKind::Extended(name) => {
                let weight = self.weight(properties);
                let read =
                    |shapes: &mut ShapeCollector<'_>| shapes::collect(&name, coordinates, shapes);
                for place in self.batch.places_of(&name, read) {
                    match place {
                        Ok(place) => self.place(place, weight.as_deref()),
                        Err((skip, found)) => self.skip(skip, || found),
                    }
                }
            }
            ObjectKind::Unknown(_) => self.skip(SkipReason::Malformed, || {
                format!("no GeoJSON object: {}", shown(json))
            }),
        }
    }

    /// Returns whether the filter selects a feature with these properties. A feature that the
    /// filter leaves out is counted in the report.
    fn wants(&mut self, properties: Option<&[u8]>) -> bool {
        let Some((filter, names)) = &self.features.selection.filter else {
            return true;
        };
        let values = names.iter().map(|name| value(properties, Some(name)));
        let row: Vec<Value<'_>> = values.collect();
        filter.selects(&row, &self.features.selection.times, &mut self.batch.report)
    }

    /// Calls `read` for every element of an array. An empty array is reported as a row without a
    /// position, by the word `empty` and the geometry's type `name`.
    fn each(&mut self, array: &[u8], name: &str, mut read: impl FnMut(&mut Self, &[u8])) {
        let mut elements = skip_value::elements(array).peekable();
        if elements.peek().is_none() {
            self.skip(SkipReason::NoPosition, || format!("empty {name}"));
        }
        for element in elements {
            read(self, element);
        }
    }

    /// Reads one position, and adds it to the batch as one row. `weight` is the text of the weight;
    /// `None` if every row counts 1.
    fn position(&mut self, position: &[u8], weight: Option<&[u8]>) {
        let mut axes = skip_value::elements(position);
        let mut axis = || axes.next().and_then(not_null);
        let (Some(lon), Some(lat)) = (axis(), axis()) else {
            return self.skip(SkipReason::NoPosition, || {
                format!("coordinates {}", shown(position))
            });
        };
        // Coordinates that are not numbers can't be transformed. They reach `keep` unchanged, which
        // rejects them.
        if !self.is_in_degrees()
            && let (Some(x), Some(y)) = (number::parse(lon), number::parse(lat))
        {
            return self.place((x, y), weight);
        }
        let weight = weight.map_or(Weight::Unused, Weight::Text);
        if let Err(rejection) = self.batch.keep(lon, lat, weight) {
            self.skip(rejection.skip, || rejection.found());
        }
    }

    /// Returns true if positions are longitudes and latitudes.
    fn is_in_degrees(&self) -> bool {
        let crs = self.crs.as_deref().or_else(|| self.features.crs.get());
        crs.is_none_or(|crs| matches!(crs, Crs::LonLat))
    }

    /// Adds a position, in the coordinate system of the current object, to the batch as one row.
    /// `weight` is the text of the weight; `None` if every row counts 1.
    fn place(&mut self, (x, y): (f64, f64), weight: Option<&[u8]>) {
        let crs = self.crs.as_deref().or_else(|| self.features.crs.get());
        let place = match crs.unwrap_or(&Crs::LonLat).place(x, y) {
            Ok(place) => place,
            Err(PlaceError::Outside) => {
                return self.skip(SkipReason::BadPosition, || format!("x {x}, y {y}"));
            }
            Err(PlaceError::Vague(vague)) => {
                let refused = crs.map(|crs| crs.refusal(&vague, &self.features.origin.name));
                self.refused = refused;
                return;
            }
        };
        self.batch.report.place_off_by(place.error);
        let weight = weight.map_or(Weight::Unused, Weight::Text);
        if let Err(rejection) = self.batch.keep_record(place.lon, place.lat, weight) {
            self.skip(rejection.skip, || rejection.found());
        }
    }

    /// The text of the weight in a feature's properties; empty if the weight is missing. `None` if
    /// no property is used as the weight.
    fn weight<'p>(&self, properties: Option<&'p [u8]>) -> Option<Cow<'p, [u8]>> {
        let name = self.features.weight.as_deref()?;
        let value = properties
            .and_then(|p| property(p, name))
            .unwrap_or_default();
        Some(match value.first() {
            // A number in quotes is read by the rule for a field of CSV.
            Some(b'"') => Cow::Owned(string(value).into_owned().into_bytes()),
            _ => Cow::Borrowed(value),
        })
    }
}

/// The value of the property `name`; null if the property is missing or if `name` is `None`.
fn value<'p>(properties: Option<&'p [u8]>, name: Option<&String>) -> Value<'p> {
    let value = name.and_then(|name| property(properties?, name));
    value.map_or(Value::Null, typed)
}

impl BlockParser for FeatureParser {
    fn parse(&self, block: &TextBlock, batch: &mut Batch) -> Result<(), LoadError> {
        // Counting lines takes time. Therefore lines are counted only up to an item whose line
        // number is needed, and the next count continues there.
        let (mut counted, mut place) = (0, block.start);
        for range in &block.items {
            let Some(json) = block.bytes.get(range.clone()) else {
                continue;
            };
            let mut here = || {
                let passed = block.bytes.get(counted..range.start).unwrap_or_default();
                place = place.after(passed, b'\n');
                counted = range.start;
                place
            };
            match serde_json::from_slice::<IgnoredAny>(json) {
                Ok(_) => {
                    let line = || here().line;
                    let mut reading = FeatureReader {
                        features: self,
                        batch: &mut *batch,
                        line,
                        crs: None,
                        refused: None,
                    };
                    reading.object(json, None, COLLECTION_DEPTH);
                    if let Some(error) = reading.refused {
                        return Err(error);
                    }
                    // A geometry that is in no feature has no properties, so its points get null as
                    // kept values.
                    batch.keep_values(|_| Value::Null);
                }
                Err(error) if self.lines => {
                    let found = || format!("{}: {}", message(&error), shown(json));
                    batch
                        .report
                        .skip(SkipReason::Malformed, || (here().line, found()));
                }
                Err(error) => {
                    let TextPosition { line, column } = within(here(), &error);
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
        match (&self.selection.unseen, &self.weight) {
            (Some(seen), Some(name)) if report.kept == report.weights_missing => {
                let schema = Schema {
                    names: seen,
                    file: &self.origin.name,
                };
                Err(schema.no_such_column(Parameter::Weight, name))
            }
            _ => Ok(()),
        }
    }
}

/// The position in the file of an error in the JSON of one feature or other object. `start` is the
/// position at which the object begins; the error holds its own position within the object.
pub(crate) fn within(start: TextPosition, error: &serde_json::Error) -> TextPosition {
    let (line, column) = (error.line() as u64, error.column() as u64);
    match line {
        0 | 1 => TextPosition {
            column: start.column + column.saturating_sub(1),
            ..start
        },
        _ => TextPosition {
            line: start.line + line - 1,
            column,
        },
    }
}

/// The text of a JSON error, without the line and column that `serde_json` appends to it.
pub(crate) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}
