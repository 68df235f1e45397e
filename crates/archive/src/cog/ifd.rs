//! The image file directories (IFDs) of a BigTIFF. A directory describes one picture: its
//! properties, and the offset and the length of each of its tiles.

/// An entry of an image file directory: a tag and its value.
#[derive(Clone, Debug)]
pub(super) struct IfdEntry {
    tag: u16,
    kind: u16,
    count: u64,
    /// The bytes of the entry's value; empty for the offsets and the lengths of tiles, which are
    /// known only when all tiles are stored.
    bytes: Vec<u8>,
}

/// TIFF's number for values that are texts. The next four constants are TIFF's numbers for other
/// types of values.
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const DOUBLE: u16 = 12;
const LONG8: u16 = 16;

impl IfdEntry {
    fn new(kind: u16, count: usize, bytes: Vec<u8>) -> Self {
        Self {
            tag: 0,
            kind,
            count: count as u64,
            bytes,
        }
    }

    pub(super) fn tag(self, tag: u16) -> Self {
        Self { tag, ..self }
    }

    pub(super) fn shorts(values: &[u16]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self::new(SHORT, values.len(), bytes)
    }

    pub(super) fn long(value: u32) -> Self {
        Self::new(LONG, 1, value.to_le_bytes().to_vec())
    }

    pub(super) fn doubles(values: &[f64]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self::new(DOUBLE, values.len(), bytes)
    }

    pub(super) fn text(text: &str) -> Self {
        let bytes: Vec<u8> = text.bytes().chain([0]).collect();
        Self::new(ASCII, bytes.len(), bytes)
    }

    /// An entry with room for the offsets of `count` tiles, which are filled in when all tiles are
    /// stored.
    pub(super) fn long8s(count: usize) -> Self {
        Self::new(LONG8, count, Vec::new())
    }

    /// An entry with room for the lengths of `count` tiles, which are filled in when all tiles are
    /// stored.
    pub(super) fn longs(count: usize) -> Self {
        Self::new(LONG, count, Vec::new())
    }

    fn length(&self) -> u64 {
        let each = match self.kind {
            ASCII => 1,
            SHORT => 2,
            LONG => 4,
            _ => 8,
        };
        each * self.count
    }

    /// The size in bytes of a value that doesn't fit into the eight bytes of its entry, rounded up
    /// to a multiple of eight; 0 if the value fits.
    fn outside(&self) -> u64 {
        match self.length() {
            0..=8 => 0,
            length => length.next_multiple_of(8),
        }
    }
}

/// An image file directory, and its offset in the file.
#[derive(Clone, Debug)]
pub(super) struct Ifd {
    pub(super) start: u64,
    /// The entries in the order of their tags.
    entries: Vec<IfdEntry>,
    /// `true` if the next directory begins directly after this one in the file; `false` for the
    /// last directory.
    followed: bool,
}

impl Ifd {
    pub(super) fn new(start: u64, entries: Vec<IfdEntry>, followed: bool) -> Self {
        Self {
            start,
            entries,
            followed,
        }
    }

    /// The offset in the file of the values that don't fit into their entries. These values come
    /// after all entries.
    fn values_start(&self) -> u64 {
        self.start + 8 + 20 * self.entries.len() as u64 + 8
    }

    /// The offset in the file at which the directory and its values end, rounded up to a multiple
    /// of 16.
    pub(super) fn end(&self) -> u64 {
        let outside: u64 = self.entries.iter().map(IfdEntry::outside).sum();
        (self.values_start() + outside).next_multiple_of(16)
    }

    /// Encodes the directory. `offsets` are the offsets in the file of the zoom's tiles, and
    /// `lengths` their lengths in bytes.
    pub(super) fn to_bytes(&self, offsets: &[u64], lengths: &[u32]) -> Vec<u8> {
        let mut table = (self.entries.len() as u64).to_le_bytes().to_vec();
        let mut outside = Vec::new();
        for entry in &self.entries {
            let mut bytes = match (entry.bytes.is_empty(), entry.kind) {
                (false, _) => entry.bytes.clone(),
                (true, LONG8) => offsets.iter().flat_map(|v| v.to_le_bytes()).collect(),
                (true, _) => lengths.iter().flat_map(|v| v.to_le_bytes()).collect(),
            };
            table.extend(entry.tag.to_le_bytes());
            table.extend(entry.kind.to_le_bytes());
            table.extend(entry.count.to_le_bytes());
            if entry.outside() == 0 {
                bytes.resize(8, 0);
                table.extend(bytes);
            } else {
                table.extend((self.values_start() + outside.len() as u64).to_le_bytes());
                bytes.resize(entry.outside() as usize, 0);
                outside.extend(bytes);
            }
        }
        let next = if self.followed { self.end() } else { 0 };
        table.extend(next.to_le_bytes());
        table.extend(outside);
        table.resize((self.end() - self.start) as usize, 0);
        table
    }
}
