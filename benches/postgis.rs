//! Times three ways to draw points of PostGIS:
//!
//! * reading a table into an index,
//! * drawing a tile of a live layer,
//! * posting a query and drawing the first tile of its layer.
//!
//! Run with `cargo bench --bench postgis`. It starts a PostgreSQL server for the run. Each time is
//! printed next to the time that the database alone takes for a query of the same rows. There are a
//! million points, or 20,000 with `HEATSPLAT_BENCH_SMOKE=1`. Without PostGIS nothing is run, and a
//! message is printed.
#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench fails by panicking, and shares helpers with the tests"
)]

#[path = "../tests/postgis/cluster.rs"]
mod cluster;
#[path = "../tests/postgis/http.rs"]
mod http;
#[path = "../tests/program.rs"]
mod program;
#[path = "../tests/requirements.rs"]
mod requirements;

use cluster::Cluster;
use heatsplat::PointsBuilder;
use heatsplat_loader::postgis::{Address, LayerQuery, Relation, Snapshot};
use heatsplat_loader::{ShapeRules, load};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The number of runs that are made of each piece of work. The fastest counts, since other programs
/// on the machine can only make a run slower.
const TRIES: usize = 5;

/// The tile of zoom 8 that is timed, as `zoom/x/y`: near the corner where the points are densest.
/// [`BOX`] is a box of about its size there, in degrees, as SQL.
const TILE: &str = "8/134/85";
const BOX: &str = "ST_MakeEnvelope(8.3, 50.1, 9.9, 51.2, 4326)";

fn main() {
    let smoke = std::env::var_os("HEATSPLAT_BENCH_SMOKE").is_some();
    let rows = if smoke { 20_000 } else { 1_000_000 };
    let Some(cluster) = cluster::shared() else {
        return;
    };
    cluster.run(&format!(
        "SELECT setseed(0.5); CREATE TABLE points AS SELECT ST_SetSRID(ST_MakePoint(\
         random() * random() * random() * 170 + 8.4, random() * random() * random() * 30 + 50.2), 4326)\
         ::geometry(Point,4326) AS geom, (random() * 9)::float8 AS weight FROM generate_series(1, {rows}); \
         CREATE INDEX ON points USING gist (geom); VACUUM ANALYZE points"
    ));
    copy(cluster, rows);
    live(cluster);
    adhoc(cluster);
}

/// The least of the times, in seconds, that [`TRIES`] calls of `once` return.
fn best(mut once: impl FnMut() -> f64) -> f64 {
    (0..TRIES).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

/// The least time, in seconds, that the database takes for a query whose rows are thrown away.
/// `psql` measures it with `\timing`.
fn alone(cluster: &Cluster, query: &str) -> f64 {
    let copy = format!("\\timing on\ncopy ({query}) to stdout (format binary);\n");
    let mut psql = Command::new(cluster.program("psql"));
    psql.args([
        "-h",
        "127.0.0.1",
        "-U",
        "reader",
        "-p",
        &cluster.port.to_string(),
    ]);
    psql.args(["-d", "postgres", "-qAt", "-o", "/dev/null", "-f", "-"]);
    let mut child = psql
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for _ in 0..=TRIES {
        input.write_all(copy.as_bytes()).unwrap();
    }
    drop(input);
    let out = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let times = text.lines().filter_map(|line| {
        let rest = line.rsplit_once("Time: ")?.1;
        rest.split(' ').next()?.parse::<f64>().ok()
    });
    times.fold(f64::INFINITY, f64::min) / 1e3
}

fn copy(cluster: &Cluster, rows: usize) {
    let port = cluster.port.to_string();
    let plain = best(|| {
        let mut psql = Command::new(cluster.program("psql"));
        psql.args([
            "-h",
            "127.0.0.1",
            "-U",
            "reader",
            "-p",
            &port,
            "-d",
            "postgres",
        ]);
        psql.args([
            "-c",
            "copy (select geom, weight from points) to stdout (format binary)",
        ]);
        psql.stdout(Stdio::null());
        seconds(|| assert!(psql.status().unwrap().success()))
    });
    let address = Address::parse(&cluster.url()).unwrap();
    let ask = LayerQuery {
        from: Relation::Table("points".to_owned()),
        geom: None,
        weight: None,
        srid: None,
        keep: None,
        shapes: ShapeRules::default(),
    };
    let (mut bytes, mut peak) = (0, 0);
    let before = resident_peak();
    let mut streamed = f64::INFINITY;
    let whole = best(|| {
        seconds(|| {
            let started = Instant::now();
            let mut source = Snapshot::open(&address, &ask, false, false).unwrap();
            let mut builder = PointsBuilder::new();
            load(&mut source, &mut builder, |_| ()).unwrap();
            streamed = streamed.min(started.elapsed().as_secs_f64());
            if peak == 0 {
                peak = resident_peak() - before;
            }
            let points = builder.build();
            assert_eq!(points.summary().count, rows);
            bytes = points.bytes();
        })
    });
    let rate = |time: f64| rows as f64 / time / 1e6;
    println!(
        "postgis/copy by psql to /dev/null   {:6.2} M rows/s",
        rate(plain)
    );
    println!(
        "postgis/copy into points            {:6.2} M rows/s, {:.2} of psql's",
        rate(streamed),
        plain / streamed
    );
    println!(
        "postgis/copy into the index         {:6.2} M rows/s, {:.2} of psql's",
        rate(whole),
        plain / whole
    );
    println!(
        "postgis/memory while loading        {:6.1} MiB, the index has {:.1} MiB",
        peak as f64 / 1024.0,
        bytes as f64 / (1 << 20) as f64
    );
}

/// The greatest amount of memory that this process has had up to now, in KiB.
fn resident_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

fn live(cluster: &Cluster) {
    let query = alone(
        cluster,
        &format!("select geom, weight from points where geom && {BOX}"),
    );
    let server = http::serve(&[&cluster.url(), "--table", "points", "--live"]);
    // Each request has another style, since a tile from the cache would take no time.
    let mut looks = 900..;
    let mut tile_of = |tile: &str| {
        best(|| {
            let path = format!("/points/{tile}.png?domain=0,{}", looks.next().unwrap());
            seconds(|| drop(http::body(&server, &path)))
        })
    };
    let tile = tile_of(TILE);
    println!(
        "postgis/live tile {TILE}          {:6.1} ms, {:.2} of its query's {:.1} ms",
        tile * 1e3,
        tile / query,
        query * 1e3
    );
    let world = alone(cluster, "select geom, weight from points");
    let tile = tile_of("0/0/0");
    println!(
        "postgis/live tile 0/0/0             {:6.1} ms, {:.2} of its query's {:.1} ms",
        tile * 1e3,
        tile / world,
        world * 1e3
    );
}

fn adhoc(cluster: &Cluster) {
    let server = http::serve(&[&cluster.url(), "--auto-publish"]);
    let mut tries = 0;
    let query = format!("select geom, weight from points where geom && {BOX}");
    let alone = alone(cluster, &query);
    let first = best(|| {
        tries += 1;
        seconds(|| {
            let sql = format!(
                "select geom, weight from points where weight < {}",
                9 + tries
            );
            let id = http::posted(&server, &sql);
            drop(http::body(
                &server,
                &format!("/{id}/{TILE}.png?domain=0,900"),
            ));
        })
    });
    println!(
        "postgis/POST and its first tile     {:6.1} ms, {:.1} ms beyond its query",
        first * 1e3,
        (first - alone) * 1e3
    );
}
