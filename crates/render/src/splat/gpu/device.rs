//! A device that never panics: its errors become values.

use super::health::Failure;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A device with its queue, and whether it has been lost.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) limits: wgpu::Limits,
    /// Longer than any batch takes on a device that still works.
    pub(super) patience: Duration,
    lost: Arc<AtomicBool>,
    stray: Arc<Mutex<Option<Failure>>>,
}

impl Context {
    /// A device of ours on an adapter.
    pub(super) fn open(adapter: &wgpu::Adapter) -> Result<Self, wgpu::RequestDeviceError> {
        let theirs = adapter.limits();
        // what every device has, and of the sizes all there is
        let limits = wgpu::Limits {
            max_buffer_size: theirs.max_buffer_size,
            max_storage_buffer_binding_size: theirs.max_storage_buffer_binding_size,
            ..wgpu::Limits::default()
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("heatsplat"),
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))?;
        let context = Self::of(device, queue);
        let stray = Arc::clone(&context.stray);
        // the default handler panics
        context
            .device
            .on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
                crate::say!("heatsplat: the GPU reports: {error}");
                *stray.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind(&error));
            }));
        let lost = Arc::clone(&context.lost);
        context.device.set_device_lost_callback(move |_, _| {
            lost.store(true, Ordering::SeqCst);
        });
        Ok(context)
    }

    /// A device that belongs to someone else, whose handlers are left alone.
    pub(super) fn of(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let software = device.adapter_info().device_type == wgpu::DeviceType::Cpu;
        Self {
            limits: device.limits(),
            // a driver in software shares the processor with everything else
            patience: Duration::from_secs(if software { 120 } else { 10 }),
            device,
            queue,
            lost: Arc::default(),
            stray: Arc::default(),
        }
    }

    /// Does something with the device; errors on the way are the result.
    pub(super) fn guarded<T>(
        &self,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let filters = [
            wgpu::ErrorFilter::Internal,
            wgpu::ErrorFilter::Validation,
            wgpu::ErrorFilter::OutOfMemory,
        ];
        let scopes = filters.map(|filter| self.device.push_error_scope(filter));
        let result = work();
        let mut failure = None;
        for scope in scopes.into_iter().rev() {
            if let Some(error) = pollster::block_on(scope.pop()) {
                crate::say!("heatsplat: the GPU reports: {error}");
                failure = Some(kind(&error));
            }
        }
        let mut stray = self.stray.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.or(stray.take()) {
            _ if self.lost.load(Ordering::SeqCst) => Err(Failure::Lost),
            Some(failure) => Err(failure),
            None => result,
        }
    }
}

fn kind(error: &wgpu::Error) -> Failure {
    match error {
        wgpu::Error::OutOfMemory { .. } => Failure::OutOfMemory,
        // any other error is unexpected: the device can't be trusted any more
        wgpu::Error::Validation { .. } | wgpu::Error::Internal { .. } => Failure::Lost,
    }
}
