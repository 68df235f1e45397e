//! Who draws: the flags of backends, and the list of those there are.

use super::Failure;
use clap::Args;
use heatsplat::render::{Job, Normalizer};
use heatsplat::{Backend, CpuBackend};
use heatsplat_render::say;
use serde_json::{Value, json};
use std::sync::Arc;

/// Flags that say who draws.
#[derive(Args)]
#[command(next_help_heading = "Who draws")]
pub(super) struct BackendFlags {
    /// cpu, gpu, gpu:NAME for one of several (a part of its name will do), or auto: a real GPU
    /// where there is one, else the CPU. `heatsplat info --backends` lists them
    #[arg(long, value_name = "auto|cpu|gpu[:NAME]", default_value = "auto", value_parser = wish)]
    backend: Wish,
    /// How much of a GPU's memory points may take, like 512M or 4G; what is over it is sent with
    /// each picture
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = size)]
    gpu_memory: u64,
}

/// What a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    Auto,
    Cpu,
    Gpu(Option<String>),
}

/// Pictures drawn at a time with a GPU: they wait for it together and are drawn together.
const GPU_RENDERS: usize = 32;

impl BackendFlags {
    pub(super) fn backend(&self) -> Result<Arc<dyn Backend>, Failure> {
        match &self.backend {
            Wish::Cpu => Ok(cpu()),
            Wish::Auto => Ok(automatic(self.gpu_memory)),
            Wish::Gpu(name) => named(name.as_deref(), self.gpu_memory),
        }
    }
}

/// How many pictures a server should draw at a time with a backend, unless told otherwise.
pub(super) fn renders(backend: &dyn Backend) -> Option<usize> {
    (backend.batch() > 1).then_some(GPU_RENDERS)
}

/// A backend to be measured.
pub(super) struct Measured {
    pub(super) backend: Arc<dyn Backend>,
    /// How long its stages take, where it can say that.
    pub(super) stages: Option<Stages>,
}

/// From jobs to the seconds of each stage.
pub(super) type Stages = Box<dyn Fn(&[(Job<'_>, &Normalizer)]) -> Vec<(&'static str, f64)>>;

/// The CPU and each GPU, those in software too if `any`.
pub(super) fn every(any: bool) -> Vec<Measured> {
    let mut all = vec![Measured {
        backend: cpu(),
        stages: None,
    }];
    for adapter in adapters().iter().filter(|adapter| any || adapter.real) {
        match measured(&adapter.name) {
            Ok(gpu) => all.push(gpu),
            Err(error) => say!("heatsplat: {error}"),
        }
    }
    all
}

fn cpu() -> Arc<dyn Backend> {
    Arc::new(CpuBackend::new())
}

/// All backends, for people or as JSON.
pub(super) fn list(as_json: bool) -> Result<String, Failure> {
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

/// An adapter as it is listed.
struct Listed {
    name: String,
    real: bool,
    text: String,
    json: Value,
}

#[cfg(feature = "gpu")]
mod gpu {
    use super::{Failure, Listed, Measured, cpu};
    use heatsplat::Backend;
    use heatsplat::render::gpu::{self, Choice, GpuBackend, GpuError, GpuOptions};
    use heatsplat_render::say;
    use serde_json::json;
    use std::sync::Arc;

    fn options(choice: Choice, memory: u64) -> GpuOptions {
        GpuOptions {
            choice,
            memory,
            ..GpuOptions::default()
        }
    }

    pub(super) fn automatic(memory: u64) -> Arc<dyn Backend> {
        match GpuBackend::new(options(Choice::Real, memory)) {
            Ok(gpu) => Arc::new(gpu),
            Err(GpuError::NoAdapter) => cpu(),
            Err(error) => {
                say!("heatsplat: {error}; the CPU draws instead");
                cpu()
            }
        }
    }

    pub(super) fn named(name: Option<&str>, memory: u64) -> Result<Arc<dyn Backend>, Failure> {
        let choice = name.map_or(Choice::Any, |name| Choice::Named(name.to_owned()));
        Ok(Arc::new(GpuBackend::new(options(choice, memory))?))
    }

    pub(super) fn measured(name: &str) -> Result<Measured, Failure> {
        let gpu = Arc::new(GpuBackend::new(Choice::Named(name.to_owned()))?);
        let twin = Arc::clone(&gpu);
        Ok(Measured {
            backend: gpu,
            stages: Some(Box::new(move |jobs| twin.time_stages(jobs))),
        })
    }

    pub(super) fn adapters() -> Vec<Listed> {
        let mib = |bytes: u64| bytes >> 20;
        let listed = |adapter: gpu::Adapter| Listed {
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
        gpu::adapters().into_iter().map(listed).collect()
    }
}

#[cfg(not(feature = "gpu"))]
mod gpu {
    use super::{Failure, Listed, Measured, cpu};
    use heatsplat::Backend;
    use std::sync::Arc;

    pub(super) fn automatic(_memory: u64) -> Arc<dyn Backend> {
        cpu()
    }

    pub(super) fn named(_name: Option<&str>, _memory: u64) -> Result<Arc<dyn Backend>, Failure> {
        Err("this heatsplat was built without the feature `gpu`; use --backend cpu".into())
    }

    pub(super) fn measured(_name: &str) -> Result<Measured, Failure> {
        named(None, 0).map(|backend| Measured {
            backend,
            stages: None,
        })
    }

    pub(super) fn adapters() -> Vec<Listed> {
        Vec::new()
    }
}

use gpu::{adapters, automatic, measured, named};

fn wish(text: &str) -> Result<Wish, &'static str> {
    match text.split_once(':') {
        None if text == "auto" => Ok(Wish::Auto),
        None if text == "cpu" => Ok(Wish::Cpu),
        None if text == "gpu" => Ok(Wish::Gpu(None)),
        Some(("gpu", name)) if !name.is_empty() => Ok(Wish::Gpu(Some(name.to_owned()))),
        _ => Err("expected auto, cpu, gpu or gpu:NAME"),
    }
}

pub(super) fn size(text: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "expected a size in bytes, like 512M or 4G";
    let (number, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (text.get(..at), 10),
        Some((at, 'm' | 'M')) => (text.get(..at), 20),
        Some((at, 'g' | 'G')) => (text.get(..at), 30),
        _ => (Some(text), 0),
    };
    let number: u64 = number.and_then(|n| n.parse().ok()).ok_or(EXPECTED)?;
    number.checked_mul(1 << shift).ok_or(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_named() {
        assert_eq!(wish("auto"), Ok(Wish::Auto));
        assert_eq!(
            wish("gpu:Radeon RX"),
            Ok(Wish::Gpu(Some("Radeon RX".to_owned())))
        );
        for bad in ["", "GPU", "gpu:", "cuda", "cpu:0"] {
            assert!(wish(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        let sizes = ["0", "4096", "512M", "4G", "1k"].map(size);
        assert_eq!(
            sizes,
            [Ok(0), Ok(4096), Ok(512 << 20), Ok(4 << 30), Ok(1024)]
        );
        for bad in ["", "G", "-1", "4T", "1.5G", "99999999999G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
