//! Adapters: the GPUs of this machine, and the choice of one of them.

use std::fmt;

/// A rule for the choice among the GPUs of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The best hardware GPU. No device is chosen if the machine has only software drivers.
    #[default]
    Real,
    /// The best device of any kind, including software drivers.
    Any,
    /// The best device whose name contains this text, in capital or small letters.
    Named(String),
    /// The device at this place, from 0, of the list that [`adapters`] returns.
    Index(usize),
}

/// A GPU, described by its properties.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adapter {
    /// The name of the GPU, as its driver reports it.
    pub name: String,
    /// The kind of the GPU: `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: &'static str,
    /// The graphics interface by which the GPU is used, for example Vulkan, Metal or Dx12.
    pub interface: String,
    /// The name and version of the GPU's driver.
    pub driver: String,
    /// The greatest number of bytes of one buffer that a shader on the GPU can access through one
    /// binding.
    pub binding: u64,
    /// The greatest number of bytes that one buffer on the GPU may have.
    pub buffer: u64,
}

impl Adapter {
    pub(super) fn new(info: &wgpu::AdapterInfo, limits: &wgpu::Limits) -> Self {
        Self {
            kind: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => "discrete",
                wgpu::DeviceType::IntegratedGpu => "integrated",
                wgpu::DeviceType::VirtualGpu => "virtual",
                wgpu::DeviceType::Cpu => "software",
                wgpu::DeviceType::Other => "other",
            },
            interface: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info),
            name: info.name.clone(),
            binding: limits.max_storage_buffer_binding_size,
            buffer: limits.max_buffer_size,
        }
    }

    /// Returns true for a hardware GPU, false for a software driver.
    pub fn is_real(&self) -> bool {
        self.kind != "software"
    }

    /// The rank of the device's kind, 0 for the best.
    fn rank(&self) -> usize {
        let kinds = ["discrete", "integrated", "virtual", "other", "software"];
        kinds
            .iter()
            .position(|kind| *kind == self.kind)
            .unwrap_or(kinds.len())
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.kind, self.interface)
    }
}

impl AdapterChoice {
    /// Returns true if the choice allows `adapter`, which has the index `place`, from 0, in the
    /// list of all devices.
    fn takes(&self, place: usize, adapter: &Adapter) -> bool {
        match self {
            Self::Real => adapter.is_real(),
            Self::Any => true,
            Self::Named(part) => adapter.name.to_lowercase().contains(&part.to_lowercase()),
            Self::Index(wanted) => *wanted == place,
        }
    }
}

/// All devices that can run the shaders; the best device is the first.
pub fn adapters() -> Vec<Adapter> {
    enumerate()
        .into_iter()
        .map(|(adapter, _)| adapter)
        .collect()
}

/// The best device that a choice allows; `None` if it allows no device of this machine.
pub(super) fn find(choice: &AdapterChoice) -> Option<(Adapter, wgpu::Adapter)> {
    if *choice == AdapterChoice::Real && !may_have_hardware() {
        return None;
    }
    let mut all = enumerate().into_iter().enumerate();
    all.find(|(place, (adapter, _))| choice.takes(*place, adapter))
        .map(|(_, found)| found)
}

/// Returns false on Linux if there is no device file of a hardware GPU, since no driver can find
/// one then. Callers needn't load drivers in this case: that takes a tenth of a second, and drivers
/// may print complaints. On other systems the result is always true.
fn may_have_hardware() -> bool {
    #[cfg(target_os = "linux")]
    {
        // Direct rendering (all drivers of Mesa, AMD, Intel), NVIDIA, Direct3D of a Windows host,
        // Adreno, Mali and PowerVR.
        let names = ["dri", "nvidia", "dxg", "kgsl", "mali", "pvr"];
        let Ok(devices) = std::fs::read_dir("/dev") else {
            return true;
        };
        devices.flatten().any(|device| {
            let name = device.file_name();
            let name = name.to_string_lossy();
            names.iter().any(|known| name.starts_with(known))
        })
    }
    #[cfg(not(target_os = "linux"))]
    true
}

fn enumerate() -> Vec<(Adapter, wgpu::Adapter)> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let instance = wgpu::Instance::new(descriptor);
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let mut adapters: Vec<_> = found
        .into_iter()
        .filter(can_compute)
        .map(|adapter| {
            (
                Adapter::new(&adapter.get_info(), &adapter.limits()),
                adapter,
            )
        })
        .collect();
    adapters.sort_by_key(|(adapter, _)| adapter.rank());
    adapters
}

fn can_compute(adapter: &wgpu::Adapter) -> bool {
    let flags = adapter.get_downlevel_capabilities().flags;
    flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
        && wgpu::Limits::default().check_limits(&adapter.limits())
}
