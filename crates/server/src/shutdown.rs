//! The orderly end of a server, in phases.
//!
//! 1. *Draining*: everything is answered as before, but `/ready` is 503 and each answer closes its
//!    connection, so that proxies and clients look for another server.
//! 2. *Closing*: no connection is accepted any more. Requests that have arrived are answered.
//! 3. *Over*: the connections that are still open are cut off.

use crate::http::connection_info::ConnectionInfo;
use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// The time without a new request after which a draining server counts as idle. Once the server
/// accepts no more connections, it is also the time that an open connection has to send one more
/// request. A choice.
pub(crate) const QUIET: Duration = Duration::from_millis(100);
/// The longest time that a draining server waits to become idle, unless its configuration states a
/// time. A choice.
const LONGEST_DRAIN: Duration = Duration::from_secs(1);

/// The phase of a server's life. A server only moves to later phases, never back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ServerPhase {
    #[default]
    Serving,
    Draining,
    Closing,
    Over,
}

/// A handle that stops a running server from any thread.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<watch::Sender<ServerPhase>>);

impl StopHandle {
    /// Stops the server in an orderly way. From now on `/ready` is 503. For a short while
    /// everything else is still answered. Then no connection is accepted any more, and running
    /// requests may finish.
    pub fn stop(&self) {
        self.enter(ServerPhase::Draining);
    }

    /// Stops the server at once. Running requests are cut off.
    pub fn stop_now(&self) {
        self.enter(ServerPhase::Over);
    }

    /// Enters a phase, unless the server is in it or in a later one.
    pub(crate) fn enter(&self, phase: ServerPhase) {
        self.0.send_if_modified(|now| {
            let is_later = phase > *now;
            *now = phase.max(*now);
            is_later
        });
    }

    /// Returns true if the server is being stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.0.borrow() > ServerPhase::Serving
    }

    /// Waits until the server has reached `phase` or a later phase.
    pub(crate) async fn reached(&self, phase: ServerPhase) {
        let mut phases = self.0.subscribe();
        // This can't fail: the sender lives as long as this handle.
        let _ = phases.wait_for(|now| *now >= phase).await;
    }
}

/// Counts of a server's requests, by which its shutdown waits for their end.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    begun: AtomicU64,
    running: AtomicUsize,
}

impl Activity {
    /// The number of requests that have no answer yet.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Waits until the server may stop accepting connections: for the time `wait` if it is given.
    /// Otherwise until the first of these:
    ///
    /// * no request has come for the time [`QUIET`]
    /// * no client is connected
    /// * [`LONGEST_DRAIN`] is over
    pub(crate) async fn drained(&self, wait: Option<Duration>, is_connected: impl Fn() -> bool) {
        if let Some(wait) = wait {
            return sleep(wait).await;
        }
        let end = Instant::now() + LONGEST_DRAIN;
        let begun = || self.begun.load(Ordering::Relaxed);
        while is_connected() && Instant::now() < end {
            let before = begun();
            sleep(QUIET).await;
            if begun() == before {
                return;
            }
        }
    }
}

/// A request that is being answered; it counts as running until it is dropped.
struct RunningRequest(Arc<Activity>, Arc<ConnectionInfo>);

impl RunningRequest {
    fn new(activity: &Arc<Activity>, connection: &Arc<ConnectionInfo>) -> Self {
        connection.requests.fetch_add(1, Ordering::Relaxed);
        connection.running.fetch_add(1, Ordering::Relaxed);
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity), Arc::clone(connection))
    }
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.1.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The service of one connection: the routes and, once the server is being stopped, a header in
/// each answer, with which the connection is closed.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionService {
    routes: TowerToHyperService<Router>,
    info: Arc<ConnectionInfo>,
    stop: StopHandle,
    activity: Arc<Activity>,
}

impl ConnectionService {
    /// Makes the service of a connection. Each request gets `info` as an extension.
    pub(crate) fn new(
        (routes, info): (Router, Arc<ConnectionInfo>),
        stop: StopHandle,
        activity: Arc<Activity>,
    ) -> Self {
        Self {
            routes: TowerToHyperService::new(routes),
            info,
            stop,
            activity,
        }
    }

    /// The address, protocol and counts of the connection.
    pub(crate) fn info(&self) -> Arc<ConnectionInfo> {
        Arc::clone(&self.info)
    }
}

impl Service<Request<Incoming>> for ConnectionService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(Arc::clone(&self.info));
        let running = RunningRequest::new(&self.activity, &self.info);
        // HTTP/1 closes by the header `Connection`. HTTP/2 forbids that header and closes by a
        // frame, which hyper sends.
        let is_http2 = request.version() == Version::HTTP_2;
        if is_http2 {
            self.info.is_http2.store(true, Ordering::Relaxed);
        }
        let (answer, stop) = (self.routes.call(request), self.stop.clone());
        Box::pin(async move {
            let mut response = answer.await?;
            if !is_http2 && stop.is_stopping() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            drop(running);
            Ok(response)
        })
    }
}
