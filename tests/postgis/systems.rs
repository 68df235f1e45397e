//! Tables in reference systems of all kinds. The tiles of a live layer must everywhere equal those
//! of a snapshot.

use super::cluster::shared;
use super::http::{body, densities, info, posted, serve};
use crate::program::Server;
use crate::scenes::Dice;

/// Reference systems, each with the west, south, east and north of the area where it is used, in
/// degrees. The areas of the last three cross ±180°.
const SYSTEMS: [(u32, [f64; 4]); 17] = [
    (32632, [6.0, 0.5, 12.0, 70.0]),
    (25832, [6.0, 47.0, 12.0, 55.0]),
    (31467, [7.5, 47.5, 10.5, 55.0]),
    (27700, [-6.0, 50.0, 1.5, 58.0]),
    (2154, [-4.0, 42.0, 8.0, 51.0]),
    (3035, [-8.0, 36.0, 30.0, 68.0]),
    (5070, [-122.0, 27.0, -70.0, 48.0]),
    (3413, [-180.0, 60.0, 180.0, 84.0]),
    (3031, [-180.0, -84.0, 180.0, -62.0]),
    (2056, [6.0, 46.0, 10.0, 47.7]),
    (4269, [-125.0, 25.0, -70.0, 49.0]),
    (3395, [-180.0, -70.0, 180.0, 70.0]),
    (2193, [167.0, -47.0, 178.5, -34.5]),
    (32760, [174.0, -70.0, 180.0, -10.0]),
    (32660, [177.0, 5.0, 183.0, 60.0]),
    (3832, [120.0, -40.0, 260.0, 50.0]),
    (3571, [150.0, 50.0, 220.0, 80.0]),
];

/// Random positions in a box, as longitude, latitude and weight.
fn places(count: usize, [west, south, east, north]: [f64; 4], dice: &mut Dice) -> Vec<[f64; 3]> {
    let place = |dice: &mut Dice| {
        let (lon, lat) = (dice.within(west, east), dice.within(south, north));
        [lon, lat, dice.within(0.5, 2.0)]
    };
    (0..count).map(|_| place(dice)).collect()
}

/// The positions as rows of SQL.
fn rows(places: &[[f64; 3]]) -> String {
    let row =
        |[lon, lat, weight]: &[f64; 3]| format!("({lon}::float8,{lat}::float8,{weight}::float8)");
    places.iter().map(row).collect::<Vec<_>>().join(",")
}

/// All tiles of zooms 0 to 4. For zooms 5 to 12, tiles at a few of the positions, and at ±180°
/// beside them.
fn tiles(places: &[[f64; 3]]) -> Vec<(u8, u32, u32)> {
    let all = |z: u8| (0..1u32 << z).flat_map(move |y| (0..1u32 << z).map(move |x| (z, x, y)));
    let mut tiles: Vec<_> = (0..=4).flat_map(all).collect();
    for z in 5..=12u8 {
        for [lon, lat, _] in places.iter().step_by(places.len().div_ceil(4)) {
            let (x, y) = crate::reference::project(*lon, *lat);
            let at = |v: f64| (v.rem_euclid(1.0) * f64::from(1u32 << z)) as u32;
            let last = (1u32 << z) - 1;
            tiles.extend([at(x), 0, last].map(|x| (z, x, at(y))));
        }
    }
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

/// Asserts that the tiles of a live layer equal those of another layer.
fn assert_alike(
    (live, at): (&Server, &str),
    (truth, there): (&Server, &str),
    tiles: &[(u8, u32, u32)],
    look: &str,
) {
    let mut seen = false;
    for (z, x, y) in tiles {
        let tail = format!("{z}/{x}/{y}.npy{look}");
        let (status, _, drawn) = live.get(&format!("/{at}/{tail}"), "");
        assert_eq!(
            status,
            200,
            "{at} {tail}: {}",
            String::from_utf8_lossy(&drawn)
        );
        let drawn = densities(&drawn);
        let truth = densities(&body(truth, &format!("/{there}/{tail}")));
        let peak = truth.iter().fold(0.0f32, |peak, v| peak.max(*v));
        seen |= peak > 0.5;
        let off = drawn.iter().zip(&truth).map(|(a, b)| (a - b).abs());
        let off = off.fold(0.0f32, f32::max);
        assert!(
            off <= (peak / 2048.0).max(1e-6),
            "{at} {tail}: {off} of {peak}"
        );
    }
    assert!(seen, "{at}: there was something to see");
}

fn assert_system(srid: u32, bounds: [f64; 4]) {
    let Some(cluster) = shared() else { return };
    let places = places(300, bounds, &mut Dice(u64::from(srid)));
    let table = format!("in_{srid}");
    cluster.run(&format!(
        "CREATE TABLE {table} AS SELECT ST_Transform(ST_SetSRID(ST_MakePoint(lon, lat), 4326), \
         {srid})::geometry(Point, {srid}) AS geom, weight FROM (VALUES {}) AS v(lon, lat, weight); \
         CREATE INDEX ON {table} USING gist (geom); ANALYZE {table}",
        rows(&places)
    ));
    let url = cluster.url();
    assert_eq!(info(&[&url, "--table", &table])["kept"], 300);
    let snapshot = serve(&[&url, "--table", &table]);
    let live = serve(&[&url, "--table", &table, "--live"]);
    let look = "?kernel=quartic&radius=6&domain=0,9";
    let tiles = tiles(&places);
    assert_alike((&live, &table), (&snapshot, &table), &tiles, look);
    // The first query uses the box of its tile, the second uses only other numbers of the tile.
    let some: Vec<_> = tiles
        .iter()
        .copied()
        .filter(|(z, x, _)| *z < 3 || *x == 0)
        .collect();
    for sql in [
        format!("select geom, weight from {table} where geom && !bbox!"),
        format!("select geom, weight from {table} where !zoom! + !x! + !y! >= 0"),
    ] {
        let query = posted(&live, &sql);
        assert_alike((&live, &query), (&snapshot, &table), &some, look);
    }
}

#[test]
fn live_tiles_are_a_snapshots_in_grids_of_countries() {
    SYSTEMS[..6]
        .iter()
        .for_each(|(srid, bounds)| assert_system(*srid, *bounds));
}

#[test]
fn live_tiles_are_a_snapshots_at_the_poles_and_on_continents() {
    SYSTEMS[6..12]
        .iter()
        .for_each(|(srid, bounds)| assert_system(*srid, *bounds));
}

#[test]
fn live_tiles_are_a_snapshots_across_the_date_line() {
    SYSTEMS[12..]
        .iter()
        .for_each(|(srid, bounds)| assert_system(*srid, *bounds));
}

/// The longitudes 190°, −170° and −530° are the same place. Live tiles show rows at any of them.
#[test]
fn longitudes_beyond_180_are_found_by_live_tiles_too() {
    let Some(cluster) = shared() else { return };
    let mut dice = Dice(540);
    let mut places = places(200, [170.0, -40.0, 190.0, 40.0], &mut dice);
    for (place, turn) in places
        .iter_mut()
        .zip([0.0, -360.0, 360.0, 0.0, -720.0].iter().cycle())
    {
        place[0] = (place[0] + turn).clamp(-540.0, 540.0);
    }
    cluster.run(&format!(
        "CREATE TABLE turned AS SELECT ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geometry(Point, 4326) \
         AS geom, lon, lat, weight FROM (VALUES {}) AS v(lon, lat, weight); \
         CREATE TABLE turned_metres AS SELECT ST_SetSRID(ST_MakePoint(lon / 360 * 40075016.68557849, \
         ST_Y(ST_Transform(ST_SetSRID(ST_MakePoint(0, lat), 4326), 3857))), 3857)\
         ::geometry(Point, 3857) AS geom, weight FROM turned; \
         CREATE TABLE turned_nad AS SELECT ST_SetSRID(geom, 4269)::geometry(Point, 4269) AS geom, \
         weight FROM turned; CREATE INDEX ON turned USING gist (geom); ANALYZE turned",
        rows(&places)
    ));
    let url = cluster.url();
    let snapshot = serve(&[&url, "--table", "turned"]);
    let tiles = tiles(&places);
    let look = "?kernel=quartic&radius=6&domain=0,9";
    for table in ["turned", "turned_metres", "turned_nad"] {
        let live = serve(&[&url, "--table", table, "--live"]);
        assert_alike((&live, table), (&snapshot, "turned"), &tiles, look);
    }
    let live = serve(&[&url, "--table", "turned", "--live"]);
    let columns = posted(&live, "select lon, lat, weight from turned");
    assert_alike((&live, &columns), (&snapshot, "turned"), &tiles, look);
    let value = "value?lon=180&lat=0&z=2&kernel=quartic&radius=60";
    let value = |server: &Server| -> serde_json::Value {
        serde_json::from_slice(&body(server, &format!("/turned/{value}"))).unwrap()
    };
    let (a, b) = (value(&live), value(&snapshot));
    assert!(
        a["count"] == b["count"] && a["count"].as_u64() > Some(5),
        "{a} {b}"
    );
}

/// Rows that the database adds up itself are counted once too, on both sides of ±180°.
#[test]
fn rows_that_are_added_up_at_the_date_line_are_counted_once() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE heaped AS SELECT ST_SetSRID(ST_MakePoint(180 + (i % 7 - 3) * 0.37 - \
         CASE WHEN i % 7 > 3 AND i % 2 = 0 THEN 360 ELSE 0 END, i % 5), 4326)::geometry(Point, 4326) \
         AS geom FROM generate_series(1, 400000) i; \
         CREATE INDEX ON heaped USING gist (geom); ANALYZE heaped",
    );
    let url = cluster.url_at("watched", cluster.port);
    let snapshot = serve(&[&url, "--table", "heaped"]);
    let live = serve(&[&url, "--table", "heaped", "--live"]);
    // The box that a query gets lies within ±180°.
    let within = "select geom from heaped where st_x(geom) between -180 and 180";
    let some = serve(&[&url, "--sql", within]);
    let query = posted(&live, &format!("{within} and geom && !bbox!"));
    for place in [
        "bbox=179,-2,181,2",
        "bbox=-181,0,-179,4",
        "bbox=178,-2,179.9,2",
    ] {
        let path = format!("map.npy?{place}&width=24&height=24&radius=12");
        for (truth, known, layer) in [
            (&snapshot, "heaped", "heaped"),
            (&some, "query", query.as_str()),
        ] {
            let truth = densities(&body(truth, &format!("/{known}/{path}")));
            let peak = truth.iter().fold(0.0f32, |peak, v| peak.max(*v));
            assert!(peak > 0.0, "{place}");
            let drawn = densities(&body(&live, &format!("/{layer}/{path}")));
            let off = drawn.iter().zip(&truth).map(|(a, b)| (a - b).abs());
            let off = off.fold(0.0f32, f32::max);
            assert!(off <= peak / 256.0, "{layer} {place}: {off} of {peak}");
        }
    }
    let added_up = |line: &str| line.contains("GROUP BY floor") && line.contains("heaped");
    assert!(
        cluster.log().lines().any(added_up),
        "the database added them up"
    );
}

/// A column contains geometries of several reference systems. Each is shown where its own system
/// places it, live as well as in a snapshot. A geometry without a system is left out and counted.
#[test]
fn geometries_that_say_their_own_system_are_where_they_say() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE several (geom geometry, weight float8); INSERT INTO several VALUES \
         ('SRID=4326;POINT(10 50)', 1), ('SRID=3857;POINT(-7000000 5000000)', 2), \
         (ST_SetSRID(ST_MakePoint(20, 50), 0), 4), ('SRID=32632;POINT(500000 3000000)', 8); \
         CREATE TABLE several_utm AS SELECT * FROM several ORDER BY weight DESC; \
         CREATE TABLE several_0 AS SELECT * FROM several WHERE ST_SRID(geom) IN (0, 3857) \
         ORDER BY ST_SRID(geom)",
    );
    let url = cluster.url();
    let tiles: Vec<_> = tiles(&[[10.0, 50.0, 1.0], [-62.9, 40.9, 1.0]]);
    let srid = ["--srid", "4326"];
    for (table, more, kept, sum) in [
        ("several", &[][..], 2, 3.0),
        ("several", &srid, 3, 7.0),
        ("several_utm", &[], 3, 11.0),
        ("several_0", &srid, 2, 6.0),
    ] {
        let source = [&[url.as_str(), "--table", table], more].concat();
        let about = info(&source);
        assert_eq!(
            (&about["kept"], &about["weight_sum"]),
            (&kept.into(), &sum.into()),
            "{about}"
        );
        let left_out = about["rows"].as_u64().unwrap() - kept;
        assert_eq!(
            about["skipped"]["bad position"].as_u64().unwrap_or(0),
            left_out,
            "{about}"
        );
        let snapshot = serve(&source);
        let live = serve(&[&source[..], &["--live"]].concat());
        let look = "?kernel=quartic&radius=6&domain=0,9";
        assert_alike((&live, table), (&snapshot, table), &tiles, look);
    }
}
