//! The beginning of GeoJSON: which property is the weight.

use super::document::Document;
use super::lines::Lines;
use super::object::{Object, property_names};
use super::rows::Features;
use super::system::Shared;
use crate::blocks::{self, Block, Place};
use crate::columns::{self, Columns, Position, WeightChoice};
use crate::error::LoadError;
use crate::format::{Format, RECORD_SEPARATOR};
use crate::input::Input;
use crate::open::Options;
use crate::pipeline::{Pipeline, width};
use crate::report::Report;
use crate::source::Source;
use crate::table::Kept;
use std::io::{Cursor, Read};
use std::sync::Arc;

/// Features whose properties are looked at.
const LOOKED_AT: usize = 64;

/// A source that reads an input as GeoJSON.
pub(crate) fn source(
    input: Input,
    format: Format,
    options: &Options,
) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    for (parameter, asked) in [("--lon", &options.lon), ("--lat", &options.lat)] {
        if asked.is_some() {
            return Err(LoadError::BadOption {
                file: origin.file(),
                parameter,
                message: "GeoJSON has positions in its geometries; leave the option out".into(),
            });
        }
    }
    let lines = format == Format::GeoJsonLines;
    let sequence = sample.trim_ascii_start().first() == Some(&RECORD_SEPARATOR);
    let reader = Cursor::new(sample).chain(rest);
    let (ahead, start) = (width(), Place::START);
    let crs = Shared::default();
    let blocks = if lines {
        let terminator = if sequence { RECORD_SEPARATOR } else { b'\n' };
        blocks::start(reader, origin.clone(), Lines { terminator }, start, ahead)?
    } else {
        let cutter = Document::new(origin.file(), Arc::clone(&crs));
        blocks::start(reader, origin.clone(), cutter, start, ahead)?
    };
    // Without a first block reading broke off: the first batch says so.
    let first = blocks.recv().ok().transpose()?;
    let seen = first.as_ref().map(properties).unwrap_or_default();
    let asked = options.weight.as_deref();
    let mut unseen = None;
    let (weight, why) = match columns::weight(&seen, asked, &[]) {
        Ok(WeightChoice { column, why }) => (column.and_then(|at| seen.get(at)).cloned(), why),
        // It may still come: properties are not the same in every feature.
        Err(name) => {
            unseen = Some(seen.clone());
            (Some(name.to_owned()), format!("weight from \"{name}\""))
        }
    };
    // likewise
    let known = |name: &String| {
        let known = columns::named(&seen, name).and_then(|at| seen.get(at));
        known.unwrap_or(name).clone()
    };
    let mut keep: Vec<String> = Vec::new();
    for name in options.keep.iter().map(known) {
        if !keep.contains(&name) {
            keep.push(name);
        }
    }
    let filter = options.filter.clone().map(|filter| {
        let names = filter.columns().iter().map(known).collect();
        (filter, names)
    });
    let columns = Columns {
        position: Position::Geometry,
        weight: weight.clone(),
        kept: keep.clone(),
        why: format!("positions from the geometries, {why}"),
        seen,
    };
    Ok(Box::new(Pipeline {
        parser: Features {
            origin: origin.clone(),
            weight,
            filter,
            keep,
            unseen,
            lines,
            crs,
        },
        origin,
        columns,
        kept: Kept::default(),
        within: options.within,
        strict: options.strict,
        first,
        blocks,
        report: Report::default(),
        ended: false,
    }))
}

/// The names of the properties of the first features, in the order of their appearance.
fn properties(block: &Block) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for range in block.items.iter().take(LOOKED_AT) {
        let json = block.bytes.get(range.clone()).unwrap_or_default();
        let properties = Object::of(json).properties.unwrap_or_default();
        for name in property_names(properties) {
            if !seen.iter().any(|s| *s == name) {
                seen.push(name.into_owned());
            }
        }
    }
    seen
}
