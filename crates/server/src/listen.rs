//! The sockets on which a server listens, and its connections. Three things are limited: the number
//! of connections, the size of a request's head, and the time that sending a head may take. When
//! the server stops, running requests may finish.

mod connection;
mod socket;
mod stall;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "listen/tls_disabled.rs"]
mod tls;

use crate::config::ServerConfig;
use crate::http::connection_info::{ConnectionInfo, OpenConnection};
use crate::layers::registry::Registry;
use crate::routes::router::routers;
use crate::shutdown::{Activity, ConnectionService, ServerPhase, StopHandle};
use crate::state::Server;
use axum::Router;
use listenfd::ListenFd;
use socket::{BoundSocket, Client, Listener};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tls::Tls;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};

/// The largest number of connections at the port for administration. A choice.
const ADMIN_CONNECTIONS: usize = 64;

/// The reason why a server can't listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address can't be parsed or resolved.
    #[error(
        "can't listen on {listen}: {reason}; expected an address and a port, like 127.0.0.1:3000, unix:PATH or systemd"
    )]
    Address {
        /// The address to listen on, as the configuration states it.
        listen: String,
        /// The operating system's error.
        reason: io::Error,
    },
    /// Another program listens at the address.
    #[error(
        "can't listen on {listen}: the port is in use; stop the other program or listen on another port, like 127.0.0.1:0 for any free one"
    )]
    InUse {
        /// The address to listen on, as the configuration states it.
        listen: String,
    },
    /// The system refuses to let the server listen.
    #[error("can't listen on {listen}: {reason}")]
    Listen {
        /// The address to listen on, as the configuration states it.
        listen: String,
        /// The operating system's error.
        reason: io::Error,
    },
    /// The address is `systemd`, but systemd has passed no socket to this program.
    #[error("can't listen on systemd's socket: there is none (LISTEN_FDS, LISTEN_PID)")]
    NoSocket,
    /// The TLS certificate or its private key can't be used.
    #[error("can't encrypt connections: {reason}")]
    Certificate {
        /// A message with the path of the file and its fault.
        reason: String,
    },
}

/// A server that has bound its port, but answers no request before [`run`](Self::run) is called.
#[derive(Debug)]
pub struct BoundServer {
    socket: BoundSocket,
    /// The socket of the routes for administration; `None` if the main socket serves them.
    admin: Option<BoundSocket>,
    tls: Option<Arc<Tls>>,
    server: Arc<Server>,
}

impl BoundServer {
    /// Binds the address and port of the configuration. From now on clients can connect, but they
    /// get no answers before the server [runs](Self::run).
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn new(layers: Registry, mut config: ServerConfig) -> Result<Self, ServeError> {
        let mut systemd = ListenFd::from_env();
        let tls = config.tls.as_ref().map(Tls::new).transpose()?;
        let socket = BoundSocket::bind(&config.listen, &mut systemd)?;
        let admin = config.admin_listen.as_deref();
        let admin = admin.map(|listen| BoundSocket::bind(listen, &mut systemd));
        let admin = admin.transpose()?;
        config.listen = match socket.address() {
            Some(address) => address.to_string(),
            None => "localhost".to_owned(),
        };
        let server = Arc::new(Server::new(layers, config));
        Ok(Self {
            socket,
            admin,
            tls: tls.map(Arc::new),
            server,
        })
    }

    /// The address that the server listens on, with the real port; `None` for a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        self.socket.address()
    }

    /// The public URL of the configuration if it has one, else a URL for a browser on the same
    /// machine. It ends in `/`.
    pub fn url(&self) -> String {
        if let Some(url) = &self.server.config.public_url {
            return format!("{}/", url.trim_end_matches('/'));
        }
        let Some(mut address) = self.socket.address() else {
            return "http://localhost/".to_owned();
        };
        if address.ip().is_unspecified() {
            // A browser can't open the unspecified address, like 0.0.0.0.
            let localhost: std::net::IpAddr = match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            address.set_ip(localhost);
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}/")
    }

    /// The address of the socket for administration, with the real port; `None` if there is none or
    /// if it is a Unix socket.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref()?.address()
    }

    /// A handle that can stop the server while it runs.
    pub fn stop(&self) -> StopHandle {
        self.server.stop.clone()
    }

    /// Answers requests until a [`StopHandle`], SIGINT or SIGTERM stops the server, then finishes
    /// the running requests. A second signal ends it at once. The call blocks the thread and runs
    /// its own async runtime.
    ///
    /// # Errors
    /// If the system can't start threads, or the async runtime can't use the bound port.
    pub fn run(self) -> io::Result<()> {
        self.answer_on_runtime(true)
    }

    /// Answers requests until a [`StopHandle`] stops the server, as [`run`](Self::run) does, but
    /// leaves signals to the program that the server is a part of.
    ///
    /// # Errors
    /// If the system can't start threads, or the async runtime can't use the bound port.
    pub fn run_without_signals(self) -> io::Result<()> {
        self.answer_on_runtime(false)
    }

    fn answer_on_runtime(self, by_signals: bool) -> io::Result<()> {
        // Tiles are drawn on the runtime's workers. There are more workers than pictures that may
        // be drawn at a time, so that some are left for all other requests.
        let turns = self.server.config.renders.clamp(1, 1024);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(turns + turns.div_ceil(2).clamp(2, 16))
            .enable_all()
            .build()?;
        let stop = self.server.stop.clone();
        if by_signals {
            runtime.spawn(stop_by_signals(stop));
        }
        let result = runtime.block_on(self.answer());
        // This doesn't wait for pictures that are still being drawn for clients that have left.
        runtime.shutdown_background();
        result
    }

    async fn answer(self) -> io::Result<()> {
        let listener = self.socket.into_listener()?;
        let (tls, unencrypted) = (self.tls, None::<Arc<Tls>>);
        let admin = self.admin.map(BoundSocket::into_listener).transpose()?;
        if let Some(tls) = tls.clone() {
            tokio::spawn(async move { tls.follow().await });
        }
        let config = &self.server.config;
        let (drain_wait, grace) = (config.drain_wait, config.grace);
        let open = Arc::new(Semaphore::new(config.connections.clamp(1, 1 << 20)));
        let stop = self.server.stop.clone();
        let activity = Arc::new(Activity::default());
        let server = self.server;
        let (routes, admin_routes) = routers(&server);
        let admin_routes = admin_routes.unwrap_or_default();
        // The socket for administration has its own limit of connections, so that it answers even
        // if all connections of the main socket are taken.
        let admin_open = Arc::new(Semaphore::new(ADMIN_CONNECTIONS));
        // Each connection holds a sender. So the receiver ends when the last connection is closed.
        let (connected, mut all_gone) = mpsc::channel::<Infallible>(1);
        type Place = Option<OwnedSemaphorePermit>;
        type Routes<'a> = (&'a Router, &'a Option<Arc<Tls>>, bool);
        let begin = |(stream, peer): Client, place: Place, (routes, tls, is_admin): Routes<'_>| {
            let info = ConnectionInfo {
                peer,
                is_tls: tls.is_some(),
                is_admin,
                ..ConnectionInfo::default()
            };
            let tls = tls.clone();
            let routes = (routes.clone(), Arc::new(info));
            let service = ConnectionService::new(routes, stop.clone(), activity.clone());
            let (server, stop, connected) = (server.clone(), stop.clone(), connected.clone());
            tokio::spawn(async move {
                let counted = OpenConnection::new(&server.connections);
                connection::serve(&server, (stream, tls.as_deref()), service, &stop).await;
                drop((counted, place, connected));
            });
        };
        let senders = connected.downgrade();
        let is_connected = || senders.strong_count() > 1;
        let mut drained = pin!(async {
            stop.reached(ServerPhase::Draining).await;
            tokio::select! {
                () = activity.drained(drain_wait, is_connected) => {}
                () = stop.reached(ServerPhase::Over) => {}
            }
        });
        let main = (&routes, &tls, false);
        loop {
            tokio::select! {
                (client, place) = accept(&listener, &open) => begin(client, place, main),
                (client, place) = accept_any(admin.as_ref(), &admin_open) => {
                    begin(client, place, (&admin_routes, &unencrypted, true));
                }
                () = &mut drained => break,
            }
        }
        // Connections that wait to be accepted are answered too. Otherwise they would be reset when
        // the listener is closed.
        for client in listener.into_waiting() {
            begin(client, None, (&routes, &tls, false));
        }
        for client in admin.map(Listener::into_waiting).unwrap_or_default() {
            begin(client, None, (&admin_routes, &unencrypted, true));
        }
        stop.enter(ServerPhase::Closing);
        drop(connected);
        let finished = timeout(grace, async {
            tokio::select! {
                _ = all_gone.recv() => {}
                () = stop.reached(ServerPhase::Over) => {}
            }
        });
        if finished.await.is_err() {
            let cut = activity.running();
            tracing::warn!(
                "connections were cut off after {grace:?}; {cut} of their requests were unanswered"
            );
        }
        server.render_queue.end();
        Ok(())
    }
}

/// Accepts the next connection. If the largest number of connections is open, it first waits until
/// one closes. The connection counts as open until the returned permit is dropped. The permit is
/// `None` only if the semaphore is closed, which never happens.
async fn accept(
    listener: &Listener,
    open: &Arc<Semaphore>,
) -> (Client, Option<OwnedSemaphorePermit>) {
    loop {
        let place = Arc::clone(open).acquire_owned().await.ok();
        match listener.accept().await {
            Ok(client) => return (client, place),
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

/// Accepts the next connection of a listener. If there is no listener, it waits for ever.
async fn accept_any(
    listener: Option<&Listener>,
    open: &Arc<Semaphore>,
) -> (Client, Option<OwnedSemaphorePermit>) {
    match listener {
        Some(listener) => accept(listener, open).await,
        None => std::future::pending().await,
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Stops the server in an orderly way at the first SIGINT or SIGTERM, and at once at the second.
async fn stop_by_signals(stop: StopHandle) {
    let Some(mut signals) = Signals::new() else {
        return;
    };
    signals.next().await;
    stop.stop();
    signals.next().await;
    stop.stop_now();
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn new() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt()).ok()?;
        Some(Self([interrupt, signal(SignalKind::terminate()).ok()?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
