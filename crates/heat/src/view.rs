//! A view of a window on the quadtree: the quads that it shows, and the entries (points or cells)
//! that a search takes of them.

use heatsplat_points::{Point, Quad};
use std::ops::Range;

/// The part of a quad that a window shows: none of it, some of it or all of it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum QuadVisibility {
    None,
    Partial,
    Full,
}

/// A window in one copy of the world, and two limits: a quad that the window shows in part is taken
/// whole into the result of a search if it is within one of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchView {
    /// The west, north, east and south edge of the window, in world units of this copy of the
    /// world.
    pub(crate) edges: [f64; 4],
    /// The distance in world units by which the copy is shifted to the east: a multiple of the
    /// world's side.
    pub(crate) shift: f64,
    /// The first limit: a partly visible quad at most this wide, in world units, is taken whole,
    /// with its invisible entries, instead of being divided.
    pub(crate) small: f64,
    /// The second limit: a partly visible quad with at most this many entries (points or cells) is
    /// taken whole, with its invisible ones, instead of being divided. It is 24, the constant `FEW`
    /// of `search.rs`, or 0 if the window reaches into several copies of the world.
    pub(crate) few: u64,
}

impl SearchView {
    #[inline]
    pub(crate) fn visibility(&self, quad: Quad) -> QuadVisibility {
        let (west, north, east, south) = quad.edges();
        let [left, top, right, bottom] = self.edges;
        if east <= left || west >= right || south <= top || north >= bottom {
            QuadVisibility::None
        } else if west >= left && east <= right && north >= top && south <= bottom {
            QuadVisibility::Full
        } else {
            QuadVisibility::Partial
        }
    }

    /// Returns true if a quad of `count` entries, of which `visibility` is visible, is taken whole:
    /// with its invisible entries.
    #[inline]
    pub(crate) fn takes_whole(&self, visibility: QuadVisibility, quad: Quad, count: u64) -> bool {
        let (west, _, east, _) = quad.edges();
        visibility == QuadVisibility::Full
            || count <= self.few
            || east - west <= self.small
            || quad.depth == 32
    }

    /// Returns the fraction of a quad's area that lies in the window.
    pub(crate) fn visible_share(&self, quad: Quad) -> f64 {
        let (west, north, east, south) = quad.edges();
        let [left, top, right, bottom] = self.edges;
        let width = (east.min(right) - west.max(left)).max(0.0) / (east - west);
        let height = (south.min(bottom) - north.max(top)).max(0.0) / (south - north);
        width * height
    }

    /// Calls `take` with ranges of indices in `points`: the entries of a quad that are taken into
    /// the result. All entries of the quad are `points[range]`. The rules are those by which an
    /// index in memory takes entries.
    pub(crate) fn visit(
        &self,
        quad: Quad,
        points: &[Point],
        range: Range<usize>,
        take: &mut dyn FnMut(Range<usize>),
    ) {
        let visibility = self.visibility(quad);
        if range.is_empty() || visibility == QuadVisibility::None {
            return;
        }
        if self.takes_whole(visibility, quad, range.len() as u64) {
            return take(range);
        }
        let [a, b, c, d, e] = quad.quarter_borders(points, &range);
        for (quarter, part) in (0..4).zip([a..b, b..c, c..d, d..e]) {
            self.visit(quad.child(quarter), points, part, take);
        }
    }
}
