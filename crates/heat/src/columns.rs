//! Columns beside the points of a file: their description, and their table in the file.

use crate::bytes::ByteReader;
use crate::root::{DIRECTORY_PAGES, DirectoryPlace};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Greatest number of columns: a choice.
pub const MOST_COLUMNS: usize = 64;

/// Greatest number of bytes of the different texts of a column: a choice.
pub const MOST_TEXT: usize = 1 << 26;

/// Description of a column. Its values are integers of 64 bits, and 0 is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnForm {
    /// Type of the values, for example `number` or `text`. What it means is up to the program that
    /// writes and reads columns.
    #[serde(rename = "type")]
    pub kind: String,
    /// True if the values are floats in an order-preserving form: that of
    /// [`float_value`](crate::float_value).
    pub floats: bool,
    /// Form in which values are written as texts, where that is more than their type says.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub written: Value,
}

/// Column of a file, as its section `COLS` describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ColumnRecord {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) form: ColumnForm,
    /// Number of different texts, of which value v is the number v − 1.
    pub(crate) words: u64,
    /// Number of bytes of all pages.
    #[serde(rename = "bytes")]
    pub(crate) pages_bytes: u64,
    /// Place of the texts.
    pub(crate) texts: BlobPlace,
    /// Place of the zone maps.
    pub(crate) zones: BlobPlace,
    /// Directories of the pages: place of the directory, place of its first page, CRC.
    pub(crate) directories: Vec<(u64, u64, u32)>,
}

/// Place of bytes in a file.
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

    /// Bytes of the column in the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.texts.bytes + self.zones.bytes + self.pages_bytes
    }

    /// Returns true if the numbers are possible in a file of some bytes and pages of points.
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

/// Bytes of texts as they are in a file: the length of each as a varint, and its bytes.
pub(crate) fn join_words(words: &[Box<[u8]>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        crate::bytes::push_varint(&mut bytes, word.len() as u64);
        bytes.extend_from_slice(word);
    }
    bytes
}

/// Inverse of [`join_words`]; `None` if the bytes are no such texts.
pub(crate) fn split_words(bytes: &[u8], count: u64) -> Option<Vec<Box<[u8]>>> {
    let mut from = ByteReader::new(bytes);
    let mut words = Vec::new();
    for _ in 0..count {
        let len = usize::try_from(from.varint()?).ok()?;
        words.push(from.take(len)?.into());
    }
    from.is_empty().then_some(words)
}

/// Identity of points with columns, from the identity of the points alone. `columns` are name,
/// type, the SHA-256 of all values in order, and the texts.
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
