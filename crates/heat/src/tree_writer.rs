//! The nodes and cells of all depths on their way to a file.

use crate::error::WriteError;
use crate::finish::Tail;
use crate::group::EntryKind;
use crate::node_page::{BLOCK, StoredNode};
use crate::options::WriterOptions;
use crate::root::DEEPEST;
use crate::stream::{EntryStream, NodeStream, Spool};
use heatsplat_points::{PartNode, Quad};
use std::path::Path;

/// The writer of a quadtree: nodes come in with their cells, those of each depth in Z-order.
#[derive(Debug)]
pub(crate) struct TreeWriter {
    depths: Vec<Depth>,
    /// False if another tree of the file has the same nodes already, so that only the cells are
    /// written.
    has_nodes: bool,
}

/// The nodes and cells of one depth: those that wait until they fill a page, and the complete
/// pages.
#[derive(Debug)]
struct Depth {
    nodes: NodeStream,
    cells: EntryStream,
    /// The pages of nodes, and the pages of cells, which wait for their place in the file.
    spools: (Spool, Spool),
    /// The quad of the node that was added last.
    last: Option<Quad>,
}

impl TreeWriter {
    /// Makes a writer whose complete pages wait in files of `folder`. The names of these files
    /// begin with `name`.
    pub(crate) fn new(options: &WriterOptions, folder: &Path, name: &str, has_nodes: bool) -> Self {
        let depths = (0..=DEEPEST).map(|depth| {
            let file = |kind| folder.join(format!("{name}{kind}-{depth:02}.pages"));
            Depth {
                nodes: NodeStream::new(options.page_nodes),
                cells: EntryStream::new(EntryKind::Cells, options.page_entries),
                spools: (Spool::new(file("nodes")), Spool::new(file("cells"))),
                last: None,
            }
        });
        Self {
            depths: depths.collect(),
            has_nodes,
        }
    }

    /// Adds the next node of its depth, with the cells of its block.
    pub(crate) fn node(&mut self, node: &PartNode<'_>) -> Result<(), WriteError> {
        let inconsistent = WriteError::Inconsistent("a node is impossible or out of order");
        let (Some(depth), Some(stored)) = (
            self.depths.get_mut(node.quad.depth as usize),
            stored_node(node),
        ) else {
            return Err(inconsistent);
        };
        if depth
            .last
            .is_some_and(|last| last.keys() >= node.quad.keys())
        {
            return Err(inconsistent);
        }
        depth.last = Some(node.quad);
        if let Some(page) = depth.nodes.add(stored)
            && self.has_nodes
        {
            depth.spools.0.write(&page)?;
        }
        for page in depth.cells.add(node.cells, node.counts) {
            depth.spools.1.write(&page)?;
        }
        Ok(())
    }

    /// Completes the last pages of nodes and cells. Each depth must have exactly as many nodes as
    /// the depth before promises: one for each quarter that is marked as having a node.
    pub(crate) fn complete(&mut self) -> Result<(), WriteError> {
        let mut inside = self
            .depths
            .first()
            .map_or(0, |depth| depth.nodes.len().min(1));
        for depth in &mut self.depths {
            if let Some(page) = depth.nodes.finish()
                && self.has_nodes
            {
                depth.spools.0.write(&page)?;
            }
            for page in depth.cells.finish() {
                depth.spools.1.write(&page)?;
            }
            if depth.nodes.len() != inside {
                return Err(WriteError::Inconsistent("nodes are missing, or too many"));
            }
            inside = depth.nodes.inner();
        }
        if inside > 0 {
            return Err(WriteError::Inconsistent("nodes are deeper than can be"));
        }
        Ok(())
    }

    /// Copies all pages to the end of the file: nodes depth by depth, then cells depth by depth.
    pub(crate) fn copy_to(self, tail: &mut Tail) -> Result<(), WriteError> {
        let has_nodes = self.has_nodes;
        let (nodes, cells): (Vec<_>, Vec<_>) = (0..)
            .zip(self.depths)
            .map(|(depth, d)| ((depth, d.nodes, d.spools.0), (depth, d.cells, d.spools.1)))
            .unzip();
        for (depth, stream, spool) in nodes.into_iter().filter(|_| has_nodes) {
            tail.add(stream.record(depth), stream.list, spool)?;
        }
        for (depth, stream, spool) in cells {
            tail.add(stream.record(depth), stream.list, spool)?;
        }
        Ok(())
    }
}

/// Returns a node as it is stored. Returns `None` if the node is impossible:
///
/// * its borders fall,
/// * it has too many cells, or
/// * it has not one count for each cell.
fn stored_node(node: &PartNode<'_>) -> Option<StoredNode> {
    let [a, b, c, d, e] = node.borders;
    let points = [
        b.checked_sub(a),
        c.checked_sub(b),
        d.checked_sub(c),
        e.checked_sub(d),
    ];
    let [Some(a), Some(b), Some(c), Some(d)] = points else {
        return None;
    };
    let bits = (0..4)
        .zip(node.quarters)
        .map(|(bit, inner)| u8::from(inner) << bit);
    let possible = node.cells.len() == node.counts.len() && node.cells.len() as u64 <= BLOCK;
    possible.then(|| StoredNode {
        points: [a, b, c, d],
        inner: bits.sum(),
        cells: node.cells.len() as u32,
    })
}
