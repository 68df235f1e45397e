//! Chunker: a thread that reads ahead and splits bytes into blocks of whole rows.
//!
//! Reading, decompressing and finding the ends of rows can't run in parallel: this thread does
//! them. The module `pipeline` turns blocks into points on all cores. The channel between the two
//! holds few blocks, so little is in memory at any time.

use crate::error::LoadError;
use crate::input::{Origin, fill};
use std::io::Read;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The size of blocks in bytes, a choice: 256 KiB. A block is larger only where a single row is.
///
/// In the crate's own tests it is 64 bytes, so that blocks end at all kinds of places in rows.
pub(crate) const BLOCK: usize = if cfg!(test) { 64 } else { 256 << 10 };

/// A position in a text file; line and column are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextPosition {
    pub(crate) line: u64,
    /// The number of the byte in the line.
    pub(crate) column: u64,
}

impl TextPosition {
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// The position behind the bytes `passed`, the first of which is at `self`. The byte `newline`
    /// ends a line.
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

/// A part of a file that consists of whole rows.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// The ranges in `bytes` of rows that the parser can't find again by scanning the block: all
    /// rows of GeoJSON, and the rows of CSV with doubtful quotes.
    pub(crate) items: Vec<Range<usize>>,
    /// The position in the file of the first byte.
    pub(crate) start: TextPosition,
    /// Set for the last block. If the channel closes without such a block, the reading thread ended
    /// early.
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
    /// The error in the row that begins at `end`, if there is one. The rows before it are whole.
    pub(crate) error: Option<SplitError>,
}

/// The reason why bytes can't be split into rows.
pub(crate) enum SplitError {
    /// A quote is not closed in the row that begins here.
    Quote,
    /// The bytes are no JSON.
    Json(String),
    /// The rows from here on can't be interpreted.
    Refused(Box<LoadError>),
}

/// A splitter of bytes into rows.
pub(crate) trait Splitter: Send + 'static {
    /// The most bytes one row may have.
    const LIMIT: usize;

    /// The byte that ends a line.
    fn newline(&self) -> u8;

    /// Splits `buffer`, which begins at the start of a row, into whole rows and an unfinished rest.
    /// With `ended`, nothing follows the buffer, so no rest may remain.
    fn split(&mut self, buffer: &[u8], ended: bool) -> Split;
}

/// Starts a thread that reads `reader` into blocks, and returns the channel that yields them, in
/// which at most `ahead` blocks wait. `start` is the position in the file of the first byte.
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
                // Sending fails only if the receiver has been dropped, which is no error.
                let _ = sender.send(Err(error));
            }
        })
        .map_err(|source| LoadError::Read { file, source })?;
    Ok(receiver)
}

/// Reads blocks and sends them, to the end of the file or until the receiver is dropped.
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
        // If the buffer was too small for one row, it is doubled, up to the most bytes that a row
        // may have.
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
        // A long row counts as several blocks: empty blocks behind it fill the channel, so that the
        // bytes that wait there stay few.
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
