//! The backends: the flags that choose one of them, and the list of those that this machine has.

use super::error::BoxError;
use super::units::bytes;
use crate::cli::logging::say;
use clap::Args;
use heatsplat::render::{Job, Normalizer};
use heatsplat::{Backend, CpuBackend};
use serde_json::{Value, json};
use std::sync::Arc;

/// Flags that choose a backend.
#[derive(Args)]
#[command(next_help_heading = "Who draws")]
pub(super) struct BackendFlags {
    /// cpu, gpu, gpu:NAME for one of several (a part of its name will do), or auto: a real GPU
    /// where there is one, else the CPU. `heatsplat info --backends` lists them
    #[arg(long, value_name = "auto|cpu|gpu[:NAME]", default_value = "auto", value_parser = choice)]
    backend: BackendChoice,
    /// GPU memory that points may take, like 512M or 4G; what is over it is sent with each picture
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = bytes)]
    gpu_memory: u64,
}

/// The backend that the user chooses. `Gpu` has a part of the name of a GPU, or `None` for any GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
enum BackendChoice {
    Auto,
    Cpu,
    Gpu(Option<String>),
}

/// The number of pictures that a server draws at the same time on a GPU, since the GPU draws all
/// waiting pictures in one batch. A choice.
const GPU_RENDERS: usize = 32;

impl BackendFlags {
    pub(super) fn backend(&self) -> Result<Arc<dyn Backend>, BoxError> {
        match &self.backend {
            BackendChoice::Cpu => Ok(cpu()),
            BackendChoice::Auto => Ok(automatic(self.gpu_memory)),
            BackendChoice::Gpu(name) => named(name.as_deref(), self.gpu_memory),
        }
    }
}

/// The number of pictures that a server draws at the same time if no flag sets it. `None`: the
/// server's own default, which suits a CPU.
pub(super) fn default_renders(backend: &dyn Backend) -> Option<usize> {
    (backend.batch() > 1).then_some(GPU_RENDERS)
}

/// A backend that is measured by `heatsplat bench`.
pub(super) struct BenchBackend {
    pub(super) backend: Arc<dyn Backend>,
    /// A function that times the stages of the backend on its GPU; `None` for the CPU.
    pub(super) timer: Option<StageTimer>,
}

/// A function that draws jobs on a GPU. It returns the name of each stage and the seconds that the
/// stage took.
pub(super) type StageTimer = Box<dyn Fn(&[(Job<'_>, &Normalizer)]) -> Vec<(&'static str, f64)>>;

/// Lists the backends for a benchmark: the CPU and each real GPU. With `any`, GPUs that a driver
/// only emulates in software take part too.
pub(super) fn for_bench(any: bool) -> Vec<BenchBackend> {
    let mut all = vec![BenchBackend {
        backend: cpu(),
        timer: None,
    }];
    for adapter in adapters().iter().filter(|adapter| any || adapter.real) {
        match for_bench_by_name(&adapter.name) {
            Ok(gpu) => all.push(gpu),
            Err(error) => say!("heatsplat: {error}"),
        }
    }
    all
}

fn cpu() -> Arc<dyn Backend> {
    Arc::new(CpuBackend::new())
}

/// The list of all backends, as text or as JSON. It ends with the backend that `auto` chooses, and
/// the reason.
pub(super) fn list(as_json: bool) -> Result<String, BoxError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let adapters = adapters();
    let taken = adapters.iter().find(|adapter| adapter.real);
    let why = match (taken, adapters.is_empty()) {
        (Some(adapter), _) => format!("{} is a real GPU", adapter.name),
        (None, false) => {
            "no adapter is a real GPU; --backend gpu takes one all the same".to_owned()
        }
        (None, true) if cfg!(feature = "gpu") => {
            "no adapter for Vulkan, Metal or Direct3D 12 was found".to_owned()
        }
        (None, true) => "this heatsplat was built without the feature `gpu`".to_owned(),
    };
    let auto = if taken.is_some() { "gpu" } else { "cpu" };
    if as_json {
        let all: Vec<&Value> = adapters.iter().map(|adapter| &adapter.json).collect();
        let list = json!({
            "cpu": { "threads": threads },
            "gpu": all,
            "auto": { "takes": auto, "why": why },
        });
        return Ok(serde_json::to_string_pretty(&list)? + "\n");
    }
    let mut text = format!("cpu   {threads} threads\n");
    for adapter in &adapters {
        text.push_str(&adapter.text);
    }
    text.push_str(&format!("auto  takes the {auto}: {why}\n"));
    Ok(text)
}

/// The entry of one GPU adapter in the list of backends, as text and as JSON.
struct AdapterListing {
    name: String,
    real: bool,
    text: String,
    json: Value,
}

#[cfg(feature = "gpu")]
mod gpu {
    use super::{AdapterListing, BenchBackend, BoxError, cpu};
    use crate::cli::logging::say;
    use crate::cli::quiet_probe::quietly;
    use heatsplat::Backend;
    use heatsplat::render::gpu::{self, AdapterChoice, GpuBackend, GpuError, GpuOptions};
    use serde_json::json;
    use std::sync::Arc;

    pub(super) fn automatic(memory: u64) -> Arc<dyn Backend> {
        let options = GpuOptions::new(AdapterChoice::Real).with_memory(memory);
        match quietly(|| GpuBackend::new(options)) {
            Ok(gpu) => Arc::new(gpu),
            Err(GpuError::NoAdapter) => cpu(),
            Err(error) => {
                say!("heatsplat: {error}; the CPU draws instead");
                cpu()
            }
        }
    }

    /// Opens a GPU. If no adapter fits the options, the error says how to list the adapters.
    fn open(options: GpuOptions) -> Result<GpuBackend, BoxError> {
        quietly(|| GpuBackend::new(options)).map_err(|error| match error {
            GpuError::NoAdapter => {
                format!("{error}; `heatsplat info --backends` lists those there are").into()
            }
            error => error.into(),
        })
    }

    pub(super) fn named(name: Option<&str>, memory: u64) -> Result<Arc<dyn Backend>, BoxError> {
        let choice = name.map_or(AdapterChoice::Any, |name| {
            AdapterChoice::Named(name.to_owned())
        });
        Ok(Arc::new(open(GpuOptions::new(choice).with_memory(memory))?))
    }

    pub(super) fn for_bench_by_name(name: &str) -> Result<BenchBackend, BoxError> {
        let gpu = Arc::new(open(AdapterChoice::Named(name.to_owned()).into())?);
        let twin = Arc::clone(&gpu);
        Ok(BenchBackend {
            backend: gpu,
            timer: Some(Box::new(move |jobs| twin.time_stages(jobs))),
        })
    }

    pub(super) fn adapters() -> Vec<AdapterListing> {
        let mib = |bytes: u64| bytes >> 20;
        let listing = |adapter: gpu::Adapter| AdapterListing {
            real: adapter.is_real(),
            text: format!(
                "gpu   {}\n      {}, {}, driver {}\n      {} MiB a binding, {} MiB a buffer\n",
                adapter.name,
                adapter.kind,
                adapter.interface,
                adapter.driver,
                mib(adapter.binding),
                mib(adapter.buffer),
            ),
            json: json!({
                "name": adapter.name,
                "type": adapter.kind,
                "interface": adapter.interface,
                "driver": adapter.driver,
                "binding_bytes": adapter.binding,
                "buffer_bytes": adapter.buffer,
            }),
            name: adapter.name,
        };
        quietly(gpu::adapters).into_iter().map(listing).collect()
    }
}

#[cfg(not(feature = "gpu"))]
mod gpu {
    use super::{AdapterListing, BenchBackend, BoxError, cpu};
    use heatsplat::Backend;
    use std::sync::Arc;

    pub(super) fn automatic(_memory: u64) -> Arc<dyn Backend> {
        cpu()
    }

    pub(super) fn named(_name: Option<&str>, _memory: u64) -> Result<Arc<dyn Backend>, BoxError> {
        Err("this heatsplat was built without the feature `gpu`; use --backend cpu".into())
    }

    pub(super) fn for_bench_by_name(_name: &str) -> Result<BenchBackend, BoxError> {
        named(None, 0).map(|backend| BenchBackend {
            backend,
            timer: None,
        })
    }

    pub(super) fn adapters() -> Vec<AdapterListing> {
        Vec::new()
    }
}

use gpu::{adapters, automatic, for_bench_by_name, named};

fn choice(text: &str) -> Result<BackendChoice, &'static str> {
    match text.split_once(':') {
        None if text == "auto" => Ok(BackendChoice::Auto),
        None if text == "cpu" => Ok(BackendChoice::Cpu),
        None if text == "gpu" => Ok(BackendChoice::Gpu(None)),
        Some(("gpu", name)) if !name.is_empty() => Ok(BackendChoice::Gpu(Some(name.to_owned()))),
        _ => Err("expected auto, cpu, gpu or gpu:NAME"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_named() {
        assert_eq!(choice("auto"), Ok(BackendChoice::Auto));
        assert_eq!(
            choice("gpu:Radeon RX"),
            Ok(BackendChoice::Gpu(Some("Radeon RX".to_owned())))
        );
        for bad in ["", "GPU", "gpu:", "cuda", "cpu:0"] {
            assert!(choice(bad).is_err(), "{bad}");
        }
    }
}
