use super::cluster::shared;
use super::http::{body, info, serve};
use crate::program::heatsplat;

const ODD: &str = "CREATE TABLE odd (id int, geom geometry, weight numeric); \
    INSERT INTO odd VALUES \
    (1, 'SRID=4326;POINT(1 2)', 1), (2, 'SRID=4326;POINT Z(3 4 5)', 2), \
    (3, 'SRID=4326;POINT ZM(5 6 7 8)', 3), (4, 'SRID=4326;POINT M(7 8 9)', 4), \
    (5, 'SRID=4326;MULTIPOINT(10 10, 11 11, 12 12)', 5), (6, NULL, 1), \
    (7, 'SRID=4326;POINT EMPTY', 1), (8, 'SRID=4326;MULTIPOINT EMPTY', 1), \
    (9, ST_SetSRID(ST_MakePoint('NaN', 5), 4326), 1), \
    (10, ST_SetSRID(ST_MakePoint(5, 'Infinity'), 4326), 1), \
    (11, 'SRID=4326;LINESTRING(0 0, 1 1)', 1), (12, 'SRID=4326;POLYGON((0 0, 1 0, 1 1, 0 0))', 1), \
    (13, 'SRID=4326;POINT(0 89)', 1), (14, 'SRID=4326;POINT(0 91)', 1), \
    (15, 'SRID=4326;POINT(9 9)', NULL), (16, 'SRID=4326;POINT(9 9)', 'NaN'), \
    (17, 'SRID=3857;POINT(111319.49079327 0)', 1), (18, 'SRID=2056;POINT(2600000 1200000)', 1), \
    (19, 'SRID=4326;GEOMETRYCOLLECTION(POINT(1 1))', 1), (20, 'SRID=4326;POINT(181 1)', 1)";

#[test]
fn every_odd_row_is_counted_and_harms_no_other() {
    let Some(cluster) = shared() else { return };
    cluster.run(ODD);
    let about = info(&[&cluster.url(), "--table", "odd"]);
    let expected = serde_json::json!({
        "no position": 3, "bad position": 4, "outside": 1, "bad weight": 1, "not a point": 3
    });
    assert_eq!(about["skipped"], expected, "{about}");
    assert_eq!((&about["kept"], &about["rows"]), (&10.into(), &22.into()));
    assert_eq!(about["weights_missing"], 1);
    assert_eq!(
        about["weight_sum"],
        1.0 + 2.0 + 3.0 + 4.0 + 15.0 + 0.0 + 1.0 + 1.0
    );
    let server = serve(&[&cluster.url(), "--table", "odd", "--live"]);
    let value: serde_json::Value =
        serde_json::from_slice(&body(&server, "/odd/value?lon=11&lat=11&z=8")).unwrap();
    assert_eq!(value["count"], 1);
    let strict = ["info", &cluster.url(), "--table", "odd", "--strict"];
    let (code, _, err) = heatsplat(&strict);
    assert!(code == 1 && err.contains("strict"), "{err}");
}

/// The database itself leaves out a value that is too large. So the program needn't receive it to
/// find out its size.
#[test]
fn a_giant_in_one_row_is_refused_before_it_is_sent() {
    let Some(cluster) = shared() else { return };
    // The geometries are MultiPoints at one place, with 16 bytes for each point. One stays within
    // the limit of 64 MiB, the other exceeds it.
    let points = |count: u32| {
        let count_hex: String = count
            .to_le_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        format!(
            "ST_SetSRID(ST_GeomFromEWKB(decode('0104000000{count_hex}' || \
             repeat('0101000000' || repeat('0', 32), {count}), 'hex')), 4326)"
        )
    };
    cluster.run(&format!(
        "CREATE TABLE large (geom geometry); CREATE TABLE giant (geom geometry); \
         INSERT INTO large SELECT {}; INSERT INTO giant SELECT {}",
        points(100_000),
        points(4_200_000)
    ));
    let url = cluster.url();
    let about = info(&[&url, "--table", "large"]);
    assert_eq!(about["kept"], 100_000);
    let (code, _, err) = heatsplat(&["info", &url, "--table", "giant"]);
    assert!(
        code == 1 && err.contains("64 MiB") && err.contains("ST_Dump"),
        "{err}"
    );
    // A server that draws live refuses the table too. It never receives the large row.
    let server = serve(&[&url, "--table", "giant", "--live"]);
    let (status, _, said) = server.get("/giant/0/0/0.png?domain=0,1", "");
    let said = String::from_utf8_lossy(&said);
    assert!(status == 422 && !said.contains("ST_"), "{status} {said}");
    let large = serve(&[&url, "--table", "large", "--live"]);
    let value = body(&large, "/large/value?lon=0&lat=0&z=0");
    let value: serde_json::Value = serde_json::from_slice(&value).unwrap();
    assert_eq!(value["count"], 100_000);
    cluster.run("DROP TABLE giant");
}

/// The first view of a live layer shows the area of its rows, which is found without a scan of the
/// table. Its tiles have no bounds.
#[test]
fn a_live_table_is_shown_where_it_is_without_a_scan() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE alps AS SELECT ST_Transform(ST_SetSRID(ST_MakePoint(6 + i / 25.0, 46 + i / 100.0), 4326), 3857)\
         ::geometry(Point, 3857) AS geom FROM generate_series(0, 100) i; \
         CREATE INDEX ON alps USING gist (geom); ANALYZE alps; \
         CREATE VIEW alps_seen AS SELECT * FROM alps",
    );
    let url = cluster.url_at("watched", cluster.port);
    let json = |server: &_, path: &str| -> serde_json::Value {
        serde_json::from_slice(&body(server, path)).unwrap()
    };
    let numbers = |value: &serde_json::Value| -> Vec<f64> {
        let all = value.as_array().unwrap().iter();
        all.map(|v| v.as_f64().unwrap()).collect()
    };
    let alps = serve(&[&url, "--table", "alps", "--live"]);
    let catalog = json(&alps, "/catalog");
    let bounds = numbers(&catalog["layers"][0]["bounds"]);
    for (got, expected) in bounds.iter().zip([6.0, 46.0, 10.0, 47.0]) {
        assert!((got - expected).abs() < 0.1, "{bounds:?}");
    }
    let tilejson = json(&alps, "/alps");
    let center = numbers(&tilejson["center"]);
    assert!(
        (center[0] - 8.0).abs() < 0.1 && center[2] >= 5.0,
        "{center:?}"
    );
    assert!(numbers(&tilejson["bounds"])[0] == -180.0, "{tilejson}");
    // Rows that are added later, outside this area, are shown too.
    cluster
        .run("INSERT INTO alps SELECT ST_Transform(ST_SetSRID(ST_MakePoint(-70, 40), 4326), 3857)");
    assert_eq!(json(&alps, "/alps/value?lon=-70&lat=40&z=9")["count"], 1);
    // Nothing is known about the rows of a view before it is read, so the first view shows the
    // whole map.
    let seen = serve(&[&url, "--table", "alps_seen", "--live"]);
    assert_eq!(
        numbers(&json(&seen, "/catalog")["layers"][0]["bounds"])[0],
        -180.0
    );
    assert_eq!(
        json(&seen, "/alps_seen/value?lon=-70&lat=40&z=9")["count"],
        1
    );
}

#[test]
fn other_reference_systems_are_transformed_and_unknown_ones_named() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE swiss AS SELECT ST_Transform(ST_SetSRID(ST_MakePoint(7 + i / 100.0, 47), 4326), 2056)\
         ::geometry(Point, 2056) AS geom FROM generate_series(0, 99) i; \
         CREATE TABLE mercator AS SELECT ST_Transform(geom, 3857)::geometry(Point, 3857) AS geom FROM swiss; \
         CREATE TABLE ellipsoid_rows AS SELECT ST_Transform(geom, 4326)::geography AS geog FROM swiss; \
         CREATE TABLE silent AS SELECT ST_SetSRID(geom, 0) AS geom FROM mercator",
    );
    let url = cluster.url();
    for (table, more) in [
        ("swiss", &[][..]),
        ("mercator", &[]),
        ("ellipsoid_rows", &[]),
        ("silent", &["--srid", "3857"]),
    ] {
        let about = info(&[&[url.as_str(), "--table", table], more].concat());
        let bounds = about["bounds"].as_array().unwrap();
        let near = |i: usize, expected: f64| (bounds[i].as_f64().unwrap() - expected).abs() < 1e-5;
        assert!(
            about["kept"] == 100 && near(0, 7.0) && near(1, 47.0) && near(2, 7.99),
            "{table}: {about}"
        );
        let live = serve(&[&[url.as_str(), "--table", table, "--live"], more].concat());
        let value: serde_json::Value =
            serde_json::from_slice(&body(&live, &format!("/{table}/value?lon=7.5&lat=47&z=14")))
                .unwrap();
        assert_eq!(value["count"], 1, "{table}");
    }
    let (code, _, err) = heatsplat(&["info", &url, "--table", "silent"]);
    assert!(
        code == 1 && err.contains("SRID 0") && err.contains("--srid"),
        "{err}"
    );
    let (code, _, err) = heatsplat(&["info", &url, "--table", "silent", "--srid", "987654"]);
    assert!(code == 1 && err.contains("987654"), "{err}");
}

#[test]
fn mistakes_say_what_to_do_and_never_the_password() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE twice AS SELECT ST_MakePoint(1,1) AS a, ST_MakePoint(1,1) AS b; \
         CREATE TABLE hidden (geom geometry(Point,4326)); REVOKE ALL ON hidden FROM reader; \
         CREATE TABLE flat (name text)",
    );
    let url = cluster.url().replace("reader@", "reader:s3cret@");
    for (arguments, hint) in [
        (&["--table", "nosuch"][..], "no table or view"),
        (&["--table", "hidden"], "GRANT SELECT"),
        (&["--table", "twice"], "--geom"),
        (&["--table", "flat"], "no column holds geometries"),
        (&["--table", "twice", "--geom", "c"], "there are:"),
        (&["--sql", "select 1 from nosuch"], "nosuch"),
        (&["--sql", "select !nosuch!"], "!bbox!"),
        (&[], "--table"),
    ] {
        let (code, _, err) = heatsplat(&[&["info", url.as_str()], arguments].concat());
        assert!(
            code == 1 && err.contains(hint) && !err.contains("s3cret"),
            "{arguments:?}: {err}"
        );
    }
    let owner = cluster.url_at("postgres", cluster.port);
    let (code, _, err) = heatsplat(&["info", &owner, "--table", "flat"]);
    assert!(code == 1 && err.contains("superuser"), "{err}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (code, _, err) = heatsplat(&[
        "info",
        &cluster.url_at("reader:s3cret", closed),
        "--table",
        "a",
    ]);
    assert!(
        code == 1 && err.contains("does not answer") && !err.contains("s3cret"),
        "{err}"
    );
}

/// A column of radii is read together with the rows. Live layers don't support it.
#[test]
fn a_column_of_radii_is_read_with_the_rows() {
    let Some(cluster) = shared() else { return };
    let folder = crate::program::folder("pg-radii");
    let rows = "10,20,1,8\n10,20,2,30\n12,21,1,\n12,21,1,5\n10,20,4,16\n";
    let file = folder.join("reach.csv");
    std::fs::write(&file, format!("lon,lat,weight,reach\n{rows}")).unwrap();
    cluster.run(
        "CREATE TABLE reaching AS SELECT ST_SetSRID(ST_MakePoint(lon, lat), 4326)\
         ::geometry(Point, 4326) AS geom, weight, reach, 'x' AS note FROM (VALUES \
         (10, 20, 1, 8), (10, 20, 2, 30), (12, 21, 1, NULL), (12, 21, 1, 5), (10, 20, 4, 16)) \
         AS v(lon, lat, weight, reach)",
    );
    let url = cluster.url();
    let draw = |source: &[&str], out: &str| {
        let out = folder.join(out);
        let flags = [
            "-o",
            out.to_str().unwrap(),
            "--bbox=8,18,16,24",
            "--size=99x99",
        ];
        let radii = ["--radius-column", "reach"];
        let (code, _, err) = heatsplat(&[&["render"], source, &flags, &radii].concat());
        assert_eq!(code, 0, "{err}");
        std::fs::read(out).unwrap()
    };
    let truth = draw(&[file.to_str().unwrap()], "file.npy");
    assert!(draw(&[&url, "--table", "reaching"], "table.npy") == truth);
    let sql = "select st_x(geom) as x, st_y(geom) as y, weight, reach from reaching";
    assert!(draw(&[&url, "--sql", sql], "query.npy") == truth);
    for (more, says) in [
        (&["--radius-column", "note"][..], "\"note\" is no number"),
        (&["--radius-column", "rech"], "\"reach\""),
    ] {
        let out = folder.join("none.npy");
        let out = out.to_str().unwrap();
        let source = ["render", &url, "--table", "reaching", "-o", out];
        let (code, _, err) = heatsplat(&[&source[..], more].concat());
        assert!(code == 1 && err.contains(says), "{err}");
    }
    let live = [
        "serve",
        &url,
        "--table",
        "reaching",
        "--live",
        "--radius-column",
        "reach",
    ];
    let (code, _, err) = heatsplat(&live);
    assert!(code != 0 && err.contains("radius-column"), "{err}");
}
