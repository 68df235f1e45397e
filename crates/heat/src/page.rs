//! Pages of points and of cells: up to 16,384 entries in groups of 128.

use crate::bytes::ByteReader;
use crate::group::{self, EntryKind, GROUP, GroupHead, Scratch};
use heatsplat_points::Point;
use std::ops::Range;

/// The number of bytes before the heads of a page's groups: the number of entries (u16), the kind
/// (u8) and a 0.
const BEFORE_HEADS: usize = 4;

/// The number that stands for pages of points in files.
pub(crate) const POINTS: u8 = 1;
/// The number that stands for pages of cells in files.
pub(crate) const CELLS: u8 = 2;
/// The number that stands for pages of nodes in files.
pub(crate) const NODES: u8 = 3;

impl EntryKind {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Points => POINTS,
            Self::Cells => CELLS,
        }
    }
}

/// Encodes a page. `counts` has for each cell the number of points that it stands for, and is empty
/// for a page of points.
pub(crate) fn encode(kind: EntryKind, entries: &[Point], counts: &[u32]) -> Vec<u8> {
    let groups = entries.len().div_ceil(GROUP);
    let mut heads = Vec::with_capacity(BEFORE_HEADS + groups * kind.head_len() + entries.len() * 9);
    heads.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    heads.extend_from_slice(&[kind.number(), 0]);
    let mut packs = Vec::with_capacity(entries.len() * 9);
    let mut counts = counts.chunks(GROUP);
    for entries in entries.chunks(GROUP) {
        let counts = counts.next().unwrap_or_default();
        group::pack(kind, entries, counts, &mut heads, &mut packs);
    }
    heads.append(&mut packs);
    heads
}

/// A page of packed points or cells. The heads of its groups were checked when it was read, so
/// unpacking can't fail.
#[derive(Debug)]
pub(crate) struct EntryPage {
    bytes: Box<[u8]>,
    heads: Box<[GroupHead]>,
    len: usize,
}

impl EntryPage {
    /// Makes a page of `len` entries from `bytes`, as they are in a file, and checks the heads of
    /// its groups. Returns `None` if the bytes are no page of this kind with that many entries.
    pub(crate) fn from_bytes(kind: EntryKind, len: usize, bytes: Box<[u8]>) -> Option<Self> {
        let mut from = ByteReader::new(&bytes);
        let found = (usize::from(from.u16()?), from.u8()?, from.u8()?);
        if found != (len, kind.number(), 0) {
            return None;
        }
        let groups = len.div_ceil(GROUP);
        let mut at = u32::try_from(BEFORE_HEADS + groups * kind.head_len()).ok()?;
        let mut heads = Vec::with_capacity(groups);
        for _ in 0..groups {
            let head = GroupHead::read(kind, &mut from, at)?;
            at = head.end()?;
            heads.push(head);
        }
        if at as usize != bytes.len() {
            return None;
        }
        Some(Self {
            heads: heads.into(),
            bytes,
            len,
        })
    }

    /// Returns the bytes of memory that the page takes.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.len() + size_of_val::<[GroupHead]>(&self.heads) + size_of::<Self>()
    }

    /// Appends the entries whose numbers, counted from the beginning of the page, are in `range`.
    #[inline]
    pub(crate) fn append_entries(
        &self,
        range: Range<usize>,
        scratch: &mut Scratch,
        out: &mut Vec<Point>,
    ) {
        self.for_groups(range, |head, wanted| {
            head.append_entries(&self.bytes, wanted, scratch, out)
        });
    }

    /// Appends the counts of the cells whose numbers, counted from the beginning of the page, are
    /// in `range`. A cell's count is the number of points that it stands for.
    #[inline]
    pub(crate) fn append_counts(
        &self,
        range: Range<usize>,
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) {
        self.for_groups(range, |head, wanted| {
            head.append_counts(&self.bytes, wanted, scratch, out)
        });
    }

    /// Calls `visit` for each group that has entries in `range`, with the group's head and the
    /// range of these entries, counted from the beginning of the group.
    #[inline]
    fn for_groups(&self, range: Range<usize>, mut visit: impl FnMut(&GroupHead, Range<usize>)) {
        let end = range.end.min(self.len);
        let mut at = range.start;
        while at < end {
            let (group, first) = (at / GROUP, at % GROUP);
            let count = (end - at).min(GROUP - first);
            let Some(head) = self.heads.get(group) else {
                return;
            };
            visit(head, first..first + count);
            at += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(points: &[Point]) -> Vec<(u32, u32, u32)> {
        let bits = |p: &Point| (p.x, p.y, p.weight.to_bits());
        points.iter().map(bits).collect()
    }

    proptest! {
        #[test]
        fn entries_come_back(
            entries in prop::collection::vec((any::<u32>(), any::<u32>(), any::<i16>(), any::<u32>()), 1..700),
            by in 0u32..=32, a in 0usize..700, b in 0usize..700, cells in any::<bool>(),
        ) {
            let shift = |v: u32| v.checked_shr(by).unwrap_or(0);
            let point = |&(x, y, w, _): &(u32, u32, i16, u32)| Point {
                x: shift(x),
                y: shift(y),
                weight: if w == 0 { -0.0 } else { f32::from(w) / 8.0 },
            };
            let points: Vec<Point> = entries.iter().map(point).collect();
            let counts: Vec<u32> = entries.iter().map(|e| shift(e.3)).collect();
            let (kind, counts) = if cells { (EntryKind::Cells, &counts[..]) } else { (EntryKind::Points, &[][..]) };
            let bytes = encode(kind, &points, counts);
            let page = EntryPage::from_bytes(kind, points.len(), bytes.into()).unwrap();
            let range = a.min(b).min(points.len())..a.max(b).min(points.len());
            let (mut got, mut numbers) = (Vec::new(), Vec::new());
            page.append_entries(range.clone(), &mut Scratch::default(), &mut got);
            prop_assert_eq!(bits(&got), bits(&points[range.clone()]));
            page.append_counts(range.clone(), &mut Scratch::default(), &mut numbers);
            let wanted = if cells { counts[range].to_vec() } else { vec![1; range.len()] };
            prop_assert_eq!(numbers, wanted);
        }

        #[test]
        fn any_bytes_are_a_page_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200), len in 0usize..300, small in any::<bool>(),
        ) {
            if let (true, Some(first)) = (small, bytes.first_chunk_mut::<4>()) {
                *first = [len as u8, (len >> 8) as u8, POINTS, 0];
            }
            for kind in [EntryKind::Points, EntryKind::Cells] {
                if let Some(page) = EntryPage::from_bytes(kind, len, bytes.clone().into()) {
                    let mut out = Vec::new();
                    page.append_entries(0..len, &mut Scratch::default(), &mut out);
                    prop_assert_eq!(out.len(), len);
                }
            }
        }
    }
}
