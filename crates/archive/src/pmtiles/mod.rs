//! PMTiles version 3: one file that contains tiles in the order of the Hilbert curve, and
//! directories that list the tiles.
//!
//! <https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md>

mod directory;
mod header;
mod read;
mod write;

pub(crate) use read::PmTiles;
pub(crate) use write::finish;

/// The number of bytes that readers fetch first. The specification demands that the header and the
/// root directory lie within them.
pub(crate) const RESERVED: u64 = 16_384;
