//! The verification of a whole file: each checksum, the order of points and cells, the summed
//! weights and counts, the nodes and the identity.

use crate::column_page::ZoneMap;
use crate::columns::{identity, join_words};
use crate::error::HeatError;
use crate::file::HeatFile;
use crate::group::Scratch;
use crate::node_page::NodePage;
use crate::page::EntryPage;
use crate::pages::{Page, StreamNumber};
use crate::root::{DEEPEST, LEVELS};
use crate::tally::{Tally, TallyResults};
use heatsplat_points::Point;
use sha2::{Digest as _, Sha256};

/// The greatest number of faults that are listed one by one: a choice.
const LISTED: usize = 1000;

/// The number of pages of a stream that are read together: a choice.
const TOGETHER: u32 = 128;

/// The result of verifying a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The number of pages that were read.
    pub pages: u64,
    /// The number of faults that were found.
    pub faults: u64,
    /// The number of faults, among `faults`, that are failed reads: the disk or the server may give
    /// these parts at a later time.
    pub unread: u64,
    /// Descriptions of the first thousand faults, for example "page 4711 of layer.heat is damaged".
    pub listed: Vec<String>,
}

impl Verification {
    /// Returns true if no fault was found.
    pub fn is_good(&self) -> bool {
        self.faults == 0
    }

    fn add(&mut self, error: &HeatError) {
        self.faults += 1;
        let is_unread = matches!(error, HeatError::Read { .. } | HeatError::ReadPart { .. });
        self.unread += u64::from(is_unread);
        if self.listed.len() < LISTED {
            self.listed.push(error.to_string());
        }
    }
}

impl HeatFile {
    /// Reads the whole file without the cache and checks it: checksums, the order of points and
    /// cells, the counts of cells, the quadtree and the identity. `progress` is called with the
    /// number of pages that were read so far.
    pub fn verify(&self, progress: &mut dyn FnMut(u64)) -> Verification {
        let mut verifier = Verifier {
            file: self,
            found: Verification::default(),
            seen: vec![false; self.pages.streams().len()],
            progress,
        };
        verifier.points();
        verifier.tree();
        if let Some(counts) = &self.counts {
            verifier.file = counts;
            verifier.counts();
            verifier.tree();
        }
        verifier.found
    }
}

/// A column as the identity of a file has it: name, type, SHA-256 of all values, and encoded texts.
type Hashed<'a> = (&'a str, &'a str, [u8; 32], Vec<u8>);

struct Verifier<'a> {
    file: &'a HeatFile,
    found: Verification,
    /// For each stream, true once it was read: the counting index may share streams with the
    /// points, whose pages are counted once.
    seen: Vec<bool>,
    progress: &'a mut dyn FnMut(u64),
}

/// The blocks of a depth, as its nodes describe them.
#[derive(Default)]
struct DepthBlocks {
    /// For each block, the number of its cells, and the number of points that its cells stand for
    /// together.
    blocks: Vec<(u64, u64)>,
}

impl<'a> Verifier<'a> {
    fn fault(&mut self, part: impl Into<String>) {
        self.found.add(&self.file.pages.damaged(part));
    }

    /// Reads each page of a stream, in order, and calls `visit` with it, which returns false if the
    /// page's content is wrong. Returns false if any page was wrong or couldn't be read.
    fn each_page(&mut self, stream: StreamNumber, visit: &mut dyn FnMut(&Page) -> bool) -> bool {
        let pages = self.file.pages.streams().get(usize::from(stream));
        let pages = pages.map_or(0, |stream| stream.pages()) as u32;
        let mut all_good = true;
        let seen = self.seen.get_mut(usize::from(stream));
        let is_new = seen.is_some_and(|seen| !std::mem::replace(seen, true));
        for first in (0..pages).step_by(TOGETHER as usize) {
            let numbers = first..(first + TOGETHER).min(pages);
            let loaded = self.file.pages.load(stream, numbers.clone());
            for (page, loaded) in numbers.zip(loaded) {
                let good = match loaded {
                    Ok(page) => visit(&page),
                    Err(error) => {
                        if is_new {
                            self.found.add(&error);
                        }
                        all_good = false;
                        continue;
                    }
                };
                if !good {
                    self.found.add(&self.file.pages.damaged_page(stream, page));
                    all_good = false;
                }
                self.found.pages += u64::from(is_new);
                (self.progress)(self.found.pages);
            }
        }
        all_good
    }

    /// Reads the points and compares them with the summary, the statistics of each level and the
    /// identity.
    fn points(&mut self) {
        let root = &self.file.root;
        let mut tally = Tally::new(root.summary.weight_min < 0.0);
        let mut buffer = Vec::new();
        let good = self.file.points.is_none_or(|stream| {
            self.each_page(stream, &mut |page| {
                entries_of(page, &mut buffer).is_some() && tally.add(&buffer)
            })
        });
        let columns = self.columns();
        if !good {
            return;
        }
        let found = self.compare(tally, "the summary");
        if let Some(columns) = columns {
            let parts = columns
                .iter()
                .map(|(name, kind, values, texts)| (*name, *kind, *values, &**texts));
            if identity(found.identity, parts) != self.file.header.identity {
                self.fault("the identity");
            }
        }
    }

    /// Reads the points of the counting index, if it has points of its own, and compares them with
    /// the summary of the counting index.
    fn counts(&mut self) {
        let own = self.file.points.filter(|_| !self.file.are_ones);
        let mut tally = Tally::without_identity(false);
        let mut buffer = Vec::new();
        let good = own.is_none_or(|stream| {
            self.each_page(stream, &mut |page| {
                let is_one = |point: &Point| point.weight == 1.0;
                entries_of(page, &mut buffer).is_some()
                    && buffer.iter().all(is_one)
                    && tally.add(&buffer)
            })
        });
        if good && own.is_some() {
            self.compare(tally, "the summary of the counts");
        }
    }

    /// Compares the summary and statistics of the points that were read, `tally`, with those that
    /// the root has. `part` is the name of the root for the message. Returns the results of
    /// `tally`.
    fn compare(&mut self, tally: Tally, part: &str) -> TallyResults {
        let root = &self.file.root;
        let found = tally.finish();
        let same_shares = (0..LEVELS).all(|level| {
            let of = |shares: &[f64; LEVELS]| shares.get(level).copied().map(f64::to_bits);
            of(&found.remaining) == of(&root.remaining)
        });
        if found.summary != root.summary || found.occupied != root.occupied || !same_shares {
            self.fault(part);
        }
        found
    }

    /// Reads all columns, and compares them with their zone maps. Returns name, type, SHA-256 of
    /// the values, and texts of each column. Returns `None` if a column is damaged.
    fn columns(&mut self) -> Option<Vec<Hashed<'a>>> {
        let file = self.file;
        let mut all = Some(Vec::new());
        for column in file.columns() {
            let zones = file.column_zones(column);
            let texts = file.column_words(column);
            for error in [zones.as_ref().err(), texts.as_ref().err()]
                .into_iter()
                .flatten()
            {
                self.found.add(error);
            }
            let (Ok(zones), Ok(texts)) = (zones, texts) else {
                all = None;
                continue;
            };
            let mut zones = zones.iter();
            let (mut sha, mut values) = (Sha256::new(), Vec::new());
            let good = self.each_page(column.stream, &mut |page| {
                let Page::Column(page) = page else {
                    return false;
                };
                values.clear();
                page.append(0..usize::MAX, &mut values);
                values.iter().for_each(|v| sha.update(v.to_le_bytes()));
                zones.next() == Some(&ZoneMap::of(&values))
            });
            let hashed = (
                column.name(),
                &*column.form().kind,
                sha.finalize().into(),
                join_words(texts),
            );
            match &mut all {
                Some(all) if good => all.push(hashed),
                _ => all = None,
            }
        }
        all
    }

    /// Reads the nodes of each depth, and compares them with the nodes of the depth before and with
    /// their own cells.
    fn tree(&mut self) {
        let mut wanted = match self.file.nodes.first() {
            Some(Some(_)) => vec![self.file.header.points],
            _ => Vec::new(),
        };
        for depth in 0..=DEEPEST {
            let of =
                |streams: &[Option<StreamNumber>]| streams.get(depth as usize).copied().flatten();
            let (nodes, cells) = (of(&self.file.nodes), of(&self.file.cells));
            let mut level = DepthNodes {
                wanted: wanted.into_iter(),
                ..DepthNodes::default()
            };
            let good = nodes.is_none_or(|stream| {
                self.each_page(stream, &mut |page| match page {
                    Page::Nodes(page) => level.add(page),
                    Page::Entries(_) | Page::Column(_) => false,
                })
            });
            if !good {
                return;
            }
            if level.wanted.next().is_some() {
                return self.fault(format!("the quadtree at depth {depth}"));
            }
            let mut left = level.blocks.blocks.into_iter();
            let mut checker = BlockChecker::default();
            let good = cells.is_none_or(|stream| {
                self.each_page(stream, &mut |page| checker.add(page, &mut left))
            });
            if good && (checker.left != 0 || left.next().is_some()) {
                self.fault(format!("the cells of depth {depth}"));
            }
            wanted = level.inner;
        }
        if !wanted.is_empty() {
            self.fault("the quadtree");
        }
    }
}

/// The nodes of a depth, while they are checked.
#[derive(Default)]
struct DepthNodes {
    /// For each node of this depth that is still to be checked, in order: the number of points that
    /// it must have, which the nodes of the depth before state.
    wanted: std::vec::IntoIter<u64>,
    /// For each node of the next depth, in order: the number of points that it must have, as far as
    /// the nodes of this depth that were checked state it.
    inner: Vec<u64>,
    cells: u64,
    blocks: DepthBlocks,
}

impl DepthNodes {
    /// Checks the nodes of a page, and adds what they say of their cells and inner nodes. Returns
    /// false if they are impossible.
    fn add(&mut self, page: &NodePage) -> bool {
        page.iter().all(|node| {
            let stored = &node.stored;
            let sum = stored
                .points
                .iter()
                .try_fold(0u64, |sum, n| sum.checked_add(*n));
            let placed =
                (node.first_inner, node.first_cell) == (self.inner.len() as u64, self.cells);
            if sum.is_none() || sum != self.wanted.next() || !placed {
                return false;
            }
            let inner = (0..4)
                .zip(stored.points)
                .filter(|(bit, _)| stored.inner >> bit & 1 == 1);
            self.inner.extend(inner.map(|(_, points)| points));
            self.cells += u64::from(stored.cells);
            if stored.cells > 0 {
                let points = sum.unwrap_or(0);
                self.blocks.blocks.push((u64::from(stored.cells), points));
            }
            true
        })
    }
}

/// A check of the cells of a depth, block by block.
#[derive(Default)]
struct BlockChecker {
    /// The number of cells of the current block that are still to come.
    left: u64,
    /// The number of points that these cells must stand for together.
    points: u64,
    last: Option<Point>,
    entries: Vec<Point>,
    counts: Vec<u32>,
}

impl BlockChecker {
    fn add(&mut self, page: &Page, blocks: &mut std::vec::IntoIter<(u64, u64)>) -> bool {
        let mut entries = std::mem::take(&mut self.entries);
        let mut counts = std::mem::take(&mut self.counts);
        counts.clear();
        let Some(page) = entries_of(page, &mut entries) else {
            return false;
        };
        page.append_counts(0..entries.len(), &mut Scratch::default(), &mut counts);
        let good = entries.iter().zip(&counts).all(|(cell, count)| {
            if self.left == 0 {
                let Some(next) = blocks.next() else {
                    return false;
                };
                (self.left, self.points) = next;
                self.last = None;
            }
            self.left -= 1;
            let in_order = self.last.is_none_or(|last| last.z_order(cell).is_lt());
            self.last = Some(*cell);
            // A count of 2³² − 1 stands for as many points or more.
            let points = self.points.checked_sub(u64::from(*count));
            self.points = points.unwrap_or(0);
            let counted =
                *count == u32::MAX || points.is_some() && (self.left > 0 || self.points == 0);
            in_order && counted && cell.weight.is_finite()
        });
        (self.entries, self.counts) = (entries, counts);
        good
    }
}

/// Replaces the content of `out` by all entries of a page. Returns the page; `None` if it isn't a
/// page of points or cells.
fn entries_of<'a>(page: &'a Page, out: &mut Vec<Point>) -> Option<&'a EntryPage> {
    let Page::Entries(page) = page else {
        return None;
    };
    out.clear();
    page.append_entries(0..usize::MAX, &mut Scratch::default(), out);
    Some(page)
}
