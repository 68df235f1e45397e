//! The preparation of reading JSON rows: the values to pick from each row, and the columns as
//! reports name them.

use super::esri_reference;
use super::judgement::Judgement;
use super::path::{Container, PathStep, dotted};
use super::picker::Picker;
use super::placing::{PlaceRule, Placing, PlacingError};
use super::row_columns::JsonColumns;
use super::row_parser::{PickedPlace, RowParser};
use super::unused_options::refuse;
use crate::columns::selection::RowSelection;
use crate::columns::weight_check::WeightSample;
use crate::columns::{self, Columns, Position, Schema, WeightChoice, WeightGuess};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::geojson::object::string;
use crate::options::LoadOptions;
use crate::parameter::Parameter;

/// Makes the parser of all rows from `judgement`, which was made from the first rows. Also returns
/// the columns for reports.
pub(super) fn plan(
    judgement: Judgement<'_>,
    container: Container,
    options: &LoadOptions,
    file: &str,
) -> Result<(RowParser, Columns), LoadError> {
    let seen = judgement.columns.names();
    let placing = match &judgement.placing {
        Ok(placing) => placing,
        Err(error) => return Err(refusal(error.clone(), seen, file)),
    };
    refuse(placing.unused, file)?;
    let all = &judgement.columns.all;
    let paths: Vec<&[PathStep]> = all.iter().map(|c| c.path.as_slice()).collect();
    let (choice, unseen) = weight(&seen, &paths, placing, options);
    let (crs, positions) = match &judgement.reference {
        None => (Crs::LonLat, placing.why.clone()),
        Some(reference) => {
            let (crs, words) = esri_reference::parse(reference, options, file)?;
            (crs, format!("{}{words}", placing.why))
        }
    };
    let extended = with_asked(&seen, options);
    let schema = Schema {
        names: &extended,
        file,
    };
    let selection = RowSelection::resolve(options, schema)?;

    let mut picker = Picker::default();
    let rules = placing.rules.iter();
    let places: Vec<PickedPlace> = rules.map(|rule| picked(rule, &mut picker)).collect();
    let mut slot = |name: &str, at: usize| match paths.get(at) {
        Some(path) => picker.add(path),
        None => add_named(&mut picker, name),
    };
    let chosen = choice.column.and_then(|at| seen.get(at));
    let weight_name = chosen.or(unseen.as_ref()).cloned();
    let weight = weight_name
        .as_ref()
        .map(|name| slot(name, choice.column.unwrap_or(usize::MAX)));
    let mut slots = vec![None; extended.len()];
    for at in selection.places() {
        if let (Some(name), Some(known)) = (extended.get(at), slots.get_mut(at)) {
            *known = Some(slot(name, at));
        }
    }
    let mut columns = Columns {
        position: position(placing, &judgement.columns),
        geometry: None,
        weight: weight_name,
        kept: selection.names(&extended),
        guess: WeightGuess::new(&choice, &positions),
        why: format!("{positions}, {}", choice.why),
        seen: seen.clone(),
    };
    if let (Some(_), Some(weight)) = (&columns.guess, weight) {
        let values = sampled_weights(&judgement.rows, &picker, weight);
        columns.settle(&values);
    }
    let parser = RowParser {
        file: file.to_owned(),
        form: judgement.form,
        picker,
        places,
        is_each: placing.is_each,
        weight: weight.filter(|_| columns.weight.is_some()),
        selection,
        slots,
        is_lines: container == Container::Lines,
        crs,
        unseen: unseen.map(|name| (name, seen)),
    };
    Ok((parser, columns))
}

/// The error for rows in which no positions were chosen. `seen` are the names of their columns.
fn refusal(error: PlacingError, seen: Vec<String>, file: &str) -> LoadError {
    let file = file.to_owned();
    match error {
        PlacingError::Missing => LoadError::NoPositionColumns {
            file,
            missing: "longitude and latitude",
            seen,
            hint: "name them with `lon` and `lat`, or the column that holds whole positions with \
                   `geom`",
        },
        PlacingError::Pixels => LoadError::JsonRows {
            file,
            message: "rows have x and y but no longitude and latitude: these may be pixels of a \
                      picture, as in heatmap.js; if they are degrees, name them with `lon` x and \
                      `lat` y"
                .to_owned(),
        },
        PlacingError::Ambiguous(message) => LoadError::JsonRows { file, message },
        PlacingError::NoPair => LoadError::BadOption {
            file,
            parameter: Parameter::Pair,
            message: format!(
                "no longitude and latitude have this name; there are: {}",
                crate::messages::list(&seen)
            ),
        },
        PlacingError::Whole(error) => error.into_load_error(Schema {
            names: &seen,
            file: &file,
        }),
        PlacingError::NoColumn(parameter, name) => LoadError::NoSuchColumn {
            file,
            parameter,
            name,
            seen,
        },
    }
}

/// Chooses the column of weights. The second value is the name that an option states for this
/// column, if the first rows don't have such a column; otherwise `None`.
fn weight(
    seen: &[String],
    paths: &[&[PathStep]],
    placing: &Placing,
    options: &LoadOptions,
) -> (WeightChoice, Option<String>) {
    let asked = options.weight.as_deref();
    if let (Some(column), None) = (placing.weight, asked) {
        let choice = WeightChoice {
            column: Some(column),
            is_guess: true,
            why: format!(
                "weight from column {} (`weight` none counts rows)",
                column + 1
            ),
        };
        return (choice, None);
    }
    let is_taken = |path: &[PathStep]| {
        placing.rules.iter().any(|rule| match rule {
            PlaceRule::Pair { lon, lat, .. } => path == lon || path == lat,
            PlaceRule::Text { path: text, .. } | PlaceRule::Code { path: text, .. } => path == text,
            PlaceRule::TextsIn { path: inner, .. } | PlaceRule::Points { path: inner } => {
                path == inner
            }
        })
    };
    let taken: Vec<usize> = (0..)
        .zip(paths)
        .filter(|(_, path)| is_taken(path))
        .map(|(at, _)| at)
        .collect();
    match columns::weight(seen, asked, &taken) {
        Ok(choice) => (choice, None),
        Err(name) => {
            let choice = WeightChoice {
                column: None,
                is_guess: false,
                why: format!("weight from \"{name}\""),
            };
            (choice, Some(name.to_owned()))
        }
    }
}

/// The names of columns in the first rows, followed by further names in the options `filter` and
/// `keep`, since later rows may have these columns.
fn with_asked(seen: &[String], options: &LoadOptions) -> Vec<String> {
    let mut names = seen.to_vec();
    let filter = options.filter.iter().flat_map(|filter| filter.columns());
    for name in filter.chain(&options.keep) {
        if columns::named(&names, name).is_none() {
            names.push(name.clone());
        }
    }
    names
}

fn picked(rule: &PlaceRule, picker: &mut Picker) -> PickedPlace {
    match rule {
        PlaceRule::Pair {
            lon,
            lat,
            is_e7,
            assumed,
        } => PickedPlace::Pair {
            lon: picker.add(lon),
            lat: picker.add(lat),
            is_e7: *is_e7,
            assumed: *assumed,
        },
        PlaceRule::Text {
            path,
            order,
            is_assumed,
        } => PickedPlace::Text {
            at: picker.add(path),
            order: *order,
            is_assumed: *is_assumed,
        },
        PlaceRule::Code { path, code } => PickedPlace::Code {
            at: picker.add(path),
            code: *code,
        },
        PlaceRule::TextsIn { path, member } => PickedPlace::TextsIn {
            at: picker.add(path),
            member: member.clone(),
        },
        PlaceRule::Points { path } => PickedPlace::Points {
            at: picker.add(path),
        },
    }
}

/// Adds the value in the column `name` to the values that are picked from each row, and returns its
/// index among the picked values. A name with dots, such as `a.b`, is looked for both as the name
/// of one member and as the path of a member `b` in `a`.
fn add_named(picker: &mut Picker, name: &str) -> usize {
    let slot = picker.add(&[PathStep::Member(name.to_owned())]);
    let step = |part: &str| PathStep::Member(part.to_owned());
    let nested: Vec<PathStep> = name.split('.').map(step).collect();
    if nested.len() > 1 {
        picker.alias(&nested, slot);
    }
    slot
}

fn position(placing: &Placing, columns: &JsonColumns) -> Position {
    let name = |path: &[PathStep]| match columns.at(path) {
        Some(column) => column.name.clone(),
        None => dotted(path),
    };
    match placing.rules.as_slice() {
        [PlaceRule::Pair { lon, lat, .. }] => Position::LonLat {
            lon: name(lon),
            lat: name(lat),
        },
        _ => Position::Geometry,
    }
}

/// Counts how many weights in the first rows are numbers. `weight` is the index of the weight among
/// the picked values.
fn sampled_weights(rows: &[&[u8]], picker: &Picker, weight: usize) -> WeightSample {
    let (mut sample, mut picked) = (WeightSample::default(), Vec::new());
    for row in rows {
        if sample.is_enough() {
            break;
        }
        picker.pick(row, &mut picked);
        match picked.get(weight).copied().flatten() {
            Some(text @ [b'"', ..]) => sample.note(string(text).as_bytes()),
            Some(value) => sample.note(value),
            None => (),
        }
    }
    sample
}
