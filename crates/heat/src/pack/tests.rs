//! Tests of whole packs.

use super::{
    ColumnRules, IfPackExists, JoinedForm, LoggedSource, PackError, PackSettings, Packer, RowColumn,
};
use crate::tests::{TestPath, bytes_of};
use crate::{ColumnForm, HeatFile, HeatSummary, Metadata, PageCache, WriterOptions, ZoneMap};
use heatsplat_points::{Point, PointSink as _, Points};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns clustered points with weights of two decimals.
fn clustered(number: u32, signed: bool) -> Vec<Point> {
    let mut state = u64::from(number);
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u32
    };
    let at = |_| {
        let (city, spread) = (random() % 9, 4 + random() % 25);
        Point {
            x: (city * 400_000_000).wrapping_add(random() >> spread),
            y: (city * 300_000_000).wrapping_add(random() >> spread),
            weight: (random() % 1000) as f32 / 100.0 - if signed { 3.0 } else { 0.0 },
        }
    };
    (0..number).map(at).collect()
}

/// The least memory: runs of 65,536 points.
const LITTLE: u64 = 1 << 20;

fn settings(memory: u64, if_exists: IfPackExists) -> PackSettings {
    PackSettings {
        memory,
        temporary: None,
        if_exists,
    }
}

fn source(name: &str) -> LoggedSource {
    LoggedSource {
        name: name.to_owned(),
        stamp: Some("1".to_owned()),
    }
}

/// Pushes sources into a pack, except those that are finished.
fn push(packer: &mut Packer, sources: &[&[Point]]) -> Result<(), PackError> {
    for (number, points) in sources.iter().enumerate() {
        if packer.finished_source(number).is_none() {
            packer.begin(number)?;
            points.chunks(1000).for_each(|batch| packer.push(batch));
            packer.end(number, serde_json::json!(number))?;
        }
    }
    Ok(())
}

fn pack(
    target: &Path,
    settings: &PackSettings,
    sources: &[&[Point]],
) -> Result<HeatSummary, PackError> {
    assert!(settings.check(target)?);
    let states = (0..sources.len()).map(|number| source(&number.to_string()));
    let mut packer = Packer::new(target, settings.clone(), states.collect(), "options")?;
    push(&mut packer, sources)?;
    packer.finish(&Metadata::default(), &mut |_| {})
}

fn partial(target: &Path) -> PathBuf {
    target.with_extension("heat.partial")
}

/// Whatever the memory, the number of threads and the order of the rows are, the file is that of an
/// index in memory, byte for byte.
#[test]
fn a_pack_is_the_file_of_an_index_in_memory() {
    for (number, signed) in [
        (0, false),
        (1, false),
        (300, true),
        (400_000, false),
        (150_000, true),
    ] {
        let points = clustered(number, signed);
        let wanted = bytes_of(&Points::from_slice(&points), WriterOptions::default());
        let mut shuffled = points.clone();
        shuffled.reverse();
        shuffled.rotate_left(points.len() / 3);
        for (memory, threads, points) in [
            (LITTLE, 1, &points),
            (LITTLE, 8, &shuffled),
            (1 << 30, 2, &points),
        ] {
            let target = TestPath::new();
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let (first, second) = points.split_at(points.len() / 2);
            let settings = settings(memory, IfPackExists::Fail);
            let summary = pool.install(|| pack(&target.0, &settings, &[first, second]));
            assert_eq!(summary.unwrap().points, u64::from(number));
            assert!(
                fs::read(&target.0).unwrap() == wanted,
                "{number} {memory} {threads}"
            );
            assert!(!partial(&target.0).exists());
        }
    }
}

#[test]
fn packs_are_sources_and_their_union_is_one_pack() {
    let points = clustered(300_000, true);
    let (first, rest) = points.split_at(90_000);
    let (second, third) = rest.split_at(110_000);
    let wanted = bytes_of(&Points::from_slice(&points), WriterOptions::default());
    let cache = Arc::new(PageCache::new(1 << 20));
    let parts = [first, second].map(|points| {
        let target = TestPath::new();
        pack(&target.0, &settings(LITTLE, IfPackExists::Fail), &[points]).unwrap();
        target
    });
    let target = TestPath::new();
    let settings = settings(LITTLE, IfPackExists::Fail);
    let mut packer = Packer::new(&target.0, settings, vec![source("a")], "").unwrap();
    for part in &parts {
        let file = HeatFile::open(&part.0, &cache).unwrap();
        packer.add_index("part", Arc::new(file));
    }
    push(&mut packer, &[third]).unwrap();
    packer.finish(&Metadata::default(), &mut |_| {}).unwrap();
    assert!(fs::read(&target.0).unwrap() == wanted);
}

#[test]
fn an_interrupted_pack_is_resumed_to_the_same_file() {
    let points = clustered(400_000, false);
    let wanted = bytes_of(&Points::from_slice(&points), WriterOptions::default());
    let sources = [
        &points[..150_000],
        &points[150_000..160_000],
        &points[160_000..],
    ];
    // The pack is interrupted behind this number of points.
    for broken in [0, 65_535, 65_536, 155_000, 200_000, 399_999] {
        let target = TestPath::new();
        let states: Vec<LoggedSource> = ["0", "1", "2"].map(source).into();
        let fresh = settings(LITTLE, IfPackExists::Fail);
        let mut packer = Packer::new(&target.0, fresh, states, "options").unwrap();
        let mut left = broken;
        for (number, points) in sources.iter().enumerate() {
            let some = &points[..left.min(points.len())];
            packer.begin(number).unwrap();
            packer.push(some);
            left -= some.len();
            if some.len() < points.len() {
                break;
            }
            packer.end(number, serde_json::json!(number)).unwrap();
        }
        drop(packer);
        let runs = broken / 65_536;
        assert_eq!(partial(&target.0).exists(), runs > 0);
        let again = settings(LITTLE, IfPackExists::Fail).check(&target.0);
        assert_eq!(
            matches!(again, Err(PackError::Interrupted { .. })),
            runs > 0
        );
        // Another memory makes longer runs, and the same file.
        let resumed = settings(2 * LITTLE, IfPackExists::Resume);
        let states: Vec<LoggedSource> = ["0", "1", "2"].map(source).into();
        let mut packer = Packer::new(&target.0, resumed.clone(), states, "options").unwrap();
        assert_eq!(packer.resumed_points(), runs as u64 * 65_536);
        let finished = [150_000, 160_000, 400_000].map(|end| end <= runs * 65_536);
        let known = [0, 1, 2].map(|number| packer.finished_source(number).is_some());
        assert_eq!(known, finished);
        push(&mut packer, &sources).unwrap();
        packer.finish(&Metadata::default(), &mut |_| {}).unwrap();
        assert!(fs::read(&target.0).unwrap() == wanted, "{broken}");
        assert!(!partial(&target.0).exists());
        assert!(!resumed.check(&target.0).unwrap());
    }
}

#[test]
fn a_target_is_replaced_only_on_demand_and_only_by_a_whole_file() {
    let target = TestPath::new();
    let points = clustered(1000, false);
    pack(&target.0, &settings(LITTLE, IfPackExists::Fail), &[&points]).unwrap();
    let whole = fs::read(&target.0).unwrap();
    let refused = settings(LITTLE, IfPackExists::Fail).check(&target.0);
    assert!(matches!(refused, Err(PackError::Exists { .. })));
    let overwrite = settings(LITTLE, IfPackExists::Overwrite);
    let mut packer = Packer::new(&target.0, overwrite.clone(), vec![source("a")], "").unwrap();
    packer.push(&points[..10]);
    let locked = overwrite.check(&target.0);
    assert!(matches!(locked, Err(PackError::Locked { .. })));
    drop(packer);
    assert!(fs::read(&target.0).unwrap() == whole && !partial(&target.0).exists());
    pack(&target.0, &overwrite, &[&points[..10]]).unwrap();
    assert!(fs::read(&target.0).unwrap() != whole);
}

#[test]
fn temporary_files_lie_in_a_folder_of_choice() {
    let target = TestPath::new();
    let folder = std::env::temp_dir().join(format!("heatsplat-temp-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let elsewhere = PackSettings {
        temporary: Some(folder.clone()),
        ..settings(LITTLE, IfPackExists::Fail)
    };
    let points = clustered(100_000, false);
    let mut packer = Packer::new(&target.0, elsewhere, vec![source("a")], "").unwrap();
    packer.push(&points);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    packer.finish(&Metadata::default(), &mut |_| {}).unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    assert!(target.0.exists() && !partial(&target.0).exists());
    fs::remove_dir_all(&folder).unwrap();
}

/// Rules for columns that have one type and the same texts everywhere.
#[derive(Debug)]
struct SameEverywhere;

impl ColumnRules for SameEverywhere {
    fn join(
        &self,
        parts: &[(&ColumnForm, &[Box<[u8]>])],
        _: &mut dyn FnMut(usize) -> io::Result<HashSet<u64>>,
    ) -> io::Result<JoinedForm> {
        let mut words: Vec<Box<[u8]>> = parts.iter().flat_map(|part| part.1.to_vec()).collect();
        words.sort();
        words.dedup();
        let place = |word: &[u8]| words.binary_search_by(|w| (**w).cmp(word)).unwrap() as u64 + 1;
        let map = |part: &&[Box<[u8]>]| (1..).zip(part.iter().map(|w| place(w))).collect();
        Ok(JoinedForm {
            form: parts[0].0.clone(),
            maps: parts
                .iter()
                .map(|part| Some(map(&part.1)).filter(|_| !words.is_empty()))
                .collect(),
            words,
        })
    }
}

/// A row: a point, a number and a text.
type Row = (Point, Option<u64>, Option<&'static str>);

/// Rows of which many are at one place and have equal weights.
fn rows(number: u32) -> Vec<Row> {
    let texts = ["theft", "", "fraud", "arson", "other"];
    let mut points = clustered(number, false);
    let (place, crowd) = (points[0], number as usize / 2);
    points
        .iter_mut()
        .take(crowd)
        .for_each(|point| *point = place);
    let row = |(i, point): (usize, Point)| {
        let number = (i % 7 != 3).then_some((i as u64).wrapping_mul(2_654_435_761) % 1000 + 1);
        (point, number, texts.get(i % 6).copied())
    };
    points.into_iter().enumerate().map(row).collect()
}

/// Returns a pack of rows with columns that begins, or goes on.
fn begin_rows(target: &Path, memory: u64, if_exists: IfPackExists) -> Packer {
    let names = vec!["number".to_owned(), "text".to_owned()];
    let settings = settings(memory, if_exists);
    let rules = Box::new(SameEverywhere);
    let states = vec![source("a")];
    Packer::with_columns(target, settings, states, "", names, rules).unwrap()
}

/// Adds rows with their columns, some at a time.
fn add_rows(packer: &mut Packer, rows: &[Row], some: usize) {
    let form = |kind: &str| ColumnForm {
        kind: kind.to_owned(),
        floats: false,
        written: serde_json::Value::Null,
    };
    for rows in rows.chunks(some) {
        let mut words: Vec<&str> = rows.iter().filter_map(|row| row.2).collect();
        words.push("a text that no row has");
        words.sort_unstable();
        words.dedup();
        let place = |text: &str| words.binary_search(&text).unwrap() as u64 + 1;
        let columns = vec![
            RowColumn {
                form: form("whole"),
                words: Vec::new(),
                values: rows.iter().map(|row| row.1.unwrap_or(0)).collect(),
            },
            RowColumn {
                form: form("text"),
                values: rows.iter().map(|row| row.2.map_or(0, place)).collect(),
                words: words.iter().map(|word| word.as_bytes().into()).collect(),
            },
        ];
        let points = rows.iter().map(|row| row.0).collect();
        packer.add_rows(points, columns).unwrap();
    }
}

/// Packs rows with their columns, some at a time.
fn pack_rows(target: &Path, rows: &[Row], some: usize, memory: u64) -> HeatSummary {
    let mut packer = begin_rows(target, memory, IfPackExists::Overwrite);
    packer.begin(0).unwrap();
    add_rows(&mut packer, rows, some);
    packer.end(0, serde_json::json!(0)).unwrap();
    packer.finish(&Metadata::default(), &mut |_| {}).unwrap()
}

#[test]
fn an_interrupted_pack_with_columns_is_resumed_to_the_same_file() {
    let all = rows(90_000);
    let (whole, target) = (TestPath::new(), TestPath::new());
    pack_rows(&whole.0, &all, 90_000, 1 << 30);
    let mut packer = begin_rows(&target.0, LITTLE, IfPackExists::Fail);
    packer.begin(0).unwrap();
    add_rows(&mut packer, &all[..34_000], 17_000);
    drop(packer);
    let mut packer = begin_rows(&target.0, LITTLE, IfPackExists::Resume);
    assert_eq!(packer.resumed_points(), 34_000);
    packer.begin(0).unwrap();
    add_rows(&mut packer, &all, 23_000);
    packer.end(0, serde_json::json!(0)).unwrap();
    packer.finish(&Metadata::default(), &mut |_| {}).unwrap();
    assert!(fs::read(&target.0).unwrap() == fs::read(&whole.0).unwrap());
    assert!(!partial(&target.0).exists());
}

/// Columns are those of the rows, whatever the memory and the order of the rows are; also where
/// more points than a part may have are at one place.
#[test]
fn columns_lie_beside_their_points() {
    let all = rows(120_000);
    let mut shuffled = all.clone();
    shuffled.reverse();
    shuffled.rotate_left(31_000);
    let (first, second) = (TestPath::new(), TestPath::new());
    let summary = pack_rows(&first.0, &all, 120_000, 1 << 30);
    assert!(summary.columns_bytes > 0);
    pack_rows(&second.0, &shuffled, 17_000, LITTLE);
    let bytes = fs::read(&first.0).unwrap();
    assert!(bytes == fs::read(&second.0).unwrap());
    let file = crate::tests::open(&bytes).unwrap();
    let verified = file.verify(&mut |_| {});
    assert!(
        verified.is_good() && verified.pages == file.pages_len(),
        "{verified:?}"
    );
    assert_eq!(file.identity(), summary.identity);
    let points = file.points_in(0..u64::MAX).unwrap();
    let mut columns = vec![Vec::new(), Vec::new()];
    for (column, values) in file.columns().iter().zip(&mut columns) {
        file.column_values(column, 0..u64::MAX, values).unwrap();
    }
    let mut sorted = all.clone();
    sorted.sort_by_key(|row| (row.0.z_number(), row.1, row.2));
    let words = file.column_words(&file.columns()[1]).unwrap();
    assert_eq!(words.len(), 5);
    for (at, row) in sorted.iter().enumerate() {
        let text = row.2.map(str::as_bytes);
        let word = columns[1][at]
            .checked_sub(1)
            .map(|word| &*words[word as usize]);
        let number = Some(columns[0][at]).filter(|number| *number > 0);
        assert_eq!((points[at], number, word), (row.0, row.1, text), "{at}");
    }
    // Zone maps are those of the pages' values.
    let zones = file.column_zones(&file.columns()[0]).unwrap();
    let pages = columns[0].chunks(2048).map(ZoneMap::of);
    assert!(pages.eq(zones.iter().copied()));
    // The points alone have another identity, and packs of them are what they were.
    let plain: Vec<Point> = all.iter().map(|row| row.0).collect();
    let target = TestPath::new();
    let plain = pack(&target.0, &settings(LITTLE, IfPackExists::Fail), &[&plain]).unwrap();
    assert_ne!(plain.identity, summary.identity);
}

#[test]
fn damage_of_columns_is_found() {
    let target = TestPath::new();
    pack_rows(&target.0, &rows(3000), 1000, LITTLE);
    let bytes = fs::read(&target.0).unwrap();
    let mut unseen = 0;
    for at in (0..bytes.len()).step_by(61) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 16;
        let found = crate::tests::open(&bytes).map(|file| file.verify(&mut |_| {}).is_good());
        let is_free = (1 << 12..1 << 16).contains(&at) || bytes[at] == 16;
        assert!(is_free || !found.unwrap_or(false), "byte {at}");
        unseen += usize::from(is_free);
    }
    assert!(unseen < bytes.len() / 61);
}
