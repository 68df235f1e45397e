//! Choices of a file that is to be written, and the numbers of one that is finished.

use crate::layout::HEADER;
use std::path::{Path, PathBuf};

/// Choices of a file that is to be written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WriterOptions {
    /// Number of points or cells in a page: a multiple of 128, at most 16,384.
    pub page_entries: u32,
    /// Number of nodes in a page, at most 16,384.
    pub page_nodes: u32,
    /// Number of bytes at the beginning that are left for the header, the table of pages and the
    /// metadata, so that one request opens a remote file. Where they don't fit, all but the header
    /// lies at the end.
    pub reserved: u32,
    /// True if some weights may be negative.
    pub signed: bool,
    /// True if some weights may be missing. It matters only to `counts`.
    pub missing: bool,
    /// True if the file has counts of points beside their weights: then
    /// [`counted_node`](crate::HeatWriter::counted_node) must get nodes too.
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

/// Numbers of a finished file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HeatSummary {
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Number of points.
    pub points: u64,
    /// Number of cells at all levels.
    pub cells: u64,
    /// Number of nodes of the quadtree.
    pub nodes: u64,
    /// Bytes of the counts beside the weights; 0 if there are none.
    pub counts_bytes: u64,
    /// Bytes of the columns; 0 if there are none.
    pub columns_bytes: u64,
    /// SHA-256 of the points and columns.
    pub identity: [u8; 32],
}

/// Folder beside a target in which everything is until the target is finished.
pub(crate) fn partial_folder(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    target.with_file_name(name)
}

/// Number of bytes before the first page.
pub(crate) fn reserved(options: &WriterOptions) -> u64 {
    u64::from(options.reserved).max(HEADER as u64)
}
