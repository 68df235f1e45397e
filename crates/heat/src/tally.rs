//! The summary, identity and statistics of a file's points, which are computed while the points are
//! written or verified.

use crate::root::LEVELS;
use heatsplat_points::{Point, Summary, SummaryBuilder};
use sha2::{Digest as _, Sha256};

/// A computation over points, which must come in Z-order: it computes their summary, their
/// identity, and statistics for each level, as a root has them.
#[derive(Debug)]
pub(crate) struct Tally {
    summary: SummaryBuilder,
    /// The hash of the points so far; `None` if the identity isn't computed.
    identity: Option<Sha256>,
    last: Option<Point>,
    /// `shared[n]` is the number of pairs of successive points whose x and y agree in their n top
    /// bits, but not in one more. The number of occupied squares of each level, which are the
    /// squares with points, follows from these numbers.
    shared: [u64; LEVELS],
    /// The sums of weights within the squares of each level if some weights may be negative; `None`
    /// if none may.
    net: Option<Box<NetSums>>,
}

/// Sums for each level, from which [`Root::remaining`](crate::root::Root::remaining) follows: the
/// fraction of weight that remains after weights of both signs have cancelled within each square of
/// the level.
#[derive(Debug)]
struct NetSums {
    /// For each level, the sum of the weights so far in the square of the last point, in which more
    /// points may come.
    open: [f64; LEVELS],
    /// For each level, the sum of |sum of weights in a square| over all squares before the one of
    /// the last point.
    complete: [f64; LEVELS],
}

/// The results of a [`Tally`]: the summary, the identity, and the statistics of each level, which
/// [`Root`](crate::root::Root) explains.
#[derive(Debug, PartialEq)]
pub(crate) struct TallyResults {
    pub(crate) summary: Summary,
    pub(crate) identity: [u8; 32],
    pub(crate) occupied: [u64; LEVELS],
    pub(crate) remaining: [f64; LEVELS],
}

impl Tally {
    /// Makes a tally without points. `signed` is true if negative weights may come.
    pub(crate) fn new(signed: bool) -> Self {
        Self {
            identity: Some(Sha256::new()),
            ..Self::without_identity(signed)
        }
    }

    /// Makes a tally without points that computes no identity: it is 0 in the result.
    pub(crate) fn without_identity(signed: bool) -> Self {
        Self {
            summary: SummaryBuilder::default(),
            identity: None,
            last: None,
            shared: [0; LEVELS],
            net: signed.then(|| {
                Box::new(NetSums {
                    open: [0.0; LEVELS],
                    complete: [0.0; LEVELS],
                })
            }),
        }
    }

    /// Adds the next points. Returns false if they are not in Z-order, if a weight isn't finite, or
    /// if one is negative although none may be.
    pub(crate) fn add(&mut self, points: &[Point]) -> bool {
        let mut before = self.last;
        for point in points {
            let shared = before.map(|last| {
                let bits = ((last.x ^ point.x) | (last.y ^ point.y)).leading_zeros();
                (bits, last.z_order(point).is_le())
            });
            let (bits, in_order) = shared.unwrap_or((0, true));
            let good = point.weight.is_finite() && (point.weight >= 0.0 || self.net.is_some());
            if !in_order || !good {
                return false;
            }
            if before.is_some()
                && let Some(pairs) = self.shared.get_mut(bits as usize)
            {
                *pairs += 1;
            }
            if let Some(net) = &mut self.net {
                net.add(point.weight, bits);
            }
            before = Some(*point);
        }
        self.last = before;
        self.summary.add(points);
        if let Some(identity) = &mut self.identity {
            identity.update(bytemuck::cast_slice::<Point, u8>(points));
        }
        true
    }

    pub(crate) fn finish(self) -> TallyResults {
        let summary = self.summary.finish();
        let mut occupied = [0; LEVELS];
        let mut squares = u64::from(summary.count > 0);
        for (to, pairs) in occupied.iter_mut().zip(self.shared) {
            *to = squares;
            squares += pairs;
        }
        let mut remaining = [1.0; LEVELS];
        if let (Some(mut net), true) = (self.net, summary.weight_min < 0.0) {
            net.complete_above(0);
            for (to, sum) in remaining.iter_mut().zip(net.complete) {
                *to = sum / summary.mass;
            }
        }
        TallyResults {
            summary,
            identity: self.identity.map_or([0; 32], |sha| sha.finalize().into()),
            occupied,
            remaining,
        }
    }
}

impl NetSums {
    /// Adds the weight of a point. `bits` is the number of top bits in which its x and y agree with
    /// those of the point before.
    fn add(&mut self, weight: f32, bits: u32) {
        self.complete_above(bits as usize + 1);
        for sum in &mut self.open {
            *sum += f64::from(weight);
        }
    }

    /// Completes the open squares of `level` and of all finer levels.
    fn complete_above(&mut self, level: usize) {
        let sums = self.complete.iter_mut().zip(&mut self.open).skip(level);
        for (complete, open) in sums {
            *complete += open.abs();
            *open = 0.0;
        }
    }
}
