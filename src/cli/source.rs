//! Where points come from: the flags of sources, and loading with a bar that grows.

use super::Failure;
#[cfg(feature = "postgis")]
use super::database::{self, DatabaseFlags};
use clap::Args;
use heatsplat::Points;
#[cfg(feature = "postgis")]
use heatsplat_loader::postgis::is_address;
use heatsplat_loader::{
    Bounds, Columns, Filter, Format, Options, Progress, Report, Source, Table, load_table, open,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// Flags that say how to read a source.
#[derive(Args, Clone)]
#[command(next_help_heading = "How to read the source")]
pub(super) struct SourceFlags {
    /// The column of longitudes [default: found by its name]
    #[arg(long, value_name = "COLUMN")]
    lon: Option<String>,
    /// The column of latitudes [default: found by its name]
    #[arg(long, value_name = "COLUMN")]
    lat: Option<String>,
    /// The column of weights, or `none` to count every row once [default: found by its name]
    #[arg(long, value_name = "COLUMN|none")]
    weight: Option<String>,
    /// csv, tsv, geojson, geojsonl, shapefile, geopackage, flatgeobuf, parquet, arrow or gpx [default: found by name and content]
    #[arg(long)]
    format: Option<Format>,
    /// The table to read: of a database, or where a GeoPackage has several of points
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// Only rows that fulfil a condition: "kind = 'theft' and time >= 2010-03-01"
    #[arg(long, value_name = "CONDITION")]
    filter: Option<Filter>,
    /// Columns to keep for each point, to filter tiles by: ?filter=kind = 'theft' in their
    /// addresses. Costs 8 bytes a point for numbers and times, 1 to 4 for texts
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    keep: Vec<String>,
    /// Only rows in a part of the world; files with an index are read only there
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true)]
    within: Option<Bounds>,
    /// What stands between the fields of a CSV file: one character, or `tab` [default: found]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Stop at the first row that gives no point, instead of skipping and counting it
    #[arg(long)]
    strict: bool,
    #[cfg(feature = "postgis")]
    #[command(flatten)]
    pub(super) database: DatabaseFlags,
}

impl SourceFlags {
    /// Reads a source and makes an index of its points.
    pub(super) fn read(&self, source: &str) -> Result<Loaded, Failure> {
        index(&mut *self.open(source)?)
    }

    /// Whether a file is of a known format with columns of positions.
    pub(super) fn can_open(&self, file: &str) -> Result<(), Failure> {
        open(file, &self.options())?;
        Ok(())
    }

    #[cfg(feature = "postgis")]
    fn open(&self, source: &str) -> Result<Box<dyn Source>, Failure> {
        if !is_address(source) {
            if self.database.any() {
                return Err("--sql, --geom and --srid are for postgres:// addresses".into());
            }
            return Ok(open(source, &self.options())?);
        }
        if self.filter.is_some() || self.within.is_some() {
            return Err("--filter and --within are for files; say it in --sql".into());
        }
        if !self.keep.is_empty() {
            return Err("--keep is for files; a database is filtered by its --sql".into());
        }
        match self.asks().as_slice() {
            [ask] => database::open(source, ask, self.database.allow_superuser, self.strict),
            _ => Err("a postgres:// address needs one --table NAME or --sql QUERY".into()),
        }
    }

    #[cfg(not(feature = "postgis"))]
    fn open(&self, source: &str) -> Result<Box<dyn Source>, Failure> {
        Ok(open(source, &self.options())?)
    }

    /// What to read of a database.
    #[cfg(feature = "postgis")]
    pub(super) fn asks(&self) -> Vec<heatsplat_loader::postgis::Ask> {
        self.database.asks(&self.table, self.weight.as_deref())
    }

    /// The same flags for the files beside a database.
    #[cfg(feature = "postgis")]
    pub(super) fn of_files(&self) -> Self {
        let database = DatabaseFlags::default();
        Self {
            database,
            table: Vec::new(),
            ..self.clone()
        }
    }

    /// The same flags for one of several tables.
    #[cfg(feature = "postgis")]
    pub(super) fn of_one(&self, from: &heatsplat_loader::postgis::Relation) -> Self {
        use heatsplat_loader::postgis::Relation;
        let mut flags = self.clone();
        match from {
            Relation::Table(name) => {
                flags.table = vec![name.clone()];
                flags.database.sql = None;
            }
            Relation::Sql(sql) => {
                flags.table.clear();
                flags.database.sql = Some(sql.clone());
            }
        }
        flags
    }

    fn options(&self) -> Options {
        Options {
            format: self.format,
            lon: self.lon.clone(),
            lat: self.lat.clone(),
            weight: self.weight.clone(),
            delimiter: self.delimiter,
            table: self.table.first().cloned(),
            filter: self.filter.clone(),
            keep: self.keep.clone(),
            within: self.within,
            strict: self.strict,
        }
    }
}

/// A source as messages may show it: an address without user and password.
pub(super) fn shown(source: &str) -> String {
    #[cfg(feature = "postgis")]
    let source = &database::shown(source);
    source.to_owned()
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] => Ok(*byte),
        _ => Err("expected one character, or tab"),
    }
}

/// A source that was read to its end.
pub(super) struct Loaded {
    pub(super) points: Points,
    /// The columns that are kept.
    pub(super) table: Table,
    pub(super) report: Report,
    pub(super) columns: Columns,
    pub(super) time: Duration,
}

impl Loaded {
    /// One line for people; examples of skipped rows below it.
    pub(super) fn summary(&self, name: &str) -> String {
        let rate = self.report.rows as f64 / self.time.as_secs_f64().max(1e-9);
        let kept = self
            .kept()
            .map_or(String::new(), |kept| format!("\n  {kept}"));
        format!(
            "{name}: {}\n  {} ({:.2} s, {:.1} million rows a second){kept}",
            self.report,
            self.columns.why,
            self.time.as_secs_f64(),
            rate / 1e6,
        )
    }

    /// What is kept beside the points and how much that takes, in one line.
    pub(super) fn kept(&self) -> Option<String> {
        if self.table.is_empty() {
            return None;
        }
        let columns = self.table.columns().iter();
        let columns: Vec<String> = columns
            .map(|column| format!("\"{}\" ({})", column.name(), column.kind().name()))
            .collect();
        let bytes = self.table.bytes();
        let each = bytes as f64 / self.points.summary().count.max(1) as f64;
        Some(format!(
            "keeps {}: {} bytes, {each:.1} a point",
            columns.join(", "),
            grouped(bytes as u64)
        ))
    }
}

fn index(source: &mut dyn Source) -> Result<Loaded, Failure> {
    let started = Instant::now();
    let bar = bar(source.progress());
    let loaded = load_table(source, |progress| {
        bar.set_position(progress.bytes_read);
        bar.set_message(format!("{} rows", grouped(progress.rows)));
    });
    bar.finish_and_clear();
    let (points, table, report) = loaded?;
    let columns = source.columns().clone();
    Ok(Loaded {
        points,
        table,
        report,
        columns,
        time: started.elapsed(),
    })
}

/// A bar on standard error: hidden where that is no terminal.
fn bar(progress: Progress) -> ProgressBar {
    let (bar, look) = match progress.bytes_total {
        Some(total) => (
            ProgressBar::new(total),
            "{bar:32} {bytes}/{total_bytes}  {msg}  {bytes_per_sec}",
        ),
        None => (
            ProgressBar::no_length(),
            "{spinner} {bytes}  {msg}  {bytes_per_sec}",
        ),
    };
    match ProgressStyle::with_template(look) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A whole number with its thousands apart: `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let texts = [0, 12, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn delimiters() {
        assert_eq!(
            (delimiter(";"), delimiter("tab"), delimiter("\\t")),
            (Ok(b';'), Ok(9), Ok(9))
        );
        assert!(delimiter("").is_err() && delimiter(";;").is_err() && delimiter("é").is_err());
    }
}
