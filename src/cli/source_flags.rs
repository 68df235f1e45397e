//! Where points come from: the flags of sources, and loading with a bar that grows.

#[cfg(feature = "postgis")]
use super::postgis::flags::{self as database, DatabaseFlags};
use super::{Failure, radii};
use clap::Args;
use heatsplat::Points;
use heatsplat::import;
use heatsplat::render::{Category, MAX_CATEGORIES, NEGATIVE_SHARE, PointSet};
#[cfg(feature = "postgis")]
use heatsplat_loader::postgis::is_address;
use heatsplat_loader::{
    Bounds, Columns, Encoding, Filter, Format, LoadError, Options, Progress, Quote, Report, Source,
    Table, TimeFormat, load_table, open, shown_source,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Flags that say how to read a source.
#[derive(Args, Clone, Default)]
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
    /// A column of radii in pixels, for points that have one of their own; where it is empty or 0 a
    /// point has the style's
    #[arg(long, value_name = "COLUMN")]
    radius_column: Option<String>,
    /// csv, tsv, geojson, geojsonl, shapefile, geopackage, flatgeobuf, parquet, arrow or gpx [default: found by name and content]
    #[arg(long)]
    format: Option<Format>,
    /// The table to read: of a database, or where a GeoPackage has several of points
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// Only rows that fulfil a condition: "kind = 'theft' and time >= 2010-03-01". A text column is
    /// compared with a number as numbers, with a date (quoted or not) as dates, with any other text in
    /// quotes as texts. Rows whose value can't be compared so are left out and counted; docs/filters.md
    #[arg(long, value_name = "CONDITION")]
    filter: Option<Filter>,
    /// How dates are written, where the year doesn't come first: %m/%d/%Y, %d.%m.%Y %H:%M (strptime), or
    /// what numbers count since 1970: seconds, milliseconds, microseconds, nanoseconds. May be given
    /// several times; --filter and --keep read dates so [default: no order of day and month is guessed]
    #[arg(long, value_name = "FORMAT")]
    time_format: Vec<TimeFormat>,
    /// Columns to keep for each point, to filter tiles by: ?filter=kind = 'theft' in their
    /// addresses. Costs 8 bytes a point for numbers and times, 1 to 4 for texts
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    keep: Vec<String>,
    /// A column whose values have colours of their own, mixed where they meet: the ten most
    /// frequent ones, and grey for the others
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// Only rows in a part of the world; files with an index are read only there
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true)]
    within: Option<Bounds>,
    /// What stands between the fields of a CSV file: one character, or `tab` [default: found]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// What quotes the fields of a CSV file: one character, or `none` [default: `"` where it
    /// swallows no rows; in text parted by tabs only around whole fields]
    #[arg(long, value_name = "CHARACTER|none")]
    quote: Option<Quote>,
    /// What encoding text is in: utf-8, windows-1252, utf-16, shift_jis … [default: UTF-8 or UTF-16,
    /// or what XML declares; values that are no UTF-8 are windows-1252]
    #[arg(long, value_name = "NAME")]
    encoding: Option<Encoding>,
    /// How far places may be off, like 50m, where the shift of a file's datum to WGS 84 is known no
    /// better without a grid, which is not read here [default: 5m]
    #[arg(long, value_name = "METRES", value_parser = metres)]
    datum_error: Option<f64>,
    /// Stop at the first row that gives no point, instead of skipping and counting it
    #[arg(long)]
    strict: bool,
    /// The column of geometries, where there are several [default: the primary one of a file, the
    /// only one of a table]
    #[arg(long, value_name = "COLUMN")]
    geom: Option<String>,
    /// The most that is kept in a temporary file of an address whose format, or whose server, doesn't
    /// let it be read as it comes, like 500M or 20G [default: 4G]
    #[cfg(feature = "remote")]
    #[arg(long, value_name = "SIZE", value_parser = super::backend::size)]
    download_limit: Option<u64>,
    #[cfg(feature = "postgis")]
    #[command(flatten)]
    pub(super) database: DatabaseFlags,
}

impl SourceFlags {
    /// Reads a source and makes an index of its points.
    pub(super) fn read(&self, source: &str) -> Result<Loaded, Failure> {
        let Some(radius) = &self.radius_column else {
            let mut loaded = index(&mut *self.open(source)?)?;
            loaded.by.clone_from(&self.by);
            return Ok(loaded);
        };
        if !self.keep.is_empty() || self.by.is_some() {
            return Err("--radius-column can't be had together with --keep or --by".into());
        }
        let blamed = |error: Failure| match error.downcast::<LoadError>() {
            Ok(error) => of_radius(*error).into(),
            Err(error) => error,
        };
        let loaded = self.open(source).and_then(|mut source| index(&mut *source));
        let mut loaded = loaded.map_err(blamed)?;
        // kept while the rows were read, it belongs to the points from here on
        let table = std::mem::take(&mut loaded.table);
        if let Some(column) = table.column(radius) {
            let (radii, account) = radii::of(column);
            let points = loaded.points.as_slice();
            loaded.own = Some(Arc::new(PointSet::with_radii(points, &radii)));
            loaded.columns.why.push_str(&account);
        }
        Ok(loaded)
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
                return Err("--sql and --srid are for postgres:// addresses".into());
            }
            return Ok(open(source, &self.options())?);
        }
        if let Some(message) = self.only_for_files() {
            return Err(message.into());
        }
        match self.asks().as_slice() {
            [ask] => database::open(source, ask, self.database.role.allow_superuser, self.strict),
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
        let (geom, weight) = (self.geom.as_deref(), self.weight.as_deref());
        let radius = self.radius_column.as_deref();
        self.database.asks(&self.table, geom, weight, radius)
    }

    /// What else is said that a live layer of a database can't do, as a message.
    #[cfg(feature = "postgis")]
    pub(super) fn only_for_snapshots(&self) -> Option<&'static str> {
        let radius = self.radius_column.is_some();
        radius
            .then_some("radius-column is not for live layers: leave out live to read all rows once")
    }

    /// What else is said that a database can't do, as a message.
    #[cfg(feature = "postgis")]
    pub(super) fn only_for_files(&self) -> Option<&'static str> {
        if self.filter.is_some() || self.within.is_some() {
            return Some("filter and within are for files; say it in sql");
        }
        if !self.time_format.is_empty() {
            return Some("time_format is for files; a database knows its dates");
        }
        if self.datum_error.is_some() {
            return Some("datum_error is for files; a database has shifts of its own");
        }
        (!self.keep.is_empty() || self.by.is_some())
            .then_some("keep and by are for files; a database is filtered by its sql")
    }

    /// The flags that ask a database for this.
    #[cfg(feature = "postgis")]
    pub(super) fn of_ask(ask: heatsplat_loader::postgis::Ask) -> Self {
        use heatsplat_loader::postgis::Relation;
        let (table, sql) = match ask.from {
            Relation::Table(name) => (vec![name], None),
            Relation::Sql(sql) => (Vec::new(), Some(sql)),
        };
        Self {
            table,
            weight: ask.weight,
            geom: ask.geom,
            database: DatabaseFlags {
                sql,
                srid: ask.srid,
                ..DatabaseFlags::default()
            },
            ..Self::default()
        }
    }

    /// What a layer of a database is called unless it is said.
    #[cfg(feature = "postgis")]
    pub(super) fn table_name(&self) -> String {
        let asked = self.asks();
        asked
            .first()
            .map_or_else(String::new, |ask| database::layer_name(&ask.from))
    }

    #[cfg(not(feature = "postgis"))]
    pub(super) fn table_name(&self) -> String {
        String::new()
    }

    /// Takes columns that a style speaks of, where no flag names others.
    pub(super) fn suggest(&mut self, columns: &import::Columns) {
        for (flag, column) in [
            (&mut self.lon, &columns.lon),
            (&mut self.lat, &columns.lat),
            (&mut self.weight, &columns.weight),
            (&mut self.radius_column, &columns.radius),
        ] {
            if flag.is_none() {
                flag.clone_from(column);
            }
        }
    }

    /// Takes a separator of a CSV file, where no flag names another.
    pub(super) fn suggest_delimiter(&mut self, separator: Option<&str>) {
        let byte = separator.and_then(|text| delimiter(text).ok());
        self.delimiter = self.delimiter.or(byte);
    }

    /// Takes a table or `(select …) as name`, where no flag names another.
    #[cfg(feature = "postgis")]
    pub(super) fn suggest_database(&mut self, table: &str, geom: Option<&str>, srid: Option<&str>) {
        if !self.table.is_empty() || self.database.sql.is_some() {
            return;
        }
        match table.strip_prefix('(').and_then(|t| t.rsplit_once(')')) {
            Some((query, _)) => self.database.sql = Some(query.trim().to_owned()),
            None => self.table = vec![table.to_owned()],
        }
        let geom = geom.filter(|g| !g.is_empty());
        self.geom = self.geom.take().or(geom.map(str::to_owned));
        let srid = srid.and_then(|s| s.parse().ok());
        self.database.srid = self.database.srid.or(srid);
    }

    fn options(&self) -> Options {
        Options {
            format: self.format,
            lon: self.lon.clone(),
            lat: self.lat.clone(),
            weight: self.weight.clone(),
            delimiter: self.delimiter,
            quote: self.quote,
            encoding: self.encoding,
            table: self.table.first().cloned(),
            geom: self.geom.clone(),
            filter: self.filter.clone(),
            time_formats: self.time_format.clone(),
            keep: {
                let columns = self.keep.iter().chain(&self.by).chain(&self.radius_column);
                columns.cloned().collect()
            },
            within: self.within,
            strict: self.strict,
            datum_error: self.datum_error,
            #[cfg(feature = "remote")]
            download_limit: self.download_limit,
            #[cfg(not(feature = "remote"))]
            download_limit: None,
        }
    }
}

/// What tells the states of an address apart, where its server says it; of other sources nothing.
pub(super) fn version(source: &str, known: Option<&str>) -> Result<Option<String>, Failure> {
    #[cfg(feature = "remote")]
    if heatsplat_loader::is_remote(source) {
        return Ok(heatsplat_loader::remote_version(source, known)?);
    }
    let _ = (source, known);
    Ok(None)
}

/// A source as messages may show it: an address without user and password, and without a query.
pub(super) fn shown(source: &str) -> String {
    #[cfg(feature = "postgis")]
    let source = &database::shown(source);
    shown_source(source)
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] => Ok(*byte),
        _ => Err("expected one character, or tab"),
    }
}

/// Metres, with or without their unit.
fn metres(text: &str) -> Result<f64, &'static str> {
    let number = text.strip_suffix('m').unwrap_or(text).trim_end();
    match number.parse() {
        Ok(metres) if (0.0..=10_000.0).contains(&metres) => Ok(metres),
        _ => Err("expected metres from 0 to 10000, like 50m"),
    }
}

/// A source that was read to its end.
pub(super) struct Loaded {
    pub(super) points: Points,
    /// The same points where some have a radius of their own.
    own: Option<Arc<PointSet>>,
    /// The column whose values have colours.
    by: Option<String>,
    /// The columns that are kept.
    pub(super) table: Table,
    pub(super) report: Report,
    pub(super) columns: Columns,
    pub(super) time: Duration,
}

impl Loaded {
    /// What a layer draws, and the columns that are kept.
    pub(super) fn into_set(self) -> Result<(Arc<PointSet>, Table), Failure> {
        Ok(match (self.own, self.by) {
            (Some(own), _) => (own, self.table),
            (None, None) => (Arc::new(PointSet::new(self.points)), self.table),
            (None, Some(by)) => {
                let parts = self.table.split(&self.points, &by, MAX_CATEGORIES - 1)?;
                let set = PointSet::new(self.points).in_categories(Category::colored(parts));
                (Arc::new(set), self.table.shown_by(by))
            }
        })
    }

    /// One line for people; examples of skipped rows below it.
    pub(super) fn summary(&self, name: &str) -> String {
        let rate = self.report.rows as f64 / self.time.as_secs_f64().max(1e-9);
        let kept = self
            .kept()
            .map_or(String::new(), |kept| format!("\n  {kept}"));
        let signs = self
            .signs()
            .map_or(String::new(), |signs| format!("\n  {signs}"));
        format!(
            "{name}: {}\n  {} ({:.2} s, {:.1} million rows a second){kept}{signs}",
            self.report,
            self.columns.why,
            self.time.as_secs_f64(),
            rate / 1e6,
        )
    }

    /// What becomes of negative weights where they are few, in one line.
    pub(super) fn signs(&self) -> Option<String> {
        let share = self.points.summary().negative_share();
        (share > 0.0 && share < NEGATIVE_SHARE).then(|| {
            format!(
                "{}: drawn as amounts (from {} % on colours lie to both sides of 0)",
                negative(share),
                NEGATIVE_SHARE * 100.0
            )
        })
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

/// How much of all weight is below zero, for people.
pub(super) fn negative(share: f64) -> String {
    match share * 100.0 {
        percent if percent < 0.01 => "less than 0.01 % of all weight is negative".to_owned(),
        percent => format!("{percent:.2} % of all weight is negative"),
    }
}

fn index(source: &mut dyn Source) -> Result<Loaded, Failure> {
    let started = Instant::now();
    let (points, table, report) = with_bar(source, |source, bar| load_table(source, |p| bar(p)))?;
    Ok(Loaded {
        points,
        table,
        own: None,
        by: None,
        report,
        columns: source.columns().clone(),
        time: started.elapsed(),
    })
}

/// Reads a source while a bar shows how far that is.
fn with_bar<T, E: Into<Failure>>(
    source: &mut dyn Source,
    read: impl FnOnce(&mut dyn Source, &mut dyn FnMut(&Progress)) -> Result<T, E>,
) -> Result<T, Failure> {
    let bar = bar(source.progress());
    let read = read(source, &mut |progress| {
        bar.set_position(progress.bytes_read);
        bar.set_message(format!("{} rows", grouped(progress.rows)));
    });
    bar.finish_and_clear();
    read.map_err(Into::into)
}

/// An error about a column to keep, said of the flag that asks for it.
fn of_radius(error: LoadError) -> LoadError {
    match error {
        LoadError::NoSuchColumn {
            file, name, seen, ..
        } => LoadError::NoSuchColumn {
            file,
            parameter: "--radius-column",
            name,
            seen,
        },
        other => other,
    }
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
