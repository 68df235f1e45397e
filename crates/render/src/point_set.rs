//! What a layer draws: its points, how many they are, and what they are set against.

use crate::categories::Category;
use crate::measure::{Comparison, Measure, Nature};
use crate::radius::Radius;
use heatsplat_points::{Point, PointSink, Points, PointsBuilder, Summary};
use std::sync::{Arc, OnceLock};

/// Points that can be measured.
#[derive(Debug)]
pub struct PointSet {
    points: Arc<Points>,
    counts: Arc<OnceLock<Arc<Points>>>,
    versus: Option<(Comparison, Arc<PointSet>)>,
    signed: bool,
    /// The same points by their radius in CSS pixels; none where all have the style's.
    by_radius: Arc<[(Option<f64>, PointSet)]>,
    categories: Vec<Category>,
}

/// Radii that are told apart: where there are more, they are rounded to so many, each the same
/// factor from the next.
const MOST_RADII: usize = 64;

impl PointSet {
    /// A set of its own.
    pub fn new(points: impl Into<Arc<Points>>) -> Self {
        let points = points.into();
        Self {
            signed: points.summary().weight_min < 0.0,
            points,
            counts: Arc::default(),
            versus: None,
            by_radius: Arc::default(),
            categories: Vec::new(),
        }
    }

    /// Points with a radius of their own in CSS pixels; what is none (0, or NaN) is the style's.
    /// `radii` has one for each point. More than 64 different ones are rounded to 64.
    pub fn with_radii(points: &[Point], radii: &[f32]) -> Self {
        let legal = |r: f32| Radius::pixels(f64::from(r)).map(|_| f64::from(r));
        let mut known: Vec<f64> = radii.iter().filter_map(|r| legal(*r)).collect();
        known.sort_unstable_by(f64::total_cmp);
        known.dedup();
        if let (Some(&least), Some(&most)) = (known.first(), known.last())
            && known.len() > MOST_RADII
        {
            let factor = (most / least).ln() / (MOST_RADII - 1) as f64;
            known = (0..MOST_RADII)
                .map(|i| least * (factor * i as f64).exp())
                .collect();
        }
        // the first parts are those of the style's radius
        let mut parts: Vec<Vec<Point>> = vec![Vec::new(); known.len() + 1];
        for (point, radius) in points
            .iter()
            .zip(radii.iter().chain(std::iter::repeat(&0.0)))
        {
            let place = legal(*radius).map_or(0, |radius| {
                let after = known.partition_point(|k| *k < radius);
                let lower = after.checked_sub(1).and_then(|i| known.get(i));
                match (lower, known.get(after)) {
                    (Some(low), Some(high)) if radius / low < high / radius => after,
                    (Some(_), None) => after,
                    _ => after + 1,
                }
            });
            if let Some(part) = parts.get_mut(place) {
                part.push(*point);
            }
        }
        let radii = std::iter::once(None).chain(known.into_iter().map(Some));
        let by_radius = radii
            .zip(parts)
            .filter(|(_, part)| !part.is_empty())
            .map(|(radius, part)| (radius, Self::new(Points::from_slice(&part))))
            .collect();
        Self {
            by_radius,
            ..Self::new(Points::from_slice(points))
        }
    }

    /// The same points by their own radius; empty where all have the style's.
    pub(crate) fn by_radius(&self) -> &[(Option<f64>, Self)] {
        &self.by_radius
    }

    /// The greatest radius that any point has of its own, in CSS pixels.
    pub fn widest(&self) -> Option<f64> {
        self.by_radius
            .iter()
            .filter_map(|(r, _)| *r)
            .reduce(f64::max)
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

    /// One set against another: a difference or a quotient. It has no categories.
    pub fn comparing(first: &Self, comparison: Comparison, second: Arc<Self>) -> Self {
        Self {
            points: Arc::clone(&first.points),
            counts: Arc::clone(&first.counts),
            versus: Some((comparison, second)),
            signed: first.signed,
            by_radius: Arc::clone(&first.by_radius),
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

    /// All that is drawn, each with what tells it from the others: the points, those of each
    /// radius and category, and all of what they are compared with. Whoever keeps pictures
    /// knows by these whether they are still true.
    pub fn parts(&self) -> Vec<(String, &Points)> {
        let mut parts = vec![(String::new(), &*self.points)];
        let own = self.by_radius.iter();
        parts.extend(own.map(|(radius, set)| (format!("{radius:?}"), &*set.points)));
        let kinds = self.categories.iter();
        parts.extend(kinds.map(|c| (format!("{} {:?}", c.name, c.color), &**c.points())));
        if let Some((how, other)) = &self.versus {
            let others = other.parts().into_iter();
            parts.extend(others.map(|(what, points)| (format!("{how:?} {what}"), points)));
        }
        parts
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

    #[test]
    fn points_go_to_the_nearest_radius() {
        let point = Point::from_lon_lat(1.0, 2.0, 1.0).unwrap();
        let set = PointSet::with_radii(&[point; 5], &[4.0, 0.0, 4.0, f32::NAN, 9.0]);
        let parts: Vec<_> = set
            .by_radius()
            .iter()
            .map(|(r, part)| (*r, part.points().summary().count))
            .collect();
        assert_eq!(parts, [(None, 2), (Some(4.0), 2), (Some(9.0), 1)]);
        assert_eq!((set.points().summary().count, set.widest()), (5, Some(9.0)));
        let other = Arc::new(PointSet::new(Points::from_slice(&[point])));
        let compared = PointSet::comparing(&set, Comparison::Minus, other);
        assert_eq!(compared.widest(), Some(9.0));
        let many: Vec<f32> = (0..1000).map(|i| 1.0 + i as f32 * 0.1).collect();
        let set = PointSet::with_radii(&vec![point; 1000], &many);
        let counts = set
            .by_radius()
            .iter()
            .map(|(_, p)| p.points().summary().count);
        assert_eq!(
            (set.by_radius().len() <= 64, counts.sum::<usize>()),
            (true, 1000)
        );
    }
}
