//! Sites: a site stands for all points of equal opacity in one subpixel, a small square of a pixel.
//!
//! Sites are visited in the order of their positions in the world, row by row or along the Z-order
//! curve. The splats of many points in one subpixel cost no more than one splat, and neighbouring
//! tiles compute the same sums in the same order.

use crate::unit_costs::{self as ns, REPORTED_CELLS, report};
use heatsplat_points::{Points, Window};

/// The greatest number of subpixels along each side of a pixel with which the points of sites are
/// counted on a grid. With more subpixels, sites are collected in a list.
const MOST_GRIDDED: u32 = 8;

/// All points that have one subpixel and one opacity in common. Their splats are equal, so the
/// splat is computed only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// The column of the subpixel, counted from the window's left edge. It may lie outside the
    /// window.
    pub(super) x: i64,
    /// The row of the subpixel, counted from the window's top edge. It may lie outside the window.
    pub(super) y: i64,
    /// The opacity, 1 to 255, of each point that the site stands for.
    pub(super) opacity: u8,
    /// The number of points in this subpixel that have this opacity.
    pub(super) count: u32,
}

/// A window whose pixels are divided into subpixels, with a margin around it. It finds the sites of
/// an index: the subpixels that have points.
pub(super) struct SubpixelWindow {
    pub(super) window: Window,
    /// The number of subpixels along each side of a pixel.
    pub(super) phases: u32,
    /// The offset (x, y) in pixels that is added to each point's position before its subpixel is
    /// found.
    pub(super) shift: (f64, f64),
    /// The width of the margin in pixels. Points in the margin still change the picture.
    pub(super) margin: u32,
    /// True to sort the sites, so that each appears once, which saves time if stamps are large. If
    /// false, sites come in the order of the index of points, and a site may appear several times.
    pub(super) sorted: bool,
}

impl SubpixelWindow {
    /// Returns the sites of an index of points: the number of points in each subpixel that have
    /// equal opacity. `opacity` computes a point's opacity from its weight; points with opacity 0
    /// are left out.
    pub(super) fn sites(&self, points: &Points, opacity: impl Fn(f32) -> u8) -> Vec<Site> {
        let summary = points.summary();
        let (least, most) = (opacity(summary.weight_min), opacity(summary.weight_max));
        let alike = least == most && least > 0;
        if alike && self.phases <= MOST_GRIDDED {
            return self.counted(points, least);
        }
        // If all points have one opacity, they may be read as cells, since the number of points in
        // each cell is known.
        let finest = if alike { self.finest() } else { 0.0 };
        let mut sites = Vec::new();
        self.each(points, finest, |x, y, weight, count| {
            let opacity = if alike { least } else { opacity(weight) };
            if opacity > 0 {
                sites.push(Site {
                    x,
                    y,
                    opacity,
                    count,
                });
            }
        });
        if self.sorted {
            report(sites.len(), ns::LISTED);
            sites.sort_unstable_by_key(|s| (s.y, s.x, s.opacity));
        }
        sites.dedup_by(|later, first| {
            let same = (later.y, later.x, later.opacity) == (first.y, first.x, first.opacity);
            if same {
                first.count = first.count.saturating_add(later.count);
            }
            same
        });
        sites
    }

    /// The greatest side, in pixels, of cells that always lie in a single subpixel.
    fn finest(&self) -> f64 {
        let shift = [self.shift.0, self.shift.1].map(|s| s * f64::from(self.phases));
        let aligned = shift.iter().all(|s| s.fract() == 0.0);
        // If the shift isn't a whole number of subpixels, a cell as large as a subpixel would lie
        // across two of them.
        let halves = if aligned { 1.0 } else { 2.0 };
        1.0 / (halves * f64::from(self.phases))
    }

    /// Returns the sites (subpixels that have points), row by row, if all points of the index have
    /// the opacity `opacity`. The points of each subpixel are counted on a grid.
    fn counted(&self, points: &Points, opacity: u8) -> Vec<Site> {
        let mut grid = self.grid(0u32);
        self.each(points, self.finest(), |x, y, _, count| {
            if let Some(sum) = grid.get_mut(x, y) {
                *sum = sum.saturating_add(count);
            }
        });
        let site = |(x, y, count)| Site {
            x,
            y,
            opacity,
            count,
        };
        grid.filled().map(site).collect()
    }

    /// A value for each subpixel, computed from the weights of its points in f64. For each point,
    /// or each cell up to `finest` pixels wide, `fold` gets the subpixel's value so far (0 at
    /// first) and the weight, and returns the new value.
    pub(super) fn folded(
        &self,
        points: &Points,
        finest: f64,
        fold: impl Fn(f64, f64) -> f64,
    ) -> SubpixelGrid<f64> {
        let mut grid = self.grid(0.0f64);
        self.each(points, finest, |x, y, weight, _| {
            if let Some(value) = grid.get_mut(x, y) {
                *value = fold(*value, f64::from(weight));
            }
        });
        grid
    }

    /// A grid that has the value `value` for each subpixel of the window and its margin.
    fn grid<T: Clone>(&self, value: T) -> SubpixelGrid<T> {
        let margin = i64::from(self.margin);
        let side = |n: u32| (i64::from(n) + 2 * margin) * i64::from(self.phases);
        let (width, height) = (side(self.window.width()), side(self.window.height()));
        report((width * height) as usize, ns::PLACE);
        SubpixelGrid {
            first: -margin * i64::from(self.phases),
            width,
            height,
            values: vec![value; (width * height) as usize],
        }
    }

    /// Calls `found` for each cell, with the column and row of its subpixel, its weight and the
    /// number of its points. Columns and rows are counted from the window's top left corner, and
    /// are negative in the margin beside it. Cells are at most `finest` pixels wide; with 0 they
    /// are single points.
    fn each(&self, points: &Points, finest: f64, mut found: impl FnMut(i64, i64, f32, u32)) {
        let around = self.window.grown(self.margin + 1);
        let per_pixel = self.window.pixel().recip();
        let phases = f64::from(self.phases);
        let cells = points.cells(&around, finest);
        for batch in cells.batches() {
            let (run, counts) = (batch.cells, batch.counts);
            let left = (self.window.left() - batch.shift) * per_pixel - self.shift.0;
            let top = self.window.top() * per_pixel - self.shift.1;
            for (i, cell) in run.iter().enumerate() {
                if i % REPORTED_CELLS == 0 {
                    report(REPORTED_CELLS.min(run.len() - i), ns::SUMMED);
                }
                let x = ((f64::from(cell.x) * per_pixel - left) * phases).floor();
                let y = ((f64::from(cell.y) * per_pixel - top) * phases).floor();
                let count = counts.and_then(|c| c.get(i)).copied().unwrap_or(1);
                found(x as i64, y as i64, cell.weight, count);
            }
        }
    }
}

/// A grid that has a value for each subpixel of a window and its margin, row by row.
pub(super) struct SubpixelGrid<T> {
    /// The column of the first subpixel, and also its row: minus the width of the margin, in
    /// subpixels. Columns and rows are counted from the window's top left corner.
    first: i64,
    width: i64,
    height: i64,
    values: Vec<T>,
}

impl<T: Copy + Default + PartialEq> SubpixelGrid<T> {
    /// Returns the value of the subpixel in column `x` and row `y`. `None` outside the grid.
    fn get_mut(&mut self, x: i64, y: i64) -> Option<&mut T> {
        let (x, y) = (x - self.first, y - self.first);
        let inside = (0..self.width).contains(&x) && (0..self.height).contains(&y);
        if inside {
            self.values.get_mut((y * self.width + x) as usize)
        } else {
            None
        }
    }

    /// The column, the row and the value of each subpixel whose value is not 0.
    pub(super) fn filled(&self) -> impl Iterator<Item = (i64, i64, T)> {
        let filled = self.values.iter().enumerate();
        let filled = filled.filter(|(_, value)| **value != T::default());
        filled.map(|(i, &value)| {
            let (x, y) = (i as i64 % self.width, i as i64 / self.width);
            (x + self.first, y + self.first, value)
        })
    }
}

/// Pairs of slices for the rows in which a picture and a stamp, a smaller picture, overlap: the
/// overlapping pixels of the picture, and the overlapping pixels of the stamp. Rows of the picture
/// are `width` pixels long, and rows of the stamp `side`. The stamp's top left pixel lies on pixel
/// (x, y) of the picture.
pub(super) fn overlapping_rows<'a, A, B>(
    picture: &'a mut [A],
    width: usize,
    stamp: &'a [B],
    side: usize,
    (x, y): (i64, i64),
) -> impl Iterator<Item = (&'a mut [A], &'a [B])> {
    let height = picture.len() / width.max(1);
    let lines = stamp.len() / side.max(1);
    let clip = |at: i64, stamp: usize, picture: usize| {
        let from = (-at).clamp(0, stamp as i64) as usize;
        let to = (picture as i64 - at).clamp(from as i64, stamp as i64) as usize;
        (from, to)
    };
    let (left, right) = clip(x, side, width);
    let (top, bottom) = clip(y, lines, height);
    let first = (y + top as i64).max(0) as usize;
    let column = (x + left as i64).max(0) as usize;
    let targets = picture.chunks_exact_mut(width.max(1)).skip(first);
    let sources = stamp.chunks_exact(side.max(1)).take(bottom).skip(top);
    targets.zip(sources).filter_map(move |(to, from)| {
        let to = to.get_mut(column..column + (right - left))?;
        Some((to, from.get(left..right)?))
    })
}

/// Splits the number of a subpixel along an axis, `place`, into the number of its pixel and its own
/// number within that pixel, 0 to `phases` − 1. Each pixel has `phases` subpixels along the axis.
pub(super) fn split(place: i64, phases: u32) -> (i64, u32) {
    let phases = i64::from(phases);
    (place.div_euclid(phases), place.rem_euclid(phases) as u32)
}
