//! What is splatted, as far as it has to be known beforehand: how many cells a window sees.

use super::splatting::Takes;
use heatsplat_points::{Points, Window};
use heatsplat_render::{Kernel, Style, View};

/// Further than this, in pixels, a kernel is drawn coarser, of cells.
const FAR: f64 = 16_777_216.0;

/// Points, or as much as is known of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Crowd<'a> {
    Points(&'a Points),
    /// So many in a window, and the least and the greatest weight.
    Number(f64, (f32, f32)),
}

impl Crowd<'_> {
    /// How many cells of at most so many pixels a window sees; 0 for points.
    pub(super) fn cells(self, window: &Window, finest: f64) -> f64 {
        match self {
            Self::Points(points) => points.cells(window, finest).len() as f64,
            Self::Number(count, _) => {
                let pixels = f64::from(window.width()) * f64::from(window.height());
                count.min(pixels / (finest * finest))
            }
        }
    }

    /// How many there are.
    pub(super) fn count(self) -> f64 {
        match self {
            Self::Points(points) => points.summary().count as f64,
            Self::Number(count, _) => count,
        }
    }

    /// The least and the greatest weight.
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

/// What the strips of a picture see of a crowd.
pub(super) struct Seen<'a> {
    crowd: Crowd<'a>,
    /// All that any of them sees, and how many cells of a size it has for each square of the
    /// world's unit; `None` where there is one strip, for which they are counted.
    shared: Option<(Window, Vec<(f64, f64)>)>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(crowd: Crowd<'a>, window: &Window, strips: &[(Window, Kernel)]) -> Self {
        let of_one =
            |(strip, kernel): &(Window, Kernel)| kernel.reach() * strip.pixel() / window.pixel();
        let reach = strips.iter().map(of_one).fold(0.0, f64::max);
        let all = window.grown(reach.min(FAR).ceil() as u32 + 2);
        Self {
            crowd,
            shared: (strips.len() > 1).then(|| (all, Vec::new())),
        }
    }

    pub(super) fn crowd(&self) -> Crowd<'a> {
        self.crowd
    }

    /// How many cells of at most so many pixels a window sees.
    pub(super) fn cells(&mut self, window: &Window, finest: f64) -> f64 {
        let Some((all, known)) = &mut self.shared else {
            return self.crowd.cells(window, finest);
        };
        let area = |w: &Window| (w.right() - w.left()) * (w.bottom() - w.top());
        let side = finest * window.pixel();
        let found = known.iter().find(|(known, _)| *known == side);
        let dense = match found {
            Some((_, dense)) => *dense,
            None => {
                let dense = self.crowd.cells(all, side / all.pixel()) / area(all);
                known.push((side, dense));
                dense
            }
        };
        dense * area(window)
    }
}

/// What a window takes by a style's strips of it, each told what it is, with which kernel and
/// whether it is one of several.
pub(super) fn by_strips<'a>(
    crowd: Crowd<'a>,
    style: &Style,
    window: &Window,
    ratio: u32,
    mut takes: impl FnMut(&Window, &Kernel, bool, &mut Seen<'a>) -> Takes,
) -> Takes {
    let strips = style.strips_in(View::new(*window, ratio));
    let mut seen = Seen::of(crowd, window, &strips);
    let several = strips.len() > 1;
    let each = strips.iter();
    each.map(|(strip, kernel)| takes(strip, kernel, several, &mut seen))
        .sum()
}
