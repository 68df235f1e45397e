//! The buffers of a device that all batches use in turn, and their bindings to shaders.

use super::batch::{DrawBatch, SubmissionLoad, Task};
use super::grow_buffer::GrowBuffer;
use super::layout::GpuJob;
use super::pipelines::{EntryPoint, Pipelines};
use super::readings::SUMS;
use super::table_arena::TableArena;
use bytemuck::Pod;
use std::collections::HashMap;
use std::num::NonZeroU64;
use wgpu::{BindGroup, Buffer, BufferBinding};

/// The offsets, in bytes, of three of the four sections of the buffer `input`. The sections are, in
/// this order: the jobs, which begin at 0; the mappings from the world to grids (`places`); the
/// thresholds; and the items, of which each is consecutive cells that one workgroup deposits. The
/// length of a section is rounded up to a power of two of bytes, and is at least 256. So batches of
/// about the same size have the same offsets and share bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sections {
    places: u64,
    thresholds: u64,
    items: u64,
}

impl Sections {
    fn new(batch: &DrawBatch) -> Self {
        fn room<T>(elements: &[T]) -> u64 {
            (size_of_val(elements) as u64).next_power_of_two().max(256)
        }
        let places = room(&batch.jobs);
        let thresholds = places + room(&batch.places);
        Self {
            places,
            thresholds,
            items: thresholds + room(&batch.thresholds),
        }
    }
}

/// The buffers of a device that all batches use in turn. They grow when a batch needs more room.
#[derive(Debug)]
pub(super) struct Arenas {
    pub(super) bins: GrowBuffer,
    grid: GrowBuffer,
    across: GrowBuffer,
    values: GrowBuffer,
    pub(super) picture: GrowBuffer,
    pub(super) sums: GrowBuffer,
    input: GrowBuffer,
    pub(super) cells: GrowBuffer,
    tables: TableArena,
    /// Bind groups that further batches can use again. They are dropped when a buffer grows.
    groups: HashMap<(EntryPoint, Sections), BindGroup>,
    /// The bytes that are going to be written to the buffer `input`.
    scratch: Vec<u8>,
}

/// The number of bind groups beyond which all are dropped. It is a choice.
const GROUPS: usize = 256;

impl Arenas {
    pub(super) fn new() -> Self {
        Self {
            bins: GrowBuffer::inner("bins"),
            grid: GrowBuffer::inner("grid"),
            across: GrowBuffer::inner("rows across"),
            values: GrowBuffer::inner("densities"),
            picture: GrowBuffer::inner("pictures"),
            sums: GrowBuffer::inner("sums"),
            input: GrowBuffer::inner("input"),
            cells: GrowBuffer::inner("cells"),
            tables: TableArena::new(),
            groups: HashMap::new(),
            scratch: Vec::new(),
        }
    }

    /// Makes room for a batch in all buffers. Writes its jobs, mappings from the world to grids,
    /// thresholds and tables, and the cells of its first submission. Returns the sections of the
    /// buffer `input`, and the number of bytes that are sent to the device.
    pub(super) fn write(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        batch: &mut DrawBatch,
        tasks: &[Task],
    ) -> (Sections, u64) {
        let sections = Sections::new(batch);
        self.reserve(device, batch, tasks, sections);
        let mut staged = self.tables.place(queue, tasks, &mut batch.jobs);
        self.scratch.clear();
        self.append::<GpuJob>(0, &batch.jobs);
        self.append(sections.places, &batch.places);
        self.append(sections.thresholds, &batch.thresholds);
        if let Some(load) = batch.loads.first() {
            self.append_items(sections.items, load);
            staged += self.write_cells(device, queue, load);
        }
        if let Some(input) = self.input.get() {
            queue.write_buffer(input, 0, &self.scratch);
        }
        staged += self.scratch.len() as u64;
        (sections, staged)
    }

    /// Writes the cells of a further submission of a batch in place of the cells of the submission
    /// before. Returns the number of bytes that are sent to the device.
    pub(super) fn write_load(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        sections: Sections,
        load: &SubmissionLoad,
    ) -> u64 {
        self.scratch.clear();
        self.append_items(0, load);
        if let Some(input) = self.input.get() {
            queue.write_buffer(input, sections.items, &self.scratch);
        }
        self.scratch.len() as u64 + self.write_cells(device, queue, load)
    }

    fn write_cells(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        load: &SubmissionLoad,
    ) -> u64 {
        let cells: &[u8] = bytemuck::cast_slice(&load.cells);
        if !cells.is_empty() {
            let buffer = self.cells.at_least(device, cells.len() as u64);
            queue.write_buffer(buffer, 0, cells);
        }
        cells.len() as u64
    }

    fn append<T: Pod>(&mut self, at: u64, elements: &[T]) {
        self.scratch.resize(at as usize, 0);
        self.scratch
            .extend_from_slice(bytemuck::cast_slice(elements));
    }

    fn append_items(&mut self, at: u64, load: &SubmissionLoad) {
        for (first, dispatch) in load.items() {
            self.append(at + item_bytes(first), &dispatch.items);
        }
    }

    fn reserve(
        &mut self,
        device: &wgpu::Device,
        batch: &DrawBatch,
        tasks: &[Task],
        sections: Sections,
    ) {
        let bytes = |elements: u32, size: u64| u64::from(elements) * size;
        let sizes = batch.sizes;
        let items = batch.loads.iter().map(|load| {
            let last = load.items().last();
            last.map_or(0, |(first, d)| item_bytes(first + d.items.len()))
        });
        let input = sections.items + items.max().unwrap_or(0).max(256);
        let needed = self.tables.needed(tasks);
        if self.tables.buffer.is_less_than(needed) {
            self.tables.forget();
        }
        let all = [
            (&mut self.bins, bytes(sizes.bins, 8)),
            (&mut self.grid, bytes(sizes.bins, 4)),
            (&mut self.across, bytes(sizes.across, 4)),
            (&mut self.values, bytes(sizes.values, 4)),
            (&mut self.picture, bytes(sizes.picture, 4)),
            (&mut self.sums, sums_bytes(batch)),
            (&mut self.input, input),
            (&mut self.tables.buffer, needed),
        ];
        let mut grown = false;
        for (buffer, bytes) in all {
            grown |= buffer.is_less_than(bytes);
            buffer.at_least(device, bytes);
        }
        if grown || self.groups.len() > GROUPS {
            self.groups.clear();
        }
    }

    /// The buffers of an entry point, as its bind group 0; `None` if a buffer was never made. For
    /// an entry point that deposits cells, `first_item` is the index, in the section of items, of
    /// the first item of the dispatch; for others it is 0.
    pub(super) fn bind(
        &mut self,
        device: &wgpu::Device,
        pipelines: &Pipelines,
        entry: EntryPoint,
        sections: Sections,
        batch: &DrawBatch,
        first_item: usize,
    ) -> Option<BindGroup> {
        let is_output = entry == batch.entry;
        let is_common = first_item == 0 && !(is_output && batch.target.is_some());
        let key = (entry, sections);
        if is_common && let Some(group) = self.groups.get(&key) {
            return Some(group.clone());
        }
        let input = self.input.get()?;
        let part = |from: u64, to: u64| BufferBinding {
            buffer: input,
            offset: from,
            size: NonZeroU64::new(to - from),
        };
        let jobs = part(0, sections.places);
        let places = part(sections.places, sections.thresholds);
        let thresholds = part(sections.thresholds, sections.items);
        let items = part(sections.items + item_bytes(first_item), input.size());
        let bins = whole(self.bins.get()?);
        let grid = whole(self.grid.get()?);
        let across = whole(self.across.get()?);
        let values = whole(self.values.get()?);
        let sums = whole(self.sums.get()?);
        let tables = whole(self.tables.buffer.get()?);
        let picture = match &batch.target {
            None => whole(self.picture.get()?),
            Some(target) => BufferBinding {
                buffer: &target.buffer,
                offset: target.base() * 4,
                size: NonZeroU64::new((target.words.end - target.base()) * 4),
            },
        };
        let buffers = match entry {
            EntryPoint::Deposit | EntryPoint::Stamp => vec![jobs, items, places, bins, sums],
            EntryPoint::Settle => vec![jobs, bins, grid, values, sums],
            EntryPoint::Across => vec![jobs, tables, grid, across],
            EntryPoint::Down => vec![jobs, tables, across, values],
            EntryPoint::Convolve => vec![jobs, tables.clone(), tables, grid, values],
            EntryPoint::Refine => vec![jobs, tables, values],
            EntryPoint::Indices | EntryPoint::Unchanged | EntryPoint::Colors => {
                vec![jobs, thresholds, values, picture, sums]
            }
        };
        let group = pipelines.get(entry)?.bind(device, 0, &buffers)?;
        if is_common {
            self.groups.insert(key, group.clone());
        }
        Some(group)
    }
}

/// A binding by which a shader accesses a whole buffer.
pub(super) fn whole(buffer: &Buffer) -> BufferBinding<'_> {
    buffer.as_entire_buffer_binding()
}

/// The number of bytes that the counters of all pictures of a batch take.
pub(super) fn sums_bytes(batch: &DrawBatch) -> u64 {
    batch.jobs.len() as u64 * u64::from(SUMS) * 4
}

fn item_bytes(items: usize) -> u64 {
    (items * size_of::<super::layout::WorkItem>()) as u64
}
