//! Opening of GeoJSON: the properties of the first features decide which property is the weight.

use super::crs_member::SharedCrs;
use super::feature_scanner::FeatureScanner;
use super::features::{FeatureParser, PropertySelection};
use super::lines::LineSplitter;
use super::object::{DistinctNames, Object, property, property_names, string};
use crate::columns::selection::filter_with_times;
use crate::columns::weight_check::{ENOUGH, WeightSample};
use crate::columns::{self, Columns, Position, WeightGuess};
use crate::encoding::may_be_utf8;
use crate::error::LoadError;
use crate::format::InputFormat;
use crate::input::Input;
use crate::input::detect::RECORD_SEPARATOR;
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::source::Source;
use crate::text::chunker::{self, TextBlock, TextPosition};
use crate::text::pipeline::{Pipeline, width};
use crate::time::Times;
use std::io::{Cursor, Read};
use std::sync::Arc;

/// The text for [`Columns::why`] that states where positions come from.
const POSITIONS: &str = "positions from the geometries";

/// A source that reads GeoJSON inside another JSON document. `path` is the place of the GeoJSON in
/// that document, such as `result.data`, for reports.
pub(crate) fn part(
    input: Input,
    format: InputFormat,
    options: &LoadOptions,
    path: &str,
) -> Result<Box<dyn Source>, LoadError> {
    let positions = format!("read as GeoJSON at {path}: {POSITIONS}");
    features(input, format, options, &positions)
}

/// The number of a file's first features in which names of properties are looked for: a choice.
const LOOKED_AT: usize = 64;

/// A source that reads an input as GeoJSON.
pub(crate) fn source(
    input: Input,
    format: InputFormat,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    features(input, format, options, POSITIONS)
}

fn features(
    input: Input,
    format: InputFormat,
    options: &LoadOptions,
    positions: &str,
) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        whole,
    } = input;
    for (parameter, is_set) in [
        (Parameter::Lon, options.lon.is_some()),
        (Parameter::Lat, options.lat.is_some()),
        (Parameter::Pair, options.pair.is_some()),
        (Parameter::Decimal, options.decimal.is_some()),
    ] {
        if is_set {
            return Err(LoadError::BadOption {
                file: origin.file(),
                parameter,
                message: "GeoJSON has positions in its geometries; leave the option out".into(),
            });
        }
    }
    if !may_be_utf8(&sample, whole) {
        origin.note_mixed_text();
    }
    let lines = format == InputFormat::GeoJsonLines;
    let sequence = sample.trim_ascii_start().first() == Some(&RECORD_SEPARATOR);
    let reader = Cursor::new(sample).chain(rest);
    let (ahead, start) = (width(), TextPosition::START);
    let crs = SharedCrs::default();
    let blocks = if lines {
        let terminator = if sequence { RECORD_SEPARATOR } else { b'\n' };
        chunker::start(
            reader,
            origin.clone(),
            LineSplitter { terminator },
            start,
            ahead,
        )?
    } else {
        let splitter = FeatureScanner::new(origin.file(), Arc::clone(&crs), options.datum_error);
        chunker::start(reader, origin.clone(), splitter, start, ahead)?
    };
    // If the channel closes without a first block, the reading thread ended early. The first call
    // for a batch then returns the error.
    let first = blocks.recv().ok().transpose()?;
    let (columns, selection) = choose(first.as_ref(), options, &origin.name, positions)?;
    let times = selection.times.clone();
    let parser = FeatureParser {
        origin: origin.clone(),
        weight: columns.weight.clone(),
        selection,
        lines,
        crs,
        datum_error: options.datum_error,
    };
    Ok(Box::new(Pipeline::new(
        origin,
        columns,
        (parser, times),
        options,
        first,
        blocks,
    )))
}

/// Chooses the properties to read, by the names of properties in the features of the `first` block.
/// An option may name a property that these features don't have. That is no error yet, since later
/// features may have it. `positions` is the text for [`Columns::why`] about the positions.
fn choose(
    first: Option<&TextBlock>,
    options: &LoadOptions,
    file: &str,
    positions: &str,
) -> Result<(Columns, PropertySelection), LoadError> {
    let seen = first.map(properties).unwrap_or_default();
    let mut unseen = None;
    let mut guess = None;
    let (weight, why) = match columns::weight(&seen, options.weight.as_deref(), &[]) {
        Ok(choice) => {
            guess = WeightGuess::new(&choice, positions);
            let name = choice.column.and_then(|at| seen.get(at)).cloned();
            (name, choice.why)
        }
        Err(name) => {
            unseen = Some(seen.clone());
            (Some(name.to_owned()), format!("weight from \"{name}\""))
        }
    };
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
    let times = Times::new(&options.time_formats);
    let filter = options.filter.clone().map(|filter| {
        let names = filter.columns().iter().map(known).collect();
        Ok::<_, LoadError>((filter_with_times(filter, &times, file)?, names))
    });
    let selection = PropertySelection {
        filter: filter.transpose()?,
        keep,
        times,
        unseen,
    };
    let mut columns = Columns {
        position: Position::Geometry,
        geometry: None,
        weight,
        kept: selection.keep.clone(),
        why: format!("{positions}, {why}"),
        guess,
        seen,
    };
    if let (Some(_), Some(name), Some(first)) = (&columns.guess, &columns.weight, first) {
        let values = sample_weights(first, name);
        columns.settle(&values);
    }
    Ok((columns, selection))
}

/// The names of the properties of the first [`LOOKED_AT`] features, each once, in the order in
/// which they appear.
fn properties(block: &TextBlock) -> Vec<String> {
    let mut seen = DistinctNames::default();
    for range in block.items.iter().take(LOOKED_AT) {
        let json = block.bytes.get(range.clone()).unwrap_or_default();
        let properties = Object::parse(json).properties.unwrap_or_default();
        for name in property_names(properties) {
            seen.add(name);
        }
    }
    seen.into_vec()
}

/// Counts how many values of the property `name` are numbers, in at most the first [`ENOUGH`]
/// features of a block.
fn sample_weights(block: &TextBlock, name: &str) -> WeightSample {
    let mut sample_weights = WeightSample::default();
    for range in block.items.iter().take(ENOUGH as usize) {
        let json = block.bytes.get(range.clone()).unwrap_or_default();
        let properties = Object::parse(json).properties.unwrap_or_default();
        match property(properties, name) {
            Some(text @ [b'"', ..]) => sample_weights.note(string(text).as_bytes()),
            Some(value) => sample_weights.note(value),
            None => (),
        }
    }
    sample_weights
}
