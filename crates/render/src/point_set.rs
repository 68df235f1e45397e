//! What a layer draws: its points, how many they are, and what they are set against.

use crate::categories::Category;
use crate::measure::{Comparison, Measure, Nature};
use heatsplat_points::{Point, PointSink, Points, PointsBuilder, Summary};
use std::sync::{Arc, OnceLock};

/// Points that can be measured.
#[derive(Debug)]
pub struct PointSet {
    points: Arc<Points>,
    counts: Arc<OnceLock<Arc<Points>>>,
    versus: Option<(Comparison, Arc<PointSet>)>,
    signed: bool,
    categories: Vec<Category>,
}

impl PointSet {
    /// A set of its own.
    pub fn new(points: impl Into<Arc<Points>>) -> Self {
        let points = points.into();
        Self {
            signed: points.summary().weight_min < 0.0,
            points,
            counts: Arc::default(),
            versus: None,
            categories: Vec::new(),
        }
    }

    /// Points of which it is known how many each stands for: `counts` has one for each.
    pub fn counted(points: &[Point], counts: &[u32]) -> Self {
        let made = Self::new(Points::from_slice(points));
        if !counts.is_empty() {
            let each = points.iter().zip(counts);
            let counts: Vec<Point> = each
                .map(|(p, &n)| Point {
                    weight: n as f32,
                    ..*p
                })
                .collect();
            let _ = made.counts.set(Arc::new(Points::from_slice(&counts)));
        }
        made
    }

    /// A part of a set whose weights have both signs, though these few may not.
    #[must_use]
    pub fn of_both_signs(mut self) -> Self {
        self.signed = true;
        self
    }

    /// One set against another: a difference or a quotient.
    pub fn comparing(first: &Self, comparison: Comparison, second: Arc<Self>) -> Self {
        Self {
            points: Arc::clone(&first.points),
            counts: Arc::clone(&first.counts),
            versus: Some((comparison, second)),
            signed: first.signed,
            categories: Vec::new(),
        }
    }

    /// The same in colours of its parts.
    #[must_use]
    pub fn in_categories(mut self, categories: Vec<Category>) -> Self {
        self.categories = categories;
        self
    }

    /// The parts that have colours of their own.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The points; of a comparison, the first set's.
    pub fn points(&self) -> &Arc<Points> {
        &self.points
    }

    /// What the points are compared with.
    pub fn versus(&self) -> Option<(Comparison, &Arc<Self>)> {
        self.versus.as_ref().map(|(how, set)| (*how, set))
    }

    /// The same points, each of weight 1: an index of their own, made when it is first wanted.
    /// Where every weight is 1 they are the points themselves.
    pub fn counts(&self) -> &Arc<Points> {
        self.counts.get_or_init(|| {
            let Summary {
                weight_min,
                weight_max,
                ..
            } = *self.points.summary();
            if weight_min == 1.0 && weight_max == 1.0 {
                return Arc::clone(&self.points);
            }
            Arc::new(apart(|| unweighted(&self.points)))
        })
    }

    /// What numbers a measure has here.
    pub fn nature(&self, measure: Measure) -> Nature {
        match self.versus {
            Some((Comparison::Over, _)) => Nature::Ratio,
            Some((Comparison::Minus, _)) => Nature::Signed,
            None if measure == Measure::Mean => Nature::Level,
            None if measure.weighs() && self.signed => Nature::Signed,
            None => Nature::Amount,
        }
    }
}

fn unweighted(points: &Points) -> Points {
    const BATCH: usize = 4096;
    let mut builder = PointsBuilder::new();
    let mut batch = Vec::with_capacity(BATCH);
    for some in points.as_slice().chunks(BATCH) {
        batch.clear();
        batch.extend(some.iter().map(|p| Point { weight: 1.0, ..*p }));
        builder.push(&batch);
    }
    builder.build()
}

/// Runs on a thread and a pool of its own. Who waits here may be of the common pool, and so may
/// all who wait for the same: a sort that needs the pool would never begin.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| match rayon::ThreadPoolBuilder::new().build() {
            Ok(pool) => pool.install(work),
            Err(_) => work(),
        });
        done.join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_one_need_no_second_index() {
        let ones = PointSet::new(Points::from_lon_lat([(1.0, 2.0, 1.0), (3.0, 4.0, 1.0)]).unwrap());
        assert!(Arc::ptr_eq(ones.points(), ones.counts()));
        let others =
            PointSet::new(Points::from_lon_lat([(1.0, 2.0, 5.0), (3.0, 4.0, 1.0)]).unwrap());
        assert_eq!(others.counts().summary().weight_sum, 2.0);
        assert_eq!(others.counts().summary().count, 2);
    }

    #[test]
    fn a_crowd_of_the_common_pool_can_wait_for_counts() {
        let points =
            (0..20_000).map(|i| (f64::from(i % 360) - 180.0, f64::from(i % 160) - 80.0, 2.0));
        let set = PointSet::new(Points::from_lon_lat(points).unwrap());
        rayon::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|_| assert_eq!(set.counts().summary().weight_sum, 20_000.0));
            }
        });
    }
}
