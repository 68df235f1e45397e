//! Pages of a column. Page n has the values of the points that are in page n of the points.

use crate::bytes::ByteReader;
use crate::column_group::{self, ColumnHead, HEAD, NULL};
use crate::group::GROUP;
use std::ops::Range;

/// The number that stands for pages of this kind in files.
pub(crate) const COLUMN: u8 = 4;

/// The number of bytes before the heads of a page's groups: the number of values (u16), the kind
/// (u8) and a 0.
const BEFORE_HEADS: usize = 4;

/// Encodes a page. If `floats` is true, the values are floats that [`column_group::ordered`] has
/// made integers.
pub(crate) fn encode(values: &[u64], floats: bool) -> Vec<u8> {
    let groups = values.len().div_ceil(GROUP);
    let mut heads = Vec::with_capacity(BEFORE_HEADS + groups * HEAD + values.len() * 4);
    heads.extend_from_slice(&(values.len() as u16).to_le_bytes());
    heads.extend_from_slice(&[COLUMN, 0]);
    let mut packs = Vec::with_capacity(values.len() * 4);
    for values in values.chunks(GROUP) {
        column_group::pack(values, floats, &mut heads, &mut packs);
    }
    heads.append(&mut packs);
    heads
}

/// A page of packed values. The heads of its groups were checked when it was read, so unpacking
/// can't fail.
#[derive(Debug)]
pub(crate) struct ColumnPage {
    bytes: Box<[u8]>,
    heads: Box<[ColumnHead]>,
    len: usize,
}

impl ColumnPage {
    /// Makes a page of `len` values from `bytes`, as they are in a file, and checks the heads of
    /// its groups. Returns `None` if the bytes are no page of that many values.
    pub(crate) fn from_bytes(len: usize, bytes: Box<[u8]>) -> Option<Self> {
        let mut from = ByteReader::new(&bytes);
        let found = (usize::from(from.u16()?), from.u8()?, from.u8()?);
        if found != (len, COLUMN, 0) {
            return None;
        }
        let groups = len.div_ceil(GROUP);
        let mut at = u32::try_from(BEFORE_HEADS + groups * HEAD).ok()?;
        let mut heads = Vec::with_capacity(groups);
        for _ in 0..groups {
            let head = ColumnHead::read(&mut from, at)?;
            at = head.end()?;
            heads.push(head);
        }
        (at as usize == bytes.len()).then(|| Self {
            heads: heads.into(),
            bytes,
            len,
        })
    }

    /// Returns the bytes of memory that the page takes.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.len() + size_of_val::<[ColumnHead]>(&self.heads) + size_of::<Self>()
    }

    /// Appends the values whose numbers, counted from the beginning of the page, are in `range`.
    pub(crate) fn append(&self, range: Range<usize>, out: &mut Vec<u64>) {
        let end = range.end.min(self.len);
        let mut at = range.start;
        let mut values = [0; GROUP];
        while at < end {
            let (group, first) = (at / GROUP, at % GROUP);
            let count = (end - at).min(GROUP - first);
            let Some(head) = self.heads.get(group) else {
                return;
            };
            head.unpack(&self.bytes, &mut values);
            out.extend(values.iter().skip(first).take(count));
            at += count;
        }
    }
}

/// A zone map: a summary of the values of one page of a column. If it shows that no value of the
/// page can fulfil a condition, the page needn't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneMap {
    /// The least value other than null; greater than `greatest` if all values are null.
    pub least: u64,
    /// The greatest value other than null.
    pub greatest: u64,
    /// The number of values that are null.
    pub nulls: u32,
    /// A set of remainders: for each value `v` other than null, bit `v` mod 64 is set. So a value
    /// is certainly not in the page if its bit is 0.
    pub bits: u64,
}

/// The number of bytes of a zone map in a file.
pub(crate) const ZONE: usize = 8 + 8 + 8 + 4;

impl ZoneMap {
    pub(crate) fn of(values: &[u64]) -> Self {
        let mut zone = Self {
            least: u64::MAX,
            greatest: 0,
            nulls: 0,
            bits: 0,
        };
        for value in values {
            if *value == NULL {
                zone.nulls += 1;
                continue;
            }
            zone.least = zone.least.min(*value);
            zone.greatest = zone.greatest.max(*value);
            zone.bits |= 1 << (value % 64);
        }
        zone
    }

    pub(crate) fn push_to(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.least.to_le_bytes());
        bytes.extend_from_slice(&self.greatest.to_le_bytes());
        bytes.extend_from_slice(&self.bits.to_le_bytes());
        bytes.extend_from_slice(&self.nulls.to_le_bytes());
    }

    pub(crate) fn read(from: &mut ByteReader<'_>) -> Option<Self> {
        Some(Self {
            least: from.u64()?,
            greatest: from.u64()?,
            bits: from.u64()?,
            nulls: from.u32()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_come_back(
            values in prop::collection::vec((any::<u64>(), 0u32..64), 1..700), floats: bool,
            a in 0usize..700, b in 0usize..700,
        ) {
            let values: Vec<u64> = values.into_iter().map(|(v, by)| v >> by).collect();
            let bytes = encode(&values, floats);
            let page = ColumnPage::from_bytes(values.len(), bytes.into()).unwrap();
            let range = a.min(b).min(values.len())..a.max(b).min(values.len());
            let mut out = Vec::new();
            page.append(range.clone(), &mut out);
            prop_assert_eq!(&out[..], &values[range]);
            let zone = ZoneMap::of(&values);
            let mut bytes = Vec::new();
            zone.push_to(&mut bytes);
            prop_assert_eq!(bytes.len(), ZONE);
            prop_assert_eq!(ZoneMap::read(&mut ByteReader::new(&bytes)), Some(zone));
            let inside = |v: &u64| (zone.least..=zone.greatest).contains(v) && zone.bits >> (v % 64) & 1 == 1;
            prop_assert!(values.iter().all(|v| *v == NULL || inside(v)));
        }

        #[test]
        fn any_bytes_are_a_page_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200), len in 0usize..300, small: bool,
        ) {
            if let (true, Some(first)) = (small, bytes.first_chunk_mut::<4>()) {
                *first = [len as u8, (len >> 8) as u8, COLUMN, 0];
            }
            if let Some(page) = ColumnPage::from_bytes(len, bytes.into()) {
                let mut out = Vec::new();
                page.append(0..len, &mut out);
                prop_assert_eq!(out.len(), len);
            }
        }
    }
}
