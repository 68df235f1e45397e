//! The pages that have the points of a box. Since points are in Z-order, those of a quad are next
//! to each other, and so a box has a few ranges of pages.

use super::PagedRows;
use heatsplat_points::{LonLatBox, Quad, ReadError, mercator};
use std::ops::Range;

/// The number of pages up to which the points of a quad are read as a whole, without a look at its
/// quarters: a choice.
const FEW_PAGES: u64 = 4;

/// The depth of quads that are a single position.
const DEEPEST: u32 = 32;

/// The numbers of the pages that may have points in a box, as ranges in ascending order that don't
/// overlap.
pub(super) fn pages_within(
    rows: &dyn PagedRows,
    within: LonLatBox,
) -> Result<Vec<Range<u64>>, ReadError> {
    let mut pages = Vec::new();
    let numbers = 0..rows.rows();
    visit(rows, within, Quad::WORLD, numbers, &mut pages)?;
    Ok(pages)
}

/// Appends the pages with points of a quad that may lie in a box. `numbers` are those of the quad's
/// points.
fn visit(
    rows: &dyn PagedRows,
    within: LonLatBox,
    quad: Quad,
    numbers: Range<u64>,
    pages: &mut Vec<Range<u64>>,
) -> Result<(), ReadError> {
    if numbers.is_empty() {
        return Ok(());
    }
    let len = rows.page_rows().max(1);
    let are_few = numbers.end - numbers.start <= FEW_PAGES * len;
    if are_few || is_within(within, quad) || quad.depth >= DEEPEST {
        let end = numbers.end.div_ceil(len);
        // The page in which the quad before ends may be the one in which this quad begins.
        match pages
            .last_mut()
            .filter(|last| last.end >= numbers.start / len)
        {
            Some(last) => last.end = end,
            None => pages.push(numbers.start / len..end),
        }
        return Ok(());
    }
    for quarter in 0..4 {
        let child = quad.child(quarter);
        // Tested before the index is asked for the quarter's points, which may read pages.
        if may_touch(within, child) {
            visit(rows, within, child, rows.quad_rows(child)?, pages)?;
        }
    }
    Ok(())
}

/// Returns false only if no position in a quad lies in a box.
fn may_touch(within: LonLatBox, quad: Quad) -> bool {
    let ([west, south, east, north], (lon, lat)) = (within.edges(), degrees(quad));
    TURNS
        .iter()
        .any(|turn| lon.0 <= east + turn && lon.1 >= west + turn)
        && lat.0 <= north
        && lat.1 >= south
}

/// Returns true only if all positions in a quad lie in a box.
fn is_within(within: LonLatBox, quad: Quad) -> bool {
    let ([west, south, east, north], (lon, lat)) = (within.edges(), degrees(quad));
    TURNS
        .iter()
        .any(|turn| lon.0 >= west + turn && lon.1 <= east + turn)
        && lat.0 >= south
        && lat.1 <= north
}

/// The turns, in degrees, by which a box across ±180° is moved: it has a part in each of two.
const TURNS: [f64; 3] = [-360.0, 0.0, 360.0];

/// The longitudes (west, east) and the latitudes (south, north) of a quad.
fn degrees(quad: Quad) -> ((f64, f64), (f64, f64)) {
    let (left, top, right, bottom) = quad.edges();
    (
        (mercator::longitude(left), mercator::longitude(right)),
        (mercator::latitude(bottom), mercator::latitude(top)),
    )
}
