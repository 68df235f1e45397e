//! Sorting along the Z-order curve, on all cores.
//!
//! One pass of a most-significant-digit radix sort puts the points into 4,096
//! buckets (six bits of x and y behind the prefix that all points share, so
//! that a city is cut as finely as the world); each bucket is then sorted by
//! comparison, which in the cache beats further passes.

use crate::point::Point;
use crate::zorder;
use bytemuck::Zeroable;
use rayon::prelude::*;

/// What is sorted by where it lies.
pub(crate) trait Placed: Copy + Zeroable + Send + Sync {
    /// The point that decides.
    fn point(&self) -> &Point;
}

impl Placed for Point {
    #[inline]
    fn point(&self) -> &Point {
        self
    }
}

/// A point, and which one it was before.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Numbered {
    pub(crate) point: Point,
    pub(crate) number: u32,
}

impl Placed for Numbered {
    #[inline]
    fn point(&self) -> &Point {
        &self.point
    }
}

const DIGIT_BITS: u32 = 6;
const BUCKETS: usize = 1 << (2 * DIGIT_BITS);
/// A bucket over this size is worth sorting with several threads.
const BIG_BUCKET: usize = 1 << 17;

/// All points of the chunks, in Z-order. Takes the chunks so that each is freed
/// as soon as it has been copied out.
pub(crate) fn sort_chunks<T: Placed>(chunks: Vec<Vec<T>>) -> Vec<T> {
    let groups = share(chunks, rayon::current_num_threads());
    let digit = Digit::behind_common_prefix(&groups);
    let histograms: Vec<Vec<usize>> = groups.par_iter().map(|g| digit.histogram(g)).collect();
    let total = histograms.iter().flatten().sum();
    let mut sorted = vec![T::zeroed(); total];

    let slots = carve(&mut sorted, &histograms);
    groups
        .into_par_iter()
        .zip(slots)
        .for_each(|(group, slots)| digit.scatter(group, slots));

    buckets(&mut sorted, &histograms)
        .into_par_iter()
        .for_each(|bucket| {
            let compare = |a: &T, b: &T| zorder::compare(a.point(), b.point());
            if bucket.len() > BIG_BUCKET {
                bucket.par_sort_unstable_by(compare);
            } else {
                bucket.sort_unstable_by(compare);
            }
        });
    sorted
}

/// Deals the chunks out to `n` groups of about the same size.
fn share<T>(chunks: Vec<Vec<T>>, n: usize) -> Vec<Vec<Vec<T>>> {
    let mut groups: Vec<Vec<Vec<T>>> = (0..n.max(1)).map(|_| Vec::new()).collect();
    let count = groups.len();
    for (i, chunk) in chunks.into_iter().enumerate() {
        if let Some(group) = groups.get_mut(i % count) {
            group.push(chunk);
        }
    }
    groups
}

/// Which bits of a position choose its bucket.
#[derive(Clone, Copy)]
struct Digit {
    shift: u32,
}

impl Digit {
    fn behind_common_prefix<T: Placed>(groups: &[Vec<Vec<T>>]) -> Self {
        let first = groups.iter().flatten().flatten().next();
        let Some(&Point { x, y, .. }) = first.map(T::point) else {
            return Self { shift: 26 };
        };
        let differing = groups
            .par_iter()
            .map(|g| {
                g.iter()
                    .flatten()
                    .map(T::point)
                    .fold(0, |bits, p| bits | (p.x ^ x) | (p.y ^ y))
            })
            .reduce(|| 0, |a, b| a | b);
        Self {
            shift: (32 - DIGIT_BITS).saturating_sub(differing.leading_zeros()),
        }
    }

    #[inline]
    fn bucket(self, p: &Point) -> usize {
        let mask = (1 << DIGIT_BITS) - 1;
        zorder::interleave(p.x >> self.shift & mask, p.y >> self.shift & mask) as usize
    }

    fn histogram<T: Placed>(self, group: &[Vec<T>]) -> Vec<usize> {
        let mut counts = vec![0; BUCKETS];
        for p in group.iter().flatten() {
            counts[self.bucket(p.point())] += 1;
        }
        counts
    }

    fn scatter<T: Placed>(self, group: Vec<Vec<T>>, mut slots: Vec<std::slice::IterMut<'_, T>>) {
        for chunk in group {
            for p in &chunk {
                if let Some(slot) = slots[self.bucket(p.point())].next() {
                    *slot = *p;
                }
            }
        }
    }
}

/// Cuts the output so that each group owns its own stretch of every bucket.
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

/// Cuts the output into whole buckets.
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
    }
}
