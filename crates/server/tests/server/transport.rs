//! Tests of HTTP/2, Unix sockets and TLS.

use axum::body::Bytes;
use axum::http::{Request, Response, StatusCode, Version};
use heatsplat_points::Points;
use heatsplat_render::{Layer, Style};
use heatsplat_server::{BoundServer, Registry, ServeError, ServerConfig, StopHandle};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

const LONGEST: Duration = Duration::from_secs(60);

struct Running {
    address: Option<SocketAddr>,
    stop: StopHandle,
    thread: JoinHandle<std::io::Result<()>>,
}

fn bind(config: ServerConfig) -> Result<BoundServer, ServeError> {
    let layers = Registry::default();
    let id = layers.announce("one");
    let points = Points::from_lon_lat([(1.0, 2.0, 3.0)]).unwrap();
    layers.put(&id, Layer::on_cpu("one", points, Style::default()));
    BoundServer::new(layers, config)
}

fn run(config: ServerConfig) -> Running {
    let bound = bind(config).unwrap();
    let (address, stop) = (bound.address(), bound.stop());
    Running {
        address,
        stop,
        thread: thread::spawn(|| bound.run()),
    }
}

impl Running {
    fn finish(self) {
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
    }
}

fn on_a_free_port() -> ServerConfig {
    ServerConfig {
        listen: "127.0.0.1:0".to_owned(),
        ..ServerConfig::default()
    }
}

type Client = SendRequest<Empty<Bytes>>;

/// A client of HTTP/2. The server may send it at most 64 KiB of each answer before it reads.
async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Client {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(64 << 10);
    let (client, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn ask(client: &mut Client, uri: &str) -> hyper::Result<Response<Incoming>> {
    client.ready().await?;
    let request = Request::get(uri).body(Empty::new()).unwrap();
    client.send_request(request).await
}

async fn text(answer: Response<Incoming>) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn requests_of_http_2_share_a_connection() {
    let server = run(on_a_free_port());
    let stream = TcpStream::connect(server.address.unwrap()).await.unwrap();
    let mut client = http2(stream).await;
    let document = ask(&mut client, "http://maps.example.org/one")
        .await
        .unwrap();
    assert_eq!(
        (document.version(), document.status()),
        (Version::HTTP_2, StatusCode::OK)
    );
    assert!(
        text(document)
            .await
            .contains("http://maps.example.org/one/{z}/{x}/{y}.png")
    );
    // There are more requests than a connection may have at a time, so some of them wait.
    let mut tasks = Vec::new();
    for i in 0..200 {
        let mut client = client.clone();
        tasks.push(tokio::spawn(async move {
            let uri = format!("http://a/one/8/{}/128.png", 56 + i);
            let answer = ask(&mut client, &uri).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(body.starts_with(b"\x89PNG"));
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let long = format!("http://a/one?x={}", "y".repeat(20 << 10));
    match ask(&mut client, &long).await {
        Ok(refused) => assert!(refused.status().is_client_error(), "{}", refused.status()),
        Err(error) => assert!(!error.is_canceled(), "{error}"),
    }
    drop(client);
    tokio::task::spawn_blocking(|| server.finish())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_of_http_2_that_does_not_read_is_let_go() {
    let server = run(ServerConfig {
        write_timeout: Duration::from_millis(700),
        ..on_a_free_port()
    });
    let stream = TcpStream::connect(server.address.unwrap()).await.unwrap();
    let mut slow = http2(stream).await;
    let uri = "http://a/one/map.npy?width=1024&height=1024";
    let unread = ask(&mut slow, uri).await.unwrap();
    assert_eq!(unread.status(), StatusCode::OK);
    let since = Instant::now();
    loop {
        let stream = TcpStream::connect(server.address.unwrap()).await.unwrap();
        let mut other = http2(stream).await;
        let page = text(ask(&mut other, "http://a/metrics").await.unwrap()).await;
        let is = |line: &str| page.lines().any(|l| l == line);
        if is("heatsplat_connections_stalled_total 1") && is("heatsplat_answer_bytes 0") {
            break;
        }
        assert!(since.elapsed() < LONGEST, "{page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(unread.into_body().collect().await.is_err());
    tokio::task::spawn_blocking(|| server.finish())
        .await
        .unwrap();
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_made_replaced_when_stale_and_removed() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::{UnixListener, UnixStream};
    let name = format!("heatsplat-socket-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let config = || ServerConfig {
        listen: format!("unix:{}", path.display()),
        trusted_proxies: vec!["unix".parse().unwrap()],
        ..ServerConfig::default()
    };
    // A killed program has left the file of its socket.
    let _ = std::fs::remove_file(&path);
    drop(UnixListener::bind(&path).unwrap());
    let server = run(config());
    assert_eq!(server.address, None);
    assert!(matches!(bind(config()), Err(ServeError::InUse { .. })));
    let mut stream = UnixStream::connect(&path).unwrap();
    let head = "GET /one HTTP/1.1\r\nhost: inner\r\nconnection: close\r\n";
    let proxy = "x-forwarded-host: maps.example.org\r\nx-forwarded-proto: https\r\n\r\n";
    stream
        .write_all(format!("{head}{proxy}").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("https://maps.example.org/one/"), "{answer}");
    server.finish();
    assert!(!path.exists());
}

#[cfg(feature = "tls")]
mod tls {
    use super::*;
    use heatsplat_server::TlsFiles;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    fn certificates() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/certificates")
    }

    /// Connects to a server. Fails unless the server's certificate is the one called `name`.
    async fn connect(
        server: &Running,
        name: &str,
        protocol: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let file = certificates().join(format!("{name}.pem"));
        roots
            .add(CertificateDer::from_pem_file(file).unwrap())
            .unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(server.address.unwrap()).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    #[tokio::test]
    async fn connections_are_encrypted_and_a_new_certificate_is_followed() {
        let folder = std::env::temp_dir().join(format!("heatsplat-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let files = TlsFiles {
            certificate: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        };
        let put = |name: &str| {
            for (from, to) in [("pem", &files.certificate), ("key.pem", &files.key)] {
                let from = certificates().join(format!("{name}.{from}"));
                std::fs::copy(from, folder.join("new")).unwrap();
                std::fs::rename(folder.join("new"), to).unwrap();
            }
        };
        put("first");
        let server = run(ServerConfig {
            tls: Some(files.clone()),
            ..on_a_free_port()
        });
        let stream = connect(&server, "first", "h2").await.unwrap();
        let mut client = http2(stream).await;
        let uri = "https://maps.example.org/one";
        let document = ask(&mut client, uri).await.unwrap();
        assert_eq!(document.version(), Version::HTTP_2);
        assert!(
            text(document)
                .await
                .contains("https://maps.example.org/one/")
        );
        assert!(connect(&server, "second", "h2").await.is_err());
        // A certificate without its own key is not used.
        std::fs::copy(certificates().join("second.pem"), &files.certificate).unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(connect(&server, "first", "http/1.1").await.is_ok());
        put("second");
        let since = Instant::now();
        while connect(&server, "second", "h2").await.is_err() {
            assert!(since.elapsed() < LONGEST, "still the old certificate");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // A connection that was open before the change stays open.
        let again = ask(&mut client, uri).await.unwrap();
        assert_eq!(again.status(), StatusCode::OK);
        drop(client);
        tokio::task::spawn_blocking(|| server.finish())
            .await
            .unwrap();
    }

    #[test]
    fn a_certificate_that_cannot_be_used_is_named() {
        let file = |name: &str| certificates().join(name);
        for (certificate, key) in [
            ("first.pem", "second.key.pem"),
            ("nowhere.pem", "first.key.pem"),
            ("first.pem", "first.pem"),
        ] {
            let tls = Some(TlsFiles {
                certificate: file(certificate),
                key: file(key),
            });
            let error = bind(ServerConfig {
                tls,
                ..on_a_free_port()
            })
            .unwrap_err();
            assert!(matches!(error, ServeError::Certificate { .. }));
            assert!(error.to_string().contains(".pem"), "{error}");
        }
    }
}
