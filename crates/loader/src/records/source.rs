//! The source that all formats of records share.

use super::failure::{DECODER_PANICKED, ReadFailure, damaged};
use super::sink::{ReaderMessage, RecordSink};
use crate::columns::Columns;
use crate::columns::resolve::ResolvedColumns;
use crate::columns::selection::RowSelection;
use crate::columns::weight_check::WeightDecision;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::report::RowUnit;
use crate::shape::ShapeRules;
use crate::source::{BatchSource, Source, SourceState};
use heatsplat_points::{LonLatBox, PointSink};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

/// A function that reads records of a file and sends them to a sink. It reads all records, or one
/// part of them if a file has several readers.
pub(crate) type RecordReader = Box<dyn FnOnce(&mut RecordSink) -> Result<(), ReadFailure> + Send>;

/// The number of batches of one reader that may wait until the source receives them: a choice.
const WAITING: usize = 4;

/// A source whose records are read by one or more threads.
pub(crate) struct RecordSource {
    state: SourceState,
    origin: Origin,
    /// The channels of the readers that have not ended. Readers take turns, so that points come in
    /// the order of the rows. The first channel belongs to the reader whose turn it is.
    readers: VecDeque<Receiver<Result<ReaderMessage, LoadError>>>,
}

/// A [`RecordSource`] without its readers, which [`start`](Self::start) adds.
pub(crate) struct RecordSourceBuilder {
    pub(crate) origin: Origin,
    columns: Columns,
    crs: Crs,
    selection: RowSelection,
    within: Option<LonLatBox>,
    shapes: ShapeRules,
    strict: bool,
    datum_error: Option<f64>,
}

impl RecordSourceBuilder {
    pub(crate) fn new(
        origin: Origin,
        found: ResolvedColumns,
        crs: Crs,
        options: &LoadOptions,
    ) -> Self {
        Self {
            origin,
            columns: found.columns,
            crs,
            selection: found.selection,
            within: options.within,
            shapes: options.shapes,
            strict: options.strict,
            datum_error: options.datum_error,
        }
    }

    /// Starts a thread for each reader, and returns the source. If the column of weights was chosen
    /// by its name alone, this method waits until the first reader has decided whether the column's
    /// values are numbers.
    pub(crate) fn start(self, readers: Vec<RecordReader>) -> Result<Box<dyn Source>, LoadError> {
        let Self { origin, strict, .. } = self;
        let crs = self.crs.accepting(self.datum_error, &origin.file())?;
        let (crs, selection) = (Arc::new(crs), Arc::new(self.selection));
        let mut columns = self.columns;
        let mut receivers = VecDeque::new();
        let is_guess = columns.guess.is_some();
        let verdict = Arc::new(OnceLock::new());
        let unsure = is_guess && !readers.is_empty();
        for reader in readers {
            let first = receivers.is_empty();
            let (out, handed) = sync_channel(WAITING);
            let undecided = unsure.then(|| WeightDecision::new(first, &verdict));
            let sink = RecordSink::new(
                &crs,
                &selection,
                (self.within, self.shapes),
                (is_guess, undecided),
                origin.file(),
                out,
            );
            thread::Builder::new()
                .name("heatsplat-reader".to_owned())
                .spawn(move || sink.run(reader))
                .map_err(|error| origin.read_error(error))?;
            receivers.push_back(handed);
        }
        if unsure {
            columns.settle(verdict.wait());
        }
        let mut state = SourceState::new(&origin.name, columns, strict);
        state.report.unit = RowUnit::Record;
        Ok(Box::new(RecordSource {
            state,
            origin,
            readers: receivers,
        }))
    }
}

impl BatchSource for RecordSource {
    fn state(&self) -> &SourceState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut SourceState {
        &mut self.state
    }

    fn bytes_total(&self) -> Option<u64> {
        self.origin.bytes_total
    }

    fn pour_next(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        let batch = loop {
            let Some(reader) = self.readers.front() else {
                return Ok(false);
            };
            match reader.recv() {
                Ok(handed) => match handed? {
                    ReaderMessage::Batch(batch) => break *batch,
                    ReaderMessage::Turn => self.readers.rotate_left(1),
                    ReaderMessage::End => drop(self.readers.pop_front()),
                },
                Err(_) => {
                    self.readers.clear();
                    let place = format!("after {} records", self.state.report.rows);
                    return Err(damaged(&self.origin, place, DECODER_PANICKED));
                }
            }
        };
        let poured = self.state.pour(batch, sink);
        self.state.report.bytes = self.origin.bytes_read();
        self.origin.add_notes(&mut self.state.report.notes);
        poured.map(|()| true)
    }
}
