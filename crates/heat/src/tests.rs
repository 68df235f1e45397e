//! Tests of whole files: what is found in them is what an index in memory finds.

use crate::counts_writer::ones;
use crate::{HeatError, HeatFile, Metadata, PageCache, WriterOptions, write_index};
use heatsplat_points::paged::PagedIndex as _;
use heatsplat_points::{Point, Points, TileId, Window};
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The path of a file that no other test has; it is removed when this is dropped.
pub(crate) struct TestPath(pub(crate) PathBuf);

impl TestPath {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("heatsplat-heat-{}-{number}.heat", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for TestPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Options with small pages.
pub(crate) fn small_pages() -> WriterOptions {
    WriterOptions {
        page_entries: 128,
        page_nodes: 3,
        reserved: 1 << 12,
        ..WriterOptions::default()
    }
}

/// Returns the bytes of the file of some points.
pub(crate) fn bytes_of(points: &Points, options: WriterOptions) -> Vec<u8> {
    let path = TestPath::new();
    let summary = write_index(points, &path.0, &Metadata::default(), options).unwrap();
    let bytes = std::fs::read(&path.0).unwrap();
    assert_eq!(summary.bytes, bytes.len() as u64);
    assert_eq!(summary.points, points.summary().count as u64);
    let cells = points.stream_len() as u64 - summary.points;
    assert_eq!(summary.cells, cells);
    assert_eq!(summary.counts_bytes, 0);
    bytes
}

pub(crate) fn open(bytes: &[u8]) -> Result<HeatFile, HeatError> {
    let cache = Arc::new(PageCache::new(1 << 20));
    HeatFile::from_source(Box::new(bytes.to_vec()), &cache)
}

/// Weights over twelve decades, missing ones, and with `signed` negative ones.
fn weight(signed: bool) -> impl Strategy<Value = f32> + Clone {
    let decade = (-6i32..6, 1i32..10_000).prop_map(|(by, w)| w as f32 * 10f32.powi(by));
    let simple = (0i32..100).prop_map(|w| w as f32 / 4.0);
    let value = prop_oneof![4 => simple, 2 => decade, 1 => Just(-0.0f32)];
    (value, any::<bool>()).prop_map(move |(w, minus)| match signed && minus && w != 0.0 {
        true => -w,
        false => w,
    })
}

/// Points anywhere, in clusters, and at equal positions.
pub(crate) fn points() -> impl Strategy<Value = Vec<Point>> {
    any::<bool>().prop_flat_map(|signed| {
        let anywhere = (any::<u32>(), any::<u32>());
        let cluster =
            (0u32..4, 0u32..1 << 12, 0u32..1 << 12, 0u32..18).prop_map(|(c, x, y, by)| {
                let middle = (c << 30) + (1 << 29);
                (middle + (x << by) - (1 << 11 << by), (1 << 31) + (y << by))
            });
        let same = (0u32..3).prop_map(|i| (i * 1_234_567_890, 7));
        let at = prop_oneof![1 => anywhere, 6 => cluster, 1 => same];
        let point = (at, weight(signed)).prop_map(|((x, y), weight)| Point { x, y, weight });
        prop_oneof![
            1 => prop::collection::vec(point.clone(), 0..40),
            6 => prop::collection::vec(point, 0..6000),
        ]
    })
}

type Entry = (u32, u32, u32, Option<u32>, u64);

/// Entries that a window shows: their bits, counts and shifts.
fn entries(points: &Points, window: &Window, finest: f64) -> Vec<Entry> {
    let cells = points.cells(window, finest);
    let mut all = Vec::new();
    for batch in cells.batches() {
        for (i, p) in batch.cells.iter().enumerate() {
            let count = batch.counts.map(|counts| counts[i]);
            all.push((p.x, p.y, p.weight.to_bits(), count, batch.shift.to_bits()));
        }
    }
    assert_eq!(all.len(), cells.len());
    all
}

pub(crate) fn window() -> impl Strategy<Value = (Window, f64)> {
    let place = (
        2u8..32,
        any::<(u32, u32)>(),
        prop::sample::select(vec![0u32, 1, 2, 3]),
    );
    let size = (1u32..700, 1u32..500, -3i64..4);
    (place, size, -9i32..6, any::<bool>()).prop_map(
        |((level, (x, y), near), (width, height, around), by, clustered)| {
            let at = |v: u32| i64::from(v.checked_shr(32 - u32::from(level)).unwrap_or(v));
            let (x, y) = match clustered {
                true => (at((near << 30) + (1 << 29)), at(1 << 31)),
                false => (at(x), at(y)),
            };
            let off = around * i64::from(width) / 2;
            let window = Window::at_level(level, x + off, y + off, width, height);
            (window, if by == -9 { 0.0 } else { 2f64.powi(by) })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn counts_are_those_of_memory(
        points in points(), windows in prop::collection::vec(window(), 30),
    ) {
        let counted: Vec<Point> = ones(&points);
        let (points, counted) = (Points::from_slice(&points), Points::from_slice(&counted));
        let options = WriterOptions { counts: true, ..small_pages() };
        let path = TestPath::new();
        let written = write_index(&points, &path.0, &Metadata::default(), options).unwrap();
        let file = Arc::new(open(&std::fs::read(&path.0).unwrap()).unwrap());
        let verified = file.verify(&mut |_| {});
        prop_assert!(verified.is_good(), "{:?}", verified);
        prop_assert_eq!(verified.pages, file.pages_len());
        // The points and their own cells are those of a file without counts.
        let plain = open(&bytes_of(&points, small_pages())).unwrap();
        prop_assert_eq!(written.identity, plain.identity());
        let own = Points::from_paged(file.clone());
        let paged = Points::from_paged(heatsplat_points::paged::PagedIndex::counted(&*file).unwrap());
        prop_assert_eq!(paged.summary(), counted.summary());
        prop_assert_eq!(paged.focus(), counted.focus());
        for level in 0..33 {
            prop_assert_eq!(paged.occupied(level), counted.occupied(level));
        }
        for (window, finest) in windows {
            for (got, wanted) in [(&paged, &counted), (&own, &points)] {
                let (got, wanted) = (entries(got, &window, finest), entries(wanted, &window, finest));
                prop_assert!(got == wanted, "{:?} {}", window, finest);
            }
        }
    }

    #[test]
    fn a_file_has_what_memory_has(
        points in points(), large in any::<bool>(), windows in prop::collection::vec(window(), 30),
        tiles in prop::collection::vec((0u8..=24, any::<(u32, u32)>(), any::<prop::sample::Index>()), 8),
    ) {
        let points = Points::from_slice(&points);
        let options = match large {
            true => WriterOptions::default(),
            false => small_pages(),
        };
        let bytes = bytes_of(&points, options);
        let file = Arc::new(open(&bytes).unwrap());
        let paged = Points::from_paged(file.clone());
        prop_assert_eq!(paged.summary(), points.summary());
        for level in 0..33 {
            prop_assert_eq!(paged.remaining(level), points.remaining(level));
            let squares = points.as_slice().unwrap().chunk_by(|a, b| a.shares(b, level)).count();
            prop_assert_eq!(file.occupied(level), squares as u64);
        }
        prop_assert_eq!(paged.focus(), points.focus());
        let verified = file.verify(&mut |_| {});
        prop_assert!(verified.is_good(), "{:?}", verified);
        prop_assert_eq!(verified.pages, file.pages_len());
        for (window, finest) in windows {
            let wanted = entries(&points, &window, finest);
            let got = entries(&paged, &window, finest);
            prop_assert_eq!(got.len(), wanted.len());
            prop_assert!(got == wanted, "{:?} {}", window, finest);
        }
        let all = file.points_in(0..u64::MAX).unwrap();
        prop_assert_eq!(&all[..], points.as_slice().unwrap());
        for (z, (x, y), index) in tiles {
            let of = |v: u32| v.checked_shr(32 - u32::from(z)).unwrap_or(0);
            let (mut x, mut y) = (of(x), of(y));
            if !all.is_empty() {
                let point = index.get(&all);
                (x, y) = (of(point.x), of(point.y));
            }
            let tile = TileId::new(z, x, y).unwrap();
            let (wanted, got) = (points.tile_range(tile).unwrap(), paged.tile_range(tile).unwrap());
            prop_assert!(got == wanted || got.is_empty() && wanted.is_empty());
        }
    }
}

/// A window may show more copies of the world than a byte counts. Each has its own shift.
#[test]
fn a_window_of_a_thousand_copies_of_the_world() {
    let points: Vec<Point> = (0..2_000_u32)
        .map(|i| Point {
            x: i.wrapping_mul(2_654_435_761),
            y: i.wrapping_mul(40_503_777),
            weight: 1.0,
        })
        .collect();
    let points = Points::from_slice(&points);
    let file = Arc::new(open(&bytes_of(&points, small_pages())).unwrap());
    let paged = Points::from_paged(file);
    let window = Window::at_level(0, -500, 0, 1000, 1);
    let (got, wanted) = (
        entries(&paged, &window, 1.0),
        entries(&points, &window, 1.0),
    );
    assert!(wanted.len() >= 1000 && got == wanted);
}
