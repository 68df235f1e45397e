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
        code == 1 && err.contains("away") && !err.contains("s3cret"),
        "{err}"
    );
}
