//! A source of points: pulled batch by batch, with an account of what became of the rows.

use crate::columns::{Columns, Position, Schema};
use crate::error::LoadError;
use crate::messages::shown;
use crate::parameter::Parameter;
use crate::report::{Report, SkipReason};
use crate::table::{Table, TableBuilder};
use heatsplat_points::{PointSink, Points, PointsBuilder};

/// Something that yields points: a file, a stream, a query.
///
/// Pull API: nothing more is read than [`next_batch`](Self::next_batch) asks
/// for and a few blocks ahead, so memory stays bounded whatever the source's size.
pub trait Source: Send {
    /// What the source is called in messages: the path, or `standard input`.
    fn name(&self) -> &str;

    /// The columns there are, those that are used, and why.
    fn columns(&self) -> &Columns;

    /// Pours the next points into `sink`; `false` when there are no more.
    ///
    /// A batch may be empty (all of its rows were skipped) without being the
    /// last. Points come in the order of the rows.
    ///
    /// # Errors
    /// What makes the rest unreadable; points poured before that are not taken back.
    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError>;

    /// The values of [`LoadOptions::keep`](crate::LoadOptions::keep) for the points poured since it
    /// was called last, in their order; nothing where none are kept.
    fn take_kept(&mut self) -> TableBuilder {
        TableBuilder::default()
    }

    /// What became of the rows so far.
    fn report(&self) -> &Report;

    /// How far the source has come.
    fn progress(&self) -> LoadProgress;
}

/// How far a load has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadProgress {
    /// Rows met so far, skipped ones and those that a filter left out included.
    pub rows: u64,
    /// Bytes read so far of the source as it is stored: of the compressed file, not of its content.
    pub bytes_read: u64,
    /// The stored size in bytes, where it is known: not of pipes.
    pub bytes_total: Option<u64>,
}

/// Reads a source to its end into `sink`, telling `on_progress` after every batch.
///
/// # Errors
/// What the source reports; [`LoadError::NoRows`] for a source without rows and
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
    judged(source)
}

/// Reads a source to its end and makes an index of its points and, in the same order, a
/// [`Table`] of the columns that are kept, telling `on_progress` after every batch.
///
/// # Errors
/// Those of [`load`]; a column to keep that no row has.
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
    let report = judged(source)?;
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
    // formats whose columns may come at any time don't know before
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

/// The error for the first skipped row of a source that is strict: none may be skipped there.
pub(crate) fn check_strict(strict: bool, report: &Report, file: &str) -> Result<(), LoadError> {
    match report.examples.first() {
        Some(row) if strict => Err(LoadError::Strict {
            file: file.to_owned(),
            row: row.clone(),
        }),
        _ => Ok(()),
    }
}

/// The account of a source that was read to its end.
fn judged(source: &dyn Source) -> Result<Report, LoadError> {
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

/// Refuses a source most of whose positions would be right with longitude and latitude swapped:
/// the others are elsewhere than they are meant to be.
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
