//! SQLite databases that are no GeoPackages: columns of degrees, well-known binary, and SpatiaLite.

use crate::robustness::survives;
use crate::{Folder, opened, weight};
use heatsplat_loader::{LoadOptions, SkipReason, open};
use heatsplat_points::mercator;
use rusqlite::Connection;
use std::path::PathBuf;

/// Makes a database by statements of SQL, and returns its path.
fn database(folder: &Folder, sql: &str) -> PathBuf {
    let path = folder.file("a.sqlite");
    let _ = std::fs::remove_file(&path);
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x'{digits}'")
}

/// A geometry in SpatiaLite's form: its kind, and the bytes behind that.
fn spatialite(kind: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0xe6, 0x10, 0, 0];
    bytes.extend([0; 32]);
    bytes.push(0x7c);
    bytes.extend(kind.to_le_bytes());
    bytes.extend(rest);
    bytes.push(0xfe);
    bytes
}

fn pair(x: f64, y: f64) -> Vec<u8> {
    [x.to_le_bytes(), y.to_le_bytes()].concat()
}

const DEGREES: &str = "create table notes (id integer, text text);
    create table shops (id integer primary key, lat real, lon real, sold integer, kind text);
    insert into notes values (1, 'a');
    insert into shops values (1, 52.5, 13.4, 3, 'x'), (2, 48.85, '2.35', null, 'y'),
      (3, null, 1, 1, 'x'), (4, 'north', 1, 1, 'x');";

#[test]
fn a_table_of_degrees_is_read() {
    let folder = Folder::new("sqlite-degrees");
    let path = database(&folder, DEGREES);
    let source = open(&path, &weight("sold")).unwrap();
    let says = "read as SQLite: table \"shops\", longitude from \"lon\", latitude from \"lat\", \
                weight from \"sold\"";
    assert_eq!(source.columns().why, says);
    drop(source);
    let (points, report) = opened(&path, &weight("sold")).unwrap();
    let (lon, lat) = mercator::unproject(points[1].at());
    assert!((lon - 2.35).abs() < 1e-6 && (lat - 48.85).abs() < 1e-6);
    assert_eq!(
        (points.len(), points[0].weight, report.weights_missing),
        (2, 3.0, 1)
    );
    let skips = [SkipReason::NoPosition, SkipReason::BadPosition];
    assert_eq!(skips.map(|skip| report.skipped(skip)), [1, 1]);
    let options = LoadOptions {
        filter: "kind = 'y'".parse().ok(),
        ..LoadOptions::default()
    };
    assert_eq!(opened(&path, &options).unwrap().0.len(), 1);
}

#[test]
fn geometries_are_read_in_each_form() {
    let folder = Folder::new("sqlite-geometries");
    let point = spatialite(1, &pair(13.4, 52.5));
    let part = |x, y| [&[0x69, 1, 0, 0, 0], &pair(x, y)[..]].concat();
    let points = [&2_u32.to_le_bytes()[..], &part(1.0, 2.0), &part(3.0, 4.0)].concat();
    let cut = [&9_u32.to_le_bytes()[..], &part(1.0, 2.0)].concat();
    let wkb = [&[1, 1, 0, 0, 0], &pair(5.0, 6.0)[..]].concat();
    let all = [
        hex(&point),
        hex(&spatialite(4, &points)),
        hex(&spatialite(2, &points)),
        hex(&spatialite(4, &cut)),
        hex(&wkb),
        "null".to_owned(),
    ];
    let rows: Vec<String> = all.iter().map(|geometry| format!("({geometry})")).collect();
    let sql = format!(
        "create table spatial_ref_sys (srid integer);
         create table geometry_columns (f_table_name text, f_geometry_column text, srid integer);
         insert into geometry_columns values ('places', 'spot', 4326);
         create table places (spot blob); insert into places values {};",
        rows.join(", ")
    );
    let (points, report) = opened(&database(&folder, &sql), &LoadOptions::default()).unwrap();
    let lons: Vec<f64> = points
        .iter()
        .map(|point| (mercator::unproject(point.at()).0 * 1e5).round() / 1e5)
        .collect();
    assert_eq!(lons, [13.4, 1.0, 3.0, 5.0]);
    let skips = [
        SkipReason::NotAPoint,
        SkipReason::Malformed,
        SkipReason::NoPosition,
    ];
    assert_eq!(skips.map(|skip| report.skipped(skip)), [1, 1, 1]);
}

#[test]
fn a_column_of_geometries_is_known_by_its_values() {
    let folder = Folder::new("sqlite-shapes");
    let kept = |sql: &str| {
        let (points, report) = opened(&database(&folder, sql), &LoadOptions::default()).unwrap();
        let lons = points
            .iter()
            .map(|point| mercator::unproject(point.at()).0.round());
        (lons.collect::<Vec<f64>>(), report.skipped_total())
    };
    // Sightings have a shape that is none on the map.
    let sightings = "create table a (shape text, longitude real, latitude real);
                     insert into a values (null, 1, 2), ('disk', 3, 4), ('light', 5, 6);";
    assert_eq!(kept(sightings), (vec![1.0, 3.0, 5.0], 0));
    let unset =
        "create table a (geom blob, lon real, lat real); insert into a values (null, 1, 2);";
    assert_eq!(kept(unset), (vec![1.0], 0));
    let texts = "create table a (geometry text, lon real, lat real);
                 insert into a values (null, 9, 9), ('POINT (1 2)', 9, 9),
                   ('MULTIPOINT ((3 4), (5 6))', 9, 9), ('LINESTRING (1 2, 3 4)', 9, 9),
                   ('POINT EMPTY', 9, 9), ('SRID=25832;POINT (1 2)', 9, 9), ('disk', 9, 9);";
    assert_eq!(kept(texts), (vec![1.0, 3.0, 5.0], 5));
}

#[test]
fn one_of_several_tables_is_named() {
    let folder = Folder::new("sqlite-tables");
    let path = database(
        &folder,
        &format!(
            "{DEGREES} create table \"old \"\"shops\" (x real, y real);
                  insert into \"old \"\"shops\" values (1, 2);"
        ),
    );
    let message = opened(&path, &LoadOptions::default())
        .err()
        .unwrap()
        .to_string();
    let says =
        "`table`: several tables have positions; name one of them: \"old \"shops\", \"shops\"";
    assert!(message.ends_with(says), "{message}");
    let table = |name: &str| LoadOptions {
        table: Some(name.to_owned()),
        ..LoadOptions::default()
    };
    assert_eq!(opened(&path, &table("old \"shops")).unwrap().0.len(), 1);
    let message = opened(&path, &table("shop")).err().unwrap().to_string();
    assert!(
        message.contains("there is no table \"shop\"; there are: \"notes\""),
        "{message}"
    );
    let none = database(
        &folder,
        "create table notes (text text, n real); create table b (a);",
    );
    let message = opened(&none, &LoadOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("no table of this SQLite database has columns of positions"));
}

/// The message of the error for the database at a path.
fn refusal(path: &std::path::Path, options: &LoadOptions) -> String {
    match opened(path, options) {
        Ok((_, report)) => panic!("{report:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn tables_that_only_another_program_can_read_are_left_out() {
    let folder = Folder::new("sqlite-virtual");
    let with_foreign = format!(
        "{DEGREES} create view near as select nearest(lat) as lat, lon from shops;
             create table ISO_metadata (id integer, geometry blob);
             pragma writable_schema = 1;
             insert into sqlite_master (type, name, tbl_name, rootpage, sql) values
               ('table', 'SpatialIndex', 'SpatialIndex', 0,
                'CREATE VIRTUAL TABLE SpatialIndex USING VirtualSpatialIndex()');"
    );
    let path = database(&folder, &with_foreign);
    assert_eq!(opened(&path, &LoadOptions::default()).unwrap().1.kept, 2);
    let table = |name: &str| LoadOptions {
        table: Some(name.to_owned()),
        ..LoadOptions::default()
    };
    assert_eq!(opened(&path, &table("shops")).unwrap().1.kept, 2);
    let message = refusal(&path, &table("near"));
    assert!(
        message.contains("the table \"near\": ") && message.contains("nearest"),
        "{message}"
    );
    // Only tables of these names are SpatiaLite's.
    let path_of_own = database(
        &folder,
        "create virtual table idx_a using rtree(id, west, east, south, north);
         create table idx_shops (lat real, lon real); insert into idx_shops values (1, 2);
         create table knn_found (id integer);",
    );
    let found = opened(&path_of_own, &LoadOptions::default()).unwrap();
    assert_eq!(found.1.kept, 1);
    let message = refusal(&path_of_own, &table("a"));
    let says = "there are: \"idx_shops\", \"knn_found\"";
    assert!(message.ends_with(says), "{message}");
    let path = database(&folder, &with_foreign);
    let message = refusal(&path, &table("SpatialIndex"));
    assert!(message.contains("there is no table"), "{message}");
}

#[test]
fn a_system_is_that_of_the_column_or_of_the_option() {
    let folder = Folder::new("sqlite-systems");
    let options = |srid: Option<u32>, geom: Option<&str>| LoadOptions {
        srid,
        geom: geom.map(str::to_owned),
        ..LoadOptions::default()
    };
    let first = |path: &PathBuf, options: &LoadOptions| {
        let (points, _) = opened(path, options).unwrap();
        let (lon, lat) = mercator::unproject(points[0].at());
        ((lon * 1e3).round() / 1e3, (lat * 1e3).round() / 1e3)
    };
    // On the central meridian of the zone 32, at the equator.
    let metres = "create table a (easting real, northing real); insert into a values (500000, 0);";
    let path = database(&folder, metres);
    assert_eq!(first(&path, &options(Some(25832), None)), (9.0, 0.0));

    let sql = |system: i32| {
        format!(
            "create table geometry_columns (f_table_name text, f_geometry_column text, srid integer);
             insert into geometry_columns values ('a', 'spot', 4326), ('A', 'Metres', {system});
             create table a (spot blob, metres blob, lon real, lat real);
             insert into a values ({}, {}, 1, 2);",
            hex(&spatialite(1, &pair(13.4, 52.5))),
            hex(&spatialite(1, &pair(500_000.0, 0.0)))
        )
    };
    let path = database(&folder, &sql(25832));
    assert_eq!(first(&path, &options(None, None)), (13.4, 52.5));
    assert_eq!(first(&path, &options(None, Some("metres"))), (9.0, 0.0));
    let message = refusal(&path, &options(Some(25833), Some("metres")));
    let says = "`srid`: its table geometry_columns states the coordinate system of this file";
    assert!(message.contains(says), "{message}");
    let message = refusal(&path, &options(None, Some("place")));
    assert!(message.contains("\"place\""), "{message}");
    // The number of a system may be the file's own, and a view has the system of its table.
    let own = "create table spatial_ref_sys (srid integer, auth_name text, auth_srid text);
               insert into spatial_ref_sys values (4327, 'epsg', '25832');
               create table views_geometry_columns (view_name text, view_geometry text,
                 f_table_name text, f_geometry_column text);
               insert into views_geometry_columns values ('seen', 'here', 'a', 'metres');
               create view seen as select metres as here from a;";
    let path = database(&folder, &(sql(4327) + own));
    for options in [
        LoadOptions {
            table: Some("a".to_owned()),
            ..options(None, Some("metres"))
        },
        LoadOptions {
            table: Some("seen".to_owned()),
            ..options(None, None)
        },
    ] {
        assert_eq!(first(&path, &options), (9.0, 0.0));
    }
    let foreign = "create table spatial_ref_sys (srid integer, auth_name text, auth_srid integer,
                     srtext text);
                   insert into spatial_ref_sys values (4327, 'mine', 4327, 'PROJCS[]');";
    let path = database(&folder, &(sql(4327) + foreign));
    let message = refusal(&path, &options(None, Some("metres")));
    assert!(message.contains("not known: number 4327"), "{message}");
    let path = database(&folder, &sql(-1));
    let unknown = options(Some(25832), Some("metres"));
    assert_eq!(first(&path, &unknown), (9.0, 0.0));
}

#[test]
fn the_option_that_is_wrong_is_blamed_and_not_the_table() {
    let folder = Folder::new("sqlite-blame");
    let path = database(
        &folder,
        &format!("create table a (n real); create table b (n real, geometries text); {DEGREES}"),
    );
    let message = refusal(&path, &weight("solt"));
    assert!(
        message.contains("a.sqlite: table \"shops\": `weight`: there is no column \"solt\""),
        "{message}"
    );
    let pairs = "create table trips (pick_lat real, pick_lon real, drop_lat real, drop_lon real);
                 insert into trips values (1, 2, 3, 4);";
    let path = database(&folder, &format!("{DEGREES} {pairs}"));
    let pair = |name: &str| LoadOptions {
        pair: Some(name.to_owned()),
        ..LoadOptions::default()
    };
    assert_eq!(opened(&path, &pair("drop")).unwrap().1.kept, 1);
    let message = refusal(&path, &pair("lift"));
    assert!(
        message.contains("`pair`: there are no columns"),
        "{message}"
    );
}

#[test]
fn a_damaged_database_never_panics() {
    let folder = Folder::new("sqlite-damage");
    let bytes = std::fs::read(database(&folder, DEGREES)).unwrap();
    for i in 0..400 {
        let at = bytes.len() * i / 400;
        let mut turned = bytes.clone();
        turned[at] ^= [0x80, 0xff, 0x01, 0x7f][i % 4];
        let _ = survives(&folder.0, "sqlite", &turned);
        let _ = survives(&folder.0, "sqlite", &bytes[..at]);
    }
}
