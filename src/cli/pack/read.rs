//! Reading of a source into a pack, with a report on its rows.

use super::columns::WaitingRows;
use crate::cli::error::{BoxError, with_flags};
use crate::cli::load::null_island_advice;
use crate::cli::progress::with_bar;
use crate::cli::source_flags::SourceFlags;
use crate::cli::source_name::redact;
use heatsplat::Point;
use heatsplat::points::PointSink;
use heatsplat_heat::pack::Packer;
use heatsplat_loader::{
    Columns, LoadError, LoadProgress, Report, SkipReason, Source, TableBuilder, load, load_rows,
};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The report on a source that was read.
pub(super) struct ReadSource {
    name: String,
    report: Report,
    columns: Columns,
    time: Duration,
}

impl ReadSource {
    /// Reads a source into a pack: points and weights, without columns. A progress bar is shown.
    pub(super) fn read_into_pack(
        source: &str,
        flags: &SourceFlags,
        packer: &mut Packer,
    ) -> Result<Self, BoxError> {
        let before = packer.points();
        let (failed, rows) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut sink = GuardedPack {
            packer,
            failed: &failed,
            expected: &rows,
        };
        let started = Instant::now();
        let mut source_of_rows = flags.open(source)?;
        let read = with_bar(&mut *source_of_rows, |source, bar| {
            let mut stopping = StoppingSource {
                source,
                failed: &failed,
            };
            load(&mut stopping, &mut sink, |progress| {
                rows.store(before + expected_rows(progress), Ordering::Relaxed);
                bar(progress);
            })
        });
        // An error of the pack ends the reading, which may then find fault with the source.
        packer.check()?;
        Ok(Self {
            name: redact(source),
            report: read?,
            columns: source_of_rows.columns().clone(),
            time: started.elapsed(),
        })
    }

    /// Reads a source into a pack that has columns: points, weights, and the values of the columns
    /// of `--keep`. A progress bar is shown.
    pub(super) fn read_rows_into_pack(
        source: &str,
        flags: &SourceFlags,
        packer: &mut Packer,
    ) -> Result<Self, BoxError> {
        let before = packer.points();
        let mut waiting = WaitingRows::default();
        let mut expected = before;
        let packing = RefCell::new(packer);
        let read = Self::read_batches(
            source,
            flags,
            &mut |points, kept| Ok(waiting.add(points, kept, &mut packing.borrow_mut())?),
            &mut |progress| {
                expected = expected.max(before + expected_rows(progress));
                packing.borrow_mut().expect(expected);
            },
        )?;
        waiting.finish(packing.into_inner())?;
        Ok(read)
    }

    /// Reads a source, and calls `rows` with its points and their values in the columns of
    /// `--keep`, in several batches. An error of `rows` ends the reading. A progress bar is shown.
    pub(super) fn read_rows(
        source: &str,
        flags: &SourceFlags,
        rows: &mut dyn FnMut(Vec<Point>, TableBuilder) -> Result<(), BoxError>,
    ) -> Result<Self, BoxError> {
        Self::read_batches(source, flags, rows, &mut |_| ())
    }

    /// Reads a source as [`read_rows`](Self::read_rows) does, and calls `on_progress` after each
    /// batch.
    fn read_batches(
        source: &str,
        flags: &SourceFlags,
        rows: &mut dyn FnMut(Vec<Point>, TableBuilder) -> Result<(), BoxError>,
        on_progress: &mut dyn FnMut(&LoadProgress),
    ) -> Result<Self, BoxError> {
        let started = Instant::now();
        let mut source_of_rows = flags.open(source)?;
        let mut failed = None;
        let read = with_bar(&mut *source_of_rows, |source, bar| {
            let mut rows = |points, kept| {
                failed = rows(points, kept).err();
                failed.is_none()
            };
            load_rows(source, &mut rows, |progress| {
                on_progress(progress);
                bar(progress);
            })
        });
        // An error of `rows` ends the reading, which may then find fault with the source.
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(Self {
            name: redact(source),
            report: read?,
            columns: source_of_rows.columns().clone(),
            time: started.elapsed(),
        })
    }

    /// Reads a source and counts its rows, without packing them.
    pub(super) fn count(source: &str, flags: &SourceFlags) -> Result<Self, BoxError> {
        let started = Instant::now();
        let mut source_of_rows = flags.open(source)?;
        let report = with_bar(&mut *source_of_rows, |source, bar| {
            load(source, &mut Nothing, |progress| bar(progress))
        })?;
        Ok(Self {
            name: redact(source),
            report,
            columns: source_of_rows.columns().clone(),
            time: started.elapsed(),
        })
    }

    /// The number of rows that became points.
    pub(super) fn kept(&self) -> u64 {
        self.report.kept
    }

    /// The report as a few lines for people.
    pub(super) fn text(&self) -> String {
        let seconds = self.time.as_secs_f64();
        let advice = null_island_advice(&self.columns, &self.report);
        format!(
            "{}: {}\n  {} ({seconds:.2} s, {:.1} million rows a second){}",
            self.name,
            with_flags(&self.report.to_string()),
            with_flags(&self.columns.why),
            self.report.rows as f64 / seconds.max(1e-9) / 1e6,
            advice.map_or(String::new(), |advice| format!("\n  {advice}")),
        )
    }

    /// The report as JSON. Its member `text` is the report for people, [`text`](Self::text).
    pub(super) fn as_json(&self) -> Value {
        let skipped: Map<String, Value> = SkipReason::ALL
            .into_iter()
            .filter(|&reason| self.report.skipped(reason) > 0)
            .map(|reason| (reason.name().to_owned(), self.report.skipped(reason).into()))
            .collect();
        json!({
            "name": self.name,
            "rows": self.report.rows,
            "kept": self.report.kept,
            "skipped": skipped,
            "filtered": self.report.filtered,
            "weight": self.columns.weight,
            "text": self.text(),
        })
    }
}

/// An estimate of the number of rows that a source has: the number of rows read so far, times the
/// bytes of the source, divided by the bytes read so far.
fn expected_rows(progress: &LoadProgress) -> u64 {
    let total = progress.bytes_total.unwrap_or(progress.bytes_read);
    let times = total as f64 / progress.bytes_read.max(1) as f64;
    (progress.rows as f64 * times.max(1.0)) as u64
}

/// A sink that drops all points.
struct Nothing;

impl PointSink for Nothing {
    fn push(&mut self, _: &[Point]) {}
}

/// A sink that pushes points into a pack, and sets a flag when the pack fails.
struct GuardedPack<'a> {
    packer: &'a mut Packer,
    failed: &'a AtomicBool,
    /// An estimate of the number of rows of all sources up to the one that is being read, included.
    expected: &'a AtomicU64,
}

impl PointSink for GuardedPack<'_> {
    fn push(&mut self, batch: &[Point]) {
        self.packer.expect(self.expected.load(Ordering::Relaxed));
        self.packer.push(batch);
        self.failed
            .store(self.packer.has_failed(), Ordering::Relaxed);
    }
}

/// A source that ends as soon as a flag is set.
struct StoppingSource<'a> {
    source: &'a mut dyn Source,
    failed: &'a AtomicBool,
}

impl Source for StoppingSource<'_> {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn columns(&self) -> &Columns {
        self.source.columns()
    }

    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        let more = self.source.next_batch(sink)?;
        Ok(more && !self.failed.load(Ordering::Relaxed))
    }

    fn take_kept(&mut self) -> TableBuilder {
        self.source.take_kept()
    }

    fn report(&self) -> &Report {
        self.source.report()
    }

    fn progress(&self) -> LoadProgress {
        self.source.progress()
    }
}
