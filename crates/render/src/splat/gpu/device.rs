//! Devices whose errors are returned as values and never cause a panic.

use super::health::FallbackReason;
use super::pass_stamps::CLOCK;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A device with its queue, and a record of the errors that it has reported.
#[derive(Clone, Debug)]
pub(super) struct DeviceContext {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) limits: wgpu::Limits,
    /// The greatest time to wait until the device has drawn a batch of pictures. A working device
    /// never takes so long, since what one submission computes is limited.
    pub(super) timeout: Duration,
    /// True when the device has been lost.
    lost: Arc<AtomicBool>,
    /// The last error that was reported outside of `guarded`. The next call of `guarded` returns
    /// it.
    stray: Arc<Mutex<Option<FallbackReason>>>,
}

impl DeviceContext {
    /// Opens a device on an adapter, which is a GPU of the machine.
    pub(super) fn open(adapter: &wgpu::Adapter) -> Result<Self, wgpu::RequestDeviceError> {
        let theirs = adapter.limits();
        // The limits are those that every device supports, except for the sizes of buffers, which
        // are the largest that this device supports.
        let limits = wgpu::Limits {
            max_buffer_size: theirs.max_buffer_size,
            max_storage_buffer_binding_size: theirs.max_storage_buffer_binding_size,
            ..wgpu::Limits::default()
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("heatsplat"),
            // Benchmarks read the clock; pictures need no feature.
            required_features: adapter.features() & CLOCK,
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))?;
        let context = Self::from_device(device, queue);
        let stray = Arc::clone(&context.stray);
        // The handler is replaced, since the default handler panics.
        context
            .device
            .on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
                tracing::warn!("the GPU reports: {error}");
                *stray.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind(&error));
            }));
        let lost = Arc::clone(&context.lost);
        context.device.set_device_lost_callback(move |_, _| {
            lost.store(true, Ordering::SeqCst);
        });
        Ok(context)
    }

    /// Wraps a device that the caller has opened. Its error handlers are not changed.
    pub(super) fn from_device(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let software = device.adapter_info().device_type == wgpu::DeviceType::Cpu;
        Self {
            limits: device.limits(),
            // A software driver shares the CPU with everything else, so it gets more time.
            timeout: Duration::from_secs(if software { 120 } else { 2 }),
            device,
            queue,
            lost: Arc::default(),
            stray: Arc::default(),
        }
    }

    /// Runs `work` on the device and returns its result. If the device reports an error meanwhile,
    /// this error is returned instead.
    pub(super) fn guarded<T>(
        &self,
        work: impl FnOnce() -> Result<T, FallbackReason>,
    ) -> Result<T, FallbackReason> {
        let filters = [
            wgpu::ErrorFilter::Internal,
            wgpu::ErrorFilter::Validation,
            wgpu::ErrorFilter::OutOfMemory,
        ];
        let scopes = filters.map(|filter| self.device.push_error_scope(filter));
        let result = work();
        let mut reason = None;
        for scope in scopes.into_iter().rev() {
            if let Some(error) = pollster::block_on(scope.pop()) {
                tracing::warn!("the GPU reports: {error}");
                reason = Some(kind(&error));
            }
        }
        let mut stray = self.stray.lock().unwrap_or_else(PoisonError::into_inner);
        match reason.or(stray.take()) {
            _ if self.lost.load(Ordering::SeqCst) => Err(FallbackReason::Lost),
            Some(reason) => Err(reason),
            None => result,
        }
    }
}

fn kind(error: &wgpu::Error) -> FallbackReason {
    match error {
        wgpu::Error::OutOfMemory { .. } => FallbackReason::OutOfMemory,
        // No other error is expected, so the device can't be trusted any more.
        wgpu::Error::Validation { .. } | wgpu::Error::Internal { .. } => FallbackReason::Lost,
    }
}
