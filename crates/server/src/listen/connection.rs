//! Serves one connection: HTTP over a stream, with limits of time and size.

use super::socket::ClientStream;
use super::stall::{MIN_RATE, StallGuard};
use super::tls::{EncryptedStream, Tls};
use crate::http::connection_info::ConnectionInfo;
use crate::http::error_body::ErrorBodyStream;
use crate::shutdown::{ConnectionService, QUIET, ServerPhase, StopHandle};
use crate::state::Server;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

/// The longest time that a client may take to send the head of a request, including the wait for
/// its first byte. Then the connection is closed, so that it doesn't count against the largest
/// number of connections any more. A choice.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest size of a request's head (its first line and headers) in bytes. A choice.
const HEAD_BYTES: usize = 16 << 10;
/// The largest number of headers of a request. A choice.
const HEAD_LINES: usize = 64;
/// The time that a client has, once the server stops, to finish sending the head of the first
/// request on its connection. Then a connection without any whole request is cut off. A choice.
const LAST_HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// The largest number of requests of one connection of HTTP/2 that the server may answer at the
/// same time: a choice.
const STREAMS: u32 = 128;
/// The largest number of requests over HTTP/2 that a client may have cancelled before the server
/// has begun to answer them. It is also the largest number of streams that the server may have
/// reset because the client broke the protocol. Beyond either number the connection is closed. A
/// choice.
const RESETS: usize = 32;
/// The time between two pings to a client of HTTP/2, and the time that it has to answer one before
/// its connection is closed. A choice.
const PING: Duration = Duration::from_secs(20);

/// Answers the requests of a connection until the client closes it or the server stops. If `tls` is
/// not `None`, the connection is encrypted with its certificate.
pub(super) async fn serve(
    server: &Server,
    (stream, tls): (ClientStream, Option<&Tls>),
    service: ConnectionService,
    stop: &StopHandle,
) {
    let stalled = Arc::clone(&server.connections.stalled);
    let written = Arc::clone(&service.info().written);
    let stream = StallGuard::new(stream, server.config.write_timeout, stalled, written);
    let Some(tls) = tls else {
        return serve_http(server, stream, service, stop).await;
    };
    // The handshake may take as long as sending the head of a request, also once the server closes.
    let begun = tokio::select! {
        biased;
        begun = timeout(HEAD_TIMEOUT, tls.accept(stream)) => begun,
        () = async { stop.reached(ServerPhase::Closing).await; sleep(LAST_HEAD_TIMEOUT).await } => {
            return;
        }
    };
    if let Ok(Ok(stream)) = begun {
        let stream: EncryptedStream<_> = stream;
        serve_http(server, stream, service, stop).await;
    }
}

async fn serve_http<S>(server: &Server, stream: S, service: ConnectionService, stop: &StopHandle)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let info = service.info();
    let stream = ErrorBodyStream::new(stream, server.cors.is_any());
    let builder = builder();
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // An error of a connection concerns its client alone, so it is ignored. The branch of the
    // connection comes first, so that requests that have arrived are read before the connection is
    // closed.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = given_up(server, &info) => return,
        () = async { stop.reached(ServerPhase::Closing).await; sleep(QUIET).await } => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = sleep(LAST_HEAD_TIMEOUT) => {}
    }
    // If no request has arrived by now, the client has sent at most a part of a head, and is not
    // waited for.
    if info.requests.load(Ordering::Relaxed) > 0 {
        let _ = connection.await;
    }
}

/// Waits until the server should close the connection. It should in three cases, where a period is
/// as long as `write_timeout` in the configuration:
///
/// * the client has sent no request within [`HEAD_TIMEOUT`] of connecting
/// * the connection uses HTTP/2, and for a whole period no request came or was being answered
/// * the connection uses HTTP/2, an answer was waiting for the client at the beginning and at the
///   end of a period, and in it the client took less than [`MIN_RATE`] bytes a second
async fn given_up(server: &Server, info: &ConnectionInfo) {
    let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
    sleep(HEAD_TIMEOUT).await;
    if read(&info.requests) == 0 {
        return;
    }
    let period = server.config.write_timeout;
    let least = period.as_secs_f64() * MIN_RATE;
    loop {
        let (requests, written) = (read(&info.requests), read(&info.written));
        let was_sending = read(&info.unsent) > 0;
        sleep(period).await;
        let is_sending = read(&info.unsent) > 0;
        let taken = read(&info.written).saturating_sub(written);
        if was_sending && is_sending && (taken as f64) < least {
            server.connections.stalled.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let is_busy = is_sending || read(&info.running) > 0 || read(&info.requests) > requests;
        if info.is_http2.load(Ordering::Relaxed) && !is_busy {
            return;
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}
