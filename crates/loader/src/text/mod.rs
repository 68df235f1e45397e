//! The parts that all text formats share: cutting the bytes of a file into blocks of whole rows,
//! and parsing these blocks on all cores.

pub(crate) mod chunker;
pub(crate) mod pipeline;
