//! Points that stay on the device. An index is uploaded once; from then on a picture transfers only
//! the addresses of its cells.

use super::device::DeviceContext;
use super::health::FallbackReason;
use heatsplat_points::{Point, PointSink, Points};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// The points and cells of one index on a device, in buffers of equal length. The address of a
/// point or cell is its number, counted from 0 through all buffers.
///
/// If the allowed memory is too small, the first buffers are left out. The last buffers hold the
/// coarse cells that wide views show.
#[derive(Debug)]
pub(super) struct GpuPoints {
    /// The number of points and cells in each buffer.
    chunk: usize,
    /// The buffers in the order of addresses. `None` for a buffer that was left out: its cells are
    /// sent with each picture.
    buffers: Vec<Option<wgpu::Buffer>>,
    /// The number of the device that has these points. A device that fails is opened again, and
    /// gets a new number each time.
    pub(super) device: u64,
    /// The number of bytes of the device's memory that these points take.
    bytes: u64,
}

impl GpuPoints {
    /// Finds the buffer that contains an address: the buffer's number, counted from 0, and the
    /// offset of the address in it, in points. `None` if the buffer was left out.
    pub(super) fn find(&self, address: usize) -> Option<(usize, usize)> {
        let number = address / self.chunk;
        self.buffer(number)?;
        Some((number, address % self.chunk))
    }

    /// The number of addresses from `address`, which is included, to the end of its buffer.
    pub(super) fn until_next(&self, address: usize) -> usize {
        self.chunk - address % self.chunk
    }

    pub(super) fn buffer(&self, number: usize) -> Option<&wgpu::Buffer> {
        self.buffers.get(number)?.as_ref()
    }
}

/// The points of all indices that are on a device.
#[derive(Debug)]
pub(super) struct PointBuffers {
    /// The greatest number of bytes that points may take on the device.
    memory: u64,
    /// The greatest number of points in one buffer.
    chunk: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    device: Option<DeviceContext>,
    number: u64,
    used: u64,
    entries: Vec<IndexEntry>,
}

/// The points of an index on the device. The first caller that needs them uploads them.
#[derive(Clone, Debug)]
struct IndexEntry {
    owner: Weak<()>,
    points: Arc<OnceLock<Option<Arc<GpuPoints>>>>,
}

impl PointBuffers {
    pub(super) fn new(memory: u64, chunk: usize) -> Self {
        Self {
            memory,
            chunk: chunk.max(1),
            inner: Mutex::default(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the device to which points are uploaded, or no device. Points on the former device are
    /// forgotten.
    pub(super) fn attach(&self, device: Option<DeviceContext>) {
        let mut inner = self.lock();
        inner.device = device;
        inner.number += 1;
        inner.used = 0;
        inner.entries.clear();
    }

    /// The number of the current device. A device that fails is opened again, and gets a new number
    /// each time.
    pub(super) fn number(&self) -> u64 {
        self.lock().number
    }

    /// The current device; `None` during the pause after a failure.
    pub(super) fn device(&self) -> Option<DeviceContext> {
        self.lock().device.clone()
    }

    /// The number of bytes that points take on the device.
    pub(super) fn used(&self) -> u64 {
        self.lock().used
    }

    /// The points of an index on the device. They are uploaded when they are first needed. `None`
    /// in three cases:
    ///
    /// * during the pause after a failure
    /// * if the device has no memory for any of the points
    /// * if the points are not in memory, but in a file
    pub(super) fn get(&self, points: &Points) -> Option<Arc<GpuPoints>> {
        points.as_slice()?;
        let (device, number, entry) = {
            let mut inner = self.lock();
            inner.sweep();
            let device = inner.device.clone()?;
            let owner = Arc::as_ptr(points.identity());
            let found = inner.entries.iter().find(|p| p.owner.as_ptr() == owner);
            let entry = found.cloned().unwrap_or_else(|| {
                let entry = IndexEntry {
                    owner: Arc::downgrade(points.identity()),
                    points: Arc::default(),
                };
                inner.entries.push(entry.clone());
                entry
            });
            (device, inner.number, entry)
        };
        // Points are uploaded outside the lock, so that other layers needn't wait.
        entry
            .points
            .get_or_init(|| self.upload(points, &device, number))
            .clone()
    }

    fn upload(
        &self,
        points: &Points,
        device: &DeviceContext,
        number: u64,
    ) -> Option<Arc<GpuPoints>> {
        let total = points.stream_len();
        let most = device.limits.max_storage_buffer_binding_size / size_of::<Point>() as u64;
        let chunk = self.chunk.min(most as usize).min(total.max(1));
        let chunks = total.div_ceil(chunk);
        let bytes = (chunk * size_of::<Point>()) as u64;
        let granted = {
            let mut inner = self.lock();
            let free = if inner.number == number {
                self.memory.saturating_sub(inner.used)
            } else {
                0 // The device failed meanwhile.
            };
            let granted = ((free / bytes) as usize).min(chunks);
            inner.used += granted as u64 * bytes;
            granted
        };
        let mut sink = Upload {
            device,
            chunk,
            skip: (chunks - granted) * chunk,
            buffers: vec![None; chunks - granted],
            open: None,
            submitted: None,
        };
        let uploaded = device.guarded(|| {
            points.stream_into(&mut sink);
            sink.close();
            Ok(())
        });
        match uploaded {
            Ok(()) if granted > 0 => Some(Arc::new(GpuPoints {
                chunk,
                buffers: sink.buffers,
                device: number,
                bytes: granted as u64 * bytes,
            })),
            _ => {
                let mut inner = self.lock();
                inner.used = inner.used.saturating_sub(granted as u64 * bytes);
                None
            }
        }
    }
}

impl Inner {
    /// Forgets the points of indices that were dropped, and counts their bytes as free.
    fn sweep(&mut self) {
        let mut freed = 0;
        self.entries.retain(|entry| {
            let there = entry.owner.strong_count() > 0;
            if !there && let Some(Some(points)) = entry.points.get() {
                freed += points.bytes;
            }
            there
        });
        self.used = self.used.saturating_sub(freed);
    }
}

/// A sink that copies a stream of points into buffers on the device.
struct Upload<'a> {
    device: &'a DeviceContext,
    chunk: usize,
    /// The number of points at the beginning of the stream that are still to be left out.
    skip: usize,
    buffers: Vec<Option<wgpu::Buffer>>,
    open: Option<OpenBuffer>,
    /// The submission that copies the last full buffer to the device.
    submitted: Option<wgpu::SubmissionIndex>,
}

struct OpenBuffer {
    buffer: wgpu::Buffer,
    view: wgpu::BufferViewMut,
    filled: usize,
}

impl Upload<'_> {
    fn open(&self) -> Result<OpenBuffer, FallbackReason> {
        let buffer = self.device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("points"),
            size: (self.chunk * size_of::<Point>()) as u64,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: true,
        });
        let view = buffer.get_mapped_range_mut(..);
        Ok(OpenBuffer {
            view: view.map_err(|_| FallbackReason::OutOfMemory)?,
            buffer,
            filled: 0,
        })
    }

    fn close(&mut self) {
        if let Some(OpenBuffer { buffer, view, .. }) = self.open.take() {
            drop(view);
            buffer.unmap();
            self.buffers.push(Some(buffer));
            // What was written waits in memory of the host until it is submitted and copied. So
            // each buffer is submitted at once, and at most two wait.
            let before = self.submitted.replace(self.device.queue.submit([]));
            if before.is_some() {
                let _ = self.device.device.poll(wgpu::PollType::Wait {
                    submission_index: before,
                    timeout: Some(self.device.timeout),
                });
            }
        }
    }
}

impl PointSink for Upload<'_> {
    fn push(&mut self, batch: &[Point]) {
        let skipped = self.skip.min(batch.len());
        self.skip -= skipped;
        let mut rest = batch.get(skipped..).unwrap_or_default();
        while !rest.is_empty() {
            if self.open.is_none() {
                match self.open() {
                    Ok(open) => self.open = Some(open),
                    // Points that are not on the device are sent with each batch.
                    Err(_) => return,
                }
            }
            let Some(open) = &mut self.open else { return };
            let (now, later) = rest.split_at(rest.len().min(self.chunk - open.filled));
            let bytes: &[u8] = bytemuck::cast_slice(now);
            let from = open.filled * size_of::<Point>();
            open.view
                .slice(from..from + bytes.len())
                .copy_from_slice(bytes);
            open.filled += now.len();
            rest = later;
            if open.filled == self.chunk {
                self.close();
            }
        }
    }
}
