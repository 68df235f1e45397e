//! Pictures that stay on the device, for programs that go on with them there.

use super::health::Failure;
use super::prepare::{Kept, Wanted};
use super::{GpuBackend, tables};
use crate::ramp::Ramp;
use crate::scale::Normalizer;
use crate::splat::Job;

/// A picture on the device: row by row from the north, without gaps.
#[derive(Clone, Debug)]
pub struct GpuPicture {
    /// One f32 or one RGBA colour of four bytes a pixel. It can be bound, copied and mapped from.
    pub buffer: wgpu::Buffer,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl GpuBackend {
    /// The densities of a job in a buffer of the device.
    ///
    /// # Errors
    /// What keeps the device from drawing it: there is no CPU that could fill the buffer.
    pub fn density_buffer(&self, job: &Job<'_>) -> Result<GpuPicture, Failure> {
        self.keep(job, None)
    }

    /// The colours of a job in a buffer of the device: straight RGBA, red in the first byte.
    ///
    /// # Errors
    /// As [`density_buffer`](Self::density_buffer).
    pub fn color_buffer(
        &self,
        job: &Job<'_>,
        scale: &Normalizer,
        ramp: &Ramp,
    ) -> Result<GpuPicture, Failure> {
        self.keep(job, Some(tables::colors(scale, ramp)))
    }

    fn keep(&self, job: &Job<'_>, table: Option<Vec<u32>>) -> Result<GpuPicture, Failure> {
        let (width, height) = (job.window.width(), job.window.height());
        let device = self.shelf.device().ok_or(Failure::Resting)?;
        // where no cell is seen, no block is drawn, and nothing may have a colour too
        let nothing = table.as_deref().map_or(0, tables::color_of_nothing);
        let buffer = device.guarded(|| {
            let size = u64::from(width) * u64::from(height) * 4;
            let buffer = device.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("picture"),
                size,
                usage: wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_SRC
                    | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            if nothing != 0 {
                let row = vec![nothing; width as usize];
                for y in 0..u64::from(height) {
                    let at = y * u64::from(width) * 4;
                    device
                        .queue
                        .write_buffer(&buffer, at, bytemuck::cast_slice(&row));
                }
            }
            Ok(buffer)
        })?;
        let kept = Kept {
            buffer: buffer.clone(),
            first: 0,
            pitch: u64::from(width),
        };
        let wanted = Wanted::Kept(table.map(Into::into), kept);
        self.receive(self.send(job, &wanted), |_, _| ())?;
        Ok(GpuPicture {
            buffer,
            width,
            height,
        })
    }
}
