use super::cluster::shared;
use super::http::{SOON, body, eventually, posted, serve};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The number of rounds in which clients request a slow tile and disconnect. There are a thousand
/// clients in all. They come a few at a time, since a thousand at once would take long on two
/// cores.
const ROUNDS: usize = 50;
/// The number of clients in a round.
const AT_A_TIME: usize = 20;

#[test]
fn clients_that_go_away_leave_nothing_running() {
    let Some(cluster) = shared() else { return };
    let server = serve(&[&cluster.url(), "--pool-size", "4", "--deadline", "40s"]);
    let slow = posted(
        &server,
        "select ST_SetSRID(ST_MakePoint(0,0),4326) as geom from pg_sleep(30) as aborted",
    );
    let quick = posted(&server, "select ST_SetSRID(ST_MakePoint(0,0),4326) as geom");
    let running = "SELECT count(*) FROM pg_stat_activity \
                   WHERE query LIKE '%as aborted%' AND state = 'active' AND pid <> pg_backend_pid()";
    let mut met = 0;
    for round in 0..ROUNDS {
        let clients: Vec<TcpStream> = (0..AT_A_TIME)
            .map(|i| {
                let mut stream = TcpStream::connect(&server.address).unwrap();
                let path = format!("/{slow}/9/256/256.png?domain=0,{}", i + 1);
                write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                stream
            })
            .collect();
        std::thread::sleep(Duration::from_millis(30));
        if round % 10 == 0 {
            met += cluster.run(running).parse::<u32>().unwrap();
        }
        drop(clients);
        if round % 10 == 0 {
            let gone = Instant::now();
            while cluster.run(running) != "0" {
                assert!(gone.elapsed() < SOON, "queries run on");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    assert!(met > 0, "no query ever ran");
    // All connections of the pool are free again, and no other query was cancelled.
    eventually(&server, &format!("/{quick}/0/0/0.png?domain=0,1"));
    for i in 0..20 {
        body(&server, &format!("/{quick}/0/0/0.png?domain=0,{}", i + 2));
    }
    let ended = Instant::now();
    while cluster.run(running) != "0" {
        assert!(ended.elapsed() < SOON, "queries run on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let connections = "SELECT count(*) <= 4 FROM pg_stat_activity \
                       WHERE application_name = 'heatsplat tiles' AND query LIKE '%aborted%'";
    assert_eq!(cluster.run(connections), "t");
}
