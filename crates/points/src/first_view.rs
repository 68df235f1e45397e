//! The search for the first view of a map: the box that contains nearly all weight.

use crate::focus::Focus;
use crate::level;
use crate::lon_lat_box::LonLatBox;
use crate::mercator::{self, WORLD};
use crate::point::Point;
use crate::points::Points;
use crate::tile::TileId;
use crate::window::Window;

/// The fraction of Σ |weight| that may lie beyond each of the four edges of the first view, so that
/// a few distant points don't change it. All four together cut off at most 2 %.
const BEYOND: f64 = 0.005;

/// The number of points below which the first view shows all of them: a choice.
const FEW: usize = 50;

/// The assumed width and height of the screen that shows the first view, in pixels.
const SCREEN: (f64, f64) = (1024.0, 768.0);

/// The largest zoom of a first view. It is limited so that the surroundings of a small group of
/// points are visible too.
const CLOSEST: f64 = 14.0;

/// The width and height of the window in which the search for cells takes place, in pixels. No cell
/// is wider than one of these pixels.
const CELLS: u32 = 256;

/// Some cells as (x, y, mass), with x and y in world units. The mass is the absolute value of a
/// cell's weight, or 1 in each cell if all weights are 0.
type Masses = Vec<(f64, f64, f64)>;

impl Focus {
    /// Finds the first view of the points in the box `within`; `None` if no point lies in the box.
    pub fn find(points: &Points, within: LonLatBox) -> Option<Self> {
        let look = Window::around(within.with_margin(), CELLS, CELLS).ok()?;
        // The edges grow by one world unit: their conversion to degrees and back may have changed
        // the last bit.
        let edges = grown(within.world_edges(), 1.0);
        let few = points.summary().count < FEW;
        let pile = if few { 0.0 } else { mass_at_0_0(points) };
        // Of few points those without weight are seen too.
        let most = match few {
            true => edges,
            false => central(masses(points, &look, edges, pile))?,
        };
        // A second search, in a smaller window, has smaller cells: a few distant points may have
        // made the first window large.
        let near = grown(most, look.pixel());
        let look = around(near);
        let masses = masses(points, &look, near, pile);
        let (x, y, _) = *masses.first()?;
        let [left, top, right, bottom] =
            masses.iter().fold([x, y, x, y], |[l, t, r, b], (x, y, _)| {
                [l.min(*x), t.min(*y), r.max(*x), b.max(*y)]
            });
        let pixel = ((right - left) / SCREEN.0).max((bottom - top) / SCREEN.1);
        let zoom = level::zoom_of_pixel(pixel.max(f64::MIN_POSITIVE));
        let west = mercator::longitude(left.rem_euclid(WORLD));
        let degrees = (right - left) / WORLD * 360.0;
        let bounds = LonLatBox::on_the_map(
            west,
            mercator::latitude(bottom),
            west + degrees,
            mercator::latitude(top),
        );
        Some(Self {
            lon: mercator::longitude(((left + right) / 2.0).rem_euclid(WORLD)),
            lat: mercator::latitude((top + bottom) / 2.0),
            zoom: zoom.floor().clamp(0.0, CLOSEST) as u8,
            bounds,
        })
    }
}

/// Returns Σ |weight| of the points at exactly longitude 0 and latitude 0. The result is 0 if no
/// other point has a weight, since points at 0,0 must not be left out then.
fn mass_at_0_0(points: &Points) -> f64 {
    let middle = 1 << (crate::MAX_ZOOM - 1);
    let Ok(tile) = TileId::new(crate::MAX_ZOOM, middle, middle) else {
        return 0.0;
    };
    let near = points.cells(&Window::tile(tile, 1), 0.0);
    let is_there = |point: &&Point| point.x == 1 << 31 && point.y == 1 << 31;
    let near = near.slices().flat_map(|(run, _)| run);
    let there = near.filter(is_there);
    let mass = there.map(|point| f64::from(point.weight.abs())).sum();
    if mass < points.summary().mass {
        mass
    } else {
        0.0
    }
}

fn grown([left, top, right, bottom]: [f64; 4], by: f64) -> [f64; 4] {
    [left - by, top - by, right + by, bottom + by]
}

/// Returns a window of square pixels that covers the rectangle `[left, top, right, bottom]`, which
/// is in world units.
fn around([left, top, right, bottom]: [f64; 4]) -> Window {
    let pixel = (right - left).max(bottom - top) / f64::from(CELLS);
    Window::new(left, top, pixel, CELLS, CELLS)
}

/// Returns the cells inside the rectangle `[left, top, right, bottom]` in world units, each with
/// its mass. The cells are at most one pixel of the window `look` wide. The mass of a cell is the
/// absolute value of its weight; but if all cells have the weight 0, each gets the mass 1. If the
/// window is wider than the world, it shows some cells several times, but each is returned once.
/// `pile`, the mass of the points at exactly longitude 0 and latitude 0, is subtracted from the
/// cells there; cells of which no mass is left are left out.
fn masses(
    points: &Points,
    look: &Window,
    [left, top, right, bottom]: [f64; 4],
    pile: f64,
) -> Masses {
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
    if pile > 0.0 {
        take_away(&mut masses, pile, look.pixel());
    }
    if masses.iter().all(|(.., mass)| *mass == 0.0) {
        masses.iter_mut().for_each(|(.., mass)| *mass = 1.0);
    }
    masses
}

/// Subtracts the mass `pile` from the cells within `pixel` world units of longitude 0 and latitude
/// 0, and drops those of them that have no mass left.
fn take_away(masses: &mut Masses, pile: f64, pixel: f64) {
    let mut left = pile;
    masses.retain_mut(|(x, y, mass)| {
        let is_near =
            (x.rem_euclid(WORLD) - WORLD / 2.0).abs() <= pixel && (*y - WORLD / 2.0).abs() <= pixel;
        if !is_near {
            return true;
        }
        let taken = left.min(*mass);
        left -= taken;
        *mass -= taken;
        // Sums of f32 are only this accurate.
        *mass > taken * 1e-6
    });
}

/// Returns the left, top, right and bottom edge of the rectangle that remains when the fraction
/// [`BEYOND`] of the cells' mass is cut off on each of the four sides. `None` if there are no
/// cells.
fn central(masses: Masses) -> Option<[f64; 4]> {
    let (xs, ys) = (
        masses.iter().map(|h| (h.0, h.2)),
        masses.iter().map(|h| (h.1, h.2)),
    );
    let [left, right] = shares(xs.collect(), [BEYOND, 1.0 - BEYOND])?;
    let [top, bottom] = shares(ys.collect(), [BEYOND, 1.0 - BEYOND])?;
    Some([left, top, right, bottom])
}

/// Returns the quantiles of a distribution of mass along an axis. `along` has, for each cell, its
/// coordinate on the axis and its mass. For each fraction in `shares`, the result has the first
/// coordinate at which the sum of the masses up to there exceeds that fraction of all mass. `None`
/// if `along` is empty.
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
        points.extend([(151.2, -33.9, 1.0), (-70.0, -20.0, 3.0), (-71.0, -3.0, 1.0)]);
        let found = focus(&points);
        assert_near(found, 13.4, 52.5, 0.2);
        assert!((8..=11).contains(&found.zoom), "{found:?}");
        let [west, south, east, north] = found.bounds.edges();
        let near = |a: f64, b: f64| (a - b).abs() < 0.02;
        assert!(near(west, 13.2) && near(east, 13.6), "{found:?}");
        assert!(near(south, 52.3) && near(north, 52.7), "{found:?}");
    }

    #[test]
    fn a_pile_at_0_0_is_no_place() {
        let mut points = crowd(1000, 13.4, 52.5, 0.4);
        points.extend([(0.0, 0.0, 1.0); 700]);
        assert_near(focus(&points), 13.4, 52.5, 0.2);
        // Points around 0,0 are seen, and a pile without other points is seen too.
        let mut points = crowd(1000, 0.0, 0.0, 0.4);
        points.extend([(0.0, 0.0, 1.0); 700]);
        assert_near(focus(&points), 0.0, 0.0, 0.2);
        assert_near(focus(&[(0.0, 0.0, 1.0); 700]), 0.0, 0.0, 1e-9);
    }

    #[test]
    fn of_few_points_all_are_seen() {
        let mut points = crowd(40, 13.4, 52.5, 0.4);
        points.extend([(151.2, -33.9, 1.0), (-30.0, 60.0, 0.0)]);
        let [west, south, east, north] = focus(&points).bounds.edges();
        assert!(west < -29.9 && south < -33.0 && east > 151.0 && north > 59.9);
    }

    #[test]
    fn weight_decides_and_not_the_number() {
        let mut points = crowd(500, 13.4, 52.5, 1.0);
        points.extend(
            crowd(50, 2.3, 48.9, 1.0)
                .into_iter()
                .map(|(x, y, _)| (x, y, -3000.0)),
        );
        assert_near(focus(&points), 2.3, 48.9, 0.5);
        // Without weights all points count alike.
        points.iter_mut().for_each(|(.., weight)| *weight = 0.0);
        assert_near(focus(&points), 7.85, 50.7, 0.8);
    }

    #[test]
    fn the_first_view_shows_both_of_two_crowds() {
        let mut points = crowd(300, 13.4, 52.5, 0.2);
        points.extend(crowd(200, 2.3, 48.9, 0.2));
        let found = focus(&points);
        assert_near(found, 7.85, 50.7, 0.3);
        // 11.3° must fit: about 1,030 pixels at zoom 7.
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
