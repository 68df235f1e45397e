//! Delimiter-separated text: CSV, TSV and their kin.

mod header;
mod record;
mod rows;

pub(crate) use header::source;
