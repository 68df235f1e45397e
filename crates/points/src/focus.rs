//! First view of a map: a centre where points are densest, and a zoom at which nearly all points
//! are visible.

use crate::level;
use crate::lon_lat_box::LonLatBox;
use crate::mercator::{self, WORLD};
use crate::points::Points;
use crate::window::Window;

/// Fraction of Σ |weight| that may lie beyond each of the four edges of the first view. With it, a
/// few distant points don't change the view.
const BEYOND: f64 = 0.05;

/// Assumed width and height of the screen that shows the first view, in pixels.
const SCREEN: (f64, f64) = (1024.0, 768.0);

/// Largest zoom of a first view. It is limited so that the surroundings of a small group of points
/// are visible too.
const CLOSEST: f64 = 14.0;

/// Width and height, in pixels, of the window in which cells are searched for. A cell is at most a
/// pixel wide.
const CELLS: u32 = 256;

/// Width and height, in pixels of the window, of the squares whose weights are compared to find
/// where points are densest.
const SQUARE: usize = 16;

/// Centre and zoom of the first view of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Focus {
    /// Longitude of the centre, where points are densest, in degrees from −180 to 180.
    pub lon: f64,
    /// Latitude of the centre, where points are densest, in degrees.
    pub lat: f64,
    /// Zoom of 256 px tiles, 0 to 14. At this zoom a screen centred at `lon` and `lat` shows nearly
    /// all weight.
    pub zoom: u8,
}

/// Cells as (x, y, mass), with x and y in world units. The mass is the absolute value of a cell's
/// weight, or 1 in each cell if all weights are 0.
type Masses = Vec<(f64, f64, f64)>;

impl Focus {
    /// Finds the first view of the points in the box `within`; `None` if no point lies in the box.
    pub fn find(points: &Points, within: LonLatBox) -> Option<Self> {
        let look = Window::around(within.with_margin(), CELLS, CELLS).ok()?;
        // The edges grow by one world unit: their conversion to degrees and back may have changed
        // the last bit.
        let edges = grown(within.world_edges(), 1.0);
        let most = central(masses(points, &look, edges))?;
        // A second search, in a smaller window, has smaller cells: a few distant points may have
        // made the first window large.
        let near = grown(most, look.pixel());
        let look = around(near);
        let masses = masses(points, &look, near);
        let (x, y) = densest(&masses, &look)?;
        let most = masses.iter().fold([x, y, x, y], |[l, t, r, b], (x, y, _)| {
            [l.min(*x), t.min(*y), r.max(*x), b.max(*y)]
        });
        let [left, top, right, bottom] = most;
        let wide = 2.0 * (x - left).max(right - x);
        let high = 2.0 * (y - top).max(bottom - y);
        let pixel = (wide / SCREEN.0).max(high / SCREEN.1);
        let zoom = level::zoom_of_pixel(pixel.max(f64::MIN_POSITIVE));
        Some(Self {
            lon: mercator::longitude(x.rem_euclid(WORLD)),
            lat: mercator::latitude(y),
            zoom: zoom.floor().clamp(0.0, CLOSEST) as u8,
        })
    }
}

fn grown([left, top, right, bottom]: [f64; 4], by: f64) -> [f64; 4] {
    [left - by, top - by, right + by, bottom + by]
}

/// Window of square pixels that covers a rectangle. The rectangle is `[left, top, right, bottom]`
/// in world units.
fn around([left, top, right, bottom]: [f64; 4]) -> Window {
    let pixel = (right - left).max(bottom - top) / f64::from(CELLS);
    Window::new(left, top, pixel, CELLS, CELLS)
}

/// Cells inside a rectangle, each with its mass. The rectangle is `[left, top, right, bottom]` in
/// world units. The cells are at most one pixel of the window `look` wide. The mass of a cell is
/// the absolute value of its weight; but if all cells have the weight 0, each gets the mass 1. If
/// the window is wider than the world, it shows some cells several times, but each is returned
/// once.
fn masses(points: &Points, look: &Window, [left, top, right, bottom]: [f64; 4]) -> Masses {
    let cells = points.cells(look, 1.0);
    let all = cells.slices().flat_map(|(run, shift)| {
        run.iter().map(move |cell| {
            let (x, y) = (f64::from(cell.x) + shift, f64::from(cell.y));
            (x, y, f64::from(cell.weight.abs()))
        })
    });
    let once = right.min(left + WORLD);
    let inside =
        |&(x, y, _): &(f64, f64, f64)| (left..=once).contains(&x) && (top..=bottom).contains(&y);
    let mut masses: Masses = all.filter(inside).collect();
    if masses.iter().all(|(.., mass)| *mass == 0.0) {
        masses.iter_mut().for_each(|(.., mass)| *mass = 1.0);
    }
    masses
}

/// Left, top, right and bottom edge of the rectangle that remains when the fraction [`BEYOND`] of
/// the cells' mass is cut off on each of the four sides. `None` if there are no cells.
fn central(masses: Masses) -> Option<[f64; 4]> {
    let (xs, ys) = (
        masses.iter().map(|h| (h.0, h.2)),
        masses.iter().map(|h| (h.1, h.2)),
    );
    let [left, right] = shares(xs.collect(), [BEYOND, 1.0 - BEYOND])?;
    let [top, bottom] = shares(ys.collect(), [BEYOND, 1.0 - BEYOND])?;
    Some([left, top, right, bottom])
}

/// Quantiles of a distribution of mass along an axis. `along` has, for each cell, its coordinate on
/// the axis and its mass. For each fraction in `shares`, the result has the first coordinate at
/// which the sum of the masses up to there exceeds that fraction of all mass. `None` if `along` is
/// empty.
fn shares<const N: usize>(mut along: Vec<(f64, f64)>, shares: [f64; N]) -> Option<[f64; N]> {
    along.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total: f64 = along.iter().map(|(_, mass)| mass).sum();
    let (last, _) = *along.last()?;
    Some(shares.map(|share| {
        let mut before = 0.0;
        let reached = along.iter().find(|(_, mass)| {
            before += mass;
            before > share * total
        });
        reached.map_or(last, |(at, _)| *at)
    }))
}

/// Centre of the densest part of a window: the median x and the median y of the mass in the
/// heaviest of all squares of [`SQUARE`] × [`SQUARE`] pixels of the window `look`. `None` if there
/// are no cells.
fn densest(masses: &Masses, look: &Window) -> Option<(f64, f64)> {
    let side = CELLS as usize;
    let cell = |x: f64, y: f64| {
        let at = |v: f64, edge: f64| (((v - edge) / look.pixel()) as usize).min(side - 1);
        (at(x, look.left()), at(y, look.top()))
    };
    // Summed-area table: the entry of each corner of a cell is the sum of all masses to the west
    // and north of the corner.
    let mut sums = vec![0.0; (side + 1) * (side + 1)];
    let place = |column: usize, row: usize| row * (side + 1) + column;
    for &(x, y, mass) in masses {
        let (column, row) = cell(x, y);
        if let Some(sum) = sums.get_mut(place(column + 1, row + 1)) {
            *sum += mass;
        }
    }
    for row in 1..=side {
        let mut along = 0.0;
        for column in 1..=side {
            let above = sums.get(place(column, row - 1)).copied().unwrap_or(0.0);
            if let Some(sum) = sums.get_mut(place(column, row)) {
                along += *sum;
                *sum = along + above;
            }
        }
    }
    let at = |column, row| sums.get(place(column, row)).copied().unwrap_or(0.0);
    let (mut best, mut most) = ((0, 0), f64::MIN);
    for (row, column) in (0..=side - SQUARE).flat_map(|r| (0..=side - SQUARE).map(move |c| (r, c)))
    {
        let (right, bottom) = (column + SQUARE, row + SQUARE);
        let mass = at(right, bottom) - at(column, bottom) - at(right, row) + at(column, row);
        if mass > most {
            (best, most) = ((column, row), mass);
        }
    }
    let inside = masses.iter().filter(|(x, y, _)| {
        let (column, row) = cell(*x, *y);
        let within = |at: usize, first: usize| (first..first + SQUARE).contains(&at);
        within(column, best.0) && within(row, best.1)
    });
    let inside: Vec<_> = inside.copied().collect();
    let [x] = shares(inside.iter().map(|h| (h.0, h.2)).collect(), [0.5])?;
    let [y] = shares(inside.iter().map(|h| (h.1, h.2)).collect(), [0.5])?;
    Some((x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn focus(points: &[(f64, f64, f32)]) -> Focus {
        let points = Points::from_lon_lat(points.iter().copied()).unwrap();
        points.focus().unwrap()
    }

    /// `count` points spread over a square of `side` degrees around (`lon`, `lat`).
    fn crowd(count: usize, lon: f64, lat: f64, side: f64) -> Vec<(f64, f64, f32)> {
        let off = |i: usize, prime: usize| (i * prime % 1009) as f64 / 1009.0 - 0.5;
        let point = |i| (lon + side * off(i, 331), lat + side * off(i, 577), 1.0);
        (0..count).map(point).collect()
    }

    fn assert_near(found: Focus, lon: f64, lat: f64, degrees: f64) {
        let near = (found.lon - lon).abs() < degrees && (found.lat - lat).abs() < degrees;
        assert!(near, "{found:?}, not {lon}, {lat}");
    }

    #[test]
    fn a_few_points_far_off_move_nothing() {
        let alone = focus(&crowd(1000, 13.4, 52.5, 0.4));
        assert_near(alone, 13.4, 52.5, 0.2);
        assert!((9..=11).contains(&alone.zoom), "{alone:?}");
        let mut points = crowd(1000, 13.4, 52.5, 0.4);
        points.extend([(151.2, -33.9, 1.0), (-70.0, -20.0, 9.0), (0.0, 0.0, 20.0)]);
        let found = focus(&points);
        assert_near(found, 13.4, 52.5, 0.2);
        assert!((8..=11).contains(&found.zoom), "{found:?}");
    }

    #[test]
    fn weight_decides_and_not_the_number() {
        let mut points = crowd(500, 13.4, 52.5, 1.0);
        points.extend(
            crowd(50, 2.3, 48.9, 1.0)
                .into_iter()
                .map(|(x, y, _)| (x, y, -30.0)),
        );
        assert_near(focus(&points), 2.3, 48.9, 0.5);
        points.iter_mut().for_each(|(.., weight)| *weight = 0.0);
        assert_near(focus(&points), 13.4, 52.5, 0.5);
    }

    #[test]
    fn the_first_view_shows_both_of_two_crowds() {
        let mut points = crowd(300, 13.4, 52.5, 0.2);
        points.extend(crowd(200, 2.3, 48.9, 0.2));
        let found = focus(&points);
        assert_near(found, 13.4, 52.5, 0.2);
        // The other group of points is 11° to one side, so 22° must fit: about 1,020 pixels at zoom
        // 6.
        assert_eq!(found.zoom, 6);
    }

    #[test]
    fn across_180_it_is_one_crowd() {
        let points = crowd(1000, 180.0, -17.0, 4.0);
        let turned =
            |(x, y, w): &(f64, f64, f32)| (if *x > 180.0 { x - 360.0 } else { *x }, *y, *w);
        let found = focus(&points.iter().map(turned).collect::<Vec<_>>());
        assert!(
            found.lon.abs() > 178.0 && (found.lat + 17.0).abs() < 2.0,
            "{found:?}"
        );
        assert!((6..=8).contains(&found.zoom), "{found:?}");
    }

    #[test]
    fn odd_sets_have_one_too() {
        assert_eq!(Points::from_slice(&[]).focus(), None);
        let alone = focus(&[(179.999, 84.0, 0.0)]);
        assert_near(alone, 179.999, 84.0, 1e-6);
        assert_eq!(alone.zoom, 14);
        assert_near(focus(&[(5.0, 85.051_128, 1.0); 3]), 5.0, 85.051_128, 1e-5);
        let world = crowd(1009, 0.0, 0.0, 160.0)
            .into_iter()
            .map(|(x, y, w)| (x * 2.2, y, w));
        assert!(focus(&world.collect::<Vec<_>>()).zoom <= 2);
    }
}
