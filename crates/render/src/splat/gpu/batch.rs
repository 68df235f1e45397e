//! Which pictures are drawn together, and where each lies in the device's arenas.

use super::health::Failure;
use super::layout::{GpuJob, GpuPlace, Item};
use super::pipelines::Entry;
use super::plan::{GpuPlan, Way};
use super::prepare::Prepared;
use heatsplat_points::Point;
use std::collections::VecDeque;
use std::sync::{Arc, mpsc};

/// The most pictures in one batch.
pub(super) const MOST: usize = 64;

/// Cells that one workgroup takes.
const STRETCH: u32 = 256;

/// Cells that are deposited in one submission: a slow device takes some 10 ms for them.
const LOAD: usize = 1 << 21;

/// The most workgroups of a dispatch.
const MOST_ITEMS: usize = 1 << 15;

/// Multiplications of one submission: a slow device takes some 10 ms for them.
const MOST_WORK: u64 = 1 << 30;

/// A block that is waited for.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) prepared: Prepared,
    /// Which of the asker's blocks it is.
    pub(super) number: usize,
    pub(super) answer: mpsc::Sender<Answer>,
}

/// A block's words, or why there are none.
pub(super) type Answer = (usize, Result<Vec<u32>, Failure>);

impl Task {
    /// Tells who waits. That they may have gone is nobody's fault.
    pub(super) fn answer(self, result: Result<Vec<u32>, Failure>) {
        let _ = self.answer.send((self.number, result));
    }
}

/// Elements of each arena that a batch needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub(super) bins: u32,
    pub(super) across: u32,
    pub(super) values: u32,
    pub(super) picture: u32,
}

impl Sizes {
    fn with(self, job: &GpuJob) -> Self {
        let outputs = if job.coarser > 1 {
            job.stride * job.lines
        } else {
            0
        };
        Self {
            bins: self.bins + job.bin_count,
            across: self.across + job.terms * job.inner_rows * job.stride,
            values: self.values + outputs + job.pitch * job.height,
            picture: self.picture + job.words,
        }
    }

    /// Whether every arena stays under so many bytes.
    fn fit(self, most: u64) -> bool {
        let bytes = |elements: u32, size: u64| u64::from(elements) * size;
        bytes(self.bins, 8) <= most
            && bytes(self.across, 4) <= most
            && bytes(self.values, 4) <= most
            && bytes(self.picture, 4) <= most
    }
}

/// Cells that are deposited by one dispatch: those of one buffer, or some that are sent along.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) buffer: Option<wgpu::Buffer>,
    pub(super) items: Vec<Item>,
    pub(super) cells: Vec<Point>,
    count: usize,
}

impl Load {
    fn has_room(&self, cells: usize) -> bool {
        self.count + cells <= LOAD && self.items.len() < MOST_ITEMS
    }

    fn push(&mut self, item: Item) {
        self.count += item.count as usize;
        self.items.push(item);
    }
}

/// Pictures of one plan that are drawn together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) plan: Arc<GpuPlan>,
    pub(super) entry: Entry,
    /// Whether the pictures stay on the device.
    pub(super) kept: bool,
    pub(super) tasks: Vec<Task>,
    pub(super) jobs: Vec<GpuJob>,
    pub(super) places: Vec<GpuPlace>,
    pub(super) thresholds: Vec<u32>,
    pub(super) loads: Vec<Load>,
    pub(super) sizes: Sizes,
    work: u64,
}

impl Batch {
    /// Takes the first picture that waits, and those that can be drawn with it in arenas of at
    /// most so many bytes each.
    pub(super) fn gather(waiting: &mut VecDeque<Task>, most: u64) -> Option<Self> {
        let first = waiting.pop_front()?;
        let mut batch = Self {
            plan: Arc::clone(&first.prepared.plan),
            entry: first.prepared.wanted.entry(),
            kept: first.prepared.wanted.kept().is_some(),
            tasks: Vec::new(),
            jobs: Vec::new(),
            places: Vec::new(),
            thresholds: Vec::new(),
            loads: Vec::new(),
            sizes: Sizes::default(),
            work: 0,
        };
        batch.add(first);
        let mut others = VecDeque::with_capacity(waiting.len());
        while let Some(task) = waiting.pop_front() {
            if batch.tasks.len() < MOST && batch.takes(&task, most) {
                batch.add(task);
            } else {
                others.push_back(task);
            }
        }
        *waiting = others;
        Some(batch)
    }

    fn takes(&self, task: &Task, most: u64) -> bool {
        let prepared = &task.prepared;
        prepared.plan.id == self.plan.id
            && prepared.wanted.entry() == self.entry
            && prepared.wanted.kept().is_some() == self.kept
            && self.sizes.with(&prepared.job).fit(most)
            && self.work + work(&prepared.job, &self.plan) <= MOST_WORK
    }

    fn add(&mut self, mut task: Task) {
        let number = self.jobs.len() as u32;
        let prepared = &mut task.prepared;
        let job = &mut prepared.job;
        let free = self.sizes;
        self.sizes = free.with(job);
        job.bins = free.bins;
        job.across = free.across;
        job.picture = free.picture;
        job.density = if matches!(self.plan.way, Way::Direct { .. }) {
            free.bins
        } else {
            free.values
        };
        job.spread = job.density;
        if job.coarser > 1 {
            job.spread = free.values + job.pitch * job.height;
        }
        self.work += work(job, &self.plan);
        job.thresholds = self.thresholds.len() as u32;
        self.thresholds.extend_from_slice(prepared.wanted.table());
        let place = self.places.len() as u32;
        self.places.append(&mut prepared.places);
        for stretch in &prepared.stretches {
            let resident = prepared.resident.as_deref().zip(stretch.buffer);
            let buffer = resident.and_then(|(points, number)| points.buffer(number));
            let mut first = stretch.first;
            let end = stretch.first + stretch.count;
            while first < end {
                let count = (end - first).min(STRETCH);
                let load = load_with_room(&mut self.loads, buffer, count as usize);
                let item = Item {
                    job: number,
                    first,
                    count,
                    place: place + stretch.place,
                };
                if buffer.is_some() {
                    load.push(item);
                } else {
                    let from = load.cells.len() as u32;
                    let range = first as usize..(first + count) as usize;
                    let cells = prepared.cells.get(range).unwrap_or_default();
                    load.cells.extend_from_slice(cells);
                    load.push(Item {
                        first: from,
                        ..item
                    });
                }
                first += count;
            }
        }
        self.jobs.push(*job);
        self.tasks.push(task);
    }
}

/// About how many multiplications a picture's convolutions take.
fn work(job: &GpuJob, plan: &GpuPlan) -> u64 {
    let outputs = u64::from(job.outputs) * u64::from(job.lines);
    match &plan.way {
        Way::Direct { .. } | Way::Beyond => outputs,
        Way::Spread { .. } => 3 * outputs * u64::from(job.terms) * u64::from(job.span),
        Way::Edge { reach, deposit, .. } => {
            let taps = 4 * u64::from(*reach) * u64::from(*reach) * deposit.rows() as u64;
            outputs * taps
        }
    }
}

/// A load of a buffer's cells, or of cells that are sent, that has room for so many more.
fn load_with_room<'a>(
    loads: &'a mut Vec<Load>,
    buffer: Option<&wgpu::Buffer>,
    cells: usize,
) -> &'a mut Load {
    let fits = |load: &Load| load.buffer.as_ref() == buffer && load.has_room(cells);
    let found = loads.iter().rposition(fits).unwrap_or(loads.len());
    if found == loads.len() {
        loads.push(Load {
            buffer: buffer.cloned(),
            items: Vec::new(),
            cells: Vec::new(),
            count: 0,
        });
    }
    &mut loads[found]
}
