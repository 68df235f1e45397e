//! Buffers that are reused from batch to batch, and never become smaller.

use wgpu::BufferUsages;

/// A buffer with room for the greatest number of bytes that was requested so far.
#[derive(Debug)]
pub(super) struct GrowBuffer {
    label: &'static str,
    usage: BufferUsages,
    buffer: Option<wgpu::Buffer>,
}

impl GrowBuffer {
    /// A buffer for shaders. The host can't read its memory directly.
    pub(super) fn inner(label: &'static str) -> Self {
        Self {
            label,
            usage: BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST,
            buffer: None,
        }
    }

    /// A buffer that the host can read.
    pub(super) fn readback(label: &'static str) -> Self {
        Self {
            label,
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            buffer: None,
        }
    }

    /// The buffer, with room for at least `bytes` bytes. If it has to grow, its contents are lost.
    pub(super) fn at_least(&mut self, device: &wgpu::Device, bytes: u64) -> &wgpu::Buffer {
        if self.is_less_than(bytes) {
            self.buffer = None;
        }
        self.buffer.get_or_insert_with(|| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(self.label),
                // The size has an eighth to spare, so that slowly growing sizes don't need a new
                // buffer each time.
                size: (bytes + bytes / 8).next_multiple_of(256).max(256),
                usage: self.usage,
                mapped_at_creation: false,
            })
        })
    }

    /// Returns true if the buffer has no room for `bytes` bytes, so that it must grow.
    pub(super) fn is_less_than(&self, bytes: u64) -> bool {
        self.buffer.as_ref().is_none_or(|b| b.size() < bytes)
    }

    /// The buffer as it is; `None` before the first call of [`at_least`](Self::at_least).
    pub(super) fn get(&self) -> Option<&wgpu::Buffer> {
        self.buffer.as_ref()
    }
}
