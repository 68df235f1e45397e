//! Pictures on a device that the embedding program has made.

use super::*;
use heatsplat::render::gpu::wgpu;

/// Makes a device as an embedding program would make it. `None` if this machine has no adapter.
fn own() -> Option<(wgpu::Device, wgpu::Queue)> {
    device(AdapterChoice::Any)?;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::all();
    let instance = wgpu::Instance::new(descriptor);
    let adapter = ready(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    Some(ready(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap())
}

/// The result of a future that is ready at once. On native platforms all futures of wgpu are.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("not ready"),
    }
}

fn read(device: &wgpu::Device, queue: &wgpu::Queue, buffer: &wgpu::Buffer) -> Vec<u8> {
    let back = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: buffer.size(),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(buffer, 0, &back, 0, buffer.size());
    queue.submit([encoder.finish()]);
    back.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    back.get_mapped_range(..).unwrap().to_vec()
}

#[test]
fn pictures_stay_on_a_programs_own_device() {
    let Some((device, queue)) = own() else { return };
    let gpu =
        GpuBackend::from_device(device.clone(), queue.clone(), &GpuOptions::default()).unwrap();
    let (layer, _) = cities();
    // The window is wider than a block of the GPU, its size is odd, and half of it is empty.
    let window = Window::at_level(12, 2100, 1350, 701, 333);
    let job = Job {
        points: layer.points(),
        window,
        kernel: layer.style().kernel_in(window),
        strip: false,
    };
    let before = gpu.report();
    let density = gpu.density_buffer(&job).unwrap();
    let after = gpu.report();
    // The blocks are written where they stay.
    assert_eq!(after.copies, before.copies);
    assert_eq!(after.submissions - before.submissions, 1);
    assert_eq!(after.drawn - before.drawn, 2);
    assert_eq!((density.width, density.height), (701, 333));
    let values = read(&device, &queue, &density.buffer);
    let values = values
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    let drawn = Density {
        width: 701,
        height: 333,
        values,
    };
    let truth = &CpuBackend::new().densities(&[job])[0];
    assert_eq!(wrong_density(&drawn, truth, peak(truth)), None);

    for domain in ["auto", "-5,5"] {
        let style = scenes::style(&[("domain", domain)]);
        let scale = layer.normalizer(12, &style);
        let colors = gpu.color_buffer(&job, &scale, style.ramp()).unwrap();
        let bytes = read(&device, &queue, &colors.buffer);
        let table = style.ramp().colors();
        let truth = &CpuBackend::new().pictures(&[(job, &scale)])[0];
        for (color, &index) in bytes.as_chunks::<4>().0.iter().zip(&truth.indices) {
            let near = usize::from(index.saturating_sub(1))..=usize::from(index.saturating_add(1));
            assert!(
                table[near].contains(color),
                "{domain}: {color:?} at {index}"
            );
        }
    }
}
