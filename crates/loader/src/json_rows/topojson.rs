//! TopoJSON: the Points and MultiPoints among its objects. Its positions may be whole numbers that
//! its `transform` turns into degrees.

use super::axis_order::json_number;
use super::columnar::owned;
use super::held_document::HeldDocument;
use super::path::{DEPTH, PathStep};
use crate::columns::resolve::{Geometries, Names, resolve};
use crate::error::LoadError;
use crate::geojson::object::{DistinctNames, Object, ObjectKind, property, property_names, typed};
use crate::geojson::skip_value;
use crate::input::Input;
use crate::options::LoadOptions;
use crate::records::{Geometry, ReadFailure, RecordSink};
use crate::report::SkipReason;
use crate::source::Source;
use crate::value::Value;
use serde::Deserialize;
use std::ops::Range;

/// The number of geometries at the beginning of the topology whose names of properties are
/// collected: a choice.
const LOOKED_AT: usize = 256;

/// The member `transform` of a topology, which turns whole numbers into degrees: scale and
/// translation of x and y.
#[derive(Clone, Copy, Deserialize)]
struct PointTransform {
    scale: [f64; 2],
    translate: [f64; 2],
}

/// A source that reads the points of the topology at a JSON path. `sample` is the beginning of the
/// input, which was read before.
pub(super) fn source(
    input: Input,
    sample: Vec<u8>,
    path: &[PathStep],
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let document = HeldDocument::read(input, sample, (path, "TopoJSON"), options)?;
    let file = document.origin.file();
    let topology = document.root();
    let transform =
        match property(topology, "transform") {
            None => None,
            Some(json) => Some(serde_json::from_slice::<PointTransform>(json).map_err(
                |error| LoadError::JsonRows {
                    file: file.clone(),
                    message: format!("the topology's transform is no scale and translate: {error}"),
                },
            )?),
        };
    let objects = property(topology, "objects").unwrap_or_default();
    let mut seen = DistinctNames::default();
    let mut left = LOOKED_AT;
    for (_, object) in skip_value::members(objects) {
        list_properties(object, &mut seen, &mut left, DEPTH);
    }
    let geometries = Geometries {
        column: None,
        why: "read as TopoJSON: positions from the points of all objects".to_owned(),
    };
    let found = resolve(
        seen.into_vec(),
        Names::Typed,
        options,
        Some(geometries),
        &file,
    )?;
    let reading = TopologyReading {
        names: found.columns.seen.clone(),
        weight: found.weight,
        transform,
    };
    let start = super::path::offset_in(&document.text, objects);
    let range = start..start + objects.len();
    document.source(found, options, move |document, sink| {
        reading.read(document, range, sink)
    })
}

fn list_properties(geometry: &[u8], seen: &mut DistinctNames, left: &mut usize, depth: usize) {
    if *left == 0 || depth == 0 {
        return;
    }
    *left -= 1;
    let object = Object::parse(geometry);
    for name in property_names(object.properties.unwrap_or_default()) {
        seen.add(name);
    }
    for inner in skip_value::elements(object.geometries.unwrap_or_default()) {
        list_properties(inner, seen, left, depth - 1);
    }
}

/// The names of all properties that may be read, the index of the weight in this list, and the
/// transform of the positions. `weight` is `None` if every point counts 1, and `transform` is
/// `None` if the positions are in degrees.
struct TopologyReading {
    names: Vec<String>,
    weight: Option<usize>,
    transform: Option<PointTransform>,
}

impl TopologyReading {
    fn read(
        &self,
        document: &HeldDocument,
        objects: Range<usize>,
        sink: &mut RecordSink,
    ) -> Result<(), ReadFailure> {
        let objects = document.text.get(objects).unwrap_or_default();
        for (_, object) in skip_value::members(objects) {
            self.geometry(object, sink, DEPTH)?;
        }
        Ok(())
    }

    fn geometry(
        &self,
        geometry: &[u8],
        sink: &mut RecordSink,
        depth: usize,
    ) -> Result<(), ReadFailure> {
        let object = Object::parse(geometry);
        let kind = object.kind();
        if kind == ObjectKind::GeometryCollection && depth > 0 {
            for inner in skip_value::elements(object.geometries.unwrap_or_default()) {
                self.geometry(inner, sink, depth - 1)?;
            }
            return Ok(());
        }
        let value = |column: usize| {
            let name = self.names.get(column);
            let found = name.and_then(|name| property(object.properties?, name));
            found.map_or(Value::Null, |json| owned(typed(json)))
        };
        if !sink.selects(value)? {
            return Ok(());
        }
        let weight = self.weight.map(value);
        let coordinates = object.coordinates.unwrap_or_default();
        match kind {
            ObjectKind::Point => match self.position(coordinates) {
                Some((x, y)) => sink.record(Geometry::Point(x, y), weight.as_ref())?,
                None => {
                    let found = format!("coordinates {}", crate::messages::shown(coordinates));
                    sink.refuse(SkipReason::NoPosition, found)?;
                }
            },
            ObjectKind::MultiPoint => {
                let infinite = (f64::INFINITY, f64::INFINITY);
                let mut all = skip_value::elements(coordinates)
                    .map(|position| self.position(position).unwrap_or(infinite));
                sink.record(Geometry::MultiPoint(&mut all), weight.as_ref())?;
            }
            ObjectKind::Extended(name) => sink.record(Geometry::Other(&name), weight.as_ref())?,
            _ => sink.record(Geometry::Nothing("geometry null"), weight.as_ref())?,
        }
        Ok(())
    }

    /// The longitude and latitude of a position, after the topology's transform; `None` if the
    /// position's JSON text is no array that begins with two numbers. Each position states its
    /// whole coordinates. In arcs, which are not read, a position states only the difference to the
    /// one before it.
    fn position(&self, position: &[u8]) -> Option<(f64, f64)> {
        let mut axes = skip_value::elements(position).map(json_number);
        let (x, y) = (axes.next()??, axes.next()??);
        Some(match self.transform {
            None => (x, y),
            Some(PointTransform {
                scale: [x_scale, y_scale],
                translate: [west, south],
            }) => (x * x_scale + west, y * y_scale + south),
        })
    }
}
