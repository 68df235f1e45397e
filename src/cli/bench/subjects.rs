//! The backends that a benchmark measures.

use crate::cli::backend::bench_device::{BenchBackend, DeviceSettings};
use crate::cli::backend::{self, BackendChoice};
use crate::cli::error::BoxError;
use crate::cli::logging::say;

/// Opens the backends to measure: those in `named`. If it is empty, they are the CPU and each real
/// GPU, and if `any` is true, each driver that draws in software too.
///
/// # Errors
/// A GPU in `named` can't be opened. Any other GPU that can't be opened is reported and left out.
pub(super) fn list(
    named: &[BackendChoice],
    any: bool,
    settings: DeviceSettings,
) -> Result<Vec<BenchBackend>, BoxError> {
    if named.is_empty() {
        let mut all = vec![cpu()];
        let adapters = backend::adapters().into_iter();
        for adapter in adapters.filter(|adapter| any || adapter.real) {
            match backend::open_for_bench(adapter, settings) {
                Ok(gpu) => all.push(gpu),
                Err(error) => say!("heatsplat: {error}"),
            }
        }
        return Ok(all);
    }
    let mut all = Vec::new();
    for choice in named {
        let BackendChoice::Gpu(choice) = choice else {
            all.push(cpu());
            continue;
        };
        let mut gpu = backend::open_for_bench(backend::find(choice)?, settings)?;
        if let Some(device) = &mut gpu.device {
            device.is_named = true;
        }
        all.push(gpu);
    }
    Ok(all)
}

fn cpu() -> BenchBackend {
    BenchBackend {
        backend: backend::cpu(),
        device: None,
    }
}
