//! What it takes to draw a window: by a kernel that adds up, by stamps or by markers.

use super::nanoseconds as ns;
use heatsplat_points::Window;
use heatsplat_render::{Kernel, MarkerShape, Shape, Stamp};
use std::f64::consts::PI;

/// Pixels a side that are drawn at one go.
const BLOCK: f64 = 512.0;

/// What a window takes by a kernel that adds up; `seen` tells how many points there are.
pub(super) fn plain(window: &Window, kernel: &Kernel, seen: impl Fn() -> f64) -> f64 {
    let (width, height) = (f64::from(window.width()), f64::from(window.height()));
    let (radius, shape) = (kernel.radius(), kernel.shape());
    let drawn = width * height * ns::PIXEL;
    let margin = kernel.reach() + 4.0;
    let grown = (width + 2.0 * margin) * (height + 2.0 * margin);
    if is_direct(kernel) {
        // stamps of a few pixels; where points are many, of cells
        let side = 2.0 * kernel.reach() + 2.0;
        let stamps = seen().min(width * height / 2.0);
        return drawn + side * side * stamps * ns::EVALUATED;
    }
    let transformed = || {
        let (across, down) = (width.min(BLOCK), height.min(BLOCK));
        let cells = (across + 2.0 * margin) * (down + 2.0 * margin);
        let blocks = width * height / (across * down);
        blocks * cells * cells.log2() * ns::TRANSFORM
    };
    let (finest, coarse, terms) = match shape {
        Shape::Gaussian => (6.0, 8.0, 1.0),
        Shape::Triweight => (6.25, 8.25, 6.0),
        Shape::Quartic => (10.5, 10.5, 10.0),
        _ => {
            // of a kernel with a jump the edge is averaged, of others all is filtered
            let made = match shape {
                Shape::Uniform => PI * radius * ns::AVERAGED,
                _ => (radius + 20.0) * (radius + 20.0) * ns::SAMPLED,
            };
            return drawn + made + transformed();
        }
    };
    let finer = (finest / radius).max(1.0).log2().ceil().exp2();
    let coarser = (radius / coarse).clamp(1.0, 32.0).log2().floor().exp2();
    let cell = coarser / finer;
    let spread = grown / (cell * cell) * terms * ns::TERM;
    let made = (radius / cell + 20.0).powi(if terms > 1.0 { 3 } else { 1 }) * ns::SAMPLED;
    let best = if terms > 1.0 && cell <= 1.0 {
        spread.min(transformed())
    } else {
        spread
    };
    drawn + made + best
}

/// Whether a kernel is too narrow for a grid.
fn is_direct(kernel: &Kernel) -> bool {
    let least = match kernel.shape() {
        Shape::Gaussian | Shape::Triweight => 1.5,
        Shape::Quartic => 2.625,
        _ => 6.0,
    };
    kernel.radius() < least
}

/// What a window takes by stamps of a kernel for so many points of so many opacities; `single`
/// where points of one pixel are one.
pub(super) fn stamps(
    window: &Window,
    kernel: &Kernel,
    seen: f64,
    classes: f64,
    single: bool,
) -> f64 {
    let (width, height) = (f64::from(window.width()), f64::from(window.height()));
    let phases = match kernel.radius() {
        _ if single => 1.0,
        r if r < 8.0 => 8.0,
        r if r < 24.0 => 4.0,
        r if r < 64.0 => 2.0,
        _ => 1.0,
    };
    let margin = kernel.reach().ceil() + 1.0;
    let side = 2.0 * margin + 1.0;
    let places = (width + 2.0 * margin) * (height + 2.0 * margin) * phases * phases;
    let items = seen.min(places * classes);
    let made = items.min(classes * phases * phases) * side * side * ns::MADE;
    let stamped = items * (side * side).min(width * height) * ns::STAMPED;
    places * ns::PLACE + seen * ns::SUMMED + made + stamped + width * height * ns::PIXEL
}

/// Places within a pixel that shapes are told apart by.
const PLACES: f64 = 128.0 * 128.0;

/// What a window takes by markers and their blurs.
pub(super) fn markers(
    stamp: &Stamp,
    window: &Window,
    ratio: u32,
    seen: f64,
    weights: (f32, f32),
) -> f64 {
    let ratio = f64::from(ratio);
    let blurs = stamp
        .blurs
        .iter()
        .map(|(x, y)| f64::from(*x.max(y)) * ratio);
    let margin: f64 = blurs.sum();
    let (width, height) = (f64::from(window.width()), f64::from(window.height()));
    let inked = (width + 2.0 * margin) * (height + 2.0 * margin);
    let (across, down) = stamp.marker.shape.size();
    let area = (across * ratio + 3.0) * (down * ratio + 3.0);
    // a shape is drawn for nearly every point's place within its pixel, a picture for an opacity
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
    inks * area * ns::INKED + seen * (ns::LISTED + area * ns::STAMPED) + inked * ns::PLACE + blurred
}
