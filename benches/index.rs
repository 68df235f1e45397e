//! Times the building of the index, which sorts the points and makes the pyramid of cells. The
//! memory of the index is printed too, in bytes for each point. Run with `cargo bench --bench
//! index`.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use heatsplat::{Point, PointSink as _, PointsBuilder};

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    for n in data::sizes() {
        let points: Vec<Point> = heatsplat::generate::points(n, 1)
            .filter_map(|(lon, lat, weight)| Point::from_lon_lat(lon, lat, weight).ok())
            .collect();
        let builder = || {
            let mut builder = PointsBuilder::new();
            builder.push(&points);
            builder
        };
        let index = builder().build();
        println!(
            "{n} points: {:.1} bytes a point",
            index.bytes() as f64 / n as f64
        );
        drop(index);
        group
            .throughput(Throughput::Elements(n as u64))
            .sample_size(10);
        group.bench_function(n.to_string(), |b| {
            b.iter_batched(builder, PointsBuilder::build, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
