//! The index of a Shapefile: the `.shx` with the offsets of the records, in the order of the rows
//! of the `.dbf`.

use super::shapes::{HEADER, header};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The number of bytes of an entry of a `.shx`, which holds a record's offset and length.
const ENTRY: u64 = 8;

/// A reader of the entries of a `.shx`, one for each record of the `.shp`.
pub(super) struct ShxIndex {
    reader: BufReader<File>,
    /// The number of entries that the file has by its real size.
    pub(super) records: u64,
    /// The number of entries that the file has by the size in its header, which may be wrong.
    pub(super) stated: u64,
    left: u64,
}

/// The offset and the length of a record in the `.shp`, in bytes. Offset and length are 0 for a
/// record that was never written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RecordLocation {
    pub(super) at: u64,
    /// The length of the record in bytes, without its header of 8 bytes.
    pub(super) length: u64,
}

impl ShxIndex {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut reader = BufReader::with_capacity(1 << 15, file);
        let stated = header(&mut reader)?;
        let records = |bytes: u64| bytes.saturating_sub(HEADER) / ENTRY;
        Ok(Self {
            reader,
            records: records(size),
            stated: records(stated),
            left: records(size),
        })
    }

    /// The location of the next record; `None` after the last entry.
    pub(super) fn next(&mut self) -> io::Result<Option<RecordLocation>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let mut entry = [0; ENTRY as usize];
        self.reader.read_exact(&mut entry)?;
        let words = u64::from_be_bytes(entry);
        Ok(Some(RecordLocation {
            at: (words >> 32) * 2,
            length: (words & 0xffff_ffff) * 2,
        }))
    }

    /// Moves back to the first entry.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.left = self.records;
        self.reader.seek(SeekFrom::Start(HEADER)).map(drop)
    }
}
