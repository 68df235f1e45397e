//! A pack that is being written: points are added, runs are written, and at last the file is made.

use super::build::{BuildError, Limits, PackSink, PyramidKind, build_all};
use super::cut::cut;
use super::error::{IntoPackError as _, PackError};
use super::join::{ColumnRules, JoinError, join};
use super::journal::{FinishedSource, LoggedSource, PackJournal, make_folder};
use super::row_run::{self, RowColumn, in_order, path_beside, sorted_order};
use super::run::{self, IndexRun, Run, SortedPoints};
use super::settings::{DiskSpace, IfPackExists, PackSettings, folder_of, partial};
use super::weights::WeightRange;
use crate::{HeatFile, HeatSummary, HeatWriter, Metadata, WriteError, WriterOptions};
use heatsplat_points::paged::PagedIndex;
use heatsplat_points::{PartNode, Point, PointSink, PointsBuilder};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The bytes of memory for each point of a run while the run is sorted: the point itself and its
/// copy in sorted order.
const BYTES_A_POINT: u64 = 2 * run::POINT_BYTES;

/// The bytes of memory for each row while a run with columns is sorted, without the row's values.
const ROW_BYTES: u64 = 64;
/// The further bytes of memory for each value of such a row.
const VALUE_BYTES: u64 = 24;

/// The greatest number of rows in a run of a pack with columns: a choice.
const MOST_ROWS: u64 = 1 << 26;

/// The least number of points in a run, but for the last one, however little memory is allowed: a
/// choice.
const LEAST_RUN: u64 = 1 << 16;

/// The progress of a pack that is writing its file, after all sources were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackProgress {
    /// The number of points in the file so far.
    pub points: u64,
    /// The number of points that the file will have.
    pub total: u64,
}

/// A pack that is being written. Points are pushed source by source; [`finish`](Self::finish) makes
/// the file.
#[derive(Debug)]
pub struct Packer {
    target: PathBuf,
    /// The folder beside the target in which the file is written.
    beside: PathBuf,
    settings: PackSettings,
    journal: PackJournal,
    /// True if the file is finished, so that nothing is left to resume.
    is_finished: bool,
    runs: Vec<Run>,
    /// The indices of other files, whose points are packed too.
    indices: Vec<IndexRun>,
    finished: Vec<FinishedSource>,
    sources: Vec<LoggedSource>,
    collected: PointsBuilder,
    /// The range of the weights of all points so far.
    weights: WeightRange,
    /// True if the file gets a counting index, provided that counts don't follow from the weights:
    /// see [`with_counts`](Self::with_counts).
    counts: bool,
    /// The names of the columns that all rows have.
    columns: Vec<String>,
    /// The rules by which the columns of the runs are joined; `None` if there are no columns.
    rules: Option<Box<dyn ColumnRules>>,
    /// The number of points, among those that come next, that are in finished runs already. So many
    /// are left out when they are pushed again.
    known: u64,
    /// The number of points that were pushed so far; the points of finished sources count too.
    points: u64,
    /// An estimate of the number of points of all sources, for the message about a full disk; 0 if
    /// there is none.
    expected: u64,
    /// The first error since the last call of [`check`](Self::check). Points that are pushed after
    /// it are dropped.
    failed: Option<PackError>,
}

impl Packer {
    /// Begins a pack. `sources` are all sources whose points will be pushed, in this order.
    /// `options` is a text of everything else on which their points depend. When an interrupted
    /// pack is resumed, `sources` and `options` decide which of its runs can be used.
    ///
    /// # Errors
    /// [`PackError::Locked`] if another process packs to the target, [`PackError::OtherSettings`]
    /// if the pack that should be resumed had other `options`, or [`PackError::Io`] if the
    /// temporary files can't be read or written.
    pub fn new(
        target: &Path,
        settings: PackSettings,
        sources: Vec<LoggedSource>,
        options: &str,
    ) -> Result<Self, PackError> {
        Self::begin_pack(target, settings, sources, options, (Vec::new(), None))
    }

    /// Begins a pack whose rows have the columns with the names `columns`. Rows are added by
    /// [`add_rows`](Self::add_rows) and [`add_file`](Self::add_file). `rules` join a column that
    /// has different types or texts in several runs.
    ///
    /// # Errors
    /// As [`new`](Self::new): another process packs to the target, the pack that should be resumed
    /// had other `options`, or the temporary files can't be read or written.
    pub fn with_columns(
        target: &Path,
        settings: PackSettings,
        sources: Vec<LoggedSource>,
        options: &str,
        columns: Vec<String>,
        rules: Box<dyn ColumnRules>,
    ) -> Result<Self, PackError> {
        let columns = (columns, Some(rules));
        Self::begin_pack(target, settings, sources, options, columns)
    }

    fn begin_pack(
        target: &Path,
        settings: PackSettings,
        sources: Vec<LoggedSource>,
        options: &str,
        (columns, rules): (Vec<String>, Option<Box<dyn ColumnRules>>),
    ) -> Result<Self, PackError> {
        let folder = settings.folder(target);
        let beside = partial(folder_of(target), target);
        let resume = settings.if_exists == IfPackExists::Resume;
        let (journal, progress) =
            PackJournal::open(&folder, target, &sources, options, rules.is_some(), resume)?;
        make_folder(&beside)?;
        Ok(Self {
            target: target.to_owned(),
            beside,
            settings,
            journal,
            is_finished: false,
            known: progress.points() - progress.start,
            points: progress.start,
            weights: progress.weights,
            counts: false,
            columns,
            rules,
            runs: progress.runs,
            indices: Vec::new(),
            finished: progress.finished,
            sources,
            collected: PointsBuilder::new(),
            expected: 0,
            failed: None,
        })
    }

    /// Makes the file have a counting index, from which counts and means are drawn. It is left out
    /// if all points have the same weight, and this isn't 0: then counts follow from sums of
    /// weights.
    #[must_use]
    pub fn with_counts(mut self) -> Self {
        self.counts = true;
        self
    }

    /// Returns the report that [`end`](Self::end) was called with for the source with the number
    /// `number`, counted from 0, if an interrupted pack has read the whole source: then its points
    /// needn't be pushed again. Returns `None` for other sources.
    pub fn finished_source(&self, number: usize) -> Option<&serde_json::Value> {
        Some(&self.finished.get(number)?.report)
    }

    /// Returns the number of points in the runs of an interrupted pack that are used again. It is
    /// right only before anything is added to the pack.
    pub fn resumed_points(&self) -> u64 {
        self.runs.iter().map(|run| run.points()).sum()
    }

    /// Begins the source with the number `number`, counted from 0. Its points must be pushed next,
    /// and in the same order whenever the pack is resumed.
    ///
    /// # Errors
    /// [`PackError::Io`] if the log of the pack can't be written.
    pub fn begin(&mut self, number: usize) -> Result<(), PackError> {
        match self.sources.get(number) {
            Some(source) => self.journal.begin(number, source, self.points),
            None => Ok(()),
        }
    }

    /// Adds all points of an index that is not in memory, for example of another `.heat` file. They
    /// are sorted already, so they are read only when the file is made. `name` is the name of the
    /// index for messages.
    pub fn add_index(&mut self, name: &str, index: Arc<dyn PagedIndex>) {
        self.weights.add_summary(index.summary());
        let name = name.to_owned();
        self.indices.push(IndexRun {
            name,
            index,
            columns: None,
        });
    }

    /// Adds all points of a file, with the values of some of its columns. For each column of the
    /// pack, `columns` has the number, counted from 0, of the file's column from which the values
    /// are read. `name` is the name of the file for messages.
    pub fn add_file(&mut self, name: &str, file: Arc<HeatFile>, columns: Vec<usize>) {
        self.weights.add_summary(file.summary());
        self.indices.push(IndexRun {
            name: name.to_owned(),
            index: Arc::clone(&file) as _,
            columns: Some((file, columns)),
        });
    }

    /// Returns the number of rows with which [`add_rows`](Self::add_rows) should be called: as many
    /// as memory allows.
    pub fn rows_at_a_time(&self) -> u64 {
        let bytes = ROW_BYTES + VALUE_BYTES * self.columns.len() as u64;
        (self.settings.memory / bytes).clamp(LEAST_RUN, MOST_ROWS)
    }

    /// Adds rows: points, and for each column of the pack the values of these points. The rows of
    /// each call become a run.
    ///
    /// # Errors
    /// A [`PackError`] if the run can't be written, or if the columns are not those of the pack.
    pub fn add_rows(
        &mut self,
        mut points: Vec<Point>,
        mut columns: Vec<RowColumn>,
    ) -> Result<(), PackError> {
        let is_whole = |column: &RowColumn| column.values.len() == points.len();
        if columns.len() != self.columns.len() || !columns.iter().all(is_whole) {
            let name = "a source".to_owned();
            return Err(PackError::OtherColumns { name });
        }
        self.points += points.len() as u64;
        let known = self.known.min(points.len() as u64);
        self.known -= known;
        points.drain(..known as usize);
        if points.is_empty() {
            return Ok(());
        }
        self.weights.add(&points);
        for column in &mut columns {
            column.values.drain(..known as usize);
            column.compact();
        }
        let mut values = Vec::new();
        for column in &mut columns {
            values.push(std::mem::take(&mut column.values));
        }
        let order = sorted_order(&points, &values);
        points = in_order(&points, &order);
        for (column, values) in columns.iter_mut().zip(values) {
            column.values = in_order(&values, &order);
        }
        self.write_run_of(&points, &columns)
    }

    /// Ends the source with the number `number`, counted from 0. `report` is stored, so that
    /// [`finished_source`](Self::finished_source) returns it if the pack is interrupted and
    /// resumed.
    ///
    /// # Errors
    /// The error of a run that couldn't be written, which [`check`](Self::check) would return; or
    /// [`PackError::Io`] if the log of the pack can't be written.
    pub fn end(&mut self, number: usize, report: serde_json::Value) -> Result<(), PackError> {
        self.check()?;
        self.journal.end(number, self.points, report)
    }

    /// Sets an estimate of the number of points of all sources, which the message about a full disk
    /// names.
    pub fn expect(&mut self, points: u64) {
        self.expected = points;
    }

    /// Returns the number of points that were pushed so far.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// Returns true if a run couldn't be written: then it is of no use to push more points.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Checks that all points which were pushed since the last call are in the pack.
    ///
    /// # Errors
    /// The first error of a run that couldn't be written. The next call doesn't return it again.
    pub fn check(&mut self) -> Result<(), PackError> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Returns the number of points in each run but the last.
    fn run_points(&self) -> u64 {
        (self.settings.memory / BYTES_A_POINT).max(LEAST_RUN)
    }

    fn collect(&mut self, mut batch: &[Point]) -> Result<(), PackError> {
        self.points += batch.len() as u64;
        let known = self.known.min(batch.len() as u64);
        self.known -= known;
        batch = batch.get(known as usize..).unwrap_or_default();
        self.weights.add(batch);
        while !batch.is_empty() {
            let room = self.run_points() - self.collected.len() as u64;
            let (now, later) = batch.split_at(batch.len().min(room as usize));
            self.collected.push(now);
            batch = later;
            if self.collected.len() as u64 == self.run_points() {
                self.write_run()?;
            }
        }
        Ok(())
    }

    /// Sorts the points that were collected, and writes them as a run.
    fn write_run(&mut self) -> Result<(), PackError> {
        let sorted = std::mem::take(&mut self.collected).into_sorted();
        self.write_run_of(&sorted, &[])
    }

    fn write_run_of(&mut self, sorted: &[Point], columns: &[RowColumn]) -> Result<(), PackError> {
        let number = self.runs.len();
        let path = self.journal.run_path(number);
        let beside = path_beside(&path);
        let has_columns = self.rules.is_some();
        let columns = match has_columns {
            true => row_run::write(&beside, sorted.len(), columns).at(&beside),
            false => Ok(()),
        };
        let written = columns.and_then(|()| run::write(&path, sorted).at(&path));
        let written = written.and_then(|()| {
            self.journal
                .add_run(number, sorted.len() as u64, self.weights)
        });
        if let Err(error) = written {
            // The space is needed by others, and half a run is of no use.
            let _ = fs::remove_file(&path);
            let _ = fs::remove_file(&beside);
            return Err(self.naming_bytes(error));
        }
        let run = match has_columns {
            true => Run::open_with_columns(&path),
            false => Run::open(&path),
        };
        self.runs.push(run.at(&path)?);
        Ok(())
    }

    /// Makes the file: divides the world into plots, builds the parts, and writes them. Calls
    /// `progress` after each part.
    ///
    /// # Errors
    /// A [`PackError`] if the last run or the file can't be written, or if a run can't be read. The
    /// target is then unchanged.
    pub fn finish(
        mut self,
        metadata: &Metadata,
        progress: &mut (dyn FnMut(PackProgress) + Send),
    ) -> Result<HeatSummary, PackError> {
        self.check()?;
        if !self.collected.is_empty() {
            self.write_run()?;
        }
        let summary = self.write_file(metadata, progress);
        let summary = summary.map_err(|error| self.naming_bytes(error))?;
        self.is_finished = true;
        Ok(summary)
    }

    fn write_file(
        &self,
        metadata: &Metadata,
        progress: &mut (dyn FnMut(PackProgress) + Send),
    ) -> Result<HeatSummary, PackError> {
        let mut runs: Vec<&dyn SortedPoints> = self.runs.iter().map(|run| run as _).collect();
        runs.extend(self.indices.iter().map(|run| run as &dyn SortedPoints));
        let run_error = |(number, error): (usize, io::Error)| {
            let index = number.checked_sub(self.runs.len());
            let path = match index.and_then(|number| self.indices.get(number)) {
                Some(index) => PathBuf::from(&index.name),
                None => self.journal.run_path(number),
            };
            PackError::Io { path, error }
        };
        let kind = PyramidKind {
            signed: self.weights.has_negative(),
            counts: self.counts && self.weights.hides_counts(),
            columns: self.columns.len(),
        };
        let limits = Limits::for_memory(self.settings.memory, kind);
        let joined = join(&self.columns, self.rules.as_deref(), &runs);
        let (columns, mapped) = joined.map_err(|error| match error {
            JoinError::Run(number, error) => run_error((number, error)),
            JoinError::Column(error) => error,
        })?;
        let is_ordered = mapped.iter().all(|run| run.is_ordered);
        let runs: Vec<&dyn SortedPoints> = mapped.iter().map(|run| run as _).collect();
        let plots = cut(&runs, limits.part).map_err(run_error)?;
        if !is_ordered && plots.iter().any(|plot| plot.points() > limits.part) {
            return Err(PackError::MixedCrowd);
        }
        let total = runs.iter().map(|run| run.points()).sum();
        let options = WriterOptions {
            signed: kind.signed,
            missing: self.weights.has_missing(),
            counts: kind.counts,
            ..WriterOptions::default()
        };
        let mut writer = HeatWriter::create(&self.target, options)?.with_columns(columns)?;
        let mut parts = |points| progress(PackProgress { points, total });
        let built = build_all(&runs, &plots, kind, limits, &mut writer, &mut parts);
        built.map_err(|error| match error {
            BuildError::Run(number, error) => run_error((number, error)),
            BuildError::Sink(error) => error.into(),
        })?;
        Ok(writer.finish(metadata, None)?)
    }

    fn naming_bytes(&self, error: PackError) -> PackError {
        let points = self.points.max(self.expected);
        let mut space = DiskSpace::for_points(points);
        if self.counts {
            space = space.with_counts(points);
        }
        space = space.with_columns(points, self.columns.len());
        let is_temporary = |path: &Path| path.starts_with(self.journal.folder());
        error.naming_bytes(points, |path| match self.settings.temporary {
            None => space.temporary + space.file,
            Some(_) if is_temporary(path) => space.temporary,
            Some(_) => space.file,
        })
    }
}

impl PointSink for Packer {
    fn push(&mut self, batch: &[Point]) {
        if self.failed.is_none() {
            self.failed = self.collect(batch).err();
        }
    }
}

impl PackSink for HeatWriter {
    type Error = WriteError;

    fn points(&mut self, points: &[Point]) -> Result<(), WriteError> {
        HeatWriter::points(self, points)
    }

    fn columns(&mut self, values: &[Vec<u64>]) -> Result<(), WriteError> {
        HeatWriter::columns(self, values)
    }

    fn node(&mut self, node: PartNode<'_>) -> Result<(), WriteError> {
        HeatWriter::node(self, &node)
    }

    fn counted_node(&mut self, node: PartNode<'_>) -> Result<(), WriteError> {
        HeatWriter::counted_node(self, &node)
    }
}

impl Drop for Packer {
    /// Removes everything that resuming the pack doesn't use.
    fn drop(&mut self) {
        if self.is_finished || self.runs.is_empty() {
            self.journal.remove();
        } else {
            self.journal.keep_runs(self.runs.len());
        }
        if self.beside != self.journal.folder() {
            let _ = fs::remove_dir_all(&self.beside);
        }
    }
}
