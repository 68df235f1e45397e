//! Directories of a BigTIFF: what a picture is, and where its tiles are.

/// A tag's value.
#[derive(Clone, Debug)]
pub(super) struct Field {
    tag: u16,
    kind: u16,
    count: u64,
    /// The value's bytes; empty for tiles' places, which are known last.
    bytes: Vec<u8>,
}

/// TIFF's numbers for its types.
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const DOUBLE: u16 = 12;
const LONG8: u16 = 16;

impl Field {
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

    /// Tiles' offsets.
    pub(super) fn long8s(count: usize) -> Self {
        Self::new(LONG8, count, Vec::new())
    }

    /// Tiles' lengths.
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

    /// Bytes that don't fit into the directory itself, up to a multiple of eight.
    fn outside(&self) -> u64 {
        match self.length() {
            0..=8 => 0,
            length => length.next_multiple_of(8),
        }
    }
}

/// A directory at its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) start: u64,
    /// By rising tags.
    fields: Vec<Field>,
    /// Whether another directory comes right behind.
    followed: bool,
}

impl Directory {
    pub(super) fn at(start: u64, fields: Vec<Field>, followed: bool) -> Self {
        Self {
            start,
            fields,
            followed,
        }
    }

    /// Where its table ends and long values begin.
    fn values(&self) -> u64 {
        self.start + 8 + 20 * self.fields.len() as u64 + 8
    }

    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        let outside: u64 = self.fields.iter().map(Field::outside).sum();
        (self.values() + outside).next_multiple_of(16)
    }

    /// The directory with the places of its tiles.
    pub(super) fn bytes(&self, offsets: &[u64], lengths: &[u32]) -> Vec<u8> {
        let mut table = (self.fields.len() as u64).to_le_bytes().to_vec();
        let mut outside = Vec::new();
        for field in &self.fields {
            let mut bytes = match (field.bytes.is_empty(), field.kind) {
                (false, _) => field.bytes.clone(),
                (true, LONG8) => offsets.iter().flat_map(|v| v.to_le_bytes()).collect(),
                (true, _) => lengths.iter().flat_map(|v| v.to_le_bytes()).collect(),
            };
            table.extend(field.tag.to_le_bytes());
            table.extend(field.kind.to_le_bytes());
            table.extend(field.count.to_le_bytes());
            if field.outside() == 0 {
                bytes.resize(8, 0);
                table.extend(bytes);
            } else {
                table.extend((self.values() + outside.len() as u64).to_le_bytes());
                bytes.resize(field.outside() as usize, 0);
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
