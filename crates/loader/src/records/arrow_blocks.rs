//! What an Arrow file says of its own parts, held against how long it is: the library takes
//! memory for whatever a part is said to hold, before it reads any of it.

use arrow_ipc::{Block, reader::read_footer_length, root_as_footer};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// The footer's length and the magic word, at a file's end.
const TAIL: usize = 10;

/// Whether all parts lie within a file of `length` bytes; else what is wrong.
pub(super) fn check(file: &mut File, length: u64) -> Result<(), String> {
    let footer = footer(file, length).map_err(|error| error.to_string())?;
    let footer = root_as_footer(&footer).map_err(|error| error.to_string())?;
    let dictionaries = footer.dictionaries().into_iter().flatten();
    let batches = footer.recordBatches().into_iter().flatten();
    if dictionaries
        .chain(batches)
        .all(|block| lies_within(block, length))
    {
        return Ok(());
    }
    Err(format!(
        "a part is said to lie beyond the file's {length} bytes"
    ))
}

fn footer(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut tail = [0; TAIL];
    let before = length.checked_sub(TAIL as u64).ok_or_else(short)?;
    file.seek(SeekFrom::Start(before))?;
    file.read_exact(&mut tail)?;
    let size = read_footer_length(tail).map_err(io::Error::other)?;
    let start = before.checked_sub(size as u64).ok_or_else(short)?;
    file.seek(SeekFrom::Start(start))?;
    // no longer than the file
    let mut footer = vec![0; size];
    file.read_exact(&mut footer)?;
    file.rewind()?;
    Ok(footer)
}

fn lies_within(block: &Block, length: u64) -> bool {
    let parts = [
        u64::try_from(block.offset()),
        u64::try_from(block.metaDataLength()),
        u64::try_from(block.bodyLength()),
    ];
    let end = parts
        .into_iter()
        .try_fold(0u64, |sum, part| sum.checked_add(part.ok()?));
    end.is_some_and(|end| end <= length)
}
