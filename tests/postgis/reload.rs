use super::cluster::shared;
use super::http::{SOON, body, serve};
use crate::program::Server;
use std::time::{Duration, Instant};

fn layers(server: &Server) -> Vec<serde_json::Value> {
    let catalog: serde_json::Value = serde_json::from_slice(&body(server, "/catalog")).unwrap();
    catalog["layers"].as_array().unwrap().clone()
}

fn layer(server: &Server, id: &str) -> serde_json::Value {
    layers(server)
        .into_iter()
        .find(|l| l["id"] == id)
        .unwrap_or_default()
}

/// Waits until a layer has this number of points.
fn until(server: &Server, id: &str, points: u64) {
    let started = Instant::now();
    while layer(server, id)["points"] != points {
        assert!(started.elapsed() < SOON, "{}", layer(server, id));
        std::thread::sleep(Duration::from_millis(30));
    }
}

#[test]
fn snapshots_follow_the_database() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE growing (geom geometry(Point,4326)); CREATE TABLE other (geom geometry(Point,4326)); \
         INSERT INTO growing VALUES ('SRID=4326;POINT(1 1)'); INSERT INTO other VALUES ('SRID=4326;POINT(1 1)')",
    );
    let grow = "INSERT INTO growing VALUES ('SRID=4326;POINT(2 2)'); ";
    let url = cluster.url();
    let server = serve(&[&url, "--table", "growing", "--table", "other"]);
    until(&server, "growing", 1);
    let (_, head, before) = server.get("/growing/0/0/0.png", "");
    // The thread that listens for notifications may not be connected yet, so a moment is waited.
    std::thread::sleep(Duration::from_millis(400));
    cluster.run(&format!("{grow} NOTIFY heatsplat, 'growing'"));
    until(&server, "growing", 2);
    assert_eq!(layer(&server, "growing")["epoch"], 2);
    assert_eq!(layer(&server, "other")["epoch"], 1);
    let etag = head.lines().find_map(|l| l.strip_prefix("etag: ")).unwrap();
    let (status, _, after) =
        server.get("/growing/0/0/0.png", &format!("If-None-Match: {etag}\r\n"));
    assert!(status == 200 && after != before);
    cluster.run(&format!("{grow} NOTIFY heatsplat"));
    until(&server, "growing", 3);
    let started = Instant::now();
    while layer(&server, "other")["epoch"] != 2 {
        assert!(started.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(30));
    }
    cluster.run(grow);
    server.signal("HUP");
    until(&server, "growing", 4);
    // If a reload fails, the layer keeps its points.
    cluster.run("ALTER TABLE growing RENAME TO gone; NOTIFY heatsplat, 'growing'");
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(layer(&server, "growing")["points"], 4);
    cluster.run("ALTER TABLE gone RENAME TO growing");
    // The connection of the listening thread is broken. When it connects again, all layers are read
    // again, since notifications may have been missed.
    cluster.run(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'heatsplat listen'; {grow}"
    ));
    until(&server, "growing", 5);

    let timed = serve(&[&url, "--table", "growing", "--reload", "1s"]);
    until(&timed, "growing", 5);
    cluster.run(grow);
    until(&timed, "growing", 6);
}

#[test]
fn tables_of_points_become_layers_by_themselves() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE SCHEMA open; GRANT USAGE ON SCHEMA open TO reader; \
         CREATE TABLE open.\"Shops\" (geom geometry(Point,4326), weight int); \
         INSERT INTO open.\"Shops\" VALUES ('SRID=4326;POINT(3 3)', 5); \
         CREATE VIEW open.seen AS SELECT geom FROM open.\"Shops\"; \
         CREATE TABLE open.closed (geom geometry(Point,4326)); \
         CREATE TABLE open.lines (geom geometry(LineString,4326)); \
         GRANT SELECT ON open.\"Shops\", open.seen, open.lines TO reader; REVOKE ALL ON open.closed FROM reader",
    );
    let server = serve(&[&cluster.url(), "--auto-publish"]);
    let ids: Vec<String> = layers(&server)
        .iter()
        .filter_map(|l| Some(l["id"].as_str()?.to_owned()))
        .filter(|id| id.starts_with("open."))
        .collect();
    assert_eq!(ids, ["open.shops", "open.seen"]);
    let value: serde_json::Value =
        serde_json::from_slice(&body(&server, "/open.shops/value?lon=3&lat=3&z=5")).unwrap();
    assert!(
        (value["value"].as_f64().unwrap() - 5.0).abs() < 1e-6,
        "{value}"
    );
    body(&server, "/open.seen/0/0/0.png");
    body(&server, "/open.seen.json");
}

#[test]
fn a_database_that_cannot_publish_its_tables_ends_no_start_that_has_other_layers() {
    let Some(cluster) = shared() else { return };
    // This database has no PostGIS.
    let url = cluster.url().replace("/postgres?", "/template1?");
    let dir = crate::program::folder("postgis-bad-publisher");
    let file = dir.join("heatsplat.toml");
    let points = dir.join("points.csv");
    std::fs::write(&points, "lon,lat\n1,2\n").unwrap();
    let bad = format!("[sources.bad]\nurl = \"{url}\"\nauto_publish = true\n");
    let config = file.to_str().unwrap();
    std::fs::write(&file, format!("[[layers]]\nfile = \"points.csv\"\n{bad}")).unwrap();
    let server = serve(&["--config", config]);
    until(&server, "points", 1);
    body(&server, "/points/0/0/0.png");
    drop(server);
    // With nothing else to serve, or where all is required, it is an error.
    for (text, flags) in [
        (bad.clone(), &[][..]),
        (
            format!("[[layers]]\nfile = \"points.csv\"\n{bad}"),
            &["--require-all"][..],
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let all = [
            &["serve", "--config", config, "--listen", "127.0.0.1:0"],
            flags,
        ]
        .concat();
        let (code, _, said) = crate::program::heatsplat(&all);
        assert!(code == 1 && said.contains("bad"), "{code} {said}");
    }
}
