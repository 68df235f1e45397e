use super::cluster::{Cluster, shared};
use super::http::{SOON, TOKEN, body, post, posted, serve};
use crate::program::Server;
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

const POINT: &str = "ST_SetSRID(ST_MakePoint(0, 0), 4326) as geom";

fn post_snapshot(server: &Server, sql: &str) -> (u16, Value) {
    post(server, &json!({ "sql": sql, "mode": "snapshot" }))
}

/// The number of queries that run and whose text has a word.
fn running(cluster: &Cluster, word: &str) -> usize {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE query LIKE '%{word}%' AND state = 'active' AND pid <> pg_backend_pid()"
    );
    cluster.run(&sql).parse().unwrap()
}

/// The address for a role of a test's own, since other tests count what `reader` does.
fn url_for(cluster: &Cluster, role: &str) -> String {
    cluster.run(&format!("CREATE ROLE {role} LOGIN; GRANT reader TO {role}"));
    cluster.url_at(role, cluster.port)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_posted_snapshot_has_limits() {
    let Some(cluster) = shared() else { return };
    let limits = ["--posted-deadline", "2s", "--posted-rows", "20000"];
    let server = serve(
        &[
            &[url_for(cluster, "bounded").as_str(), "--pool-size", "3"],
            &limits[..],
        ]
        .concat(),
    );
    let long = "ST_SetSRID(ST_Buffer(ST_MakePoint(0, 0), 1, 500), 4326) as geom";
    for (sql, status, hint) in [
        (
            format!("select {POINT} from pg_sleep(1000) as bounded"),
            504,
            "2s",
        ),
        (
            format!("select {POINT}, generate_series(1, 1000000000000) as bounded"),
            422,
            "20000 rows",
        ),
        (
            format!("select {long} from generate_series(1, 10000) as bounded"),
            422,
            "1 MiB",
        ),
        (
            format!(
                "select {POINT} from generate_series(1, 100000) a, generate_series(1, 100000) b, \
                     pg_sleep(0) as bounded where a + b < 0"
            ),
            504,
            "longer",
        ),
        (
            format!("select {POINT} from nosuch as bounded"),
            400,
            "42P01",
        ),
    ] {
        let started = Instant::now();
        let (got, answer) = post_snapshot(&server, &sql);
        assert_eq!(got, status, "{sql}: {answer}");
        assert!(answer.to_string().contains(hint), "{sql}: {answer}");
        assert!(started.elapsed() < SOON, "{sql}");
        until("a query runs on", || running(cluster, "as bounded") == 0);
    }
    // What is within the limits is whole.
    let sql = format!("select {POINT} from generate_series(1, 20000)");
    let (status, made) = post_snapshot(&server, &sql);
    assert_eq!(status, 201, "{made}");
    let path = format!("/{}/value?lon=0&lat=0&z=0", made["id"].as_str().unwrap());
    let value: Value = serde_json::from_slice(&body(&server, &path)).unwrap();
    assert_eq!(value["count"], 20_000);
}

#[test]
fn who_leaves_takes_a_snapshot_along() {
    let Some(cluster) = shared() else { return };
    let server = serve(&[&url_for(cluster, "leaving"), "--pool-size", "3"]);
    let sql = format!("select {POINT} from pg_sleep(1000) as abandoned");
    for _ in 0..5 {
        let ask = json!({ "sql": sql, "mode": "snapshot" }).to_string();
        let mut client = TcpStream::connect(&server.address).unwrap();
        write!(
            client,
            "POST /layers HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{ask}",
            ask.len()
        )
        .unwrap();
        until("it does not run", || running(cluster, "as abandoned") == 1);
        drop(client);
        until("it runs on", || running(cluster, "as abandoned") == 0);
    }
}

#[test]
fn two_snapshots_are_read_at_a_time_and_others_refused() {
    let Some(cluster) = shared() else { return };
    let server = serve(&[
        &url_for(cluster, "crowding"),
        "--pool-size",
        "3",
        "--posted-deadline",
        "3s",
    ]);
    let live = posted(&server, &format!("select {POINT}"));
    let outcomes: Vec<u16> = std::thread::scope(|scope| {
        let ask = |i: usize| {
            let sql = format!("select {POINT} from pg_sleep(1000 + {i}) as crowded");
            let server = &server;
            scope.spawn(move || post_snapshot(server, &sql).0)
        };
        let clients: Vec<_> = (0..12).map(ask).collect();
        until("two do not run", || running(cluster, "as crowded") == 2);
        // A live layer has its connection meanwhile.
        body(&server, &format!("/{live}/1/1/0.png?domain=0,1"));
        while clients.iter().any(|client| !client.is_finished()) {
            assert!(running(cluster, "as crowded") <= 2);
            std::thread::sleep(Duration::from_millis(50));
        }
        clients.into_iter().map(|c| c.join().unwrap()).collect()
    });
    let count = |status| outcomes.iter().filter(|&&got| got == status).count();
    assert_eq!((count(504), count(503)), (2, 10), "{outcomes:?}");
}
