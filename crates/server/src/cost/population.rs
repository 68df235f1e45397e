//! Counts of points and cells in windows, from which estimates compute their times.

use super::splatting::DrawTime;
use heatsplat_points::{Points, Window};
use heatsplat_render::limits::WIDEST_EXACT;
use heatsplat_render::{Kernel, Style, View};

/// The number of cells that a window shows, each at most `finest` pixels wide. If `finest` is 0,
/// the points themselves are counted. If the points can't be read, the number is 0, and drawing
/// them fails later.
pub(super) fn counted(points: &Points, window: &Window, finest: f64) -> f64 {
    points
        .count(window, finest)
        .map_or(0.0, |count| count as f64)
}

/// The points whose drawing time is estimated: points in memory or, for rows of a database and for
/// tiles of which only the number of points is assumed, a number of points and the range of their
/// weights.
#[derive(Clone, Copy, Debug)]
pub(super) enum Population<'a> {
    /// Points in memory, which the index can count in any window.
    Points(&'a Points),
    /// A number of points, which is assumed to lie in any window, and their least and greatest
    /// weight.
    Number(f64, (f32, f32)),
}

impl Population<'_> {
    /// The number of cells that a window shows if each is at most `finest` pixels wide. If `finest`
    /// is 0, the points themselves are counted.
    pub(super) fn cells(self, window: &Window, finest: f64) -> f64 {
        match self {
            Self::Points(points) => counted(points, window, finest),
            Self::Number(count, _) => {
                let pixels = f64::from(window.width()) * f64::from(window.height());
                count.min(pixels / (finest * finest))
            }
        }
    }

    /// The number of all points.
    pub(super) fn count(self) -> f64 {
        match self {
            Self::Points(points) => points.summary().count as f64,
            Self::Number(count, _) => count,
        }
    }

    /// The least and the greatest weight of all points.
    pub(super) fn weights(self) -> (f32, f32) {
        match self {
            Self::Points(points) => {
                let summary = points.summary();
                (summary.weight_min, summary.weight_max)
            }
            Self::Number(_, weights) => weights,
        }
    }
}

/// Counts of cells in the strips of a picture. A picture is cut into strips of rows if the kernel's
/// radius is in metres, since its size in pixels changes with the latitude.
pub(super) struct CellCounts<'a> {
    population: Population<'a>,
    /// For a picture of several strips: the window around all strips, and the densities of cells
    /// that are known so far. Each is a pair: the greatest width of a cell in world units, and the
    /// mean number of such cells in a square world unit. A pair is added when its width is first
    /// asked for. `None` for a picture of one strip, whose cells are counted directly.
    shared: Option<(Window, Vec<(f64, f64)>)>,
}

impl<'a> CellCounts<'a> {
    pub(super) fn new(
        population: Population<'a>,
        window: &Window,
        strips: &[(Window, Kernel)],
    ) -> Self {
        let of_one =
            |(strip, kernel): &(Window, Kernel)| kernel.reach() * strip.pixel() / window.pixel();
        let reach = strips.iter().map(of_one).fold(0.0, f64::max);
        let all = window.grown(reach.min(WIDEST_EXACT).ceil() as u32 + 2);
        Self {
            population,
            shared: (strips.len() > 1).then(|| (all, Vec::new())),
        }
    }

    pub(super) fn population(&self) -> Population<'a> {
        self.population
    }

    /// The number of cells that a window shows if each is at most `finest` pixels wide. In a
    /// picture of several strips it is estimated: the cells are assumed to lie evenly in the window
    /// around all strips.
    pub(super) fn cells(&mut self, window: &Window, finest: f64) -> f64 {
        let Some((all, known)) = &mut self.shared else {
            return self.population.cells(window, finest);
        };
        let area = |w: &Window| (w.right() - w.left()) * (w.bottom() - w.top());
        let side = finest * window.pixel();
        let found = known.iter().find(|(known, _)| *known == side);
        let dense = match found {
            Some((_, dense)) => *dense,
            None => {
                let dense = self.population.cells(all, side / all.pixel()) / area(all);
                known.push((side, dense));
                dense
            }
        };
        dense * area(window)
    }
}

/// The estimated time to draw a window, as the sum over its strips: groups of rows, in each of
/// which the kernel has one size in pixels. `ratio` is the number of device pixels per CSS pixel.
/// `time` estimates one strip. Its arguments are the strip, the strip's kernel, a `bool` that is
/// true if there are several strips, and the counts of cells.
pub(super) fn by_strips<'a>(
    population: Population<'a>,
    style: &Style,
    window: &Window,
    ratio: u32,
    mut time: impl FnMut(&Window, &Kernel, bool, &mut CellCounts<'a>) -> DrawTime,
) -> DrawTime {
    let strips = style.strips_in(View::new(*window, ratio));
    let mut cells = CellCounts::new(population, window, &strips);
    let several = strips.len() > 1;
    let each = strips.iter();
    each.map(|(strip, kernel)| time(strip, kernel, several, &mut cells))
        .sum()
}
