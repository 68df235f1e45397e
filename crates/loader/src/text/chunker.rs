//! Chunker: a thread that reads ahead and splits bytes into blocks of whole rows.
//!
//! Reading, decompressing and finding the rows' borders is serial by nature and runs here; turning
//! blocks into points is parallel, and runs elsewhere. The channel between is short, so little is
//! in memory at any time.

use crate::error::LoadError;
use crate::input::{Origin, fill};
use std::io::Read;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The size of blocks in bytes; a block grows beyond it only for one long row.
///
/// The crate's own tests read tiny blocks, so that rows meet borders everywhere.
pub(crate) const BLOCK: usize = if cfg!(test) { 64 } else { 256 << 10 };

/// A position in a text file; line and column are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextPosition {
    pub(crate) line: u64,
    /// The byte in the line.
    pub(crate) column: u64,
}

impl TextPosition {
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// The position behind `passed`, in which `newline` ends a line.
    pub(crate) fn after(self, passed: &[u8], newline: u8) -> Self {
        match memchr::memrchr(newline, passed) {
            None => Self {
                column: self.column + passed.len() as u64,
                ..self
            },
            Some(last) => Self {
                line: self.line + memchr::memchr_iter(newline, passed).count() as u64,
                column: (passed.len() - last) as u64,
            },
        }
    }
}

/// Whole rows in sequence.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// The range of each row in `bytes`, for formats whose rows can't be found again by scanning.
    pub(crate) items: Vec<Range<usize>>,
    /// The position of the first byte in the file.
    pub(crate) start: TextPosition,
    /// Set for the last block. A channel that closes without one means that reading broke off.
    pub(crate) last: bool,
}

impl Block {
    fn nothing(start: TextPosition) -> Self {
        Self {
            bytes: Vec::new(),
            items: Vec::new(),
            start,
            last: false,
        }
    }
}

/// The split of a buffer into whole rows and a rest.
pub(crate) struct Split {
    /// The end of the last whole row; 0 if the first row is longer than the buffer.
    pub(crate) end: usize,
    /// See [`Block::items`].
    pub(crate) items: Vec<Range<usize>>,
    /// The error in the row at `end`. The rows before it are good.
    pub(crate) error: Option<SplitError>,
}

/// The reason why bytes can't be split into rows.
pub(crate) enum SplitError {
    /// A quote is not closed in the row that begins here.
    Quote,
    /// The bytes are no JSON.
    Json(String),
    /// The rest can't be interpreted.
    Refused(Box<LoadError>),
}

/// A splitter of bytes into rows.
pub(crate) trait Splitter: Send + 'static {
    /// The most bytes one row may have.
    const LIMIT: usize;

    /// The byte that ends a line.
    fn newline(&self) -> u8;

    /// Splits a buffer that begins with a row. `ended`: nothing follows it, and all of it must be
    /// split.
    fn split(&mut self, buffer: &[u8], ended: bool) -> Split;
}

/// Starts reading `reader` into blocks, at most `ahead` of them waiting.
pub(crate) fn start<C: Splitter>(
    reader: impl Read + Send + 'static,
    origin: Origin,
    splitter: C,
    start: TextPosition,
    ahead: usize,
) -> Result<Receiver<Result<Block, LoadError>>, LoadError> {
    let (sender, receiver) = sync_channel(ahead);
    let file = origin.file();
    std::thread::Builder::new()
        .name("heatsplat-read".into())
        .spawn(move || {
            if let Err(error) = read(reader, &origin, splitter, start, &sender, ahead) {
                // The receiver may have been dropped.
                let _ = sender.send(Err(error));
            }
        })
        .map_err(|source| LoadError::Read { file, source })?;
    Ok(receiver)
}

/// Reads to the end, or until the receiver is dropped.
fn read<C: Splitter>(
    mut reader: impl Read,
    origin: &Origin,
    mut splitter: C,
    mut place: TextPosition,
    sender: &SyncSender<Result<Block, LoadError>>,
    ahead: usize,
) -> Result<(), LoadError> {
    let mut buffer = Vec::new();
    loop {
        // Twice the size that was too small for a row, and never more than a row may have.
        let target = (buffer.len() * 2).clamp(BLOCK, C::LIMIT);
        let ended = fill(&mut reader, &mut buffer, target).map_err(|e| origin.read_error(e))?;
        let newline = splitter.newline();
        let Split { end, items, error } = splitter.split(&buffer, ended);
        if end == 0 && !ended && error.is_none() {
            if buffer.len() >= C::LIMIT {
                let (file, line) = (origin.file(), place.line);
                return Err(LoadError::TooLong {
                    file,
                    line,
                    limit: C::LIMIT,
                });
            }
            continue;
        }
        let tail = buffer.split_off(end.min(buffer.len()));
        let bytes = std::mem::replace(&mut buffer, tail);
        let block = Block {
            items,
            start: place,
            bytes,
            last: ended && error.is_none(),
        };
        place = place.after(&block.bytes, newline);
        let blocks = block.bytes.len() / BLOCK;
        let mut unheard = sender.send(Ok(block)).is_err();
        // A long row takes the places of as many blocks as it could be, so that the waiting bytes
        // are bounded too.
        for _ in 1..blocks.min(ahead) {
            unheard |= !ended && sender.send(Ok(Block::nothing(place))).is_err();
        }
        let (file, TextPosition { line, column }) = (origin.file(), place);
        match error {
            Some(SplitError::Quote) => return Err(LoadError::UnclosedQuote { file, line }),
            Some(SplitError::Refused(error)) => return Err(*error),
            Some(SplitError::Json(message)) => {
                return Err(LoadError::Json {
                    file,
                    line,
                    column,
                    message,
                });
            }
            None if unheard || ended => return Ok(()),
            None => {}
        }
    }
}
