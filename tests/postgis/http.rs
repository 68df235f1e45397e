use crate::program::{Server, command};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub const TOKEN: &str = "a token for tests only";

/// A server that takes posted queries.
pub fn serve(arguments: &[&str]) -> Server {
    Server::start_with(arguments, &[("HEATSPLAT_TOKEN", TOKEN)])
}

/// Status and body of a POST to /layers.
pub fn post(server: &Server, body: &serde_json::Value) -> (u16, serde_json::Value) {
    let (status, _, body) = post_as(
        server,
        &format!("Bearer {TOKEN}"),
        "application/json",
        &body.to_string(),
    );
    (status, serde_json::from_str(&body).unwrap())
}

/// Sends a request with further headers; returns status, head and body.
pub fn post_as(
    server: &Server,
    authorization: &str,
    kind: &str,
    body: &str,
) -> (u16, String, String) {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /layers HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
         Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}",
        server.address
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

/// Posts a query that must become a layer, and says what it is called.
pub fn posted(server: &Server, sql: &str) -> String {
    let (status, answer) = post(server, &serde_json::json!({ "sql": sql }));
    assert!(status == 201 || status == 200, "{sql}: {status} {answer}");
    answer["id"].as_str().unwrap().to_owned()
}

/// The body of a GET that must succeed.
pub fn body(server: &Server, path: &str) -> Vec<u8> {
    let (status, _, body) = server.get(path, "");
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    body
}

/// Much longer than anything bounded takes here on a busy machine, and much shorter than anything
/// unbounded takes.
pub const SOON: Duration = Duration::from_secs(12);

/// Asks until the answer is 200, which must be soon.
pub fn eventually(server: &Server, path: &str) {
    let started = Instant::now();
    while server.get(path, "").0 != 200 {
        assert!(started.elapsed() < SOON, "{path}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Status of a GET and how long it took.
pub fn timed(server: &Server, path: &str) -> (u16, Duration) {
    let started = Instant::now();
    let (status, ..) = server.get(path, "");
    (status, started.elapsed())
}

/// Values of a .npy of f32.
pub fn densities(npy: &[u8]) -> Vec<f32> {
    let header = usize::from(u16::from_le_bytes([npy[8], npy[9]])) + 10;
    npy[header..]
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

/// `heatsplat info --json` of a source.
pub fn info(arguments: &[&str]) -> serde_json::Value {
    let all = [&["info", "--json"], arguments].concat();
    let out = command(&all).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap()
}
