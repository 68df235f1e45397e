//! The backends that `heatsplat bench` measures, each GPU with a function that times its passes.

use super::adapter_listing::AdapterListing;
use heatsplat::Backend;
use heatsplat::render::{Job, Normalizer};
use std::sync::Arc;

/// A backend that is measured by `heatsplat bench`.
pub(in crate::cli) struct BenchBackend {
    pub(in crate::cli) backend: Arc<dyn Backend>,
    /// The GPU on which the backend draws; `None` for the CPU.
    pub(in crate::cli) device: Option<BenchDevice>,
}

/// The GPU of a backend that is measured.
pub(in crate::cli) struct BenchDevice {
    pub(in crate::cli) adapter: AdapterListing,
    /// A function that times the passes of the backend on its GPU.
    pub(in crate::cli) timer: PassTimer,
    /// True if the user has named the GPU, so that it must draw.
    pub(in crate::cli) is_named: bool,
}

/// A function that draws jobs on a GPU in one batch, each coloured by its [`Normalizer`], and
/// returns the time of each pass: a run of one compute shader for all jobs of the batch.
pub(in crate::cli) type PassTimer = Box<dyn Fn(&[(Job<'_>, &Normalizer)]) -> Vec<BenchPass>>;

/// The time that one pass of a GPU took for a batch of pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct BenchPass {
    pub(in crate::cli) name: &'static str,
    /// The time in seconds by the clock of the machine, which includes the way to the device and
    /// back.
    pub(in crate::cli) wall: f64,
    /// The time in seconds by the device's own clock; `None` for a device without a clock, and for
    /// a pass that is work of the CPU.
    pub(in crate::cli) device: Option<f64>,
}

/// The settings of the GPUs that `heatsplat bench` measures.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct DeviceSettings {
    /// The bytes of a GPU's memory that points may take.
    pub(in crate::cli) memory: u64,
    /// The most pictures that a GPU draws in one batch; `None` for as many as in a server.
    pub(in crate::cli) batch: Option<usize>,
}
