//! The layout of a file: its header, which contains the table of the file's sections.

use crate::bytes::{ByteReader, has_crc};

/// The first eight bytes of each `.heat` file. A transfer as text changes some of them, which shows
/// that the file is damaged.
pub const MAGIC: [u8; 8] = *b"\x89HEAT\r\n\x1a";

/// The major version of the format. Readers refuse files with another major version.
pub(crate) const MAJOR: u16 = 1;

/// The number of bytes of the header.
pub(crate) const HEADER: usize = 256;

/// The number of bytes of the header that its checksum covers: all but the last four, which are the
/// checksum.
const CHECKED: usize = HEADER - 4;

/// The greatest number of sections of a file.
const SECTIONS: usize = 6;

/// The tag of the section that readers begin with: the root, which has the summary of the points
/// and the table of pages.
pub(crate) const ROOT: [u8; 4] = *b"ROOT";

/// The tag of the section with the metadata (name, attribution and the like) as JSON.
pub(crate) const METADATA: [u8; 4] = *b"META";

/// The tag of the section with the root of the counting index: the points that have a weight, each
/// with the weight 1.
pub(crate) const COUNTS: [u8; 4] = *b"CNTS";

/// The tag of the section with the table of the columns beside the points, as JSON.
pub(crate) const COLUMNS: [u8; 4] = *b"COLS";

/// The flag of a section that readers must know: a reader that doesn't know the section must refuse
/// the file.
const REQUIRED: u32 = 1;

/// The greatest number of bytes of a section: a choice, much more than needed.
pub(crate) const LARGEST_SECTION: u32 = 1 << 26;

/// A part of a file with a tag and a checksum, as the header lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) tag: [u8; 4],
    pub(crate) required: bool,
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) crc: u32,
}

/// The header of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The number of bytes of the whole file.
    pub(crate) len: u64,
    /// The number of points in the file.
    pub(crate) points: u64,
    /// The identity of the content: the SHA-256 of all points in Z-order, 12 bytes each, and of the
    /// columns if there are any.
    pub(crate) identity: [u8; 32],
    /// The number of entries in a page of points or cells, a multiple of 128.
    pub(crate) page_entries: u32,
    /// The number of nodes in a page of nodes.
    pub(crate) page_nodes: u32,
    pub(crate) sections: Vec<Section>,
}

/// The reason why some bytes are no header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// The bytes don't begin like a `.heat` file.
    Foreign,
    /// The file has a major version of the format other than [`MAJOR`]: the field is this version.
    Version(u16),
    /// The header is too short, its checksum is wrong, or its numbers are impossible.
    Damaged,
}

impl Header {
    pub(crate) fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&MAJOR.to_le_bytes());
        bytes.extend_from_slice(&[0; 2 + 4]); // The minor version, and flags.
        bytes.extend_from_slice(&self.len.to_le_bytes());
        bytes.extend_from_slice(&self.points.to_le_bytes());
        bytes.extend_from_slice(&self.identity);
        bytes.extend_from_slice(&self.page_entries.to_le_bytes());
        bytes.extend_from_slice(&self.page_nodes.to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        for section in self.sections.iter().take(SECTIONS) {
            bytes.extend_from_slice(&section.tag);
            bytes.extend_from_slice(&u32::from(section.required).to_le_bytes());
            bytes.extend_from_slice(&section.offset.to_le_bytes());
            bytes.extend_from_slice(&section.len.to_le_bytes());
            bytes.extend_from_slice(&section.crc.to_le_bytes());
        }
        bytes.resize(CHECKED, 0);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let mut header = [0; HEADER];
        header
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, byte)| *to = byte);
        header
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut from = ByteReader::new(bytes);
        if from.take(MAGIC.len()) != Some(&MAGIC) {
            return Err(HeaderError::Foreign);
        }
        // A later version may have its checksum elsewhere, so the version is looked at first.
        match from.u16().ok_or(HeaderError::Damaged)? {
            MAJOR => {}
            major => return Err(HeaderError::Version(major)),
        }
        let checked = bytes.get(..CHECKED).ok_or(HeaderError::Damaged)?;
        let crc = bytes.get(CHECKED..HEADER).map(ByteReader::new);
        let crc = crc.and_then(|mut crc| crc.u32());
        if !crc.is_some_and(|crc| has_crc(checked, crc)) {
            return Err(HeaderError::Damaged);
        }
        Self::read(&mut from).ok_or(HeaderError::Damaged)
    }

    fn read(from: &mut ByteReader<'_>) -> Option<Self> {
        from.take(2 + 4)?;
        let (len, points) = (from.u64()?, from.u64()?);
        let identity = *from.take(32)?.first_chunk()?;
        let (page_entries, page_nodes) = (from.u32()?, from.u32()?);
        from.take(8)?;
        let mut sections = Vec::new();
        for _ in 0..SECTIONS {
            let tag = *from.take(4)?.first_chunk()?;
            let section = Section {
                tag,
                required: from.u32()? & REQUIRED != 0,
                offset: from.u64()?,
                len: from.u32()?,
                crc: from.u32()?,
            };
            let end = section.offset.checked_add(u64::from(section.len))?;
            if tag == [0; 4] {
                break;
            }
            if end > len || section.len > LARGEST_SECTION {
                return None;
            }
            sections.push(section);
        }
        let good = is_page_size(page_entries) && (1..=1 << 14).contains(&page_nodes);
        good.then_some(Self {
            len,
            points,
            identity,
            page_entries,
            page_nodes,
            sections,
        })
    }

    pub(crate) fn section(&self, tag: [u8; 4]) -> Option<Section> {
        self.sections.iter().find(|s| s.tag == tag).copied()
    }
}

/// Returns true if pages can have this number of entries: a multiple of 128, at most 16,384.
pub(crate) fn is_page_size(entries: u32) -> bool {
    entries != 0 && entries.is_multiple_of(128) && entries <= 1 << 14
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            len: 9_000_000_000,
            points: 1_000_000_000,
            identity: [7; 32],
            page_entries: 2048,
            page_nodes: 512,
            sections: vec![Section {
                tag: ROOT,
                required: true,
                offset: 256,
                len: 900,
                crc: 5,
            }],
        }
    }

    #[test]
    fn headers_come_back() {
        let header = header();
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Ok(header));
        for at in 0..HEADER {
            let mut bytes = bytes;
            bytes[at] ^= 4;
            let wanted = match at {
                0..8 => HeaderError::Foreign,
                8..10 => HeaderError::Version(if at == 8 { 5 } else { 1025 }),
                _ => HeaderError::Damaged,
            };
            assert_eq!(Header::from_bytes(&bytes), Err(wanted), "{at}");
            assert!(Header::from_bytes(&bytes[..at]).is_err());
        }
    }

    #[test]
    fn impossible_headers_are_refused() {
        let changes: [fn(&mut Header); 5] = [
            |h| h.page_entries = 0,
            |h| h.page_entries = 100,
            |h| h.page_entries = 1 << 15,
            |h| h.page_nodes = 0,
            |h| h.sections[0].offset = u64::MAX - 3,
        ];
        for change in changes {
            let mut header = header();
            change(&mut header);
            assert_eq!(
                Header::from_bytes(&header.to_bytes()),
                Err(HeaderError::Damaged)
            );
        }
    }
}
