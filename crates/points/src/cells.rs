//! Which cells a window sees: a walk down the quadtree that the sort order spells out.
//!
//! In Z-order every quad of the quadtree is one contiguous range, so nothing but
//! the sorted cells is stored; a small directory of the upper quads saves the
//! first steps of the search.

use crate::mercator::WORLD;
use crate::point::Point;
use crate::pyramid::Level;
use crate::window::Window;
use crate::zorder::{self, Quad};
use std::ops::Range;

/// A quad that is only partly seen is not divided below so many cells …
const FEW: usize = 24;
/// … nor below so many pixels a side.
const SMALL_PIXELS: f64 = 8.0;

/// A stretch of cells, and how far east the world has to be shifted for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Which cells of [`Cells::all`].
    pub range: Range<usize>,
    /// Whole worlds east (world units): the world repeats in x.
    pub shift: f64,
}

/// The cells that a window sees, as ranges of one level.
///
/// Runs are in Z-order within each copy of the world and copies go from west to
/// east, so that sums over cells add in one order whatever the window.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    all: &'a [Point],
    counts: &'a [u32],
    level: u32,
    runs: Vec<Run>,
}

impl<'a> Cells<'a> {
    pub(crate) fn none() -> Self {
        Self {
            all: &[],
            counts: &[],
            level: 32,
            runs: Vec::new(),
        }
    }

    pub(crate) fn seen(level: &'a Level, directory: &Directory, window: &Window) -> Self {
        let mut search = Search {
            cells: &level.cells,
            small: window.pixel() * SMALL_PIXELS,
            ..Search::EMPTY
        };
        let first = (window.left() / WORLD).floor() as i64;
        let last = (window.right() / WORLD).ceil() as i64 - 1;
        for copy in first..=last {
            search.shift = copy as f64 * WORLD;
            search.seen = [
                window.left() - search.shift,
                window.top(),
                window.right() - search.shift,
                window.bottom(),
            ];
            search.start(directory);
        }
        Self {
            all: &level.cells,
            counts: &level.counts,
            level: level.level,
            runs: search.runs,
        }
    }

    /// The level that the cells belong to; 32 is the points themselves.
    pub fn level(&self) -> u8 {
        self.level as u8
    }

    /// All cells of the level, which the runs are ranges of.
    pub fn all(&self) -> &'a [Point] {
        self.all
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
        self.runs
            .iter()
            .filter_map(|r| Some((self.all.get(r.range.clone())?, r.shift)))
    }

    /// For each run how many points its cells stand for; `None` where each is one point.
    pub fn counts(&self) -> impl Iterator<Item = Option<&'a [u32]>> + '_ {
        self.runs.iter().map(|r| self.counts.get(r.range.clone()))
    }
}

/// Where the quads of one depth begin among sorted cells.
#[derive(Debug)]
pub(crate) struct Directory {
    depth: u32,
    starts: Vec<usize>,
}

impl Directory {
    /// As deep as keeps it under a quarter byte a cell, at most 262,144 quads.
    pub(crate) fn of(cells: &[Point]) -> Self {
        let depth = ((cells.len() / 32).max(1).ilog2() / 2).min(9);
        let quads = 1usize << (2 * depth);
        let mut starts = Vec::with_capacity(quads + 1);
        let number = |p: &Point| match depth {
            0 => 0,
            d => zorder::interleave(p.x >> (32 - d), p.y >> (32 - d)) as usize,
        };
        for (i, cell) in cells.iter().enumerate() {
            while starts.len() <= number(cell) {
                starts.push(i);
            }
        }
        starts.resize(quads + 1, cells.len());
        Self { depth, starts }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.starts.capacity() * size_of::<usize>()
    }

    /// The cells of a quad no deeper than the directory.
    fn range(&self, quad: Quad) -> Range<usize> {
        let below = 2 * (self.depth - quad.depth);
        let number = zorder::interleave(quad.x, quad.y) as usize;
        let start = |n: usize| self.starts.get(n << below).copied().unwrap_or(0);
        start(number)..start(number + 1)
    }
}

/// The range of the cells of any quad.
pub(crate) fn locate(cells: &[Point], directory: &Directory, quad: Quad) -> Range<usize> {
    let depth = quad.depth.min(directory.depth);
    let up = quad.depth - depth;
    let mut at = Quad {
        depth,
        x: quad.x.checked_shr(up).unwrap_or(0),
        y: quad.y.checked_shr(up).unwrap_or(0),
    };
    let mut range = directory.range(at);
    while at.depth < quad.depth && !range.is_empty() {
        let bit = quad.depth - at.depth - 1;
        let quarter = (quad.x >> bit) & 1 | ((quad.y >> bit) & 1) << 1;
        let borders = quarter_borders(cells, &range, at);
        range = borders[quarter as usize]..borders[quarter as usize + 1];
        at = at.child(quarter);
    }
    range
}

/// Where the four quarters of a quad begin and end within its range.
#[inline]
fn quarter_borders(cells: &[Point], range: &Range<usize>, quad: Quad) -> [usize; 5] {
    let here = &cells[range.clone()];
    let half = here.partition_point(|p| quad.quarter_of(p) < 2);
    let first = here[..half].partition_point(|p| quad.quarter_of(p) < 1);
    let third = half + here[half..].partition_point(|p| quad.quarter_of(p) < 3);
    [0, first, half, third, here.len()].map(|i| range.start + i)
}

struct Search<'a> {
    cells: &'a [Point],
    /// West, north, east, south of the window in this copy of the world.
    seen: [f64; 4],
    shift: f64,
    /// Quads of this side in world units and less are taken whole.
    small: f64,
    runs: Vec<Run>,
}

impl Search<'_> {
    const EMPTY: Search<'static> = Search {
        cells: &[],
        seen: [0.0; 4],
        shift: 0.0,
        small: 0.0,
        runs: Vec::new(),
    };

    /// Begins at the directory's quads that are about as large as the window.
    fn start(&mut self, directory: &Directory) {
        let [west, north, east, south] = self.seen.map(|v| v.clamp(0.0, WORLD));
        if west >= east || north >= south {
            return;
        }
        let side = (east - west).max(south - north);
        let depth = ((WORLD / side).log2().floor() as u32).min(directory.depth);
        let column = |v: f64| ((v / WORLD * (1u64 << depth) as f64) as u32).min((1 << depth) - 1);
        let mut quads = Vec::with_capacity(9);
        for y in column(north)..=column(south) {
            for x in column(west)..=column(east) {
                quads.push(Quad { depth, x, y });
            }
        }
        quads.sort_unstable_by_key(|q| zorder::interleave(q.x, q.y));
        for quad in quads {
            self.visit(quad, directory.range(quad));
        }
    }

    fn visit(&mut self, quad: Quad, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let (west, north, east, south) = quad.edges();
        let [left, top, right, bottom] = self.seen;
        if east <= left || west >= right || south <= top || north >= bottom {
            return;
        }
        let inside = west >= left && east <= right && north >= top && south <= bottom;
        if inside || range.len() <= FEW || east - west <= self.small || quad.depth == 32 {
            self.take(range);
            return;
        }
        let borders = quarter_borders(self.cells, &range, quad);
        for quarter in 0..4 {
            let part = borders[quarter as usize]..borders[quarter as usize + 1];
            self.visit(quad.child(quarter), part);
        }
    }

    /// Adds a range, joined to the last one where they meet.
    fn take(&mut self, range: Range<usize>) {
        match self.runs.last_mut() {
            Some(last) if last.range.end == range.start && last.shift == self.shift => {
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
    use crate::index::is_sorted;
    use crate::mercator::WORLD;
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
        // the next finer level is read where the own one was not worth keeping
        assert!(index.cells(&world, 1.0).len() <= 2 * 64 * 64);
        assert_eq!(index.cells(&world, 0.0).len(), points.len());
        let counted: u32 = index.cells(&world, 1.0).counts().flatten().flatten().sum();
        assert_eq!(counted as usize, points.len());
    }
}
