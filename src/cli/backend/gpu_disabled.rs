//! The replacement of `gpu.rs` in a program without the feature `gpu`.

use super::GpuChoice;
use super::adapter_listing::AdapterListing;
use super::bench_device::{BenchBackend, DeviceSettings};
use crate::cli::error::BoxError;
use heatsplat::Backend;
use std::sync::Arc;

pub(super) fn open(_choice: &GpuChoice, _memory: u64) -> Result<Arc<dyn Backend>, BoxError> {
    Err("this heatsplat was built without the feature `gpu`; use --backend cpu".into())
}

pub(in crate::cli) fn open_real(_memory: u64) -> Result<Option<Arc<dyn Backend>>, BoxError> {
    Ok(None)
}

pub(in crate::cli) fn open_for_bench(
    adapter: AdapterListing,
    settings: DeviceSettings,
) -> Result<BenchBackend, BoxError> {
    let name = adapter.name;
    open(&GpuChoice::Named(name), settings.memory).map(|backend| BenchBackend {
        backend,
        device: None,
    })
}

pub(super) fn adapters() -> Vec<AdapterListing> {
    Vec::new()
}
