//! The source that formats of records share: typed values, in files that are read by a
//! library made for them.
//!
//! A thread of its own reads and judges the records, and hands on batches; a few of them
//! wait at a time, so memory stays bounded whoever is faster.

pub(crate) mod arrow;
mod buffered_seek;
pub(crate) mod flatgeobuf;
pub(crate) mod geopackage;
pub(crate) mod gpx;
pub(crate) mod parquet;
pub(crate) mod shapefile;

use crate::batch::{Amount, Batch};
use crate::bounds::Bounds;
use crate::columns::Columns;
use crate::columns::selection::Asked;
use crate::columns::weight_check::Undecided;
use crate::crs::{Crs, Nowhere};
use crate::error::LoadError;
use crate::filter::Value;
use crate::input::Origin;
use crate::open::Options;
use crate::report::{Report, Skip, Unit};
use crate::source::{Progress, Source};
use crate::table::Kept;
use crate::wkb::{self, Shape};
use heatsplat_points::PointSink;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

/// Points to a batch: 192 KiB.
const BATCH: usize = 1 << 14;

/// Rows to a batch that has few points or none.
const ROWS: u64 = 1 << 17;

/// Batches that wait.
const WAITING: usize = 4;

/// Where a record lies, in the file's coordinate system.
pub(crate) enum Geometry<'a> {
    /// Null or empty.
    Nothing(&'a str),
    Point(f64, f64),
    MultiPoint(&'a mut dyn Iterator<Item = (f64, f64)>),
    /// Anything else, by its name.
    Other(&'a str),
}

/// Judges records as they are read, and sends off what is full.
pub(crate) struct Judge {
    crs: Arc<Crs>,
    asked: Arc<Asked>,
    within: Option<Bounds>,
    batch: Batch,
    /// The record's values in the columns that are kept.
    row: Vec<Value<'static>>,
    record: u64,
    /// Whether the weights were chosen by their column's name alone.
    is_guess: bool,
    /// Set as long as it isn't known whether those are numbers.
    undecided: Option<Undecided>,
    /// Whether they are none, and every row counts 1.
    unused: bool,
    file: String,
    /// Why the whole file is refused, once a place is not known well enough.
    refused: Option<LoadError>,
    out: SyncSender<Result<Handed, LoadError>>,
}

/// What a reader hands on.
enum Handed {
    Batch(Box<Batch>),
    /// Now it is the next reader's turn.
    Turn,
    /// All is read: a channel that closes without this word means that reading broke off.
    End,
}

/// What is said of data that a library breaks off at: it ends by a panic, which costs the file
/// and nothing else.
pub(crate) const BROKE_OFF: &str = "what it holds can't be, and reading it broke off";

/// Nobody wants the rest.
pub(crate) struct Stopped;

impl Judge {
    /// Whether the filter wants the next record; one that it doesn't is counted here.
    /// `value` gives what the record has in a column: of the others what is kept is noted.
    pub(crate) fn wants(
        &mut self,
        mut value: impl FnMut(usize) -> Amount,
    ) -> Result<bool, Stopped> {
        let mut value = |at| Value::from(value(at));
        let wanted = self.asked.wants(&mut value, &mut self.batch.report);
        if wanted {
            let kept = self.asked.keep.iter().copied();
            self.row.clear();
            self.row.extend(kept.map(value));
        } else {
            self.record += 1;
            self.send_much()?;
        }
        Ok(wanted)
    }

    /// Makes points of a record; each position of a MultiPoint is a row with its weight.
    pub(crate) fn record(
        &mut self,
        geometry: Geometry<'_>,
        weight: &Amount,
    ) -> Result<(), Stopped> {
        self.record += 1;
        if let Some(undecided) = &mut self.undecided {
            undecided.note(weight);
        }
        let weight = if self.unused { &Amount::Unused } else { weight };
        match geometry {
            Geometry::Nothing(what) => self.skip(Skip::NoPosition, what.to_owned()),
            Geometry::Other(name) => self.skip(Skip::NotAPoint, format!("geometry {name}")),
            Geometry::Point(x, y) => self.position(x, y, weight)?,
            Geometry::MultiPoint(positions) => {
                let mut any = false;
                for (x, y) in positions {
                    any = true;
                    self.position(x, y, weight)?;
                    // one record may have millions
                    if self.batch.points.len() >= BATCH {
                        self.fill();
                        self.send()?;
                    }
                }
                if !any {
                    self.skip(Skip::NoPosition, "empty MultiPoint".to_owned());
                }
            }
        }
        self.fill();
        self.send_much()
    }

    /// Hands on a batch that has many points, or many rows that gave none: progress is seen then.
    fn send_much(&mut self) -> Result<(), Stopped> {
        let report = &self.batch.report;
        let rows = report.rows + report.filtered + report.deleted;
        if self.batch.points.len() < BATCH && rows < ROWS {
            return Ok(());
        }
        self.send()
    }

    /// Notes the record's values for its points.
    fn fill(&mut self) {
        let row = &self.row;
        self.batch
            .keep_values(|at| row.get(at).cloned().unwrap_or(Value::Null));
    }

    /// Keeps a record with a geometry in well-known binary, or counts why not.
    pub(crate) fn wkb(&mut self, bytes: &[u8], weight: &Amount) -> Result<(), Stopped> {
        match wkb::parse(bytes).map(|geometry| geometry.shape) {
            Some(Shape::Point(x, y)) => self.record(Geometry::Point(x, y), weight),
            Some(Shape::Points(all)) => {
                // bytes that break off within give a position that is none
                let mut all = all.map(|p| p.unwrap_or((f64::INFINITY, f64::INFINITY)));
                self.record(Geometry::MultiPoint(&mut all), weight)
            }
            Some(Shape::Other(name)) => self.record(Geometry::Other(name), weight),
            None => {
                self.malformed("a geometry that is no well-known binary".to_owned());
                Ok(())
            }
        }
    }

    fn position(&mut self, x: f64, y: f64, weight: &Amount) -> Result<(), Stopped> {
        if x.is_nan() && y.is_nan() {
            // an empty point, as WKB writes it
            self.skip(Skip::NoPosition, "empty Point".to_owned());
            return Ok(());
        }
        let judged = match self.crs.place(x, y) {
            Ok(place) => {
                self.batch.report.place_off_by(place.error);
                self.batch.keep_record(place.lon, place.lat, weight)
            }
            Err(Nowhere::Outside) => Err((Skip::BadPosition, format!("x {x}, y {y}"))),
            Err(Nowhere::Vague(vague)) => {
                self.refused = Some(self.crs.refusal(&vague, &self.file));
                return Err(Stopped);
            }
        };
        if let Err((skip, found)) = judged {
            self.skip(skip, found);
        }
        Ok(())
    }

    /// Counts a record that is marked as deleted.
    pub(crate) fn deleted(&mut self) -> Result<(), Stopped> {
        self.record += 1;
        self.batch.report.deleted += 1;
        self.send_much()
    }

    /// Notes something about the file as a whole.
    pub(crate) fn note(&mut self, note: String) {
        self.batch.report.notes.note(note);
    }

    /// Says what number the next record has, counted from 0.
    pub(crate) fn at_record(&mut self, number: u64) {
        self.record = number;
    }

    /// Hands on what there is, and lets the next reader have its turn.
    pub(crate) fn end_turn(&mut self) -> Result<(), Stopped> {
        self.send()?;
        self.out.send(Ok(Handed::Turn)).map_err(|_| Stopped)
    }

    /// Counts a record that can't be read.
    pub(crate) fn malformed(&mut self, found: String) {
        self.record += 1;
        self.skip(Skip::Malformed, found);
    }

    /// Counts a record that has no position, or none that can be.
    pub(crate) fn refuse(&mut self, skip: Skip, found: String) -> Result<(), Stopped> {
        self.record += 1;
        self.skip(skip, found);
        self.send_much()
    }

    fn skip(&mut self, skip: Skip, found: String) {
        let record = self.record;
        self.batch.report.skip(skip, || (record, found));
    }

    fn send(&mut self) -> Result<(), Stopped> {
        if let Some(undecided) = self.undecided.take()
            && !undecided.are_numbers()
        {
            self.batch.unweigh();
            (self.is_guess, self.unused) = (false, true);
        }
        let empty = Self::empty(self.within, &self.asked).guessing(self.is_guess);
        let full = std::mem::replace(&mut self.batch, empty);
        self.out
            .send(Ok(Handed::Batch(Box::new(full))))
            .map_err(|_| Stopped)
    }

    fn empty(within: Option<Bounds>, asked: &Asked) -> Batch {
        let mut batch = Batch::new(within, asked.keep.len(), &asked.times);
        batch.report.unit = Unit::Record;
        batch
    }
}

/// A reader that gives all its records to a judge.
pub(crate) type Reader = Box<dyn FnOnce(&mut Judge) -> Result<(), Ended> + Send>;

/// Why a reader ended early.
pub(crate) enum Ended {
    Stopped,
    Failed(LoadError),
}

impl From<Stopped> for Ended {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<LoadError> for Ended {
    fn from(error: LoadError) -> Self {
        Self::Failed(error)
    }
}

/// A source whose records come from threads.
pub(crate) struct Records {
    origin: Origin,
    columns: Columns,
    strict: bool,
    report: Report,
    kept: Kept,
    /// The readers that have not ended. They take turns, so that points come in the order of
    /// the rows; the first is the one whose turn it is.
    readers: VecDeque<Receiver<Result<Handed, LoadError>>>,
}

/// What is known of a source before it is read.
pub(crate) struct Opening {
    pub(crate) origin: Origin,
    columns: Columns,
    crs: Crs,
    asked: Asked,
    within: Option<Bounds>,
    strict: bool,
    datum_error: Option<f64>,
}

impl Opening {
    pub(crate) fn new(
        origin: Origin,
        columns: Columns,
        crs: Crs,
        asked: Asked,
        options: &Options,
    ) -> Self {
        Self {
            origin,
            columns,
            crs,
            asked,
            within: options.within,
            strict: options.strict,
            datum_error: options.datum_error,
        }
    }

    /// Starts to read, with readers that take turns.
    pub(crate) fn start(self, readers: Vec<Reader>) -> Result<Box<dyn Source>, LoadError> {
        let Self { origin, strict, .. } = self;
        let crs = self.crs.accepting(self.datum_error, &origin.file())?;
        let (crs, asked) = (Arc::new(crs), Arc::new(self.asked));
        let mut columns = self.columns;
        columns.kept = asked.names(&columns.seen);
        let mut receivers = VecDeque::new();
        let is_guess = columns.guess.is_some();
        let verdict = Arc::new(OnceLock::new());
        let unsure = is_guess && !readers.is_empty();
        for reader in readers {
            let first = receivers.is_empty();
            let (out, handed) = sync_channel(WAITING);
            let judge = Judge {
                crs: Arc::clone(&crs),
                asked: Arc::clone(&asked),
                within: self.within,
                batch: Judge::empty(self.within, &asked).guessing(is_guess),
                row: Vec::new(),
                record: 0,
                is_guess,
                undecided: unsure.then(|| Undecided::new(first, &verdict)),
                unused: false,
                file: origin.file(),
                refused: None,
                out,
            };
            thread::Builder::new()
                .name("heatsplat-reader".to_owned())
                .spawn(move || judge.run(reader))
                .map_err(|error| origin.read_error(error))?;
            receivers.push_back(handed);
        }
        if unsure {
            columns.settle(verdict.wait());
        }
        let mut report = Report::default();
        report.unit = Unit::Record;
        Ok(Box::new(Records {
            origin,
            columns,
            strict,
            report,
            kept: Kept::default(),
            readers: receivers,
        }))
    }
}

impl Judge {
    /// Hears a reader to its end.
    fn run(mut self, reader: Reader) {
        let ended = reader(&mut self);
        if self.send().is_err() {
            // the source is gone, and nobody asks
            return;
        }
        let ended = match self.refused.take() {
            Some(error) => Err(Ended::Failed(error)),
            None => ended,
        };
        let _ = match ended {
            Ok(()) => self.out.send(Ok(Handed::End)),
            Err(Ended::Failed(error)) => self.out.send(Err(error)),
            Err(Ended::Stopped) => Ok(()),
        };
    }
}

impl Source for Records {
    fn name(&self) -> &str {
        &self.origin.name
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        let batch = loop {
            let Some(reader) = self.readers.front() else {
                return Ok(false);
            };
            match reader.recv() {
                Ok(handed) => match handed? {
                    Handed::Batch(batch) => break *batch,
                    Handed::Turn => self.readers.rotate_left(1),
                    Handed::End => drop(self.readers.pop_front()),
                },
                Err(_) => {
                    self.readers.clear();
                    let place = format!("after {} records", self.report.rows);
                    return Err(damaged(&self.origin, place, BROKE_OFF));
                }
            }
        };
        sink.push(&batch.points);
        self.kept.append(batch.kept);
        self.report.add(batch.report);
        self.report.bytes = self.origin.bytes_read();
        self.origin.tell(&mut self.report.notes);
        self.report.check_strict(self.strict, &self.origin)?;
        Ok(true)
    }

    fn take_kept(&mut self) -> Kept {
        std::mem::take(&mut self.kept)
    }

    fn report(&self) -> &Report {
        &self.report
    }

    fn progress(&self) -> Progress {
        Progress {
            rows: self.report.rows + self.report.filtered + self.report.deleted,
            bytes_read: self.report.bytes,
            bytes_total: self.origin.bytes_total,
        }
    }
}

/// What a library's error means: data that end early or make no sense.
pub(crate) fn damaged(origin: &Origin, place: impl ToString, error: impl ToString) -> LoadError {
    LoadError::Damaged {
        file: origin.file(),
        place: place.to_string(),
        message: error.to_string(),
    }
}

/// A failed read of the system, or data that end early.
pub(crate) fn unreadable(origin: &Origin, place: impl ToString, error: io::Error) -> LoadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => damaged(origin, place, error),
        _ => origin.read_error(error),
    }
}
