//! The times of passes by the device's own clock.

use std::sync::mpsc;
use wgpu::{Buffer, CommandEncoder, Device, QuerySet, Queue};

/// The time that a pass of a batch took, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PassTime {
    /// The name of the compute pass.
    pub name: &'static str,
    /// The seconds that the pass took by the host's clock. They include the way to the device and
    /// back.
    pub wall: f64,
    /// The seconds that the pass took by the device's clock. `None` if the device has no clock, and
    /// for work of the host.
    pub device: Option<f64>,
}

/// The features of a device that has a clock: timestamps between the commands of an encoder.
pub(super) const CLOCK: wgpu::Features =
    wgpu::Features::TIMESTAMP_QUERY.union(wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS);

/// The number of bytes that a pair of timestamps takes.
const PAIR: u64 = 2 * wgpu::QUERY_SIZE as u64;

/// A pair of timestamps, at the beginning and the end of an encoder's commands.
#[derive(Debug)]
pub(super) struct PassStamps {
    set: QuerySet,
    resolved: Buffer,
    readable: Buffer,
    /// The length of one tick of the device's clock, in seconds.
    tick: f64,
}

impl PassStamps {
    /// Makes a pair of timestamps that are not set yet. `None` if the device has no clock.
    pub(super) fn new(device: &Device, queue: &Queue) -> Option<Self> {
        if !device.features().contains(CLOCK) {
            return None;
        }
        let buffer = |label, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: PAIR,
                usage,
                mapped_at_creation: false,
            })
        };
        let (copied, mapped) = (wgpu::BufferUsages::COPY_SRC, wgpu::BufferUsages::MAP_READ);
        Some(Self {
            set: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("pass"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer("timestamps", wgpu::BufferUsages::QUERY_RESOLVE | copied),
            readable: buffer("read timestamps", wgpu::BufferUsages::COPY_DST | mapped),
            tick: f64::from(queue.get_timestamp_period()) * 1e-9,
        })
    }

    pub(super) fn begin(&self, encoder: &mut CommandEncoder) {
        encoder.write_timestamp(&self.set, 0);
    }

    pub(super) fn end(&self, encoder: &mut CommandEncoder) {
        encoder.write_timestamp(&self.set, 1);
        encoder.resolve_query_set(&self.set, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.readable, 0, PAIR);
    }

    /// Waits for the submitted commands. Returns the number of seconds between the two timestamps;
    /// `None` if they can't be read.
    pub(super) fn read(&self, device: &Device) -> Option<f64> {
        let (done, mapped) = mpsc::channel();
        self.readable
            .map_async(wgpu::MapMode::Read, 0..PAIR, move |result| {
                let _ = done.send(result);
            });
        device.poll(wgpu::PollType::wait_indefinitely()).ok()?;
        mapped.recv().ok()?.ok()?;
        let view = self.readable.get_mapped_range(0..PAIR).ok()?;
        let stamps: Vec<u64> = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        self.readable.unmap();
        match *stamps.as_slice() {
            [begin, end] => Some(end.saturating_sub(begin) as f64 * self.tick),
            _ => None,
        }
    }
}
