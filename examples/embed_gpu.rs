//! Heat on a `wgpu::Device` that a program has already.
//!
//!     cargo run --release --example embed_gpu              # writes tile.png

use heatsplat::render::gpu::{GpuBackend, GpuOptions, wgpu};
use heatsplat::{Layer, Points, Style, TileId, TileSize};
use std::error::Error;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    // A device that the program draws other things with, too.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let request = wgpu::RequestAdapterOptions::default();
    let adapter = pollster::block_on(instance.request_adapter(&request))?;
    let descriptor = wgpu::DeviceDescriptor::default();
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))?;

    let gpu = GpuBackend::from_device(device, queue, &GpuOptions::default())?;
    let points = Points::from_lon_lat(heatsplat::generate::points(1_000_000, 1))?;
    let layer = Layer::new("made up", points, Style::default(), Arc::new(gpu));
    let world = TileId::new(0, 0, 0)?;
    let png = layer.tile(world).size(TileSize::RETINA).png()?;
    std::fs::write("tile.png", &png)?;
    println!("tile.png: drawn by {}", layer.backend().name());
    Ok(())
}
