//! Picking of values from rows: all wanted values of a row are found in one pass over its text.

use super::path::PathStep;
use crate::geojson::object::string;
use crate::geojson::skip_value;

/// The JSON paths of the values that are wanted from each row, as a tree.
#[derive(Default)]
pub(super) struct Picker {
    root: PathNode,
    slots: usize,
}

/// A node in the tree of JSON paths: a value in the row that is wanted, or that has wanted values
/// in it.
#[derive(Default)]
struct PathNode {
    /// The index of this value among the picked values; `None` if only values inside it are wanted.
    slot: Option<usize>,
    members: Vec<(String, PathNode)>,
    elements: Vec<(usize, PathNode)>,
}

impl PathNode {
    fn child(&mut self, step: &PathStep) -> &mut Self {
        match step {
            PathStep::Member(name) => entry(&mut self.members, name),
            PathStep::Element(at) => entry(&mut self.elements, at),
        }
    }
}

/// The node for the member or element `key` in `nodes`, which are the children of one node. If
/// there is no such child yet, it is added.
fn entry<'n, K: PartialEq + Clone>(nodes: &'n mut Vec<(K, PathNode)>, key: &K) -> &'n mut PathNode {
    let known = nodes.iter().position(|(known, _)| known == key);
    let at = known.unwrap_or_else(|| {
        nodes.push((key.clone(), PathNode::default()));
        nodes.len() - 1
    });
    #[expect(
        clippy::indexing_slicing,
        reason = "the index was found or made just before"
    )]
    &mut nodes[at].1
}

impl Picker {
    /// Adds a JSON path whose value is wanted from each row. Returns the index of this value among
    /// the picked values.
    pub(super) fn add(&mut self, path: &[PathStep]) -> usize {
        let node = path.iter().fold(&mut self.root, PathNode::child);
        match node.slot {
            Some(slot) => slot,
            None => {
                let slot = self.slots;
                node.slot = Some(slot);
                self.slots += 1;
                slot
            }
        }
    }

    /// Adds a second JSON path for the picked value with the index `slot`. A row that has a value
    /// at this path gives that value. Does nothing if another value is picked from this path
    /// already.
    pub(super) fn alias(&mut self, path: &[PathStep], slot: usize) {
        let node = path.iter().fold(&mut self.root, PathNode::child);
        node.slot.get_or_insert(slot);
    }

    /// Finds the wanted values in a row, which must be valid JSON, and stores them in `picked` at
    /// their indexes; a value that the row doesn't have is `None`. If two members of an object have
    /// one name, the last counts.
    pub(super) fn pick<'a>(&self, row: &'a [u8], picked: &mut Vec<Option<&'a [u8]>>) {
        picked.clear();
        picked.resize(self.slots, None);
        pick(&self.root, row, picked);
    }
}

fn pick<'a>(node: &PathNode, json: &'a [u8], picked: &mut [Option<&'a [u8]>]) {
    if let Some(slot) = node.slot.and_then(|slot| picked.get_mut(slot)) {
        *slot = Some(json);
    }
    match json.first() {
        Some(b'{') if !node.members.is_empty() => {
            for (key, value) in skip_value::members(json) {
                if let Some(child) = node.named(key) {
                    pick(child, value, picked);
                }
            }
        }
        Some(b'[') if !node.elements.is_empty() => {
            let last = node.elements.iter().map(|(at, _)| *at).max().unwrap_or(0);
            for (at, value) in skip_value::elements(json).take(last + 1).enumerate() {
                for (_, child) in node.elements.iter().filter(|(wanted, _)| *wanted == at) {
                    pick(child, value, picked);
                }
            }
        }
        _ => (),
    }
}

impl PathNode {
    /// The node of the member whose name is `key`, a JSON string in quotes; `None` if nothing in
    /// this member is wanted.
    fn named(&self, key: &[u8]) -> Option<&Self> {
        let plain = key
            .strip_prefix(b"\"")
            .and_then(|key| key.strip_suffix(b"\""));
        let found = match plain {
            Some(plain) if memchr::memchr(b'\\', plain).is_none() && plain.is_ascii() => self
                .members
                .iter()
                .find(|(name, _)| name.as_bytes() == plain),
            _ => {
                let key = string(key);
                self.members.iter().find(|(name, _)| *name == key)
            }
        };
        found.map(|(_, node)| node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_paths() {
        let member = |name: &str| PathStep::Member(name.to_owned());
        let mut picker = Picker::default();
        let deep = picker.add(&[member("a"), member("b"), PathStep::Element(1)]);
        let array = picker.add(&[member("a"), member("b")]);
        let missing = picker.add(&[member("x")]);
        assert_eq!(picker.add(&[member("x")]), missing);
        let mut picked = Vec::new();
        let row = br#"{"a":{"c":[9],"\u0062":[1, 2.5]},"a":{"b":[3,4]}}"#;
        picker.pick(row, &mut picked);
        assert_eq!(picked[deep], Some(&b"4"[..]));
        assert_eq!(picked[array], Some(&b"[3,4]"[..]));
        assert_eq!(picked[missing], None);
        picker.pick(b"7", &mut picked);
        assert_eq!(picked, [None, None, None]);
    }
}
