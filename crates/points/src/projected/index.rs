//! The index of points in another projection.

use super::fit::{Polynomial, QuadFit};
use super::{Projection, level_shift};
use crate::cancel;
use crate::focus::Focus;
use crate::mercator::{self, WORLD};
use crate::paged::{POINTS_LEVEL, PagedCells, PagedIndex, PagedRun};
use crate::point::Point;
use crate::points::Points;
use crate::read_error::ReadError;
use crate::summary::Summary;
use crate::window::Window;
use crate::zorder::Quad;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// The greatest side, in pixels, of a projected quad that is not divided further: a choice. Smaller
/// ones take more searches for a tile, larger ones bring more entries that it doesn't show.
const QUAD_PIXELS: f64 = 64.0;

/// The distance from a window, in its pixels, up to which entries are in the result.
const MARGIN_PIXELS: f64 = 8.0;

/// The greatest error of a place, as a fraction of the width of the cells that the search asks for.
/// These are at most a 24th of the radius wide, so the error is under a thousandth of the radius.
const ERROR_OF_CELL: f64 = 1.0 / 48.0;
/// The greatest error of a place, in pixels, if the search asks for points.
const ERROR_OF_PIXEL: f64 = 1.0 / 1024.0;

/// The depth below which quads are divided, without regard for what the projection does with them.
/// Near the edges of a projection a shallow quad could be torn between places that look near.
const SHALLOW: u32 = 4;
/// The depth at which quads that are torn are divided no further: their entries are projected one
/// by one.
const DEEPEST_ROUGH: u32 = 10;
/// The depth at which quads are divided no further.
const DEEPEST: u32 = 28;

/// The side of a quad's window in pixels. A search returns whole quads of up to eight pixels that a
/// window shows in part, so the pixels must be small beside the quad.
const WINDOW: u32 = 1 << 10;

/// The units of work, nanoseconds, of the polynomial of a quad.
const FITTED: u64 = 6_000;
/// The units of work, nanoseconds, of an entry that is projected by a polynomial.
const PROJECTED: u64 = 20;

/// The greatest number of quads whose polynomials are cached, some 300 bytes each: a choice.
const CACHED: usize = 1 << 15;

/// The points of an index in Web Mercator, in another projection.
///
/// As an index it answers searches, which is what pictures need. It lists no points in the order
/// of the projection's square and counts no occupied squares in it, so scales, values and nearest
/// points come from the index in Web Mercator.
#[derive(Debug)]
pub struct ProjectedIndex {
    base: Arc<Points>,
    projection: Arc<dyn Projection>,
    counts: Option<Counts>,
    fits: RwLock<HashMap<(u32, u32, u32), Arc<QuadFit>>>,
}

/// A function that returns the counting index in Web Mercator.
struct Counts(Box<dyn Fn() -> Arc<Points> + Send + Sync>);

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counts")
    }
}

/// A function that gets a quad that a window may show, and the polynomial of its projection; `None`
/// if the quad's entries must be projected one by one.
type TakeQuad<'t> = dyn FnMut(Quad, Option<&Polynomial>) -> Result<(), ReadError> + 't;

impl ProjectedIndex {
    /// Makes the index of the points of `base` in a projection. Nothing is read or computed before
    /// the first search.
    pub fn new(base: Arc<Points>, projection: Arc<dyn Projection>) -> Self {
        Self {
            base,
            projection,
            counts: None,
            fits: RwLock::default(),
        }
    }

    /// Sets a function that returns the counting index of the points in Web Mercator, in which each
    /// point that has a weight has the weight 1. It is called when points are to be counted.
    #[must_use]
    pub fn counting(mut self, counts: impl Fn() -> Arc<Points> + Send + Sync + 'static) -> Self {
        self.counts = Some(Counts(Box::new(counts)));
        self
    }

    fn fit(&self, quad: Quad) -> Arc<QuadFit> {
        let key = (quad.depth, quad.x, quad.y);
        let fits = self.fits.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(fit) = fits.get(&key) {
            return Arc::clone(fit);
        }
        drop(fits);
        cancel::check(FITTED);
        let fit = Arc::new(QuadFit::new(quad, &*self.projection));
        let mut fits = self.fits.write().unwrap_or_else(PoisonError::into_inner);
        if fits.len() >= CACHED {
            fits.clear();
        }
        fits.insert(key, Arc::clone(&fit));
        fit
    }

    /// Calls `take` with each quad that a window may show, in Z-order.
    fn quads(&self, sight: &Sight, quad: Quad, take: &mut TakeQuad<'_>) -> Result<(), ReadError> {
        if self.base.has_none_in(quad) {
            return Ok(());
        }
        let fit = self.fit(quad);
        match &*fit {
            QuadFit::Nowhere if quad.depth >= SHALLOW => return Ok(()),
            QuadFit::Rough { touches } if quad.depth >= DEEPEST_ROUGH => {
                return if *touches { take(quad, None) } else { Ok(()) };
            }
            QuadFit::Smooth(polynomial) if quad.depth >= SHALLOW => {
                if !sight.shows(polynomial) {
                    return Ok(());
                }
                if sight.is_fine(polynomial) || quad.depth >= DEEPEST {
                    return take(quad, Some(polynomial));
                }
            }
            _ => {}
        }
        (0..4).try_for_each(|quarter| self.quads(sight, quad.child(quarter), take))
    }

    /// The level of the cells in Web Mercator whose width in the projection is nearest to that of
    /// the cells of `level` there.
    fn level(level: u32, quad: Quad, polynomial: Option<&Polynomial>) -> u32 {
        match polynomial {
            Some(polynomial) if level != POINTS_LEVEL => {
                let finer = (polynomial.stretch.log2() - 0.5).ceil();
                let level = (f64::from(level) + finer).max(f64::from(quad.depth));
                if level > 32.0 {
                    POINTS_LEVEL
                } else {
                    level as u32
                }
            }
            _ => POINTS_LEVEL,
        }
    }

    /// The window of a quad, and the width in its pixels of the cells of a level.
    fn window(level: u32, quad: Quad) -> (Window, f64) {
        let (west, north, east, _) = quad.edges();
        let pixel = (east - west) / f64::from(WINDOW);
        let finest = match level {
            POINTS_LEVEL => 0.0,
            level => f64::from(32 - level as u8).exp2() / pixel,
        };
        (Window::new(west, north, pixel, WINDOW, WINDOW), finest)
    }

    /// Adds the entries of a quad, of a level, for which `place` has a place to `found`.
    fn take(
        &self,
        quad: Quad,
        level: u32,
        place: impl Fn(&Point) -> Option<[f64; 2]>,
        found: &mut PagedCells,
    ) {
        let (window, finest) = Self::window(level, quad);
        for batch in self.base.cells(&window, finest).batches() {
            let first = found.entries.len();
            cancel::check(batch.cells.len() as u64 * PROJECTED);
            for (number, point) in batch.cells.iter().enumerate() {
                // A search may return entries outside of its window too.
                if !quad.holds(point) {
                    continue;
                }
                let Some([x, y]) = place(point) else {
                    continue;
                };
                found.entries.push(Point {
                    x: x as u32,
                    y: y as u32,
                    weight: point.weight,
                });
                let count = batch.counts.and_then(|counts| counts.get(number));
                found.counts.push(count.copied().unwrap_or(1));
                found.origins.push(*point);
            }
            if found.entries.len() > first {
                found.runs.push(PagedRun {
                    range: first..found.entries.len(),
                    shift: 0.0,
                    are_points: batch.counts.is_none(),
                    level: level.min(32),
                });
            }
        }
    }

    /// The place of an entry by the polynomial of its quad, or without one by the projection.
    fn place(
        &self,
        quad: Quad,
        polynomial: Option<&Polynomial>,
        point: &Point,
    ) -> Option<[f64; 2]> {
        let (x, y) = (f64::from(point.x), f64::from(point.y));
        let place = match polynomial {
            Some(polynomial) => {
                let (west, north, east, _) = quad.edges();
                let side = east - west;
                polynomial.at((x - west) / side, (y - north) / side)
            }
            None => self
                .projection
                .place(mercator::longitude(x), mercator::latitude(y))?,
        };
        place
            .iter()
            .all(|c| (0.0..WORLD).contains(c))
            .then_some(place)
    }
}

/// The goal of a search: a window of a projection's square, and the size of the cells.
struct Sight {
    /// The west, north, east and south edge of the window and its margin, in world units.
    edges: [f64; 4],
    /// The greatest side of a projected quad that is not divided, in world units.
    side: f64,
    /// The greatest error of a place in world units.
    error: f64,
}

impl Sight {
    fn new(level: u32, window: &Window) -> Self {
        let pixel = window.pixel();
        let margin = MARGIN_PIXELS * pixel;
        Self {
            edges: [
                window.left() - margin,
                window.top() - margin,
                window.right() + margin,
                window.bottom() + margin,
            ],
            side: QUAD_PIXELS * pixel,
            error: match level {
                POINTS_LEVEL => ERROR_OF_PIXEL * pixel,
                level => ERROR_OF_CELL * WORLD / (1u64 << level.min(32)) as f64,
            },
        }
    }

    fn shows(&self, polynomial: &Polynomial) -> bool {
        let [west, north, east, south] = polynomial.bounds;
        let [left, top, right, bottom] = self.edges;
        let error = polynomial.error;
        east + error >= left
            && west - error <= right
            && south + error >= top
            && north - error <= bottom
    }

    fn is_fine(&self, polynomial: &Polynomial) -> bool {
        polynomial.error <= self.error && polynomial.size() <= self.side
    }

    /// Returns true if a place lies in the window or its margin.
    fn is_near(&self, [x, y]: &[f64; 2]) -> bool {
        let [left, top, right, bottom] = self.edges;
        *x >= left && *x <= right && *y >= top && *y <= bottom
    }
}

impl PagedIndex for ProjectedIndex {
    fn summary(&self) -> &Summary {
        self.base.summary()
    }

    fn content_identity(&self) -> [u8; 32] {
        let mut identity = match self.base.paged() {
            Some(index) => index.content_identity(),
            None => [0; 32],
        };
        // Each byte of the name changes the identity, whatever its length.
        for (at, byte) in self.projection.name().bytes().enumerate() {
            if let Some(changed) = identity.get_mut(at % 32) {
                *changed = changed.rotate_left(3) ^ byte;
            }
        }
        identity
    }

    fn search(&self, level: u32, window: &Window) -> Result<PagedCells, ReadError> {
        let sight = Sight::new(level, window);
        let mut found = PagedCells::recycled();
        let mut take = |quad: Quad, polynomial: Option<&Polynomial>| {
            let place = |point: &Point| {
                let place = self.place(quad, polynomial, point);
                place.filter(|place| sight.is_near(place))
            };
            self.take(
                quad,
                Self::level(level, quad, polynomial),
                place,
                &mut found,
            );
            Ok(())
        };
        self.quads(&sight, Quad::WORLD, &mut take)?;
        Ok(found)
    }

    fn count(&self, level: u32, window: &Window) -> Result<usize, ReadError> {
        let sight = Sight::new(level, window);
        let mut count = 0;
        let mut take = |quad: Quad, polynomial: Option<&Polynomial>| {
            let (window, finest) = Self::window(Self::level(level, quad, polynomial), quad);
            count += self.base.count(&window, finest)?;
            Ok(())
        };
        self.quads(&sight, Quad::WORLD, &mut take)?;
        Ok(count)
    }

    fn divide(&self, origin: &Point, level: u32, finer: u32) -> Result<PagedCells, ReadError> {
        let quad = Quad::around(origin, level);
        let mut found = PagedCells::recycled();
        let place = |point: &Point| self.place(quad, None, point);
        self.take(quad, finer, place, &mut found);
        Ok(found)
    }

    fn quad_range(&self, _: Quad) -> Result<Range<u64>, ReadError> {
        Err(unordered())
    }

    fn read(&self, _: Range<u64>) -> Result<Vec<Point>, ReadError> {
        Err(unordered())
    }

    fn occupied(&self, level: u32) -> u64 {
        self.base.occupied(level)
    }

    /// Returns what remains at a level of Web Mercator whose cells are larger on the ground than
    /// those of the level: less than remains in the projection's square. So some pictures more are
    /// drawn by the more exact method, but none fewer.
    fn remaining(&self, level: u32) -> f64 {
        let shift = self.base.focus().and_then(|focus| {
            let [west, south, east, north] = focus.bounds.edges();
            level_shift(
                &*self.projection,
                (west + east) / 2.0,
                (south + north) / 2.0,
            )
        });
        // Away from the middle the sizes differ, mostly by less than a factor of 2.
        let coarser = (f64::from(level) + shift.unwrap_or(0.0)).floor() - 1.0;
        self.base.remaining(coarser.max(0.0) as u32)
    }

    fn focus(&self) -> Option<Focus> {
        self.base.focus()
    }

    fn is_remote(&self) -> bool {
        self.base.paged().is_some_and(|index| index.is_remote())
    }

    fn counted(&self) -> Option<Arc<dyn PagedIndex>> {
        let Counts(counts) = self.counts.as_ref()?;
        Some(Arc::new(Self::new(counts(), Arc::clone(&self.projection))))
    }
}

/// The error of a request for points in the order of a projection's square.
fn unordered() -> ReadError {
    ReadError::new("points in a projection other than Web Mercator are not listed in an order")
}
