//! Chunker: a thread that reads a file and splits its bytes into blocks of text. Such a block is a
//! piece of the file that consists of whole rows.
//!
//! Reading, decompressing and finding the ends of rows can't run in parallel, so one thread does
//! all of this. The module `pipeline` then turns blocks into points on all cores. The channel
//! between them holds only a few blocks, so that little is in memory at any time.

use crate::error::LoadError;
use crate::input::{Origin, fill};
use std::io::Read;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The size of blocks of text in bytes, 256 KiB. It is a choice. A block is larger only if a single
/// row is.
///
/// In the unit tests of this crate it is 64 bytes, so that blocks begin and end at many different
/// places in rows.
pub(crate) const BLOCK: usize = if cfg!(test) { 64 } else { 256 << 10 };

/// A position in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextPosition {
    /// The number of the line in the file, counted from 1.
    pub(crate) line: u64,
    /// The number of the byte in its line, counted from 1.
    pub(crate) column: u64,
}

impl TextPosition {
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// The position after the bytes `passed`, the first of which is at the position `self`. Lines
    /// end with the byte `newline`.
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

/// A block of text: a part of a file that consists of whole rows.
pub(crate) struct TextBlock {
    pub(crate) bytes: Vec<u8>,
    /// The ranges, in `bytes`, of those rows that the parser can't find by itself in the block: all
    /// rows of JSON and GeoJSON, and the rows of CSV in which the quotes are doubtful. Empty if
    /// there are no such rows.
    pub(crate) items: Vec<Range<usize>>,
    /// The position in the file at which the block begins.
    pub(crate) start: TextPosition,
    /// True for the last block. If the channel closes without a last block, the reading thread
    /// ended early.
    pub(crate) last: bool,
}

impl TextBlock {
    fn nothing(start: TextPosition) -> Self {
        Self {
            bytes: Vec::new(),
            items: Vec::new(),
            start,
            last: false,
        }
    }
}

/// The result of splitting a buffer into whole rows and an unfinished rest.
pub(crate) struct Split {
    /// The offset in the buffer of the end of the last whole row; 0 if there is no whole row.
    pub(crate) end: usize,
    /// The ranges, in the buffer, of the rows that the parser can't find by itself: see
    /// [`TextBlock::items`].
    pub(crate) items: Vec<Range<usize>>,
    /// The reason why the row that begins at `end` can't be read; `None` if nothing is wrong. The
    /// rows before `end` are whole in any case.
    pub(crate) error: Option<SplitError>,
}

/// The reason why bytes can't be split into rows.
pub(crate) enum SplitError {
    /// A quote that is never closed, in the row that begins at [`Split::end`].
    Quote,
    /// The bytes are no valid JSON. The text is the parser's message.
    Json(String),
    /// The rows from [`Split::end`] on can't be read, because of this error.
    Refused(Box<LoadError>),
}

/// A splitter of bytes into rows.
pub(crate) trait Splitter: Send + 'static {
    /// The largest number of bytes that one row may have.
    const LIMIT: usize;

    /// The byte that ends a line.
    fn newline(&self) -> u8;

    /// Splits `buffer`, which begins at the start of a row, into whole rows and an unfinished rest.
    /// With `ended`, the buffer reaches to the end of the file, so no rest may remain.
    fn split(&mut self, buffer: &[u8], ended: bool) -> Split;
}

/// Starts a thread that reads `reader` and splits it into blocks of text. Returns a channel that
/// yields the blocks; at most `ahead` blocks wait in it. `start` is the position in the file of the
/// first byte that `reader` yields.
pub(crate) fn start<C: Splitter>(
    reader: impl Read + Send + 'static,
    origin: Origin,
    splitter: C,
    start: TextPosition,
    ahead: usize,
) -> Result<Receiver<Result<TextBlock, LoadError>>, LoadError> {
    let (sender, receiver) = sync_channel(ahead);
    let file = origin.file();
    std::thread::Builder::new()
        .name("heatsplat-read".into())
        .spawn(move || {
            if let Err(error) = read(reader, &origin, splitter, start, &sender, ahead) {
                // Sending fails only if the receiver was dropped, which is no error.
                let _ = sender.send(Err(error));
            }
        })
        .map_err(|source| LoadError::Read { file, source })?;
    Ok(receiver)
}

/// Reads blocks and sends them, until the file ends or the receiver is dropped. `place` is the
/// position in the file of the reader's first byte, and `ahead` the most blocks that may wait for
/// the receiver.
fn read<C: Splitter>(
    mut reader: impl Read,
    origin: &Origin,
    mut splitter: C,
    mut place: TextPosition,
    sender: &SyncSender<Result<TextBlock, LoadError>>,
    ahead: usize,
) -> Result<(), LoadError> {
    let mut buffer = Vec::new();
    loop {
        // If no row was complete, the buffer is doubled. It grows at most to the largest size that
        // a row may have.
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
        let block = TextBlock {
            items,
            start: place,
            bytes,
            last: ended && error.is_none(),
        };
        place = place.after(&block.bytes, newline);
        let blocks = block.bytes.len() / BLOCK;
        let mut unheard = sender.send(Ok(block)).is_err();
        // A long row counts as several blocks. Empty blocks after it fill the channel, so that not
        // many bytes wait there.
        for _ in 1..blocks.min(ahead) {
            unheard |= !ended && sender.send(Ok(TextBlock::nothing(place))).is_err();
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
