use super::cluster::shared;
use super::http::{body, densities, posted, serve};
use std::fmt::Write as _;

/// Positions with many digits. Some of them are on the date line and near the poles.
fn places() -> Vec<(f64, f64, f64)> {
    (0..3000u32)
        .map(|i| {
            let lon = (f64::from(i * 7919 % 36_000) + 0.123_456_789) / 100.0 - 180.0;
            let lat = (f64::from(i * 104_729 % 16_900) + 0.987_654_321) / 100.0 - 84.5;
            (lon, lat, f64::from(i % 7) * 0.5)
        })
        .collect()
}

/// Styles with a wide kernel, and with two kernels for which every point is read.
const LOOKS: [&str; 3] = [
    "?domain=0,9",
    "?domain=0,9&kernel=uniform&radius=30",
    "?domain=0,9&radius=3",
];

#[test]
fn the_same_points_by_every_way_are_the_same_tiles() {
    let Some(cluster) = shared() else { return };
    let folder = crate::program::folder("pg-tiles");
    let (mut csv, mut rows) = ("lon,lat,weight\n".to_owned(), String::new());
    for (lon, lat, weight) in places() {
        writeln!(csv, "{lon},{lat},{weight}").unwrap();
        write!(
            rows,
            "(ST_SetSRID(ST_MakePoint({lon},{lat}),4326),{weight}),"
        )
        .unwrap();
    }
    let file = folder.join("points.csv");
    std::fs::write(&file, csv).unwrap();
    cluster.run(&format!(
        "CREATE TABLE same (geom geometry(Point,4326), weight float8); \
         INSERT INTO same VALUES {}; CREATE INDEX ON same USING gist (geom); ANALYZE same",
        rows.trim_end_matches(',')
    ));
    let url = cluster.url();
    let files = serve(&[file.to_str().unwrap(), "--radius", "16px"]);
    let snapshot = serve(&[&url, "--table", "same", "--radius", "16px"]);
    let live = serve(&[&url, "--table", "same", "--live"]);
    let query = "select geom, weight from same where geom && !bbox!";
    let sql = serve(&[&url, "--sql", query, "--live"]);
    let adhoc = posted(&live, "select *, 'x' as note from same -- all of them");
    let xy = posted(
        &live,
        "select st_x(geom) as lon, st_y(geom) as lat, weight from same",
    );
    for path in [
        "0/0/0",
        "1/0/0",
        "3/0/4",
        "3/7/2",
        "5/17/13",
        "9/255/200",
        "2/3/1@2x",
    ] {
        for look in LOOKS {
            let tail = format!("{path}.png{look}");
            let expected = body(&files, &format!("/points/{tail}"));
            let got = body(&snapshot, &format!("/same/{tail}"));
            assert!(got == expected, "snapshot {tail}");
            // The database doesn't add up so few rows. If the kernel needs every point, the picture
            // has the same bytes as that of the file. For a wide kernel, cells of the index are
            // drawn. The cells of one picture's rows differ from the cells of all rows, which
            // changes densities by far less than 1/256.
            let by_bytes = look != LOOKS[0];
            let densities_of = tail.replace(".png", ".npy");
            let exact = densities(&body(&files, &format!("/points/{densities_of}")));
            let peak = exact.iter().fold(0.0f32, |peak, &v| peak.max(v));
            for (server, layer) in [
                (&live, "same"),
                (&sql, "query"),
                (&live, &adhoc),
                (&live, &xy),
            ] {
                if by_bytes {
                    let got = body(server, &format!("/{layer}/{tail}"));
                    assert!(got == expected, "{layer} {tail}");
                }
                let got = densities(&body(server, &format!("/{layer}/{densities_of}")));
                let near = |(a, b): (&f32, &f32)| {
                    if by_bytes {
                        a.to_bits() == b.to_bits()
                    } else {
                        (a - b).abs() <= peak / 8192.0
                    }
                };
                assert!(
                    got.len() == exact.len() && got.iter().zip(&exact).all(near),
                    "{layer} {densities_of}"
                );
            }
        }
    }
    for place in ["?lon=10.5&lat=20.25&z=3", "?lon=-179.99&lat=5&z=2"] {
        let expected: serde_json::Value =
            serde_json::from_slice(&body(&files, &format!("/points/value{place}"))).unwrap();
        let got: serde_json::Value =
            serde_json::from_slice(&body(&live, &format!("/same/value{place}"))).unwrap();
        assert_eq!(
            (&got["count"], got["count"].as_u64() > Some(0)),
            (&expected["count"], true)
        );
        let value = |answer: &serde_json::Value| answer["value"].as_f64().unwrap();
        assert!((value(&got) - value(&expected)).abs() < 1e-9);
    }
}

/// Two servers measure the same scale for a live layer, in whatever order its tiles are requested.
#[test]
fn a_live_layers_scale_holds_still() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE still AS SELECT ST_SetSRID(ST_MakePoint(i % 97, i % 53), 4326)\
         ::geometry(Point,4326) AS geom FROM generate_series(1, 5000) i; ANALYZE still",
    );
    let url = cluster.url();
    let arguments = [url.as_str(), "--table", "still", "--live"];
    let (one, other) = (serve(&arguments), serve(&arguments));
    let first = body(&one, "/still/3/4/3.png");
    body(&other, "/still/3/5/2.png");
    body(&other, "/still/12/2400/1900.png");
    assert!(body(&other, "/still/3/4/3.png") == first);
    assert!(body(&one, "/still/legend.json?z=3") == body(&other, "/still/legend.json?z=3"));
}

/// The database adds rows up if there are many more rows than cells.
#[test]
fn pushed_down_cells_are_true_to_1_256_of_the_peak() {
    let Some(cluster) = shared() else { return };
    for (table, srid, transform) in [
        ("stacked", 4326, "geom"),
        ("stacked_m", 3857, "ST_Transform(geom, 3857)"),
    ] {
        cluster.run(&format!(
            "SELECT setseed(0.5); CREATE TABLE {table} AS SELECT {transform}::geometry(Point,{srid}) AS geom, \
             (i % 5)::float8 - 0.5 AS weight FROM (SELECT i, ST_SetSRID(ST_MakePoint(\
             10 + random() * random() * 4, 50 + random() * random() * 3), 4326) AS geom \
             FROM generate_series(1, 300000) i) t; CREATE INDEX ON {table} USING gist (geom); ANALYZE {table}"
        ));
        let (plain, watched) = (cluster.url(), cluster.url_at("watched", cluster.port));
        let here = serve(&[&plain, "--table", table]);
        let live = serve(&[&watched, "--table", table, "--live", "--name", "cells"]);
        let path = "map.npy?bbox=10,50,12,52&width=24&height=24&radius=12";
        let expected = densities(&body(&here, &format!("/{table}/{path}")));
        let got = densities(&body(&live, &format!("/cells/{path}")));
        let peak = expected.iter().copied().fold(0.0f32, f32::max);
        assert!(peak > 0.0 && expected.len() == 24 * 24);
        for (a, b) in expected.iter().zip(&got) {
            assert!((a - b).abs() <= peak / 256.0, "{a} {b} of {peak}");
        }
        let name = format!("\"{table}\"");
        let grouped = |log: &str| {
            log.lines()
                .any(|l| l.contains("GROUP BY floor") && (l.contains(&name) || l.contains(table)))
        };
        assert!(
            grouped(&cluster.log()),
            "nothing was pushed down for {table}"
        );
    }
}

/// A query may add rows up itself. A column then has the number of points for which each of its
/// rows stands.
#[test]
fn a_query_may_add_up_itself() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE parts AS SELECT 5 + (i % 10) / 1000.0 AS x, 5.0 AS y, i \
         FROM generate_series(1, 1000) i",
    );
    let url = cluster.url();
    let server = serve(&[&url, "--auto-publish"]);
    let id = posted(
        &server,
        "select avg(x)::float8 as x, avg(y)::float8 as y, count(*)::float8 as weight, count(*) \
         from parts where x between !xmin! and !xmax! and y between !ymin! and !ymax! \
         group by floor(x / !cell!), floor(y / !cell!)",
    );
    let value: serde_json::Value =
        serde_json::from_slice(&body(&server, &format!("/{id}/value?lon=5.0045&lat=5&z=4")))
            .unwrap();
    assert_eq!(value["count"], 1000);
    assert!(
        (value["value"].as_f64().unwrap() - 1000.0).abs() < 1.0,
        "{value}"
    );
}
