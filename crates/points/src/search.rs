//! Which cells a window sees: a walk down the quadtree that the sort order spells out.
//!
//! In Z-order every quad of the quadtree is one contiguous range. The pyramid's nodes tell
//! where those of crowded quads begin; within a block or among a few points they are searched.

use crate::mercator::WORLD;
use crate::point::Point;
use crate::pyramid::{self, Node, NodeId, Pyramid, SIDE_BITS};
use crate::window::Window;
use crate::zorder::{Quad, quarter_borders};
use std::ops::Range;

/// A quad that is only partly seen is not divided below so many cells, where the window is in
/// one copy of the world …
const FEW: usize = 24;
/// … nor below so many pixels a side.
const SMALL_PIXELS: f64 = 8.0;

/// A stretch of cells, and how far east the world has to be shifted for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Which: counted through all points and then all cells of the pyramid, the order in
    /// which [`Points::stream_into`](crate::Points::stream_into) gives them.
    pub range: Range<usize>,
    /// Whole worlds east (world units): the world repeats in x.
    pub shift: f64,
}

/// The cells that a window sees.
///
/// Among them are cells up to eight pixels outside; where it lies within one copy of the world,
/// also a few from anywhere in it. So each has to be looked at, but none is there twice except
/// where the window reaches, within eight pixels, to both of its copies.
///
/// Runs are in Z-order within each copy of the world and copies go from west to
/// east, so that sums over cells add in one order whatever the window.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    points: &'a [Point],
    pyramid: &'a Pyramid,
    runs: Vec<Run>,
}

impl<'a> Cells<'a> {
    /// What a window sees in cells of at least a level ([`pyramid::POINTS`]: the points).
    pub(crate) fn seen(
        points: &'a [Point],
        pyramid: &'a Pyramid,
        level: u32,
        window: &Window,
    ) -> Self {
        let mut search = Search {
            points,
            pyramid,
            level,
            seen: [0.0; 4],
            shift: 0.0,
            small: window.pixel() * SMALL_PIXELS,
            few: 0,
            runs: Vec::new(),
        };
        let first = (window.left() / WORLD).floor() as i64;
        let last = (window.right() / WORLD).ceil() as i64 - 1;
        if first >= last {
            search.few = FEW;
        }
        for copy in first..=last {
            search.shift = copy as f64 * WORLD;
            search.seen = [
                window.left() - search.shift,
                window.top(),
                window.right() - search.shift,
                window.bottom(),
            ];
            match pyramid.root {
                Some(root) => search.visit_node(Quad::WORLD, root),
                None => search.visit(Source::Points, Quad::WORLD, 0..points.len()),
            }
        }
        Self {
            points,
            pyramid,
            runs: search.runs,
        }
    }

    /// The stretches that the window sees.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// How many cells the runs hold; cells seen in two copies of the world count twice.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|r| r.range.len()).sum()
    }

    /// Whether the window sees nothing.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Each run's cells with its shift east in world units.
    pub fn slices(&self) -> impl Iterator<Item = (&'a [Point], f64)> + '_ {
        self.runs.iter().filter_map(|r| {
            let slice = match self.of_pyramid(&r.range) {
                Some(range) => self.pyramid.cells.get(range),
                None => self.points.get(r.range.clone()),
            };
            Some((slice?, r.shift))
        })
    }

    /// For each run how many points its cells stand for; `None` where each is one point.
    pub fn counts(&self) -> impl Iterator<Item = Option<&'a [u32]>> + '_ {
        self.runs
            .iter()
            .map(|r| self.pyramid.counts.get(self.of_pyramid(&r.range)?))
    }

    /// A run's place among the pyramid's cells, unless it is a run of points.
    fn of_pyramid(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let start = range.start.checked_sub(self.points.len())?;
        Some(start..start + range.len())
    }
}

/// The points of any quad.
pub(crate) fn locate(points: &[Point], pyramid: &Pyramid, quad: Quad) -> Range<usize> {
    let mut at = Quad::WORLD;
    let mut range = 0..points.len();
    let mut node = pyramid.root;
    while at.depth < quad.depth && !range.is_empty() {
        let bit = quad.depth - at.depth - 1;
        let quarter = (quad.x >> bit) & 1 | ((quad.y >> bit) & 1) << 1;
        let here = node.and_then(|id| pyramid.node(id));
        let borders = match here {
            Some(node) => node.borders,
            None => quarter_borders(points, &range, at),
        };
        range = borders[quarter as usize]..borders[quarter as usize + 1];
        node = here.and_then(|node| node.quarters[quarter as usize]);
        at = at.child(quarter);
    }
    range
}

/// Where cells are looked for.
#[derive(Clone, Copy)]
enum Source {
    Points,
    Pyramid,
}

struct Search<'a> {
    points: &'a [Point],
    pyramid: &'a Pyramid,
    /// The coarsest level that will do.
    level: u32,
    /// West, north, east, south of the window in this copy of the world.
    seen: [f64; 4],
    shift: f64,
    /// Quads of this side in world units and less are taken whole.
    small: f64,
    /// So many cells are taken though not all of them are seen: none where the window has several
    /// copies of the world, so that a cell is never taken in a copy where it is far away.
    few: usize,
    runs: Vec<Run>,
}

/// How much of a quad a window sees.
#[derive(PartialEq)]
enum Sight {
    Nothing,
    Part,
    Whole,
}

impl Search<'_> {
    /// Takes a node's block if it is fine enough, else what lies in its quarters.
    fn visit_node(&mut self, quad: Quad, id: NodeId) {
        let sight = self.sight(quad);
        let Some(node) = self.pyramid.node(id).filter(|_| sight != Sight::Nothing) else {
            return;
        };
        let Node {
            borders,
            quarters,
            block,
        } = node;
        if quad.depth + SIDE_BITS >= self.level && !block.is_empty() {
            self.visit(Source::Pyramid, quad, block.clone());
        } else if self.level == pyramid::POINTS && sight == Sight::Whole {
            self.take(Source::Points, borders[0]..borders[4]);
        } else {
            for (quarter, node) in (0..4).zip(quarters) {
                let quad = quad.child(quarter);
                let range = borders[quarter as usize]..borders[quarter as usize + 1];
                match node {
                    Some(node) => self.visit_node(quad, *node),
                    None => self.visit(Source::Points, quad, range),
                }
            }
        }
    }

    /// Takes what the window sees of a quad's points or cells.
    fn visit(&mut self, source: Source, quad: Quad, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let sight = self.sight(quad);
        if sight == Sight::Nothing {
            return;
        }
        let (west, _, east, _) = quad.edges();
        let whole = sight == Sight::Whole || range.len() <= self.few;
        if whole || east - west <= self.small || quad.depth == 32 {
            self.take(source, range);
            return;
        }
        let cells = match source {
            Source::Points => self.points,
            Source::Pyramid => &self.pyramid.cells,
        };
        let borders = quarter_borders(cells, &range, quad);
        for quarter in 0..4 {
            let part = borders[quarter as usize]..borders[quarter as usize + 1];
            self.visit(source, quad.child(quarter), part);
        }
    }

    fn sight(&self, quad: Quad) -> Sight {
        let (west, north, east, south) = quad.edges();
        let [left, top, right, bottom] = self.seen;
        if east <= left || west >= right || south <= top || north >= bottom {
            Sight::Nothing
        } else if west >= left && east <= right && north >= top && south <= bottom {
            Sight::Whole
        } else {
            Sight::Part
        }
    }

    /// Adds a range, joined to the last one where they meet.
    fn take(&mut self, source: Source, range: Range<usize>) {
        let first = match source {
            Source::Points => 0,
            Source::Pyramid => self.points.len(),
        };
        let range = range.start + first..range.end + first;
        match self.runs.last_mut() {
            // points never meet cells: the last point and the first cell are no neighbours
            Some(last)
                if last.range.end == range.start
                    && last.shift == self.shift
                    && range.start != self.points.len() =>
            {
                last.range.end = range.end;
            }
            _ => self.runs.push(Run {
                range,
                shift: self.shift,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mercator::WORLD;
    use crate::points::is_sorted;
    use crate::{Point, Points, TileId, Window};
    use proptest::prelude::*;

    fn scattered() -> impl Strategy<Value = Vec<Point>> {
        let anywhere = (any::<u32>(), any::<u32>());
        let near = (0u32..1 << 20, 0u32..1 << 20)
            .prop_map(|(x, y)| (x.wrapping_sub(1 << 19), y + (1 << 30)));
        let at = prop_oneof![anywhere, near].prop_map(|(x, y)| Point { x, y, weight: 1.0 });
        prop::collection::vec(at, 0..3000)
    }

    fn in_window(p: &Point, w: &Window, shift: f64) -> bool {
        let (x, y) = (f64::from(p.x) + shift, f64::from(p.y));
        x >= w.left() && x < w.right() && y >= w.top() && y < w.bottom()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_window_sees_each_of_its_points_once(
            points in scattered(), level in 6u8..20, x in -300i64..600, y in -300i64..600,
            width in 1u32..700, height in 1u32..700,
        ) {
            let index = Points::from_slice(&points);
            prop_assert!(is_sorted(index.as_slice()));
            let window = Window::at_level(level, x, y, width, height);
            let cells = index.cells(&window, 0.0);
            let got = cells
                .slices()
                .flat_map(|(run, shift)| run.iter().filter(move |p| in_window(p, &window, shift)))
                .count();
            let copies = (-8..=24).map(|c| f64::from(c) * WORLD);
            let expected: usize =
                copies.map(|s| points.iter().filter(|p| in_window(p, &window, s)).count()).sum();
            prop_assert_eq!(got, expected);
        }

        /// What few points cost to tell apart may be saved, but not what copy of the world they
        /// are in.
        #[test]
        fn few_points_are_seen_where_they_are(
            points in prop::collection::vec((0u32..1 << 24, any::<u32>(), any::<bool>()), 1..40),
            level in 0u8..31, x in -300i64..300, y in -300i64..300, width in 1u32..700,
        ) {
            let points: Vec<_> = points
                .into_iter()
                .map(|(x, y, west)| Point { x: if west { x } else { u32::MAX - x }, y, weight: 1.0 })
                .collect();
            let index = Points::from_slice(&points);
            let window = Window::at_level(level, x, y, width, 300);
            let near = window.grown(8);
            let several = window.left() < 0.0 && window.right() > 0.0;
            for (run, shift) in index.cells(&window, 0.0).slices() {
                prop_assert!(!several || run.iter().all(|p| in_window(p, &near, shift)));
            }
        }

        #[test]
        fn tiles_cut_the_points_into_ranges(points in scattered(), z in 0u8..6) {
            let index = Points::from_slice(&points);
            let mut seen = 0;
            for y in 0..1u32 << z {
                for x in 0..1u32 << z {
                    let range = index.tile_range(TileId::new(z, x, y).unwrap());
                    let inside = |p: &Point| z == 0 || (p.x >> (32 - z) == x && p.y >> (32 - z) == y);
                    prop_assert!(index.as_slice()[range.clone()].iter().all(inside));
                    seen += range.len();
                }
            }
            prop_assert_eq!(seen, points.len());
            let occupied = index.occupied_tiles(z);
            prop_assert_eq!(occupied.iter().map(|t| t.mass).sum::<f64>(), points.len() as f64);
        }
    }

    #[test]
    fn coarse_windows_read_coarse_cells() {
        let points: Vec<Point> = (0..100_000u32)
            .map(|i| Point {
                x: i.wrapping_mul(7_919_777),
                y: i.wrapping_mul(104_729_111),
                weight: 1.0,
            })
            .collect();
        let index = Points::from_slice(&points);
        let world = Window::at_level(6, 0, 0, 64, 64);
        // finer blocks are read where the own one was not worth keeping
        assert!(index.cells(&world, 1.0).len() <= 2 * 64 * 64);
        assert_eq!(index.cells(&world, 0.0).len(), points.len());
        let counted: u32 = index.cells(&world, 1.0).counts().flatten().flatten().sum();
        assert_eq!(counted as usize, points.len());
    }

    /// A crowd in a few pixels costs what its pixels do, though the rest of the world has
    /// hardly two points in one.
    #[test]
    fn a_crowd_costs_its_pixels() {
        let alone =
            (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761), i.wrapping_mul(40_503 << 8)));
        let crowd = (0..200_000u32).map(|i| ((1 << 30) + i % 3_001, (1 << 29) + i % 2_003));
        let points: Vec<Point> = alone
            .chain(crowd)
            .map(|(x, y)| Point { x, y, weight: 1.0 })
            .collect();
        let index = Points::from_slice(&points);
        // 4 × 4 pixels hold the crowd
        let window = Window::at_level(22, (1 << 20) - 20, (1 << 19) - 20, 64, 64);
        let cells = index.cells(&window, 1.0);
        let counted: u32 = cells.counts().flatten().flatten().sum();
        assert!(counted >= 200_000, "{counted}");
        assert!(cells.len() < 300, "{}", cells.len());
    }

    /// Where every pixel has a few points, at most two and a half times the pixels are read.
    #[test]
    fn a_few_points_to_a_pixel_are_read_as_cells() {
        let points: Vec<Point> = (0..40_960u32)
            .map(|i| {
                let (pixel, within) = (i / 10, i % 10);
                Point {
                    x: ((pixel % 64) << 12) + within * 311,
                    y: ((pixel / 64) << 12) + within * 197,
                    weight: 1.0,
                }
            })
            .collect();
        let index = Points::from_slice(&points);
        let window = Window::at_level(20, 0, 0, 64, 64);
        let read = index.cells(&window, 1.0).len();
        assert!(read <= 64 * 64 * 5 / 2, "{read}");
    }
}
