//! Times filters in two ways: a filter that picks rows of a CSV file while the file is loaded, and
//! a filter that picks points after loading, by columns that were kept. Run with
//! `cargo bench -p heatsplat-loader --bench filters`.
//!
//! Each time is the least CPU time of five runs. There are a million rows, or 10,000 with the
//! environment variable `HEATSPLAT_BENCH_SMOKE=1`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a bench fails by panicking"
)]

use cpu_time::ProcessTime;
use heatsplat_loader::{Filter, LoadError, LoadOptions, load, load_table, read};
use std::fmt::Write as _;
use std::io::Cursor;

/// The filters: conditions on numbers, on dates in three spellings, and on texts.
const FILTERS: [&str; 6] = [
    "n >= 4.5",
    "key > 867322040000500000",
    "day >= 2012-06-01",
    "at between 2012-06-01 and '2019-01-01 12:00:00'",
    "written >= 2012-06-01",
    "kind = 'theft' or kind = 'fraud'",
];

fn main() {
    let smoke = std::env::var_os("HEATSPLAT_BENCH_SMOKE").is_some();
    let text = rows(if smoke { 10_000 } else { 1_000_000 });
    let loaded = |options: &LoadOptions| {
        let mut source = read(Cursor::new(text.clone()), "rows.csv", options).unwrap();
        let mut points = Vec::new();
        match load(&mut *source, &mut points, |_| ()) {
            Ok(_) | Err(LoadError::AllFiltered { .. }) => points.len(),
            Err(error) => panic!("{error}"),
        }
    };
    let plain = LoadOptions {
        weight: Some("none".to_owned()),
        ..LoadOptions::default()
    };
    println!(
        "{:<50} {:>8} {:>8} {:>9}",
        "CPU time", "load", "select", "points"
    );
    let (all, everything) = timed(|| loaded(&plain));
    println!(
        "{:<50} {:>5.0} ms {:>8} {everything:>9}",
        "no filter",
        all * 1e3,
        ""
    );
    let keep = ["n", "key", "day", "at", "written", "kind"];
    let kept = LoadOptions {
        keep: keep.map(str::to_owned).to_vec(),
        ..plain.clone()
    };
    let (seconds, (points, table)) = timed(|| {
        let mut source = read(Cursor::new(text.clone()), "rows.csv", &kept).unwrap();
        let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
        (points, table)
    });
    for column in table.columns() {
        let each = column.bytes() as f64 / column.len() as f64;
        println!(
            "  keeps {} as {} at {each:.1} bytes",
            column.name(),
            column.kind().name()
        );
    }
    println!(
        "{:<50} {:>5.0} ms",
        "all columns kept, index",
        seconds * 1e3
    );
    for filter in FILTERS {
        let condition: Filter = filter.parse().unwrap();
        let options = LoadOptions {
            filter: Some(condition.clone()),
            ..plain.clone()
        };
        let (load, count) = timed(|| loaded(&options));
        let (select, selected) = timed(|| table.select(&points, &condition).unwrap());
        assert_eq!(selected.summary().count, count, "{filter}");
        let (load, select) = (load * 1e3, select * 1e3);
        println!("{filter:<50} {load:>5.0} ms {select:>5.1} ms {count:>9}");
    }
    println!("{:<50} {:>8} {:>8}", "select", "bytes", "ns each");
    for (name, filter) in lists() {
        let condition: Filter = filter.parse().unwrap();
        let (select, _) = timed(|| table.select(&points, &condition).unwrap());
        let bytes = filter.len();
        let each = select * 1e9 / (bytes * points.summary().count) as f64;
        println!("{name:<50} {bytes:>8} {each:>8.2}");
    }
}

/// Makes long conditions, each with a title. They are true for hardly any row, so nearly every row
/// is compared with all of a condition's parts. The bench prints the time per point and byte of the
/// text.
fn lists() -> Vec<(&'static str, String)> {
    let list = |column: &str, count: u64, value: &dyn Fn(u64) -> String| {
        let all: Vec<String> = (0..count).map(value).collect();
        format!("{column} in ({})", all.join(","))
    };
    let key = |i: u64| (867_322_040_005_000_000 + i).to_string();
    let either = |value: &dyn Fn(u64) -> String| {
        let all: Vec<String> = (0..20).map(value).collect();
        all.join(" or ")
    };
    vec![
        (
            "numbers in quotes, short",
            list("n", 50, &|i| format!("'{}'", i % 10)),
        ),
        (
            "numbers in quotes",
            list("n", 200, &|i| format!("'{}.5'", i + 10)),
        ),
        ("numbers", list("n", 200, &|i| format!("{}.5", i + 10))),
        (
            "numbers of one digit",
            list("n", 200, &|i| (i % 10).to_string()),
        ),
        (
            "whole numbers in quotes",
            list("key", 150, &|i| format!("'{}'", key(i))),
        ),
        ("whole numbers", list("key", 150, &|i| key(i))),
        (
            "dates",
            list("day", 200, &|i| format!("19{:02}-01-01", i % 100)),
        ),
        (
            "dates against texts of times",
            list("written", 200, &|i| format!("19{:02}-01-01", i % 100)),
        ),
        ("texts", list("kind", 200, &|i| format!("'a{i}'"))),
        (
            "comparisons with quotes",
            either(&|i| format!("n > '{}'", i + 90)),
        ),
        ("comparisons", either(&|i| format!("n > {}", i + 10))),
        (
            "comparisons of dates",
            either(&|i| format!("at < 19{i:02}-01-01")),
        ),
    ]
}

/// Runs `work` five times. Returns the least CPU time, in seconds, and the result of the last run.
fn timed<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut least = f64::INFINITY;
    for _ in 0..4 {
        let start = ProcessTime::now();
        work();
        least = least.min(start.elapsed().as_secs_f64());
    }
    let start = ProcessTime::now();
    let outcome = work();
    (least.min(start.elapsed().as_secs_f64()), outcome)
}

fn rows(count: u64) -> Vec<u8> {
    let mut text = "lon,lat,n,key,day,at,written,kind\n".to_owned();
    let mut state = 1u64;
    let mut random = |most: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    for _ in 0..count {
        let (lon, lat) = (
            random(360_000) as f64 / 1e3 - 180.0,
            random(120_000) as f64 / 1e3 - 60.0,
        );
        let day = format!(
            "20{:02}-{:02}-{:02}",
            random(25),
            random(12) + 1,
            random(28) + 1
        );
        let clock = format!("{:02}:{:02}:{:02}", random(24), random(60), random(60));
        let (n, key) = (
            random(90) as f64 / 10.0,
            867_322_040_000_000_000 + random(1_000_000),
        );
        let kind = ["theft", "assault", "fraud", "arson"][random(4) as usize];
        // Writing to a `String` never fails.
        let _ = writeln!(
            text,
            "{lon},{lat},{n},{key},{day},{day}T{clock}Z,{day} {clock} UTC,{kind}"
        );
    }
    text.into_bytes()
}
