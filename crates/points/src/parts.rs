//! A pyramid that is built part by part, for points that don't fit into memory at once.
//!
//! A block of cells depends only on the points of its quad. So the world is divided into quads of a
//! few million points each, the *parts*. The pyramid within a part is built in memory ([`Part`]).
//! Of a finished part only a summary is needed later: the points and cells from which the cells of
//! larger quads are made. [`PyramidOfParts`] receives the parts in Z-order, and builds the nodes of
//! larger quads as soon as all parts in them are known. The nodes, blocks and counts equal those of
//! an index in memory, bit for bit.

use crate::aggregate::{CellBuilder, SignedCellBuilder};
use crate::point::Point;
use crate::pyramid::{Branch, DEEPEST, FEW, Node, NodeId, Pyramid, PyramidBuilder, Stretch};
use crate::zorder::Quad;

/// The number of points from which on a quad of the greatest depth certainly has a block. Such a
/// quad has 4,096 positions, so at most 4,096 cells: less than two fifths of so many points, which
/// is the limit for a block.
const CROWDED: usize = 1 << 14;

/// A node of the pyramid: a quad with more than 256 points (`FEW`), and its block of cells if it
/// has one.
#[derive(Clone, Copy, Debug)]
pub struct PartNode<'a> {
    /// The quad of the node.
    pub quad: Quad,
    /// The borders of the quad's four quarters among all points in Z-order, counted from 0: quarter
    /// `i` has the points `borders[i]..borders[i + 1]`.
    pub borders: [u64; 5],
    /// For each quarter, in Z-order, true if it has a node too.
    pub quarters: [bool; 4],
    /// The cells of the quad's block, in Z-order, at the level depth + 6; empty if there is no
    /// block.
    pub cells: &'a [Point],
    /// The number of points that each of `cells` stands for.
    pub counts: &'a [u32],
}

/// An entry of a block that isn't made yet, a point or a cell, and the number of points that it
/// stands for.
type Entry = (Point, u32);

/// The data on a finished quad from which the pyramid above it is built.
#[derive(Debug)]
struct QuadSummary {
    quad: Quad,
    /// The number of points in the quad.
    points: u64,
    has_node: bool,
    /// The points and cells of this quad from which the cells of the quad around it are made: some
    /// 20,000 at most.
    entries: Vec<Entry>,
    /// For each number of bits from 0 to 32, the number of pairs of neighbouring points that share
    /// exactly so many top bits, of x and of y: see [`Branch::shared`].
    shared: [usize; 33],
}

/// A finished pyramid within one quad.
#[derive(Debug)]
pub struct Part {
    pyramid: Pyramid,
    summary: QuadSummary,
}

impl Part {
    /// Builds the pyramid within `quad`. `points` are all points in the quad, in Z-order. `signed`
    /// is true if any point of the whole set, in this quad or elsewhere, has a negative weight.
    pub fn new(quad: Quad, points: &[Point], signed: bool) -> Self {
        let mut builder = PyramidBuilder::new(points, signed);
        let branch = builder.build(quad, 0..points.len());
        let mut pyramid = builder.pyramid;
        pyramid.root = branch.node;
        let mut entries = Vec::with_capacity(branch.entries);
        for stretch in &branch.stretches {
            let (of_points, range) = stretch.range();
            if of_points {
                let points = points.get(range).unwrap_or_default();
                entries.extend(points.iter().map(|point| (*point, 1)));
            } else {
                entries.extend(pyramid.entries(range));
            }
        }
        let summary = QuadSummary {
            quad,
            points: points.len() as u64,
            has_node: branch.node.is_some(),
            entries,
            shared: branch.shared,
        };
        Self { pyramid, summary }
    }

    /// Returns the quad of the part.
    pub fn quad(&self) -> Quad {
        self.summary.quad
    }

    /// Returns the number of points in the part.
    pub fn points(&self) -> u64 {
        self.summary.points
    }

    /// Calls `visit` with each node of the part. A node comes after all nodes inside it, so the
    /// nodes of each depth are in Z-order. `before` is the number of points of all parts before
    /// this one.
    fn visit<E>(
        &self,
        before: u64,
        visit: &mut dyn FnMut(PartNode<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        visit_nodes(&self.pyramid, self.quad(), before, visit)
    }
}

/// Calls `visit` with each node of a pyramid, whose root is the node of `quad`. A node comes after
/// all nodes inside it. The pyramid counts its points from 0; `before` is the number of points of
/// the whole set that come before them in Z-order, and is added to the borders of each node.
pub(crate) fn visit_nodes<E>(
    pyramid: &Pyramid,
    quad: Quad,
    before: u64,
    visit: &mut dyn FnMut(PartNode<'_>) -> Result<(), E>,
) -> Result<(), E> {
    match pyramid.root {
        Some(root) => visit_node(pyramid, quad, root, before, visit),
        None => Ok(()),
    }
}

fn visit_node<E>(
    pyramid: &Pyramid,
    quad: Quad,
    id: NodeId,
    before: u64,
    visit: &mut dyn FnMut(PartNode<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let Some(node) = pyramid.node(id) else {
        return Ok(());
    };
    for (quarter, inner) in (0..4).zip(node.quarters) {
        if let Some(inner) = inner {
            visit_node(pyramid, quad.child(quarter), inner, before, visit)?;
        }
    }
    let block = node.block.clone();
    visit(PartNode {
        quad,
        borders: node.borders.map(|border| before + border as u64),
        quarters: node.quarters.map(|inner| inner.is_some()),
        cells: pyramid.cells.get(block.clone()).unwrap_or_default(),
        counts: pyramid.counts.get(block).unwrap_or_default(),
    })
}

/// A builder of a part of the greatest depth, 26, for any number of points: they are added in
/// batches and not stored. A quad of this depth has 64 × 64 positions of the world grid, and is 0.6
/// m wide at the equator. Smaller quads have no nodes and no blocks.
#[derive(Debug)]
pub struct DeepPart {
    quad: Quad,
    signed: bool,
    /// The points so far, as long as they are at most [`CROWDED`]: so few may have no block. Empty
    /// afterwards, when all points go into `crowd` instead.
    first: Vec<Point>,
    crowd: Option<Crowd>,
}

/// The sums over the points of a quad of the greatest depth with more than [`CROWDED`] points. Its
/// node and block are made of them.
#[derive(Debug)]
struct Crowd {
    /// The number of points in each quarter.
    quarters: [usize; 4],
    last: Point,
    shared: [usize; 33],
    open: OpenCell,
    pyramid: Pyramid,
}

/// The cell that isn't complete yet: it stands at the position of the point that was added last,
/// and more points may come there.
#[derive(Debug)]
enum OpenCell {
    Unsigned(CellBuilder),
    Signed(SignedCellBuilder),
}

impl OpenCell {
    fn new(point: Point, signed: bool) -> Self {
        if signed {
            Self::Signed(SignedCellBuilder::new(point, 1))
        } else {
            Self::Unsigned(CellBuilder::new(point, 1))
        }
    }

    fn add(&mut self, point: &Point) {
        match self {
            Self::Unsigned(cell) => cell.add(point, 1),
            Self::Signed(cell) => cell.add(point, 1),
        }
    }

    fn finish_into(&self, pyramid: &mut Pyramid) {
        match self {
            Self::Unsigned(cell) => pyramid.push(cell.finish()),
            Self::Signed(cell) => {
                let cells = cell.finish(32).into_iter();
                cells.for_each(|cell| pyramid.push(cell));
            }
        }
    }
}

impl DeepPart {
    /// The depth of the quads that such parts have: the greatest depth of a quad that may have a
    /// block.
    pub const DEPTH: u32 = DEEPEST;

    /// Makes a builder without points. `quad` must have the depth [`DEPTH`](Self::DEPTH). `signed`
    /// is true if any point of the whole set, in this quad or elsewhere, has a negative weight.
    pub fn new(quad: Quad, signed: bool) -> Self {
        Self {
            quad,
            signed,
            first: Vec::new(),
            crowd: None,
        }
    }

    /// Adds the next points of the quad, in Z-order.
    pub fn push(&mut self, points: &[Point]) {
        if self.crowd.is_none() && self.first.len() + points.len() <= CROWDED {
            self.first.extend_from_slice(points);
            return;
        }
        let first = std::mem::take(&mut self.first);
        for point in first.iter().chain(points) {
            match &mut self.crowd {
                Some(crowd) => crowd.add(self.quad, point, self.signed),
                None => self.crowd = Some(Crowd::new(self.quad, *point, self.signed)),
            }
        }
    }

    /// Builds the part after all points were added.
    pub fn finish(self) -> Part {
        match self.crowd {
            Some(crowd) => crowd.finish(self.quad),
            None => Part::new(self.quad, &self.first, self.signed),
        }
    }
}

impl Crowd {
    fn new(quad: Quad, first: Point, signed: bool) -> Self {
        let mut quarters = [0; 4];
        count_at(&mut quarters, quad.quarter_of(&first));
        Self {
            quarters,
            last: first,
            shared: [0; 33],
            open: OpenCell::new(first, signed),
            pyramid: Pyramid::default(),
        }
    }

    fn add(&mut self, quad: Quad, point: &Point, signed: bool) {
        count_at(&mut self.quarters, quad.quarter_of(point));
        let bits = ((self.last.x ^ point.x) | (self.last.y ^ point.y)).leading_zeros();
        count_at(&mut self.shared, bits);
        if bits == 32 {
            self.open.add(point);
        } else {
            self.open.finish_into(&mut self.pyramid);
            self.open = OpenCell::new(*point, signed);
        }
        self.last = *point;
    }

    fn finish(mut self, quad: Quad) -> Part {
        self.open.finish_into(&mut self.pyramid);
        let mut pyramid = self.pyramid;
        let mut points = 0;
        let mut borders = [0; 5];
        for (border, quarter) in borders.iter_mut().skip(1).zip(self.quarters) {
            points += quarter;
            *border = points;
        }
        let block = 0..pyramid.cells.len();
        let entries = pyramid.entries(block.clone()).collect();
        pyramid.root = pyramid.add(Node {
            borders,
            quarters: [None; 4],
            block,
        });
        let summary = QuadSummary {
            quad,
            points: points as u64,
            has_node: true,
            entries,
            shared: self.shared,
        };
        Part { pyramid, summary }
    }
}

fn count_at(counts: &mut [usize], at: u32) {
    if let Some(count) = counts.get_mut(at as usize) {
        *count += 1;
    }
}

/// A pyramid of the whole world that is built from parts.
///
/// ```
/// use heatsplat_points::{Part, Point, PyramidOfParts, Quad};
/// let points = vec![Point { x: 7, y: 9, weight: 1.0 }; 300];
/// let mut nodes = 0;
/// let mut pyramid = PyramidOfParts::new(false);
/// let mut visit = |_: heatsplat_points::PartNode<'_>| {
///     nodes += 1;
///     Ok::<(), ()>(())
/// };
/// pyramid.push(Part::new(Quad::WORLD.child(0), &points, false), &mut visit)?;
/// pyramid.finish(&mut visit)?;
/// // 300 points at one place are in a quad of each depth from 0 to 26.
/// assert_eq!(nodes, 27);
/// # Ok::<(), ()>(())
/// ```
#[derive(Debug)]
pub struct PyramidOfParts {
    signed: bool,
    /// The number of points in all parts so far.
    points: u64,
    /// The quads whose parts aren't all known yet, from the outermost to the innermost: each lies
    /// in the one before.
    open: Vec<OpenQuad>,
}

/// A quad of which only some quarters are finished.
#[derive(Debug)]
struct OpenQuad {
    quad: Quad,
    /// The number of points before the quad, in Z-order.
    before: u64,
    /// The finished quarters, in Z-order.
    quarters: Vec<QuadSummary>,
}

impl PyramidOfParts {
    /// Makes a pyramid without parts. `signed` is true if any point of the whole set has a negative
    /// weight.
    pub fn new(signed: bool) -> Self {
        Self {
            signed,
            points: 0,
            open: Vec::new(),
        }
    }

    /// The number of points in all parts so far.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// Adds a part. Its quad must come after the quads of all parts before, in Z-order, and overlap
    /// none of them. Together the parts must have all points. Calls `visit` with each node that can
    /// be completed now. The nodes of each depth come in Z-order, and a node comes after all nodes
    /// inside it.
    ///
    /// # Errors
    /// The first error of `visit`.
    pub fn push<E>(
        &mut self,
        part: Part,
        visit: &mut dyn FnMut(PartNode<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let quad = part.quad();
        while self.open.last().is_some_and(|o| !o.quad.contains(quad)) {
            self.close(visit)?;
        }
        let mut depth = self.open.last().map_or(0, |open| open.quad.depth + 1);
        while depth < quad.depth {
            self.open.push(OpenQuad {
                quad: quad.ancestor(depth),
                before: self.points,
                quarters: Vec::new(),
            });
            depth += 1;
        }
        part.visit(self.points, visit)?;
        self.points += part.points();
        if let Some(parent) = self.open.last_mut() {
            parent.quarters.push(part.summary);
        }
        Ok(())
    }

    /// Builds the nodes that are left, after the last part.
    ///
    /// # Errors
    /// The first error of `visit`.
    pub fn finish<E>(
        mut self,
        visit: &mut dyn FnMut(PartNode<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !self.open.is_empty() {
            self.close(visit)?;
        }
        Ok(())
    }

    /// Closes the innermost open quad: builds its node, calls `visit` with it, and counts the quad
    /// among the finished quarters of the open quad around it.
    fn close<E>(&mut self, visit: &mut dyn FnMut(PartNode<'_>) -> Result<(), E>) -> Result<(), E> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let summary = open.raise(self.signed, visit)?;
        if let Some(parent) = self.open.last_mut() {
            parent.quarters.push(summary);
        }
        Ok(())
    }
}

impl OpenQuad {
    /// Builds the quad's node and its block from its finished quarters, and calls `visit` with the
    /// node; a quad of at most 256 points (`FEW`) gets none. Returns the quad's summary.
    fn raise<E>(
        self,
        signed: bool,
        visit: &mut dyn FnMut(PartNode<'_>) -> Result<(), E>,
    ) -> Result<QuadSummary, E> {
        let Self { quad, before, .. } = self;
        // The entries of the quarters become the first cells of a pyramid of their own. A point is
        // an entry that stands for one point, as it is where it is read as a point.
        let mut builder = PyramidBuilder::new(&[], signed);
        let mut shared = [0; 33];
        let (mut has_nodes, mut numbers) = ([false; 4], [0u64; 4]);
        for (i, quarter) in self.quarters.into_iter().enumerate() {
            let at = quarter.quad.quarter() as usize;
            if let (Some(has_node), Some(number)) = (has_nodes.get_mut(at), numbers.get_mut(at)) {
                (*has_node, *number) = (quarter.has_node, quarter.points);
            }
            for (sum, more) in shared.iter_mut().zip(quarter.shared) {
                *sum += more;
            }
            if let Some(sum) = shared.get_mut(quad.depth as usize) {
                *sum += usize::from(i > 0);
            }
            for entry in quarter.entries {
                builder.pyramid.push(entry);
            }
        }
        let points: u64 = numbers.iter().sum();
        let entries = builder.pyramid.cells.len();
        let mut branch = Branch {
            node: None,
            stretches: vec![Stretch::Cells(0..entries)],
            entries,
            shared,
        };
        let has_node = points > FEW as u64;
        if has_node {
            let block = builder.block(quad, points as usize, &mut branch);
            let mut borders = [before; 5];
            let mut end = before;
            for (border, number) in borders.iter_mut().skip(1).zip(numbers) {
                end += number;
                *border = end;
            }
            visit(PartNode {
                quad,
                borders,
                quarters: has_nodes,
                cells: builder.pyramid.cells.get(block.clone()).unwrap_or_default(),
                counts: builder.pyramid.counts.get(block).unwrap_or_default(),
            })?;
        }
        let ranges = branch.stretches.iter().map(|stretch| stretch.range().1);
        let entries = ranges.flat_map(|range| builder.pyramid.entries(range));
        Ok(QuadSummary {
            quad,
            points,
            has_node,
            entries: entries.collect(),
            shared,
        })
    }
}

impl Pyramid {
    /// Returns the cells with the indices `range`, each with the number of points that it stands
    /// for.
    fn entries(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Entry> + '_ {
        let cells = self.cells.get(range.clone()).unwrap_or_default();
        let counts = self.counts.get(range).unwrap_or_default();
        cells.iter().copied().zip(counts.iter().copied())
    }
}

#[cfg(test)]
mod tests;
