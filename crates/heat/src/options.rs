//! The options of a file that is to be written, and the sizes of one that is finished.

use crate::layout::HEADER;
use std::path::{Path, PathBuf};

/// The options of a file that is to be written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WriterOptions {
    /// The number of points or cells in a page: a multiple of 128, at most 16,384.
    pub page_entries: u32,
    /// The number of nodes in a page of nodes, at most 16,384.
    pub page_nodes: u32,
    /// The number of bytes at the beginning of the file that are reserved for the header, the root
    /// and the metadata, so that one request opens a remote file. If these need more bytes, all of
    /// them but the header lie at the end of the file.
    pub reserved: u32,
    /// True if some weights may be negative.
    pub signed: bool,
    /// True if some weights may be missing. It matters only with `counts`: the counting index then
    /// has points of its own.
    pub missing: bool,
    /// True if the file gets a counting index, a second index of the points that have a weight,
    /// each with the weight 1. Then [`counted_node`](crate::HeatWriter::counted_node) must be
    /// called with its nodes.
    pub counts: bool,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            page_entries: 2048,
            page_nodes: 512,
            reserved: 1 << 16,
            signed: false,
            missing: false,
            counts: false,
        }
    }
}

/// The sizes of a finished file, and its identity.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HeatSummary {
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The number of points.
    pub points: u64,
    /// The number of cells at all levels, without those of the counting index.
    pub cells: u64,
    /// The number of nodes of the quadtree, without those of the counting index.
    pub nodes: u64,
    /// The number of bytes of the counting index in the file; 0 if there is none.
    pub counts_bytes: u64,
    /// The number of bytes of the columns in the file; 0 if there are none.
    pub columns_bytes: u64,
    /// The SHA-256 of the points and columns: [`HeatFile::identity`](crate::HeatFile::identity).
    pub identity: [u8; 32],
}

/// Returns the path of the folder `NAME.partial` beside the target, in which everything is until
/// the target is finished.
pub(crate) fn partial_folder(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    target.with_file_name(name)
}

/// Returns the number of bytes before the first page: the reserved ones, or those of the header if
/// these are more.
pub(crate) fn reserved(options: &WriterOptions) -> u64 {
    u64::from(options.reserved).max(HEADER as u64)
}
