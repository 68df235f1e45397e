//! The tables of all plans in one buffer on the device, so that a submission can draw pictures with
//! many kernels.

use super::batch::Task;
use super::grow_buffer::GrowBuffer;
use super::layout::GpuJob;
use std::collections::HashMap;

/// The size of the buffer in bytes, unless a batch needs more. It is a choice: the tables of a plan
/// take 1 to 100 KB.
const ROOM: u64 = 4 << 20;

/// The buffer of tables, and the place of each plan's tables in it.
#[derive(Debug)]
pub(super) struct TableArena {
    pub(super) buffer: GrowBuffer,
    /// For the number (`id`) of each plan whose tables are in the buffer, the index of the first of
    /// these tables, counted in groups of four 32-bit words.
    places: HashMap<u64, u32>,
    /// The length of the part of the buffer that has tables, counted in groups of four 32-bit
    /// words.
    used: u32,
}

impl TableArena {
    pub(super) fn new() -> Self {
        Self {
            buffer: GrowBuffer::inner("tables"),
            places: HashMap::new(),
            used: 0,
        }
    }

    /// The number of bytes that the buffer must have before tables are written for these tasks.
    pub(super) fn needed(&self, tasks: &[Task]) -> u64 {
        let all = tasks.iter().map(|task| &task.prepared.plan);
        let mut seen: Vec<u64> = Vec::new();
        let mut words = 0;
        for plan in all {
            if !seen.contains(&plan.id) {
                seen.push(plan.id);
                words += plan.tables.words.len() as u64;
            }
        }
        (words * 4).max(ROOM)
    }

    /// Forgets all tables, so that the buffer, which is a new one or full, is filled from its
    /// beginning.
    pub(super) fn forget(&mut self) {
        self.places.clear();
        self.used = 0;
    }

    /// Writes the tables that the jobs of a batch need and the buffer lacks, and sets the jobs'
    /// offsets. Returns the number of bytes written. The buffer must have the bytes that
    /// [`needed`](Self::needed) returned.
    pub(super) fn place(
        &mut self,
        queue: &wgpu::Queue,
        tasks: &[Task],
        jobs: &mut [GpuJob],
    ) -> u64 {
        let missing = |places: &HashMap<u64, u32>| {
            let mut plans: Vec<_> = tasks.iter().map(|task| &task.prepared.plan).collect();
            plans.retain(|plan| !places.contains_key(&plan.id));
            plans.sort_unstable_by_key(|plan| plan.id);
            plans.dedup_by_key(|plan| plan.id);
            plans
        };
        let groups = |words: usize| (words / 4) as u32;
        let room = self.buffer.get().map_or(0, |b| (b.size() / 16) as u32);
        let mut new = missing(&self.places);
        let more: u32 = new.iter().map(|p| groups(p.tables.words.len())).sum();
        if self.used + more > room {
            // Submissions that are on their way read the former tables: what is written now is
            // ordered after them.
            self.forget();
            new = missing(&self.places);
        }
        let mut written = 0;
        for plan in new {
            let words = &plan.tables.words;
            if let Some(buffer) = self.buffer.get()
                && !words.is_empty()
            {
                queue.write_buffer(
                    buffer,
                    u64::from(self.used) * 16,
                    bytemuck::cast_slice(words),
                );
                written += words.len() as u64 * 4;
            }
            self.places.insert(plan.id, self.used);
            self.used += groups(words.len());
        }
        for (task, job) in tasks.iter().zip(jobs) {
            let plan = &task.prepared.plan;
            let at = self.places.get(&plan.id).copied().unwrap_or(0);
            job.taps = at + plan.tables.taps;
            job.stamp_rows = 2 * (at + plan.tables.stamp_rows);
            job.refine_across = at + plan.tables.refine_across;
            job.refine_down = at + plan.tables.refine_down;
        }
        written
    }
}
