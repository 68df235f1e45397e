//! The compute pipelines of all stages, listed in one table. All are compiled when a device is
//! opened, so that no picture has to wait for a compiler.

use heatsplat_shaders as shaders;

/// An entry point of a shader: the function that a compute pipeline runs. [`TABLE`] lists the
/// shader of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum EntryPoint {
    Deposit,
    Stamp,
    Settle,
    Across,
    Down,
    Convolve,
    Refine,
    Indices,
    Unchanged,
    Colors,
}

use EntryPoint::{
    Across, Colors, Convolve, Deposit, Down, Indices, Refine, Settle, Stamp, Unchanged,
};

/// Each entry point with its shader module, its name in the module, and a letter for each of its
/// bindings, in order: `r` for a buffer that is read, `w` for one that is written. A second group
/// of bindings follows after a slash.
const TABLE: [(EntryPoint, shaders::Stage, &str, &str); 10] = [
    (Deposit, shaders::SPLAT_BIN, "deposit", "rrrww/r"),
    (Stamp, shaders::SPLAT_DIRECT, "stamp", "rrrww/r"),
    (Settle, shaders::SPLAT_SETTLE, "settle", "rrwww"),
    (Across, shaders::SPLAT_SPREAD, "across", "rrrw"),
    (Down, shaders::SPLAT_SPREAD, "down", "rrrw"),
    (Convolve, shaders::SPLAT_EDGE, "convolve", "rrrrw"),
    (Refine, shaders::SPLAT_REFINE, "refine", "rrw"),
    (Indices, shaders::COLORIZE_ALPHA, "indices", "rrrww"),
    (Unchanged, shaders::COLORIZE_ALPHA, "unchanged", "rrrww"),
    (Colors, shaders::COLORIZE_ALPHA, "colors", "rrrww"),
];

impl EntryPoint {
    /// The entry point's name in its shader.
    pub(super) fn name(self) -> &'static str {
        let found = TABLE.iter().find(|(entry, ..)| *entry == self);
        found.map_or("", |(_, _, name, _)| name)
    }
}

/// The compute pipelines of a device: one for each entry point.
#[derive(Debug)]
pub(super) struct Pipelines(Vec<(EntryPoint, EntryPipeline)>);

#[derive(Debug)]
pub(super) struct EntryPipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    groups: Vec<wgpu::BindGroupLayout>,
}

impl Pipelines {
    /// Compiles the compute pipelines of all entry points for a device.
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let mut modules: Vec<(&str, wgpu::ShaderModule)> = Vec::new();
        let pipeline = |(entry, stage, name, bindings): (_, shaders::Stage, _, _)| {
            let known = modules.iter().find(|(known, _)| *known == stage.name);
            let module = known.map(|(_, module)| module.clone()).unwrap_or_else(|| {
                let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                    label: Some(stage.name),
                    source: wgpu::ShaderSource::Wgsl(stage.source.into()),
                });
                modules.push((stage.name, module.clone()));
                module
            });
            (entry, EntryPipeline::new(device, &module, name, bindings))
        };
        Self(TABLE.into_iter().map(pipeline).collect())
    }

    pub(super) fn get(&self, entry: EntryPoint) -> Option<&EntryPipeline> {
        let found = self.0.iter().find(|(known, _)| *known == entry);
        found.map(|(_, pipeline)| pipeline)
    }
}

impl EntryPipeline {
    fn new(
        device: &wgpu::Device,
        module: &wgpu::ShaderModule,
        entry: &str,
        bindings: &str,
    ) -> Self {
        let binding = |(binding, access): (usize, char)| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage {
                    read_only: access == 'r',
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let group = |bindings: &str| {
            let entries: Vec<_> = bindings.chars().enumerate().map(binding).collect();
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(entry),
                entries: &entries,
            })
        };
        let groups: Vec<_> = bindings.split('/').map(group).collect();
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(entry),
            bind_group_layouts: &groups.iter().map(Some).collect::<Vec<_>>(),
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: Some(&layout),
            module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        Self { pipeline, groups }
    }

    /// Binds parts of buffers to the bindings of bind group number `group`, in the order of the
    /// table. `None` if the entry point has no such group.
    pub(super) fn bind(
        &self,
        device: &wgpu::Device,
        group: usize,
        buffers: &[wgpu::BufferBinding<'_>],
    ) -> Option<wgpu::BindGroup> {
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(buffer.clone()),
            })
            .collect();
        Some(device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: self.groups.get(group)?,
            entries: &entries,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use naga::valid::{Capabilities, ValidationFlags, Validator};
    use naga::{AddressSpace, StorageAccess};

    #[test]
    fn the_table_binds_what_the_shaders_declare() {
        for (_, stage, name, bindings) in TABLE {
            let module = naga::front::wgsl::parse_str(stage.source).unwrap();
            let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
            let info = validator.validate(&module).unwrap();
            let number = module.entry_points.iter().position(|e| e.name == name);
            let info = info.get_entry_point(number.unwrap_or_else(|| panic!("no {name}")));
            let used = module.global_variables.iter();
            let mut declared: Vec<(u32, u32, char)> = used
                .filter(|(handle, _)| !info[*handle].is_empty())
                .filter_map(|(_, variable)| {
                    let AddressSpace::Storage { access } = variable.space else {
                        return None;
                    };
                    let written = access.contains(StorageAccess::STORE);
                    let at = variable.binding.as_ref()?;
                    Some((at.group, at.binding, if written { 'w' } else { 'r' }))
                })
                .collect();
            declared.sort_unstable();
            // A binding that an entry point doesn't use is in the table nevertheless, if others of
            // its stage use it, so that all of them have one layout.
            let groups = (0..).zip(bindings.split('/'));
            let ours: Vec<_> = groups
                .flat_map(|(group, bindings)| {
                    (0..)
                        .zip(bindings.chars())
                        .map(move |(at, c)| (group, at, c))
                })
                .collect();
            assert!(
                declared.iter().all(|d| ours.contains(d)),
                "{name} {declared:?}"
            );
            let unused = ours.iter().filter(|o| !declared.contains(o)).count();
            assert!(
                unused <= usize::from(name == "unchanged"),
                "{name} {declared:?}"
            );
        }
    }
}
