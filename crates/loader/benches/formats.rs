//! Times the reading of files in each format, into points and into an index, and measures the
//! memory that the readers take. Run with `cargo bench -p heatsplat-loader --bench formats`.
//!
//! Each file has a million random rows, or 10,000 with the environment variable
//! `HEATSPLAT_BENCH_SMOKE=1`. A row has a position, a weight and three more columns. Each format is
//! read in a new process, so that the process's greatest amount of memory is that of one reader. A
//! reader that takes more than [`MOST_MIB`] fails the bench.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a bench fails by panicking, and shares helpers with the tests"
)]

#[path = "../tests/loader/formats.rs"]
mod formats;

use arrow_array::{ArrayRef, BinaryArray, Float64Array, RecordBatch};
use cpu_time::ProcessTime;
use formats::Row;
use heatsplat_loader::{LoadOptions, load, open};
use heatsplat_points::{Point, PointSink, PointsBuilder};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// The most memory, in MiB, that a reader may take in addition to its points.
const MOST_MIB: f64 = 64.0;

/// The least speed that some formats must reach, as a share of the speed of CSV in the same run. It
/// is asserted for a million rows, of which the time is not that of the start.
const LEAST_SHARES: [(&str, f64); 8] = [
    ("arrays", 0.5),
    ("objects", 0.19),
    ("lines", 0.19),
    ("commas", 0.62),
    ("wkt", 0.375),
    ("kml", 0.115),
    ("tcx", 0.115),
    ("xlsx", 0.07),
];

/// The environment variable that names the file to read. It is set in the processes that read a
/// file.
const FILE: &str = "HEATSPLAT_BENCH_FILE";

/// The folder that the files are written to.
struct Folder(PathBuf);

impl Folder {
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn main() {
    if let Some(file) = std::env::var_os(FILE) {
        return measure(Path::new(&file));
    }
    let smoke = std::env::var_os("HEATSPLAT_BENCH_SMOKE").is_some();
    let count = if smoke { 10_000 } else { 1_000_000 };
    let name = format!("heatsplat-formats-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    std::fs::create_dir_all(&folder.0).unwrap();
    let rows = rows(count);
    let mut files: Vec<_> = formats::ALL
        .map(|format| (format, formats::write(&folder, format, &rows)))
        .into();
    files.push(("geoparquet", geoparquet(&folder, &rows)));
    files.push((
        "commas",
        text(&folder, "commas.csv", "lon;lat;n;day", &rows, commas),
    ));
    files.push(("wkt", text(&folder, "wkt.csv", "geom;n;day", &rows, wkt)));
    for (name, path) in json_rows(&folder, &rows) {
        files.push((name, path));
    }
    drop(rows);
    println!(
        "{:<12} {:>12} {:>12} {:>12} {:>12} {:>9}",
        "all cores", "points, CPU", "points", "index, CPU", "index", "memory"
    );
    let this = std::env::current_exe().unwrap();
    let mut speeds = Vec::new();
    let mut failed = Vec::new();
    for (format, path) in &files {
        let run = Command::new(&this).env(FILE, path).output().unwrap();
        let line = String::from_utf8(run.stdout).unwrap();
        print!("{format:<12}{line}{}", String::from_utf8_lossy(&run.stderr));
        let first = line.split_whitespace().next();
        match first.and_then(|speed| speed.parse::<f64>().ok()) {
            Some(speed) if run.status.success() => speeds.push((*format, speed)),
            _ => failed.push(*format),
        }
    }
    std::fs::remove_dir_all(&folder.0).unwrap();
    assert!(failed.is_empty(), "failed: {failed:?}");
    let speed = |format: &str| speeds.iter().find(|(known, _)| *known == format).unwrap().1;
    for (format, least) in LEAST_SHARES {
        let share = speed(format) / speed("csv");
        println!("{format} has {share:.3} of the speed of CSV, at least {least}");
        assert!(smoke || share >= least, "{format}: {share:.3}");
    }
}

/// Reads a file into points and into an index, and prints a line with the speeds and with the
/// memory that the reader took.
fn measure(path: &Path) {
    let options = LoadOptions {
        // Rows that are arrays have no names.
        weight: Some(
            if path.ends_with("arrays.json") {
                "3"
            } else {
                "n"
            }
            .to_owned(),
        ),
        ..LoadOptions::default()
    };
    // Building an empty index starts the threads of the pool, so that their memory is not counted
    // as the reader's.
    PointsBuilder::new().build();
    let before = resident_peak();
    let mut nothing = Count(0);
    let points = timed(|| {
        nothing = Count(0);
        let mut source = open(path, &options).unwrap();
        load(&mut *source, &mut nothing, |_| ()).unwrap();
    });
    let memory = (resident_peak() - before) as f64 / 1024.0;
    let mut kept = 0;
    let index = timed(|| {
        let mut source = open(path, &options).unwrap();
        let mut builder = PointsBuilder::new();
        load(&mut *source, &mut builder, |_| ()).unwrap();
        kept = builder.build().summary().count;
    });
    assert_eq!(kept, nothing.0);
    let rate = |seconds: f64| format!("{:.2} M/s", kept as f64 / seconds / 1e6);
    println!(
        " {:>12} {:>12} {:>12} {:>12} {memory:>5.1} MiB",
        rate(points.0),
        rate(points.1),
        rate(index.0),
        rate(index.1),
    );
    assert!(memory <= MOST_MIB, "{memory} MiB");
}

/// Runs `work` three times. Returns the least CPU time of all threads, and the least time by the
/// clock, in seconds.
fn timed(mut work: impl FnMut()) -> (f64, f64) {
    (0..3).fold((f64::INFINITY, f64::INFINITY), |best, _| {
        let (cpu, clock) = (ProcessTime::now(), Instant::now());
        work();
        (
            best.0.min(cpu.elapsed().as_secs_f64()),
            best.1.min(clock.elapsed().as_secs_f64()),
        )
    })
}

/// A sink that only counts the points and keeps none, so that all memory is the reader's.
struct Count(usize);

impl PointSink for Count {
    fn push(&mut self, batch: &[Point]) {
        self.0 += batch.len();
    }
}

/// Makes rows at random positions between the latitudes −60° and 60°.
fn rows(count: usize) -> Vec<Row> {
    let mut state = 1_u64;
    let mut random = |most: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    (0..count)
        .map(|_| Row {
            lon: random(360_000_000) as f64 / 1e6 - 180.0,
            lat: random(120_000_000) as f64 / 1e6 - 60.0,
            kind: Some(["theft", "assault", "fraud"][random(3) as usize].to_owned()),
            n: Some(random(90) as f64 / 10.0),
            day: Some(format!(
                "20{:02}-{:02}-{:02}",
                random(25),
                random(12) + 1,
                random(28) + 1
            )),
            flag: Some(random(2) == 0),
        })
        .collect()
}

/// Writes a file of text with a header and a line for each row.
fn text(
    folder: &Folder,
    name: &str,
    header: &str,
    rows: &[Row],
    line: fn(&Row) -> String,
) -> PathBuf {
    let path = folder.file(name);
    let lines = rows.iter().map(line);
    let all: Vec<String> = std::iter::once(header.to_owned()).chain(lines).collect();
    std::fs::write(&path, all.join("\n")).unwrap();
    path
}

/// A row with decimal commas.
fn commas(row: &Row) -> String {
    let n = row.n.unwrap();
    let day = row.day.as_deref().unwrap();
    format!("{};{};{n};{day}", row.lon, row.lat).replace('.', ",")
}

/// A row with a geometry in well-known text.
fn wkt(row: &Row) -> String {
    let n = row.n.unwrap();
    let day = row.day.as_deref().unwrap();
    format!("POINT ({} {});{n};{day}", row.lon, row.lat)
}

/// Writes JSON rows: bare arrays, objects in an array, and an object on each line.
fn json_rows(folder: &Folder, rows: &[Row]) -> [(&'static str, PathBuf); 3] {
    let arrays = |row: &Row| format!("[{},{},{}]", row.lat, row.lon, row.n.unwrap());
    let object = |row: &Row| {
        serde_json::json!({
            "lat": row.lat, "lon": row.lon, "n": row.n, "kind": row.kind, "day": row.day,
            "flag": row.flag,
        })
        .to_string()
    };
    let write = |name: &str, text: String| {
        let path = folder.file(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let all = |row: &dyn Fn(&Row) -> String| rows.iter().map(row).collect::<Vec<_>>();
    [
        (
            "arrays",
            write("arrays.json", format!("[{}]", all(&arrays).join(","))),
        ),
        (
            "objects",
            write("objects.json", format!("[{}]", all(&object).join(","))),
        ),
        ("lines", write("lines.ndjson", all(&object).join("\n"))),
    ]
}

/// Writes a GeoParquet file as most tools do: positions as WKB, and row groups of 100,000 rows.
fn geoparquet(folder: &Folder, rows: &[Row]) -> PathBuf {
    let path = folder.file("geo.parquet");
    let wkb = |row: &Row| {
        let [x, y] = [row.lon, row.lat].map(f64::to_le_bytes);
        [&[1, 1, 0, 0, 0], &x[..], &y[..]].concat()
    };
    let places: BinaryArray = rows.iter().map(|row| Some(wkb(row))).collect();
    let weights: Float64Array = rows.iter().map(|row| row.n).collect();
    let batch = RecordBatch::try_from_iter([
        ("geometry", Arc::new(places) as ArrayRef),
        ("n", Arc::new(weights) as ArrayRef),
    ])
    .unwrap();
    let geo = "{\"version\":\"1.0.0\",\"primary_column\":\"geometry\",\"columns\":\
               {\"geometry\":{\"encoding\":\"WKB\",\"geometry_types\":[\"Point\"]}}}";
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(100_000))
        .set_key_value_metadata(Some(vec![KeyValue::new("geo".into(), geo.to_owned())]))
        .build();
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

/// The greatest amount of memory that this process has had up to now, in KiB.
fn resident_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}
