//! Tests of the server on a real port: requests as bytes, limits, and the end of the server.

use heatsplat_points::Points;
use heatsplat_render::{Layer, Style};
use heatsplat_server::{BoundServer, Registry, ServeError, ServerConfig, StopHandle};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

struct Running {
    address: SocketAddr,
    stop: StopHandle,
    thread: JoinHandle<std::io::Result<()>>,
}

fn run(config: ServerConfig) -> Running {
    let layers = Registry::default();
    let id = layers.announce("one");
    let points = Points::from_lon_lat([(1.0, 2.0, 3.0)]).unwrap();
    layers.put(&id, Layer::on_cpu("one", points, Style::default()));
    let listen = "127.0.0.1:0".to_owned();
    let bound = BoundServer::new(layers, ServerConfig { listen, ..config }).unwrap();
    let (address, stop) = (bound.address().unwrap(), bound.stop());
    assert_eq!(bound.url(), format!("http://{address}/"));
    Running {
        address,
        stop,
        thread: thread::spawn(|| bound.run()),
    }
}

impl Running {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// Sends bytes on a new connection. Returns everything that the server sends until the
    /// connection ends.
    fn answer(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // After an error the server may stop reading, so a failed write is ignored.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn finish(self) {
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
    }
}

#[test]
fn requests_on_the_wire() {
    let server = run(ServerConfig::default());
    let long_header = format!("GET /health HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    let many_headers = format!("GET /health HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(80));
    let long_address = format!(
        "GET /{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "a".repeat(9_000)
    );
    for (request, status) in [
        (
            "GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "200",
        ),
        ("GET /one/0/0/0.png HTTP/1.0\r\n\r\n", "200"),
        ("GET /health HTTP/1.1\r\nconnection: close\r\n\r\n", "400"),
        (
            "GET /health HTTP/1.1\r\nhost: a\r\nhost: a\r\nconnection: close\r\n\r\n",
            "400",
        ),
        ("GET /health HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", "400"),
        (
            "GET /health HTTP/1.1\r\nhost: a:99999\r\nconnection: close\r\n\r\n",
            "400",
        ),
        (
            "GET /health HTTP/1.1\r\nhost: a/b\r\nconnection: close\r\n\r\n",
            "400",
        ),
        (
            "GET /health HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
            "200",
        ),
        (
            "GET /one/0/0/9.png HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "400",
        ),
        (
            "GET /../../etc/passwd HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "404",
        ),
        (
            "GET /%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "404",
        ),
        (
            "POST /one HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
            "405",
        ),
        ("nonsense\r\n\r\n", "400"),
        (
            "GET /one/0/0/0.png?filter=n<5 HTTP/1.1\r\nhost: a\r\n\r\n",
            "400",
        ),
        (
            "GET /one/0/0/0.png?filter=n > 5 HTTP/1.1\r\nhost: a\r\n\r\n",
            "400",
        ),
        (
            "GET /one/0/0/0.png?ramp=\"ice\" HTTP/1.1\r\nhost: a\r\n\r\n",
            "400",
        ),
        ("GET /one/0/0/0.png HTTP/1.1\r\nho st: a\r\n\r\n", "400"),
        (&long_header, "431"),
        (&many_headers, "431"),
        (&long_address, "414"),
    ] {
        let answer = server.answer(request.as_bytes());
        assert_eq!(
            answer.get(9..12),
            Some(status),
            "{:.60}: {:.200}",
            request,
            answer
        );
        if status.starts_with('4') {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let json: serde_json::Value = serde_json::from_str(body).unwrap();
            assert!(!json["error"].as_str().unwrap().is_empty(), "{request:.60}");
            let head = head.to_lowercase();
            assert!(head.contains("content-type: application/json"), "{head}");
            assert!(head.contains("access-control-allow-origin: *"), "{head}");
            assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        }
    }
    server.finish();
}

#[test]
fn a_stop_lets_idle_connections_go_and_requests_finish() {
    let server = run(ServerConfig::default());
    let mut idle = server.connect();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    let mut some = [0; 64];
    assert!(idle.read(&mut some).unwrap() > 0);

    let mut busy = server.connect();
    busy.write_all(b"GET /one/map.png?width=2000&height=2000 HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    thread::sleep(Duration::from_millis(50));
    let started = Instant::now();
    server.finish();
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
    let mut answer = Vec::new();
    busy.read_to_end(&mut answer).unwrap();
    let head = String::from_utf8_lossy(&answer);
    assert!(head.starts_with("HTTP/1.1 200"), "{head:.100}");
    assert!(answer.ends_with(b"IEND\xaeB`\x82"));
}

/// The head of the next answer. The connection stays open.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    head
}

const GET: &[u8] = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n";

#[test]
fn requests_that_were_sent_before_a_stop_are_answered() {
    for _ in 0..10 {
        let server = run(ServerConfig::default());
        let mut kept: Vec<_> = (0..40).map(|_| server.connect()).collect();
        for stream in &mut kept {
            stream.write_all(GET).unwrap();
            assert!(head(stream).contains(" 200 "));
        }
        // These further connections have sent nothing before, and may not be accepted yet.
        kept.extend((0..40).map(|_| server.connect()));
        for stream in &mut kept {
            stream.write_all(GET).unwrap();
        }
        server.finish();
        for stream in &mut kept {
            assert!(head(stream).contains(" 200 "));
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        }
    }
}

#[test]
fn while_it_drains_a_server_answers_everything_and_is_not_ready() {
    let server = run(ServerConfig {
        drain_wait: Some(Duration::from_secs(3600)),
        ..ServerConfig::default()
    });
    let mut kept = server.connect();
    kept.write_all(GET).unwrap();
    assert!(!head(&mut kept).contains("connection: close"));
    let ready = b"GET /ready HTTP/1.1\r\nhost: a\r\n\r\n";
    assert!(
        server
            .answer(b"GET /ready HTTP/1.0\r\n\r\n")
            .contains("200 OK")
    );
    server.stop.stop();
    kept.write_all(ready).unwrap();
    let answer = head(&mut kept);
    assert!(
        answer.contains(" 503 ") && answer.contains("retry-after"),
        "{answer}"
    );
    assert!(answer.contains("connection: close"), "{answer}");
    // A draining server still answers on new connections, but closes them.
    for _ in 0..3 {
        let answer = server.answer(b"GET /one/0/0/0.png HTTP/1.1\r\nhost: a\r\n\r\n");
        assert!(
            answer.contains("200 OK") && answer.contains("connection: close"),
            "{answer:.200}"
        );
        let answer = server.answer(ready);
        assert!(answer.ends_with(r#"{"status":"stopping"}"#), "{answer}");
    }
    server.stop.stop_now();
    server.thread.join().unwrap().unwrap();
}

#[test]
fn half_a_head_does_not_hold_the_end_up() {
    let server = run(ServerConfig {
        grace: Duration::from_secs(3600),
        ..ServerConfig::default()
    });
    let mut half = server.connect();
    half.write_all(b"GET /health HT").unwrap();
    let mut second = server.connect();
    second.write_all(GET).unwrap();
    head(&mut second);
    second.write_all(b"GET /health HT").unwrap();
    thread::sleep(Duration::from_millis(50));
    let started = Instant::now();
    server.finish();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn who_does_not_read_is_cut_off_after_the_grace() {
    let server = run(ServerConfig {
        grace: Duration::from_millis(500),
        ..ServerConfig::default()
    });
    let mut slow = server.connect();
    slow.write_all(b"GET /one/map.npy?width=4096&height=4096 HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    assert!(slow.read(&mut [0; 100]).unwrap() > 0);
    server.finish();
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!(
        rest.len() < 4096 * 4096 * 4,
        "everything was sent: {}",
        rest.len()
    );
}

#[test]
fn connections_over_the_limit_wait_for_a_place() {
    let server = run(ServerConfig {
        connections: 1,
        ..ServerConfig::default()
    });
    let first = server.connect();
    let mut second = server.connect();
    second
        .write_all(b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .unwrap();
    thread::sleep(Duration::from_millis(100));
    drop(first);
    let mut answer = String::new();
    second.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.finish();
}

/// The value of the line of `/metrics` that begins with `line`.
fn metric(server: &Running, line: &str) -> u64 {
    let request = b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let page = server.answer(request);
    let found = page.lines().find_map(|l| l.strip_prefix(line));
    found.map_or(0, |value| value.trim().parse().unwrap())
}

#[test]
fn clients_that_do_not_read_hold_little_memory_and_are_let_go() {
    const LIMIT: u64 = 40 << 20;
    let server = run(ServerConfig {
        answer_bytes: LIMIT,
        write_timeout: Duration::from_millis(1500),
        ..ServerConfig::default()
    });
    // Each answer has 16 MiB, so two at a time are within the limit.
    let request = b"GET /one/map.npy?width=2048&height=2048 HTTP/1.1\r\nhost: a\r\n\r\n";
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(request).unwrap();
            stream
        })
        .collect();
    let file = |status: &str| {
        let line = format!(
            "heatsplat_requests_total{{route=\"/{{layer}}/{{file}}\",status=\"{status}\"}} "
        );
        metric(&server, &line)
    };
    let until = Instant::now() + Duration::from_secs(60);
    let mut most = 0;
    loop {
        assert!(Instant::now() < until, "still {most} bytes");
        let answered = file("200") + file("503");
        let held = metric(&server, "heatsplat_answer_bytes ");
        most = most.max(held);
        assert!(held <= LIMIT, "{held}");
        if answered == 20 && held == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(most > 0 && file("200") >= 2, "{most}");
    assert_eq!(
        metric(&server, "heatsplat_answers_refused_total "),
        file("503")
    );
    assert_eq!(
        metric(&server, "heatsplat_connections_stalled_total "),
        file("200")
    );
    // A client that reads gets its whole answer, even if it begins to read a little late.
    let mut reader = server.connect();
    reader.write_all(request).unwrap();
    thread::sleep(Duration::from_millis(300));
    let mut bytes = vec![0; 16 << 20];
    reader.read_exact(&mut bytes).unwrap();
    assert!(bytes.starts_with(b"HTTP/1.1 200"));
    drop((reader, clients));
    server.finish();
}

#[test]
fn what_cannot_be_listened_on_is_said() {
    let taken = run(ServerConfig::default());
    let bind = |listen: &str| {
        let config = ServerConfig {
            listen: listen.to_owned(),
            ..ServerConfig::default()
        };
        BoundServer::new(Registry::default(), config).unwrap_err()
    };
    let in_use = bind(&taken.address.to_string());
    assert!(matches!(in_use, ServeError::InUse { .. }), "{in_use}");
    assert!(
        in_use.to_string().contains("listen on another port"),
        "{in_use}"
    );
    for listen in ["nowhere", "127.0.0.1", "127.0.0.1:99999", ""] {
        assert!(
            matches!(bind(listen), ServeError::Address { .. }),
            "{listen}"
        );
    }
    taken.finish();
}

#[test]
fn a_trusted_proxy_names_the_url_and_the_client() {
    let ask = |server: &Running, uri: &str, lines: &str| {
        let head = format!("GET {uri} HTTP/1.1\r\nhost: inner\r\nconnection: close\r\n");
        server.answer(format!("{head}{lines}\r\n").as_bytes())
    };
    let lines = "x-forwarded-host: maps.example.org\r\nx-forwarded-proto: https\r\n\
        x-forwarded-prefix: /heat\r\nx-forwarded-for: 8.8.8.8\r\nx-request-id: from-proxy.1\r\n";
    let forwarded = "x-forwarded-host: evil.example\r\nx-forwarded-prefix: /heat\r\n\
        forwarded: for=8.8.8.8;proto=https;host=maps.example.org\r\n";
    let server = run(ServerConfig {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        allowed_hosts: vec!["maps.example.org".to_owned()],
        ..ServerConfig::default()
    });
    for uri in ["/one", "/one/gdal.xml", "/one/gdal.vrt", "/one/dem.json"] {
        for lines in [lines, forwarded] {
            let answer = ask(&server, uri, lines);
            assert!(
                answer.contains("https://maps.example.org/heat/one/"),
                "{answer}"
            );
            assert!(
                !answer.contains("inner") && !answer.contains("evil"),
                "{answer}"
            );
            assert!(
                answer.contains("vary: host, forwarded, x-forwarded-host,"),
                "{answer}"
            );
            assert!(answer.contains("cache-control: public"), "{answer}");
        }
        let answer = ask(&server, uri, "x-forwarded-host: evil.example\r\n");
        assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    }
    let error = ask(&server, "/nope", lines);
    assert!(error.contains("x-request-id: from-proxy.1"), "{error}");
    server.finish();
    // The headers of a client that is no trusted proxy are ignored.
    let server = run(ServerConfig {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        ..ServerConfig::default()
    });
    for lines in [lines, forwarded] {
        let answer = ask(&server, "/one", lines);
        assert!(answer.contains("http://inner/one/"), "{answer}");
        assert!(
            !answer.contains("maps.example.org") && !answer.contains("/heat/"),
            "{answer}"
        );
        let error = ask(&server, "/nope", lines);
        assert!(
            !error.contains("from-proxy") && error.contains("x-request-id: "),
            "{error}"
        );
    }
    server.finish();
}

#[test]
fn a_port_for_administration_has_what_the_other_has_no_longer() {
    let layers = Registry::default();
    let id = layers.announce("one");
    let points = Points::from_lon_lat([(1.0, 2.0, 3.0)]).unwrap();
    layers.put(&id, Layer::on_cpu("one", points, Style::default()));
    let config = ServerConfig {
        listen: "127.0.0.1:0".to_owned(),
        admin_listen: Some("127.0.0.1:0".to_owned()),
        connections: 1,
        ..ServerConfig::default()
    };
    let bound = BoundServer::new(layers, config).unwrap();
    let (address, admin, stop) = (
        bound.address().unwrap(),
        bound.admin_address().unwrap(),
        bound.stop(),
    );
    let thread = thread::spawn(|| bound.run());
    let ask = |address: SocketAddr, request: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let rest = "HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream
            .write_all(format!("{request} {rest}").as_bytes())
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer)
            .get(9..12)
            .unwrap()
            .to_owned()
    };
    for (request, there, here) in [
        ("GET /metrics", "404", "200"),
        ("GET /health", "404", "200"),
        ("GET /ready", "404", "200"),
        // No token is configured, so layers can't be posted.
        ("POST /layers", "405", "404"),
        ("GET /layers", "404", "405"),
        ("GET /one", "200", "404"),
        ("GET /one/0/0/0.png", "200", "404"),
        ("GET /catalog", "200", "404"),
        ("GET /", "200", "404"),
    ] {
        assert_eq!(ask(address, request), there, "{request}");
        assert_eq!(ask(admin, request), here, "{request}");
    }
    // One socket still answers while all connections of the other are taken.
    let full: Vec<_> = (0..3)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    assert_eq!(ask(admin, "GET /health"), "200");
    drop(full);
    stop.stop();
    thread.join().unwrap().unwrap();
}

/// The types of the HTTP/2 frames in some bytes.
fn frame_types(mut bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [a, b, c, kind, ..] = *bytes {
        types.push(kind);
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    types
}

#[test]
fn an_idle_connection_of_http_2_is_closed_with_goaway_when_the_server_ends() {
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: u8 = 7;
    let server = run(ServerConfig::default());
    let mut stream = server.connect();
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SETTINGS].concat();
    stream.write_all(&preface).unwrap();
    let mut answer = vec![0; 9];
    stream.read_exact(&mut answer).unwrap();
    server.stop.stop();
    let _ = stream.read_to_end(&mut answer);
    assert!(frame_types(&answer).contains(&GOAWAY), "{answer:?}");
    drop(stream);
    server.finish();
}
