//! Blocks in, points out: the source that all text formats share.

use crate::batch::Batch;
use crate::bounds::Bounds;
use crate::columns::Columns;
use crate::error::LoadError;
use crate::input::Origin;
use crate::report::Report;
use crate::source::{LoadProgress, Source, check_strict};
use crate::table::TableBuilder;
use crate::text::chunker::Block;
use crate::time::Times;
use heatsplat_points::PointSink;
use rayon::prelude::*;
use std::io;
use std::sync::mpsc::Receiver;

/// More blocks at a time gain nothing: one thread reads them.
const MOST: usize = 8;

/// How many blocks are parsed at a time, and how many wait meanwhile.
pub(crate) fn width() -> usize {
    rayon::current_num_threads().clamp(1, MOST)
}

/// Makes points of a block.
pub(crate) trait Parser: Send + Sync {
    /// Judges every row of a block.
    ///
    /// # Errors
    /// What makes the whole file unreadable.
    fn parse(&self, block: &Block, batch: &mut Batch) -> Result<(), LoadError>;

    /// The last word on a source that was read to its end.
    fn finish(&self, _report: &Report) -> Result<(), LoadError> {
        Ok(())
    }
}

/// A file that is read block by block and parsed on all cores.
pub(crate) struct Pipeline<P> {
    pub(crate) origin: Origin,
    pub(crate) columns: Columns,
    pub(crate) parser: P,
    /// The values of the points that were poured last, in the columns that are kept.
    pub(crate) kept: TableBuilder,
    /// How times are written.
    pub(crate) times: Times,
    pub(crate) within: Option<Bounds>,
    pub(crate) strict: bool,
    /// Blocks that were looked at before the reading proper.
    pub(crate) first: Option<Block>,
    pub(crate) blocks: Receiver<Result<Block, LoadError>>,
    pub(crate) report: Report,
    /// Whether the last block has been taken.
    pub(crate) ended: bool,
}

impl<P: Parser> Pipeline<P> {
    /// The next blocks: waits for one, takes what else is there.
    fn gather(&mut self) -> Vec<Result<Block, LoadError>> {
        let mut gathered: Vec<_> = self.first.take().map(Ok).into_iter().collect();
        if gathered.is_empty() {
            // A closed channel without a last block: the thread is gone.
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

impl<P: Parser> Source for Pipeline<P> {
    fn name(&self) -> &str {
        &self.origin.name
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        if self.ended {
            return Ok(false);
        }
        let gathered = self.gather();
        let last = gathered.iter().flatten().any(|block| block.last);
        let (parser, within, keep) = (&self.parser, self.within, self.columns.kept.len());
        let is_guess = self.columns.guess.is_some();
        let times = &self.times;
        let parsed: Vec<_> = gathered
            .into_par_iter()
            .map(|block| {
                let mut batch = Batch::new(within, keep, times).guessing(is_guess);
                let outcome = block.and_then(|block| parser.parse(&block, &mut batch));
                (batch, outcome)
            })
            .collect();
        // In the order of the file, whoever finished first.
        for (batch, outcome) in parsed {
            sink.push(&batch.points);
            self.kept.append(batch.kept);
            self.report.add(batch.report);
            check_strict(self.strict, &self.report, &self.origin.name)?;
            outcome?;
        }
        self.report.bytes = self.origin.bytes_read();
        self.origin.add_notes(&mut self.report.notes);
        if last {
            self.ended = true;
            self.parser.finish(&self.report)?;
        }
        Ok(true)
    }

    fn take_kept(&mut self) -> TableBuilder {
        std::mem::take(&mut self.kept)
    }

    fn report(&self) -> &Report {
        &self.report
    }

    fn progress(&self) -> LoadProgress {
        LoadProgress {
            rows: self.report.rows + self.report.filtered,
            bytes_read: self.report.bytes,
            bytes_total: self.origin.bytes_total,
        }
    }
}
