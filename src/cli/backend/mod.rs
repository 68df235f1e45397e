//! The backends: the flags that choose one of them, and the list of the backends that this machine
//! has.

mod adapter_listing;
pub(super) mod bench_device;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
#[path = "gpu_disabled.rs"]
mod gpu;
mod list;
pub(super) mod race;

use super::error::BoxError;
use super::units::bytes;
use clap::Args;
pub(super) use gpu::{open_for_bench, open_real};
use heatsplat::{Backend, CpuBackend};
pub(super) use list::{adapters, find, list};
use std::sync::Arc;

/// Flags that choose a backend.
#[derive(Args)]
#[command(next_help_heading = "Who draws")]
pub(super) struct BackendFlags {
    /// cpu; gpu, or one of several by its number or a part of its name, as `heatsplat info
    /// --backends` lists them; or auto: the CPU, and in `serve`, where a real GPU draws tiles of a
    /// layer much faster, that GPU from the next time on that the layer's data are read
    #[arg(long, value_name = "auto|cpu|gpu[:N|:NAME]", default_value = "auto", value_parser = choice)]
    backend: BackendChoice,
    /// GPU memory that points may take, like 512M or 4G; what is over it is sent with each picture
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = bytes)]
    gpu_memory: u64,
}

/// The backend that the user chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BackendChoice {
    Auto,
    Cpu,
    Gpu(GpuChoice),
}

/// The GPU that the user chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GpuChoice {
    Any,
    /// The GPU with this number in the list of all GPUs, which counts from 0.
    Number(usize),
    /// The best GPU whose name contains this text; case is ignored.
    Named(String),
}

/// The pictures that a server draws at the same time for each core, if a GPU draws them: the cores
/// encode some while the GPU draws others in one batch. A choice.
const GPU_RENDERS_A_CORE: usize = 4;

/// The least number of pictures that a server draws at the same time on a GPU. A choice: fewer make
/// small batches.
const LEAST_GPU_RENDERS: usize = 16;

impl BackendFlags {
    /// The backend of a command that draws once: the CPU unless a GPU is named, so that the result
    /// doesn't depend on the machine.
    pub(super) fn backend(&self) -> Result<Arc<dyn Backend>, BoxError> {
        Ok(self.pinned()?.unwrap_or_else(cpu))
    }

    /// The backend that the flags name; `None` if the program chooses.
    pub(super) fn pinned(&self) -> Result<Option<Arc<dyn Backend>>, BoxError> {
        Ok(match &self.backend {
            BackendChoice::Auto => None,
            BackendChoice::Cpu => Some(cpu()),
            BackendChoice::Gpu(choice) => Some(gpu::open(choice, self.gpu_memory)?),
        })
    }

    /// The bytes of a GPU's memory that points may take.
    pub(super) fn gpu_memory(&self) -> u64 {
        self.gpu_memory
    }
}

/// The number of pictures that a server draws at the same time with `backend` if no flag sets it.
/// `None` for a backend that draws no batches, like the CPU: then the server's own default counts.
pub(super) fn default_renders(backend: &dyn Backend) -> Option<usize> {
    let renders = GPU_RENDERS_A_CORE * cores();
    (backend.batch() > 1).then_some(renders.max(LEAST_GPU_RENDERS))
}

pub(super) fn cpu() -> Arc<dyn Backend> {
    Arc::new(CpuBackend::new())
}

/// The number of processor cores that the program may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(super) fn choice(text: &str) -> Result<BackendChoice, &'static str> {
    match text.split_once(':') {
        None if text == "auto" => Ok(BackendChoice::Auto),
        None if text == "cpu" => Ok(BackendChoice::Cpu),
        None if text == "gpu" => Ok(BackendChoice::Gpu(GpuChoice::Any)),
        Some(("gpu", which)) if !which.is_empty() => Ok(BackendChoice::Gpu(gpu_choice(which))),
        _ => Err("expected auto, cpu, gpu, gpu:N or gpu:NAME"),
    }
}

/// Parses the text after `gpu:`, which is the number of a GPU in the list, or a part of its name. A
/// number of three digits or more is a part of a name, like 4070.
fn gpu_choice(text: &str) -> GpuChoice {
    let number = text.parse().ok().filter(|_| text.len() <= 2);
    number.map_or_else(|| GpuChoice::Named(text.to_owned()), GpuChoice::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_named() {
        assert_eq!(choice("auto"), Ok(BackendChoice::Auto));
        assert_eq!(
            choice("gpu:Radeon RX"),
            Ok(BackendChoice::Gpu(GpuChoice::Named("Radeon RX".to_owned())))
        );
        let numbered = |n| Ok(BackendChoice::Gpu(GpuChoice::Number(n)));
        assert_eq!(
            (choice("gpu:0"), choice("gpu:12")),
            (numbered(0), numbered(12))
        );
        let by_name = BackendChoice::Gpu(GpuChoice::Named("4070".to_owned()));
        assert_eq!(choice("gpu:4070"), Ok(by_name));
        for bad in ["", "GPU", "gpu:", "cuda", "cpu:0"] {
            assert!(choice(bad).is_err(), "{bad}");
        }
    }
}
