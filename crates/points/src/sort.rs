//! A parallel sort of points along the Z-order curve.
//!
//! The sort is a radix sort that begins with the most significant digit. A pass distributes the
//! points over 4,096 buckets. Six bits of x and six bits of y choose a point's bucket: the first
//! bits after the prefix that all points share. So the points of one city are divided as finely as
//! the points of the whole world. Large buckets are divided again. A small bucket fits into the
//! cache, where its points are sorted as integers, whose comparison needs no branch.
#![allow(
    clippy::indexing_slicing,
    reason = "a bucket is made of 2 · DIGIT_BITS bits, and there are BUCKETS of them"
)]

use crate::cancel;
use crate::point::Point;
use crate::zorder;
use bytemuck::Zeroable;
use rayon::prelude::*;

/// A record that is sorted by the point in it: the point alone, or a point with its number in the
/// input.
pub(crate) trait ZOrdered: Copy + Zeroable + Send + Sync {
    /// Returns the point by which the record is sorted.
    fn point(&self) -> &Point;

    /// Returns the whole record as an integer. The integers of two records compare as the records
    /// do.
    fn key(&self) -> u128;

    /// Returns the record of a given key: the inverse of [`key`](Self::key).
    fn from_key(key: u128) -> Self;
}

impl ZOrdered for Point {
    #[inline]
    fn point(&self) -> &Point {
        self
    }

    #[inline]
    fn key(&self) -> u128 {
        u128::from(zorder::key(self)) << 32 | u128::from(ordered_bits(self.weight))
    }

    #[inline]
    fn from_key(key: u128) -> Self {
        let (x, y) = zorder::position((key >> 32) as u64);
        Self {
            x,
            y,
            weight: weight_from_bits(key as u32),
        }
    }
}

impl Point {
    /// Returns the position along the Z-order curve and the weight as one number. The numbers of
    /// two points compare as the points do ([`z_order`](Self::z_order)).
    #[inline]
    pub fn z_number(&self) -> u128 {
        self.key()
    }

    /// Returns the point of a given number: the inverse of [`z_number`](Self::z_number).
    #[inline]
    pub fn from_z_number(number: u128) -> Self {
        Self::from_key(number)
    }
}

/// A point with its number in the input, for callers that need the new order of the points. Equal
/// points are sorted by this number.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct NumberedPoint {
    pub(crate) point: Point,
    pub(crate) number: u32,
}

impl ZOrdered for NumberedPoint {
    #[inline]
    fn point(&self) -> &Point {
        &self.point
    }

    #[inline]
    fn key(&self) -> u128 {
        self.point.key() << 32 | u128::from(self.number)
    }

    #[inline]
    fn from_key(key: u128) -> Self {
        Self {
            point: Point::from_key(key >> 32),
            number: key as u32,
        }
    }
}

/// Returns an integer made of a weight's bits. The integers compare as `f32::total_cmp` compares
/// the weights.
#[inline]
fn ordered_bits(weight: f32) -> u32 {
    let bits = weight.to_bits();
    bits ^ ((bits as i32 >> 31) as u32 | 1 << 31)
}

/// Returns the weight of an integer that [`ordered_bits`] has made: the inverse of that function.
#[inline]
fn weight_from_bits(bits: u32) -> f32 {
    f32::from_bits(bits ^ ((!bits as i32 >> 31) as u32 | 1 << 31))
}

/// The number of bits of x, and of y, in a digit of the radix sort.
const DIGIT_BITS: u32 = 6;
/// The number of buckets over which a pass distributes the points.
const BUCKETS: usize = 1 << (2 * DIGIT_BITS);
/// The greatest number of points in a bucket that is sorted in the cache, a choice. A larger bucket
/// is divided again.
const CROWDED: usize = 1 << 15;

/// The least number of points in a bucket for which a thread looks at the cancel token: a choice.
/// All threads share the token, and a crowded place has thousands of buckets with a few points.
const WORTH_A_LOOK: usize = 1 << 10;

/// Sorts the points of all chunks into Z-order. Each chunk is freed as soon as it is copied.
pub(crate) fn sort_chunks<T: ZOrdered>(chunks: Vec<Vec<T>>) -> Vec<T> {
    let mut sorted = vec![T::zeroed(); chunks.iter().map(Vec::len).sum()];
    sort_into(chunks, &mut sorted);
    sorted
}

/// Sorts the points of all chunks into `sorted`, which has exactly as many elements as the chunks
/// have points.
fn sort_into<T: ZOrdered>(chunks: Vec<Vec<T>>, sorted: &mut [T]) {
    // Between buckets a thread looks whether the points are still wanted.
    let token = cancel::inherit();
    let groups = deal(chunks, rayon::current_num_threads());
    let Some(digit) = Digit::behind_common_prefix(&groups) else {
        return sort_by_weight(groups, sorted);
    };
    let histograms: Vec<Vec<usize>> = groups.par_iter().map(|g| digit.histogram(g)).collect();
    let slots = carve(sorted, &histograms);
    groups
        .into_par_iter()
        .zip(slots)
        .for_each(|(group, slots)| token.run(|| digit.scatter(group, slots)));

    buckets(sorted, &histograms).into_par_iter().for_each_init(
        Vec::new,
        |keys, bucket| match bucket.len() {
            0..WORTH_A_LOOK => sort_in_cache(bucket, keys),
            WORTH_A_LOOK..=CROWDED => token.run(|| sort_in_cache(bucket, keys)),
            _ => token.run(|| {
                let chunks = bucket.chunks(CROWDED / 2).map(<[T]>::to_vec);
                sort_into(chunks.collect(), bucket);
            }),
        },
    );
}

/// Sorts a bucket that fits into the cache. `keys` is a buffer that is reused for all buckets of a
/// thread.
fn sort_in_cache<T: ZOrdered>(points: &mut [T], keys: &mut Vec<u128>) {
    if points.len() < 2 {
        return;
    }
    keys.clear();
    keys.extend(points.iter().map(T::key));
    keys.sort_unstable();
    for (point, &key) in points.iter_mut().zip(&*keys) {
        *point = T::from_key(key);
    }
}

/// Sorts records whose points all have one position: by weight, and records of equal weight by
/// their number in the input, if the records have numbers.
fn sort_by_weight<T: ZOrdered>(groups: Vec<Vec<Vec<T>>>, sorted: &mut [T]) {
    let all = groups.into_iter().flatten().flatten();
    for (slot, point) in sorted.iter_mut().zip(all) {
        *slot = point;
    }
    sorted.par_sort_unstable_by_key(T::key);
}

/// Distributes the chunks in turn over `n` groups, one for each thread: one group has at most one
/// chunk more than another. If `n` is 0, there is one group.
fn deal<T>(chunks: Vec<Vec<T>>, n: usize) -> Vec<Vec<Vec<T>>> {
    let mut groups: Vec<Vec<Vec<T>>> = (0..n.max(1)).map(|_| Vec::new()).collect();
    let count = groups.len();
    for (i, chunk) in chunks.into_iter().enumerate() {
        if let Some(group) = groups.get_mut(i % count) {
            group.push(chunk);
        }
    }
    groups
}

/// A digit of the radix sort: six bits of x, and the bits of y at the same six positions. They
/// choose a point's bucket.
#[derive(Clone, Copy)]
struct Digit {
    shift: u32,
}

impl Digit {
    /// Makes a digit of the first six bits of x and of y after the prefix that all points share;
    /// `None` if all points have one position.
    fn behind_common_prefix<T: ZOrdered>(groups: &[Vec<Vec<T>>]) -> Option<Self> {
        let first = groups.iter().flatten().flatten().next();
        let &Point { x, y, .. } = first.map(T::point)?;
        let differing = groups
            .par_iter()
            .map(|g| {
                g.iter()
                    .flatten()
                    .map(T::point)
                    .fold(0, |bits, p| bits | (p.x ^ x) | (p.y ^ y))
            })
            .reduce(|| 0, |a, b| a | b);
        (differing != 0).then(|| Self {
            shift: (32 - DIGIT_BITS).saturating_sub(differing.leading_zeros()),
        })
    }

    #[inline]
    fn bucket(self, p: &Point) -> usize {
        let mask = (1 << DIGIT_BITS) - 1;
        zorder::interleave(p.x >> self.shift & mask, p.y >> self.shift & mask) as usize
    }

    fn histogram<T: ZOrdered>(self, group: &[Vec<T>]) -> Vec<usize> {
        let mut counts = vec![0; BUCKETS];
        for p in group.iter().flatten() {
            counts[self.bucket(p.point())] += 1;
        }
        counts
    }

    fn scatter<T: ZOrdered>(self, group: Vec<Vec<T>>, mut slots: Vec<std::slice::IterMut<'_, T>>) {
        for chunk in group {
            for p in &chunk {
                if let Some(slot) = slots[self.bucket(p.point())].next() {
                    *slot = *p;
                }
            }
        }
    }
}

/// Divides the output so that all groups of chunks can be written at the same time: in every bucket
/// each group gets a part of its own. `histograms` has, for each group, the number of its points
/// that go into each bucket. The result has, for each group, its parts of all buckets.
fn carve<'a, T>(
    mut rest: &'a mut [T],
    histograms: &[Vec<usize>],
) -> Vec<Vec<std::slice::IterMut<'a, T>>> {
    let mut slots: Vec<Vec<_>> = histograms
        .iter()
        .map(|_| Vec::with_capacity(BUCKETS))
        .collect();
    for bucket in 0..BUCKETS {
        for (slot, histogram) in slots.iter_mut().zip(histograms) {
            let (mine, others) = rest.split_at_mut(histogram[bucket]);
            slot.push(mine.iter_mut());
            rest = others;
        }
    }
    slots
}

/// Divides the sorted output, `rest`, into its buckets. `histograms` has, for each group of chunks,
/// the number of its points in each bucket.
fn buckets<'a, T>(mut rest: &'a mut [T], histograms: &[Vec<usize>]) -> Vec<&'a mut [T]> {
    let mut cut = Vec::with_capacity(BUCKETS);
    for bucket in 0..BUCKETS {
        let len = histograms.iter().map(|h| h[bucket]).sum();
        let (mine, others) = rest.split_at_mut(len);
        cut.push(mine);
        rest = others;
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_a_plain_sort(
            xs in prop::collection::vec((any::<u32>(), any::<u32>(), -4i8..4), 0..600),
            prefix in 0u32..32,
            cut in 1usize..200,
        ) {
            let points: Vec<Point> = xs
                .iter()
                .map(|&(x, y, w)| Point { x: x >> prefix, y: y >> prefix, weight: f32::from(w) })
                .collect();
            let sorted = sort_chunks(points.chunks(cut).map(<[Point]>::to_vec).collect());
            let mut expected = points;
            expected.sort_by(zorder::compare);
            prop_assert_eq!(sorted, expected);
        }

        #[test]
        fn crowds_are_cut_until_they_fit(
            seed: u32, crowds in prop::collection::vec((any::<u32>(), any::<u32>(), 0u32..33), 1..4),
        ) {
            let mut state = u64::from(seed);
            let mut random = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                (state >> 33) as u32
            };
            let mut points = Vec::new();
            for (x, y, bits) in crowds {
                let mut near = |at: u32| at ^ (random().checked_shr(bits).unwrap_or(0));
                let count = 2 * CROWDED + 5;
                points.extend((0..count).map(|i| Point { x: near(x), y: near(y), weight: (i % 7) as f32 - 3.0 }));
            }
            let number = |point: &Point, number: usize| NumberedPoint { point: *point, number: number as u32 };
            let numbered: Vec<_> = points.iter().enumerate().map(|(i, p)| number(p, i)).collect();
            let order = sort_chunks(numbered.chunks(1000).map(<[NumberedPoint]>::to_vec).collect());
            let sorted = sort_chunks(points.chunks(1000).map(<[Point]>::to_vec).collect());
            prop_assert!(order.iter().all(|n| points[n.number as usize] == n.point));
            prop_assert!(order.iter().map(|n| n.point).eq(sorted.iter().copied()));
            points.sort_by(zorder::compare);
            prop_assert_eq!(sorted, points);
        }

        #[test]
        fn keys_are_ordered_as_points_are_and_hold_them(
            a: (u32, u32, u32), b: (u32, u32, u32), number: u32,
        ) {
            let point = |(x, y, w): (u32, u32, u32)| Point { x, y, weight: f32::from_bits(w) };
            let (a, b) = (point(a), point(b));
            prop_assert_eq!(a.key().cmp(&b.key()), zorder::compare(&a, &b));
            let same = Point { weight: b.weight, ..a };
            prop_assert_eq!(a.key().cmp(&same.key()), zorder::compare(&a, &same));
            let this = NumberedPoint { point: a, number };
            let back = NumberedPoint::from_key(this.key());
            // The bytes are compared, since a NaN weight doesn't equal itself.
            prop_assert_eq!(bytemuck::bytes_of(&back), bytemuck::bytes_of(&this));
        }
    }
}
