//! The first points of a source, with the use of each column: `heatsplat info --explain`.

use super::error::{BoxError, UsageError};
use super::postgis;
use super::source_flags::SourceFlags;
use heatsplat::points::mercator;
use heatsplat::{Point, WorldCoord};
use heatsplat_loader::{Columns, Position, Table, load_first};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The number of points that `heatsplat info --explain` shows. A choice.
const SHOWN: u32 = 5;

/// The largest number of columns whose values are shown. A choice.
const MOST_COLUMNS: usize = 40;
/// The largest number of characters of a value that are shown. A choice.
const LONGEST: usize = 24;

/// The first points of a source ([`SHOWN`] at most), and the values of all columns in the rows that
/// they come from.
pub(super) struct FirstPoints {
    points: Vec<Point>,
    table: Table,
    columns: Columns,
    /// The number of columns whose values are not shown: those beyond the first [`MOST_COLUMNS`],
    /// and those whose values are geometries.
    left_out: usize,
}

impl FirstPoints {
    /// Reads the first points of a source. The source is opened twice: first to learn its columns,
    /// then to read the values of all of them.
    pub(super) fn read(source: &str, flags: &SourceFlags) -> Result<Self, BoxError> {
        if source == "-" {
            let message = "--explain reads a source twice, and standard input can be read once: \
                           write it to a file";
            return Err(UsageError::new("info", message).into());
        }
        if postgis::redact(source).is_some() {
            let message = "--explain is for files; psql shows the first rows of a table";
            return Err(UsageError::new("info", message).into());
        }
        let columns = flags.open(source)?.columns().clone();
        let keeping = |keep: Vec<String>| {
            let mut flags = flags.clone();
            flags.keep = keep;
            flags.open(source)
        };
        let is_used = |name: &&String| used_as(&columns, name).is_some();
        let (used, others): (Vec<_>, Vec<_>) = columns.seen.iter().partition(is_used);
        let all = used.into_iter().chain(others).take(MOST_COLUMNS);
        let mut keep: Vec<String> = all.cloned().collect();
        let mut opened = keeping(keep.clone());
        if opened.is_err() {
            // Columns of geometries and nested values can't be kept.
            keep.retain(|name| keeping(vec![name.clone()]).is_ok());
            opened = keeping(keep.clone());
        }
        let (points, table) = load_first(&mut *opened?, SHOWN)?;
        let left_out = columns.seen.len().saturating_sub(keep.len());
        Ok(Self {
            points,
            table,
            columns,
            left_out,
        })
    }

    /// Each point's longitude and latitude in degrees, and its weight.
    fn places(&self) -> impl Iterator<Item = (f64, f64, f32)> {
        self.points.iter().map(|point| {
            let (lon, lat) = mercator::unproject(WorldCoord {
                x: point.x,
                y: point.y,
            });
            (lon, lat, point.weight)
        })
    }

    /// A table for people: a line for each column with its use, type and values, then the points.
    pub(super) fn for_people(&self) -> String {
        let numbers = (1..=self.points.len()).map(|number| format!("point {number}"));
        let head = ["column", "used as", "type"].map(str::to_owned);
        let mut rows: Vec<Vec<String>> = vec![head.into_iter().chain(numbers).collect()];
        for column in self.table.columns() {
            let used_as = used_as(&self.columns, column.name()).unwrap_or("–");
            let about = [column.name(), used_as, column.kind().name()];
            let mut row: Vec<String> = about.map(shortened).into();
            let values = (0..self.points.len()).map(|i| column.text(i));
            row.extend(values.map(|value| value.map_or("–".to_owned(), |text| shortened(&text))));
            rows.push(row);
        }
        let point = |name: &str, of: fn((f64, f64, f32)) -> String| {
            let head = ["→ ".to_owned() + name, String::new(), String::new()];
            head.into_iter()
                .chain(self.places().map(of))
                .collect::<Vec<String>>()
        };
        rows.push(point("longitude", |(lon, ..)| format!("{lon:.6}")));
        rows.push(point("latitude", |(_, lat, _)| format!("{lat:.6}")));
        rows.push(point("weight", |(.., weight)| weight.to_string()));
        let mut text = format!(
            "  the first points, and how they were read\n{}",
            aligned(&rows)
        );
        if self.left_out > 0 {
            let _ = writeln!(text, "    columns that are not shown: {}", self.left_out);
        }
        text
    }

    /// The points as JSON: `lon`, `lat`, `weight`, and the `values` of the columns as texts.
    pub(super) fn as_json(&self) -> Value {
        let points = self.places().enumerate().map(|(i, (lon, lat, weight))| {
            let values = self.table.columns().iter();
            let values = values.map(|c| (c.name().to_owned(), json!(c.text(i))));
            let values: Map<String, Value> = values.collect();
            json!({ "lon": lon, "lat": lat, "weight": weight, "values": values })
        });
        points.collect()
    }
}

/// The use that is made of a column: `longitude`, `latitude`, `position` or `weight`. `None` for
/// columns that are not used.
fn used_as(columns: &Columns, column: &str) -> Option<&'static str> {
    let (lon, lat) = match &columns.position {
        Position::LonLat { lon, lat } => (Some(&**lon), Some(&**lat)),
        Position::Geometry => (None, None),
    };
    let weight = columns.weight.as_deref();
    let position = columns.geometry.as_deref();
    let uses = [
        (lon, "longitude"),
        (lat, "latitude"),
        (position, "position"),
        (weight, "weight"),
    ];
    let found = uses.into_iter().find(|(name, _)| *name == Some(column));
    found.map(|(_, used_as)| used_as)
}

/// The text without its control characters, cut to [`LONGEST`] characters.
fn shortened(text: &str) -> String {
    let mut letters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

/// Formats a table of texts, row by row, as lines in which the columns are aligned.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        format!("    {}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
