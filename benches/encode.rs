//! Times the encoding of pictures in each format, and prints the sizes of the files. Run with
//! `cargo bench --bench encode`.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use criterion::{Criterion, criterion_group, criterion_main};
use heatsplat::ImageFormat;
use heatsplat::render::encode::ImageEncoding;

fn bench(c: &mut Criterion) {
    let layer = data::layer(if data::smoke() { 10_000 } else { 1_000_000 });
    let mut group = c.benchmark_group("encode");
    for (name, z) in [("dense", 0), ("sparse", 8)] {
        let Some(&tile) = data::tiles(&layer, z, 8).first() else {
            continue;
        };
        let style = layer.style();
        let picture = layer.tile(tile).picture();
        let encode = |format| {
            let encoding = ImageEncoding::from(format);
            encoding.picture(&picture, style.ramp()).expect("bytes")
        };
        let rgba = encode(ImageFormat::PngRgba).len();
        for format in [ImageFormat::Png, ImageFormat::PngRgba, ImageFormat::WebP] {
            println!(
                "{name} {format:?}: {} bytes, {:.2} of RGBA PNG",
                encode(format).len(),
                encode(format).len() as f64 / rgba as f64
            );
            group.bench_function(format!("{name}/{format:?}"), |b| b.iter(|| encode(format)));
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
