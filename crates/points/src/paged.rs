//! Indices that are not in memory: their points and cells are read when a picture needs them, for
//! example from a file.
//!
//! A [`PagedIndex`] finds exactly the points and cells that an index in memory finds, in the order
//! of that index. So pictures are the same to the bit, wherever the points are.

use crate::focus::Focus;
use crate::point::Point;
use crate::pyramid;
use crate::read_error::ReadError;
use crate::summary::Summary;
use crate::window::Window;
use crate::zorder::Quad;
use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The level number for which [`PagedIndex::search`] returns the points themselves and no cells.
/// The levels of cells are 0 to 32.
pub const POINTS_LEVEL: u32 = pyramid::POINTS;

/// The greatest number of points that [`Points::scan`](crate::Points::scan) reads by one call of
/// [`PagedIndex::read`]: a choice.
pub(crate) const SCANNED: u64 = 1 << 16;

/// An index of points that is not in memory: parts of it are read as they are needed.
///
/// [`Points::from_paged`](crate::Points::from_paged) makes [`Points`](crate::Points) of it, which
/// are drawn like points in memory. The points must be in the order in which an index in memory has
/// them: along the Z-order curve, and points of one position by weight, as [`f32::total_cmp`] sorts
/// weights.
pub trait PagedIndex: fmt::Debug + Send + Sync {
    /// Returns the summary of all points: their number, weights and bounds.
    fn summary(&self) -> &Summary;

    /// Returns the SHA-256 of the content: equal points have equal identities, and different points
    /// different ones. ETags are made of it.
    fn content_identity(&self) -> [u8; 32];

    /// Searches for the cells at `level`, or at a finer level where none are stored at `level`,
    /// that a window shows. If `level` is [`POINTS_LEVEL`], the search finds the points themselves.
    ///
    /// Within the window, and up to eight of its pixels outside it, the result has exactly the
    /// points and cells that an index in memory finds, in the same order. Further outside it may
    /// have more or fewer.
    ///
    /// # Errors
    /// A part of the index can't be read, or is damaged.
    fn search(&self, level: u32, window: &Window) -> Result<PagedCells, ReadError>;

    /// Returns the number of cells that [`search`](Self::search) would return, or an estimate. The
    /// function is called before anything is drawn, so it should read no pages.
    ///
    /// # Errors
    /// A part of the index can't be read, or is damaged.
    fn count(&self, level: u32, window: &Window) -> Result<usize, ReadError>;

    /// Returns the points and the finer cells of a cell that a [`search`](Self::search) has found
    /// with an origin: those of level `finer` in the square of level `level` in which the origin
    /// lies. They have origins too.
    ///
    /// # Errors
    /// A part of the index can't be read, or is damaged, or its cells have no origins.
    fn divide(&self, origin: &Point, level: u32, finer: u32) -> Result<PagedCells, ReadError> {
        let _ = (origin, level, finer);
        Err(ReadError::new("the cells of this index have no origins"))
    }

    /// Returns the numbers in Z-order, counted from 0, of the points that lie in a quad.
    ///
    /// # Errors
    /// A part of the index can't be read, or is damaged.
    fn quad_range(&self, quad: Quad) -> Result<Range<u64>, ReadError>;

    /// Returns the points whose numbers in Z-order, counted from 0, are in `numbers`. Numbers
    /// beyond the last point are ignored.
    ///
    /// # Errors
    /// A part of the index can't be read, or is damaged.
    fn read(&self, numbers: Range<u64>) -> Result<Vec<Point>, ReadError>;

    /// Returns the number of squares that contain points, if the world is divided into 2^`level` ×
    /// 2^`level` squares; `level` is at most 32.
    fn occupied(&self, level: u32) -> u64;

    /// Returns the fraction of Σ |weight| that remains after weights of both signs have cancelled
    /// within each cell of a level: see [`Points::remaining`](crate::Points::remaining). The
    /// function is called only if some weights are negative.
    fn remaining(&self, level: u32) -> f64;

    /// Returns the first view of a map of the points; `None` if there are no points.
    fn focus(&self) -> Option<Focus>;

    /// Returns true if reading may wait for another machine: then pictures are not drawn on threads
    /// that have other work.
    fn is_remote(&self) -> bool {
        false
    }

    /// Returns the counting index: an index of the points that have a weight, each with the weight
    /// 1, from which counts and means are drawn. `None` if this index has no such index beside it.
    fn counted(&self) -> Option<Arc<dyn PagedIndex>> {
        None
    }
}

/// The result of a [`PagedIndex::search`]: points and cells that were read for one picture.
#[derive(Clone, Debug, Default)]
pub struct PagedCells {
    /// The entries (points and cells) in the order in which they are drawn, copies of the world
    /// from west to east.
    pub entries: Vec<Point>,
    /// For each of `entries`, the number of points that it stands for; where the entry is a point,
    /// the number is ignored. The list may be empty if no entry is a cell.
    pub counts: Vec<u32>,
    /// For each of `entries`, its origin: the point or cell of another index from which it was
    /// made. Empty if the entries are those of the index itself.
    pub origins: Vec<Point>,
    /// The contiguous ranges of `entries`: each has only points or only cells, in one copy of the
    /// world.
    pub runs: Vec<PagedRun>,
}

/// The greatest number of entries of a result whose memory a thread saves for its next search: a
/// choice. Few pictures have more.
const KEPT: usize = 1 << 19;

/// The memory of the entries, counts and runs of a result that is no longer needed.
type Memory = (Vec<Point>, Vec<u32>, Vec<Point>, Vec<PagedRun>);

thread_local! {
    /// The memory of an earlier result of this thread. Getting new memory from the system takes
    /// longer than unpacking entries into it.
    static SPARE: Cell<Option<Memory>> = const { Cell::new(None) };
}

impl PagedCells {
    /// Makes a result without entries. It takes over the memory of an earlier result of this
    /// thread, if there is any.
    pub fn recycled() -> Self {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        let (entries, counts, origins, runs) = spare.unwrap_or_default();
        Self {
            entries,
            counts,
            origins,
            runs,
        }
    }
}

impl Drop for PagedCells {
    fn drop(&mut self) {
        if self.entries.capacity() == 0 || self.entries.capacity() > KEPT {
            return;
        }
        self.entries.clear();
        self.counts.clear();
        self.origins.clear();
        self.runs.clear();
        let memory = (
            std::mem::take(&mut self.entries),
            std::mem::take(&mut self.counts),
            std::mem::take(&mut self.origins),
            std::mem::take(&mut self.runs),
        );
        // While a thread ends, nothing is kept.
        let _ = SPARE.try_with(|spare| spare.set(Some(memory)));
    }
}

/// A contiguous range of [`PagedCells::entries`], in one copy of the world.
#[derive(Clone, Debug, PartialEq)]
pub struct PagedRun {
    /// The range of the entries, as indices in [`PagedCells::entries`].
    pub range: Range<usize>,
    /// The distance in world units by which the copy of the world is shifted to the east: a
    /// multiple of the world's side.
    pub shift: f64,
    /// True if the entries are points, false if they are cells.
    pub are_points: bool,
    /// The level of the squares in which the origins of the entries lie, 32 for points. Entries
    /// whose origins share a square are parts of one cell. It is ignored if there are no origins.
    pub level: u32,
}
