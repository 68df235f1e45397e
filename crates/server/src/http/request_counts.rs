//! Counts of requests by route and status, which `/metrics` reports.

use axum::extract::MatchedPath;
use axum::http::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The routes that are counted separately, as labels of metrics. The last label, `other`, stands
/// for all other routes.
pub(crate) const ROUTES: [&str; 17] = [
    "/{layer}/{z}/{x}/{y}",
    "/{layer}/{file}",
    "/{layer}/value",
    "/{layer}",
    "/{layer}/gdal.xml",
    "/{layer}/gdal.vrt",
    "/wms",
    "/wmts",
    "/collections",
    "/catalog",
    "/openapi.json",
    "/health",
    "/ready",
    "/metrics",
    "/layers",
    "/layers/{id}",
    "other",
];

/// The statuses that are counted separately, as labels of metrics. The last one, 0, stands for all
/// other statuses.
pub(crate) const STATUSES: [u16; 20] = [
    200, 201, 204, 206, 304, 400, 401, 403, 404, 409, 413, 415, 416, 421, 422, 429, 500, 503, 504,
    0,
];

/// The upper bounds, in seconds, of the buckets in which requests are counted by the time that they
/// took. One more bucket, `+Inf`, counts requests that took longer than the last bound.
pub(crate) const BOUNDS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// The number of requests of each route, by status, and by the bucket of the time that they took.
#[derive(Debug, Default)]
pub(crate) struct RequestCounts {
    pub(crate) routes: [RouteCounts; ROUTES.len()],
}

/// Counts and times of the requests of one route.
#[derive(Debug, Default)]
pub(crate) struct RouteCounts {
    pub(crate) statuses: [AtomicU64; STATUSES.len()],
    /// The number of requests in each bucket of time. The bucket at index `i` counts requests that
    /// took at most as long as the bound at `i` in [`BOUNDS`], and longer than the bound before it.
    /// The last bucket counts requests that took longer than the last bound.
    pub(crate) times: [AtomicU64; BOUNDS.len() + 1],
    /// The time of all requests together, in nanoseconds.
    pub(crate) nanoseconds: AtomicU64,
}

/// The index in [`ROUTES`] of the route that a request matched; the index of `other` if it matched
/// no route, or a route that is not listed.
pub(crate) fn route_index(matched: Option<&MatchedPath>) -> usize {
    let known = |path: &MatchedPath| {
        // WMTS and OGC API have several paths, for their documents and for their tiles.
        let path = match path.as_str() {
            wmts if wmts.starts_with("/wmts/") => "/wmts",
            api if api.starts_with("/collections/") => "/collections",
            other => other,
        };
        ROUTES.iter().position(|route| *route == path)
    };
    matched.and_then(known).unwrap_or(ROUTES.len() - 1)
}

impl RequestCounts {
    pub(crate) fn count(&self, route: usize, status: StatusCode, took: Duration) {
        let Some(counts) = self.routes.get(route) else {
            return;
        };
        let status = STATUSES.iter().position(|s| *s == status.as_u16());
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        let add = |counter: Option<&AtomicU64>, n: u64| {
            counter.map(|counter| counter.fetch_add(n, Ordering::Relaxed));
        };
        add(counts.statuses.get(status.unwrap_or(STATUSES.len() - 1)), 1);
        add(counts.times.get(bucket.unwrap_or(BOUNDS.len())), 1);
        add(Some(&counts.nanoseconds), took.as_nanos() as u64);
    }
}
