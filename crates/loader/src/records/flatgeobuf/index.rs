//! The index of a FlatGeobuf file. It is a packed R-tree, and it is searched in the file without
//! being read as a whole.
//!
//! A node has 40 bytes: a box and a number. In a leaf the number is the offset of a feature in
//! bytes, counted from the first feature. In any other node it is the node number of the first
//! child. Nodes are numbered in the order in which the index has them, from 0 on: the root is the
//! first node, and the leaves are the last nodes, in the order of the features.

use super::super::{ReadFailure, damaged, unreadable};
use crate::input::Origin;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// The size of a node of the index in bytes.
const NODE: u64 = 40;

/// The levels of the index (a tree of nodes), each as a range of node numbers.
#[derive(Clone, Debug)]
pub(super) struct PackedRTree {
    /// The largest number of children of a node.
    fan: u64,
    /// The range of node numbers of each level of the tree, from the root to the leaves.
    levels: Vec<Range<u64>>,
}

impl PackedRTree {
    /// The index of a file with `features` features. `fan`, a number in the file's header, is the
    /// most children of a node. `None` if `fan` is 0, which states that the file has no index.
    pub(super) fn new(features: u64, fan: u16) -> io::Result<Option<Self>> {
        if features == 0 || fan == 0 {
            return Ok(None);
        }
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
        if fan == 1 {
            return Err(bad("nodes of one child can't be"));
        }
        let fan = u64::from(fan);
        let mut counts = vec![features];
        let mut count = features;
        loop {
            count = count.div_ceil(fan);
            counts.push(count);
            if count == 1 {
                break;
            }
        }
        let mut levels = Vec::with_capacity(counts.len());
        let mut before = 0u64;
        for count in counts.into_iter().rev() {
            let end = before.checked_add(count);
            // Offsets in bytes must not overflow. Therefore the number of nodes is limited.
            let end = end.filter(|end| end.checked_mul(2 * NODE).is_some());
            let end = end.ok_or_else(|| bad("more features than any file has"))?;
            levels.push(before..end);
            before = end;
        }
        Ok(Some(Self { fan, levels }))
    }

    /// The number of bytes of the whole index.
    pub(super) fn bytes(&self) -> u64 {
        self.levels.last().map_or(0, |leaves| leaves.end * NODE)
    }

    /// Calls `found` for each feature whose box touches `bounds`, in the order of the file, with
    /// the feature's offset in bytes, counted from the first feature. `bounds` are the west, south,
    /// east and north edge, in the coordinates of the file. `start` is the offset in the file at
    /// which the index begins.
    pub(super) fn search<R: Read + Seek>(
        &self,
        file: &mut R,
        start: u64,
        bounds: [f64; 4],
        origin: &Origin,
        found: &mut dyn FnMut(u64) -> Result<(), ReadFailure>,
    ) -> Result<(), ReadFailure> {
        let mut firsts = vec![0];
        let mut levels = self.levels.iter().peekable();
        while let Some(level) = levels.next() {
            let mut children = Vec::new();
            let below = levels.peek();
            let mut least = level.start;
            for first in firsts {
                // In a damaged file a node might be its own ancestor. The order of nodes is
                // checked, so that no node is visited twice.
                if !(least..level.end).contains(&first) {
                    return Err(damaged(origin, "index", "its nodes are in disorder").into());
                }
                let end = if level.start == 0 {
                    level.end
                } else {
                    first.saturating_add(self.fan)
                };
                let end = end.min(level.end);
                least = end;
                let place = start.saturating_add(first * NODE);
                file.seek(SeekFrom::Start(place))
                    .map_err(|error| unreadable(origin, "index", error))?;
                for _ in first..end {
                    let node = RTreeNode::read(file).map_err(|e| unreadable(origin, "index", e))?;
                    match below {
                        _ if !node.touches(bounds) => (),
                        Some(_) => children.push(node.place),
                        None => found(node.place)?,
                    }
                }
            }
            firsts = children;
        }
        Ok(())
    }
}

struct RTreeNode {
    bounds: [f64; 4],
    place: u64,
}

impl RTreeNode {
    fn read(file: &mut impl Read) -> io::Result<Self> {
        let mut word = || {
            let mut bytes = [0; 8];
            file.read_exact(&mut bytes).map(|()| bytes)
        };
        let mut number = || word().map(f64::from_le_bytes);
        let bounds = [number()?, number()?, number()?, number()?];
        Ok(Self {
            bounds,
            place: u64::from_le_bytes(word()?),
        })
    }

    fn touches(&self, [west, south, east, north]: [f64; 4]) -> bool {
        let [left, low, right, high] = self.bounds;
        left <= east && right >= west && low <= north && high >= south
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_as_long_as_their_features_ask_for() {
        for (features, fan, levels) in [
            (1, 16, vec![0..1, 1..2]),
            (16, 16, vec![0..1, 1..17]),
            (17, 16, vec![0..1, 1..3, 3..20]),
            (5, 2, vec![0..1, 1..3, 3..6, 6..11]),
        ] {
            let index = PackedRTree::new(features, fan).unwrap().unwrap();
            assert_eq!(index.levels, levels, "{features}");
            assert_eq!(index.bytes(), levels.last().unwrap().end * 40);
        }
        assert!(
            PackedRTree::new(0, 16).unwrap().is_none() && PackedRTree::new(5, 0).unwrap().is_none()
        );
        for (features, fan) in [(5, 1), (u64::MAX, 2), (u64::MAX / 50, 65_535)] {
            assert!(PackedRTree::new(features, fan).is_err(), "{features} {fan}");
        }
    }
}
