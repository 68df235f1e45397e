//! The replacement of `gpu.rs` in a program without the feature `gpu`.

use super::list::AdapterListing;
use super::{BenchBackend, GpuChoice};
use crate::cli::error::BoxError;
use heatsplat::Backend;
use std::sync::Arc;

pub(super) fn open(_choice: &GpuChoice, _memory: u64) -> Result<Arc<dyn Backend>, BoxError> {
    Err("this heatsplat was built without the feature `gpu`; use --backend cpu".into())
}

pub(in crate::cli) fn open_real(_memory: u64) -> Result<Option<Arc<dyn Backend>>, BoxError> {
    Ok(None)
}

pub(super) fn open_timed(_number: usize) -> Result<BenchBackend, BoxError> {
    Err("this heatsplat was built without the feature `gpu`".into())
}

pub(super) fn adapters() -> Vec<AdapterListing> {
    Vec::new()
}
