//! The parts that all text formats share: cutting bytes into blocks, and parsing blocks on all
//! cores.

pub(crate) mod chunker;
pub(crate) mod pipeline;
