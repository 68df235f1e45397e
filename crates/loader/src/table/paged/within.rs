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
    if numbers.is_empty() || !may_touch(within, quad) {
        return Ok(());
    }
    let len = rows.page_rows().max(1);
    let are_few = numbers.end - numbers.start <= FEW_PAGES * len;
    if are_few || quad.depth >= DEEPEST {
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
        visit(rows, within, child, rows.quad_rows(child)?, pages)?;
    }
    Ok(())
}

/// Returns false only if no position in a quad lies in a box.
fn may_touch(within: LonLatBox, quad: Quad) -> bool {
    let (left, top, right, bottom) = quad.edges();
    let lon = (mercator::longitude(left), mercator::longitude(right));
    let lat = (mercator::latitude(bottom), mercator::latitude(top));
    // A box across ±180° is two boxes within it.
    let [west, south, east, north] = within.edges();
    let parts = [-360.0, 0.0, 360.0].map(|turn| (west + turn, east + turn));
    parts
        .iter()
        .any(|(west, east)| lon.0 <= *east && lon.1 >= *west)
        && lat.0 <= north
        && lat.1 >= south
}
