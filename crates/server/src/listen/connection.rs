//! A connection: HTTP over a stream, within limits.

use super::stall::StallGuard;
use crate::http::error_body::ErrorBodyStream;
use crate::shutdown::{ConnectionService, Phase, QUIET, StopHandle};
use crate::state::Server;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The longest time that a client may take to send the head of a request, including the wait for
/// its first byte. A choice.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest size of a request's head in bytes. A choice.
const HEAD_BYTES: usize = 16 << 10;
/// The largest number of headers of a request. A choice.
const HEAD_LINES: usize = 64;
/// The longest time that the rest of a connection's first head may take once the server closes.
const LAST_HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers the requests of a connection until the client or the server's end closes it.
pub(super) async fn serve(
    server: &Server,
    stream: TcpStream,
    service: ConnectionService,
    stop: &StopHandle,
) {
    let used = service.used();
    let mut connection = pin!(connection(server, stream, service));
    // An error of a connection concerns its client alone, so it is ignored. The connection is
    // always polled first: what has arrived is read before the connection is closed.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = async { stop.reached(Phase::Closing).await; sleep(QUIET).await } => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = sleep(LAST_HEAD_TIMEOUT) => {}
    }
    // Without any request by now, the client has sent a part of a head.
    if used.load(Ordering::Relaxed) {
        let _ = connection.await;
    }
}

type Connection =
    http1::Connection<TokioIo<ErrorBodyStream<StallGuard<TcpStream>>>, ConnectionService>;

fn connection(server: &Server, stream: TcpStream, service: ConnectionService) -> Connection {
    let stalled = Arc::clone(&server.connections.stalled);
    let stream = StallGuard::new(stream, server.config.write_timeout, stalled);
    let stream = ErrorBodyStream::new(stream, server.cors.is_any());
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .serve_connection(TokioIo::new(stream), service)
}
