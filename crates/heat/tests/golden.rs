//! A small file whose bytes never change, which programs in other languages read after
//! docs/heat-format.md.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use heatsplat_heat::{HeatFile, Metadata, PageCache, WriterOptions, write_index};
use heatsplat_points::{Point, Points};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Points at a few places, with weights of all forms: decimals, others and missing ones.
fn points() -> Points {
    let point = |i: u32| Point {
        x: (i % 10) * 429_000_000 + i / 200,
        y: (i % 4) * 1_073_000_000 + 5,
        weight: match i % 10 {
            3 if i < 150 => -0.0,
            8 | 9 => (1.0 + i as f32).sqrt(),
            _ => (i % 50) as f32 / 4.0,
        },
    };
    Points::from_slice(&(0..320).map(point).collect::<Vec<_>>())
}

/// Sums of the points and of their pyramid.
fn sums(points: &Points, identity: [u8; 32]) -> Value {
    let all = points.as_slice().unwrap();
    let (mut cells, mut cell_weights, mut counts, mut nodes, mut inside) = (0, 0.0, 0, 0, 0);
    points
        .visit_nodes(&mut |node| {
            cells += node.cells.len();
            cell_weights += node.cells.iter().map(|c| f64::from(c.weight)).sum::<f64>();
            counts += node.counts.iter().sum::<u32>();
            nodes += 1;
            inside += node.borders[4] - node.borders[0];
            Ok::<(), ()>(())
        })
        .unwrap();
    let hex: String = identity.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "name": "Golden", "identity": hex, "points": all.len(),
        "without_weight": points.summary().without_weight,
        "weight_sum": points.summary().weight_sum,
        "x_sum": all.iter().map(|p| u64::from(p.x)).sum::<u64>(),
        "y_sum": all.iter().map(|p| u64::from(p.y)).sum::<u64>(),
        "cells": cells, "cell_weight_sum": cell_weights, "cell_counts": counts,
        "nodes": nodes, "node_points": inside,
    })
}

#[test]
fn the_golden_file_is_written_again_byte_by_byte_and_read_by_others() {
    let golden = folder().join("golden.heat");
    let path = std::env::temp_dir().join(format!("heatsplat-golden-{}.heat", std::process::id()));
    let mut metadata = Metadata::default();
    metadata.name = Some("Golden".to_owned());
    let mut options = WriterOptions::default();
    (options.page_entries, options.page_nodes, options.reserved) = (128, 8, 256);
    write_index(&points(), &path, &metadata, options).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    if std::env::var_os("HEATSPLAT_BLESS").is_some() {
        std::fs::write(&golden, &bytes).unwrap();
    }
    assert!(bytes == std::fs::read(&golden).unwrap());
    assert!(bytes.len() < 6_000, "{}", bytes.len());
    let file = HeatFile::open(&golden, &Arc::new(PageCache::new(1 << 20))).unwrap();
    assert!(file.verify(&mut |_| {}).is_good());
    assert_eq!(file.metadata().name.as_deref(), Some("Golden"));
    let wanted = sums(&points(), file.identity());
    for (program, script) in [("python3", "read_heat.py"), ("node", "read_heat.mjs")] {
        let script = folder().join(script);
        let Ok(output) = Command::new(program).arg(script).arg(&golden).output() else {
            let required = std::env::var_os("HEATSPLAT_REQUIRE_ALL").is_some();
            assert!(!required, "{program} is missing");
            continue;
        };
        let errors = String::from_utf8_lossy(&output.stderr);
        let sums: Value = serde_json::from_slice(&output.stdout).expect(&errors);
        for (name, wanted) in wanted.as_object().unwrap() {
            let (got, wanted) = (&sums[name], wanted);
            let near = got
                .as_f64()
                .zip(wanted.as_f64())
                .is_some_and(|(a, b)| (a - b).abs() <= 1e-9 * b.abs());
            assert!(
                near || got == wanted,
                "{program}: {name} is {got}, not {wanted}"
            );
        }
    }
}
