//! Packing: a file is made from any number of points, in any order, with bounded memory.
//!
//! ```text
//! push     points are collected, as many as memory allows, sorted, and written as a run (run.rs)
//! cut      the world is divided into quads of at most four million points (cut.rs)
//! build    the points of a quad are read from all runs and merged; the pyramid over them is built
//!          (build.rs) and written with them
//! ```
//!
//! The file depends only on the set of points: not on their order, the memory or the number of
//! threads. So a pack that was interrupted can go on with the runs that it has (journal.rs), and
//! makes the same file.

mod build;
mod cut;
mod error;
mod join;
mod journal;
mod packer;
mod read_at;
mod row_run;
mod run;
mod settings;
mod weights;

pub use error::PackError;
pub use join::{ColumnRules, JoinedForm};
pub use journal::LoggedSource;
pub use packer::{PackProgress, Packer};
pub use row_run::RowColumn;
pub use settings::{DiskSpace, IfPackExists, PackSettings};

#[cfg(test)]
mod tests;
