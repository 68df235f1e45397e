//! From a port to connections: accepted one by one, each with limits, and let go in peace.

use crate::config::Options;
use crate::http::error_body::Explained;
use crate::http::router::{Server, router};
use crate::layers::registry::Layers;
use axum::Router;
use heatsplat_render::say;
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

/// How long a client may take to send the head of a request, or to think of the next.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The most that is read of a head, in bytes, and the most lines in it.
const HEAD_BYTES: usize = 16 << 10;
const HEAD_LINES: usize = 64;
/// How long requests may take to finish once the server was told to stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is none.
    #[error(
        "can't listen on {listen}: {reason}; expected an address and a port, like 127.0.0.1:3000"
    )]
    Address {
        /// The address as it was given.
        listen: String,
        /// What the system says.
        reason: io::Error,
    },
    /// Another program listens there.
    #[error(
        "can't listen on {listen}: the port is in use; stop the other program or choose another port with --listen, 127.0.0.1:0 for any free one"
    )]
    InUse {
        /// The address as it was given.
        listen: String,
    },
    /// The system says no.
    #[error("can't listen on {listen}: {reason}")]
    Listen {
        /// The address as it was given.
        listen: String,
        /// What the system says.
        reason: io::Error,
    },
}

/// A server that has its port and is about to answer.
#[derive(Debug)]
pub struct Bound {
    listener: StdListener,
    address: SocketAddr,
    server: Arc<Server>,
    stop: Stop,
}

/// Stops a running server, from any thread.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Notify>);

impl Stop {
    /// Lets running requests finish, and takes no more.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl Bound {
    /// Takes the port of the options. Clients may connect from now on and are
    /// answered as soon as the server [runs](Self::run).
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn new(layers: Layers, mut options: Options) -> Result<Self, ServeError> {
        let listen = options.listen.clone();
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
        options.listen = address.to_string();
        let server = Arc::new(Server::new(layers, options));
        Ok(Self {
            listener,
            address,
            server,
            stop: Stop::default(),
        })
    }

    /// The address it listens on, its port the real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to look at in a browser on this machine, or the public one.
    pub fn url(&self) -> String {
        if let Some(url) = &self.server.options.public_url {
            return format!("{}/", url.trim_end_matches('/'));
        }
        let mut address = self.address;
        if address.ip().is_unspecified() {
            // "Every address" is none to look at.
            let localhost: std::net::IpAddr = match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            address.set_ip(localhost);
        }
        format!("http://{address}/")
    }

    /// A handle that stops the server.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Answers until it is told to stop by [`Stop`], SIGINT or SIGTERM; then finishes
    /// what is being answered. Blocks; the async runtime is its own.
    ///
    /// # Errors
    /// When the system gives no threads or takes the port away.
    pub fn run(self) -> io::Result<()> {
        // Tiles are drawn on workers: those over the turns at drawing keep up with the rest.
        let turns = self.server.options.renders.clamp(1, 1024);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(turns + turns.div_ceil(2).clamp(2, 16))
            .enable_all()
            .build()?;
        let result = runtime.block_on(self.answer());
        // A picture that is still being drawn for nobody holds nothing up.
        runtime.shutdown_background();
        result
    }

    async fn answer(self) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        let open = Arc::new(Semaphore::new(
            self.server.options.connections.clamp(1, 1 << 20),
        ));
        let routes = router(self.server);
        let graceful = GracefulShutdown::new();
        let mut told = std::pin::pin!(told_to_stop(self.stop));
        loop {
            let accepted = tokio::select! {
                accepted = accept(&listener, &open) => accepted,
                () = &mut told => break,
            };
            let (stream, place) = accepted;
            let connection = connection(stream, routes.clone());
            let watched = graceful.watch(connection);
            tokio::spawn(async move {
                // Whatever a client does to its connection is its own affair.
                let _ = watched.await;
                drop(place);
            });
        }
        drop(listener);
        // Those who still have not finished then are cut off.
        let _ = timeout(FAREWELL, graceful.shutdown()).await;
        Ok(())
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    loop {
        let place = Arc::clone(open).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers must not wait for more to send.
                let _ = stream.set_nodelay(true);
                return (stream, place);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: others must close first.
                say!("heatsplat: can't accept a connection: {error}");
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

type Connection = http1::Connection<TokioIo<Explained<TcpStream>>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, routes: Router) -> Connection {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .serve_connection(
            TokioIo::new(Explained::new(stream)),
            TowerToHyperService::new(routes),
        )
}

async fn told_to_stop(stop: Stop) {
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
