//! Groups of 128 entries (points or cells): the unit that is packed and unpacked.
//!
//! The coordinates, weights and counts of a group are integers. Each kind of numbers is packed on
//! its own: the group's least x, for example, is subtracted from each x, and the differences are
//! packed with as many bits as the greatest difference takes. The entries of a group are neighbours
//! along the Z-order curve, so the differences of their coordinates have few bits.

use crate::bytes::ByteReader;
use crate::weights::{self, PackedWeights, WeightMode, width};
use bitpacking::{BitPacker as _, BitPacker4x};
use heatsplat_points::Point;
use std::ops::Range;

/// The number of entries in a group. The last group of a page may have fewer.
pub(crate) const GROUP: usize = BitPacker4x::BLOCK_LEN;

/// The kind of the entries of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// Points. Each stands for itself, so there are no counts.
    Points,
    /// Cells, each with its count: the number of points that it stands for.
    Cells,
}

impl EntryKind {
    /// Returns the number of bytes of a group's head.
    pub(crate) fn head_len(self) -> usize {
        match self {
            Self::Points => 16,
            Self::Cells => 24,
        }
    }
}

/// The head of a group: the least `x`, `y` and `count`; for each of these three the number of bits
/// that a packed difference to it takes; and the description of the packed weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupHead {
    x: u32,
    y: u32,
    count: u32,
    bits_x: u8,
    bits_y: u8,
    bits_count: u8,
    weights: PackedWeights,
    /// The offset of the group's packed numbers in the page.
    at: u32,
}

/// Buffers for the numbers of a group while it is unpacked; they are used again for the next group.
#[derive(Debug)]
pub(crate) struct Scratch {
    xs: [u32; GROUP],
    ys: [u32; GROUP],
    numbers: [u32; GROUP],
    weights: [f32; GROUP],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            xs: [0; GROUP],
            ys: [0; GROUP],
            numbers: [0; GROUP],
            weights: [0.0; GROUP],
        }
    }
}

/// Returns the number of bytes that 128 packed integers of `bits` bits take.
fn packed_len(bits: u8) -> usize {
    usize::from(bits) * GROUP / 8
}

impl GroupHead {
    /// Reads a head from `from`. `at` is the offset in the page at which the group's packed numbers
    /// begin. Returns `None` if the bytes are no head.
    pub(crate) fn read(kind: EntryKind, from: &mut ByteReader<'_>, at: u32) -> Option<Self> {
        let (x, y, base) = (from.u32()?, from.u32()?, from.u32()?);
        let (bits_x, bits_y, bits) = (from.u8()?, from.u8()?, from.u8()?);
        let mode = WeightMode::from_number(from.u8()?)?;
        let (mut count, mut bits_count) = (1, 0);
        if kind == EntryKind::Cells {
            count = from.u32()?;
            bits_count = from.u8()?;
            if from.take(3)? != [0; 3] {
                return None;
            }
        }
        if [bits_x, bits_y, bits, bits_count].iter().any(|b| *b > 32) {
            return None;
        }
        Some(Self {
            x,
            y,
            count,
            bits_x,
            bits_y,
            bits_count,
            weights: PackedWeights { mode, base, bits },
            at,
        })
    }

    /// Returns the offset in the page behind the group's packed numbers, where the next group's
    /// packed numbers begin.
    pub(crate) fn end(&self) -> Option<u32> {
        let all = [self.bits_x, self.bits_y, self.weights.bits, self.bits_count];
        let len = all.iter().map(|bits| packed_len(*bits)).sum::<usize>();
        self.at.checked_add(len as u32)
    }

    /// Unpacks 128 numbers of `bits` bits each, which begin at the offset `at` in the page, into
    /// `out`. Returns the offset behind the last of them.
    #[inline]
    fn numbers(page: &[u8], at: usize, bits: u8, out: &mut [u32; GROUP]) -> usize {
        let end = at + packed_len(bits);
        match page.get(at..end) {
            Some(packed) if bits > 0 => {
                BitPacker4x::new().decompress(packed, out, bits);
            }
            // The lengths were checked when the page was read, so there is always a slice.
            _ => out.fill(0),
        }
        end
    }

    /// Unpacks the group, and appends to `out` the entries whose numbers in the group, counted from
    /// 0, are in `wanted`.
    #[inline]
    pub(crate) fn append_entries(
        &self,
        page: &[u8],
        wanted: Range<usize>,
        scratch: &mut Scratch,
        out: &mut Vec<Point>,
    ) {
        let Scratch {
            xs,
            ys,
            numbers,
            weights,
        } = scratch;
        let at = Self::numbers(page, self.at as usize, self.bits_x, xs);
        let at = Self::numbers(page, at, self.bits_y, ys);
        Self::numbers(page, at, self.weights.bits, numbers);
        weights::unpack(self.weights, numbers, weights);
        let entry = |((x, y), weight): ((&u32, &u32), &f32)| Point {
            x: self.x.wrapping_add(*x),
            y: self.y.wrapping_add(*y),
            weight: *weight,
        };
        let (Some(xs), Some(ys), Some(weights)) = (
            xs.get(wanted.clone()),
            ys.get(wanted.clone()),
            weights.get(wanted),
        ) else {
            return;
        };
        out.extend(xs.iter().zip(ys).zip(weights).map(entry));
    }

    /// Unpacks the counts of the group's cells: the number of points that each cell stands for.
    /// Appends to `out` the counts of the cells whose numbers in the group, counted from 0, are in
    /// `wanted`.
    #[inline]
    pub(crate) fn append_counts(
        &self,
        page: &[u8],
        wanted: Range<usize>,
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) {
        let before = [self.bits_x, self.bits_y, self.weights.bits];
        let before: usize = before.iter().map(|bits| packed_len(*bits)).sum();
        let counts = &mut scratch.numbers;
        let at = self.at as usize + before;
        Self::numbers(page, at, self.bits_count, counts);
        let counts = counts.get(wanted).unwrap_or_default();
        out.extend(counts.iter().map(|count| count.wrapping_add(self.count)));
    }
}

/// Packs a group of at most 128 entries: appends its head to `heads` and its packed numbers to
/// `packs`. `counts` has the number of points that each cell stands for, and is empty for points.
pub(crate) fn pack(
    kind: EntryKind,
    entries: &[Point],
    counts: &[u32],
    heads: &mut Vec<u8>,
    packs: &mut Vec<u8>,
) {
    let x = entries.iter().map(|p| p.x);
    let y = entries.iter().map(|p| p.y);
    let (mut xs, mut ys, mut ws) = ([0; GROUP], [0; GROUP], [0; GROUP]);
    let (x, bits_x) = less_the_least(x, &mut xs);
    let (y, bits_y) = less_the_least(y, &mut ys);
    let weights = weights::pack(entries, &mut ws);
    for number in [x, y, weights.base] {
        heads.extend_from_slice(&number.to_le_bytes());
    }
    heads.extend_from_slice(&[bits_x, bits_y, weights.bits, weights.mode.number()]);
    for (numbers, bits) in [(&xs, bits_x), (&ys, bits_y), (&ws, weights.bits)] {
        push_numbers(numbers, bits, packs);
    }
    if kind == EntryKind::Cells {
        let (count, bits) = less_the_least(counts.iter().copied(), &mut xs);
        heads.extend_from_slice(&count.to_le_bytes());
        heads.extend_from_slice(&[bits, 0, 0, 0]);
        push_numbers(&xs, bits, packs);
    }
}

/// Subtracts the least of `numbers` from each of them, and writes the differences to `out`, with
/// zeros behind them if they are fewer than 128. Returns the least number, and the number of bits
/// that the greatest difference takes.
fn less_the_least(numbers: impl Iterator<Item = u32> + Clone, out: &mut [u32; GROUP]) -> (u32, u8) {
    let least = numbers.clone().min().unwrap_or(0);
    out.fill(0);
    let mut all = 0;
    for (to, number) in out.iter_mut().zip(numbers) {
        *to = number - least;
        all |= *to;
    }
    (least, width(all))
}

fn push_numbers(numbers: &[u32; GROUP], bits: u8, packs: &mut Vec<u8>) {
    if bits == 0 {
        return;
    }
    let start = packs.len();
    packs.resize(start + packed_len(bits), 0);
    if let Some(to) = packs.get_mut(start..) {
        BitPacker4x::new().compress(numbers, to, bits);
    }
}
