//! Pictures that stay on the device, for programs that use them there.

use super::health::FallbackReason;
use super::prepare::{OutputBuffer, OutputTarget};
use super::{GpuBackend, tables};
use crate::ramp::Ramp;
use crate::scale::normalizer::Normalizer;
use crate::splat::Job;
use crate::splat::tiling::BLOCK;

/// A picture on the device. Its pixels are stored row by row from the north, without gaps between
/// rows.
#[derive(Clone, Debug)]
pub struct GpuPicture {
    /// The pixels: an f32 for each density, or four bytes for each RGBA colour. Shaders can bind
    /// the buffer, and data can be copied into it and out of it.
    pub buffer: wgpu::Buffer,
    /// The picture's width in pixels.
    pub width: u32,
    /// The picture's height in pixels.
    pub height: u32,
}

impl GpuBackend {
    /// Draws the densities of a job into a new buffer on the device.
    ///
    /// # Errors
    /// The reason why the device can't draw the job. The CPU does not draw it instead, since it
    /// could not fill the buffer.
    pub fn density_buffer(&self, job: &Job<'_>) -> Result<GpuPicture, FallbackReason> {
        self.draw_into_buffer(job, None)
    }

    /// Draws the colours of a job into a new buffer on the device. They are RGBA, not
    /// premultiplied, with red in the first byte.
    ///
    /// # Errors
    /// The errors of [`density_buffer`](Self::density_buffer).
    pub fn color_buffer(
        &self,
        job: &Job<'_>,
        scale: &Normalizer,
        ramp: &Ramp,
    ) -> Result<GpuPicture, FallbackReason> {
        self.draw_into_buffer(job, Some(tables::colors(scale, ramp)))
    }

    fn draw_into_buffer(
        &self,
        job: &Job<'_>,
        table: Option<Vec<u32>>,
    ) -> Result<GpuPicture, FallbackReason> {
        let (width, height) = (job.window.width(), job.window.height());
        let device = self.point_buffers.device().ok_or(FallbackReason::Resting)?;
        let buffer = device.guarded(|| {
            Ok(device.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("picture"),
                size: u64::from(width) * u64::from(height) * 4,
                usage: wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_SRC
                    | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }))
        })?;
        let output = OutputBuffer {
            buffer: buffer.clone(),
            first: 0,
            pitch: u64::from(width),
        };
        let target = OutputTarget::Buffer(table.map(Into::into), output);
        let rows = u64::from(height.min(BLOCK)) * u64::from(width) * 4;
        if rows + 256 > device.limits.max_storage_buffer_binding_size {
            // The shaders could not reach the whole of a block.
            self.health
                .count_failure(FallbackReason::Beyond, &self.name);
            return Err(FallbackReason::Beyond);
        }
        let call = self.send([(job, target)]);
        let failed = self.receive(call, |_, _, _| ());
        if let Some(reason) = failed.into_iter().flatten().next() {
            return Err(reason);
        }
        Ok(GpuPicture {
            buffer,
            width,
            height,
        })
    }
}
