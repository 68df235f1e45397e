//! The pyramid: ever coarser copies of the points, each cell true to what it stands for.
//!
//! At level L there is one cell per occupied pixel of the world drawn 2ᴸ pixels
//! wide. A level is kept when it holds at most two fifths of the cells of the last
//! one kept (three quarters where there are few), which bounds what all levels cost
//! together, and each is built from the one below it.

use crate::point::Point;
use rayon::prelude::*;

/// One kept level: cells in Z-order and how many points each stands for.
#[derive(Debug)]
pub(crate) struct Level {
    /// The world is 2^`level` cells wide; 32 is the grid of the points themselves.
    pub(crate) level: u32,
    pub(crate) cells: Vec<Point>,
    pub(crate) counts: Vec<u32>,
}

/// The kept levels above sorted points, finest first.
pub(crate) fn build(points: &[Point]) -> Vec<Level> {
    let cells_at = cells_at_each_level(points);
    let mut levels: Vec<Level> = Vec::new();
    let mut last = points.len();
    for level in (0..=32u32).rev() {
        let cells = cells_at[level as usize];
        if cells == 0 || !worth_keeping(cells, last, points.len()) {
            continue;
        }
        last = cells;
        let built = match levels.last() {
            Some(below) => aggregate(&below.cells, Some(&below.counts), level, cells),
            None => aggregate(points, None, level, cells),
        };
        levels.push(built);
    }
    levels
}

/// A level must have at most two fifths of the cells below it: then all levels together
/// are two thirds of a copy of the points at most. Small levels cost next to nothing and
/// are what the low zooms read, so there a quarter less is enough.
fn worth_keeping(cells: usize, below: usize, points: usize) -> bool {
    cells * 5 <= below * 2 || (cells * 24 <= points && cells * 4 <= below * 3)
}

/// How many occupied pixels the world has at levels 0 to 32.
///
/// In Z-order a new pixel of level L begins where a point differs from the one
/// before it in the top L bits, so one pass counts for all levels.
fn cells_at_each_level(points: &[Point]) -> [usize; 33] {
    let first_difference = points
        .par_windows(2)
        .fold(
            || [0usize; 33],
            |mut seen, pair| {
                if let [a, b] = pair {
                    seen[((a.x ^ b.x) | (a.y ^ b.y)).leading_zeros() as usize] += 1;
                }
                seen
            },
        )
        .reduce(|| [0; 33], |a, b| std::array::from_fn(|i| a[i] + b[i]));
    let mut cells = [0; 33];
    let mut borders = usize::from(!points.is_empty());
    for level in 0..=32 {
        cells[level] = borders;
        borders += first_difference[level];
    }
    cells
}

/// The cells of a level from finer ones (or from points, which count once each).
fn aggregate(finer: &[Point], counts: Option<&[u32]>, level: u32, expected: usize) -> Level {
    let parts: Vec<(Vec<Point>, Vec<u32>)> = cut_at_cells(finer, level)
        .into_par_iter()
        .map(|(from, to)| {
            let mut cells = Vec::new();
            let mut sizes = Vec::new();
            let mut at = from;
            while at < to {
                let end = at + cell_length(&finer[at..to], level);
                let (cell, count) = merge(&finer[at..end], counts.map(|c| &c[at..end]));
                cells.push(cell);
                sizes.push(count);
                at = end;
            }
            (cells, sizes)
        })
        .collect();
    let mut cells = Vec::with_capacity(expected);
    let mut sizes = Vec::with_capacity(expected);
    for (part_cells, part_sizes) in parts {
        cells.extend_from_slice(&part_cells);
        sizes.extend_from_slice(&part_sizes);
    }
    Level {
        level,
        cells,
        counts: sizes,
    }
}

/// Ranges of about equal length, a few per thread, none of which cuts a cell.
fn cut_at_cells(finer: &[Point], level: u32) -> Vec<(usize, usize)> {
    let target = (finer.len() / (4 * rayon::current_num_threads())).max(4096);
    let mut cuts = Vec::new();
    let mut from = 0;
    while from < finer.len() {
        let mut to = (from + target).min(finer.len());
        while to < finer.len() && same_cell(&finer[to - 1], &finer[to], level) {
            to += 1;
        }
        cuts.push((from, to));
        from = to;
    }
    cuts
}

#[inline]
fn same_cell(a: &Point, b: &Point, level: u32) -> bool {
    ((a.x ^ b.x) | (a.y ^ b.y)).leading_zeros() >= level
}

fn cell_length(run: &[Point], level: u32) -> usize {
    let Some(first) = run.first() else { return 0 };
    run.iter()
        .position(|p| !same_cell(first, p, level))
        .unwrap_or(run.len())
}

/// The cell of points that lie together: their summed weight at their mean
/// position, each weighted by |weight| (or alike where all weights are 0).
/// Sums are in f64 and positions relative to the first, so nothing is lost.
fn merge(points: &[Point], counts: Option<&[u32]>) -> (Point, u32) {
    let origin = points[0];
    if let ([only], count) = (points, counts.map_or(1, |c| c[0])) {
        return (*only, count);
    }
    let (mut weight, mut mass, mut count) = (0.0f64, 0.0f64, 0u32);
    let (mut x, mut y, mut plain_x, mut plain_y) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
    for (i, p) in points.iter().enumerate() {
        let n = counts.map_or(1, |c| c[i]);
        let (dx, dy) = (offset(p.x, origin.x), offset(p.y, origin.y));
        let w = f64::from(p.weight);
        weight += w;
        mass += w.abs();
        x += w.abs() * dx;
        y += w.abs() * dy;
        plain_x += f64::from(n) * dx;
        plain_y += f64::from(n) * dy;
        count = count.saturating_add(n);
    }
    let (mean_x, mean_y) = if mass > 0.0 {
        (x / mass, y / mass)
    } else {
        (plain_x / f64::from(count), plain_y / f64::from(count))
    };
    let place = |origin: u32, mean: f64| (f64::from(origin) + mean).round() as u32;
    let weight = weight.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
    (
        Point {
            x: place(origin.x, mean_x),
            y: place(origin.y, mean_y),
            weight,
        },
        count,
    )
}

#[inline]
fn offset(a: u32, origin: u32) -> f64 {
    f64::from(a) - f64::from(origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zorder;
    use proptest::prelude::*;

    fn points() -> impl Strategy<Value = Vec<Point>> {
        let clustered = (0u32..4, 0u32..40, 0u32..40, -3i8..9).prop_map(|(c, x, y, w)| Point {
            x: c * 900_000_000 + x * x * 7,
            y: c * 700_000_000 + y,
            weight: f32::from(w),
        });
        prop::collection::vec(clustered, 1..500).prop_map(|mut v| {
            v.sort_by(zorder::compare);
            v
        })
    }

    proptest! {
        #[test]
        fn every_level_keeps_count_weight_and_centre(points in points()) {
            let mut last = points.len();
            for level in build(&points) {
                prop_assert!(worth_keeping(level.cells.len(), last, points.len()));
                last = level.cells.len();
                prop_assert!(level.cells.windows(2).all(|w| !same_cell(&w[0], &w[1], level.level)));
                prop_assert!(level.cells.is_sorted_by(|a, b| zorder::compare(a, b).is_lt()));
                let count: u32 = level.counts.iter().sum();
                prop_assert_eq!(count as usize, points.len());
                let sum = |ps: &[Point]| ps.iter().map(|p| f64::from(p.weight)).sum::<f64>();
                prop_assert_eq!(sum(&level.cells), sum(&points));
            }
        }
    }

    #[test]
    fn a_cell_lies_at_the_weighted_mean() {
        let at = |x, weight| Point { x, y: 8, weight };
        let (cell, count) = merge(&[at(10, 1.0), at(20, 3.0), at(18, 0.0)], None);
        assert_eq!((cell, count), (at(18, 4.0), 3)); // 17.5 rounds to 18
        let (cell, _) = merge(&[at(10, -1.0), at(20, 1.0)], None);
        assert_eq!(cell, at(15, 0.0));
        let (cell, count) = merge(&[at(10, 0.0), at(20, 0.0)], Some(&[3, 1]));
        assert_eq!((cell, count), (at(13, 0.0), 4)); // 12.5 rounds to 13
    }
}
