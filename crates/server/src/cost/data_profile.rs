//! What a request is about: a layer's points, or rows that only a database knows.

use super::population::{Crowd, by_strips};
use super::refuse_wide;
use super::splatting::{self, Takes};
use crate::http::error::Refused;
use crate::layers::entry::{Data, Served};
use heatsplat_points::{MAX_ZOOM, Point, Points, TileId, Window, mercator};
use heatsplat_render::{BlendMode, Comparison, Measure, PointSet, Radius, Style};
use std::cmp::Reverse;

/// Tiles that a scale is measured in, of points that are here and of live ones.
const SAMPLE: f64 = 48.0;
const LIVE_SAMPLE: f64 = 8.0;

/// A density that is drawn so often: of points with a radius of their own, or the style's.
struct Drawn<'a> {
    times: f64,
    radius: Option<f64>,
    crowd: Crowd<'a>,
}

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
            Data::Here(layer) => Self::Points(layer.data()),
            Data::Part(part) => Self::Points(part.of().data()),
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

    /// How many points a window sees.
    pub(super) fn seen(&self, window: &Window) -> f64 {
        match self {
            Self::Points(set) => {
                let each = all_points(set).map(|p| p.cells(window, 0.0).len() as f64);
                each.sum()
            }
            Self::Rows { count, .. } => *count,
            Self::Nothing => 0.0,
        }
    }

    /// A window and all around it that a value in its middle follows from.
    pub(super) fn around(&self, style: &Style, window: &Window) -> Window {
        // further than this a kernel is drawn coarser, of cells
        const FAR: f64 = 16_777_216.0;
        let own = match self {
            Self::Points(set) => set.widest().map_or(0.0, |r| r * style.shape().reach()),
            _ => 0.0,
        };
        let reach = style.reach_in(*window).max(own);
        window.grown(reach.min(FAR).ceil() as u32 + 2)
    }

    /// The densities that a number is made of.
    fn densities(&self, style: &Style) -> Vec<Drawn<'a>> {
        let each = if style.measure() == Measure::Mean {
            2.0
        } else {
            1.0
        };
        match self {
            Self::Points(set) => {
                let mut all: Vec<_> = parts(set, each).collect();
                if let Some((how, other)) = set.versus() {
                    // a quotient's divisor tells where there is one, too
                    let more = f64::from(u8::from(how == Comparison::Over));
                    all.extend(parts(other, each + more));
                }
                all
            }
            Self::Rows { count, weights } => vec![Drawn {
                times: each,
                radius: None,
                crowd: Crowd::Number(*count, *weights),
            }],
            Self::Nothing => Vec::new(),
        }
    }

    /// What a picture takes: each kind of points is drawn for itself, beside all of them.
    pub(super) fn picture(&self, style: &Style, window: &Window, ratio: u32) -> f64 {
        let mut drawn = self.densities(style);
        if let Self::Points(set) = self {
            let kinds = set.categories().iter().map(|kind| Drawn {
                times: 1.0,
                radius: None,
                crowd: Crowd::Points(kind.points()),
            });
            drawn.extend(kinds);
        }
        let each = drawn.iter().map(|d| d.takes(style, window, ratio));
        each.sum::<Takes>().all()
    }

    /// What it takes to measure the numbers of a level: in the densest tiles, and in others that are
    /// as dense as the last of these at most, wherever there are points.
    pub(super) fn scale(&self, style: &Style, level: u8) -> Result<f64, Refused> {
        let z = level.saturating_sub(8).min(MAX_ZOOM);
        let densities = self.densities(style);
        let takes = |window: &Window| -> Takes {
            densities.iter().map(|d| d.takes(style, window, 1)).sum()
        };
        let dense = match self {
            Self::Points(set) => all_points(set).flat_map(|p| densest(p, z)).collect(),
            _ => Vec::new(),
        };
        let all = match self {
            // there are no more tiles than these
            Self::Points(_) if dense.len() < DENSEST => 0.0,
            Self::Points(_) => SAMPLE.min(self.points()),
            _ => LIVE_SAMPLE,
        };
        let others = all.min(4f64.powi(i32::from(z))) - dense.len() as f64;
        let least = dense.iter().min_by_key(|(count, _)| *count);
        let most = dense.iter().max_by_key(|(count, _)| *count);
        let ends = least.into_iter().chain(most);
        let ends = ends.map(|(_, tile)| takes(&Window::tile(*tile, 256)).times(dense.len() as f64));
        let mut sum = ends.sum::<Takes>().all() / 2.0;

        let (first, last) = self.rows(z);
        for y in [first, first.midpoint(last), last] {
            let Ok(tile) = TileId::new(z, 0, y) else {
                continue;
            };
            let window = Window::tile(tile, 256);
            refuse_wide(style, &window, 1)?;
            if others <= 0.0 || (y != first && first == last) {
                continue;
            }
            // near a border points are seen by both sides
            let more = 1.0 + 2.0 * style.reach_in(window).min(256.0) / 256.0;
            let seen = least.map_or(0.0, |(count, _)| *count as f64 * more * more);
            let each = densities.iter().map(|drawn| {
                let crowd = Crowd::Number(seen.min(drawn.crowd.count()), drawn.crowd.weights());
                Drawn { crowd, ..*drawn }.takes(style, &window, 1)
            });
            let rows = if first == last { 1.0 } else { 3.0 };
            sum += each.sum::<Takes>().times(others / rows).all();
        }
        Ok(sum)
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

/// A set's points, by their own radius where they have one.
fn parts(set: &PointSet, times: f64) -> impl Iterator<Item = Drawn<'_>> {
    let drawn = move |radius, points| Drawn {
        times,
        radius,
        crowd: Crowd::Points(points),
    };
    let whole = set.by_radius().is_empty().then_some(set);
    let own = set.by_radius().iter();
    own.map(move |(radius, part)| drawn(*radius, &**part.points()))
        .chain(whole.map(move |set| drawn(None, &**set.points())))
}

impl Drawn<'_> {
    /// What a window's numbers take.
    fn takes(&self, style: &Style, window: &Window, ratio: u32) -> Takes {
        let own = self.radius.and_then(Radius::pixels);
        let own = own.map(|radius| style.clone().with_radius(radius));
        let style = own.as_ref().unwrap_or(style);
        let each = match style.blend() {
            BlendMode::Over(stamp) | BlendMode::Plus(stamp) => {
                splatting::markers(stamp, window, ratio, self.crowd)
            }
            _ if style.is_stamped() => {
                let classes = self.classes(style, window, ratio);
                let kinds = (classes, matches!(style.blend(), BlendMode::Set));
                let stamps =
                    |w: &_, kernel: &_, _, seen: &mut _| splatting::stamps(w, kernel, kinds, seen);
                by_strips(self.crowd, style, window, ratio, stamps)
            }
            _ => by_strips(self.crowd, style, window, ratio, splatting::plain),
        };
        each.times(self.times)
    }

    /// How many opacities the spots of a picture have.
    fn classes(&self, style: &Style, window: &Window, ratio: u32) -> f64 {
        let BlendMode::Cover(cover) = style.blend() else {
            return 1.0;
        };
        let zoom = window.zoom() - f64::from(ratio).log2();
        let class = |weight: f32| (cover.opacity(f64::from(weight), zoom) * 255.0).round();
        let (least, most) = self.crowd.weights();
        1.0 + (class(most) - class(least)).max(0.0)
    }
}

/// Tiles of a sample that are the densest there are.
pub(super) const DENSEST: usize = 12;

/// The densest tiles of a zoom, found from the world down, and how many points each has.
pub(super) fn densest(points: &Points, z: u8) -> Vec<(usize, TileId)> {
    let mut densest: Vec<_> = TileId::new(0, 0, 0)
        .map(|world| (points.summary().count, world))
        .into_iter()
        .collect();
    for depth in 1..=z {
        let quarters = |(_, tile): &(usize, TileId)| {
            let (x, y) = (2 * tile.x(), 2 * tile.y());
            [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| TileId::new(depth, x + dx, y + dy))
        };
        let tiles = densest.iter().flat_map(quarters).flatten();
        let counted = tiles.map(|tile| (points.tile_range(tile).len(), tile));
        let mut counted: Vec<_> = counted.filter(|(count, _)| *count > 0).collect();
        counted.sort_by_key(|(count, tile)| (Reverse(*count), tile.x(), tile.y()));
        counted.truncate(DENSEST);
        densest = counted;
    }
    densest
}
