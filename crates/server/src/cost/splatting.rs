//! Estimated times to draw the points in a window: by kernels that add up, by stamps, or by
//! markers. A stamp is a small picture of the kernel, which is put at each point.

use super::population::{CellCounts, Population};
use heatsplat_points::Window;
use heatsplat_render::limits::{BLOCK, LEAST_ON_GRID, MOST_PIXELS};
use heatsplat_render::unit_costs as ns;
use heatsplat_render::{Kernel, MarkerShape, MarkerStamp, Precision, Shape};
use std::iter::Sum;

/// The width and height, in pixels, of the squares into which a picture is cut if a smooth kernel
/// is drawn by a Fourier transform.
const SQUARE: (f64, f64) = (256.0, 256.0);
/// The width and height, in pixels, of the rectangles that take the place of [`SQUARE`] in a
/// picture of several strips. A strip is a group of rows in which the kernel has one size in
/// pixels.
const STRIP: (f64, f64) = (256.0, 32.0);

/// The number of heavy cells, each drawn by itself, that an estimate assumes in each square whose
/// side is a fourth to half of the kernel's reach. A cell is heavy if it has much of the weight
/// around it. Where weights are extremely uneven, there are twice as many in truth.
const HEAVY: f64 = 16.0;

/// The number of bins of a grid that have a weight, divided by the number of cells that were
/// deposited: a mean over measured pictures. A cell gives weight to at most 9 bins, but shares some
/// of them with its neighbours.
const BINS_A_CELL: f64 = 4.0;

/// The number of discs of which a triangular kernel is composed.
const CONE_DISCS: f64 = 16.0;
/// The mean radius of the discs of a triangular kernel, divided by the kernel's radius.
const CONE_RADIUS: f64 = 0.37;

/// The estimated time to draw a picture or a part of it, in nanoseconds, in two parts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DrawTime {
    /// Nanoseconds to prepare the kernel. Later pictures with the same kernel use it again.
    pub(super) made: f64,
    /// Nanoseconds to draw the picture with the prepared kernel.
    pub(super) drawn: f64,
}

impl DrawTime {
    fn drawn(drawn: f64) -> Self {
        Self { made: 0.0, drawn }
    }

    pub(super) fn all(self) -> f64 {
        self.made + self.drawn
    }

    /// The time to draw `pictures` pictures of this kind that lie in `rows` rows of tiles. The
    /// kernel is prepared once for each row, since a radius in metres has another size in pixels
    /// there.
    pub(super) fn in_rows(self, pictures: f64, rows: f64) -> Self {
        Self {
            made: self.made * pictures.min(rows),
            drawn: self.drawn * pictures,
        }
    }

    /// The time to draw the picture `times` times with the kernel prepared once.
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

/// The blocks of a picture: the rectangles into which it is cut to be drawn. All have one size.
#[derive(Clone, Copy)]
struct PictureBlocks {
    /// The number of blocks into which the picture is cut.
    count: f64,
    /// The width in pixels of each block, without its margin.
    width: f64,
    /// The height in pixels of each block, without its margin.
    height: f64,
    /// The width in pixels of the margin on each side of a block. The points in the margin are
    /// drawn with the block, since their kernels reach into it.
    margin: f64,
}

impl PictureBlocks {
    /// The blocks of a window that is cut into blocks of equal size, beginning at its own upper
    /// left corner.
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

    /// The blocks that a window touches, if the whole world is cut into blocks of equal size,
    /// beginning at the world's upper left corner. The tuple is the width and the height of a block
    /// in pixels.
    fn on_board(window: &Window, (width, height): (f64, f64), margin: f64) -> Self {
        // The edges of a window that is not a tile may cut through blocks, so one more block is
        // counted in each direction.
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

    /// The number of pixels of one block together with its margin.
    fn grown(self) -> f64 {
        (self.width + 2.0 * self.margin) * (self.height + 2.0 * self.margin)
    }

    /// The time in nanoseconds of one Fourier transform of a block with its margin.
    fn transformed(self) -> f64 {
        self.grown() * self.grown().log2() * ns::TRANSFORM
    }

    /// The time in nanoseconds to convolve a block with the kernel: by `transforms` Fourier
    /// transforms or, if that takes less time, by a stamp for each bin that its `cells` cells fill.
    fn convolved(self, kernel: &Kernel, transforms: f64, cells: f64) -> f64 {
        let side = 2.0 * kernel.reach() + 1.0;
        // Each filled bin takes one stamp. Neighbouring cells share bins.
        let stamps = cells * BINS_A_CELL * side * side * ns::STAMPED;
        stamps.min(transforms * self.transformed())
    }

    /// The mean number of cells in a block with its margin, if cells are at most `finest` pixels
    /// wide.
    fn cells(self, window: &Window, finest: f64, seen: &mut CellCounts<'_>) -> f64 {
        let around = window.grown(self.margin.ceil() as u32);
        let pixels = f64::from(around.width()) * f64::from(around.height());
        seen.cells(&around, finest) * (self.grown() / pixels).min(1.0)
    }
}

/// The time to draw the points in a window if their splats are added up. `strip` is true if the
/// window is one of several strips of a picture.
pub(super) fn plain(
    window: &Window,
    kernel: &Kernel,
    strip: bool,
    seen: &mut CellCounts<'_>,
) -> DrawTime {
    let pixels = f64::from(window.width()) * f64::from(window.height());
    let signed = seen.population().weights().0 < 0.0;
    let mut takes = if kernel.shape() == Shape::Pixel {
        // If the window's pixels are not aligned with the world's grid, a cell may lie in two
        // pixels, so the points themselves are counted.
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

/// The time to draw the points in a window if their splats are added up, without the fixed time for
/// each pixel. `signed` is true if there are negative weights, and `strip` if the window is one of
/// several strips of a picture.
fn of_kernel(
    window: &Window,
    kernel: &Kernel,
    (signed, strip): (bool, bool),
    seen: &mut CellCounts<'_>,
) -> DrawTime {
    let finest = kernel.finest_cell() / if signed { 4.0 } else { 1.0 };
    let blocks = PictureBlocks::of(window, kernel.reach() + finest + 1.0);
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

/// Nanoseconds to draw one point with `precision=exact`: the kernel is evaluated at all pixels of a
/// square around the point, as far as the square fits into one of the `blocks`.
fn exactly(kernel: &Kernel, blocks: PictureBlocks) -> f64 {
    let side = 2.0 * kernel.reach() + 3.0;
    let (across, down) = (side.min(blocks.width), side.min(blocks.height));
    let pixels = match kernel.shape() {
        Shape::Gaussian => across * ns::EXPONENTIAL + across * down * ns::EXACT,
        shape if shape.is_stamped() => across * down * ns::MADE,
        _ => across * down * ns::EXACT,
    };
    ns::SUMMED + pixels
}

/// Nanoseconds to draw one cell by evaluating the kernel, from the cell's exact position, at all
/// pixels of a square around it.
fn evaluated(kernel: &Kernel) -> f64 {
    let side = 2.0 * kernel.reach() + 2.0;
    let powers = if kernel.shape() == Shape::Gaussian {
        2.0 * side * ns::POWER
    } else {
        0.0
    };
    ns::BEGUN + powers + side * side * ns::EVALUATED
}

/// The time to draw a window with a smooth kernel on a grid. Mostly the kernel is a sum of
/// separable terms. A Fourier transform is used instead if the kernel has several terms, and its
/// grid either has one bin for each pixel or is turned by 45°. `finest` is the greatest width in
/// pixels of the cells that are deposited. `strip` is true if the window is one of several strips
/// of a picture.
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
    // A grid turned by 45° needs two transforms forwards and one back. Any other grid needs one
    // forwards and one back, which count as one.
    let turned = terms == 10.0 && (fine / 2f64.sqrt()..fine).contains(&radius);
    let drawn = if terms > 1.0 && (cell == 1.0 || turned) {
        let board = PictureBlocks::on_board(window, if strip { STRIP } else { SQUARE }, margin);
        let transforms = if turned { 1.5 } else { 1.0 };
        let cells = board.cells(window, finest, seen);
        let convolved = board.convolved(kernel, transforms, cells);
        board.count * (convolved + cells * ns::LAID)
    } else {
        let blocks = PictureBlocks::of(window, margin);
        let laid = blocks.cells(window, finest, seen) * ns::LAID;
        blocks.count * (blocks.grown() / (cell * cell) * terms * ns::TERM + laid)
    };
    DrawTime { made, drawn }
}

/// The time to draw a window with a kernel that has an edge. Heavy cells are drawn one by one as
/// discs. Light cells, whose weight is small beside the weight around them, take one Fourier
/// transform together. `finest` is the greatest width of a cell in pixels, and `signed` is true if
/// there are negative weights.
fn edged(
    window: &Window,
    kernel: &Kernel,
    (finest, signed): (f64, bool),
    blocks: PictureBlocks,
    seen: &mut CellCounts<'_>,
) -> DrawTime {
    let (discs, radius) = match kernel.shape() {
        Shape::Uniform => (2.0, kernel.radius()),
        Shape::Triangular => (CONE_DISCS, CONE_RADIUS * kernel.radius()),
        _ => (1.0, kernel.radius()),
    };
    // `share` is, along one axis, the fraction of the cells of a block with its margin whose discs
    // reach the block. `rows` is the mean number of rows that such a disc has within the block.
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
        blocks.convolved(kernel, 1.0, cells)
    } else {
        0.0
    };
    DrawTime {
        // This is the time to sample the stamp and to transform it.
        made: (kernel.radius() + 20.0).powi(2) * ns::SAMPLED + light / 2.0,
        drawn: blocks.count * (gathered + heavy * discs * disc + light),
    }
}

/// The time to draw a window by putting a stamp of the kernel at each point. `classes` is the
/// number of different opacities of the stamps. If `single` is true, all points in one pixel count
/// as one.
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
    // If all splats have the same opacity, those at one position are drawn only once.
    let finest = if classes > 1.0 { 0.0 } else { 1.0 / phases };
    let seen = seen.cells(&window.grown(margin as u32), finest);
    let side = 2.0 * margin + 1.0;
    let places = (width + 2.0 * margin) * (height + 2.0 * margin) * phases * phases;
    let items = seen.min(places * classes);
    let made = items.min(classes * phases * phases) * side * side * ns::MADE;
    let stamped = items * (side * side).min(width * height) * ns::STAMPED;
    // Splats of different opacities are sorted. Splats of one opacity are counted on a grid
    // instead.
    let placed = if classes > 1.0 {
        seen * ns::LISTED
    } else {
        places * ns::PLACE
    };
    let summed = placed + seen * ns::SUMMED + made;
    DrawTime::drawn(summed + stamped + width * height * ns::PIXEL)
}

/// The number of different positions within a pixel that a marker may have, since its position is
/// rounded: to 128ths of a pixel in x and in y.
const PLACES: f64 = 128.0 * 128.0;

/// The time to draw a window by putting a marker at each point, and by blurring the result as
/// `stamp` asks for. `ratio` is the number of device pixels per CSS pixel.
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
    // A marker that is a shape is drawn again for nearly every position within a pixel. An image is
    // drawn once for each opacity.
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
