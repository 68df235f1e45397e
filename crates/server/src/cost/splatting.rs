//! Estimated times to draw a window with an additive kernel, with stamps or with markers. A stamp
//! is the picture of a kernel around one point.

use super::population::{CellCounts, Population};
use super::unit_costs as ns;
use heatsplat_points::Window;
use heatsplat_render::limits::{BLOCK, LEAST_ON_GRID, MOST_PIXELS};
use heatsplat_render::{Kernel, MarkerShape, MarkerStamp, Precision, Shape};
use std::iter::Sum;

/// The squares, in pixels, in which a smooth kernel's transform runs, and, below, their size where
/// the picture has several strips.
const SQUARE: (f64, f64) = (256.0, 256.0);
const STRIP: (f64, f64) = (256.0, 32.0);

/// The number of heavy cells, which are drawn one by one, in a square whose side is a fourth to
/// half of a kernel's reach. The most uneven weights have twice as many.
const HEAVY: f64 = 16.0;

/// The number of discs that a triangular kernel is made of, and, below, their mean radius as a
/// fraction of the kernel's.
const CONE_DISCS: f64 = 16.0;
const CONE_RADIUS: f64 = 0.37;

/// Nanoseconds to prepare a picture's kernel (`made`), which is kept for the next picture, and to
/// draw the picture (`drawn`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DrawTime {
    pub(super) made: f64,
    pub(super) drawn: f64,
}

impl DrawTime {
    fn drawn(drawn: f64) -> Self {
        Self { made: 0.0, drawn }
    }

    pub(super) fn all(self) -> f64 {
        self.made + self.drawn
    }

    pub(super) fn times(self, times: f64) -> Self {
        Self {
            made: self.made,
            drawn: times * self.drawn,
        }
    }
}

impl Sum for DrawTime {
    fn sum<I: Iterator<Item = Self>>(each: I) -> Self {
        each.fold(Self::default(), |all, one| Self {
            made: all.made + one.made,
            drawn: all.drawn + one.drawn,
        })
    }
}

/// The blocks that a picture is cut into. All have one size in pixels, and a margin around them.
#[derive(Clone, Copy)]
struct Blocks {
    count: f64,
    width: f64,
    height: f64,
    margin: f64,
}

impl Blocks {
    /// The blocks of a window that is cut beginning at its own corner.
    fn of(window: &Window, margin: f64) -> Self {
        let (all_across, all_down) = (f64::from(window.width()), f64::from(window.height()));
        let block = f64::from(BLOCK);
        let (width, height) = (all_across.min(block), all_down.min(block));
        Self {
            count: (all_across / width).ceil() * (all_down / height).ceil(),
            width,
            height,
            margin,
        }
    }

    /// The blocks that a window touches in a grid that begins at the corner of the world.
    fn on_board(window: &Window, (width, height): (f64, f64), margin: f64) -> Self {
        // Windows that are not tiles may cut through blocks at both edges.
        let count = |n: u32, side: f64| {
            let all = f64::from(n) / side;
            if all.fract() == 0.0 { all } else { all + 1.0 }
        };
        Self {
            count: count(window.width(), width) * count(window.height(), height),
            width,
            height,
            margin,
        }
    }

    fn grown(self) -> f64 {
        (self.width + 2.0 * self.margin) * (self.height + 2.0 * self.margin)
    }

    fn transformed(self) -> f64 {
        self.grown() * self.grown().log2() * ns::TRANSFORM
    }

    /// The number of cells in a block and its margin.
    fn cells(self, window: &Window, finest: f64, seen: &mut CellCounts<'_>) -> f64 {
        let around = window.grown(self.margin.ceil() as u32);
        let pixels = f64::from(around.width()) * f64::from(around.height());
        seen.cells(&around, finest) * (self.grown() / pixels).min(1.0)
    }
}

/// The time to draw a window with an additive kernel. `strip` is true if the window is one of
/// several strips.
pub(super) fn plain(
    window: &Window,
    kernel: &Kernel,
    strip: bool,
    seen: &mut CellCounts<'_>,
) -> DrawTime {
    let pixels = f64::from(window.width()) * f64::from(window.height());
    let signed = seen.population().weights().0 < 0.0;
    let mut takes = if kernel.shape() == Shape::Pixel {
        // In windows off the world's grid, a cell may lie across the edge of two pixels.
        let finest = if window.is_on_grid() && !signed {
            1.0
        } else {
            0.0
        };
        DrawTime::drawn(seen.cells(window, finest) * ns::LAID)
    } else {
        of_kernel(window, kernel, (signed, strip), seen)
    };
    takes.drawn += pixels * ns::PIXEL;
    takes
}

fn of_kernel(
    window: &Window,
    kernel: &Kernel,
    (signed, strip): (bool, bool),
    seen: &mut CellCounts<'_>,
) -> DrawTime {
    let finest = kernel.finest_cell() / if signed { 4.0 } else { 1.0 };
    let blocks = Blocks::of(window, kernel.reach() + finest + 1.0);
    let mut takes = match kernel.shape() {
        _ if kernel.precision() == Precision::Exact => {
            let stamps = blocks.count * blocks.cells(window, 0.0, seen);
            DrawTime::drawn(stamps * exactly(kernel, blocks))
        }
        _ if kernel.is_narrow() => {
            let stamps = blocks.count * blocks.cells(window, finest, seen);
            let side = 2.0 * kernel.reach() + 2.0;
            DrawTime::drawn(stamps * (ns::LAID + side * side * ns::DIRECT))
        }
        Shape::Gaussian | Shape::Quartic | Shape::Triweight => {
            smooth(window, kernel, finest, strip, seen)
        }
        _ => edged(window, kernel, (finest, signed), blocks, seen),
    };
    let side = 2.0 * kernel.reach() + 2.0;
    if signed && seen.population().count() * side * side <= MOST_PIXELS {
        let stamps = blocks.count * blocks.cells(window, 0.0, seen);
        takes.drawn = takes.drawn.max(stamps * evaluated(kernel));
    }
    takes
}

/// The time to evaluate a point's kernel at all pixels of the square around the point.
fn exactly(kernel: &Kernel, blocks: Blocks) -> f64 {
    let side = 2.0 * kernel.reach() + 3.0;
    let (across, down) = (side.min(blocks.width), side.min(blocks.height));
    let pixels = match kernel.shape() {
        Shape::Gaussian => across * ns::EXPONENTIAL + across * down * ns::EXACT,
        shape if shape.is_stamped() => across * down * ns::MADE,
        _ => across * down * ns::EXACT,
    };
    ns::SUMMED + pixels
}

/// The time to evaluate a stamp at a cell's exact position.
fn evaluated(kernel: &Kernel) -> f64 {
    let side = 2.0 * kernel.reach() + 2.0;
    let powers = if kernel.shape() == Shape::Gaussian {
        2.0 * side * ns::POWER
    } else {
        0.0
    };
    ns::BEGUN + powers + side * side * ns::EVALUATED
}

/// The time to draw a smooth kernel on a grid: by separable terms, or by a transform where a kernel
/// of many terms needs a grid as fine as the picture.
fn smooth(
    window: &Window,
    kernel: &Kernel,
    finest: f64,
    strip: bool,
    seen: &mut CellCounts<'_>,
) -> DrawTime {
    let radius = kernel.radius();
    let (fine, coarse, terms) = match kernel.shape() {
        Shape::Gaussian => (6.0, 8.0, 1.0),
        Shape::Triweight => (6.25, 8.25, 6.0),
        _ => (10.5, 10.5, 10.0),
    };
    let finer = (fine / radius).max(1.0).log2().ceil().exp2();
    let coarser = (radius / coarse).clamp(1.0, 32.0).log2().floor().exp2();
    let cell = coarser / finer;
    let made = (radius / cell + 20.0).powi(if terms > 1.0 { 3 } else { 1 }) * ns::SAMPLED;
    let margin = kernel.reach() + 4.0 * cell;
    // A grid turned by 45° takes two transforms forwards and one back, where others take one each.
    let turned = terms == 10.0 && (fine / 2f64.sqrt()..fine).contains(&radius);
    let drawn = if terms > 1.0 && (cell == 1.0 || turned) {
        let board = Blocks::on_board(window, if strip { STRIP } else { SQUARE }, margin);
        let transforms = if turned { 1.5 } else { 1.0 };
        let laid = board.cells(window, finest, seen) * ns::LAID;
        board.count * (transforms * board.transformed() + laid)
    } else {
        let blocks = Blocks::of(window, margin);
        let laid = blocks.cells(window, finest, seen) * ns::LAID;
        blocks.count * (blocks.grown() / (cell * cell) * terms * ns::TERM + laid)
    };
    DrawTime { made, drawn }
}

/// The time to draw a kernel with an edge as discs, cell by cell. All cells that are light beside
/// their neighbours take one transform together.
fn edged(
    window: &Window,
    kernel: &Kernel,
    (finest, signed): (f64, bool),
    blocks: Blocks,
    seen: &mut CellCounts<'_>,
) -> DrawTime {
    let (discs, radius) = match kernel.shape() {
        Shape::Uniform => (2.0, kernel.radius()),
        Shape::Triangular => (CONE_DISCS, CONE_RADIUS * kernel.radius()),
        _ => (1.0, kernel.radius()),
    };
    // The fraction of the cells around a block whose discs reach the block, and the rows of a disc
    // within the block.
    let share = |side: f64| (side + 2.0 * radius) / (side + 2.0 * blocks.margin);
    let rows = (2.0 * radius + 1.0) * blocks.height / (blocks.height + 2.0 * radius);
    let disc = share(blocks.width) * share(blocks.height) * rows * ns::ROW;
    let cells = blocks.cells(window, finest, seen);
    let gathered = cells * ns::GATHERED;
    if signed || kernel.radius() < LEAST_ON_GRID {
        return DrawTime::drawn(blocks.count * (gathered + cells * discs * disc));
    }
    let square = (kernel.reach() * window.pixel() / 2.0)
        .log2()
        .floor()
        .exp2()
        / window.pixel();
    let heavy = cells.min(HEAVY * blocks.grown() / (square * square));
    let light = if cells > heavy {
        blocks.transformed()
    } else {
        0.0
    };
    DrawTime {
        made: (kernel.radius() + 20.0).powi(2) * ns::SAMPLED,
        drawn: blocks.count * (gathered + heavy * discs * disc + light),
    }
}

/// The time to draw a window with stamps of a kernel. `classes` is the number of different
/// opacities. With `single`, all points of a pixel count as one.
pub(super) fn stamps(
    window: &Window,
    kernel: &Kernel,
    (classes, single): (f64, bool),
    seen: &mut CellCounts<'_>,
) -> DrawTime {
    let (width, height) = (f64::from(window.width()), f64::from(window.height()));
    let phases = match kernel.radius() {
        _ if single => 1.0,
        r if r < 8.0 => 8.0,
        r if r < 24.0 => 4.0,
        r if r < 64.0 => 2.0,
        _ => 1.0,
    };
    let margin = kernel.reach().ceil() + 1.0;
    let seen = seen.cells(&window.grown(margin as u32), 0.0);
    let side = 2.0 * margin + 1.0;
    let places = (width + 2.0 * margin) * (height + 2.0 * margin) * phases * phases;
    let items = seen.min(places * classes);
    let made = items.min(classes * phases * phases) * side * side * ns::MADE;
    let stamped = items * (side * side).min(width * height) * ns::STAMPED;
    let summed = places * ns::PLACE + seen * ns::SUMMED + made;
    DrawTime::drawn(summed + stamped + width * height * ns::PIXEL)
}

/// The number of sub-pixel positions at which markers are drawn.
const PLACES: f64 = 128.0 * 128.0;

/// The time to draw a window with markers and their blurs.
pub(super) fn markers(
    stamp: &MarkerStamp,
    window: &Window,
    ratio: u32,
    population: Population<'_>,
) -> DrawTime {
    let (ratio, weights) = (f64::from(ratio), population.weights());
    let blurs = stamp
        .blurs
        .iter()
        .map(|(x, y)| f64::from(*x.max(y)) * ratio);
    let margin: f64 = blurs.sum();
    let (width, height) = (f64::from(window.width()), f64::from(window.height()));
    let inked = (width + 2.0 * margin) * (height + 2.0 * margin);
    let (across, down) = stamp.marker.shape.size();
    let area = (across * ratio + 3.0) * (down * ratio + 3.0);
    let reach = margin + across.max(down) / 2.0 * ratio;
    let seen = population.cells(&window.grown(reach.ceil() as u32 + 2), 0.0);
    // A vector marker is drawn again at nearly every sub-pixel position, an image once for each
    // opacity.
    let classes = if stamp.marker.weighted && weights.0 < weights.1 {
        255.0
    } else {
        1.0
    };
    let places = match stamp.marker.shape {
        MarkerShape::Image(_) => 1.0,
        _ => PLACES,
    };
    let inks = seen.min(classes * places);
    let blurred = inked * stamp.blurs.len() as f64 * ns::BLURRED;
    let stamped = inks * area * ns::INKED + seen * (ns::LISTED + area * ns::STAMPED);
    DrawTime::drawn(stamped + inked * ns::PLACE + blurred)
}
