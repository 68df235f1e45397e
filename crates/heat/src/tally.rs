//! Numbers of a file's points that are counted while they are written.

use crate::root::LEVELS;
use heatsplat_points::{Point, Summary, SummaryBuilder};
use sha2::{Digest as _, Sha256};

/// Summary, identity and numbers of each level of points that come in Z-order.
#[derive(Debug)]
pub(crate) struct Tally {
    summary: SummaryBuilder,
    /// `None` if no identity is asked for.
    identity: Option<Sha256>,
    last: Option<Point>,
    /// Numbers of pairs of neighbouring points that share exactly 0, 1, … 32 top bits of x and y.
    shared: [u64; LEVELS],
    /// Sums of weights, if some are negative.
    net: Option<Box<NetSums>>,
}

/// Sums from which the fraction of weight follows that remains at each level after weights of both
/// signs have cancelled.
#[derive(Debug)]
struct NetSums {
    /// Sum of the weights of the square that is not complete yet.
    open: [f64; LEVELS],
    /// Sum of the absolute sums of all complete squares.
    complete: [f64; LEVELS],
}

/// Results of a [`Tally`].
#[derive(Debug, PartialEq)]
pub(crate) struct Tallied {
    pub(crate) summary: Summary,
    pub(crate) identity: [u8; 32],
    pub(crate) occupied: [u64; LEVELS],
    pub(crate) remaining: [f64; LEVELS],
}

impl Tally {
    /// Tally of no points. `signed` is true if negative weights may come.
    pub(crate) fn new(signed: bool) -> Self {
        Self {
            identity: Some(Sha256::new()),
            ..Self::without_identity(signed)
        }
    }

    /// Tally of no points whose identity isn't asked for, so that it is 0.
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

    /// Adds the next points. Returns false if they are not in order, or if weights are negative
    /// that mustn't be.
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

    pub(crate) fn finish(self) -> Tallied {
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
        Tallied {
            summary,
            identity: self.identity.map_or([0; 32], |sha| sha.finalize().into()),
            occupied,
            remaining,
        }
    }
}

impl NetSums {
    /// Adds the weight of a point that shares `bits` top bits with the point before.
    fn add(&mut self, weight: f32, bits: u32) {
        self.complete_above(bits as usize + 1);
        for sum in &mut self.open {
            *sum += f64::from(weight);
        }
    }

    /// Completes the open squares of the levels from `level` on.
    fn complete_above(&mut self, level: usize) {
        let sums = self.complete.iter_mut().zip(&mut self.open).skip(level);
        for (complete, open) in sums {
            *complete += open.abs();
            *open = 0.0;
        }
    }
}
