//! An index of points: the points in sorted order, a pyramid of cells over them, and a summary.

use crate::cancel;
use crate::focus::Focus;
use crate::paged::{PagedIndex, SCANNED};
use crate::parts::{self, PartNode};
use crate::point::{Point, PointError, PointSink};
use crate::pyramid::{self, Pyramid};
use crate::read_error::ReadError;
use crate::search::{self, Cells};
use crate::sort::{self, NumberedPoint};
use crate::summary::Summary;
use crate::tile::TileId;
use crate::window::Window;
use crate::zorder::Quad;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The number of points in a chunk: a choice. The builder collects points in chunks of this size,
/// so it never copies all points into a larger buffer.
const CHUNK: usize = 1 << 16;

/// A builder of an index; the points are added in any order.
///
/// ```
/// use heatsplat_points::{Point, PointSink, PointsBuilder};
/// let mut builder = PointsBuilder::new();
/// builder.push(&[Point::from_lon_lat(13.4, 52.5, 1.0).unwrap()]);
/// let points = builder.build();
/// assert_eq!(points.summary().count, 1);
/// ```
#[derive(Debug, Default)]
pub struct PointsBuilder {
    chunks: Vec<Vec<Point>>,
}

impl PointsBuilder {
    /// Makes a builder without points.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of points in the builder.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    /// Returns true if the builder has no points.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Sorts the points and builds the pyramid, on all cores. Under a
    /// [`CancelToken`](crate::cancel::CancelToken) it ends early with the token.
    pub fn build(self) -> Points {
        Points::from_z_order(sort::sort_chunks(self.chunks))
    }

    /// Sorts the points into the order of an index, on all cores, without building the pyramid.
    pub fn into_sorted(self) -> Vec<Point> {
        sort::sort_chunks(self.chunks)
    }

    /// Builds the index as [`build`](Self::build) does, and returns the new order of the points
    /// too. The `Vec` has, for each point of [`Points::as_slice`], the point's number in the input,
    /// counted from 0. With these numbers the caller can put other columns of its table into the
    /// order of the points.
    ///
    /// Returns `None` if the builder has 2³² points or more.
    pub fn build_with_order(self) -> Option<(Points, Vec<u32>)> {
        u32::try_from(self.len()).ok()?;
        let mut number = 0;
        let mut numbered = |point| {
            let this = NumberedPoint { point, number };
            number = number.wrapping_add(1);
            this
        };
        // Each chunk is freed as soon as its points are numbered.
        let chunks = self.chunks.into_iter();
        let chunks = chunks.map(|chunk| chunk.into_iter().map(&mut numbered).collect());
        let sorted = sort::sort_chunks(chunks.collect());
        let order = sorted.iter().map(|n| n.number).collect();
        let points = sorted.into_iter().map(|n| n.point).collect();
        Some((Points::from_z_order(points), order))
    }
}

impl PointSink for PointsBuilder {
    fn push(&mut self, mut batch: &[Point]) {
        while !batch.is_empty() {
            if self.chunks.last().is_none_or(|c| c.len() == CHUNK) {
                self.chunks.push(Vec::with_capacity(CHUNK));
            }
            let Some(chunk) = self.chunks.last_mut() else {
                return;
            };
            let (now, later) = batch.split_at(batch.len().min(CHUNK - chunk.len()));
            chunk.extend_from_slice(now);
            batch = later;
        }
    }
}

/// An index of points: the points sorted along the Z-order curve, and a pyramid of cells over them.
/// It is in memory, or parts of it are read as they are needed: see
/// [`from_paged`](Self::from_paged).
///
/// An index never changes: a layer whose data change gets a new index.
#[derive(Debug)]
pub struct Points {
    store: Store,
    summary: Box<Summary>,
    /// The results of [`remaining`](Self::remaining), one for each level, each computed when it is
    /// first needed. The `Vec` is empty if no weight is negative, since every result is then 1.
    remaining: Vec<OnceLock<f64>>,
    focus: Box<OnceLock<Option<Focus>>>,
    identity: Arc<()>,
}

/// The place where the points and cells are.
#[derive(Debug)]
enum Store {
    Memory {
        sorted: Vec<Point>,
        pyramid: Pyramid,
    },
    Paged(Arc<dyn PagedIndex>),
}

/// An error for the first invalid point of a list: a point with no position on the map, or a weight
/// that is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("point number {index} (counted from 0): {reason}")]
pub struct PointsError {
    /// The number of the invalid point, counted from 0.
    pub index: usize,
    /// The reason why the point is invalid.
    pub reason: PointError,
}

impl Points {
    /// Makes an index of points in any order.
    pub fn from_slice(points: &[Point]) -> Self {
        let mut builder = PointsBuilder::new();
        builder.push(points);
        builder.build()
    }

    /// Makes an index of points given as (longitude, latitude, weight); longitude and latitude are
    /// in degrees.
    ///
    /// # Errors
    /// A [`PointsError`] for the first invalid point. To skip such points, use
    /// [`Point::from_lon_lat`] and a [`PointsBuilder`].
    pub fn from_lon_lat(
        points: impl IntoIterator<Item = (f64, f64, f32)>,
    ) -> Result<Self, PointsError> {
        let mut builder = PointsBuilder::new();
        for (index, (lon, lat, weight)) in points.into_iter().enumerate() {
            let point = Point::from_lon_lat(lon, lat, weight);
            builder.push(&[point.map_err(|reason| PointsError { index, reason })?]);
        }
        Ok(builder.build())
    }

    /// Makes an index of points that are sorted in Z-order already, for example a part of another
    /// index. Building it takes a fraction of the time that sorting takes. Points in any other
    /// order are sorted first.
    pub fn from_sorted(points: Vec<Point>) -> Self {
        if is_sorted(&points) {
            Self::from_z_order(points)
        } else {
            Self::from_slice(&points)
        }
    }

    fn from_z_order(sorted: Vec<Point>) -> Self {
        let token = cancel::inherit();
        let (pyramid, summary) = rayon::join(
            || token.run(|| Pyramid::from_sorted(&sorted)),
            || Summary::from_points(&sorted),
        );
        Self {
            store: Store::Memory { sorted, pyramid },
            remaining: if summary.weight_min < 0.0 {
                std::iter::repeat_with(OnceLock::new).take(33).collect()
            } else {
                Vec::new()
            },
            summary: Box::new(summary),
            focus: Box::default(),
            identity: Arc::new(()),
        }
    }

    /// Makes points that are not in memory: parts of their index are read as they are needed, for
    /// example from a file.
    ///
    /// If a part can't be read, the stack is unwound up to
    /// [`CancelToken::run`](crate::cancel::CancelToken::run), which returns
    /// [`Cancelled::Unreadable`](crate::cancel::Cancelled::Unreadable). So nothing is ever drawn
    /// from a part of the points. Pictures and statistics of such points must be made under a
    /// token: without one, the thread ends as by a panic.
    pub fn from_paged(index: Arc<dyn PagedIndex>) -> Self {
        Self {
            summary: Box::new(*index.summary()),
            store: Store::Paged(index),
            remaining: Vec::new(),
            focus: Box::default(),
            identity: Arc::new(()),
        }
    }

    /// The index of points that are not in memory; `None` for points in memory.
    pub fn paged(&self) -> Option<&Arc<dyn PagedIndex>> {
        match &self.store {
            Store::Memory { .. } => None,
            Store::Paged(index) => Some(index),
        }
    }

    /// Returns the summary of all points: their number, weights and bounds.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Returns the fraction of Σ |weight| that remains after weights of both signs have cancelled
    /// within each cell of a level: Σ over cells of |Σ weight of the cell|, divided by Σ |weight|
    /// of all points. It is 1 if no weight is negative. A picture whose weights nearly cancel is
    /// drawn by a more exact method; this fraction shows which pictures these are. The cells are
    /// the pixels of the world drawn 2^`level` pixels wide. The first call for a level reads all
    /// points; later calls return the stored result.
    pub fn remaining(&self, level: u32) -> f64 {
        if self.summary.weight_min >= 0.0 {
            return 1.0;
        }
        let level = level.min(32);
        let sorted = match &self.store {
            Store::Memory { sorted, .. } => sorted,
            Store::Paged(index) => return index.remaining(level),
        };
        let find = || {
            let of_a_cell = |a: &Point, b: &Point| a.shares(b, level);
            let sum = |cell: &[Point]| cell.iter().map(|p| f64::from(p.weight)).sum::<f64>().abs();
            sorted.chunk_by(of_a_cell).map(sum).sum::<f64>() / self.summary.mass
        };
        let remembered = self.remaining.get(level as usize);
        remembered.map_or_else(find, |share| *share.get_or_init(find))
    }

    /// Returns the first view of a map of the points: the box around nearly all weight. Returns
    /// `None` for an empty set. The first call computes it, and later calls return the stored
    /// result.
    pub fn focus(&self) -> Option<Focus> {
        let find = || match &self.store {
            Store::Memory { .. } => Focus::find(self, self.summary.bounds?),
            Store::Paged(index) => index.focus(),
        };
        *self.focus.get_or_init(find)
    }

    /// Returns all points, in Z-order; `None` if they are not in memory.
    pub fn as_slice(&self) -> Option<&[Point]> {
        match &self.store {
            Store::Memory { sorted, .. } => Some(sorted),
            Store::Paged(_) => None,
        }
    }

    /// Calls `batch` with all points in Z-order: once if they are in memory, else with at most
    /// 65,536 points (`SCANNED`) by each call.
    ///
    /// # Errors
    /// The points are not in memory, and a part of them can't be read.
    pub fn scan(&self, batch: &mut dyn FnMut(&[Point])) -> Result<(), ReadError> {
        match &self.store {
            Store::Memory { sorted, .. } => batch(sorted),
            Store::Paged(index) => {
                let count = self.summary.count as u64;
                for first in (0..count).step_by(SCANNED as usize) {
                    batch(&index.read(first..(first + SCANNED).min(count))?);
                }
            }
        }
        Ok(())
    }

    /// Returns the bytes of memory that the points and the pyramid take. Points that are not in
    /// memory take none.
    pub fn bytes(&self) -> usize {
        match &self.store {
            Store::Memory { sorted, pyramid } => {
                sorted.capacity() * size_of::<Point>() + pyramid.bytes()
            }
            Store::Paged(_) => 0,
        }
    }

    /// Returns a token by which a cache recognises this index. A cache with copies of the points,
    /// for example in GPU buffers, has a `Weak` of the token. When the index is dropped, the `Weak`
    /// can no longer be upgraded, and the cache frees its copy.
    pub fn identity(&self) -> &Arc<()> {
        &self.identity
    }

    /// Writes all points in Z-order, and then all cells of the pyramid, to a sink, for example to
    /// the buffers of a GPU. [`CellBatch::resident`](crate::CellBatch::resident) numbers points and
    /// cells in this order. Of points that are not in memory nothing is written.
    pub fn stream_into(&self, sink: &mut dyn PointSink) {
        let Store::Memory { sorted, pyramid } = &self.store else {
            return;
        };
        for batch in sorted.chunks(CHUNK) {
            sink.push(batch);
        }
        for batch in pyramid.cells.chunks(CHUNK) {
            sink.push(batch);
        }
    }

    /// Calls `visit` with each node of the pyramid: the nodes of each depth in Z-order, and a node
    /// after all nodes inside it. Of points that are not in memory nothing is visited.
    ///
    /// # Errors
    /// The first error of `visit`.
    pub fn visit_nodes<E>(
        &self,
        visit: &mut dyn FnMut(PartNode<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.store {
            Store::Memory { pyramid, .. } => parts::visit_nodes(pyramid, Quad::WORLD, 0, visit),
            Store::Paged(_) => Ok(()),
        }
    }

    /// Returns the number of points and cells, together, that [`stream_into`](Self::stream_into)
    /// writes.
    pub fn stream_len(&self) -> usize {
        match &self.store {
            Store::Memory { sorted, pyramid } => sorted.len() + pyramid.cells.len(),
            Store::Paged(_) => 0,
        }
    }

    /// Returns the numbers in Z-order, counted from 0, of the points that lie in a tile.
    ///
    /// # Errors
    /// The points are not in memory, and a part of their index can't be read.
    pub fn tile_range(&self, tile: TileId) -> Result<Range<usize>, ReadError> {
        let quad = Quad {
            depth: u32::from(tile.z()),
            x: tile.x(),
            y: tile.y(),
        };
        match &self.store {
            Store::Memory { sorted, pyramid } => Ok(search::quad_range(sorted, pyramid, quad)),
            Store::Paged(index) => {
                let range = index.quad_range(quad)?;
                Ok(range.start as usize..range.end as usize)
            }
        }
    }

    /// Returns true if it is known that no point lies in a quad. Of points that are not in memory
    /// nothing is read for it, so nothing is known.
    pub(crate) fn has_none_in(&self, quad: Quad) -> bool {
        match &self.store {
            Store::Memory { sorted, pyramid } => {
                search::quad_range(sorted, pyramid, quad).is_empty()
            }
            Store::Paged(_) => false,
        }
    }

    /// Returns the cells that a window shows. Each cell is at most `finest` of the window's pixels
    /// wide: with 1.0 no cell is wider than a pixel; with 0.0 the result is the points themselves.
    ///
    /// Some of the cells may lie outside the window; the documentation of [`Cells`] states how far.
    ///
    /// If the points are not in memory, they are read, and the stack is unwound if that fails: see
    /// [`from_paged`](Self::from_paged).
    pub fn cells(&self, window: &Window, finest: f64) -> Cells<'_> {
        let level = level_of(window, finest);
        match &self.store {
            Store::Memory { sorted, pyramid } => Cells::search(sorted, pyramid, level, window),
            Store::Paged(index) => match index.search(level, window) {
                Ok(cells) => Cells::from_paged(cells),
                Err(error) => cancel::unreadable(error),
            },
        }
    }

    /// Returns the points and the finer cells, of level `finer`, of a cell that was made from one
    /// of another index: `origin` and `level` are those of its [batch](crate::CellBatch::origins).
    ///
    /// As by [`cells`](Self::cells), the stack is unwound if they can't be read.
    pub fn divide(&self, origin: &Point, level: u32, finer: u32) -> Cells<'_> {
        let divided = match &self.store {
            Store::Memory { .. } => Err(ReadError::new("cells in memory have no origins")),
            Store::Paged(index) => index.divide(origin, level, finer),
        };
        match divided {
            Ok(cells) => Cells::from_paged(cells),
            Err(error) => cancel::unreadable(error),
        }
    }

    /// Returns the number of cells that [`cells`](Self::cells) would return, or an estimate if the
    /// points are not in memory. Nothing is read for it that drawing doesn't need anyway.
    ///
    /// # Errors
    /// The points are not in memory, and a part of their index can't be read.
    pub fn count(&self, window: &Window, finest: f64) -> Result<usize, ReadError> {
        let level = level_of(window, finest);
        match &self.store {
            Store::Memory { sorted, pyramid } => {
                Ok(Cells::search(sorted, pyramid, level, window).len())
            }
            Store::Paged(index) => index.count(level, window),
        }
    }

    /// Returns the number of squares that contain points, if the world is divided into 2^`level` ×
    /// 2^`level` squares. A `level` above 32 is treated as 32.
    pub fn occupied(&self, level: u32) -> u64 {
        let level = level.min(32);
        match &self.store {
            Store::Memory { sorted, .. } if sorted.is_empty() => 0,
            Store::Memory { pyramid, .. } => {
                let borders = pyramid.shared.iter().take(level as usize);
                borders.sum::<usize>() as u64 + 1
            }
            Store::Paged(index) => index.occupied(level),
        }
    }

    /// Returns every `step`-th point in Z-order, the first of them in the middle of the first
    /// `step` points.
    ///
    /// # Errors
    /// The points are not in memory, and a part of them can't be read.
    pub fn every(&self, step: usize) -> Result<Vec<Point>, ReadError> {
        let step = step.max(1);
        match &self.store {
            Store::Memory { sorted, .. } => Ok(sorted
                .iter()
                .skip(step / 2)
                .step_by(step)
                .copied()
                .collect()),
            Store::Paged(index) => {
                let numbers = (step as u64 / 2..self.summary.count as u64).step_by(step);
                let read = numbers.map(|number| index.read(number..number + 1));
                let read: Vec<Vec<Point>> = read.collect::<Result<_, _>>()?;
                Ok(read.concat())
            }
        }
    }
}

/// Returns the coarsest level whose cells are at most `finest` pixels of a window wide;
/// [`pyramid::POINTS`] if such cells would be finer than all levels.
fn level_of(window: &Window, finest: f64) -> u32 {
    let size = window.pixel() * finest;
    if size < 1.0 {
        pyramid::POINTS
    } else {
        32u32.saturating_sub(size.log2().floor() as u32)
    }
}

/// Returns true if points are sorted in Z-order, as [`Points::as_slice`] is.
pub(crate) fn is_sorted(points: &[Point]) -> bool {
    points.is_sorted_by(|a, b| crate::zorder::compare(a, b).is_le())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::{CancelToken, Cancelled};
    use proptest::prelude::*;

    #[test]
    fn an_index_that_is_no_longer_wanted_is_not_built() {
        let point = |i: u32| Point {
            x: i.wrapping_mul(2_654_435_761),
            y: i << 12,
            weight: 1.0,
        };
        let points: Vec<Point> = (0..1000).map(point).collect();
        let one_place = vec![points[0]; 1000];
        let token = CancelToken::default();
        assert!(token.run(|| Points::from_slice(&points)).is_ok());
        for points in [points, one_place] {
            let token = CancelToken::default();
            let built = token.run(|| {
                token.cancel();
                Points::from_slice(&points).summary().count
            });
            assert_eq!(built, Err(Cancelled::Unwanted));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_order_says_where_each_point_went(
            places in prop::collection::vec((0u32..40, 0u32..40, -2i8..2), 0..300),
            keep in any::<u64>(),
        ) {
            let point = |&(x, y, w): &(u32, u32, i8)| Point { x: x << 20, y: y << 9, weight: f32::from(w) };
            let all: Vec<Point> = places.iter().map(point).collect();
            let mut builder = PointsBuilder::new();
            builder.push(&all);
            let (points, order) = builder.build_with_order().unwrap();
            let plain = Points::from_slice(&all);
            prop_assert_eq!(points.as_slice(), plain.as_slice());
            let went: Vec<Point> = order.iter().map(|&at| all[at as usize]).collect();
            prop_assert_eq!(points.as_slice(), Some(&went[..]));
            let mut each = order;
            each.sort_unstable();
            prop_assert!(each.into_iter().eq(0..all.len() as u32));
            // A part of an index is in Z-order too.
            let wanted = |i: usize| keep >> (i % 64) & 1 == 1;
            let part = points.as_slice().unwrap().iter().enumerate().filter(|p| wanted(p.0)).map(|p| *p.1);
            let part: Vec<Point> = part.collect();
            let (sorted, anyhow) = (Points::from_sorted(part.clone()), Points::from_slice(&part));
            prop_assert_eq!(sorted.as_slice(), anyhow.as_slice());
            prop_assert_eq!(sorted.stream_len(), anyhow.stream_len());
            let unsorted = Points::from_sorted(all);
            prop_assert_eq!(unsorted.as_slice(), points.as_slice());
        }
    }
}
