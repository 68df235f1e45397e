//! The pyramid: ever coarser copies of the points, each cell true to what it stands for.
//!
//! At level L there is one cell per occupied pixel of the world drawn 2ᴸ pixels wide. A
//! level is kept or left out block by block: a block is a quad of the quadtree, cut into
//! [`SIDE_BITS`] more bits of cells, and it is kept where it holds at most two fifths of
//! what would be read in its place. So a crowded city has all its levels and an empty
//! ocean none, all levels together are two thirds of a copy of the points at most, and a
//! window never reads much more than it has pixels, wherever it is.
//!
//! Where weights have both signs there are up to two cells to a pixel, true to what is left of
//! them and to its moment.

use crate::aggregate::{Heap, Net};
use crate::point::Point;
use crate::zorder::{Quad, quarter_borders};
use rayon::prelude::*;
use std::ops::Range;

/// A block is 2^6 × 2^6 cells.
pub(crate) const SIDE_BITS: u32 = 6;

/// The level of the points themselves: finer than any cell.
pub(crate) const POINTS: u32 = 33;

/// Quads with so few points are not divided further: they are read as they are.
const FEW: usize = 256;

/// Quads this deep have the finest cells there are, single positions.
const DEEPEST: u32 = 32 - SIDE_BITS;

/// A quad with more than [`FEW`] points.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where the points of its quarters begin and end.
    pub(crate) borders: [usize; 5],
    /// The nodes of its quarters, where those are nodes.
    pub(crate) quarters: [Option<NodeId>; 4],
    /// Its block of cells, at level depth + [`SIDE_BITS`]; empty where it wasn't worth keeping.
    pub(crate) block: Range<usize>,
}

/// Which node; never 0, so that an `Option` of it takes four bytes.
pub(crate) type NodeId = std::num::NonZeroU32;

/// The kept blocks and the quadtree that finds them.
#[derive(Debug, Default)]
pub(crate) struct Pyramid {
    nodes: Vec<Node>,
    /// The whole world, if it is a node.
    pub(crate) root: Option<NodeId>,
    pub(crate) cells: Vec<Point>,
    /// How many points each cell stands for.
    pub(crate) counts: Vec<u32>,
}

impl Pyramid {
    /// The pyramid over points in Z-order, raised on all cores.
    pub(crate) fn over(points: &[Point]) -> Self {
        let most = (points.len() / (8 * rayon::current_num_threads())).max(1 << 14);
        let negative = |some: &[Point]| some.iter().any(|p| p.weight < 0.0);
        let signed = points.par_chunks(1 << 14).any(negative);
        let mut quads = Vec::new();
        cut(points, Quad::WORLD, 0..points.len(), most, &mut quads);
        let parts: Vec<(Quad, Builder<'_>, Branch)> = quads
            .into_par_iter()
            .map(|(quad, range)| {
                let mut builder = Builder::over(points, signed);
                let branch = builder.raise(quad, range);
                (quad, builder, branch)
            })
            .collect();
        let mut whole = Builder::over(points, signed);
        let cells = parts.iter().map(|(_, part, _)| part.pyramid.cells.len());
        // and some for the blocks of the few quads above the parts
        let cells = cells.sum::<usize>() + points.len() / 64;
        whole.pyramid.cells.reserve_exact(cells);
        whole.pyramid.counts.reserve_exact(cells);
        whole.finished = parts
            .into_iter()
            .map(|(quad, part, branch)| (quad, whole.pyramid.adopt(part.pyramid, branch)))
            .collect::<Vec<_>>()
            .into_iter();
        whole.next = whole.finished.next();
        let top = whole.raise(Quad::WORLD, 0..points.len());
        let mut made = whole.pyramid;
        made.root = top.node;
        made.nodes.shrink_to_fit();
        made.cells.shrink_to_fit();
        made.counts.shrink_to_fit();
        made
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.get() as usize - 1)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.cells.capacity() * size_of::<Point>()
            + self.counts.capacity() * size_of::<u32>()
    }

    fn add(&mut self, node: Node) -> Option<NodeId> {
        self.nodes.push(node);
        u32::try_from(self.nodes.len()).ok().and_then(NodeId::new)
    }

    /// Takes over what a part has built, and tells where it is now.
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

/// Cuts the world into quads of at most `most` points.
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
    for quarter in 0..4 {
        let part = borders[quarter as usize]..borders[quarter as usize + 1];
        if !part.is_empty() {
            cut(points, quad.child(quarter), part, most, quads);
        }
    }
}

/// What is known of a quad once it is built.
struct Branch {
    node: Option<NodeId>,
    /// What is read in its place at a level coarser than its own.
    stretches: Vec<Stretch>,
    /// How many points and cells that is.
    entries: usize,
    /// How many neighbours in Z-order share just so many top bits of their positions: a
    /// level has one cell more than there are neighbours that share fewer bits.
    shared: [usize; 33],
}

/// Points or cells that follow each other.
#[derive(Clone, Debug)]
enum Stretch {
    Points(Range<usize>),
    Cells(Range<usize>),
}

/// Builds a part of the pyramid, quads before those that hold them.
struct Builder<'a> {
    points: &'a [Point],
    /// Whether any of all points, not only of this part's, has a negative weight.
    signed: bool,
    pyramid: Pyramid,
    /// Quads that are built already, in Z-order.
    finished: std::vec::IntoIter<(Quad, Branch)>,
    next: Option<(Quad, Branch)>,
}

impl<'a> Builder<'a> {
    fn over(points: &'a [Point], signed: bool) -> Self {
        Self {
            points,
            signed,
            pyramid: Pyramid::default(),
            finished: Vec::new().into_iter(),
            next: None,
        }
    }

    fn raise(&mut self, quad: Quad, range: Range<usize>) -> Branch {
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
        let mut quarters = [None; 4];
        for (quarter, node) in (0..4).zip(&mut quarters) {
            let part = borders[quarter as usize]..borders[quarter as usize + 1];
            if part.is_empty() {
                continue;
            }
            let branch = self.raise(quad.child(quarter), part);
            *node = branch.node;
            // neighbours on both sides of a quarter's border
            whole.shared[quad.depth as usize] += usize::from(whole.entries > 0);
            for (sum, more) in whole.shared.iter_mut().zip(branch.shared) {
                *sum += more;
            }
            whole.entries += branch.entries;
            whole.stretches.extend(branch.stretches);
        }
        let block = self.block(quad, range.len(), &mut whole);
        whole.node = self.pyramid.add(Node {
            borders,
            quarters,
            block,
        });
        whole
    }

    /// Points that are read as they are.
    fn leaf(&self, range: Range<usize>) -> Branch {
        let mut shared = [0; 33];
        for pair in self.points[range.clone()].windows(2) {
            if let [a, b] = pair {
                shared[((a.x ^ b.x) | (a.y ^ b.y)).leading_zeros() as usize] += 1;
            }
        }
        Branch {
            node: None,
            entries: range.len(),
            stretches: vec![Stretch::Points(range)],
            shared,
        }
    }

    /// Builds a quad's block where that is worth its memory.
    fn block(&mut self, quad: Quad, points: usize, branch: &mut Branch) -> Range<usize> {
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

    /// A point or cell of a stretch, and how many points it stands for.
    #[inline]
    fn entry(&self, of_points: bool, at: usize) -> (Point, u32) {
        if of_points {
            (self.points[at], 1)
        } else {
            (self.pyramid.cells[at], self.pyramid.counts[at])
        }
    }

    /// Adds a quad's cells of a level to the pyramid.
    fn push_cells(&mut self, level: u32, branch: &Branch) {
        let mut open: Option<Heap> = None;
        for stretch in &branch.stretches {
            let (of_points, range) = stretch.range();
            for at in range {
                let (entry, count) = self.entry(of_points, at);
                match &mut open {
                    Some(heap) if heap.takes(&entry, level) => heap.add(&entry, count),
                    _ => {
                        if let Some(full) = open.replace(Heap::new(entry, count)) {
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

    /// A quad's cells of a level, where weights have both signs.
    fn cells_of_both_signs(&self, level: u32, branch: &Branch) -> Vec<(Point, u32)> {
        let mut nets: Vec<Net> = Vec::new();
        for stretch in &branch.stretches {
            let (of_points, range) = stretch.range();
            for at in range {
                let (entry, count) = self.entry(of_points, at);
                match nets.last_mut() {
                    Some(net) if net.takes(&entry, level) => net.add(&entry, count),
                    _ => nets.push(Net::new(entry, count)),
                }
            }
        }
        nets.iter().flat_map(|net| net.finish(level)).collect()
    }
}

impl Stretch {
    /// Which, and whether of the points.
    fn range(&self) -> (bool, Range<usize>) {
        match self {
            Self::Points(range) => (true, range.clone()),
            Self::Cells(range) => (false, range.clone()),
        }
    }
}

impl Pyramid {
    fn push(&mut self, (cell, count): (Point, u32)) {
        self.cells.push(cell);
        self.counts.push(count);
    }
}

/// A block must have at most two fifths of what is read in its place: then all together are
/// two thirds of a copy of the points at most. Where its cells are few beside its points
/// they cost next to nothing, and are what the low zooms read: a quarter less is enough.
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
            let pyramid = Pyramid::over(&points);
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
