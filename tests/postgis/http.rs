use crate::program::{Server, command};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub const TOKEN: &str = "a token for tests only";

/// Starts a server to which clients may post queries.
pub fn serve(arguments: &[&str]) -> Server {
    Server::start_with(arguments, &[("HEATSPLAT_TOKEN", TOKEN)])
}

/// Posts a query to /layers. Returns the status and the body of the answer.
pub fn post(server: &Server, body: &serde_json::Value) -> (u16, serde_json::Value) {
    let (status, _, body) = post_as(
        server,
        &format!("Bearer {TOKEN}"),
        "application/json",
        &body.to_string(),
    );
    (status, serde_json::from_str(&body).unwrap())
}

/// Posts a text to /layers, with the given headers for authorization and content type. Returns the
/// status, the headers in lower case, and the body of the answer.
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

/// Posts a query that must become a layer. Returns the id of the layer.
pub fn posted(server: &Server, sql: &str) -> String {
    let (status, answer) = post(server, &serde_json::json!({ "sql": sql }));
    assert!(status == 201 || status == 200, "{sql}: {status} {answer}");
    answer["id"].as_str().unwrap().to_owned()
}

/// Returns the body of the answer to a GET, which must be 200.
pub fn body(server: &Server, path: &str) -> Vec<u8> {
    let (status, _, body) = server.get(path, "");
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    body
}

/// A time limit. It is much longer than what must end takes on a busy machine, and much shorter
/// than what waits without a limit takes.
pub const SOON: Duration = Duration::from_secs(12);

/// Repeats a request until the answer is 200, which must happen within [`SOON`].
pub fn eventually(server: &Server, path: &str) {
    let started = Instant::now();
    while server.get(path, "").0 != 200 {
        assert!(started.elapsed() < SOON, "{path}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sends a GET. Returns the status and how long the answer took.
pub fn timed(server: &Server, path: &str) -> (u16, Duration) {
    let started = Instant::now();
    let (status, ..) = server.get(path, "");
    (status, started.elapsed())
}

/// The values in a `.npy` file of `f32` numbers.
pub fn densities(npy: &[u8]) -> Vec<f32> {
    let header = usize::from(u16::from_le_bytes([npy[8], npy[9]])) + 10;
    npy[header..]
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

/// The output of `heatsplat info --json` with these arguments.
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
