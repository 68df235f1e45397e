//! What a request is about: a layer's points, or rows that only a database knows.

use super::{around, drawing, refuse_wide};
use crate::error::Refused;
use crate::served::{Data, Served};
use heatsplat_points::{MAX_ZOOM, Point, Points, TileId, Window, mercator};
use heatsplat_render::{Kernel, Measure, Overlap, PointSet, Style};
use std::cell::LazyCell;

/// Tiles that a scale is measured in, of points that are here and of live ones.
const SAMPLE: f64 = 48.0;
const LIVE_SAMPLE: f64 = 8.0;
/// Heights of the world that stand for those of all these tiles.
const HEIGHTS: u32 = 8;

/// What is drawn on behalf of a request.
pub(super) enum On<'a> {
    Points(&'a PointSet),
    /// Rows of a database: how many were fetched, and their weights; 0 before that is known.
    Rows {
        count: f64,
        weights: (f32, f32),
    },
    Nothing,
}

impl<'a> On<'a> {
    pub(super) fn of(served: &'a Served) -> Self {
        match &served.data {
            Data::Here(layer) => Self::Points(layer.set()),
            Data::Part(part) => Self::Points(part.of().set()),
            Data::Live(_) => Self::Rows {
                count: 0.0,
                weights: (0.0, 0.0),
            },
            Data::Stored(_) => Self::Nothing,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Rows { .. })
    }

    /// Rows that a database has given.
    pub(super) fn fetched(points: &[Point]) -> Self {
        let weights = points.iter().map(|p| p.weight);
        Self::Rows {
            count: points.len() as f64,
            weights: weights.fold((f32::MAX, f32::MIN), |(low, high), w| {
                (low.min(w), high.max(w))
            }),
        }
    }

    /// How many there are in all.
    pub(super) fn points(&self) -> f64 {
        match self {
            Self::Points(set) => all_points(set).map(|p| p.summary().count as f64).sum(),
            Self::Rows { count, .. } => *count,
            Self::Nothing => 0.0,
        }
    }

    /// How many a window sees, or some more.
    pub(super) fn seen(&self, window: &Window) -> f64 {
        match self {
            Self::Points(set) => all_points(set).map(|p| most_seen(p, window)).sum(),
            Self::Rows { count, .. } => *count,
            Self::Nothing => 0.0,
        }
    }

    /// The least and the greatest weight.
    fn weights(&self) -> (f32, f32) {
        match self {
            Self::Points(set) => {
                let summaries = all_points(set).map(|p| p.summary());
                summaries.fold((f32::MAX, f32::MIN), |(low, high), s| {
                    (low.min(s.weight_min), high.max(s.weight_max))
                })
            }
            Self::Rows { weights, .. } => *weights,
            Self::Nothing => (0.0, 0.0),
        }
    }

    /// How many densities a number is made of. Points with radii of their own are not counted by
    /// these: what they take is the layer's affair.
    fn densities(&self, style: &Style) -> f64 {
        let compared = match self {
            Self::Points(set) => set.versus().is_some(),
            _ => false,
        };
        let sets = if compared { 3.0 } else { 1.0 };
        let each = if style.measure == Measure::Mean {
            2.0
        } else {
            1.0
        };
        sets * each
    }

    /// How many kinds of points are drawn each for itself, beside all of them.
    fn kinds(&self) -> f64 {
        match self {
            Self::Points(set) => set.categories().len() as f64,
            _ => 0.0,
        }
    }

    /// What a picture takes.
    pub(super) fn picture(&self, style: &Style, window: &Window, ratio: u32) -> f64 {
        (1.0 + self.kinds()) * self.numbers(style, window, ratio, None)
    }

    /// What a window's numbers take, of so many points where that is known.
    fn numbers(&self, style: &Style, window: &Window, ratio: u32, points: Option<f64>) -> f64 {
        let seen =
            LazyCell::new(|| points.unwrap_or_else(|| self.seen(&around(style, window, ratio))));
        let densities = self.densities(style);
        if !style.is_stamped() {
            let strips = style.strips_in(window, ratio);
            let share = || *seen / strips.len().max(1) as f64;
            let each = strips
                .iter()
                .map(|(w, kernel)| drawing::plain(w, kernel, share));
            return densities * each.sum::<f64>();
        }
        let stamps = match &*style.overlap {
            Overlap::Over(stamp) | Overlap::Plus(stamp) => {
                drawing::markers(stamp, window, ratio, *seen, self.weights())
            }
            _ => {
                let classes = self.classes(style, window, ratio);
                let strips = style.strips_in(window, ratio);
                let share = *seen / strips.len().max(1) as f64;
                // each strip looks at the points around it, again those of others
                let each = |(strip, kernel): &(Window, Kernel)| {
                    let rows = f64::from(strip.height());
                    let seen = share * (1.0 + 2.0 * kernel.reach() / rows.max(1.0));
                    let single = matches!(*style.overlap, Overlap::Set);
                    drawing::stamps(strip, kernel, seen, classes, single)
                };
                strips.iter().map(each).sum()
            }
        };
        densities * stamps
    }

    /// How many opacities the spots of a picture have.
    fn classes(&self, style: &Style, window: &Window, ratio: u32) -> f64 {
        let Overlap::Cover(cover) = &*style.overlap else {
            return 1.0;
        };
        let zoom = window.zoom() - f64::from(ratio).log2();
        let class = |weight: f32| (cover.opacity(f64::from(weight), zoom) * 255.0).round();
        let (least, most) = self.weights();
        1.0 + (class(most) - class(least)).max(0.0)
    }

    /// What it takes to measure the numbers of a level.
    pub(super) fn scale(&self, style: &Style, level: u8) -> Result<f64, Refused> {
        let z = level.saturating_sub(8).min(MAX_ZOOM);
        let tiles = match self {
            Self::Rows { .. } => LIVE_SAMPLE,
            _ => SAMPLE,
        };
        let points = self.points();
        let tiles = tiles.min(4f64.powi(i32::from(z)));
        let tiles = if self.is_live() {
            tiles
        } else {
            tiles.min(points)
        };
        let points = match self {
            Self::Points(set) if style.is_stamped() => {
                all_points(set).map(|p| most_sampled(p, z)).sum::<f64>()
            }
            _ => points,
        };
        let (first, last) = self.rows(z);
        let step = ((last - first) / HEIGHTS).max(1);
        let (mut sum, mut heights) = (0.0, 0.0);
        for y in (first..=last).step_by(step as usize) {
            let Ok(tile) = TileId::new(z, 0, y) else {
                continue;
            };
            let window = Window::tile(tile, 256);
            refuse_wide(style, &window, 1)?;
            // near a border points are seen by both sides
            let more = 1.0 + 2.0 * style.reach_in(&window, 1).min(256.0) / 256.0;
            let seen = points / tiles.max(1.0) * more * more;
            sum += self.numbers(style, &window, 1, Some(seen));
            heights += 1.0;
        }
        Ok(tiles * sum / f64::max(heights, 1.0))
    }

    /// The first and the last row of tiles that hold points.
    fn rows(&self, z: u8) -> (u32, u32) {
        let last = ((1u64 << z) - 1) as u32;
        let Self::Points(set) = self else {
            return (0, last);
        };
        let bounds = all_points(set).filter_map(|p| p.summary().bounds);
        let (mut south, mut north) = (f64::INFINITY, f64::NEG_INFINITY);
        for [_, s, _, n] in bounds {
            (south, north) = (south.min(s), north.max(n));
        }
        if south > north {
            return (0, 0);
        }
        let row = |lat: f64| {
            let y = mercator::clamped_y(lat) / mercator::WORLD * (1u64 << z) as f64;
            (y as u32).min(last)
        };
        (row(north), row(south))
    }
}

/// A set's points, and those that they are compared with.
fn all_points(set: &PointSet) -> impl Iterator<Item = &Points> {
    let other = set.versus().map(|(_, other)| &**other.points());
    std::iter::once(&**set.points()).chain(other)
}

/// Tiles of a sample that are the densest there are.
const DENSEST: usize = 12;

/// At most so many points are in the tiles that a scale is measured in: the densest of a zoom, found
/// from the world down, and as many in each of the others as in the least of these.
pub(super) fn most_sampled(points: &Points, z: u8) -> f64 {
    let mut densest = vec![(points.summary().count, 0, 0)];
    for depth in 1..=z {
        let quarters = |&(_, x, y): &(usize, u32, u32)| {
            [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| (2 * x + dx, 2 * y + dy))
        };
        let tiles = densest.iter().flat_map(quarters);
        let counted = tiles.filter_map(|(x, y)| {
            let tile = TileId::new(depth, x, y).ok()?;
            Some((points.tile_range(tile).len(), x, y))
        });
        let mut counted: Vec<_> = counted.collect();
        counted.sort_unstable_by(|a, b| b.cmp(a));
        counted.truncate(DENSEST);
        densest = counted;
    }
    let all: usize = densest.iter().map(|(count, ..)| count).sum();
    let least = match densest.len() {
        DENSEST => densest.last().map_or(0, |(count, ..)| *count),
        _ => 0,
    };
    let others = (SAMPLE as usize - DENSEST) * least;
    (all + others).min(points.summary().count) as f64
}

/// The points of the tiles that a window touches, of a fourth of its side: at most 36.
fn most_seen(points: &Points, window: &Window) -> f64 {
    let all = points.summary().count as f64;
    let side = (window.right() - window.left()).max(window.bottom() - window.top());
    let z = (mercator::WORLD / side).log2().ceil() + 1.0;
    if z < 2.0 {
        // all of the world, and perhaps some of it twice
        return all * (side / mercator::WORLD).ceil().max(1.0);
    }
    let z = (z as u8).min(MAX_ZOOM);
    let (count, tile) = (1i64 << z, mercator::WORLD / (1u64 << z) as f64);
    let span = |from: f64, to: f64| (from / tile).floor() as i64..(to / tile).ceil() as i64;
    let rows = span(window.top().max(0.0), window.bottom().min(mercator::WORLD));
    let mut seen = 0;
    for y in rows {
        for x in span(window.left(), window.right()) {
            let x = x.rem_euclid(count) as u32;
            if let Ok(tile) = TileId::new(z, x, y as u32) {
                seen += points.tile_range(tile).len();
            }
        }
    }
    seen as f64
}
