//! Parsing of JSON rows into points.

use super::axis_order::{json_number, required};
use super::judgement::RowForm;
use super::picker::Picker;
use super::text_points::{Fault, at_code, at_text, reconsidered, rejected};
use crate::batch::{Batch, Weight};
use crate::columns::Schema;
use crate::columns::selection::RowSelection;
use crate::crs::{Crs, PlaceError};
use crate::error::LoadError;
use crate::geojson::features::{message, within};
use crate::geojson::object::{not_null, property, string, typed};
use crate::geojson::skip_value;
use crate::messages::shown;
use crate::options::AxisOrder;
use crate::parameter::Parameter;
use crate::position_text::cell::CellCode;
use crate::report::{Report, SkipReason};
use crate::text::chunker::{TextBlock, TextPosition};
use crate::text::pipeline::BlockParser;
use crate::value::Value;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::ops::Range;

/// A rule for reading a position from a row. `lon`, `lat` and `at` are indexes in [`PickedValues`].
#[derive(Clone, Debug)]
pub(super) enum PickedPlace {
    /// Two values, the longitude and the latitude.
    Pair {
        lon: usize,
        lat: usize,
        /// True if the two values are degrees times 10⁷.
        is_e7: bool,
        /// The order that was assumed for two coordinates in an array. A row that contradicts this
        /// order ends the load. `None` if the values have names, or if an option names the order.
        assumed: Option<AxisOrder>,
    },
    /// A string with both coordinates.
    Text {
        at: usize,
        /// The order of the two numbers in the string, unless letters of hemispheres show it.
        order: AxisOrder,
        /// True if `order` is assumed, since no option names it. Then a row that contradicts this
        /// order ends the load.
        is_assumed: bool,
    },
    /// A code of a small area, whose middle is the position.
    Code { at: usize, code: CellCode },
    /// An array of objects. In each object, `member` is a string with both coordinates.
    TextsIn { at: usize, member: String },
    /// An array of positions. Each position is an array that begins with x and y.
    Points { at: usize },
}

/// A parser of JSON rows into points.
pub(super) struct RowParser {
    pub(super) file: String,
    pub(super) form: RowForm,
    pub(super) picker: Picker,
    pub(super) places: Vec<PickedPlace>,
    /// True if each rule in `places` gives a point in a row that has the rule's values. False if a
    /// row has only one point: that of the first rule whose values the row has.
    pub(super) is_each: bool,
    /// The index of the weight in [`PickedValues`]; `None` if every row counts 1.
    pub(super) weight: Option<usize>,
    pub(super) selection: RowSelection,
    /// For each column to which the indexes in `selection` refer, the index of its value in
    /// [`PickedValues`]; `None` for a column that neither the filter nor the option `keep` names.
    pub(super) slots: Vec<Option<usize>>,
    /// True if each row has a line of its own, so that a malformed row is skipped. False if a
    /// malformed row ends the load.
    pub(super) is_lines: bool,
    pub(super) crs: Crs,
    /// If an option names a column of weights that the first rows don't have: its name, and the
    /// names of the columns that the first rows have. If no later row has the column either, that
    /// is an error. `None` in all other cases.
    pub(super) unseen: Option<(String, Vec<String>)>,
}

/// The values that are picked from a row, as JSON texts; `None` for a value that the row doesn't
/// have. The [`Picker`] of the parser states which values these are, and their order.
type PickedValues<'a> = Vec<Option<&'a [u8]>>;

/// A counter of lines, which finds the line of a row for messages. It counts only up to a row whose
/// line is needed, since counting takes time, and continues from there for the next such row.
struct LineCounter<'b> {
    block: &'b TextBlock,
    counted: usize,
    place: TextPosition,
}

impl LineCounter<'_> {
    fn at(&mut self, offset: usize) -> TextPosition {
        let passed = self.block.bytes.get(self.counted..offset);
        self.place = self.place.after(passed.unwrap_or_default(), b'\n');
        self.counted = self.counted.max(offset);
        self.place
    }
}

impl BlockParser for RowParser {
    fn parse(&self, block: &TextBlock, batch: &mut Batch) -> Result<(), LoadError> {
        let mut lines = LineCounter {
            block,
            counted: 0,
            place: block.start,
        };
        let mut picked = Vec::new();
        for range in &block.items {
            let Some(json) = block.bytes.get(range.clone()) else {
                continue;
            };
            let checked = match skip_value::is_flat(json) {
                true => Ok(IgnoredAny),
                false => serde_json::from_slice(json),
            };
            match checked {
                Ok(IgnoredAny) => self.item(json, range, &mut picked, batch, &mut lines)?,
                Err(error) if self.is_lines => {
                    let found = || format!("{}: {}", message(&error), shown(json));
                    let line = || (lines.at(range.start).line, found());
                    batch.report.skip(SkipReason::Malformed, line);
                }
                Err(error) => {
                    let TextPosition { line, column } = within(lines.at(range.start), &error);
                    return Err(LoadError::Json {
                        file: self.file.clone(),
                        line,
                        column,
                        message: message(&error),
                    });
                }
            }
        }
        Ok(())
    }

    fn finish(&self, report: &Report) -> Result<(), LoadError> {
        match &self.unseen {
            Some((name, seen)) if report.kept == report.weights_missing => {
                let schema = Schema {
                    names: seen,
                    file: &self.file,
                };
                Err(schema.no_such_column(Parameter::Weight, name))
            }
            _ => Ok(()),
        }
    }
}

impl RowParser {
    /// Reads `json`, one of the JSON values of which a block of text consists. It is a row or, with
    /// [`RowForm::Groups`], an array of rows. `range` is its range in bytes of the block of text.
    fn item<'b>(
        &self,
        json: &'b [u8],
        range: &Range<usize>,
        picked: &mut PickedValues<'b>,
        batch: &mut Batch,
        lines: &mut LineCounter<'_>,
    ) -> Result<(), LoadError> {
        let mut offset = range.start;
        if self.form != RowForm::Groups {
            return self.row(json, picked, batch, &mut || lines.at(offset));
        }
        if json.first() != Some(&b'[') {
            let found = || (lines.at(offset).line, format!("no array: {}", shown(json)));
            batch.report.skip(SkipReason::Malformed, found);
            return Ok(());
        }
        for row in skip_value::elements(json) {
            offset = range.start + super::path::offset_in(json, row);
            self.row(row, picked, batch, &mut || lines.at(offset))?;
        }
        Ok(())
    }

    fn row<'b>(
        &self,
        json: &'b [u8],
        picked: &mut PickedValues<'b>,
        batch: &mut Batch,
        place: &mut dyn FnMut() -> TextPosition,
    ) -> Result<(), LoadError> {
        let is_row = match self.form {
            RowForm::Objects => json.first() == Some(&b'{'),
            RowForm::Arrays | RowForm::Groups => json.first() == Some(&b'['),
        };
        if !is_row {
            let found = || (place().line, format!("no row: {}", shown(json)));
            batch.report.skip(SkipReason::Malformed, found);
            return Ok(());
        }
        self.picker.pick(json, picked);
        let value = |column: usize| {
            let slot = self.slots.get(column).copied().flatten();
            let found = slot.and_then(|slot| picked.get(slot).copied().flatten());
            found.map_or(Value::Null, typed)
        };
        if !self.selection.selects(value, &mut batch.report) {
            return Ok(());
        }
        self.positions(json, picked, batch, place)?;
        batch.keep_values(|at| {
            self.selection
                .keep
                .get(at)
                .map_or(Value::Null, |at| value(*at))
        });
        Ok(())
    }

    /// Adds a point for each position of a row. A row without any position is counted as skipped.
    fn positions(
        &self,
        json: &[u8],
        picked: &PickedValues<'_>,
        batch: &mut Batch,
        place: &mut dyn FnMut() -> TextPosition,
    ) -> Result<(), LoadError> {
        let value = |slot: usize| picked.get(slot).copied().flatten().and_then(not_null);
        let weight = self.weight.map(|slot| text(value(slot)));
        let weight = weight.as_deref().map_or(Weight::Unused, Weight::Text);
        let mut any = false;
        for rule in &self.places {
            let faults = match rule {
                PickedPlace::Pair { lon, lat, .. }
                    if value(*lon).is_none() && value(*lat).is_none() =>
                {
                    continue;
                }
                PickedPlace::Pair {
                    lon,
                    lat,
                    is_e7,
                    assumed,
                } => {
                    let axes = (value(*lon), value(*lat));
                    let fault = self.pair(axes, *is_e7, weight, batch)?;
                    // A row that contradicts the order has a latitude beyond ±90.
                    if let (Some(_), Some(assumed)) = (&fault, assumed) {
                        let number = |axis: Option<&[u8]>| axis.and_then(json_number);
                        self.check_order(*assumed, (number(axes.0), number(axes.1)), json, place)?;
                    }
                    fault.map_or_else(Vec::new, |fault| vec![fault])
                }
                PickedPlace::Text {
                    at,
                    order,
                    is_assumed,
                } => {
                    let Some(value) = value(*at).filter(|value| value.first() != Some(&b'{'))
                    else {
                        continue;
                    };
                    let outcome = at_text(&string(value), *order, weight, batch);
                    if *is_assumed && let Some((lon, lat)) = outcome.doubtful {
                        self.check_order(*order, (Some(lon), Some(lat)), json, place)?;
                    }
                    outcome.faults
                }
                PickedPlace::Code { at, code } => {
                    let Some(value) = value(*at) else {
                        continue;
                    };
                    at_code(&typed(value), *code, weight, batch)
                        .into_iter()
                        .collect()
                }
                PickedPlace::TextsIn { at, member } => {
                    let mut faults = Vec::new();
                    for element in skip_value::elements(value(*at).unwrap_or_default()) {
                        any = true;
                        let point = property(element, member).unwrap_or_default();
                        let outcome = at_text(&string(point), AxisOrder::LatLon, weight, batch);
                        faults.extend(outcome.faults);
                    }
                    skip(faults, batch, place);
                    continue;
                }
                PickedPlace::Points { at } => {
                    let Some(points) = value(*at) else {
                        continue;
                    };
                    let mut faults = Vec::new();
                    for point in skip_value::elements(points) {
                        let mut axes = skip_value::elements(point);
                        let axes = (axes.next(), axes.next());
                        faults.extend(self.pair(axes, false, weight, batch)?);
                    }
                    faults
                }
            };
            any = true;
            skip(faults, batch, place);
            if !self.is_each {
                break;
            }
        }
        if !any {
            let found = || (place().line, format!("row {}", shown(json)));
            batch.report.skip(SkipReason::NoPosition, found);
        }
        Ok(())
    }

    /// Returns an error if a row shows that the assumed order of coordinates is wrong: its latitude
    /// is beyond ±90, and its longitude is not.
    fn check_order(
        &self,
        assumed: AxisOrder,
        (lon, lat): (Option<f64>, Option<f64>),
        json: &[u8],
        place: &mut dyn FnMut() -> TextPosition,
    ) -> Result<(), LoadError> {
        let (Some(x), Some(y)) = (lon, lat) else {
            return Ok(());
        };
        if required(y, x) != Some(AxisOrder::LonLat) {
            return Ok(());
        }
        let TextPosition { line, column } = place();
        let is = match assumed {
            AxisOrder::LatLon => "latitude first",
            AxisOrder::LonLat => "longitude first",
        };
        Err(LoadError::BadOption {
            file: self.file.clone(),
            parameter: Parameter::Order,
            message: format!(
                "line {line}, column {column}: the row {} has no latitude where the rows before it \
                 were read with the {is}; name the order with `order` lat,lon or `order` lon,lat",
                shown(json)
            ),
        })
    }

    /// Adds the point with the coordinates `lon` and `lat`, which are JSON texts; with `is_e7` they
    /// are degrees times 10⁷. If they give no point, returns the reason and the value at fault.
    fn pair(
        &self,
        (lon, lat): (Option<&[u8]>, Option<&[u8]>),
        is_e7: bool,
        weight: Weight<'_>,
        batch: &mut Batch,
    ) -> Result<Option<Fault>, LoadError> {
        if !is_e7 && matches!(self.crs, Crs::LonLat) {
            let (lon, lat) = (text(lon), text(lat));
            return Ok(match batch.keep(&lon, &lat, weight) {
                Ok(()) => None,
                Err(refused) => reconsidered((&lon, &lat), weight, batch, &refused),
            });
        }
        let (Some(x), Some(y)) = (lon.and_then(json_number), lat.and_then(json_number)) else {
            // These are no numbers, so the batch rejects them in its own words.
            let (lon, lat) = (text(lon), text(lat));
            return Ok(rejected(batch.keep(&lon, &lat, weight)));
        };
        if is_e7 {
            let (lon, lat) = (unwrapped(x, 180.0) / 1e7, unwrapped(y, 90.0) / 1e7);
            return Ok(rejected(batch.keep_record(lon, lat, weight)));
        }
        match self.crs.place(x, y) {
            Ok(place) => {
                batch.report.place_off_by(place.error);
                Ok(rejected(batch.keep_record(place.lon, place.lat, weight)))
            }
            Err(PlaceError::Outside) => {
                Ok(Some((SkipReason::BadPosition, format!("x {x}, y {y}"))))
            }
            Err(PlaceError::Vague(vague)) => Err(self.crs.refusal(&vague, &self.file)),
        }
    }
}

/// Counts a skipped row for each of the faults. `place` returns the row's position in the file.
fn skip(faults: Vec<Fault>, batch: &mut Batch, place: &mut dyn FnMut() -> TextPosition) {
    for (skip, found) in faults {
        batch.report.skip(skip, || (place().line, found));
    }
}

/// Corrects a coordinate in ten-millionths of a degree that is too large by 2³², because a negative
/// number was written as an unsigned one: Google Takeout has such numbers. Returns ten-millionths
/// of a degree. `most` is the largest absolute value of the coordinate, in degrees.
fn unwrapped(number: f64, most: f64) -> f64 {
    let turn = f64::from(u32::MAX) + 1.0;
    if number > most * 1e7 && (number - turn).abs() <= most * 1e7 {
        number - turn
    } else {
        number
    }
}

/// The text of a JSON value: a string without its quotes; empty for null and for a missing value.
fn text(value: Option<&[u8]>) -> Cow<'_, [u8]> {
    match value.and_then(not_null) {
        None => Cow::Borrowed(b""),
        Some(json) if json.first() == Some(&b'"') => match string(json) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        Some(json) => Cow::Borrowed(json),
    }
}
