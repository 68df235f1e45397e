//! The sockets that a server listens on: ports, Unix sockets, and sockets that systemd has opened.

use super::{ServeError, is_of_one_connection};
use listenfd::ListenFd;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// The prefix of a configured address that stands for a Unix socket. The socket's path follows it.
const UNIX: &str = "unix:";
/// The configured address that stands for a socket that systemd has opened.
const SYSTEMD: &str = "systemd";

/// A connection that was accepted, and its client's address, which is `None` on a Unix socket.
pub(super) type Client = (ClientStream, Option<SocketAddr>);

/// A socket that a server listens on.
#[derive(Debug)]
pub(super) struct BoundSocket {
    socket: StdSocket,
    /// The file of the Unix socket, which is removed at the end; nothing for other sockets, and for
    /// a Unix socket whose file this program hasn't made.
    file: SocketFile,
}

#[derive(Debug)]
enum StdSocket {
    Tcp(StdTcpListener),
    #[cfg(unix)]
    Unix(StdUnixListener),
}

impl BoundSocket {
    /// Binds an address: `127.0.0.1:3000`, `unix:/run/heatsplat.sock`, or `systemd` for a socket
    /// that systemd has opened. Such a socket is the next one of `systemd`, the list of sockets
    /// that systemd has passed to this program.
    pub(super) fn bind(listen: &str, systemd: &mut ListenFd) -> Result<Self, ServeError> {
        let failed = |reason: io::Error| match reason.kind() {
            io::ErrorKind::AddrInUse => ServeError::InUse {
                listen: listen.to_owned(),
            },
            _ => ServeError::Listen {
                listen: listen.to_owned(),
                reason,
            },
        };
        let (socket, file) = if listen == SYSTEMD {
            let socket = from_systemd(systemd).map_err(failed)?;
            (socket.ok_or(ServeError::NoSocket)?, SocketFile::default())
        } else if let Some(path) = listen.strip_prefix(UNIX) {
            bind_unix(path).map_err(failed)?
        } else {
            let addresses = listen.to_socket_addrs();
            let addresses = addresses.map_err(|reason| ServeError::Address {
                listen: listen.to_owned(),
                reason,
            })?;
            let addresses: Vec<_> = addresses.collect();
            let socket = StdTcpListener::bind(addresses.as_slice()).map_err(failed)?;
            (StdSocket::Tcp(socket), SocketFile::default())
        };
        socket.set_nonblocking().map_err(failed)?;
        Ok(Self { socket, file })
    }

    /// The address of a TCP socket, with its real port: if the configured port is 0, the one that
    /// the system has chosen. `None` for a Unix socket.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            StdSocket::Tcp(socket) => socket.local_addr().ok(),
            #[cfg(unix)]
            StdSocket::Unix(_) => None,
        }
    }

    /// Turns the bound socket into a listener of the async runtime.
    pub(super) fn into_listener(self) -> io::Result<Listener> {
        let kind = match self.socket {
            StdSocket::Tcp(socket) => ListenerKind::Tcp(TcpListener::from_std(socket)?),
            #[cfg(unix)]
            StdSocket::Unix(socket) => ListenerKind::Unix(UnixListener::from_std(socket)?),
        };
        Ok(Listener {
            kind,
            _file: self.file,
        })
    }
}

impl StdSocket {
    fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.set_nonblocking(true),
            #[cfg(unix)]
            Self::Unix(socket) => socket.set_nonblocking(true),
        }
    }

    /// Accepts a connection that is waiting already; an error if none is waiting.
    fn accept(&self) -> io::Result<Client> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                stream.set_nonblocking(true)?;
                Ok((ClientStream::new(TcpStream::from_std(stream)?), Some(peer)))
            }
            #[cfg(unix)]
            Self::Unix(socket) => {
                let (stream, _) = socket.accept()?;
                stream.set_nonblocking(true)?;
                Ok((ClientStream::Unix(UnixStream::from_std(stream)?), None))
            }
        }
    }
}

/// Takes the next socket that systemd has opened for this program; `None` if there is none.
fn from_systemd(systemd: &mut ListenFd) -> io::Result<Option<StdSocket>> {
    for index in 0..systemd.len() {
        // `take_unix_listener` fails on a TCP socket and leaves it in place, so that
        // `take_tcp_listener` can take it.
        #[cfg(unix)]
        if let Ok(Some(socket)) = systemd.take_unix_listener(index) {
            return Ok(Some(StdSocket::Unix(socket)));
        }
        if let Some(socket) = systemd.take_tcp_listener(index)? {
            return Ok(Some(StdSocket::Tcp(socket)));
        }
    }
    Ok(None)
}

#[cfg(unix)]
fn bind_unix(path: &str) -> io::Result<(StdSocket, SocketFile)> {
    let path = Path::new(path);
    let socket = StdUnixListener::bind(path).or_else(|error| {
        // The file of a killed program is still there, but connections to it are refused.
        let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if error.kind() != io::ErrorKind::AddrInUse
            || !StdUnixStream::connect(path).is_err_and(refused)
        {
            return Err(error);
        }
        std::fs::remove_file(path)?;
        StdUnixListener::bind(path)
    })?;
    Ok((StdSocket::Unix(socket), SocketFile(Some(path.to_owned()))))
}

#[cfg(not(unix))]
fn bind_unix(_: &str) -> io::Result<(StdSocket, SocketFile)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The file of a Unix socket that this program has made, which is removed when this is dropped;
/// `None` for any other socket.
#[derive(Debug, Default)]
#[cfg(unix)]
struct SocketFile(Option<PathBuf>);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[derive(Debug, Default)]
#[cfg(not(unix))]
struct SocketFile;

/// A socket of the async runtime that accepts connections.
#[derive(Debug)]
pub(super) struct Listener {
    kind: ListenerKind,
    _file: SocketFile,
}

#[derive(Debug)]
enum ListenerKind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    /// Waits for the next connection and accepts it.
    pub(super) async fn accept(&self) -> io::Result<Client> {
        match &self.kind {
            ListenerKind::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok((ClientStream::new(stream), Some(peer)))
            }
            #[cfg(unix)]
            ListenerKind::Unix(socket) => {
                let (stream, _) = socket.accept().await?;
                Ok((ClientStream::Unix(stream), None))
            }
        }
    }

    /// Closes the socket, and returns the connections that were waiting to be accepted.
    pub(super) fn into_waiting(self) -> Vec<Client> {
        let Self { kind, _file: file } = self;
        // The file goes first: afterwards it may be that of another server.
        drop(file);
        let socket = match kind {
            ListenerKind::Tcp(socket) => socket.into_std().map(StdSocket::Tcp),
            #[cfg(unix)]
            ListenerKind::Unix(socket) => socket.into_std().map(StdSocket::Unix),
        };
        let Ok(socket) = socket else {
            return Vec::new();
        };
        let mut clients = Vec::new();
        loop {
            match socket.accept() {
                Ok(client) => clients.push(client),
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => return clients,
            }
        }
    }
}

/// The stream of bytes of a client's connection.
#[derive(Debug)]
pub(super) enum ClientStream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl ClientStream {
    fn new(stream: TcpStream) -> Self {
        // Without Nagle's algorithm, small answers are sent at once and don't wait for more data.
        let _ = stream.set_nodelay(true);
        Self::Tcp(stream)
    }
}

/// Evaluates an expression with the stream inside a [`ClientStream`], for each of its variants.
macro_rules! each {
    ($self:expr, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            ClientStream::Tcp($stream) => $call,
            #[cfg(unix)]
            ClientStream::Unix($stream) => $call,
        }
    };
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(context, into))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(context))
    }
}
