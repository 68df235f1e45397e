//! The one point that stands for an area.

use super::outline::{Outline, edges, sides};

/// The share of the boxes of its outer rings that an area must fill to have a centroid: a choice.
/// Rounding gives the area of positions on one line a share of up to about 10⁻¹⁵.
const LEAST_SHARE: f64 = 1e-12;

/// The centroid of an area in the plane of its coordinates: that of all its polygons together,
/// without their holes. The direction of rings makes no difference. `None` if the area encloses
/// nothing, or if its parts cancel, so that the centroid would lie outside of its box.
pub(super) fn centroid(area: &Outline) -> Option<(f64, f64)> {
    let all = area.parts().map(sides);
    let [west, south, east, north] =
        all.reduce(|[w, s, e, n], [x0, y0, x1, y1]| [w.min(x0), s.min(y0), e.max(x1), n.max(y1)])?;
    let (mid_x, mid_y) = (west / 2.0 + east / 2.0, south / 2.0 + north / 2.0);
    // Twice the area, and six times its first moments, about the middle of the box. Those of a ring
    // are computed about its own first position: about a distant one they would be lost in
    // rounding, if the area has small parts far apart.
    let (mut double, mut moment_x, mut moment_y, mut bounding) = (0.0, 0.0, 0.0, 0.0);
    for (ring, is_outer) in area.rings() {
        let Some(&(first_x, first_y)) = ring.first() else {
            continue;
        };
        let (mut own, mut own_x, mut own_y) = (0.0, 0.0, 0.0);
        for ((ax, ay), (bx, by)) in edges(ring) {
            let (ax, ay) = (ax - first_x, ay - first_y);
            let (bx, by) = (bx - first_x, by - first_y);
            let cross = ax * by - bx * ay;
            own += cross;
            own_x += (ax + bx) * cross;
            own_y += (ay + by) * cross;
        }
        // An outer ring adds its area and a hole takes it away, whichever way they run.
        let sign = if (own >= 0.0) == is_outer { 1.0 } else { -1.0 };
        double += sign * own;
        moment_x += sign * (own_x + 3.0 * own * (first_x - mid_x));
        moment_y += sign * (own_y + 3.0 * own * (first_y - mid_y));
        if is_outer {
            let [west, south, east, north] = sides(ring);
            bounding += (east - west) * (north - south);
        }
    }
    if double <= 2.0 * LEAST_SHARE * bounding {
        return None;
    }
    let place = (
        mid_x + moment_x / (3.0 * double),
        mid_y + moment_y / (3.0 * double),
    );
    let is_in = (west..=east).contains(&place.0) && (south..=north).contains(&place.1);
    is_in.then_some(place)
}

/// A point inside of an area: of each polygon, a scan line near the middle of its height is cut
/// into the runs that are inside of it; the middle of the widest run of all polygons is the point.
/// The scan line lies halfway between the vertices that are nearest to the middle, above and below,
/// so that it meets no vertex. `None` if no run has a width.
pub(super) fn surface(area: &Outline) -> Option<(f64, f64)> {
    let (mut widest, mut place) = (0.0, None);
    let mut crossings = Vec::new();
    for polygon in area.polygons() {
        let [west, south, east, north] = polygon.first().map(|outer| sides(outer))?;
        // Runs of a polygon are no wider than its box.
        if east - west <= widest {
            continue;
        }
        let y = scan_line(&polygon, south, north);
        crossings.clear();
        for ((ax, ay), (bx, by)) in polygon.iter().flat_map(|ring| edges(ring)) {
            if (ay > y) != (by > y) {
                crossings.push(ax + (y - ay) / (by - ay) * (bx - ax));
            }
        }
        crossings.sort_unstable_by(f64::total_cmp);
        for run in crossings.as_chunks::<2>().0 {
            let [from, to] = *run;
            if to - from > widest {
                widest = to - from;
                place = Some((from / 2.0 + to / 2.0, y));
            }
        }
    }
    place
}

/// The y of a polygon's scan line: the mean of the nearest vertices above and below the middle of
/// its box. `south` and `north` are the sides of the box.
fn scan_line(polygon: &[&[(f64, f64)]], south: f64, north: f64) -> f64 {
    let middle = south / 2.0 + north / 2.0;
    let (mut below, mut above) = (south, north);
    for &(_, y) in polygon.iter().copied().flatten() {
        if y <= middle {
            below = below.max(y);
        } else {
            above = above.min(y);
        }
    }
    below / 2.0 + above / 2.0
}
