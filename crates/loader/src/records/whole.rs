//! The whole of an input: the sample (its first 256 KiB, which were read to recognise the format),
//! and then the rest.

use std::io::{self, BufReader, Cursor, Read};

/// The number of bytes that are read from the file at a time: a choice. A tag or text of XML that
/// is in two of these pieces is copied once more.
const BLOCK: usize = 128 << 10;

/// A reader of a whole input: the sample, which was read before, then the rest of the file.
pub(super) type WholeInput = BufReader<io::Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>>;

/// A reader of a whole input, of which the beginning `sample` was read before.
pub(super) fn whole(sample: Vec<u8>, rest: Box<dyn Read + Send>) -> WholeInput {
    BufReader::with_capacity(BLOCK, Cursor::new(sample).chain(rest))
}
