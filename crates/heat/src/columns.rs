//! Columns beside the points of a file: their description, and the table of them in the file
//! (section `COLS`).

use crate::bytes::ByteReader;
use crate::root::{DIRECTORY_PAGES, DirectoryPlace};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The greatest number of columns of a file: a choice.
pub const MOST_COLUMNS: usize = 64;

/// The greatest number of bytes of the different texts of one column, together: a choice.
pub const MOST_TEXT: usize = 1 << 26;

/// The description of a column's values. A value is an integer of 64 bits, and 0 is null. In a
/// column of texts, value 1 stands for the first text of the column's list, 2 for the second one,
/// and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnForm {
    /// The type of the values, for example `number` or `text`. Here it is only stored: its meaning
    /// is up to the program that writes and reads the columns.
    #[serde(rename = "type")]
    pub kind: String,
    /// True if the values are floats that [`float_value`](crate::float_value) has made integers,
    /// which sort as the floats do.
    pub floats: bool,
    /// The spelling of the values in the source if the source had texts: how numbers or times were
    /// written there, in the words of the program that writes the columns. JSON's null if the
    /// source had typed values.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub written: Value,
}

/// A column of a file, as the section `COLS` describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ColumnRecord {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) form: ColumnForm,
    /// The number of different texts of the column.
    pub(crate) words: u64,
    /// The number of bytes of all pages of the column.
    #[serde(rename = "bytes")]
    pub(crate) pages_bytes: u64,
    /// The place of the column's texts, which [`join_words`] has encoded.
    pub(crate) texts: BlobPlace,
    /// The place of the column's zone maps: summaries of its values, one for each page.
    pub(crate) zones: BlobPlace,
    /// For each directory: its offset, the offset of the first page that it lists, and the CRC-32
    /// of its bytes.
    pub(crate) directories: Vec<(u64, u64, u32)>,
}

/// The place of some bytes in a file, and their CRC-32.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BlobPlace {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) crc: u32,
}

impl ColumnRecord {
    pub(crate) fn places(&self) -> Vec<DirectoryPlace> {
        let place = |&(offset, pages, crc): &(u64, u64, u32)| DirectoryPlace { offset, crc, pages };
        self.directories.iter().map(place).collect()
    }

    /// Returns the number of bytes that the column takes in the file: its pages, zone maps and
    /// texts.
    pub(crate) fn bytes(&self) -> u64 {
        self.texts.bytes + self.zones.bytes + self.pages_bytes
    }

    /// Returns true if the record's numbers are possible in a file of `len` bytes in which the
    /// points take `pages` pages.
    pub(crate) fn is_possible(&self, len: u64, pages: u64) -> bool {
        let inside = |place: BlobPlace| {
            let end = place.offset.checked_add(place.bytes);
            end.is_some_and(|end| end <= len)
        };
        inside(self.texts)
            && inside(self.zones)
            && self.texts.bytes <= 2 * MOST_TEXT as u64
            && self.words <= self.texts.bytes
            && self.zones.bytes == pages * crate::column_page::ZONE as u64
            && self.directories.len() as u64 == pages.div_ceil(DIRECTORY_PAGES)
    }
}

/// Encodes a list of texts for a file: each text is its length in bytes, as a varint, and then its
/// bytes.
pub(crate) fn join_words(words: &[Box<[u8]>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        crate::bytes::push_varint(&mut bytes, word.len() as u64);
        bytes.extend_from_slice(word);
    }
    bytes
}

/// Returns `count` texts, which [`join_words`] has encoded in `bytes`. Returns `None` if `bytes`
/// are not exactly that many texts.
pub(crate) fn split_words(bytes: &[u8], count: u64) -> Option<Vec<Box<[u8]>>> {
    let mut from = ByteReader::new(bytes);
    let mut words = Vec::new();
    for _ in 0..count {
        let len = usize::try_from(from.varint()?).ok()?;
        words.push(from.take(len)?.into());
    }
    from.is_empty().then_some(words)
}

/// Returns the identity of points with columns. `points` is the SHA-256 of the points alone, which
/// is the result if there are no columns. `columns` has for each column its name, its type, the
/// SHA-256 of all values in order, and its texts as [`join_words`] encodes them.
pub(crate) fn identity<'a>(
    points: [u8; 32],
    columns: impl Iterator<Item = (&'a str, &'a str, [u8; 32], &'a [u8])>,
) -> [u8; 32] {
    let mut sha: Option<Sha256> = None;
    for (name, kind, values, texts) in columns {
        let sha = sha.get_or_insert_with(|| Sha256::new().chain_update(points));
        for part in [name.as_bytes(), kind.as_bytes(), &values, texts] {
            sha.update((part.len() as u64).to_le_bytes());
            sha.update(part);
        }
    }
    sha.map_or(points, |sha| sha.finalize().into())
}
