//! Times the reading of CSV text into an index. Run with `cargo bench --bench load`.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heatsplat::PointsBuilder;
use heatsplat_loader::{LoadOptions, load, read};
use std::fmt::Write as _;
use std::io::Cursor;

fn csv(n: usize) -> String {
    let mut text = String::from("lon,lat,weight\n");
    for (lon, lat, weight) in heatsplat::generate::points(n, 1) {
        let _ = writeln!(text, "{lon:.6},{lat:.6},{weight:.3}");
    }
    text
}

fn bench(c: &mut Criterion) {
    let n = if data::smoke() { 10_000 } else { 1_000_000 };
    let text = csv(n);
    let mut group = c.benchmark_group("load");
    group
        .throughput(Throughput::Elements(n as u64))
        .sample_size(10);
    group.bench_function("csv", |b| {
        b.iter(|| {
            let reader = Cursor::new(text.clone().into_bytes());
            let mut source = read(reader, "bench.csv", &LoadOptions::default()).expect("a source");
            let mut sink = PointsBuilder::new();
            load(source.as_mut(), &mut sink, |_| {}).expect("points")
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
