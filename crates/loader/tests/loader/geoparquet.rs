//! Points written as GeoParquet and read again.

use crate::Folder;
use heatsplat_loader::{LoadOptions, Table, load_table, open, read, write_geoparquet};
use heatsplat_points::{Point, Points};
use std::fs::File;
use std::path::Path;

/// Random numbers (splitmix64), always the same.
fn random(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn written(path: &Path, points: &Points, table: &Table, weight: Option<&str>) {
    write_geoparquet(points, table, weight, File::create(path).unwrap()).unwrap();
}

fn read_again(path: &Path, options: &LoadOptions) -> (Points, Table) {
    let mut source = open(path, options).unwrap();
    let (points, table, report) = load_table(&mut *source, |_| ()).unwrap();
    if options.within.is_none() {
        assert_eq!(report.rows, report.kept);
    }
    (points, table)
}

#[test]
fn points_that_are_written_and_read_again_are_equal() {
    let folder = Folder::new("geoparquet-points");
    let path = folder.file("a.parquet");
    let mut next = random(7);
    // Corners and edges of the world, weights over twelve decades, of both signs and missing.
    let mut points: Vec<Point> = [0, 1, u32::MAX - 1, u32::MAX]
        .into_iter()
        .flat_map(|x| [0, u32::MAX].map(|y| Point { x, y, weight: 1.0 }))
        .collect();
    points.extend((0..150_000).map(|i| Point {
        x: next() as u32,
        y: next() as u32,
        weight: match i % 7 {
            0 => -0.0,
            _ => (10_f64.powi((next() % 13) as i32 - 6) * (next() % 2001) as f64 - 0.5) as f32,
        },
    }));
    let index = Points::from_slice(&points);
    written(&path, &index, &Table::default(), None);
    let (again, _) = read_again(&path, &LoadOptions::default());
    let bits = |points: &Points| -> Vec<(u32, u32, u32)> {
        let all = points.as_slice().unwrap().iter();
        all.map(|p| (p.x, p.y, p.weight.to_bits())).collect()
    };
    assert!(bits(&again) == bits(&index));
    // Groups of rows outside a box are left out by their statistics.
    let within = LoadOptions {
        within: Some("0,0,10,10".parse().unwrap()),
        ..LoadOptions::default()
    };
    let (some, _) = read_again(&path, &within);
    let inside = bits(&index).into_iter().filter(|&(x, y, _)| {
        let (lon, lat) =
            heatsplat_points::mercator::unproject(heatsplat_points::WorldCoord { x, y });
        (0.0..=10.0).contains(&lon) && (0.0..=10.0).contains(&lat)
    });
    assert_eq!(bits(&some), inside.collect::<Vec<_>>());
    // Rows that count 1 have no column of weights.
    let ones: Vec<Point> = points.iter().map(|p| Point { weight: 1.0, ..*p }).collect();
    let ones = Points::from_slice(&ones);
    written(&path, &ones, &Table::default(), None);
    let (again, _) = read_again(&path, &LoadOptions::default());
    assert!(bits(&again) == bits(&ones));
    assert!(
        !open(&path, &LoadOptions::default())
            .unwrap()
            .columns()
            .seen
            .contains(&"weight".to_owned())
    );
}

#[test]
fn columns_of_a_table_are_written_with_their_values() {
    let folder = Folder::new("geoparquet-table");
    let path = folder.file("a.parquet");
    let csv = "lon,lat,mag,kind,when,depth,id,felt\n\
               1,2,5.5,deep,2010-03-01T10:00:00Z,10.25,9007199254740993,true\n\
               -3,4,6.5,,2011-03-01T10:00:00Z,,2,false\n\
               5,-6,,shallow,,3.5,,\n";
    let names = ["kind", "when", "depth", "id", "felt", "mag"];
    let options = LoadOptions {
        weight: Some("mag".to_owned()),
        keep: names.map(str::to_owned).to_vec(),
        ..LoadOptions::default()
    };
    let mut source = read(csv.as_bytes(), "a.csv", &options).unwrap();
    let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
    written(&path, &points, &table, Some("mag"));
    let (again, kept) = read_again(
        &path,
        &LoadOptions {
            weight: None,
            ..options
        },
    );
    assert_eq!(again.as_slice(), points.as_slice());
    for name in names {
        let (before, after) = (table.column(name).unwrap(), kept.column(name).unwrap());
        for row in 0..3 {
            assert_eq!(after.number(row), before.number(row), "{name} {row}");
            let is_there = before.text(row).is_some();
            assert_eq!(after.text(row).is_some(), is_there, "{name} {row}");
        }
    }
    let texts: Vec<_> = (0..3)
        .map(|row| kept.column("kind").unwrap().text(row))
        .collect();
    assert!(
        texts.contains(&Some("deep".into())) && texts.contains(&None),
        "{texts:?}"
    );
}
