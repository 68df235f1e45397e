//! Pages of nodes: the quadtree through which a search finds points and cells.
//!
//! The nodes of a depth lie in Z-order. A quarter of a node may have a node of its own, of the next
//! depth; these inner nodes lie in the same order as the nodes around them. So a node's number
//! follows from counting, and neither addresses nor positions are stored. Points and cells are
//! found by counting too: a node has only the number of points in each of its quarters, and the
//! number of its cells.

use crate::bytes::{ByteReader, push_varint};
use crate::page::NODES;

/// The greatest number of cells in a block: it has 64 × 64 squares, and two cells in each if
/// weights have both signs.
pub(crate) const BLOCK: u64 = 2 << 12;

/// A node of the quadtree as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredNode {
    /// The number of points in each of the four quarters; the quarters are in Z-order.
    pub(crate) points: [u64; 4],
    /// Bit `i` is set if quarter `i` has a node.
    pub(crate) inner: u8,
    /// The number of cells of the node's block; 0 if it has no block.
    pub(crate) cells: u32,
}

/// Encodes a page of nodes of one depth. `first_inner` is the number of the first node inside these
/// nodes, counted from 0 through all nodes of the next depth. `first_cell` is the number of the
/// first cell of these nodes' blocks, counted from 0 through all cells of this depth.
pub(crate) fn encode(nodes: &[StoredNode], first_inner: u64, first_cell: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20 + nodes.len() * 10);
    bytes.extend_from_slice(&(nodes.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&[NODES, 0]);
    bytes.extend_from_slice(&first_inner.to_le_bytes());
    bytes.extend_from_slice(&first_cell.to_le_bytes());
    for node in nodes {
        push_varint(
            &mut bytes,
            u64::from(node.cells) << 4 | u64::from(node.inner),
        );
        node.points.iter().for_each(|n| push_varint(&mut bytes, *n));
    }
    bytes
}

/// A node that was read from a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileNode {
    pub(crate) stored: StoredNode,
    /// The number of the first node inside this one, counted from 0 through all nodes of the next
    /// depth.
    pub(crate) first_inner: u64,
    /// The number of the first cell of the node's block, counted from 0 through all cells of this
    /// depth.
    pub(crate) first_cell: u64,
}

/// The nodes of a page, unpacked.
#[derive(Debug)]
pub(crate) struct NodePage {
    nodes: Box<[FileNode]>,
}

impl NodePage {
    /// Unpacks a page of `len` nodes. Returns `None` if the bytes are no page of that many nodes.
    pub(crate) fn from_bytes(len: usize, bytes: &[u8]) -> Option<Self> {
        let mut from = ByteReader::new(bytes);
        let found = (usize::from(from.u16()?), from.u8()?, from.u8()?);
        if found != (len, NODES, 0) {
            return None;
        }
        let (mut first_inner, mut first_cell) = (from.u64()?, from.u64()?);
        // A node has five bytes at least.
        if len * 5 > bytes.len() {
            return None;
        }
        let mut nodes = Vec::with_capacity(len);
        for _ in 0..len {
            let first = from.varint()?;
            let (cells, inner) = (first >> 4, (first & 15) as u8);
            let points = [
                from.varint()?,
                from.varint()?,
                from.varint()?,
                from.varint()?,
            ];
            if cells > BLOCK {
                return None;
            }
            let stored = StoredNode {
                points,
                inner,
                cells: cells as u32,
            };
            nodes.push(FileNode {
                stored,
                first_inner,
                first_cell,
            });
            first_inner = first_inner.checked_add(u64::from(inner.count_ones()))?;
            first_cell = first_cell.checked_add(cells)?;
        }
        from.is_empty().then(|| Self {
            nodes: nodes.into(),
        })
    }

    /// Returns the bytes of memory that the page takes.
    pub(crate) fn memory(&self) -> usize {
        size_of_val::<[FileNode]>(&self.nodes) + size_of::<Self>()
    }

    pub(crate) fn get(&self, number: usize) -> Option<&FileNode> {
        self.nodes.get(number)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &FileNode> {
        self.nodes.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nodes_come_back(
            nodes in prop::collection::vec((any::<[u64; 4]>(), 0u8..16, 0..=BLOCK as u32, 0u32..64), 0..50),
            inner in 0u64..1 << 50, cell in 0u64..1 << 50,
        ) {
            let node = |(points, inner, cells, by): ([u64; 4], u8, u32, u32)| StoredNode {
                points: points.map(|n| n >> by),
                inner,
                cells,
            };
            let nodes: Vec<StoredNode> = nodes.into_iter().map(node).collect();
            let bytes = encode(&nodes, inner, cell);
            let page = NodePage::from_bytes(nodes.len(), &bytes).unwrap();
            let (mut inner, mut cell) = (inner, cell);
            for (i, wanted) in nodes.iter().enumerate() {
                let got = page.get(i).unwrap();
                prop_assert_eq!((got.stored, got.first_inner, got.first_cell), (*wanted, inner, cell));
                inner += u64::from(wanted.inner.count_ones());
                cell += u64::from(wanted.cells);
            }
            for cut in 0..bytes.len() {
                prop_assert!(NodePage::from_bytes(nodes.len(), &bytes[..cut]).is_none());
            }
        }
    }
}
