//! Which pictures are drawn together, and where each lies in the device's arenas.

use super::layout::{GpuJob, GpuPlace, Item};
use super::plans::{GpuPlan, Way};
use super::prepare::{Prepared, Wanted};
use super::trust::Failure;
use heatsplat_points::Point;
use std::collections::VecDeque;
use std::sync::{Arc, mpsc};

/// The most pictures in one batch.
const MOST: usize = 64;

/// Cells that one workgroup takes.
const STRETCH: u32 = 256;

/// Cells that are deposited in one submission: a slow device takes some 10 ms for them.
const LOAD: usize = 1 << 21;

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

/// Cells that are deposited by one dispatch.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) items: Vec<Item>,
    pub(super) cells: Vec<Point>,
}

/// Pictures of one plan that are drawn together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) plan: Arc<GpuPlan>,
    pub(super) colored: bool,
    pub(super) tasks: Vec<Task>,
    pub(super) jobs: Vec<GpuJob>,
    pub(super) places: Vec<GpuPlace>,
    pub(super) thresholds: Vec<u32>,
    pub(super) loads: Vec<Load>,
    pub(super) sizes: Sizes,
}

impl Batch {
    /// Takes the first picture that waits, and those that can be drawn with it in arenas of at
    /// most so many bytes each.
    pub(super) fn gather(waiting: &mut VecDeque<Task>, most: u64) -> Option<Self> {
        let first = waiting.pop_front()?;
        let mut batch = Self {
            plan: Arc::clone(&first.prepared.plan),
            colored: matches!(first.prepared.wanted, Wanted::Indices(_)),
            tasks: Vec::new(),
            jobs: Vec::new(),
            places: Vec::new(),
            thresholds: Vec::new(),
            loads: Vec::new(),
            sizes: Sizes::default(),
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
            && matches!(prepared.wanted, Wanted::Indices(_)) == self.colored
            && self.sizes.with(&prepared.job).fit(most)
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
        if let Wanted::Indices(thresholds) = &prepared.wanted {
            job.thresholds = self.thresholds.len() as u32;
            self.thresholds.extend_from_slice(thresholds);
        }
        let place = self.places.len() as u32;
        self.places.append(&mut prepared.places);
        for stretch in &prepared.stretches {
            let cells = prepared.cells.get(stretch.first as usize..).unwrap_or_default();
            let cells = cells.get(..stretch.count as usize).unwrap_or(cells);
            for cells in cells.chunks(STRETCH as usize) {
                let load = load_with_room(&mut self.loads, cells.len());
                load.items.push(Item {
                    job: number,
                    first: load.cells.len() as u32,
                    count: cells.len() as u32,
                    place: place + stretch.place,
                });
                load.cells.extend_from_slice(cells);
            }
        }
        self.jobs.push(*job);
        self.tasks.push(task);
    }
}

/// The last load if it has room for so many more cells, or else a new one.
fn load_with_room(loads: &mut Vec<Load>, cells: usize) -> &mut Load {
    let full = |l: &Load| l.cells.len() + cells > LOAD || l.items.len() >= (1 << 15);
    if loads.last().is_none_or(full) {
        loads.push(Load::default());
    }
    let last = loads.len() - 1;
    &mut loads[last]
}
