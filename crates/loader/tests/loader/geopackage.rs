//! GeoPackages. Files of the rows in `ROWS` must give the same points as these rows in CSV. Other
//! tests have unusual or damaged files.

use crate::{Folder, ROWS, assert_like_csv, opened, weight};
use heatsplat_loader::{LoadOptions, SkipReason};
use heatsplat_points::mercator;
use rusqlite::Connection;
use std::path::Path;

/// A geometry in the binary form of GeoPackage. `envelope` is 0 for a header without an envelope,
/// or 1 for a header with the range of x and y.
pub(crate) fn binary(wkb: &[u8], envelope: u8) -> Vec<u8> {
    let mut bytes = vec![b'G', b'P', 0, 1 | envelope << 1, 0xe6, 0x10, 0, 0];
    bytes.extend(std::iter::repeat_n(0, usize::from(envelope) * 32));
    bytes.extend(wkb);
    bytes
}

pub(crate) fn point(x: f64, y: f64) -> Vec<u8> {
    let mut bytes = vec![1, 1, 0, 0, 0];
    bytes.extend(x.to_le_bytes());
    bytes.extend(y.to_le_bytes());
    bytes
}

/// Creates a GeoPackage with an empty table of points for each name. `system` is the number of its
/// coordinate system.
pub(crate) fn package(path: &Path, tables: &[&str], system: i64) -> Connection {
    let _ = std::fs::remove_file(path);
    let database = Connection::open(path).unwrap();
    // A test's file need not survive a power failure, and waiting for the disk would take most of a
    // minute.
    database
        .execute_batch("pragma synchronous = off; pragma journal_mode = memory;")
        .unwrap();
    database
        .execute_batch(
            "create table gpkg_spatial_ref_sys (srs_name text, srs_id integer, organization text, \
               organization_coordsys_id integer, definition text);
             insert into gpkg_spatial_ref_sys values \
               ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS'), ('British', 27700, 'EPSG', 27700, ''), \
               ('Site 9', 100001, 'NONE', 9, 'LOCAL_CS[\"Site 9\"]');
             create table gpkg_contents (table_name text);
             create table gpkg_geometry_columns (table_name text, column_name text, \
               geometry_type_name text, srs_id integer);",
        )
        .unwrap();
    for table in tables {
        let name = table.replace('"', "\"\"");
        let sql =
            format!("create table \"{name}\" (fid integer primary key, geom blob, count real)");
        database.execute_batch(&sql).unwrap();
        database
            .execute("insert into gpkg_contents values (?1)", [table])
            .unwrap();
        let columns = "insert into gpkg_geometry_columns values (?1, 'geom', 'POINT', ?2)";
        database
            .execute(columns, rusqlite::params![table, system])
            .unwrap();
    }
    database
}

pub(crate) fn insert(
    database: &Connection,
    table: &str,
    geometry: Option<Vec<u8>>,
    weight: Option<f64>,
) {
    let sql = format!(
        "insert into \"{}\" (geom, count) values (?1, ?2)",
        table.replace('"', "\"\"")
    );
    database
        .execute(&sql, rusqlite::params![geometry, weight])
        .unwrap();
}

#[test]
fn a_table_of_points_is_like_csv() {
    let folder = Folder::new("gpkg");
    let path = folder.file("a.gpkg");
    for (name, envelope) in [("points", 0), ("it's \"odd\" ", 1)] {
        let database = package(&path, &[name], 4326);
        for (x, y, w) in ROWS {
            insert(&database, name, Some(binary(&point(x, y), envelope)), w);
        }
        drop(database);
        assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
    }
}

#[test]
fn one_of_several_tables_has_to_be_named() {
    let folder = Folder::new("gpkg-tables");
    let path = folder.file("a.gpkg");
    let database = package(&path, &["trees", "wells"], 4326);
    insert(
        &database,
        "wells",
        Some(binary(&point(1.0, 2.0), 0)),
        Some(7.0),
    );
    drop(database);
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("`table`: name one of the tables of points: \"trees\", \"wells\""),
        "{message}"
    );
    let wells = LoadOptions {
        table: Some("wells".into()),
        ..LoadOptions::default()
    };
    assert_eq!(opened(&path, &wells).unwrap().0[0].weight, 7.0);
    let other = LoadOptions {
        table: Some("nothing".into()),
        ..LoadOptions::default()
    };
    assert!(opened(&path, &other).is_err());
    drop(package(&path, &[], 4326));
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("no table of points"), "{message}");
}

#[test]
fn coordinate_systems_are_respected_or_refused() {
    let folder = Folder::new("gpkg-crs");
    let path = folder.file("a.gpkg");
    let database = package(&path, &["a"], 27700);
    insert(
        &database,
        "a",
        Some(binary(&point(530_268.0, 179_640.0), 0)),
        None,
    );
    drop(database);
    let (points, _) = opened(&path, &LoadOptions::default()).unwrap();
    let (lon, lat) = mercator::unproject(points[0].at());
    assert!(
        (lon + 0.1246).abs() < 1e-3 && (lat - 51.5007).abs() < 1e-3,
        "{lon} {lat}"
    );
    for (system, says) in [(100_001, "Site 9"), (555, "number 555")] {
        drop(package(&path, &["a"], system));
        let message = opened(&path, &LoadOptions::default())
            .unwrap_err()
            .to_string();
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn odd_geometries_and_weights_are_counted() {
    let folder = Folder::new("gpkg-odd");
    let path = folder.file("a.gpkg");
    let database = package(&path, &["a"], 4326);
    let multi = [
        vec![1, 4, 0, 0, 0, 2, 0, 0, 0],
        point(1.0, 2.0),
        point(3.0, 4.0),
    ]
    .concat();
    let mut empty = binary(&point(f64::NAN, f64::NAN), 0);
    empty[3] |= 0x10;
    for geometry in [
        None,
        Some(b"GP".to_vec()),
        Some(binary(b"junk", 0)),
        Some(empty),
        Some(binary(&[1, 2, 0, 0, 0, 0, 0, 0, 0], 0)),
        Some(binary(&multi, 1)),
    ] {
        insert(&database, "a", geometry, Some(1.0));
    }
    database
        .execute_batch("insert into a (geom, count) values ('text', 1)")
        .unwrap();
    insert(
        &database,
        "a",
        Some(binary(&point(1.0, 1.0), 0)),
        Some(f64::INFINITY),
    );
    drop(database);
    let (points, report) = opened(&path, &weight("count")).unwrap();
    assert_eq!((points.len(), report.rows), (2, 9));
    let skipped = [
        SkipReason::NoPosition,
        SkipReason::Malformed,
        SkipReason::NotAPoint,
        SkipReason::BadWeight,
    ];
    assert_eq!(skipped.map(|s| report.skipped(s)), [2, 3, 1, 1]);
}

#[test]
fn databases_that_are_no_geopackage_or_cut_off() {
    let folder = Folder::new("gpkg-cut");
    let path = folder.file("a.gpkg");
    Connection::open(&path)
        .unwrap()
        .execute_batch("create table t (a)")
        .unwrap();
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("no longitude, latitude or geometry"),
        "{message}"
    );
    let database = package(&path, &["a"], 4326);
    for i in 0..3000 {
        insert(
            &database,
            "a",
            Some(binary(&point(f64::from(i) * 0.01, 2.0), 0)),
            None,
        );
    }
    drop(database);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("damaged or cut off"), "{message}");
}

#[test]
fn rows_can_be_filtered_by_any_column() {
    let folder = Folder::new("gpkg-filter");
    let path = folder.file("a.gpkg");
    let database = package(&path, &["a"], 4326);
    for (x, y, w) in ROWS {
        insert(&database, "a", Some(binary(&point(x, y), 0)), w);
    }
    drop(database);
    let options = LoadOptions {
        filter: Some(
            "fid <> 1 and count is not null and count < 0"
                .parse()
                .unwrap(),
        ),
        ..LoadOptions::default()
    };
    let (points, report) = opened(&path, &options).unwrap();
    assert_eq!(
        (points.len(), points[0].weight, report.filtered),
        (1, -2.5, 4)
    );
}

#[test]
fn a_part_is_the_same_with_and_without_an_index() {
    let folder = Folder::new("gpkg-rtree");
    let path = folder.file("a.gpkg");
    let name = "it's \"odd\"";
    let database = package(&path, &[name], 4326);
    database.execute_batch("begin").unwrap();
    for i in 0..5000 {
        // Some longitudes are written 360° too high.
        let (x, y) = (f64::from(i % 100) * 3.6 - 180.0, f64::from(i / 100) - 25.0);
        let x = if i % 7 == 0 { x + 360.0 } else { x };
        insert(&database, name, Some(binary(&point(x, y), 0)), Some(1.0));
    }
    database.execute_batch("commit").unwrap();
    let part = |bounds: &str| {
        let options = LoadOptions {
            within: Some(bounds.parse().unwrap()),
            ..LoadOptions::default()
        };
        opened(&path, &options).unwrap()
    };
    let all = [
        "10,-10,30,10",
        "170,-20,190,20",
        "-180,-90,180,90",
        "-36,0,-36,0",
    ];
    let plain = all.map(part);
    let index = name.replace('"', "\"\"");
    database
        .execute_batch(&format!(
            "create virtual table \"rtree_{index}_geom\" using rtree(id, minx, maxx, miny, maxy);
             insert into \"rtree_{index}_geom\" select fid, x, x, y, y from \
               (select fid, (fid - 1) % 100 * 3.6 - 180 + iif((fid - 1) % 7 = 0, 360, 0) x, \
                (fid - 1) / 100 - 25 y from \"{index}\");"
        ))
        .unwrap();
    for (bounds, (points, report)) in all.into_iter().zip(plain) {
        let (found, by_index) = part(bounds);
        assert_eq!(found, points, "{bounds}");
        assert_eq!(by_index.kept, report.kept);
        // With the index, most rows outside of the box are not read.
        let read = by_index.rows + by_index.filtered;
        assert!(
            read < report.kept + 200 && report.kept + report.filtered == 5000,
            "{bounds}: {read}"
        );
    }
}

#[test]
fn a_column_of_geometries_tells_a_table() {
    let folder = Folder::new("gpkg-geom");
    let path = folder.file("a.gpkg");
    let database = package(&path, &["trees", "wells"], 4326);
    database
        .execute_batch(
            "alter table wells rename column geom to place;
             update gpkg_geometry_columns set column_name = 'place' where table_name = 'wells'",
        )
        .unwrap();
    database
        .execute(
            "insert into wells (place) values (?1)",
            [binary(&point(1.0, 2.0), 0)],
        )
        .unwrap();
    drop(database);
    let geom = |name: &str| LoadOptions {
        geom: Some(name.to_owned()),
        ..LoadOptions::default()
    };
    assert_eq!(opened(&path, &geom("place")).unwrap().0.len(), 1);
    let message = opened(&path, &geom("shape")).unwrap_err().to_string();
    assert!(
        message.contains("`geom`: there is no column \"shape\"; there are: \"geom\", \"place\""),
        "{message}"
    );
    let message = crate::error(
        "a.json",
        br#"{"type":"Point","coordinates":[1,2]}"#,
        &geom("place"),
    );
    assert!(
        message.contains("`geom`: geojson has no columns of geometries"),
        "{message}"
    );
}
