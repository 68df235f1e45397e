//! A source of points: pulled batch by batch, with an account of what became of the rows.

use crate::columns::Columns;
use crate::error::LoadError;
use crate::report::Report;
use heatsplat_points::PointSink;

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

    /// What became of the rows so far.
    fn report(&self) -> &Report;

    /// How far the source has come.
    fn progress(&self) -> Progress;
}

/// How far a load has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows met so far, skipped ones included.
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
    mut on_progress: impl FnMut(&Progress),
) -> Result<Report, LoadError> {
    while source.next_batch(sink)? {
        on_progress(&source.progress());
    }
    let report = source.report().clone();
    let file = source.name().to_owned();
    if report.rows == 0 && report.filtered > 0 {
        return Err(LoadError::AllFiltered {
            file,
            rows: report.filtered,
        });
    }
    if report.rows == 0 {
        return Err(LoadError::NoRows { file });
    }
    if report.kept == 0 {
        let report = Box::new(report);
        return Err(LoadError::NothingKept { file, report });
    }
    Ok(report)
}
