//! The compute pipelines of all stages, listed in one table. Each is compiled when it is first
//! needed.

use heatsplat_shaders as shaders;
use std::cell::OnceCell;

/// An entry point of a shader: the function that a compute pipeline runs. [`TABLE`] lists the
/// shader of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
/// bindings, in order: `r` for a buffer that is read, `w` for one that is written.
const TABLE: [(EntryPoint, shaders::Stage, &str, &str); 10] = [
    (Deposit, shaders::SPLAT_BIN, "deposit", "rrrrww"),
    (Stamp, shaders::SPLAT_DIRECT, "stamp", "rrrrww"),
    (Settle, shaders::SPLAT_SETTLE, "settle", "rrww"),
    (Across, shaders::SPLAT_SPREAD, "across", "rrrw"),
    (Down, shaders::SPLAT_SPREAD, "down", "rrrw"),
    (Convolve, shaders::SPLAT_EDGE, "convolve", "rrrrw"),
    (Refine, shaders::SPLAT_REFINE, "refine", "rrrw"),
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

/// The pipelines of a device.
#[derive(Debug, Default)]
pub(super) struct Pipelines([OnceCell<EntryPipeline>; TABLE.len()]);

#[derive(Debug)]
pub(super) struct EntryPipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

impl Pipelines {
    pub(super) fn get(&self, device: &wgpu::Device, entry: EntryPoint) -> Option<&EntryPipeline> {
        let rows = TABLE.iter().zip(&self.0);
        let found = rows.into_iter().find(|((e, ..), _)| *e == entry);
        found.map(|((_, stage, name, bindings), cell)| {
            cell.get_or_init(|| EntryPipeline::new(device, *stage, name, bindings))
        })
    }
}

impl EntryPipeline {
    fn new(device: &wgpu::Device, stage: shaders::Stage, entry: &str, bindings: &str) -> Self {
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
        let entries: Vec<_> = bindings.chars().enumerate().map(binding).collect();
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(entry),
            entries: &entries,
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(stage.name),
            source: wgpu::ShaderSource::Wgsl(stage.source.into()),
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(entry),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        Self { pipeline, layout }
    }

    /// Binds whole buffers to the entry point's bindings, in the order of the table.
    pub(super) fn bind(&self, device: &wgpu::Device, buffers: &[&wgpu::Buffer]) -> wgpu::BindGroup {
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.layout,
            entries: &entries,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use naga::{AddressSpace, StorageAccess};

    #[test]
    fn the_table_binds_what_the_shaders_declare() {
        for (_, stage, name, bindings) in TABLE {
            let module = naga::front::wgsl::parse_str(stage.source).unwrap();
            assert!(module.entry_points.iter().any(|e| e.name == name), "{name}");
            let mut declared: Vec<(u32, char)> = module
                .global_variables
                .iter()
                .filter_map(|(_, variable)| {
                    let AddressSpace::Storage { access } = variable.space else {
                        return None;
                    };
                    let written = access.contains(StorageAccess::STORE);
                    Some((
                        variable.binding.as_ref()?.binding,
                        if written { 'w' } else { 'r' },
                    ))
                })
                .collect();
            declared.sort_unstable();
            let ours: Vec<(u32, char)> = (0..).zip(bindings.chars()).collect();
            assert_eq!(declared, ours, "{name}");
        }
    }
}
