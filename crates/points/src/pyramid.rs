//! The pyramid of cells: at many levels, from fine to coarse, a cell replaces the points of a small
//! square by one weighted point.
//!
//! At level L the world is drawn 2ᴸ pixels wide, and each pixel that contains points has one cell.
//! The cells of a level are stored in blocks. A block belongs to one quad, a square of the
//! quadtree, and has its 2⁶ × 2⁶ cells ([`SIDE_BITS`] is 6). A block is stored only if it saves
//! enough: it must have at most two fifths as many cells as the entries, points or finer cells,
//! that would be read in its place. So a crowded city has blocks at all levels, and an empty ocean
//! has none. All levels together have at most two thirds as many cells as there are points. No
//! window reads many more cells than it has pixels.
//!
//! If some weights are negative, a pixel may have two cells. Together the two have the pixel's net
//! weight and the centre of that weight.

use crate::aggregate::{CellBuilder, SignedCellBuilder};
use crate::cancel;
use crate::point::Point;
use crate::zorder::{Quad, quarter_borders, quarters};
use rayon::prelude::*;
use std::ops::Range;

/// The number of bits of x, and of y, that select a cell in a block: a block has 2⁶ × 2⁶ cells.
pub(crate) const SIDE_BITS: u32 = 6;

/// The level number for the points themselves. The finest cells are at level 32, so 33 is used by
/// no cell.
pub(crate) const POINTS: u32 = 33;

/// The greatest number of points in a quad that is not divided further: a choice. A search reads
/// these points one by one.
pub(crate) const FEW: usize = 256;

/// The greatest depth of a quad that may have a block. At this depth each cell is one position of
/// the world grid.
pub(crate) const DEEPEST: u32 = 32 - SIDE_BITS;

/// A quad of the quadtree with more than [`FEW`] points.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The borders of the quad's four quarters in the slice of all points: quarter `i` has the
    /// points `borders[i]..borders[i + 1]`.
    pub(crate) borders: [usize; 5],
    /// The nodes of the quad's quarters, in Z-order; `None` for a quarter with at most [`FEW`]
    /// points.
    pub(crate) quarters: [Option<NodeId>; 4],
    /// The range of the quad's block in [`Pyramid::cells`]; it is empty if the quad has no block.
    /// The cells are at level depth + [`SIDE_BITS`].
    pub(crate) block: Range<usize>,
}

/// The number of a node, counted from 1. It is never 0, so an `Option<NodeId>` takes only four
/// bytes.
pub(crate) type NodeId = std::num::NonZeroU32;

/// The blocks of cells, and the quadtree through which a search finds them.
#[derive(Debug, Default)]
pub(crate) struct Pyramid {
    pub(crate) nodes: Vec<Node>,
    /// The node of the whole world; `None` if there are at most [`FEW`] points, which need no node.
    pub(crate) root: Option<NodeId>,
    pub(crate) cells: Vec<Point>,
    /// The number of points that each of `cells` stands for.
    pub(crate) counts: Vec<u32>,
    /// For each number of bits from 0 to 32, the number of pairs of neighbouring points that share
    /// exactly so many top bits, of x and of y: see [`Branch::shared`].
    pub(crate) shared: Vec<usize>,
}

impl Pyramid {
    /// Builds the pyramid on all cores. `points` are in Z-order.
    pub(crate) fn from_sorted(points: &[Point]) -> Self {
        let most = (points.len() / (8 * rayon::current_num_threads())).max(1 << 14);
        let negative = |some: &[Point]| some.iter().any(|p| p.weight < 0.0);
        let signed = points.par_chunks(1 << 14).any(negative);
        let token = cancel::inherit();
        let mut quads = Vec::new();
        cut(points, Quad::WORLD, 0..points.len(), most, &mut quads);
        let parts: Vec<(Quad, PyramidBuilder<'_>, Branch)> = quads
            .into_par_iter()
            .map(|(quad, range)| {
                token.run(|| {
                    let mut builder = PyramidBuilder::new(points, signed);
                    let branch = builder.build(quad, range);
                    (quad, builder, branch)
                })
            })
            .collect();
        let mut whole = PyramidBuilder::new(points, signed);
        let cells = parts.iter().map(|(_, part, _)| part.pyramid.cells.len());
        // The extra space is for blocks of the few large quads that are made of several parts.
        let cells = cells.sum::<usize>() + points.len() / 64;
        whole.pyramid.cells.reserve_exact(cells);
        whole.pyramid.counts.reserve_exact(cells);
        whole.finished = parts
            .into_iter()
            .map(|(quad, part, branch)| (quad, whole.pyramid.adopt(part.pyramid, branch)))
            .collect::<Vec<_>>()
            .into_iter();
        whole.next = whole.finished.next();
        let top = whole.build(Quad::WORLD, 0..points.len());
        let mut made = whole.pyramid;
        made.root = top.node;
        made.shared = top.shared.to_vec();
        made.nodes.shrink_to_fit();
        made.cells.shrink_to_fit();
        made.counts.shrink_to_fit();
        made
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.get() as usize - 1)
    }

    /// Returns the bytes of memory that the pyramid takes.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.cells.capacity() * size_of::<Point>()
            + self.counts.capacity() * size_of::<u32>()
    }

    pub(crate) fn add(&mut self, node: Node) -> Option<NodeId> {
        self.nodes.push(node);
        u32::try_from(self.nodes.len()).ok().and_then(NodeId::new)
    }

    /// Appends the nodes and cells of another pyramid, `part`. `branch` refers to nodes and cells
    /// by their numbers in `part`; it is returned with their new numbers in this pyramid.
    fn adopt(&mut self, part: Self, mut branch: Branch) -> Branch {
        let (nodes, cells) = (self.nodes.len() as u32, self.cells.len());
        let moved = |id: NodeId| id.checked_add(nodes);
        self.nodes.extend(part.nodes.into_iter().map(|mut node| {
            node.quarters = node.quarters.map(|q| q.and_then(moved));
            node.block = node.block.start + cells..node.block.end + cells;
            node
        }));
        self.cells.extend_from_slice(&part.cells);
        self.counts.extend_from_slice(&part.counts);
        branch.node = branch.node.and_then(moved);
        for stretch in &mut branch.stretches {
            if let Stretch::Cells(range) = stretch {
                *range = range.start + cells..range.end + cells;
            }
        }
        branch
    }
}

/// Divides a quad until each part has at most `most` points or can't be divided further. Appends
/// each part that has points, with their range, to `quads`.
fn cut(
    points: &[Point],
    quad: Quad,
    range: Range<usize>,
    most: usize,
    quads: &mut Vec<(Quad, Range<usize>)>,
) {
    if range.len() <= most || quad.depth == DEEPEST {
        quads.push((quad, range));
        return;
    }
    let borders = quarter_borders(points, &range, quad);
    for (quarter, part) in (0..4).zip(quarters(borders)) {
        if !part.is_empty() {
            cut(points, quad.child(quarter), part, most, quads);
        }
    }
}

/// The result of building the pyramid within one quad.
pub(crate) struct Branch {
    pub(crate) node: Option<NodeId>,
    /// The ranges of the entries from which the next coarser cells of this quad are made. An entry
    /// is a point or a finer cell.
    pub(crate) stretches: Vec<Stretch>,
    /// The number of entries in all ranges of `stretches` together.
    pub(crate) entries: usize,
    /// For each number of bits from 0 to 32, the number of pairs of neighbouring points (in
    /// Z-order) that share exactly so many top bits, both of x and of y. Two neighbours are in
    /// different cells of level L exactly if they share fewer than L bits. So the number of cells
    /// at level L is the number of such pairs, plus one.
    pub(crate) shared: [usize; 33],
}

/// A contiguous range of the points or of the pyramid's cells.
#[derive(Clone, Debug)]
pub(crate) enum Stretch {
    Points(Range<usize>),
    Cells(Range<usize>),
}

/// A builder of the part of the pyramid that lies in a quad. It builds small quads first, and then
/// larger quads from them.
pub(crate) struct PyramidBuilder<'a> {
    points: &'a [Point],
    /// True if any point of the whole set has a negative weight, in this quad or elsewhere.
    signed: bool,
    pub(crate) pyramid: Pyramid,
    /// The quads that other threads have built, in Z-order.
    finished: std::vec::IntoIter<(Quad, Branch)>,
    next: Option<(Quad, Branch)>,
}

impl<'a> PyramidBuilder<'a> {
    pub(crate) fn new(points: &'a [Point], signed: bool) -> Self {
        Self {
            points,
            signed,
            pyramid: Pyramid::default(),
            finished: Vec::new().into_iter(),
            next: None,
        }
    }

    pub(crate) fn build(&mut self, quad: Quad, range: Range<usize>) -> Branch {
        if let Some((_, branch)) = self.next.take_if(|(finished, _)| *finished == quad) {
            self.next = self.finished.next();
            return branch;
        }
        if range.len() <= FEW || quad.depth > DEEPEST {
            return self.leaf(range);
        }
        let borders = quarter_borders(self.points, &range, quad);
        let mut whole = Branch {
            node: None,
            stretches: Vec::new(),
            entries: 0,
            shared: [0; 33],
        };
        let mut nodes = [None; 4];
        for ((quarter, node), part) in (0..4).zip(&mut nodes).zip(quarters(borders)) {
            if part.is_empty() {
                continue;
            }
            let branch = self.build(quad.child(quarter), part);
            *node = branch.node;
            // The last entry before a quarter's border and the first entry after it lie in
            // different quarters, so they share exactly `depth` bits.
            if let Some(sum) = whole.shared.get_mut(quad.depth as usize) {
                *sum += usize::from(whole.entries > 0);
            }
            for (sum, more) in whole.shared.iter_mut().zip(branch.shared) {
                *sum += more;
            }
            whole.entries += branch.entries;
            whole.stretches.extend(branch.stretches);
        }
        let block = self.block(quad, range.len(), &mut whole);
        whole.node = self.pyramid.add(Node {
            borders,
            quarters: nodes,
            block,
        });
        whole
    }

    /// Returns the branch of a quad with few points: it has no node, and a search reads its points
    /// one by one.
    fn leaf(&self, range: Range<usize>) -> Branch {
        let mut shared = [0; 33];
        let points = self.points.get(range.clone()).unwrap_or_default();
        for pair in points.windows(2) {
            let [a, b] = pair else { continue };
            let bits = ((a.x ^ b.x) | (a.y ^ b.y)).leading_zeros();
            if let Some(pairs) = shared.get_mut(bits as usize) {
                *pairs += 1;
            }
        }
        Branch {
            node: None,
            entries: range.len(),
            stretches: vec![Stretch::Points(range)],
            shared,
        }
    }

    /// Builds a quad's block if [`worth_keeping`] returns true. Returns the range of the block in
    /// the pyramid's cells, which is empty if there is no block.
    pub(crate) fn block(&mut self, quad: Quad, points: usize, branch: &mut Branch) -> Range<usize> {
        let level = quad.depth + SIDE_BITS;
        let borders: usize = branch.shared.iter().take(level as usize).sum();
        let start = self.pyramid.cells.len();
        if level > 32 || !worth_keeping(borders + 1, branch.entries, points) {
            return start..start;
        }
        if self.signed {
            let cells = self.cells_of_both_signs(level, branch);
            if !worth_keeping(cells.len(), branch.entries, points) {
                return start..start;
            }
            cells.into_iter().for_each(|cell| self.pyramid.push(cell));
        } else {
            self.push_cells(level, branch);
        }
        let block = start..self.pyramid.cells.len();
        branch.entries = block.len();
        branch.stretches = vec![Stretch::Cells(block.clone())];
        block
    }

    /// Returns the entry with the index `at` among the points (if `of_points`) or among the
    /// pyramid's cells, and the number of points that the entry stands for.
    #[inline]
    #[allow(
        clippy::indexing_slicing,
        reason = "a stretch is a range of the slice that it names"
    )]
    fn entry(&self, of_points: bool, at: usize) -> (Point, u32) {
        if of_points {
            (self.points[at], 1)
        } else {
            (self.pyramid.cells[at], self.pyramid.counts[at])
        }
    }

    /// Makes the cells of a quad at a level and appends them to the pyramid. It is used only if no
    /// point has a negative weight.
    fn push_cells(&mut self, level: u32, branch: &Branch) {
        let mut open: Option<CellBuilder> = None;
        for stretch in &branch.stretches {
            let (of_points, range) = stretch.range();
            for at in range {
                let (entry, count) = self.entry(of_points, at);
                match &mut open {
                    Some(cell) if cell.contains(&entry, level) => cell.add(&entry, count),
                    _ => {
                        if let Some(full) = open.replace(CellBuilder::new(entry, count)) {
                            self.pyramid.push(full.finish());
                        }
                    }
                }
            }
        }
        if let Some(last) = open {
            self.pyramid.push(last.finish());
        }
    }

    /// Returns the cells of a quad at a level, each with the number of points that it stands for.
    /// It is used if any point has a negative weight.
    fn cells_of_both_signs(&self, level: u32, branch: &Branch) -> Vec<(Point, u32)> {
        let mut cells: Vec<SignedCellBuilder> = Vec::new();
        for stretch in &branch.stretches {
            let (of_points, range) = stretch.range();
            for at in range {
                let (entry, count) = self.entry(of_points, at);
                match cells.last_mut() {
                    Some(cell) if cell.contains(&entry, level) => cell.add(&entry, count),
                    _ => cells.push(SignedCellBuilder::new(entry, count)),
                }
            }
        }
        cells.iter().flat_map(|cell| cell.finish(level)).collect()
    }
}

impl Stretch {
    /// The range of the stretch, and a `bool` that is true if it is a range of points and false if
    /// it is a range of cells.
    pub(crate) fn range(&self) -> (bool, Range<usize>) {
        match self {
            Self::Points(range) => (true, range.clone()),
            Self::Cells(range) => (false, range.clone()),
        }
    }
}

impl Pyramid {
    pub(crate) fn push(&mut self, (cell, count): (Point, u32)) {
        self.cells.push(cell);
        self.counts.push(count);
    }
}

/// Returns true if a block of `cells` cells saves enough reads to be worth its memory. Without the
/// block, `entries` points or finer cells are read in its place; `points` is the number of points
/// in the quad. A block is worth it
///
/// * if it has at most two fifths as many cells as `entries`, which limits all blocks together to
///   two thirds as many cells as there are points; or
/// * if it has at most three quarters as many cells as `entries`, and at most one cell for 24
///   points, so that it takes little memory.
fn worth_keeping(cells: usize, entries: usize, points: usize) -> bool {
    cells * 5 <= entries * 2 || (cells * 24 <= points && cells * 4 <= entries * 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zorder;
    use proptest::prelude::*;

    fn points() -> impl Strategy<Value = Vec<Point>> {
        let clustered = (0u32..4, 0u32..90, 0u32..90, -3i8..9).prop_map(|(c, x, y, w)| Point {
            x: c * 900_000_000 + x * x * 7,
            y: c * 700_000_000 + y,
            weight: f32::from(w),
        });
        let some = (prop::collection::vec(clustered, 1..6000), any::<bool>());
        some.prop_map(|(mut v, signed)| {
            if !signed {
                v.iter_mut().for_each(|p| p.weight = p.weight.abs());
            }
            v.sort_by(zorder::compare);
            v
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_block_keeps_count_and_weight(points in points()) {
            let pyramid = Pyramid::from_sorted(&points);
            let mut blocks = 0;
            let mut todo: Vec<_> = pyramid.root.map(|id| (id, Quad::WORLD)).into_iter().collect();
            while let Some((id, quad)) = todo.pop() {
                let node = pyramid.node(id).unwrap();
                let level = quad.depth + SIDE_BITS;
                todo.extend((0..4).zip(node.quarters).filter_map(|(q, id)| Some((id?, quad.child(q)))));
                let cells = &pyramid.cells[node.block.clone()];
                if cells.is_empty() {
                    continue;
                }
                blocks += 1;
                let below = &points[node.borders[0]..node.borders[4]];
                let kinds = if points.iter().any(|p| p.weight < 0.0) { 2 } else { 1 };
                prop_assert!(cells.len() <= kinds << (2 * SIDE_BITS));
                let same = |some: &[Point]| some[0].shares(&some[kinds], level);
                prop_assert!(!cells.windows(1 + kinds).any(same));
                prop_assert!(cells.is_sorted_by(|a, b| zorder::compare(a, b).is_lt()));
                let count: u32 = pyramid.counts[node.block.clone()].iter().sum();
                prop_assert_eq!(count as usize, below.len());
                let sum = |ps: &[Point]| ps.iter().map(|p| f64::from(p.weight)).sum::<f64>();
                let (got, wanted) = (sum(cells), sum(below));
                let mass: f64 = below.iter().map(|p| f64::from(p.weight.abs())).sum();
                let off = if kinds == 1 { 0.0 } else { 1e-6 * mass };
                prop_assert!((got - wanted).abs() <= off, "{} {}", got, wanted);
            }
            prop_assert!(blocks > 0 || points.len() <= 2 * FEW);
            prop_assert!(pyramid.cells.len() * 6 <= points.len() * 5);
        }
    }
}
