//! The facts about a layer's data from which a request's cost is estimated. The data are points in
//! memory or rows of a database.

use super::population::{Population, by_strips, counted};
use super::refuse_wide;
use super::splatting::{self, DrawTime};
use crate::http::error::ApiError;
use heatsplat_points::{MAX_ZOOM, Point, Points, TileId, Window, mercator};
use heatsplat_render::limits::{DENSEST, SPREAD, WIDEST_EXACT};
use heatsplat_render::{BlendMode, Comparison, Length, Measure, PointSet, Radius, Style};
use std::cmp::Reverse;

/// The number of tiles in which the statistics of a scale are measured, if the points are in
/// memory.
const SAMPLE: f64 = (DENSEST + SPREAD) as f64;

/// The number of tiles with the most weight in which the statistics of a live layer's scale are
/// measured. A choice: each tile takes a query.
pub(crate) const LIVE_DENSEST: usize = 4;
/// The number of tiles, besides the [`LIVE_DENSEST`] densest, in which the statistics of a live
/// layer's scale are measured. The other tiles are sorted from dense to sparse, and every n-th of
/// them is picked. A choice.
pub(crate) const LIVE_SPREAD: usize = 4;
/// The number of all tiles in which the statistics of a live layer's scale are measured.
const LIVE_SAMPLE: f64 = (LIVE_DENSEST + LIVE_SPREAD) as f64;

/// One of the densities from which a picture is computed, with its points: all points of a set, or
/// those that share a radius. An estimate adds up the times of all densities of a picture.
struct DensityDraw<'a> {
    /// The number of times that the density is drawn for one picture: 1, or 2 if the style shows a
    /// mean. One more is added if the density is part of a quotient's divisor.
    times: f64,
    /// The radius in CSS pixels that the points have of their own; `None` if they are drawn with
    /// the style's radius.
    radius: Option<f64>,
    /// The points of this density if they are in memory, otherwise their number and the range of
    /// their weights.
    population: Population<'a>,
}

/// The facts about a layer's data on which an estimate is based.
pub(crate) enum DataProfile<'a> {
    /// Points in memory, which the index counts in any window.
    Points(&'a PointSet),
    /// Rows of a database: their number, and their least and greatest weight. Before the rows are
    /// fetched, all three are 0.
    Rows {
        count: f64,
        weights: (f32, f32),
    },
    Nothing,
}

impl<'a> DataProfile<'a> {
    /// The profile of rows that are not fetched yet. Their number is unknown and counts as 0, and
    /// so do their weights.
    pub(crate) fn unknown_rows() -> Self {
        Self::Rows {
            count: 0.0,
            weights: (0.0, 0.0),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Rows { .. })
    }

    /// The profile (the number and the range of weights) of the rows that were fetched for a
    /// picture.
    pub(super) fn fetched(points: &[Point]) -> Self {
        let weights = points.iter().map(|p| p.weight);
        Self::Rows {
            count: points.len() as f64,
            weights: weights.fold((f32::MAX, f32::MIN), |(low, high), w| {
                (low.min(w), high.max(w))
            }),
        }
    }

    /// The number of points in memory, or of rows fetched for a live layer (0 before the fetch). If
    /// two sets are compared, the points of both are counted.
    pub(crate) fn points(&self) -> f64 {
        match self {
            Self::Points(set) => all_points(set).map(|p| p.summary().count as f64).sum(),
            Self::Rows { count, .. } => *count,
            Self::Nothing => 0.0,
        }
    }

    /// The number of points that a window shows, if they are in memory. For a live layer it is the
    /// number of all rows that were fetched (0 before the fetch).
    pub(super) fn seen(&self, window: &Window) -> f64 {
        match self {
            Self::Points(set) => {
                let each = all_points(set).map(|p| counted(p, window, 0.0));
                each.sum()
            }
            Self::Rows { count, .. } => *count,
            Self::Nothing => 0.0,
        }
    }

    /// The window around `window` that contains all points on which the pixels of `window` depend:
    /// on each side it is larger by the kernel's reach and two more pixels.
    pub(super) fn around(&self, style: &Style, window: &Window) -> Window {
        let own = match self {
            Self::Points(set) => set.widest().map_or(0.0, |r| r * style.shape().reach()),
            _ => 0.0,
        };
        let reach = style.reach_in(*window).max(own);
        window.grown(reach.min(WIDEST_EXACT).ceil() as u32 + 2)
    }

    /// The densities that are drawn for one picture in this style, without those of categories.
    fn densities(&self, style: &Style) -> Vec<DensityDraw<'a>> {
        let each = if style.measure() == Measure::Mean {
            2.0
        } else {
            1.0
        };
        match self {
            Self::Points(set) => {
                let mut all: Vec<_> = parts(set, each).collect();
                if let Some((how, other)) = set.versus() {
                    // The second density of a quotient is drawn once more, without weights: where
                    // it has no points nearby, the quotient has no value.
                    let more = f64::from(u8::from(how == Comparison::Over));
                    all.extend(parts(other, each + more));
                }
                all
            }
            Self::Rows { count, weights } => vec![DensityDraw {
                times: each,
                radius: None,
                population: Population::Number(*count, *weights),
            }],
            Self::Nothing => Vec::new(),
        }
    }

    /// The estimated time to draw a picture, in nanoseconds. All points are drawn together and, if
    /// the layer has categories, the points of each category again. `ratio` is the number of device
    /// pixels per CSS pixel.
    pub(super) fn picture(&self, style: &Style, window: &Window, ratio: u32) -> f64 {
        let mut drawn = self.densities(style);
        if let Self::Points(set) = self {
            let kinds = set.categories().iter().map(|kind| DensityDraw {
                times: 1.0,
                radius: None,
                population: Population::Points(kind.points()),
            });
            drawn.extend(kinds);
        }
        let each = drawn.iter().map(|d| d.time(style, window, ratio));
        each.sum::<DrawTime>().all()
    }

    /// The estimated time in nanoseconds to measure the statistics of a scale at a level. They are
    /// measured in the densest tiles and in a sample of the others:
    ///
    /// * The mean time of the densest tiles is that of two of them: the least dense and the most
    ///   dense.
    /// * Each other tile is assumed to have as many points as the least dense of the densest tiles.
    ///   Its time is estimated at three latitudes, since a radius in metres has different sizes in
    ///   pixels there.
    ///
    /// An error if the kernel is wider than a request may ask for.
    pub(super) fn scale(&self, style: &Style, level: u8) -> Result<f64, ApiError> {
        let style = &*style.for_statistics(level);
        let z = level.saturating_sub(8).min(MAX_ZOOM);
        let densities = self.densities(style);
        let time = |window: &Window| -> DrawTime {
            densities.iter().map(|d| d.time(style, window, 1)).sum()
        };
        let dense = match self {
            Self::Points(set) => all_points(set).flat_map(|p| densest(p, z)).collect(),
            _ => Vec::new(),
        };
        let all = match self {
            // If there are fewer than `DENSEST` tiles with points, all of them are among the
            // densest.
            Self::Points(_) if dense.len() < DENSEST => 0.0,
            Self::Points(_) => SAMPLE.min(self.points()),
            _ => LIVE_SAMPLE,
        };
        let others = all.min(4f64.powi(i32::from(z))) - dense.len() as f64;
        let least = dense.iter().min_by_key(|(count, _)| *count);
        let most = dense.iter().max_by_key(|(count, _)| *count);
        let ends = least.into_iter().chain(most);
        let (first, last) = self.rows(z);
        let metres = matches!(style.radius().at_zoom(f64::from(z)), Length::Metres(_));
        let rows = if metres {
            f64::from(last - first + 1)
        } else {
            1.0
        };
        let ends =
            ends.map(|(_, tile)| time(&Window::tile(*tile, 256)).in_rows(dense.len() as f64, rows));
        let mut sum = ends.sum::<DrawTime>().all() / 2.0;

        for y in [first, first.midpoint(last), last] {
            let Ok(tile) = TileId::new(z, 0, y) else {
                continue;
            };
            let window = Window::tile(tile, 256);
            refuse_wide(style, &window, 1)?;
            if others <= 0.0 || (y != first && first == last) {
                continue;
            }
            // A tile also draws points of its neighbours that lie near the common border.
            let more = 1.0 + 2.0 * style.reach_in(window).min(256.0) / 256.0;
            let seen = least.map_or(0.0, |(count, _)| *count as f64 * more * more);
            let each = densities.iter().map(|drawn| {
                let population = Population::Number(
                    seen.min(drawn.population.count()),
                    drawn.population.weights(),
                );
                DensityDraw {
                    population,
                    ..*drawn
                }
                .time(style, &window, 1)
            });
            let parts = if first == last { 1.0 } else { 3.0 };
            let takes = each.sum::<DrawTime>();
            sum += takes.in_rows(others / parts, rows / parts).all();
        }
        Ok(sum)
    }

    /// The first and the last row of the tiles of zoom `z` that have points. Row 0 is the
    /// northernmost. For a live layer they are the first and the last row of the zoom.
    fn rows(&self, z: u8) -> (u32, u32) {
        let last = ((1u64 << z) - 1) as u32;
        let Self::Points(set) = self else {
            return (0, last);
        };
        let bounds = all_points(set).filter_map(|p| p.summary().bounds);
        let (mut south, mut north) = (f64::INFINITY, f64::NEG_INFINITY);
        for bounds in bounds {
            (south, north) = (south.min(bounds.south()), north.max(bounds.north()));
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

/// The points of a set and, if it is compared with another set, also that set's points.
fn all_points(set: &PointSet) -> impl Iterator<Item = &Points> {
    let other = set.versus().map(|(_, other)| &**other.points());
    std::iter::once(&**set.points()).chain(other)
}

/// The densities of a set, each of which is drawn `times` times for a picture. If points have radii
/// of their own, there is a density for each radius; otherwise there is only one.
fn parts(set: &PointSet, times: f64) -> impl Iterator<Item = DensityDraw<'_>> {
    let drawn = move |radius, points| DensityDraw {
        times,
        radius,
        population: Population::Points(points),
    };
    let whole = set.by_radius().is_empty().then_some(set);
    let own = set.by_radius().iter();
    own.map(move |(radius, part)| drawn(*radius, &**part.points()))
        .chain(whole.map(move |set| drawn(None, &**set.points())))
}

impl DensityDraw<'_> {
    /// The estimated time to draw this density in a window, in nanoseconds. `ratio` is the number
    /// of device pixels per CSS pixel.
    fn time(&self, style: &Style, window: &Window, ratio: u32) -> DrawTime {
        let own = self.radius.and_then(Radius::pixels);
        let own = own.map(|radius| style.clone().with_radius(radius));
        let style = own.as_ref().unwrap_or(style);
        let each = match style.blend() {
            BlendMode::Over(stamp) | BlendMode::Plus(stamp) => {
                splatting::markers(stamp, window, ratio, self.population)
            }
            _ if style.is_stamped() => {
                let classes = self.classes(style, window, ratio);
                let kinds = (classes, matches!(style.blend(), BlendMode::Set));
                let stamps =
                    |w: &_, kernel: &_, _, seen: &mut _| splatting::stamps(w, kernel, kinds, seen);
                by_strips(self.population, style, window, ratio, stamps)
            }
            _ => by_strips(self.population, style, window, ratio, splatting::plain),
        };
        each.times(self.times)
    }

    /// The number of different opacities, 1 to 256, that the splats of a picture can have. It is 1
    /// unless the style has `overlap=cover`, in which a splat's opacity depends on its point's
    /// weight.
    fn classes(&self, style: &Style, window: &Window, ratio: u32) -> f64 {
        let BlendMode::Cover(cover) = style.blend() else {
            return 1.0;
        };
        let zoom = window.zoom() - f64::from(ratio).log2();
        let class = |weight: f32| (cover.opacity(f64::from(weight), zoom) * 255.0).round();
        let (least, most) = self.population.weights();
        1.0 + (class(most) - class(least)).max(0.0)
    }
}

/// Up to [`DENSEST`] tiles of zoom `z` with the most points, each with its number of points. The
/// search begins with the world. At each zoom it takes the densest [`DENSEST`] tiles that it has
/// found and divides only these further, so it may miss a dense tile in a sparse region.
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
        // Of points that can't be read nothing is counted; drawing them then fails.
        let in_tile = |tile| points.tile_range(tile).map_or(0, |range| range.len());
        let counted = tiles.map(|tile| (in_tile(tile), tile));
        let mut counted: Vec<_> = counted.filter(|(count, _)| *count > 0).collect();
        counted.sort_by_key(|(count, tile)| (Reverse(*count), tile.x(), tile.y()));
        counted.truncate(DENSEST);
        densest = counted;
    }
    densest
}
