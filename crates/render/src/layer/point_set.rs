//! Sets of points: the data of a layer. A set can have categories, points with their own radii, and
//! a second set that it is compared with.

use crate::layer::category::Category;
use crate::layer::paged_counts::{self, UncountedError};
use crate::layer::quantity::Quantity;
use crate::scale::value_kind::ValueKind;
use crate::style::measure::{Comparison, Measure};
use crate::style::radius::Radius;
use heatsplat_points::projected::{ProjectedIndex, Projection};
use heatsplat_points::{Point, Points, Summary, cancel};
use std::sync::{Arc, OnceLock};

/// A layer's points, with their categories and own radii, and with the set that they are compared
/// with. Clones share the points.
#[derive(Clone, Debug)]
pub struct PointSet {
    points: Arc<Points>,
    counts: Arc<OnceLock<Arc<Points>>>,
    scaled: Arc<OnceLock<Arc<Points>>>,
    versus: Option<(Comparison, Arc<PointSet>)>,
    signed: bool,
    /// The points grouped by their own radius in CSS pixels. The group with `None` has the points
    /// without an own radius, which are drawn with the style's radius. If no point has an own
    /// radius, there are no groups, and all points are drawn with the style's radius.
    by_radius: Arc<[(Option<f64>, PointSet)]>,
    categories: Vec<Category>,
    quantity: Quantity,
}

/// The most different radii that the points of a set may have. If there are more, each radius is
/// rounded to one of 64 radii from the least to the greatest. Each of the 64 is greater than the
/// one before by the same factor.
const MOST_RADII: usize = 64;

/// The fraction of Σ |weight| that negative weights must have for sums of weights to be shown as
/// numbers on both sides of 0, [`ValueKind::Signed`]. Below it they are shown as amounts. The
/// number is a choice: a few negative corrections in data of amounts must not change how all the
/// data is shown.
pub const NEGATIVE_SHARE: f64 = 0.05;

/// The exponent of two up to which Σ |weight| of a set may go: 2¹²⁰. Sums of its weights then fit
/// into 32-bit floats, which end at 2¹²⁸. If Σ |weight| is greater, the weights are multiplied by a
/// small factor before they are drawn.
const MOST_BITS: i32 = 120;
/// The exponent of two that the greatest |weight| of a set must reach: 2⁻¹⁰⁰. Sums of smaller
/// weights would be imprecise as 32-bit floats. If all weights are smaller, they are multiplied by
/// a great factor before they are drawn.
const LEAST_BITS: i32 = -100;

impl PointSet {
    /// Makes a set of points without categories, without own radii, and not compared with another
    /// set.
    pub fn new(points: impl Into<Arc<Points>>) -> Self {
        let points = points.into();
        Self {
            signed: points.summary().negative_share() >= NEGATIVE_SHARE,
            points,
            counts: Arc::default(),
            scaled: Arc::default(),
            versus: None,
            by_radius: Arc::default(),
            categories: Vec::new(),
            quantity: Quantity::default(),
        }
    }

    /// Makes a set of points with their own radii: `radii` has the radius of each point in CSS
    /// pixels. A point whose radius is not from 0.5 to 128, or is NaN, is drawn with the style's
    /// radius. If there are more than 64 different radii, each is rounded to one of 64.
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
        // The first part is for the points without a legal radius.
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

    /// The points grouped by their own radius in CSS pixels. The group with `None` has the points
    /// that are drawn with the style's radius. If no point has an own radius, the result is empty,
    /// and all points are drawn with the style's radius.
    pub fn by_radius(&self) -> &[(Option<f64>, Self)] {
        &self.by_radius
    }

    /// The greatest of the points' own radii, in CSS pixels. `None` if no point has an own radius.
    pub fn widest(&self) -> Option<f64> {
        self.by_radius
            .iter()
            .filter_map(|(r, _)| *r)
            .reduce(f64::max)
    }

    /// Makes a set in which a point may stand for several: `counts` has the number that each point
    /// stands for. A point without a weight stands for none. With empty `counts` each point stands
    /// for itself.
    pub fn with_counts(points: &[Point], counts: &[u32]) -> Self {
        let made = Self::new(Points::from_slice(points));
        if !counts.is_empty() {
            let each = points.iter().zip(counts);
            let counts: Vec<Point> = each
                .filter(|(p, _)| p.has_weight())
                .map(|(p, &n)| Point {
                    weight: n as f32,
                    ..*p
                })
                .collect();
            let _ = made.counts.set(Arc::new(Points::from_slice(&counts)));
        }
        made
    }

    /// True if sums of weights are shown as numbers on both sides of 0, [`ValueKind::Signed`]:
    /// negative weights have at least the fraction [`NEGATIVE_SHARE`] of Σ |weight|.
    pub fn is_signed(&self) -> bool {
        self.signed
    }

    /// Sets what [`is_signed`](Self::is_signed) returns, whatever the weights are. It is meant for
    /// two cases, in which colours must keep their meaning: a part of a set gets the value of the
    /// whole set, and points that are read again get the value of the points that were read before.
    pub fn set_signed(&mut self, signed: bool) {
        self.signed = signed;
    }

    /// Makes a set whose values are the values of `first` minus the values of `second`, or divided
    /// by them, as `comparison` says. It has no categories.
    pub fn from_comparison(first: &Self, comparison: Comparison, second: Arc<Self>) -> Self {
        let quantity = match comparison {
            Comparison::Minus if first.quantity == second.quantity => first.quantity.clone(),
            _ => Quantity::default(),
        };
        Self {
            points: Arc::clone(&first.points),
            counts: Arc::clone(&first.counts),
            scaled: Arc::clone(&first.scaled),
            versus: Some((comparison, second)),
            signed: first.signed,
            by_radius: Arc::clone(&first.by_radius),
            categories: Vec::new(),
            quantity,
        }
    }

    /// This set in another projection: its points are projected when a picture needs them.
    pub(super) fn projected(&self, projection: &Arc<dyn Projection>) -> Self {
        let mut index = ProjectedIndex::new(Arc::clone(&self.points), Arc::clone(projection));
        if paged_counts::is_countable(&self.points) {
            let of = self.clone();
            index = index.counting(move || Arc::clone(of.counts()));
        }
        let set = |set: &Self| set.projected(projection);
        Self {
            points: Arc::new(Points::from_paged(Arc::new(index))),
            counts: Arc::default(),
            scaled: Arc::default(),
            versus: self
                .versus()
                .map(|(how, other)| (how, Arc::new(set(other)))),
            signed: self.signed,
            by_radius: self
                .by_radius
                .iter()
                .map(|(r, part)| (*r, set(part)))
                .collect(),
            categories: self
                .categories
                .iter()
                .map(|c| Category {
                    set: set(&c.set),
                    ..c.clone()
                })
                .collect(),
            quantity: self.quantity.clone(),
        }
    }

    /// Sets the categories: the parts of the set that are drawn in their own colours.
    #[must_use]
    pub fn in_categories(mut self, categories: Vec<Category>) -> Self {
        self.categories = categories;
        self
    }

    /// Sets the quantity that the weights measure.
    #[must_use]
    pub fn measuring(mut self, quantity: Quantity) -> Self {
        self.quantity = quantity;
        self
    }

    /// The quantity that the weights measure.
    pub(super) fn quantity(&self) -> &Quantity {
        &self.quantity
    }

    /// The categories: the parts of the set that are drawn in their own colours. Empty if there are
    /// none.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// Lists every index of points that pictures are drawn from, each with a name of its own. First
    /// is the index of all points, named "". Then come the points of each radius, the points of
    /// each category, and the indices of the set with which this set is compared. A cached picture
    /// is valid until one of these indices changes.
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

    /// All points of the set. In a comparison, these are the points of the first set.
    pub fn points(&self) -> &Arc<Points> {
        &self.points
    }

    /// The comparison, a difference or a quotient, and the second set, with which the points are
    /// compared. `None` if they are not compared.
    pub fn versus(&self) -> Option<(Comparison, &Arc<Self>)> {
        self.versus.as_ref().map(|(how, set)| (*how, set))
    }

    /// An index of the points that have a weight, each with the weight 1 or, if the set was made by
    /// [`with_counts`](Self::with_counts), its count. Sums over it are numbers of points. It is
    /// built at the first call. If every weight is 1 already, it is the index of the points itself.
    ///
    /// If the points are not in memory and can't be counted, the stack is unwound as if they could
    /// not be read. So callers must [`check`](Self::check) the measure first.
    pub fn counts(&self) -> &Arc<Points> {
        self.counts.get_or_init(|| {
            let Summary {
                weight_min,
                weight_max,
                without_weight,
                ..
            } = *self.points.summary();
            if weight_min == 1.0 && weight_max == 1.0 && without_weight == 0 {
                return Arc::clone(&self.points);
            }
            Arc::new(match self.points.paged() {
                None => in_own_pool(|| unweighted(&self.points)),
                Some(index) => match paged_counts::counted(index) {
                    Ok(counted) => counted,
                    Err(error) => cancel::unreadable(error),
                },
            })
        })
    }

    /// Checks that a measure can be drawn from this set. From points in memory every measure can be
    /// drawn.
    ///
    /// # Errors The measure, or the comparison with another set, needs counts of points, and the
    /// points of this set or of the other one can't be counted.
    pub fn check(&self, measure: Measure) -> Result<(), UncountedError> {
        let other = self.versus();
        let is_quotient = matches!(other, Some((Comparison::Over, _)));
        let other = other.map(|(_, set)| (&**set, measure.counts() || is_quotient));
        let own = self.by_radius().iter().map(|(_, set)| set);
        let own = own.chain(self.categories().iter().map(|c| &c.set));
        let own = own.chain([self]).map(|set| (set, measure.counts()));
        let mut counted = own.chain(other).filter(|(_, counts)| *counts);
        match counted.all(|(set, _)| paged_counts::is_countable(set.points())) {
            true => Ok(()),
            false => Err(UncountedError { measure }),
        }
    }

    /// The points to draw sums of weights from, and the factor by which the sums must be multiplied
    /// afterwards. Mostly these are the set's own points and the factor 1. But sums of very great
    /// weights would not fit into 32-bit floats, and sums of very small weights would be imprecise.
    /// In these two cases the result has points with scaled weights, and the factor undoes the
    /// scaling.
    pub(crate) fn summed(&self) -> (&Arc<Points>, f32) {
        let summary = self.points.summary();
        let greatest = f64::from(summary.weight_max.max(-summary.weight_min));
        let up = greatest > 0.0 && greatest < 2f64.powi(LEAST_BITS);
        if !up && summary.mass < 2f64.powi(MOST_BITS) {
            return (&self.points, 1.0);
        }
        let exponent = if up {
            -(greatest.log2().floor() as i32).max(-126)
        } else {
            (MOST_BITS - summary.mass.log2().ceil() as i32).max(-126)
        };
        let factor = 2f64.powi(exponent) as f32;
        let scaled = self.scaled.get_or_init(|| {
            Arc::new(match self.points.paged() {
                None => in_own_pool(|| multiplied(&self.points, factor)),
                // The factor is a power of two, so its inverse is exact.
                Some(index) => paged_counts::divided(index, factor.recip()),
            })
        });
        (scaled, factor.recip())
    }

    /// The kind of the values that `measure` has for this set: amounts, means, signed numbers or
    /// quotients.
    pub fn value_kind(&self, measure: Measure) -> ValueKind {
        match self.versus {
            Some((Comparison::Over, _)) => ValueKind::Ratio,
            Some((Comparison::Minus, _)) => ValueKind::Signed,
            None if measure == Measure::Mean => ValueKind::Level,
            None if measure.weighs() && self.signed => ValueKind::Signed,
            None => ValueKind::Amount,
        }
    }
}

impl From<Points> for PointSet {
    fn from(points: Points) -> Self {
        Self::new(points)
    }
}

impl From<Arc<Points>> for PointSet {
    fn from(points: Arc<Points>) -> Self {
        Self::new(points)
    }
}

impl From<Arc<Self>> for PointSet {
    fn from(set: Arc<Self>) -> Self {
        Arc::unwrap_or_clone(set)
    }
}

fn unweighted(points: &Points) -> Points {
    let summary = points.summary();
    let mut ones = Vec::with_capacity(summary.count - summary.without_weight);
    let all = points.as_slice().unwrap_or_default();
    let with = all.iter().filter(|p| p.has_weight());
    ones.extend(with.map(|p| Point { weight: 1.0, ..*p }));
    Points::from_sorted(ones)
}

fn multiplied(points: &Points, factor: f32) -> Points {
    let all = points.as_slice().unwrap_or_default();
    let each = all.iter().map(|p| Point {
        weight: p.weight * factor,
        ..*p
    });
    Points::from_sorted(each.collect())
}

/// Runs `work` in a new rayon pool, made for this call. In rayon's global pool the work might never
/// begin: the callers may be workers of that pool, and all of them may wait here.
fn in_own_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
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
    fn points_without_a_weight_are_no_values() {
        let at = |lon| Point::from_lon_lat(lon, 2.0, 7.0).unwrap();
        let none = Point::without_weight(at(3.0).at());
        let points = [at(1.0), none, at(5.0)];
        let set = PointSet::new(Points::from_slice(&points));
        assert_eq!(set.counts().summary().count, 2);
        let ones = points.map(|p| {
            if p.has_weight() {
                Point { weight: 1.0, ..p }
            } else {
                p
            }
        });
        assert_eq!(
            PointSet::new(Points::from_slice(&ones))
                .counts()
                .summary()
                .count,
            2
        );
        let set = PointSet::with_counts(&points, &[2, 3, 4]);
        assert_eq!(set.counts().summary().weight_sum, 6.0);
    }

    #[test]
    fn a_few_negative_weights_are_no_differences() {
        let set = |below: f32| {
            let weights = [
                (1.0, 2.0, 90.0),
                (3.0, 4.0, 10.0 - below),
                (5.0, 4.0, -below),
            ];
            PointSet::new(Points::from_lon_lat(weights).unwrap())
        };
        for (below, kind) in [(4.9, ValueKind::Amount), (5.1, ValueKind::Signed)] {
            assert_eq!(set(below).value_kind(Measure::Sum), kind, "{below}");
            assert_eq!(set(below).value_kind(Measure::Mean), ValueKind::Level);
        }
        let mut kept = set(5.1);
        kept.set_signed(false);
        assert_eq!(kept.value_kind(Measure::Sum), ValueKind::Amount);
        assert!(!PointSet::new(Points::from_slice(&[])).is_signed());
    }

    #[test]
    fn weights_at_the_ends_of_floats_are_scaled_and_back() {
        for (weight, ordinary) in [
            (3e38, false),
            (1e30, true),
            (1e-30, true),
            (1e-38, false),
            (f32::from_bits(5), false),
            (0.0, true),
        ] {
            let set = PointSet::new(Points::from_lon_lat([(1.0, 2.0, weight); 9]).unwrap());
            let (points, back) = set.summed();
            assert_eq!(Arc::ptr_eq(points, set.points()), ordinary, "{weight}");
            assert_eq!(points.summary().weight_max * back, weight);
            assert!(points.summary().mass < 1e37);
        }
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
        let compared = PointSet::from_comparison(&set, Comparison::Minus, other);
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
