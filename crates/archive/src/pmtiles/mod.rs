//! PMTiles version 3: one file, tiles along the Hilbert curve, directories of them.
//!
//! <https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md>

mod directory;
mod header;
mod read;
mod write;

pub(crate) use read::PmTiles;
pub(crate) use write::finish;

/// What readers fetch first: the header and the root directory lie in it.
pub(crate) const RESERVED: u64 = 16_384;
