//! Sources of points. They are read batch by batch and report on their rows.

use crate::batch::Batch;
use crate::columns::{Columns, Position, Schema};
use crate::error::LoadError;
use crate::messages::shown;
use crate::parameter::Parameter;
use crate::report::{Report, SkipReason};
use crate::table::{Table, TableBuilder};
use heatsplat_points::{Point, PointSink, Points, PointsBuilder};

/// A source of points: a file, a stream or a database query.
///
/// The caller requests each batch with [`next_batch`](Self::next_batch). The source reads only a
/// few pieces of some hundred KiB ahead, so it takes little memory whatever its size is.
pub trait Source: Send {
    /// The source's name in messages, for example its path or `standard input`.
    fn name(&self) -> &str;

    /// All columns of the source, the choice of the columns that are used, and the reason for this
    /// choice.
    fn columns(&self) -> &Columns;

    /// Appends the points of the next rows to `sink`. Returns `false` if there are no more rows.
    ///
    /// A batch may be empty without being the last, if all of its rows are skipped. Points come in
    /// the order of the rows.
    ///
    /// # Errors
    /// The rest of the source can't be read. Points that were appended to `sink` before stay there.
    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError>;

    /// The values in the kept columns, the columns that
    /// [`LoadOptions::keep`](crate::LoadOptions::keep) names. They belong to the points that
    /// [`next_batch`](Self::next_batch) has appended since the last call of this method, and are in
    /// the order of these points. Empty if there are no kept columns.
    fn take_kept(&mut self) -> TableBuilder {
        TableBuilder::default()
    }

    /// The report of all rows that were read so far.
    fn report(&self) -> &Report;

    /// The progress of reading so far.
    fn progress(&self) -> LoadProgress;
}

/// The state that all sources of this crate have.
pub(crate) struct SourceState {
    name: String,
    pub(crate) columns: Columns,
    pub(crate) report: Report,
    /// The values in the kept columns, for the points that were added since the last call of
    /// `take_kept`.
    kept: TableBuilder,
    strict: bool,
}

impl SourceState {
    pub(crate) fn new(name: &str, columns: Columns, strict: bool) -> Self {
        Self {
            name: name.to_owned(),
            columns,
            report: Report::default(),
            kept: TableBuilder::default(),
            strict,
        }
    }

    /// Appends a batch's points to `sink`, and adds the batch's values and report to the state.
    ///
    /// # Errors
    /// [`LoadError::Strict`] if the source is strict and a row was skipped.
    pub(crate) fn pour(&mut self, batch: Batch, sink: &mut dyn PointSink) -> Result<(), LoadError> {
        sink.push(&batch.points);
        self.kept.append(batch.kept);
        self.report.add(batch.report);
        match self.report.examples.first() {
            Some(row) if self.strict => Err(LoadError::Strict {
                file: self.name.clone(),
                row: row.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// A source that has a [`SourceState`]. Each format implements how it reads batches; all other
/// methods of [`Source`] are implemented here once for all such sources.
pub(crate) trait BatchSource: Send {
    fn state(&self) -> &SourceState;

    fn state_mut(&mut self) -> &mut SourceState;

    /// Appends the points of the next batches to `sink`; see [`Source::next_batch`].
    fn pour_next(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError>;

    /// The size of the stored source in bytes, that is, before decompression. `None` if the size is
    /// not known.
    fn bytes_total(&self) -> Option<u64>;
}

impl<S: BatchSource> Source for S {
    fn name(&self) -> &str {
        &self.state().name
    }

    fn columns(&self) -> &Columns {
        &self.state().columns
    }

    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        self.pour_next(sink)
    }

    fn take_kept(&mut self) -> TableBuilder {
        std::mem::take(&mut self.state_mut().kept)
    }

    fn report(&self) -> &Report {
        &self.state().report
    }

    fn progress(&self) -> LoadProgress {
        let report = self.report();
        LoadProgress {
            rows: report.rows + report.filtered + report.deleted,
            bytes_read: report.bytes,
            bytes_total: self.bytes_total(),
        }
    }
}

/// The progress of reading a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadProgress {
    /// The number of rows read so far. Rows that were skipped, filtered out or marked as deleted
    /// count too.
    pub rows: u64,
    /// The number of bytes read so far, counted before decompression.
    pub bytes_read: u64,
    /// The size of the source in bytes before decompression. `None` if it is not known, for example
    /// for a pipe.
    pub bytes_total: Option<u64>,
}

/// Reads a source to its end and appends its points to `sink`. Calls `on_progress` after every
/// batch.
///
/// # Errors
/// - An error of the source.
/// - [`LoadError::NoRows`] if it has no rows.
/// - [`LoadError::NothingKept`] if none of its rows gives a point.
/// - Other errors if all rows were filtered out or deleted, or if longitude and latitude are
///   swapped.
pub fn load(
    source: &mut dyn Source,
    sink: &mut dyn PointSink,
    mut on_progress: impl FnMut(&LoadProgress),
) -> Result<Report, LoadError> {
    while source.next_batch(sink)? {
        drop(source.take_kept());
        on_progress(&source.progress());
    }
    finished_report(source)
}

/// Reads a source to its end, like [`load`], but gives the points to `rows` instead of a sink,
/// after each batch, with their values in the kept columns (the columns that the option `keep`
/// names). Reading ends early if `rows` returns false. Calls `on_progress` after every batch.
///
/// # Errors
/// The errors of [`load`], and [`LoadError::NoSuchColumn`] if no row has a column that the option
/// `keep` names.
pub fn load_rows(
    source: &mut dyn Source,
    rows: &mut dyn FnMut(Vec<Point>, TableBuilder) -> bool,
    mut on_progress: impl FnMut(&LoadProgress),
) -> Result<Report, LoadError> {
    let names = source.columns().kept.clone();
    let mut has_values = vec![false; names.len()];
    loop {
        let mut points = Vec::new();
        let more = source.next_batch(&mut points)?;
        let kept = source.take_kept();
        for (has_values, more) in has_values.iter_mut().zip(kept.has_values()) {
            *has_values |= more;
        }
        let goes_on = rows(points, kept);
        on_progress(&source.progress());
        if !more || !goes_on {
            break;
        }
    }
    let report = finished_report(source)?;
    let seen = &source.columns().seen;
    let mut missing = names.iter().zip(has_values);
    let missing = missing.find(|(name, has)| !has && !seen.contains(name));
    match missing {
        None => Ok(report),
        Some((name, _)) => {
            let schema = Schema {
                names: seen,
                file: source.name(),
            };
            Err(schema.no_such_column(Parameter::Keep, name))
        }
    }
}

/// Reads the beginning of a source: as many batches as hold `count` points. Returns the first
/// `count` points in the order of their rows; all points, if the source has fewer. Also returns a
/// [`Table`] of the kept columns (the columns that the option `keep` names), whose rows are in the
/// order of these points.
///
/// # Errors
/// An error of the source.
pub fn load_first(source: &mut dyn Source, count: u32) -> Result<(Vec<Point>, Table), LoadError> {
    let names = source.columns().kept.clone();
    let (mut points, mut kept) = (Vec::new(), TableBuilder::default());
    let mut more = true;
    while more && points.len() < count as usize {
        more = source.next_batch(&mut points)?;
        kept.append(source.take_kept());
    }
    points.truncate(count as usize);
    let order: Vec<u32> = (0..).take(points.len()).collect();
    Ok((points, Table::new(names, kept, &order)))
}

/// Reads a source to its end. Returns an index of its points, a [`Table`] of the kept columns (the
/// columns that the option `keep` names), and the report of its rows. The table's rows are in the
/// order of the index. Calls `on_progress` after every batch.
///
/// # Errors
/// The errors of [`load`], [`LoadError::NoSuchColumn`] if no row has a column that the option
/// `keep` names, or [`LoadError::BadOption`] if there are kept columns and more than 4,294,967,295
/// points.
pub fn load_table(
    source: &mut dyn Source,
    mut on_progress: impl FnMut(&LoadProgress),
) -> Result<(Points, Table, Report), LoadError> {
    let names = source.columns().kept.clone();
    let (mut builder, mut kept) = (PointsBuilder::new(), TableBuilder::default());
    while source.next_batch(&mut builder)? {
        kept.append(source.take_kept());
        on_progress(&source.progress());
    }
    let report = finished_report(source)?;
    if names.is_empty() {
        return Ok((builder.build(), Table::default(), report));
    }
    let too_many = || LoadError::BadOption {
        file: source.name().to_owned(),
        parameter: Parameter::Keep,
        message: "columns of at most 4,294,967,295 points can be kept".to_owned(),
    };
    let (points, order) = builder.build_with_order().ok_or_else(too_many)?;
    let table = Table::new(names, kept, &order);
    // Any feature of GeoJSON may have a new property, so this can't be checked earlier.
    let seen = &source.columns().seen;
    let missing = table
        .columns()
        .iter()
        .find(|c| c.is_empty() && !seen.iter().any(|s| s == c.name()));
    match missing {
        None => Ok((points, table, report)),
        Some(column) => {
            let schema = Schema {
                names: seen,
                file: source.name(),
            };
            Err(schema.no_such_column(Parameter::Keep, column.name()))
        }
    }
}

/// Returns the report of a source that was read to its end. Returns an error if it gave no points,
/// or if its axes are swapped.
fn finished_report(source: &dyn Source) -> Result<Report, LoadError> {
    let report = source.report().clone();
    let file = source.name().to_owned();
    if report.rows == 0 && report.filtered > 0 {
        return Err(LoadError::AllFiltered {
            file,
            rows: report.filtered,
            mismatches: report.mismatches,
        });
    }
    if report.rows == 0 && report.deleted > 0 {
        let records = report.deleted;
        return Err(LoadError::AllDeleted { file, records });
    }
    if report.rows == 0 {
        return Err(LoadError::NoRows { file });
    }
    check_axes(source, &report)?;
    check_unit(source, &report)?;
    if report.kept == 0 {
        let report = Box::new(report);
        return Err(LoadError::NothingKept {
            file,
            report,
            weight: source.columns().weight.clone(),
        });
    }
    Ok(report)
}

/// Returns an error if most positions of a source have coordinates that are far larger than degrees
/// can be. They are probably metres of a projection.
fn check_unit(source: &dyn Source, report: &Report) -> Result<(), LoadError> {
    let (rows, of) = (report.notes.metres, placed(report));
    if rows * 2 <= of {
        return Ok(());
    }
    let mut examples = report.examples.iter();
    let bad = examples.find(|row| row.skip == SkipReason::BadPosition);
    Err(LoadError::Metres {
        file: source.name().to_owned(),
        rows,
        of,
        example: bad.map_or(String::new(), |row| {
            format!(" ({} {}: {})", row.unit, row.line, row.found)
        }),
    })
}

/// The number of rows with a position, whether valid or not.
fn placed(report: &Report) -> u64 {
    let refused = [
        SkipReason::BadPosition,
        SkipReason::Outside,
        SkipReason::BadWeight,
    ];
    report.kept + refused.map(|skip| report.skipped(skip)).iter().sum::<u64>()
}

/// Returns an error if most positions of a source would be valid only with longitude and latitude
/// swapped. The other positions are then probably in the wrong place too, although they are valid.
fn check_axes(source: &dyn Source, report: &Report) -> Result<(), LoadError> {
    let (rows, of) = (report.notes.swapped, placed(report));
    if rows * 2 <= of {
        return Ok(());
    }
    let is_database = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| source.name().starts_with(scheme));
    let advice = match &source.columns().position {
        Position::LonLat { lon, lat } if is_database => {
            let [lon, lat] = [lon, lat].map(|name| shown(name.as_bytes()));
            format!("read them with `sql`: select {lat} as longitude, {lon} as latitude, … from …")
        }
        Position::LonLat { lon, lat } => {
            let [lon, lat] = [lon, lat].map(|name| shown(name.as_bytes()));
            format!("read them with `lon` {lat} `lat` {lon}")
        }
        Position::Geometry => "geometries have the longitude first: swap them (SwapCoords in the \
                               SQLite dialect of ogr2ogr, ST_FlipCoordinates in PostGIS)"
            .to_owned(),
    };
    Err(LoadError::Swapped {
        file: source.name().to_owned(),
        rows,
        of,
        advice,
    })
}
