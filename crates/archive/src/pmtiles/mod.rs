//! PMTiles version 3: tiles along the Hilbert curve and directories of them, in one file.
//!
//! <https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md>

mod directory;
mod header;
mod read;
mod write;

pub(crate) use read::PmTiles;
pub(crate) use write::finish;

/// Number of bytes that readers fetch first. The header and the root directory must lie within
/// them.
pub(crate) const RESERVED: u64 = 16_384;
