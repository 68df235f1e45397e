//! The search for the cells that a window shows. The search descends a quadtree, the recursive
//! division of the world into four quarters.
//!
//! In Z-order the points of each quad, a square of the quadtree, are one contiguous range. The
//! pyramid's nodes store the borders of these ranges for quads with many points. Elsewhere, in a
//! block of cells or among a few points, the search finds the borders by bisection.

use crate::mercator::WORLD;
use crate::paged::PagedCells;
use crate::point::Point;
use crate::pyramid::{self, Node, NodeId, Pyramid, SIDE_BITS};
use crate::window::Window;
use crate::zorder::{Quad, quarter_borders, quarters};
use std::ops::Range;

/// The greatest number of cells in a partly visible quad for which the search returns all these
/// cells, the invisible ones too, and doesn't divide the quad. The limit is used only if the window
/// lies in one copy of the world.
const FEW: usize = 24;
/// The greatest side, in pixels of the window, of a partly visible quad for which the search
/// returns all cells in it, the invisible ones too, and doesn't divide the quad.
const SMALL_PIXELS: f64 = 8.0;

/// A contiguous range of points or of cells that a window shows in one copy of the world.
#[derive(Clone, Debug, PartialEq)]
struct VisibleRun {
    /// The range of numbers of the points or cells. All points are numbered first, from 0, and then
    /// all cells of the pyramid, in the order in which
    /// [`Points::stream_into`](crate::Points::stream_into) writes them.
    range: Range<usize>,
    /// The distance in world units by which the copy of the world is shifted to the east: a
    /// multiple of the world's side.
    shift: f64,
}

/// The cells that a window shows, in [batches](Self::batches). Where no cells are stored, the
/// points themselves stand among them.
///
/// Some cells may lie outside the window, by up to eight of its pixels. If the window lies in one
/// copy of the world, a few cells may even lie anywhere. So the caller must test the position of
/// each cell. A cell appears twice only if two copies of it lie in the window or at most eight
/// pixels outside it.
///
/// If the window shows several copies of the world, the copies come from west to east. In each copy
/// the batches are in Z-order. So every window adds the same cells in the same order.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    source: CellSource<'a>,
}

/// A batch of consecutive cells, or of consecutive points, that a window shows in one copy of the
/// world.
#[derive(Clone, Debug)]
pub struct CellBatch<'c> {
    /// The cells or points, in Z-order.
    pub cells: &'c [Point],
    /// The number of points that each of the cells stands for; `None` for points.
    pub counts: Option<&'c [u32]>,
    /// The distance in world units by which the copy of the world is shifted to the east: a
    /// multiple of the world's side.
    pub shift: f64,
    /// The numbers of the cells in the order in which
    /// [`Points::stream_into`](crate::Points::stream_into) writes all points and cells, for callers
    /// that keep a copy of these. `None` if the cells were read for this search alone.
    pub resident: Option<Range<usize>>,
    /// For cells that were made from those of another index: the points or cells of that index, and
    /// the level of the squares in which they lie. Cells whose origins share a square are parts of
    /// one cell, which [`Points::divide`](crate::Points::divide) divides.
    pub origins: Option<(&'c [Point], u32)>,
}

/// The origin of the cells of a search.
#[derive(Clone, Debug)]
enum CellSource<'a> {
    Memory {
        points: &'a [Point],
        pyramid: &'a Pyramid,
        runs: Vec<VisibleRun>,
    },
    Paged(PagedCells),
}

impl<'a> Cells<'a> {
    /// Searches for the cells at `level`, or at a finer level where none are stored at `level`,
    /// that the window shows. If `level` is [`pyramid::POINTS`], the search finds the points
    /// themselves.
    pub(crate) fn search(
        points: &'a [Point],
        pyramid: &'a Pyramid,
        level: u32,
        window: &Window,
    ) -> Self {
        let mut search = Search {
            points,
            pyramid,
            level,
            view: [0.0; 4],
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
            search.view = [
                window.left() - search.shift,
                window.top(),
                window.right() - search.shift,
                window.bottom(),
            ];
            match pyramid.root {
                Some(root) => search.visit_node(Quad::WORLD, root),
                None => search.visit(EntrySource::Points, Quad::WORLD, 0..points.len()),
            }
        }
        Self {
            source: CellSource::Memory {
                points,
                pyramid,
                runs: search.runs,
            },
        }
    }

    /// Makes a result of cells that were read for this search alone.
    pub(crate) fn from_paged(cells: PagedCells) -> Self {
        Self {
            source: CellSource::Paged(cells),
        }
    }

    /// Returns the number of cells in all batches. A cell that the window shows in two copies of
    /// the world counts twice.
    pub fn len(&self) -> usize {
        match &self.source {
            CellSource::Memory { runs, .. } => runs.iter().map(|r| r.range.len()).sum(),
            CellSource::Paged(cells) => cells.runs.iter().map(|r| r.range.len()).sum(),
        }
    }

    /// Returns true if the window shows no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the batches of cells that the window shows.
    pub fn batches(&self) -> impl Iterator<Item = CellBatch<'_>> {
        let runs = match &self.source {
            CellSource::Memory { runs, .. } => runs.len(),
            CellSource::Paged(cells) => cells.runs.len(),
        };
        (0..runs).filter_map(|number| self.batch(number))
    }

    fn batch(&self, number: usize) -> Option<CellBatch<'_>> {
        match &self.source {
            CellSource::Memory {
                points,
                pyramid,
                runs,
            } => {
                let VisibleRun { range, shift } = runs.get(number)?;
                // Points are numbered before the pyramid's cells.
                let (cells, counts) = match range.start.checked_sub(points.len()) {
                    None => (points.get(range.clone())?, None),
                    Some(start) => {
                        let within = start..start + range.len();
                        let counts = pyramid.counts.get(within.clone())?;
                        (pyramid.cells.get(within)?, Some(counts))
                    }
                };
                Some(CellBatch {
                    cells,
                    counts,
                    shift: *shift,
                    resident: Some(range.clone()),
                    origins: None,
                })
            }
            CellSource::Paged(PagedCells {
                entries,
                counts,
                origins,
                runs,
            }) => {
                let run = runs.get(number)?;
                Some(CellBatch {
                    cells: entries.get(run.range.clone())?,
                    counts: match run.are_points {
                        true => None,
                        false => Some(counts.get(run.range.clone())?),
                    },
                    shift: run.shift,
                    resident: None,
                    origins: origins.get(run.range.clone()).map(|o| (o, run.level)),
                })
            }
        }
    }

    /// Returns the cells of each batch, with the batch's shift to the east in world units: that of
    /// the copy of the world in which they are shown.
    pub fn slices(&self) -> impl Iterator<Item = (&[Point], f64)> {
        self.batches().map(|batch| (batch.cells, batch.shift))
    }
}

/// Returns the range of the indices, in `points`, of the points that lie in a quad.
pub(crate) fn quad_range(points: &[Point], pyramid: &Pyramid, quad: Quad) -> Range<usize> {
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
        let part = quarters(borders).into_iter().nth(quarter as usize);
        range = part.unwrap_or_default();
        node = here.and_then(|node| *node.quarters.get(quarter as usize)?);
        at = at.child(quarter);
    }
    range
}

/// The two slices that a range may refer to: the points, or the cells of the pyramid.
#[derive(Clone, Copy)]
enum EntrySource {
    Points,
    Pyramid,
}

/// The state of a search in one copy of the world.
struct Search<'a> {
    points: &'a [Point],
    pyramid: &'a Pyramid,
    /// The coarsest level whose cells are small enough for the caller of the search.
    level: u32,
    /// The west, north, east and south edge of the window, in world units of this copy of the
    /// world.
    view: [f64; 4],
    shift: f64,
    /// The greatest side, in world units, of a partly visible quad whose cells are all returned,
    /// the invisible ones too: [`SMALL_PIXELS`] pixels of the window.
    small: f64,
    /// The greatest number of cells in a partly visible quad that are all returned, the invisible
    /// ones too: [`FEW`], or 0 if the window reaches into several copies of the world. There a cell
    /// that is returned without a test might lie far from the window in one of the copies.
    few: usize,
    runs: Vec<VisibleRun>,
}

/// The part of a quad that a window shows: none of it, some of it or all of it.
#[derive(PartialEq)]
enum Visibility {
    None,
    Partial,
    Full,
}

impl Search<'_> {
    /// Adds the visible part of a quad to `runs`: the cells of its node's block if these cells are
    /// at the wanted level or finer, or else the visible parts of the node's quarters.
    fn visit_node(&mut self, quad: Quad, id: NodeId) {
        let visibility = self.visibility(quad);
        let Some(node) = self
            .pyramid
            .node(id)
            .filter(|_| visibility != Visibility::None)
        else {
            return;
        };
        let Node {
            borders,
            quarters: nodes,
            block,
        } = node;
        if quad.depth + SIDE_BITS >= self.level && !block.is_empty() {
            self.visit(EntrySource::Pyramid, quad, block.clone());
        } else if self.level == pyramid::POINTS && visibility == Visibility::Full {
            self.take(EntrySource::Points, borders[0]..borders[4]);
        } else {
            for ((quarter, node), range) in (0..4).zip(nodes).zip(quarters(*borders)) {
                let quad = quad.child(quarter);
                match node {
                    Some(node) => self.visit_node(quad, *node),
                    None => self.visit(EntrySource::Points, quad, range),
                }
            }
        }
    }

    /// Adds points or cells of a quad to `runs`. `range` are the quad's points, or its cells, in
    /// the slice that `source` names. All of them are added if the window shows the whole quad, if
    /// they are few or if the quad is small; otherwise only those in the quad's visible quarters.
    fn visit(&mut self, source: EntrySource, quad: Quad, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let visibility = self.visibility(quad);
        if visibility == Visibility::None {
            return;
        }
        let (west, _, east, _) = quad.edges();
        let whole = visibility == Visibility::Full || range.len() <= self.few;
        if whole || east - west <= self.small || quad.depth == 32 {
            self.take(source, range);
            return;
        }
        let cells = match source {
            EntrySource::Points => self.points,
            EntrySource::Pyramid => &self.pyramid.cells,
        };
        let borders = quarter_borders(cells, &range, quad);
        for (quarter, part) in (0..4).zip(quarters(borders)) {
            self.visit(source, quad.child(quarter), part);
        }
    }

    fn visibility(&self, quad: Quad) -> Visibility {
        let (west, north, east, south) = quad.edges();
        let [left, top, right, bottom] = self.view;
        if east <= left || west >= right || south <= top || north >= bottom {
            Visibility::None
        } else if west >= left && east <= right && north >= top && south <= bottom {
            Visibility::Full
        } else {
            Visibility::Partial
        }
    }

    /// Adds a range of the points, or of the pyramid's cells, to `runs`. If it directly follows the
    /// last range there, the two are joined.
    fn take(&mut self, source: EntrySource, range: Range<usize>) {
        let first = match source {
            EntrySource::Points => 0,
            EntrySource::Pyramid => self.points.len(),
        };
        let range = range.start + first..range.end + first;
        match self.runs.last_mut() {
            // The last point and the pyramid's first cell have successive numbers but are not
            // contiguous in memory, so their ranges are not joined.
            Some(last)
                if last.range.end == range.start
                    && last.shift == self.shift
                    && range.start != self.points.len() =>
            {
                last.range.end = range.end;
            }
            _ => self.runs.push(VisibleRun {
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
    use crate::{Cells, Point, Points, TileId, Window};
    use proptest::prelude::*;

    fn scattered() -> impl Strategy<Value = Vec<Point>> {
        let anywhere = (any::<u32>(), any::<u32>());
        let near = (0u32..1 << 20, 0u32..1 << 20)
            .prop_map(|(x, y)| (x.wrapping_sub(1 << 19), y + (1 << 30)));
        let at = prop_oneof![anywhere, near].prop_map(|(x, y)| Point { x, y, weight: 1.0 });
        prop::collection::vec(at, 0..3000)
    }

    /// The number of points that the cells stand for.
    fn count(cells: &Cells<'_>) -> u32 {
        cells
            .batches()
            .filter_map(|batch| batch.counts)
            .flatten()
            .sum()
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
            prop_assert!(is_sorted(index.as_slice().unwrap()));
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

        /// A few points may be returned although the window doesn't show them, but only if the
        /// window lies in one copy of the world.
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
                    let range = index.tile_range(TileId::new(z, x, y).unwrap()).unwrap();
                    let inside = |p: &Point| z == 0 || (p.x >> (32 - z) == x && p.y >> (32 - z) == y);
                    prop_assert!(index.as_slice().unwrap()[range.clone()].iter().all(inside));
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
        // Finer blocks are read instead if the block of this level was not worth its memory.
        assert!(index.cells(&world, 1.0).len() <= 2 * 64 * 64);
        assert_eq!(index.cells(&world, 0.0).len(), points.len());
        let counted = count(&index.cells(&world, 1.0));
        assert_eq!(counted as usize, points.len());
    }

    /// A group of points in a few pixels costs only as many cells as those pixels need, even if the
    /// rest of the world has hardly two points in a pixel.
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
        // The group lies in 4 × 4 pixels.
        let window = Window::at_level(22, (1 << 20) - 20, (1 << 19) - 20, 64, 64);
        let cells = index.cells(&window, 1.0);
        let counted = count(&cells);
        assert!(counted >= 200_000, "{counted}");
        assert!(cells.len() < 300, "{}", cells.len());
    }

    /// If every pixel has a few points, at most two and a half cells for each pixel are read.
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
