//! Points that stay on the device: an index streams itself into buffers once, and from then on
//! a picture costs the bus nothing but the addresses of its cells.

use super::device::Context;
use super::health::Failure;
use heatsplat_points::{Point, PointSink, Points};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// Points and cells of one index on a device, in buffers of equal length.
///
/// What the memory budget has no room for is not there: the first buffers are left out, since
/// the cells that wide views read come last.
#[derive(Debug)]
pub(super) struct GpuPoints {
    chunk: usize,
    buffers: Vec<Option<wgpu::Buffer>>,
    /// The device they are on, counted through all that there were.
    pub(super) device: u64,
    /// Given back when the points go.
    bytes: u64,
}

impl GpuPoints {
    /// The buffer that an address is in, and the place there.
    pub(super) fn find(&self, address: usize) -> Option<(usize, usize)> {
        let number = address / self.chunk;
        self.buffer(number)?;
        Some((number, address % self.chunk))
    }

    /// How many addresses there are up to the end of a buffer.
    pub(super) fn until_next(&self, address: usize) -> usize {
        self.chunk - address % self.chunk
    }

    pub(super) fn buffer(&self, number: usize) -> Option<&wgpu::Buffer> {
        self.buffers.get(number)?.as_ref()
    }
}

/// All points that are on a device.
#[derive(Debug)]
pub(super) struct Shelf {
    /// Bytes that points may take.
    memory: u64,
    /// The most points in one buffer.
    chunk: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    device: Option<Context>,
    number: u64,
    used: u64,
    places: Vec<Place>,
}

/// Where the points of an index are, or will be when who came first has poured them.
#[derive(Clone, Debug)]
struct Place {
    owner: Weak<()>,
    points: Arc<OnceLock<Option<Arc<GpuPoints>>>>,
}

impl Shelf {
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

    /// Points go to this device from now on. What was on another is gone.
    pub(super) fn attach(&self, device: Option<Context>) {
        let mut inner = self.lock();
        inner.device = device;
        inner.number += 1;
        inner.used = 0;
        inner.places.clear();
    }

    /// The number of the device that points go to.
    pub(super) fn number(&self) -> u64 {
        self.lock().number
    }

    /// The device, unless it is resting.
    pub(super) fn device(&self) -> Option<Context> {
        self.lock().device.clone()
    }

    /// Bytes that points take.
    pub(super) fn used(&self) -> u64 {
        self.lock().used
    }

    /// The points of an index on the device, poured there when they are first asked for.
    pub(super) fn get(&self, points: &Points) -> Option<Arc<GpuPoints>> {
        let (device, number, place) = {
            let mut inner = self.lock();
            inner.sweep();
            let device = inner.device.clone()?;
            let owner = Arc::as_ptr(points.identity());
            let found = inner.places.iter().find(|p| p.owner.as_ptr() == owner);
            let place = found.cloned().unwrap_or_else(|| {
                let place = Place {
                    owner: Arc::downgrade(points.identity()),
                    points: Arc::default(),
                };
                inner.places.push(place.clone());
                place
            });
            (device, inner.number, place)
        };
        // outside the lock: other layers go on meanwhile
        place
            .points
            .get_or_init(|| self.pour(points, &device, number))
            .clone()
    }

    fn pour(&self, points: &Points, device: &Context, number: u64) -> Option<Arc<GpuPoints>> {
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
                0 // the device failed meanwhile
            };
            let granted = ((free / bytes) as usize).min(chunks);
            inner.used += granted as u64 * bytes;
            granted
        };
        let mut sink = Pour {
            device,
            chunk,
            skip: (chunks - granted) * chunk,
            buffers: vec![None; chunks - granted],
            open: None,
        };
        let poured = device.guarded(|| {
            points.stream_into(&mut sink);
            sink.close();
            Ok(())
        });
        match poured {
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
    /// Lets go of points whose index is gone.
    fn sweep(&mut self) {
        let mut freed = 0;
        self.places.retain(|place| {
            let there = place.owner.strong_count() > 0;
            if !there && let Some(Some(points)) = place.points.get() {
                freed += points.bytes;
            }
            there
        });
        self.used = self.used.saturating_sub(freed);
    }
}

/// A stream of points on its way into buffers.
struct Pour<'a> {
    device: &'a Context,
    chunk: usize,
    /// Points still to be left out.
    skip: usize,
    buffers: Vec<Option<wgpu::Buffer>>,
    open: Option<Open>,
}

struct Open {
    buffer: wgpu::Buffer,
    view: wgpu::BufferViewMut,
    filled: usize,
}

impl Pour<'_> {
    fn open(&self) -> Result<Open, Failure> {
        let buffer = self.device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("points"),
            size: (self.chunk * size_of::<Point>()) as u64,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: true,
        });
        let view = buffer.get_mapped_range_mut(..);
        Ok(Open {
            view: view.map_err(|_| Failure::OutOfMemory)?,
            buffer,
            filled: 0,
        })
    }

    fn close(&mut self) {
        if let Some(Open { buffer, view, .. }) = self.open.take() {
            drop(view);
            buffer.unmap();
            self.buffers.push(Some(buffer));
        }
    }
}

impl PointSink for Pour<'_> {
    fn push(&mut self, batch: &[Point]) {
        let skipped = self.skip.min(batch.len());
        self.skip -= skipped;
        let mut rest = batch.get(skipped..).unwrap_or_default();
        while !rest.is_empty() {
            if self.open.is_none() {
                match self.open() {
                    Ok(open) => self.open = Some(open),
                    // what is not there is sent with each batch
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
