//! Times the server's tiles over HTTP, with client and server on one machine. First, tiles that are
//! not in the server's cache are requested over 16 connections, each tile once. Then tiles that are
//! in the cache are requested over one connection: first alone, then while eight other connections
//! request tiles that must be drawn. Run with `cargo bench --bench serve`.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn main() {
    let (n, most) = if data::smoke() {
        (10_000, 40)
    } else {
        (1_000_000, 2_000)
    };
    let layer = data::layer(n);
    let dir = std::env::temp_dir().join(format!("heatsplat-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let file = dir.join("points.csv");
    let program = env!("CARGO_BIN_EXE_heatsplat");
    let made = Command::new(program)
        .args(["generate", &n.to_string(), "-o"])
        .arg(&file)
        .status();
    assert!(made.expect("the program runs").success());
    let mut server = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("a line");
    let address = line
        .split("http://")
        .nth(1)
        .and_then(|a| a.split('/').next())
        .expect("an address");

    for z in [2u8, 4, 6, 8, 10, 12, 14] {
        let paths = paths(&layer, z, most);
        // The request for a legend makes the server measure the zoom's statistics, so that no
        // tile's time includes this.
        ask(&mut connect(address), &format!("/points/legend.json?z={z}"));
        let (next, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let mut stream = connect(address);
                    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                        bytes.fetch_add(ask(&mut stream, path), Ordering::Relaxed);
                    }
                });
            }
        });
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "zoom {z:>2}: {:>5} cold tiles, {:>6.0} tiles/s, {:>6} bytes a tile",
            paths.len(),
            paths.len() as f64 / seconds,
            bytes.into_inner() / paths.len().max(1),
        );
    }
    let kept = paths(&layer, 6, most.min(400));
    told("kept tiles, alone", waits(address, &kept, 10 * most));
    let (done, drawn) = (AtomicBool::new(false), AtomicUsize::new(0));
    let cold: Vec<String> = [5, 7, 9, 11, 13, 15, 16, 17]
        .into_iter()
        .flat_map(|z| paths(&layer, z, 10 * most))
        .collect();
    let waits = std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut stream = connect(address);
                while !done.load(Ordering::Relaxed) {
                    match cold.get(drawn.fetch_add(1, Ordering::Relaxed)) {
                        Some(path) => ask(&mut stream, path),
                        None => break,
                    };
                }
            });
        }
        let waits = waits(address, &kept, 10 * most);
        assert!(
            data::smoke() || drawn.load(Ordering::Relaxed) < cold.len(),
            "cold tiles to the end"
        );
        done.store(true, Ordering::Relaxed);
        waits
    });
    told("kept tiles beside renders", waits);
    println!("{} tiles drawn beside", drawn.into_inner());
    let _ = server.kill();
    let _ = server.wait();
    let _ = std::fs::remove_dir_all(&dir);
}

/// The paths of up to `most` different tiles of a zoom that have points.
fn paths(layer: &heatsplat::Layer, z: u8, most: usize) -> Vec<String> {
    let mut tiles = data::tiles(layer, z, 2 * most);
    tiles.sort_unstable();
    tiles.dedup();
    tiles.truncate(most);
    tiles
        .iter()
        .map(|t| format!("/points/{z}/{}/{}.png", t.x(), t.y()))
        .collect()
}

/// The times of `n` requests over one connection, in ascending order. They request the paths `kept`
/// in turn, which were all requested once before, so that their tiles are in the server's cache.
fn waits(address: &str, kept: &[String], n: usize) -> Vec<Duration> {
    let mut stream = connect(address);
    for path in kept {
        ask(&mut stream, path);
    }
    let mut waits: Vec<Duration> = (0..n)
        .map(|i| {
            let start = Instant::now();
            ask(&mut stream, &kept[i % kept.len()]);
            start.elapsed()
        })
        .collect();
    waits.sort_unstable();
    waits
}

fn told(what: &str, waits: Vec<Duration>) {
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: median {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn connect(address: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).expect("the server answers");
    stream.set_nodelay(true).expect("no delay");
    BufReader::new(stream)
}

/// Requests a path and returns the number of bytes of the answer's body. Panics unless the status
/// is 200.
fn ask(stream: &mut BufReader<TcpStream>, path: &str) -> usize {
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
    stream
        .get_mut()
        .write_all(request.as_bytes())
        .expect("a request");
    let (mut length, mut line) = (0usize, String::new());
    let mut status = String::new();
    loop {
        line.clear();
        stream.read_line(&mut line).expect("an answer");
        if status.is_empty() {
            status.clone_from(&line);
        }
        if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = n.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
    }
    assert!(status.contains(" 200 "), "{path}: {status}");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    length
}
