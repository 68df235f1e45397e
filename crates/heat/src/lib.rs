//! Points in one file, `.heat`, that needn't fit into memory.
//!
//! The file has all points along the Z-order curve and the pyramid of cells over them. Both are
//! bit-packed in pages with checksums. A quadtree says which pages a picture needs.
//!
//! A reader begins with the *header*, which lists the *sections*. The section *root* has the
//! summary of the points and lists the *streams*. A stream is the pages of one kind and depth, for
//! example all cells of depth 7. Its *directories* list where its pages are, each up to 4,096 of
//! them. Other sections have the metadata, the table of the columns beside the points, and the root
//! of the counting index.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]
mod bytes;
mod cache;
mod column_group;
mod column_page;
mod column_writer;
mod columns;
mod counts_writer;
mod error;
mod file;
mod file_columns;
mod finish;
mod group;
mod index;
mod layout;
mod metadata;
mod node_page;
mod options;
pub mod pack;
mod page;
mod page_reads;
mod pages;
mod retry;
mod root;
mod search;
mod source;
mod stream;
mod tally;
mod tree_writer;
mod verify;
mod view;
mod weights;
mod write_index;
mod writer;

pub use column_group::{ordered as float_value, unordered as value_float};
pub use column_page::ZoneMap;
pub use column_writer::NewColumn;
pub use columns::{ColumnForm, MOST_COLUMNS, MOST_TEXT};
pub use file_columns::FileColumn;

pub use cache::{PageCache, PageCounters};
pub use error::{HeatError, WriteError};
pub use file::HeatFile;
pub use layout::MAGIC;
pub use metadata::Metadata;
pub use options::{HeatSummary, WriterOptions};
pub use retry::{read_retrying, read_vec};
pub use source::{ByteRead, ByteSource, FileSource, ReadCosts};
pub use verify::Verification;
pub use write_index::write_index;
pub use writer::HeatWriter;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod tests;
