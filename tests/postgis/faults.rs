use super::cluster::{Cluster, shared};
use super::http::{SOON, body, posted, serve, timed};
use super::proxy::{Mood, Proxy};
use crate::program::Server;
use std::time::{Duration, Instant};

const MANY: &str = "CREATE TABLE many AS SELECT ST_SetSRID(ST_MakePoint(\
    random() * 340 - 170, random() * 160 - 80), 4326)::geometry(Point,4326) AS geom \
    FROM generate_series(1, 60000); CREATE INDEX ON many USING gist (geom); ANALYZE many";
const CITIES: &str = "examples/cities.csv.gz";

/// Starts a server with two layers: a live layer that reads through the proxy, and a layer of a
/// file.
fn behind(cluster: &Cluster, proxy: &Proxy, more: &[&str]) -> Server {
    let url = cluster.url_at("reader", proxy.port);
    serve(&[&[CITIES, &url, "--table", "many", "--live"], more].concat())
}

/// Requests a tile until the answer is 200. Each request is for another opacity, so no cache has
/// the tile. Returns how long this took.
fn heals(server: &Server, path: &str) -> Duration {
    let started = Instant::now();
    let anew = || {
        format!(
            "{path}&opacity={}",
            1.0 - started.elapsed().as_secs_f64() / 100.0
        )
    };
    while server.get(&anew(), "").0 != 200 {
        assert!(started.elapsed() < SOON, "it does not heal");
        std::thread::sleep(Duration::from_millis(50));
    }
    started.elapsed()
}

/// The health report of a server. The server must be ready.
fn readiness(server: &Server) -> String {
    String::from_utf8(body(server, "/ready")).unwrap()
}

fn table(cluster: &Cluster) {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    if cluster.run("SELECT to_regclass('many') IS NULL") == "t" {
        cluster.run(MANY);
    }
}

#[test]
fn faults_are_answered_in_time_and_heal() {
    let Some(cluster) = shared() else { return };
    table(cluster);
    let proxy = Proxy::before(cluster.port);
    let server = behind(cluster, &proxy, &["--deadline", "2s"]);
    // Each request has another domain, so that no cached tile answers it.
    let path = |i: usize| format!("/many/1/1/1.npy?domain=0,{}", i + 1);
    let whole = body(&server, &path(0));

    // The connection is reset after various numbers of bytes. The answer is an error or a whole
    // tile, never a part of a tile.
    for (i, cut) in (1..=20).map(|i| (i, 40 + (i - 1) * (i - 1) * 4000)) {
        proxy.set(Mood::ResetAfter(cut));
        let (status, head, bytes) = server.get(&path(i), "");
        match status {
            200 => assert!(bytes == whole, "a part of a tile after {cut} bytes"),
            503 => assert!(
                head.contains("retry-after") && head.contains("no-store"),
                "{head}"
            ),
            _ => panic!("{status} after {cut} bytes"),
        }
        assert_eq!(timed(&server, "/cities/2/2/1.png").0, 200);
        proxy.set(Mood::Pass);
        assert!(heals(&server, &path(0)) < SOON);
        assert!(body(&server, &path(100 + i)) == whole);
    }
    for (i, mood) in [(201, Mood::BlackHole), (202, Mood::Drip(1000))] {
        proxy.set(mood);
        let (status, took) = timed(&server, &path(i));
        assert!(status == 503 && took < SOON, "{mood:?}: {status} {took:?}");
        let (status, took) = timed(&server, "/cities/3/4/2.png");
        assert!(status == 200 && took < SOON, "{mood:?}: {status} {took:?}");
        proxy.set(Mood::Pass);
        let took = heals(&server, &path(0));
        assert!(took < SOON, "{mood:?}: {took:?}");
        assert!(body(&server, &path(i)) == whole);
    }
}

/// Sends twice as many requests as the pool has connections, through each fault.
#[test]
fn requests_end_in_time_through_every_fault_and_the_pool_recovers() {
    const POOL: usize = 4;
    let Some(cluster) = shared() else { return };
    table(cluster);
    cluster.run("CREATE ROLE faulty LOGIN; GRANT reader TO faulty");
    let proxy = Proxy::before(cluster.port);
    let dir = crate::program::folder("postgis-faults");
    let file = dir.join("heatsplat.toml");
    let cities = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(CITIES);
    let source = |name: &str, url: &str| {
        format!(
            "[sources.{name}]\nurl = \"{url}\"\ndeadline = \"2s\"\npool_size = {POOL}\n\
             [[layers]]\nname = \"{name}\"\nsource = \"{name}\"\ntable = \"many\"\nmode = \"live\"\n"
        )
    };
    let text = format!(
        "[[layers]]\nfile = \"{}\"\n{}{}",
        cities.display(),
        source("near", &cluster.url()),
        source("far", &cluster.url_at("faulty", proxy.port)),
    );
    std::fs::write(&file, text).unwrap();
    // It starts without the database of one layer.
    proxy.set(Mood::Refuse);
    let server = Server::start(&["--config", file.to_str().unwrap()]);
    assert_eq!(readiness(&server), r#"{"status":"ready","away":["far"]}"#);
    let mut number = 0;
    // Tiles that were never asked for; each is beside its layer's other half without a proxy.
    let mut paths = |n: usize| -> Vec<String> {
        number += n;
        let tile = |i: usize| format!("2/{}/{}.npy?domain=0,{}", i % 4, i / 4 % 4, i + 1);
        (number - n..number).map(tile).collect()
    };
    let all_at_once = |layer: &str, paths: &[String]| -> Vec<(u16, Vec<u8>)> {
        std::thread::scope(|scope| {
            let ask = |path: &String| {
                let (path, server) = (format!("/{layer}/{path}"), &server);
                scope.spawn(move || {
                    let started = Instant::now();
                    let (status, _, bytes) = server.get(&path, "");
                    assert!(started.elapsed() < SOON, "{path}");
                    (status, bytes)
                })
            };
            let all: Vec<_> = paths.iter().map(ask).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        })
    };
    for mood in [
        Mood::Refuse,
        Mood::BlackHole,
        Mood::Drip(1000),
        Mood::ResetAfter(3000),
        Mood::Latency(Duration::from_secs(5)),
        Mood::Latency(Duration::from_millis(5)),
    ] {
        proxy.set(mood);
        let asked = paths(2 * POOL);
        let answers = std::thread::scope(|scope| {
            let far = scope.spawn(|| all_at_once("far", &asked));
            // Others are answered meanwhile: a file's layer, and another database's.
            while !far.is_finished() {
                assert_eq!(server.get("/cities/1/1/0.png", "").0, 200, "{mood:?}");
                std::thread::sleep(Duration::from_millis(50));
            }
            far.join().unwrap()
        });
        for (path, (status, bytes)) in asked.iter().zip(answers) {
            match status {
                200 => assert!(
                    bytes == body(&server, &format!("/near/{path}")),
                    "{mood:?} {path}"
                ),
                _ => assert_eq!(status, 503, "{mood:?} {path}"),
            }
        }
        proxy.set(Mood::Pass);
        heals(&server, "/far/1/1/1.npy?domain=0,1");
        // Every connection of the pool works again.
        let healing = Instant::now();
        loop {
            let asked = paths(POOL);
            let answers = all_at_once("far", &asked);
            for (path, (status, bytes)) in asked.iter().zip(&answers) {
                let near = || body(&server, &format!("/near/{path}"));
                assert!(*status == 503 || *bytes == near(), "{mood:?} {path}");
            }
            if answers.iter().all(|(status, _)| *status == 200) {
                break;
            }
            assert!(
                healing.elapsed() < SOON,
                "{mood:?}: the pool does not recover"
            );
        }
    }
    assert_eq!(readiness(&server), r#"{"status":"ready"}"#);
    // Connections that were given up are closed. One more listens to notifications.
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE usename = 'faulty' AND application_name = 'heatsplat tiles'";
    let started = Instant::now();
    while cluster.run(open).parse::<usize>().unwrap() > POOL {
        assert!(
            started.elapsed() < 2 * SOON,
            "{} connections",
            cluster.run(open)
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_database_that_dies_takes_nothing_with_it() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    table(&cluster);
    let url = cluster.url();
    let server = serve(&[CITIES, &url, "--table", "many", "--live"]);
    let whole = body(&server, "/many/0/0/0.png?domain=0,40");
    let cities = body(&server, "/cities/1/1/0.png");
    // The database is killed in the middle of this query.
    let slow = posted(
        &server,
        "select geom from many, pg_sleep(0.3) where geom && !bbox!",
    );
    let address = server.address.clone();
    let asking = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "GET /{slow}/0/0/0.png?domain=0,40 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..12]).into_owned()
    });
    std::thread::sleep(Duration::from_millis(100));
    cluster.kill();
    assert_eq!(asking.join().unwrap(), "HTTP/1.1 503");
    for i in 0..20 {
        let (status, took) = timed(&server, &format!("/many/5/{i}/9.png?domain=0,40"));
        assert!(status == 503 && took < SOON, "{status} {took:?}");
        assert!(body(&server, "/cities/1/1/0.png") == cities);
        assert!(
            body(&server, "/many/0/0/0.png?domain=0,40") == whole,
            "a tile that was kept"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let said = readiness(&server);
    assert!(
        said.starts_with(r#"{"status":"ready","away":["many","q"#) && said.ends_with(r#""]}"#),
        "{said}"
    );
    cluster.up();
    let took = heals(&server, "/many/0/0/0.png?domain=0,40");
    assert!(took < SOON, "{took:?}");
    assert!(body(&server, "/many/0/0/0.png?domain=0,40") == whole);
    // The posted layer is available again too, although no client has requested a tile of it.
    let started = Instant::now();
    while readiness(&server) != r#"{"status":"ready"}"# {
        assert!(started.elapsed() < SOON, "{}", readiness(&server));
        std::thread::sleep(Duration::from_millis(50));
    }
    // A server also starts while its database is down.
    cluster.kill();
    let early = serve(&[CITIES, &url, "--table", "many", "--live"]);
    assert_eq!(readiness(&early), r#"{"status":"ready","away":["many"]}"#);
    assert_eq!(timed(&early, "/many/0/0/0.png?domain=0,40").0, 503);
    assert!(body(&early, "/cities/1/1/0.png") == cities);
    cluster.up();
    heals(&early, "/many/0/0/0.png?domain=0,40");
    assert!(body(&early, "/many/0/0/0.png?domain=0,40") == whole);
}

/// If reading a table is interrupted, this is an error. No layer is made of a part of the rows.
#[test]
fn half_a_table_is_no_layer() {
    let Some(cluster) = shared() else { return };
    table(cluster);
    let proxy = Proxy::before(cluster.port);
    let url = cluster.url_at("reader", proxy.port);
    for cut in [30_000, 900_000, 2_000_000] {
        proxy.set(Mood::ResetAfter(cut));
        let out = std::env::temp_dir().join(format!("heatsplat-half-{}.png", std::process::id()));
        let path = out.to_str().unwrap();
        let (code, _, err) =
            crate::program::heatsplat(&["render", &url, "--table", "many", "-o", path]);
        assert!(
            code == 1 && err.contains("does not answer") && !out.exists(),
            "{cut}: {code} {err}"
        );
    }
}

/// A request fails soon if every connection of the pool is in use. No request waits forever.
#[test]
fn a_busy_pool_is_said_to_be_busy() {
    let Some(cluster) = shared() else { return };
    let server = serve(&[&cluster.url(), "--pool-size", "2", "--deadline", "20s"]);
    let slow = posted(
        &server,
        "select ST_SetSRID(ST_MakePoint(0,0),4326) as geom from pg_sleep(4)",
    );
    // Each request is for another tile, since requests for the same tile share one query.
    let path = |y: u8| format!("/{slow}/1/0/{y}.png?domain=0,1");
    std::thread::scope(|scope| {
        let (server, path) = (&server, &path);
        let held: Vec<_> = (0..2)
            .map(|y| scope.spawn(move || server.get(&path(y), "").0))
            .collect();
        std::thread::sleep(Duration::from_millis(1000));
        let (status, took) = timed(server, &format!("/{slow}/1/1/0.png?domain=0,1"));
        assert!(status == 503 && took < SOON, "{status} {took:?}");
        assert!(held.into_iter().all(|h| h.join().unwrap() == 200));
    });
}
