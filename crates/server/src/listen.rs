//! The port of a server and its connections. The number of connections is limited, and so are the
//! size of a request's head and the time that sending it may take. When the server stops, running
//! requests may finish.

use crate::config::ServerConfig;
use crate::http::error_body::ErrorBodyStream;
use crate::layers::registry::Registry;
use crate::routes::router::router;
use crate::state::Server;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// The longest time that a client may take to send the head of a request, including the wait for
/// its first byte. A choice.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest size of a request's head in bytes. A choice.
const HEAD_BYTES: usize = 16 << 10;
/// The largest number of headers of a request. A choice.
const HEAD_LINES: usize = 64;
/// The longest time that running requests may take to finish after the server is stopped. A choice.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The reason why a server can't listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address can't be parsed or resolved.
    #[error(
        "can't listen on {listen}: {reason}; expected an address and a port, like 127.0.0.1:3000"
    )]
    Address {
        /// The address of the configuration.
        listen: String,
        /// The error of the system.
        reason: io::Error,
    },
    /// Another program listens at the address.
    #[error(
        "can't listen on {listen}: the port is in use; stop the other program or listen on another port, like 127.0.0.1:0 for any free one"
    )]
    InUse {
        /// The address of the configuration.
        listen: String,
    },
    /// The system refuses to let the server listen.
    #[error("can't listen on {listen}: {reason}")]
    Listen {
        /// The address of the configuration.
        listen: String,
        /// The error of the system.
        reason: io::Error,
    },
}

/// A server that has bound its port, but answers no request before [`run`](Self::run) is called.
#[derive(Debug)]
pub struct BoundServer {
    listener: StdListener,
    address: SocketAddr,
    server: Arc<Server>,
    stop: StopHandle,
}

/// A handle that stops a running server from any thread.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<Notify>);

impl StopHandle {
    /// Stops the server. It accepts no more requests, and running requests have ten seconds to
    /// finish.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl BoundServer {
    /// Binds the address and port of the configuration. From now on clients can connect, but they
    /// get no answers before the server [runs](Self::run).
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn new(layers: Registry, mut config: ServerConfig) -> Result<Self, ServeError> {
        let listen = config.listen.clone();
        let addresses: Vec<_> = listen
            .to_socket_addrs()
            .map_err(|reason| ServeError::Address {
                listen: listen.clone(),
                reason,
            })?
            .collect();
        let failed = |reason: io::Error| match reason.kind() {
            io::ErrorKind::AddrInUse => ServeError::InUse {
                listen: listen.clone(),
            },
            _ => ServeError::Listen {
                listen: listen.clone(),
                reason,
            },
        };
        let listener = StdListener::bind(addresses.as_slice()).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        config.listen = address.to_string();
        let server = Arc::new(Server::new(layers, config));
        Ok(Self {
            listener,
            address,
            server,
            stop: StopHandle::default(),
        })
    }

    /// The address that the server listens on. If the configuration asks for port 0, it has the
    /// port that the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The public URL of the configuration if it has one, else a URL for a browser on the same
    /// machine. It ends in `/`.
    pub fn url(&self) -> String {
        if let Some(url) = &self.server.config.public_url {
            return format!("{}/", url.trim_end_matches('/'));
        }
        let mut address = self.address;
        if address.ip().is_unspecified() {
            // A browser can't open the unspecified address, like 0.0.0.0.
            let localhost: std::net::IpAddr = match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            address.set_ip(localhost);
        }
        format!("http://{address}/")
    }

    /// A handle that can stop the server while it runs.
    pub fn stop(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Answers requests until a [`StopHandle`], SIGINT or SIGTERM stops the server. Then running
    /// requests have ten seconds to finish. The call blocks its thread; the server has an async
    /// runtime of its own.
    ///
    /// # Errors
    /// If the system can't start threads, or the async runtime can't use the bound port.
    pub fn run(self) -> io::Result<()> {
        // Tiles are drawn on the runtime's workers. There are more workers than pictures that may
        // be drawn at a time, so that some are left for all other requests.
        let turns = self.server.config.renders.clamp(1, 1024);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(turns + turns.div_ceil(2).clamp(2, 16))
            .enable_all()
            .build()?;
        let result = runtime.block_on(self.answer());
        // Pictures that are still being drawn, though their clients have left, don't delay the end.
        runtime.shutdown_background();
        result
    }

    async fn answer(self) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        let open = Arc::new(Semaphore::new(
            self.server.config.connections.clamp(1, 1 << 20),
        ));
        let routes = router(self.server);
        let graceful = GracefulShutdown::new();
        let mut end = std::pin::pin!(stopped(self.stop));
        loop {
            let accepted = tokio::select! {
                accepted = accept(&listener, &open) => accepted,
                () = &mut end => break,
            };
            let (stream, place) = accepted;
            let connection = connection(stream, routes.clone());
            let watched = graceful.watch(connection);
            tokio::spawn(async move {
                // An error of a connection concerns its client alone, so it is ignored.
                let _ = watched.await;
                drop(place);
            });
        }
        drop(listener);
        // Requests that have not finished within this time are cut off.
        let _ = timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await;
        Ok(())
    }
}

/// Accepts the next connection. If the largest number of connections is open, it first waits until
/// one closes. The permit counts the connection as open until it is dropped; it is `None` only if
/// the semaphore is closed, which never happens.
async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    loop {
        let place = Arc::clone(open).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers must be sent at once, not wait for more data.
                let _ = stream.set_nodelay(true);
                return (stream, place);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // The most likely reason is that no file descriptors are left, so other connections
                // must close first.
                tracing::warn!("can't accept a connection: {error}");
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

type Connection =
    http1::Connection<TokioIo<ErrorBodyStream<TcpStream>>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, routes: Router) -> Connection {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .serve_connection(
            TokioIo::new(ErrorBodyStream::new(stream)),
            TowerToHyperService::new(routes),
        )
}

async fn stopped(stop: StopHandle) {
    tokio::select! {
        () = stop.0.notified() => {}
        () = interrupted() => {}
        () = terminated() => {}
    }
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => _ = signal.recv().await,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
