//! Splats that cover each other, in floating point or in 8 bits, and such as reach further the
//! more they weigh: stamps, pixel by pixel of where the points are.
//!
//! Points of one pixel (or part of one) and one opacity are one item with a count, and items are
//! stamped in the order of where they are in the world: row by row, or along the Z-order curve. So a crowd costs its pixels, and
//! neighbouring tiles do the same sums in the same order. No GPU draws these.

use super::stack_blur;
use crate::splat::blend_job::Stamped;
use crate::splat::density::Density;
use crate::style::blend::{Cover, Overlap, Stamp};
use crate::style::kernel::Shape;
use heatsplat_points::{Points, Window};
use std::collections::HashMap;

/// No spot's opacity is nearer to 1 than this: under half a colour step.
const OPAQUE: f64 = 1.0 - 1.0 / 1024.0;

/// Pixels of a stamp that costs less than to sort its points.
const SMALL: u32 = 1024;

/// Places are counted on a grid where a pixel has no more of them, each way.
const MOST_GRIDDED: u32 = 8;

/// Bytes of markers that are kept ready for a picture: of a large one all places within a pixel
/// would take a gigabyte.
const INKS: usize = 16 << 20;

/// How far a point may reach in pixels, whatever it weighs.
pub(crate) const MAX_REACH: f64 = 256.0;

/// What a picture of stamps shows.
pub(crate) fn draw(job: &Stamped<'_>) -> Density {
    match job.overlap {
        // kernels that no backend has are stamps that add up
        Overlap::Add => gathered(job, phases_for, |sum, weight| sum + weight),
        Overlap::Set => gathered(job, |_| 1, |_, _| 1.0),
        Overlap::Cover(cover) => self::cover(job, cover),
        Overlap::Over(stamp) => eight_bits(job, stamp, over),
        Overlap::Plus(stamp) => eight_bits(job, stamp, plus),
        Overlap::Reach(weight) => reach(job, *weight),
    }
}

/// Points of one place and class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    /// In parts of a pixel from the window's first; may be outside.
    x: i64,
    y: i64,
    class: u8,
    count: u32,
}

/// A window cut into parts of its pixels, and how far around it points matter.
struct Places {
    window: Window,
    /// Parts of a pixel, each way.
    phases: u32,
    /// Added to a point's position in pixels.
    shift: (f64, f64),
    /// In pixels.
    margin: u32,
    /// Whether items of one place and class are brought together, which pays for large stamps;
    /// else they come in the order of the index.
    sorted: bool,
}

impl Places {
    /// The items of an index, rows first; `class` tells a weight's, 0 for none.
    fn items(&self, points: &Points, class: impl Fn(f32) -> u8) -> Vec<Item> {
        let summary = points.summary();
        let (least, most) = (class(summary.weight_min), class(summary.weight_max));
        let alike = least == most && least > 0;
        if alike && self.phases <= MOST_GRIDDED {
            return self.counted(points, least);
        }
        // of points that are alike, cells tell how many there are
        let finest = if alike { self.finest() } else { 0.0 };
        let mut items = Vec::new();
        self.each(points, finest, |x, y, weight, count| {
            let class = if alike { least } else { class(weight) };
            if class > 0 {
                items.push(Item { x, y, class, count });
            }
        });
        if self.sorted {
            items.sort_unstable_by_key(|i| (i.y, i.x, i.class));
        }
        items.dedup_by(|later, first| {
            let same = (later.y, later.x, later.class) == (first.y, first.x, first.class);
            if same {
                first.count = first.count.saturating_add(later.count);
            }
            same
        });
        items
    }

    /// Cells no larger than this, in pixels, lie in one place each.
    fn finest(&self) -> f64 {
        let shift = [self.shift.0, self.shift.1].map(|s| s * f64::from(self.phases));
        let aligned = shift.iter().all(|s| s.fract() == 0.0);
        // half a place off the grid, cells of a place lie across two
        let halves = if aligned { 1.0 } else { 2.0 };
        1.0 / (halves * f64::from(self.phases))
    }

    /// The same where all points are alike: a grid sorts them.
    fn counted(&self, points: &Points, class: u8) -> Vec<Item> {
        let mut grid = self.grid(0u32);
        let places = grid.clone_shape();
        self.each(points, self.finest(), |x, y, _, count| {
            if let Some(place) = places.place(x, y)
                && let Some(sum) = grid.values.get_mut(place)
            {
                *sum = sum.saturating_add(count);
            }
        });
        let item = |(place, &count): (usize, &u32)| {
            let (x, y) = places.position(place);
            Item { x, y, class, count }
        };
        let filled = grid.values.iter().enumerate().filter(|(_, c)| **c > 0);
        filled.map(item).collect()
    }

    /// A number for each part of each pixel, margins included.
    fn grid<T: Clone>(&self, value: T) -> Grid<T> {
        let margin = i64::from(self.margin);
        let side = |n: u32| (i64::from(n) + 2 * margin) * i64::from(self.phases);
        let (width, height) = (side(self.window.width()), side(self.window.height()));
        Grid {
            first: -margin * i64::from(self.phases),
            width,
            height,
            values: vec![value; (width * height) as usize],
        }
    }

    /// Each cell with its place, weight and count.
    fn each(&self, points: &Points, finest: f64, mut found: impl FnMut(i64, i64, f32, u32)) {
        let around = self.window.grown(self.margin + 1);
        let per_pixel = self.window.pixel().recip();
        let phases = f64::from(self.phases);
        let cells = points.cells(&around, finest);
        let counts: Vec<_> = cells.counts().collect();
        for ((run, world), counts) in cells.slices().zip(counts) {
            let left = (self.window.left() - world) * per_pixel - self.shift.0;
            let top = self.window.top() * per_pixel - self.shift.1;
            for (i, cell) in run.iter().enumerate() {
                let x = ((f64::from(cell.x) * per_pixel - left) * phases).floor();
                let y = ((f64::from(cell.y) * per_pixel - top) * phases).floor();
                let count = counts.and_then(|c| c.get(i)).copied().unwrap_or(1);
                found(x as i64, y as i64, cell.weight, count);
            }
        }
    }
}

/// Numbers by place, rows first.
struct Grid<T> {
    first: i64,
    width: i64,
    height: i64,
    values: Vec<T>,
}

impl<T> Grid<T> {
    fn clone_shape(&self) -> Grid<()> {
        Grid {
            first: self.first,
            width: self.width,
            height: self.height,
            values: Vec::new(),
        }
    }

    fn place(&self, x: i64, y: i64) -> Option<usize> {
        let (x, y) = (x - self.first, y - self.first);
        let inside = (0..self.width).contains(&x) && (0..self.height).contains(&y);
        inside.then_some((y * self.width + x) as usize)
    }

    fn position(&self, place: usize) -> (i64, i64) {
        let (x, y) = (place as i64 % self.width, place as i64 / self.width);
        (x + self.first, y + self.first)
    }
}

/// The rows that a stamp at a place and a picture have in common: for each the picture's part and
/// the stamp's.
fn rows<'a, A, B>(
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

/// Whole pixels and the part of one, of a place in parts.
fn split(place: i64, phases: u32) -> (i64, u32) {
    let phases = i64::from(phases);
    (place.div_euclid(phases), place.rem_euclid(phases) as u32)
}

/// Parts of a pixel that are told apart for a kernel: a tenth of a small radius.
fn phases_for(radius: f64) -> u32 {
    match radius {
        r if r < 8.0 => 8,
        r if r < 24.0 => 4,
        r if r < 64.0 => 2,
        _ => 1,
    }
}

/// A kernel's values around a part of a pixel.
struct KernelStamps {
    phases: u32,
    margin: i64,
    side: usize,
    stamps: Vec<Option<Vec<f32>>>,
}

impl KernelStamps {
    fn new(phases: u32, reach: f64) -> Self {
        let margin = reach.ceil() as i64 + 1;
        let count = 256 * (phases * phases) as usize;
        Self {
            phases,
            margin,
            side: 2 * margin as usize + 1,
            stamps: (0..count).map(|_| None).collect(),
        }
    }

    /// The stamp of a class at a place: made when it is first wanted, by `value` of the distance.
    fn get(&mut self, class: u8, phase: (u32, u32), value: impl Fn(f64) -> f64) -> &[f32] {
        let of_phase = (phase.1 * self.phases + phase.0) as usize;
        let place = usize::from(class) * (self.phases * self.phases) as usize + of_phase;
        let (phases, margin, side) = (f64::from(self.phases), self.margin, self.side);
        let make = || {
            // a place stands for its middle; the pixel's value is at the pixel's
            let offset = |phase: u32| (f64::from(phase) + 0.5) / phases - 0.5;
            let (dx, dy) = (offset(phase.0), offset(phase.1));
            let at = |i: usize, d: f64| (i as i64 - margin) as f64 - d;
            let pixel = |i: usize| value(at(i % side, dx).hypot(at(i / side, dy))) as f32;
            (0..side * side).map(pixel).collect()
        };
        match self.stamps.get_mut(place) {
            Some(stamp) => stamp.get_or_insert_with(make),
            None => &[],
        }
    }
}

/// Adds `value(class, distance)` of every point to the picture.
fn add_stamps(
    job: &Stamped<'_>,
    out: &mut [f32],
    class: impl Fn(f32) -> u8 + Copy,
    value: impl Fn(u8, f64) -> f64 + Copy,
) {
    let width = job.window.width() as usize;
    for &(points, radius) in &job.parts {
        let reach = radius * job.shape.reach();
        let mut stamps = KernelStamps::new(phases_for(radius), reach);
        let places = Places {
            window: job.window,
            phases: stamps.phases,
            shift: (0.0, 0.0),
            margin: stamps.margin as u32 + 1,
            sorted: true,
        };
        for item in places.items(points, class) {
            let (x, phase_x) = split(item.x, stamps.phases);
            let (y, phase_y) = split(item.y, stamps.phases);
            let (margin, side) = (stamps.margin, stamps.side);
            let of_distance = |d: f64| value(item.class, d / radius);
            let stamp = stamps.get(item.class, (phase_x, phase_y), of_distance);
            let times = item.count as f32;
            for (to, from) in rows(out, width, stamp, side, (x - margin, y - margin)) {
                to.iter_mut().zip(from).for_each(|(t, s)| *t += times * s);
            }
        }
    }
}

/// Σ gathered weight · K, where `gather` tells from what a place has and another point's weight what it has
/// then: for kernels that backends don't have, and for places that count once. Places are `phases` of
/// the radius to a pixel, each way.
fn gathered(
    job: &Stamped<'_>,
    phases: impl Fn(f64) -> u32,
    gather: impl Fn(f64, f64) -> f64,
) -> Density {
    let mut whole = Density::empty(job.window.width(), job.window.height());
    let width = job.window.width() as usize;
    for &(points, radius) in &job.parts {
        let mut stamps = KernelStamps::new(phases(radius), radius * job.shape.reach());
        let places = Places {
            window: job.window,
            phases: stamps.phases,
            shift: (0.0, 0.0),
            margin: stamps.margin as u32 + 1,
            sorted: true,
        };
        let mut sums = places.grid(0.0f64);
        let shape = sums.clone_shape();
        places.each(points, 1.0 / f64::from(places.phases), |x, y, weight, _| {
            if let Some(sum) = shape.place(x, y).and_then(|p| sums.values.get_mut(p)) {
                *sum = gather(*sum, f64::from(weight));
            }
        });
        for (place, &sum) in sums.values.iter().enumerate().filter(|(_, s)| **s != 0.0) {
            let (x, y) = shape.position(place);
            let ((x, phase_x), (y, phase_y)) = (split(x, stamps.phases), split(y, stamps.phases));
            let (margin, side) = (stamps.margin, stamps.side);
            let kernel = |d: f64| job.shape.profile(d / radius);
            let stamp = stamps.get(1, (phase_x, phase_y), kernel);
            let times = sum as f32;
            for (to, from) in rows(
                &mut whole.values,
                width,
                stamp,
                side,
                (x - margin, y - margin),
            ) {
                to.iter_mut().zip(from).for_each(|(t, s)| *t += times * s);
            }
        }
    }
    whole
}

/// 1 − Π (1 − opacity · K), by sums of logarithms.
fn cover(job: &Stamped<'_>, cover: &Cover) -> Density {
    let mut whole = Density::empty(job.window.width(), job.window.height());
    let zoom = job.zoom();
    let class = |weight: f32| (cover.opacity(f64::from(weight), zoom) * 255.0).round() as u8;
    let value = |class: u8, u: f64| {
        let opacity = f64::from(class) / 255.0 * job.shape.profile(u);
        -(-opacity.min(OPAQUE)).ln_1p()
    };
    add_stamps(job, &mut whole.values, class, value);
    whole.values.iter_mut().for_each(|v| *v = -(-*v).exp_m1());
    whole
}

/// A pixel's points weigh together, and reach as far as their weight carries them.
fn reach(job: &Stamped<'_>, unit: f64) -> Density {
    let mut whole = Density::empty(job.window.width(), job.window.height());
    let width = job.window.width() as usize;
    let margin = MAX_REACH as u32 + 1;
    let places = Places {
        window: job.window,
        phases: 1,
        shift: (0.0, 0.0),
        margin,
        sorted: true,
    };
    let mut sums = places.grid(0.0f64);
    let shape = sums.clone_shape();
    let degree = job.shape.degree();
    for &(points, radius) in &job.parts {
        sums.values.fill(0.0);
        places.each(points, 0.5, |x, y, weight, _| {
            if let Some(sum) = shape.place(x, y).and_then(|p| sums.values.get_mut(p)) {
                *sum += f64::from(weight);
            }
        });
        for (place, &sum) in sums.values.iter().enumerate().filter(|(_, s)| **s > 0.0) {
            let far = (radius * (sum / unit).powf(degree.recip())).min(MAX_REACH);
            let (x, y) = shape.position(place);
            let side = 2 * far.floor() as i64 + 1;
            let (left, top) = (x - side / 2, y - side / 2);
            let rows_seen = top.max(0)..(top + side).min(i64::from(job.window.height()));
            for row in rows_seen {
                let columns = left.max(0)..(left + side).min(width as i64);
                let from = row as usize * width;
                let line = columns.start.max(0) as usize..columns.end.max(columns.start) as usize;
                let Some(line) = whole.values.get_mut(from + line.start..from + line.end) else {
                    continue;
                };
                let dy2 = ((row - y) * (row - y)) as f32;
                let scale = (1.0 / far) as f32;
                let (sum, shape) = (sum as f32, job.shape);
                for (column, value) in columns.zip(line) {
                    let dx = (column - x) as f32;
                    let u = (dx * dx + dy2).sqrt() * scale;
                    *value += sum * falling(shape, u);
                }
            }
        }
    }
    whole
}

/// A kernel at u, quickly for those that HeatCanvas has.
fn falling(shape: Shape, u: f32) -> f32 {
    match shape {
        Shape::Triangular => (1.0 - u).max(0.0),
        Shape::Epanechnikov => (1.0 - u * u).max(0.0),
        Shape::Cubic => (1.0 - u * u * u).max(0.0),
        other => other.profile(f64::from(u)) as f32,
    }
}

/// Markers of 8 bits, stamped one after the other, and blurred.
fn eight_bits(job: &Stamped<'_>, stamp: &Stamp, blend: impl Fn(u8, u8) -> u8 + Copy) -> Density {
    let print = stamp.marker.print(job.ratio);
    let scaled = |r: u8| (f64::from(r) * job.ratio).round().min(254.0) as u8;
    let blurs: Vec<(u8, u8)> = stamp
        .blurs
        .iter()
        .map(|(x, y)| (scaled(*x), scaled(*y)))
        .collect();
    let margin: u32 = blurs.iter().map(|(x, y)| u32::from(*x.max(y))).sum();
    let inked = job.window.grown(margin);
    let width = inked.width() as usize;
    let mut alpha = vec![0u8; width * inked.height() as usize];
    let reach = print.width.max(print.height) + 1;
    let places = Places {
        window: inked,
        phases: print.phases,
        shift: print.shift,
        margin: reach,
        sorted: print.width * print.height > SMALL,
    };
    let most = INKS / (print.width * print.height).max(1) as usize;
    for &(points, _) in &job.parts {
        let mut inks: HashMap<(u8, u32, u32), Vec<u8>> = HashMap::new();
        for item in places.items(points, |weight| stamp.marker.opacity(weight)) {
            let ((x, phase_x), (y, phase_y)) =
                (split(item.x, print.phases), split(item.y, print.phases));
            let make = || print.alphas((phase_x, phase_y), item.class);
            let ink = (item.class, phase_x, phase_y);
            if inks.len() >= most && !inks.contains_key(&ink) {
                inks.clear();
            }
            let ink = inks.entry(ink).or_insert_with(make);
            let at = (x + print.corner.0, y + print.corner.1);
            for (to, from) in rows(&mut alpha, width, ink, print.width as usize, at) {
                stamp_row(to, from, item.count, blend);
            }
        }
    }
    for radii in blurs {
        stack_blur::blur(&mut alpha, width, radii);
    }
    let mut whole = Density::empty(job.window.width(), job.window.height());
    let margin = margin as usize;
    let inner = alpha.chunks_exact(width.max(1)).skip(margin);
    let outer = whole
        .values
        .chunks_exact_mut((job.window.width() as usize).max(1));
    for (to, from) in outer.zip(inner) {
        to.iter_mut()
            .zip(from.iter().skip(margin))
            .for_each(|(t, f)| *t = f32::from(*f));
    }
    whole
}

/// Stamps a row `count` times over.
#[inline(always)]
fn stamp_row(row: &mut [u8], ink: &[u8], count: u32, blend: impl Fn(u8, u8) -> u8) {
    for _ in 0..count {
        let mut changed = false;
        for (to, &from) in row.iter_mut().zip(ink) {
            let next = blend(*to, from);
            changed |= next != *to;
            *to = next;
        }
        if !changed {
            return; // nor will it ever
        }
    }
}

/// Mapnik's `src-over`.
#[inline(always)]
fn over(under: u8, ink: u8) -> u8 {
    let (under, ink) = (u32::from(under), u32::from(ink));
    (ink + ((under * (255 - ink) + 255) >> 8)) as u8
}

/// Mapnik's `plus`.
#[inline(always)]
fn plus(under: u8, ink: u8) -> u8 {
    under.saturating_add(ink)
}
