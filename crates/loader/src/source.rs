//! Sources of points, read batch by batch with a report.

use crate::batch::Batch;
use crate::columns::{Columns, Position, Schema};
use crate::error::LoadError;
use crate::messages::shown;
use crate::parameter::Parameter;
use crate::report::{Report, SkipReason};
use crate::table::{Table, TableBuilder};
use heatsplat_points::{PointSink, Points, PointsBuilder};

/// A source of points: a file, a stream or a query.
///
/// The caller asks for each batch with [`next_batch`](Self::next_batch). At most a few blocks are
/// read ahead, so memory stays bounded for a source of any size.
pub trait Source: Send {
    /// The source's name in messages: the path, or `standard input`.
    fn name(&self) -> &str;

    /// The source's columns, the columns among them that are used, and the reason for this choice.
    fn columns(&self) -> &Columns;

    /// Pours the next points into `sink`. Returns `false` if there are no more.
    ///
    /// A batch may be empty (all of its rows were skipped) without being the
    /// last. Points come in the order of the rows.
    ///
    /// # Errors
    /// The rest can't be read. Points that were poured into `sink` before stay there.
    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError>;

    /// The values of [`LoadOptions::keep`](crate::LoadOptions::keep) for the points poured since
    /// the last call, in their order; empty where no columns are kept.
    fn take_kept(&mut self) -> TableBuilder {
        TableBuilder::default()
    }

    /// The report of the rows that were read so far.
    fn report(&self) -> &Report;

    /// The progress so far.
    fn progress(&self) -> LoadProgress;
}

/// The state that this crate's sources share.
pub(crate) struct SourceState {
    name: String,
    pub(crate) columns: Columns,
    pub(crate) report: Report,
    /// The values in the columns that are kept, for the points since the last call of `take_kept`.
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

    /// Pours a batch into `sink` and adds its report.
    ///
    /// # Errors
    /// [`LoadError::Strict`] for a skipped row, where the source is strict.
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

/// A source with the common state: only the reading of batches depends on the format.
pub(crate) trait BatchSource: Send {
    fn state(&self) -> &SourceState;

    fn state_mut(&mut self) -> &mut SourceState;

    /// Pours the next batches; see [`Source::next_batch`].
    fn pour_next(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError>;

    /// The stored size in bytes; `None` if it is not known.
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

/// The progress of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadProgress {
    /// The number of rows read so far, with those that were skipped, filtered out or marked as
    /// deleted.
    pub rows: u64,
    /// The number of bytes read so far of the source as it is stored; of a compressed file these
    /// are compressed bytes.
    pub bytes_read: u64,
    /// The stored size in bytes; `None` if it is not known, as that of a pipe.
    pub bytes_total: Option<u64>,
}

/// Reads a source to its end into `sink`, and calls `on_progress` after every batch.
///
/// # Errors
/// The source's error; [`LoadError::NoRows`] for a source without rows and
/// [`LoadError::NothingKept`] for one without a single usable row.
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

/// Reads a source to its end and makes an index of its points and, in the same order, a [`Table`]
/// of the columns that are kept. Calls `on_progress` after every batch.
///
/// # Errors
/// Those of [`load`]; [`LoadError::NoSuchColumn`] for a column to keep that no row has; and
/// [`LoadError::BadOption`] for columns to keep of more than 4,294,967,295 points.
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
    // GeoJSON may have new properties in any feature, so this can't be checked before.
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

/// The report of a source that was read to its end, or the error if it gave no points or has its
/// axes swapped.
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
    if report.kept == 0 {
        let report = Box::new(report);
        return Err(LoadError::NothingKept { file, report });
    }
    Ok(report)
}

/// Refuses a source if most of its positions would be valid with longitude and latitude swapped,
/// since its other rows are probably misplaced too.
fn check_axes(source: &dyn Source, report: &Report) -> Result<(), LoadError> {
    let refused = [
        SkipReason::BadPosition,
        SkipReason::Outside,
        SkipReason::BadWeight,
    ];
    let of = report.kept + refused.map(|skip| report.skipped(skip)).iter().sum::<u64>();
    let rows = report.notes.swapped;
    if rows * 2 <= of {
        return Ok(());
    }
    let advice = match &source.columns().position {
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
