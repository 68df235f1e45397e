//! Calls: jobs that a thread sends to the device together, and the answers that it receives.

use super::batch::{MOST, Task};
use super::counters::ThreadClock;
use super::health::FallbackReason;
use super::plan::GpuPlan;
use super::prepare::{self, OutputTarget, PreparedBlock};
use super::readings::{Answer, AnswerSender, PicturePart, Readings};
use super::{GpuBackend, Job};
use crate::splat::cpu;
use crate::splat::density::{Density, Picture};
use crate::splat::tiling::Block;
use heatsplat_points::cancel;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// The interval at which a caller that waits for the device checks whether its work must end, for
/// example because the client of the request has left.
const LOOK: Duration = Duration::from_millis(5);

/// Jobs whose blocks the worker thread of the device is drawing.
pub(super) struct Call {
    blocks: Vec<CallBlock>,
    answers: mpsc::Receiver<Answer>,
    /// For each job, the reason why the device doesn't draw it; `None` if all of its blocks were
    /// sent.
    reasons: Vec<Option<FallbackReason>>,
}

/// A block that was sent to the device: all of a job's picture, or a rectangle of it.
struct CallBlock {
    /// The number of the job among the jobs of the call, counted from 0.
    job: usize,
    block: Block,
    plan: Arc<GpuPlan>,
}

impl GpuBackend {
    /// Prepares jobs and sends their blocks to the worker thread, without waiting until they are
    /// drawn.
    pub(super) fn send<'a>(
        &self,
        jobs: impl IntoIterator<Item = (&'a Job<'a>, OutputTarget)>,
    ) -> Call {
        let _clock = ThreadClock::start(&self.health.counters.caller_ns);
        let (sender, answers) = mpsc::channel();
        let sender = Arc::new(sender);
        let mut call = Call {
            blocks: Vec::new(),
            answers,
            reasons: Vec::new(),
        };
        // Blocks are sent together, so that they are drawn together.
        let mut tasks = Vec::new();
        for (job, target) in jobs {
            let first = tasks.len();
            let known = call.blocks.len();
            let prepared = self.prepare(job, &target, &sender, &mut call, &mut tasks);
            if prepared.is_err() {
                tasks.truncate(first);
                call.blocks.truncate(known);
            }
            call.reasons.push(prepared.err());
            if tasks.len() >= MOST {
                self.submit(&mut call, std::mem::take(&mut tasks));
            }
        }
        if !tasks.is_empty() {
            self.submit(&mut call, tasks);
        }
        call
    }

    fn submit(&self, call: &mut Call, tasks: Vec<Task>) {
        if !self.worker.draw(tasks) {
            // The worker thread has ended.
            call.reasons
                .iter_mut()
                .for_each(|reason| *reason = Some(FallbackReason::Lost));
        }
    }

    /// Prepares a job: appends its blocks to the blocks of `call`, and to `tasks`, the list of
    /// blocks that are still to be sent. If there is an error, the caller must remove the appended
    /// blocks from both.
    fn prepare(
        &self,
        job: &Job<'_>,
        target: &OutputTarget,
        sender: &AnswerSender,
        call: &mut Call,
        tasks: &mut Vec<Task>,
    ) -> Result<(), FallbackReason> {
        let plan = self.plans.get(&job.kernel);
        let drawable = prepare::can_draw(&job.window, &plan);
        if !drawable || cpu::cancel(job.points, &job.kernel, &job.window) {
            return Err(FallbackReason::Beyond);
        }
        if plan.is_quarantined() {
            return Err(FallbackReason::Quarantined);
        }
        let (blocks, phase) = prepare::blocks(&job.window, &plan);
        let resident = self.point_buffers.get(job.points);
        for block in blocks {
            let prepared = PreparedBlock::new(
                job.points,
                &block.window(&job.window),
                phase,
                &plan,
                target.for_block(&block),
                resident.clone(),
            )?;
            let Some(prepared) = prepared else { continue };
            let number = call.blocks.len();
            call.blocks.push(CallBlock {
                job: call.reasons.len(),
                block,
                plan: Arc::clone(&plan),
            });
            tasks.push(Task {
                prepared,
                number,
                caller: Arc::clone(sender),
            });
        }
        Ok(())
    }

    /// Waits until all blocks of a call have an answer. For each block that was drawn and whose
    /// counters and checksum are right, calls `paste` with three arguments: the number of the
    /// block's job in the call, counted from 0; the block; and its output in words of 32 bits.
    /// Returns for each job `None` if the device has drawn all of it, and otherwise the reason why
    /// it has not. Each reason also counts in the backend's
    /// [`GpuReport`](super::counters::GpuReport).
    pub(super) fn receive(
        &self,
        call: Call,
        mut paste: impl FnMut(usize, Block, &[u32]),
    ) -> Vec<Option<FallbackReason>> {
        let clock = ThreadClock::start(&self.health.counters.caller_ns);
        let Call {
            blocks,
            answers,
            mut reasons,
        } = call;
        let mut fail = |job: usize, reason| {
            if let Some(place) = reasons.get_mut(job) {
                *place = Some(reason);
            }
        };
        let mut open = blocks.len();
        while open > 0 {
            match received(&answers) {
                Ok(Answer::Finished(readings, parts)) => {
                    open = open.saturating_sub(parts.len());
                    for part in parts {
                        let Some(block) = blocks.get(part.number) else {
                            continue;
                        };
                        match self.checked(&readings, &part, block) {
                            Ok(words) => paste(block.job, block.block, words),
                            Err(reason) => fail(block.job, reason),
                        }
                    }
                }
                Ok(Answer::Failed(number, reason)) => {
                    open -= 1;
                    blocks
                        .get(number)
                        .into_iter()
                        .for_each(|block| fail(block.job, reason));
                }
                // The worker thread has ended, so no answer can come any more.
                Err(_) => {
                    blocks
                        .iter()
                        .for_each(|block| fail(block.job, FallbackReason::Lost));
                    break;
                }
            }
        }
        drop(clock);
        for reason in reasons.iter().flatten() {
            self.health.count_failure(*reason, &self.name);
        }
        reasons
    }

    /// Checks the counters and the checksum of a block, and returns the block's output in words of
    /// 32 bits. If one is wrong, this is counted for the block's plan, and the worker thread gets
    /// the number of the device that drew the block, so that it closes this device.
    fn checked<'a>(
        &self,
        readings: &'a Readings,
        part: &PicturePart,
        block: &CallBlock,
    ) -> Result<&'a [u32], FallbackReason> {
        let words = readings.picture(part);
        match words {
            Ok(_) => self.health.counters.drawn.add(1),
            Err(_) => {
                block.plan.count_wrong();
                self.worker.is_wrong(readings.device);
            }
        }
        words
    }

    /// Draws densities on the device. For a job that the device doesn't draw, returns the reason.
    pub(super) fn device_densities(
        &self,
        jobs: &[Job<'_>],
    ) -> Vec<Result<Density, FallbackReason>> {
        let call = self.send(jobs.iter().map(|job| (job, OutputTarget::Densities)));
        let mut drawn: Vec<Option<Density>> = jobs.iter().map(|_| None).collect();
        let failed = self.receive(call, |number, block, words| {
            let (Some(job), Some(drawn)) = (jobs.get(number), drawn.get_mut(number)) else {
                return;
            };
            let values: &[f32] = bytemuck::cast_slice(words);
            let (width, height) = (job.window.width(), job.window.height());
            if (block.width, block.height) == (width, height) {
                *drawn = Some(Density {
                    width,
                    height,
                    values: values.to_vec(),
                });
            } else {
                let whole = drawn.get_or_insert_with(|| Density::empty(width, height));
                paste_rows(&mut whole.values, width, values, block.width, block);
            }
        });
        let each = jobs.iter().zip(drawn).zip(failed);
        each.map(|((job, drawn), failed)| match failed {
            Some(reason) => Err(reason),
            None => Ok(drawn.unwrap_or_else(|| {
                // No block has cells.
                Density::empty(job.window.width(), job.window.height())
            })),
        })
        .collect()
    }

    /// Draws colour indices on the device; `None` for a job that the device doesn't draw. Each job
    /// comes with the thresholds of its scale, as `tables::thresholds` makes them, and the colour
    /// index of density 0, which blocks without cells get.
    pub(super) fn device_pictures(
        &self,
        jobs: &[(Job<'_>, Arc<[u32]>, u8)],
    ) -> Vec<Option<Picture>> {
        let target = |table: &Arc<[u32]>| OutputTarget::Indices(Arc::clone(table));
        let call = self.send(jobs.iter().map(|(job, table, _)| (job, target(table))));
        let mut drawn: Vec<Option<Picture>> = jobs.iter().map(|_| None).collect();
        let empty = |width: u32, height: u32, nothing: u8| Picture {
            width,
            height,
            indices: vec![nothing; width as usize * height as usize],
        };
        let failed = self.receive(call, |number, block, words| {
            let (Some((job, _, nothing)), Some(drawn)) = (jobs.get(number), drawn.get_mut(number))
            else {
                return;
            };
            let indices: &[u8] = bytemuck::cast_slice(words);
            let (width, height) = (job.window.width(), job.window.height());
            let pitch = block.width.next_multiple_of(4);
            if (block.width, block.height) == (width, height) && pitch == width {
                *drawn = Some(Picture {
                    width,
                    height,
                    indices: indices.to_vec(),
                });
            } else {
                let whole = drawn.get_or_insert_with(|| empty(width, height, *nothing));
                paste_rows(&mut whole.indices, width, indices, pitch, block);
            }
        });
        let each = jobs.iter().zip(drawn).zip(failed);
        each.map(|(((job, _, nothing), drawn), failed)| match failed {
            Some(_) => None,
            None => Some(
                drawn.unwrap_or_else(|| empty(job.window.width(), job.window.height(), *nothing)),
            ),
        })
        .collect()
    }
}

/// Waits for an answer. If the work of this thread must end, the wait ends by unwinding the stack,
/// and what the device draws for the call is dropped.
fn received(answers: &mpsc::Receiver<Answer>) -> Result<Answer, mpsc::RecvError> {
    loop {
        match answers.recv_timeout(LOOK) {
            Ok(answer) => return Ok(answer),
            Err(mpsc::RecvTimeoutError::Timeout) => cancel::check(cancel::UNITS_BETWEEN_LOOKS),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(mpsc::RecvError),
        }
    }
}

/// Copies the rows of a block to their place in a picture, whose rows are `width` elements long.
/// The rows in `from` are `pitch` elements apart.
fn paste_rows<T: Copy>(to: &mut [T], width: u32, from: &[T], pitch: u32, block: Block) {
    let rows = to.chunks_exact_mut((width as usize).max(1));
    let lines = from.chunks_exact((pitch as usize).max(1));
    for (row, line) in rows.skip(block.y as usize).zip(lines) {
        let place = row.get_mut(block.x as usize..);
        let place = place.and_then(|row| row.get_mut(..block.width as usize));
        if let Some((place, line)) = place.zip(line.get(..block.width as usize)) {
            place.copy_from_slice(line);
        }
    }
}
