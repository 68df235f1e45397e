//! The source that all text formats share: it receives blocks of whole rows and turns them into
//! points.

use crate::batch::Batch;
use crate::columns::Columns;
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::report::Report;
use crate::shape::ShapeRules;
use crate::source::{BatchSource, SourceState};
use crate::text::chunker::TextBlock;
use crate::time::Times;
use heatsplat_points::{LonLatBox, PointSink};
use rayon::prelude::*;
use std::io;
use std::sync::mpsc::Receiver;

/// The largest number of blocks of one file that are parsed at the same time, each by one thread: a
/// choice. More threads would parse no faster, since a single thread reads the blocks.
const MOST: usize = 8;

/// The number of blocks of one file that are parsed at the same time, which is also the number of
/// blocks that may wait to be parsed: the number of threads, but at most [`MOST`].
pub(crate) fn width() -> usize {
    rayon::current_num_threads().clamp(1, MOST)
}

/// A parser of blocks of text into points.
pub(crate) trait BlockParser: Send + Sync {
    /// Checks every row of a block, and adds the points and the counts of rows to `batch`.
    ///
    /// # Errors
    /// A fault because of which the rest of the file can't be read.
    fn parse(&self, block: &TextBlock, batch: &mut Batch) -> Result<(), LoadError>;

    /// Checks the report of a source that was read to its end. There is nothing to check by
    /// default.
    ///
    /// # Errors
    /// A fault that only all rows together show, such as a column of weights that no row has.
    fn finish(&self, _report: &Report) -> Result<(), LoadError> {
        Ok(())
    }
}

/// A source of text that is read block by block. Several blocks are parsed at the same time, at
/// most [`width`] of them.
pub(crate) struct Pipeline<P> {
    state: SourceState,
    origin: Origin,
    parser: P,
    /// The formats in which dates and times of the source are read.
    times: Times,
    within: Option<LonLatBox>,
    shapes: ShapeRules,
    /// The first block, which was read to choose the columns and is not parsed yet; `None` if there
    /// is no such block.
    first: Option<TextBlock>,
    blocks: Receiver<Result<TextBlock, LoadError>>,
    /// True once the last block was parsed, so that no rows follow.
    ended: bool,
}

impl<P: BlockParser> Pipeline<P> {
    /// A source of the blocks that the channel `blocks` yields. `first` is the block before these
    /// blocks, if it was read to choose the columns. `parser` turns blocks into points, and `times`
    /// are the formats in which dates and times of the source are read.
    pub(crate) fn new(
        origin: Origin,
        columns: Columns,
        (parser, times): (P, Times),
        options: &LoadOptions,
        first: Option<TextBlock>,
        blocks: Receiver<Result<TextBlock, LoadError>>,
    ) -> Self {
        Self {
            state: SourceState::new(&origin.name, columns, options.strict),
            origin,
            parser,
            times,
            within: options.within,
            shapes: options.shapes,
            first,
            blocks,
            ended: false,
        }
    }

    /// Returns the next blocks: waits for one block, and adds further blocks that are ready, up to
    /// [`width`] in all.
    fn gather(&mut self) -> Vec<Result<TextBlock, LoadError>> {
        let mut gathered: Vec<_> = self.first.take().map(Ok).into_iter().collect();
        if gathered.is_empty() {
            // If the channel closes without a last block, the reading thread ended early.
            let broken = || io::Error::other("the reading thread broke off");
            gathered.push(
                self.blocks
                    .recv()
                    .unwrap_or_else(|_| Err(self.origin.read_error(broken()))),
            );
        }
        while gathered.len() < width()
            && let Ok(block) = self.blocks.try_recv()
        {
            gathered.push(block);
        }
        gathered
    }
}

impl<P: BlockParser> BatchSource for Pipeline<P> {
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
        if self.ended {
            return Ok(false);
        }
        let gathered = self.gather();
        let last = gathered.iter().flatten().any(|block| block.last);
        let (parser, within, keep) = (&self.parser, self.within, self.state.columns.kept.len());
        let is_guess = self.state.columns.guess.is_some();
        let (times, shapes) = (&self.times, self.shapes);
        let parsed: Vec<_> = gathered
            .into_par_iter()
            .map(|block| {
                let batch = Batch::new(within, keep, times).guessing(is_guess);
                let mut batch = batch.with_shapes(shapes);
                let outcome = block.and_then(|block| parser.parse(&block, &mut batch));
                (batch, outcome)
            })
            .collect();
        // The batches are added in the order of the file.
        for (batch, outcome) in parsed {
            self.state.pour(batch, sink)?;
            outcome?;
        }
        self.state.report.bytes = self.origin.bytes_read();
        self.origin.add_notes(&mut self.state.report.notes);
        if last {
            self.ended = true;
            self.parser.finish(&self.state.report)?;
        }
        Ok(true)
    }
}
