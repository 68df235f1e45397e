//! The default radius of a layer of points. It follows from the distances between the points: small
//! where points lie close together on the screen, larger where they lie apart.

use crate::style::radius::{Length, Radius};
use heatsplat_points::{Point, Points, ReadError, TileId, Window, cancel};

/// The least fitted radius, in CSS pixels: a choice. Smaller kernels show single points instead of
/// heat.
const LEAST: f64 = 4.0;
/// The greatest fitted radius, in CSS pixels: a choice. Larger kernels hide where in a town a point
/// lies.
const MOST: f64 = 24.0;

/// The greatest factor between the radii of two successive zooms: a choice. So a map doesn't change
/// its look when it is zoomed.
const STEEPEST: f64 = 1.5;

/// The fitted radius, divided by the mean distance between neighbouring points: a choice, made by
/// looking at maps of cities, incidents, earthquakes, storms and animals at five zooms each. With
/// it the kernels of neighbouring points overlap, but groups of points stay apart.
const PER_DISTANCE: f64 = 1.7;

/// The number of zooms for which a radius is fitted: zooms 0 to 22. Deeper zooms have the radius of
/// zoom 22.
const ZOOMS: usize = 23;

/// The level whose cells are as wide as a pixel of zoom 0, at which the world is 2⁸ pixels wide.
const PIXEL_LEVEL: u32 = 8;

/// The level whose cells are as wide as a block of zoom 0. A block is a square of 2⁵ × 2⁵ pixels;
/// the occupied pixels, which are those with points, are counted in each.
const BLOCK_LEVEL: u32 = PIXEL_LEVEL - 5;
const PIXELS_IN_BLOCK: f64 = 1024.0;

/// The greatest number of points of which all are read if they are not in memory: a choice.
const MOST_SCANNED: usize = 1 << 20;

/// The number of points around which pixels are read if there are too many points to read all: a
/// choice. The pixels are those of the block (a square of pixels) in which the point lies.
const PICKED: usize = 64;

/// The greatest number of occupied pixels (pixels with points) at a zoom up to which all of them
/// are read: a choice.
const MOST_OCCUPIED: u64 = 1 << 16;

impl Radius {
    /// Fits a radius to points: for each zoom a length from 4 to 24 CSS pixels, at most 1.5 times
    /// the length of the zoom before.
    ///
    /// The length is 1.7 times the mean distance between neighbouring pixels that have points, in
    /// the surroundings of a typical such pixel. So several points at one place count once. Without
    /// points the length is 24 pixels.
    ///
    /// This takes one pass over the points, some nanoseconds each. If there are more than a million
    /// points and they are not in memory, only some are read, and the radius is nearly the same. If
    /// they can't be read, the stack is unwound: see [`Points::from_paged`].
    pub fn for_points(points: &Points) -> Self {
        let many = points.paged().is_some() && points.summary().count > MOST_SCANNED;
        let crowding = if many {
            sampled(points)
        } else {
            scanned(points)
        };
        let mut wanted = match crowding {
            Ok(crowding) => crowding.map(radius_of),
            Err(error) => cancel::unreadable(error),
        };
        // A smaller radius at a later zoom is a smaller one here too: points that are together in
        // one pixel don't tell their distance.
        let mut least = MOST;
        for radius in wanted.iter_mut().rev() {
            least = least.min(*radius);
            *radius = least;
        }
        let mut before = MOST;
        for radius in &mut wanted {
            *radius = radius.min((before * STEEPEST).floor());
            before = *radius;
        }
        let table = (0..).map(f64::from).zip(wanted).collect();
        Self::from_zooms(without_straight(table)).unwrap_or_default()
    }
}

/// The result of [`CrowdingCounter::finish`], from all points.
fn scanned(points: &Points) -> Result<[f64; ZOOMS], ReadError> {
    let mut crowding = CrowdingCounter::default();
    points.scan(&mut |batch| crowding.add(batch))?;
    Ok(crowding.finish())
}

/// An approximation of the result of [`CrowdingCounter::finish`]. It is computed from cells as wide
/// as the zoom's pixels: from all cells if few pixels are occupied, otherwise from the cells in the
/// blocks of pixels around some points.
fn sampled(points: &Points) -> Result<[f64; ZOOMS], ReadError> {
    let picked = points.every(points.summary().count.div_ceil(PICKED))?;
    let mut all = [0.0; ZOOMS];
    for (zoom, crowding) in (0..).zip(&mut all) {
        let (blocks, pixels) = (zoom + BLOCK_LEVEL as u8, zoom + PIXEL_LEVEL as u8);
        let whole = points.occupied(u32::from(pixels)) <= MOST_OCCUPIED;
        let mut sums = BlockSums::default();
        if whole {
            let side = 1 << pixels;
            let world = Window::at_level(pixels, 0, 0, side, side);
            sums.add(points, &world, zoom, 1.0);
        }
        for point in picked.iter().filter(|_| !whole) {
            let shift = 32 - u32::from(blocks);
            let Ok(block) = TileId::new(blocks, point.x >> shift, point.y >> shift) else {
                continue;
            };
            // A block is picked the more often the more points it has.
            let share = 1.0 / points.tile_range(block)?.len().max(1) as f64;
            sums.add(points, &Window::tile(block, 32), zoom, share);
        }
        *crowding = sums.pairs / (PIXELS_IN_BLOCK * sums.pixels.max(f64::MIN_POSITIVE));
    }
    Ok(all)
}

/// Weighted sums of the numbers `pixels` and `pairs` of [`Crowding`] over some blocks of pixels.
/// The numbers of each block are multiplied by the block's weight.
#[derive(Default)]
struct BlockSums {
    pixels: f64,
    pairs: f64,
}

impl BlockSums {
    /// Adds the numbers of the blocks of pixels in a window, whose pixels are those of `zoom`. They
    /// are multiplied by `share`, the weight of these blocks.
    fn add(&mut self, points: &Points, window: &Window, zoom: u8, share: f64) {
        let (block, pixel) = (u32::from(zoom) + BLOCK_LEVEL, u32::from(zoom) + PIXEL_LEVEL);
        let mut counter = Crowding::default();
        let mut before: Option<Point> = None;
        for (cells, _) in points.cells(window, 1.0).slices() {
            for cell in cells {
                let (x, y) = (f64::from(cell.x), f64::from(cell.y));
                let inside = (window.left()..window.right()).contains(&x)
                    && (window.top()..window.bottom()).contains(&y);
                if !inside || before.is_some_and(|before| before.shares(cell, pixel)) {
                    continue;
                }
                if before.is_some_and(|before| !before.shares(cell, block)) {
                    counter.close();
                }
                before = Some(*cell);
                counter.here += 1;
            }
        }
        counter.close();
        self.pixels += share * counter.pixels as f64;
        self.pairs += share * counter.pairs;
    }
}

/// The radius in whole CSS pixels. `in_pixel` is the fraction of pixels that have points, in the
/// surroundings of a typical pixel with points.
fn radius_of(in_pixel: f64) -> f64 {
    let distance = in_pixel.max(f64::MIN_POSITIVE).sqrt().recip();
    (PER_DISTANCE * distance).round().clamp(LEAST, MOST)
}

/// Converts a table of (zoom, length in pixels) to one with fewer rows. A row is left out if its
/// length lies on the straight line between the rows before and after it.
fn without_straight(all: Vec<(f64, f64)>) -> Vec<(f64, Length)> {
    let mut table: Vec<(f64, f64)> = Vec::new();
    for (i, &(zoom, length)) in all.iter().enumerate() {
        let (before, after) = (table.last(), all.get(i + 1));
        let is_needed = match (before, after) {
            (Some(&(z0, a)), Some(&(z1, b))) => {
                let straight = a + (b - a) * (zoom - z0) / (z1 - z0);
                (straight - length).abs() > 1e-9
            }
            // Before the first zoom and after the last one lengths stay as they are.
            (None, Some(&(_, next))) => next != length,
            (Some(&(_, last)), None) => last != length,
            (None, None) => false,
        };
        if is_needed {
            table.push((zoom, length));
        }
    }
    if let ([], Some(&(_, everywhere))) = (&*table, all.first()) {
        table.push((0.0, everywhere));
    }
    table
        .into_iter()
        .map(|(zoom, length)| (zoom, Length::Pixels(length)))
        .collect()
}

/// Counts of occupied pixels at one zoom. A pixel is occupied if a point lies in it. They are
/// counted in squares of neighbouring pixels, one square after the other, called blocks here.
#[derive(Clone, Copy, Default)]
struct Crowding {
    /// The number of occupied pixels in the current block.
    here: u64,
    /// The number of occupied pixels in all blocks before the current one.
    pixels: u64,
    /// Σ n · (n − 1) over all blocks before the current one, where n is the number of a block's
    /// occupied pixels: the number of ordered pairs of different occupied pixels in one block.
    pairs: f64,
}

/// A counter of the pixels that have points, at each zoom. Points must be added in Z-order.
#[derive(Default)]
struct CrowdingCounter {
    zooms: [Crowding; ZOOMS],
    /// The last point that was added.
    before: Option<Point>,
}

impl CrowdingCounter {
    fn add(&mut self, points: &[Point]) {
        for point in points {
            // The level of the widest cells that have only one of the two points.
            let level = self.before.map_or(0, |b| {
                ((b.x ^ point.x) | (b.y ^ point.y)).leading_zeros() + 1
            });
            self.before = Some(*point);
            let pixels = first_zoom(level, PIXEL_LEVEL);
            let blocks = first_zoom(level, BLOCK_LEVEL);
            for zoom in self.zooms.iter_mut().skip(blocks) {
                zoom.close();
            }
            for zoom in self.zooms.iter_mut().skip(pixels) {
                zoom.here += 1;
            }
        }
    }

    /// Returns for each zoom how crowded its pixels are: the fraction, 0 to 1, of the pixels of a
    /// block that are occupied besides one given occupied pixel. It is the mean of this fraction
    /// over all occupied pixels of the zoom.
    fn finish(self) -> [f64; ZOOMS] {
        self.zooms.map(|mut zoom| {
            zoom.close();
            zoom.pairs / (PIXELS_IN_BLOCK * (zoom.pixels.max(1)) as f64)
        })
    }
}

impl Crowding {
    /// Ends the current block of pixels: adds its counts to the sums over all blocks.
    fn close(&mut self) {
        self.pixels += self.here;
        self.pairs += self.here as f64 * self.here.saturating_sub(1) as f64;
        self.here = 0;
    }
}

/// The first zoom at which the squares of a quadtree are at most as wide as the cells of `level`.
/// At zoom 0 these squares are the cells of `level_of_0`, and at each further zoom they are half as
/// wide.
fn first_zoom(level: u32, level_of_0: u32) -> usize {
    level.saturating_sub(level_of_0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(points: impl IntoIterator<Item = (f64, f64, f32)>) -> Radius {
        Radius::for_points(&Points::from_lon_lat(points).unwrap())
    }

    fn pixels(radius: &Radius, zoom: u8) -> f64 {
        match radius.at_zoom(f64::from(zoom)) {
            Length::Pixels(pixels) => pixels,
            Length::Metres(_) => panic!("{radius}"),
        }
    }

    /// `count` points spread evenly over a square of `side` degrees at the equator.
    fn field(count: u32, side: f64) -> Vec<(f64, f64, f32)> {
        let share = |i: u32, base: u32| {
            // Van der Corput's sequence.
            let (mut i, mut share, mut part) = (i, 0.0, 1.0);
            while i > 0 {
                part /= f64::from(base);
                share += part * f64::from(i % base);
                i /= base;
            }
            share
        };
        let point = |i| (side * share(i, 2), side * share(i, 3), 1.0);
        (0..count).map(point).collect()
    }

    #[test]
    fn the_radius_follows_the_distance_of_the_points() {
        // At zoom 5 a degree is 22.8 px, so 10,000 points on 10 × 10 degrees are 2.28 px apart, and
        // 1.7 times that is just under the least radius. From there on it rises as fast as it may.
        let radius = fitted(field(10_000, 10.0));
        let rising = "5:4px,6:6px,7:9px,8:13px,9:19px,10:24px";
        assert_eq!(radius.to_string(), rising);
        // With four times as many points it rises a zoom later.
        let radius = fitted(field(40_000, 10.0));
        let later = "6:4px,7:6px,8:9px,9:13px,10:19px,11:24px";
        assert_eq!(radius.to_string(), later);
    }

    #[test]
    fn radii_rise_slowly_and_only_rise() {
        for count in [1, 2, 30, 1_000, 100_000] {
            for side in [1e-4, 0.1, 80.0] {
                let radius = fitted(field(count, side));
                for zoom in 0..30 {
                    let (a, b) = (pixels(&radius, zoom), pixels(&radius, zoom + 1));
                    assert!((LEAST..=MOST).contains(&a), "{radius}");
                    assert!(a <= b && b <= a * STEEPEST, "{radius}");
                }
                assert_eq!(radius.to_string().parse::<Radius>().unwrap(), radius);
            }
        }
    }

    #[test]
    fn points_at_one_place_count_once() {
        let single = fitted([(13.4, 52.5, 1.0)]);
        assert_eq!(single.to_string(), "24px");
        assert_eq!(fitted([(13.4, 52.5, 1.0); 1000]), single);
        let field = field(1000, 1.0);
        let twice = field.iter().chain(&field).copied();
        assert_eq!(fitted(twice), fitted(field.iter().copied()));
        assert_eq!(Radius::for_points(&Points::from_slice(&[])), single);
    }

    #[test]
    fn a_sample_gives_nearly_the_radius_of_all_points() {
        let mut points = field(60_000, 3.0);
        points.extend(
            field(60_000, 40.0)
                .iter()
                .map(|(x, y, w)| (x + 20.0, y - 30.0, *w)),
        );
        points.extend(
            field(60_000, 0.02)
                .iter()
                .map(|(x, y, w)| (x - 9.0, y + 8.0, *w)),
        );
        let points = Points::from_lon_lat(points).unwrap();
        let (all, some) = (scanned(&points).unwrap(), sampled(&points).unwrap());
        for (zoom, (all, some)) in all.into_iter().zip(some).enumerate() {
            if points.occupied(zoom as u32 + PIXEL_LEVEL) <= MOST_OCCUPIED {
                assert!((all - some).abs() <= 1e-9 * all, "{zoom}: {all} {some}");
            }
            let (all, some) = (radius_of(all), radius_of(some));
            assert!((all - some).abs() <= 2.0, "{zoom}: {all} {some}");
        }
    }

    #[test]
    fn straight_parts_have_no_rows() {
        let table = |lengths: &[f64]| {
            let all = (0..).map(f64::from).zip(lengths.iter().copied()).collect();
            Radius::from_zooms(without_straight(all))
                .unwrap()
                .to_string()
        };
        assert_eq!(table(&[4.0, 4.0, 4.0]), "4px");
        assert_eq!(table(&[4.0]), "4px");
        assert_eq!(table(&[4.0, 4.0, 6.0, 8.0, 8.0]), "1:4px,3:8px");
        assert_eq!(table(&[4.0, 6.0, 9.0, 13.0]), "0:4px,1:6px,2:9px,3:13px");
    }
}
