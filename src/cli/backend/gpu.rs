//! The GPUs of this machine, opened as backends.

use super::GpuChoice;
use super::adapter_listing::AdapterListing;
use super::bench_device::{BenchBackend, BenchDevice, BenchPass, DeviceSettings};
use crate::cli::error::BoxError;
use crate::cli::quiet_probe::quietly;
use heatsplat::Backend;
use heatsplat::render::gpu::{self, Adapter, AdapterChoice, GpuBackend, GpuError, GpuOptions};
use heatsplat::render::{Job, Normalizer};
use serde_json::json;
use std::sync::Arc;

/// Opens the GPU that the user has chosen. If there is none, the error names the command that lists
/// all GPUs.
pub(super) fn open(choice: &GpuChoice, memory: u64) -> Result<Arc<dyn Backend>, BoxError> {
    let choice = match choice {
        GpuChoice::Any => AdapterChoice::Any,
        GpuChoice::Number(number) => AdapterChoice::Index(*number),
        GpuChoice::Named(name) => AdapterChoice::Named(name.clone()),
    };
    let options = GpuOptions::new(choice).with_memory(memory);
    let opened = quietly(|| GpuBackend::new(options)).map_err(|error| match error {
        GpuError::NoAdapter => {
            format!("{error}; `heatsplat info --backends` lists those there are").into()
        }
        error => BoxError::from(error),
    })?;
    Ok(Arc::new(opened))
}

/// Opens the best GPU that is not a driver in software; `None` if there is no such GPU.
pub(in crate::cli) fn open_real(memory: u64) -> Result<Option<Arc<dyn Backend>>, BoxError> {
    let options = GpuOptions::new(AdapterChoice::Real).with_memory(memory);
    match quietly(|| GpuBackend::new(options)) {
        Ok(gpu) => Ok(Some(Arc::new(gpu))),
        Err(GpuError::NoAdapter) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens a GPU for `heatsplat bench`, with a function that times its compute passes.
pub(in crate::cli) fn open_for_bench(
    adapter: AdapterListing,
    settings: DeviceSettings,
) -> Result<BenchBackend, BoxError> {
    let mut options = GpuOptions::new(AdapterChoice::Index(adapter.number));
    options = options.with_memory(settings.memory);
    if let Some(pictures) = settings.batch {
        options = options.with_batch(pictures);
    }
    let gpu = Arc::new(quietly(|| GpuBackend::new(options))?);
    let twin = Arc::clone(&gpu);
    let timer = move |jobs: &[(Job<'_>, &Normalizer)]| {
        let passes = twin.time_passes(jobs).into_iter();
        let time = |pass: gpu::PassTime| BenchPass {
            name: pass.name,
            wall: pass.wall,
            device: pass.device,
        };
        passes.map(time).collect()
    };
    Ok(BenchBackend {
        backend: gpu,
        device: Some(BenchDevice {
            adapter,
            timer: Box::new(timer),
            is_named: false,
        }),
    })
}

/// All GPUs, the best first.
pub(super) fn adapters() -> Vec<AdapterListing> {
    let all = quietly(gpu::adapters);
    (0..).zip(all).map(listing).collect()
}

fn listing((number, adapter): (usize, Adapter)) -> AdapterListing {
    let mib = |bytes: u64| bytes >> 20;
    AdapterListing {
        number,
        real: adapter.is_real(),
        text: format!(
            "gpu:{number} {}\n      {}, {}, driver {}\n      {} MiB a binding, {} MiB a buffer\n",
            adapter.name,
            adapter.kind,
            adapter.interface,
            adapter.driver,
            mib(adapter.binding),
            mib(adapter.buffer),
        ),
        json: json!({
            "number": number,
            "name": adapter.name,
            "type": adapter.kind,
            "interface": adapter.interface,
            "driver": adapter.driver,
            "binding_bytes": adapter.binding,
            "buffer_bytes": adapter.buffer,
        }),
        name: adapter.name,
    }
}
