//! Checks of records while they are read, and their collection into batches.

use super::failure::{ReadFailure, Stopped};
use super::source::RecordReader;
use crate::batch::{Batch, Weight};
use crate::columns::selection::RowSelection;
use crate::columns::weight_check::WeightDecision;
use crate::crs::{Crs, PlaceError};
use crate::error::LoadError;
use crate::places::{TextForm, TextPlaces};
use crate::position_text::shapes;
use crate::report::{RowUnit, SkipReason};
use crate::shape::{ShapeCollector, ShapeRules};
use crate::value::Value;
use crate::wkb::{self, WkbShape};
use heatsplat_points::LonLatBox;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// The number of points at which a batch is sent: a choice. Its points then fill 192 KiB.
const BATCH: usize = 1 << 14;

/// The number of rows after which a batch is sent even if it has few points or none: a choice.
const ROWS: u64 = 1 << 17;

/// The geometry of a record, in the file's coordinate system.
pub(crate) enum Geometry<'a> {
    /// A geometry that is null or empty. The text describes it for reports.
    Nothing(&'a str),
    Point(f64, f64),
    MultiPoint(&'a mut dyn Iterator<Item = (f64, f64)>),
    /// A geometry that is neither a point nor a MultiPoint. The text is the name of its kind.
    Other(&'a str),
}

/// A sink to which a reader gives records. It checks each record, and sends the points in batches
/// to the source. A kept column is one that the option `keep` names; its values are read beside the
/// points.
pub(crate) struct RecordSink {
    crs: Arc<Crs>,
    selection: Arc<RowSelection>,
    within: Option<LonLatBox>,
    shapes: ShapeRules,
    batch: Batch,
    /// The current record's values in the kept columns.
    row: Vec<Value<'static>>,
    record: u64,
    /// True if the column of weights was chosen by its name, since no option names one. Then a row
    /// whose value in this column is no number becomes a point all the same, with a missing weight.
    is_guess: bool,
    /// The decision, not made yet, whether the values in the column of weights are numbers. It is
    /// made before the first batch is sent. `None` from then on, and if no decision is needed.
    undecided: Option<WeightDecision>,
    /// True if the values in the column of weights turned out to be no numbers, so that every row
    /// counts 1.
    unused: bool,
    file: String,
    /// The error that ends the load of the file: the shift of a position to WGS 84 is too
    /// uncertain. `None` as long as there is no such error.
    refused: Option<LoadError>,
    out: SyncSender<Result<ReaderMessage, LoadError>>,
}

/// A message from a reader, the thread that reads records, to the source.
pub(super) enum ReaderMessage {
    Batch(Box<Batch>),
    /// The end of this reader's turn, at which the next reader's turn begins. Readers take turns,
    /// so that points come in the order of the rows.
    Turn,
    /// The end of the records. If a channel closes without this message, the reader ended early,
    /// for example by a panic.
    End,
}

impl RecordSink {
    /// A sink for the records of one reader. `is_guess` is true if the column of weights was chosen
    /// by its name alone; `undecided` is then the decision that must still be made: whether the
    /// column's values are numbers. Points outside the box `within` are left out.
    pub(super) fn new(
        crs: &Arc<Crs>,
        selection: &Arc<RowSelection>,
        (within, shapes): (Option<LonLatBox>, ShapeRules),
        (is_guess, undecided): (bool, Option<WeightDecision>),
        file: String,
        out: SyncSender<Result<ReaderMessage, LoadError>>,
    ) -> Self {
        Self {
            crs: Arc::clone(crs),
            selection: Arc::clone(selection),
            within,
            shapes,
            batch: Self::empty(within, selection)
                .guessing(is_guess)
                .with_shapes(shapes),
            row: Vec::new(),
            record: 0,
            is_guess,
            undecided,
            unused: false,
            file,
            refused: None,
            out,
        }
    }

    /// Returns whether the filter selects the next record. A record that the filter doesn't select
    /// is counted. Of a selected record, the values in the kept columns are stored until its points
    /// are made. `value` returns the record's value in the column with an index.
    pub(crate) fn selects(
        &mut self,
        mut value: impl FnMut(usize) -> Value<'static>,
    ) -> Result<bool, Stopped> {
        let wanted = self.selection.selects(&mut value, &mut self.batch.report);
        if wanted {
            let kept = self.selection.keep.iter().copied();
            self.row.clear();
            self.row.extend(kept.map(value));
        } else {
            self.record += 1;
            self.send_much()?;
        }
        Ok(wanted)
    }

    /// Checks a record's geometry and adds its points to the batch. Each position of a MultiPoint
    /// becomes a row with the record's `weight`.
    pub(crate) fn record(
        &mut self,
        geometry: Geometry<'_>,
        weight: Option<&Value<'_>>,
    ) -> Result<(), Stopped> {
        let weight = self.begin(weight);
        match geometry {
            Geometry::Nothing(what) => self.skip(SkipReason::NoPosition, what.to_owned()),
            Geometry::Other(name) => self.skip(SkipReason::NotAPoint, format!("geometry {name}")),
            Geometry::Point(x, y) => self.position(x, y, weight)?,
            Geometry::MultiPoint(positions) => {
                let mut any = false;
                for (x, y) in positions {
                    any = true;
                    self.position(x, y, weight)?;
                    self.send_full()?;
                }
                if !any {
                    self.skip(SkipReason::NoPosition, "empty MultiPoint".to_owned());
                }
            }
        }
        self.fill();
        self.send_much()
    }

    /// Checks a record whose geometry is no point, and adds the points that it gives by the rules
    /// for lines and areas. `name` is the name of the geometry's type, and `read` gives its points
    /// and outlines to a collector, if the rules need them. Each position that it gives becomes a
    /// row with the record's `weight`.
    pub(crate) fn shape(
        &mut self,
        name: &str,
        weight: Option<&Value<'_>>,
        read: impl FnOnce(&mut ShapeCollector<'_>) -> Option<()>,
    ) -> Result<(), Stopped> {
        let weight = self.begin(weight);
        for place in self.batch.places_of(name, read) {
            match place {
                Ok((x, y)) => self.position(x, y, weight)?,
                Err((skip, found)) => self.skip(skip, found),
            }
            self.send_full()?;
        }
        self.fill();
        self.send_much()
    }

    /// Counts the next record, and shows its weight to the decision about weights. Returns the
    /// weight, or `None` if weights turned out to be no numbers.
    fn begin<'w>(&mut self, weight: Option<&'w Value<'w>>) -> Option<&'w Value<'w>> {
        self.record += 1;
        if let (Some(undecided), Some(weight)) = (&mut self.undecided, weight) {
            undecided.note(weight);
        }
        weight.filter(|_| !self.unused)
    }

    /// Sends the batch if it is full, before the record ends: one record may have millions of
    /// positions.
    fn send_full(&mut self) -> Result<(), Stopped> {
        if self.batch.points.len() < BATCH {
            return Ok(());
        }
        self.fill();
        self.send()
    }

    /// Sends the batch if it has [`BATCH`] points or counts [`ROWS`] rows. Rows without points are
    /// sent too, so that progress can be shown.
    fn send_much(&mut self) -> Result<(), Stopped> {
        let report = &self.batch.report;
        let rows = report.rows + report.filtered + report.deleted;
        if self.batch.points.len() < BATCH && rows < ROWS {
            return Ok(());
        }
        self.send()
    }

    /// Appends the current record's values in the kept columns to the batch, once for each point
    /// that was just added.
    fn fill(&mut self) {
        let row = &self.row;
        self.batch
            .keep_values(|at| row.get(at).cloned().unwrap_or(Value::Null));
    }

    /// Makes the points of a record whose geometry is in well-known binary. If `bytes` are not
    /// well-known binary, the record is counted as malformed.
    pub(crate) fn wkb(&mut self, bytes: &[u8], weight: Option<&Value<'_>>) -> Result<(), Stopped> {
        match wkb::parse(bytes).map(|geometry| geometry.shape) {
            Some(WkbShape::Point(x, y)) => self.record(Geometry::Point(x, y), weight),
            Some(WkbShape::Points(all)) => {
                // A position that is cut off gets infinite coordinates, and is then rejected.
                let mut all = all.map(|p| p.unwrap_or((f64::INFINITY, f64::INFINITY)));
                self.record(Geometry::MultiPoint(&mut all), weight)
            }
            Some(WkbShape::Other(name)) => {
                self.shape(name, weight, |shapes| wkb::collect(bytes, shapes))
            }
            None => {
                self.malformed("a geometry that is no well-known binary".to_owned());
                Ok(())
            }
        }
    }

    /// Makes the points of a record whose position is one value, a text in the form `form`. `srid`
    /// is the EPSG number of the coordinate system that the positions state; 0 if they state none.
    pub(crate) fn whole_position(
        &mut self,
        value: &Value<'_>,
        (form, srid): (TextForm, u32),
        weight: Option<&Value<'_>>,
    ) -> Result<(), Stopped> {
        let Some(text) = form.text(value) else {
            let found = format!("position {}", value.shown());
            return self.refuse(SkipReason::BadPosition, found);
        };
        let text = text.as_bytes();
        match form.places(text, srid) {
            Ok(TextPlaces::Point(x, y)) => self.record(Geometry::Point(x, y), weight),
            Ok(TextPlaces::Points(all)) => {
                self.record(Geometry::MultiPoint(&mut all.into_iter()), weight)
            }
            Ok(TextPlaces::Shape(name)) => {
                self.shape(&name, weight, |collector| shapes::collect(text, collector))
            }
            Err((skip, found)) => self.refuse(skip, found),
        }
    }

    /// Returns whether positions are longitudes and latitudes in degrees.
    pub(super) fn has_degrees(&self) -> bool {
        matches!(*self.crs, Crs::LonLat)
    }

    /// Counts a row whose position would be valid with longitude and latitude swapped.
    pub(super) fn count_swapped(&mut self) {
        self.batch.count_swapped();
    }

    fn position(&mut self, x: f64, y: f64, weight: Option<&Value<'_>>) -> Result<(), Stopped> {
        if x.is_nan() && y.is_nan() {
            // In well-known binary an empty point is written as two NaNs.
            self.skip(SkipReason::NoPosition, "empty Point".to_owned());
            return Ok(());
        }
        let judged = match self.crs.place(x, y) {
            Ok(place) => {
                self.batch.report.place_off_by(place.error);
                let weight = weight.map_or(Weight::Unused, Weight::from);
                let kept = self.batch.keep_record(place.lon, place.lat, weight);
                kept.map_err(|rejection| (rejection.skip, rejection.found()))
            }
            Err(PlaceError::Outside) => Err((SkipReason::BadPosition, format!("x {x}, y {y}"))),
            Err(PlaceError::Vague(vague)) => {
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

    /// Adds a note to the report.
    pub(crate) fn note(&mut self, note: String) {
        self.batch.report.notes.note(note);
    }

    /// Sets the number of the next record, counted from 0, for messages.
    pub(crate) fn at_record(&mut self, number: u64) {
        self.record = number;
    }

    /// Sends the batch, however small it is, and ends the turn of this reader. Readers take turns,
    /// so that points come in the order of the rows.
    pub(crate) fn end_turn(&mut self) -> Result<(), Stopped> {
        self.send()?;
        self.out.send(Ok(ReaderMessage::Turn)).map_err(|_| Stopped)
    }

    /// Counts a record as skipped, since it can't be decoded. `found` describes it for reports.
    pub(crate) fn malformed(&mut self, found: String) {
        self.record += 1;
        self.skip(SkipReason::Malformed, found);
    }

    /// Counts a record as skipped, since it has no position or an impossible one. `skip` is the
    /// reason, and `found` describes the position for reports.
    pub(crate) fn refuse(&mut self, skip: SkipReason, found: String) -> Result<(), Stopped> {
        self.record += 1;
        self.skip(skip, found);
        self.send_much()
    }

    fn skip(&mut self, skip: SkipReason, found: String) {
        let record = self.record;
        self.batch.report.skip(skip, || (record, found));
    }

    fn send(&mut self) -> Result<(), Stopped> {
        if let Some(undecided) = self.undecided.take()
            && !undecided.are_numbers()
        {
            self.batch.drop_weights();
            (self.is_guess, self.unused) = (false, true);
        }
        let empty = Self::empty(self.within, &self.selection)
            .guessing(self.is_guess)
            .with_shapes(self.shapes);
        let full = std::mem::replace(&mut self.batch, empty);
        self.out
            .send(Ok(ReaderMessage::Batch(Box::new(full))))
            .map_err(|_| Stopped)
    }

    fn empty(within: Option<LonLatBox>, selection: &RowSelection) -> Batch {
        let mut batch = Batch::new(within, selection.keep.len(), &selection.times);
        batch.report.unit = RowUnit::Record;
        batch
    }
}

impl RecordSink {
    /// Runs a reader to its end. Then sends the last batch, and a message: the end of the records,
    /// or the error with which the reader ended.
    pub(super) fn run(mut self, reader: RecordReader) {
        let ended = reader(&mut self);
        if self.send().is_err() {
            // The source was dropped, so no message can be received.
            return;
        }
        let ended = match self.refused.take() {
            Some(error) => Err(ReadFailure::Failed(error)),
            None => ended,
        };
        let _ = match ended {
            Ok(()) => self.out.send(Ok(ReaderMessage::End)),
            Err(ReadFailure::Failed(error)) => self.out.send(Err(error)),
            Err(ReadFailure::Stopped) => Ok(()),
        };
    }
}
