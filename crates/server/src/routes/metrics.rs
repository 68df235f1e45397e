//! `/metrics`: what the server has done, as Prometheus reads it.
//!
//! No label takes its values from requests or data: routes, statuses and stages are all known
//! beforehand, so that there are never more lines than these.

use crate::cache;
use crate::http::router::Server;
use crate::layers::entry::Data;
use crate::render_queue;
use axum::body::Body;
use axum::extract::{MatchedPath, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_render::{Backend, Phase};
use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Routes as labels; the last stands for all that is not listed.
const ROUTES: [&str; 12] = [
    "/{layer}/{z}/{x}/{y}",
    "/{layer}/{file}",
    "/{layer}/value",
    "/{layer}",
    "/{layer}/gdal.xml",
    "/{layer}/gdal.vrt",
    "/catalog",
    "/health",
    "/ready",
    "/metrics",
    "/layers",
    "other",
];

/// Statuses as labels; the last stands for all that are not listed.
const STATUSES: [u16; 11] = [200, 201, 204, 304, 400, 401, 404, 422, 500, 503, 0];

/// Upper bounds of a request's time, in seconds; more than the last is `+Inf`.
const BOUNDS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// Requests, counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    routes: [Counts; ROUTES.len()],
}

#[derive(Debug, Default)]
struct Counts {
    statuses: [AtomicU64; STATUSES.len()],
    /// How many took longer than the bound before and not longer than this one.
    times: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

/// Where a route is counted.
pub(crate) fn route(matched: Option<&MatchedPath>) -> usize {
    let known = |path: &MatchedPath| ROUTES.iter().position(|route| *route == path.as_str());
    matched.and_then(known).unwrap_or(ROUTES.len() - 1)
}

impl Metrics {
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

pub(crate) async fn get(State(server): State<Arc<Server>>) -> Response {
    let mut page = Page::default();
    requests(&mut page, &server.metrics);
    let kept = [
        ("tiles", server.tiles.told()),
        ("densities", server.densities.told()),
    ];
    caches(&mut page, &kept);
    drawing(&mut page, &server.renders.told());
    layers(&mut page, &server);
    let mut response = Response::new(Body::from(page.0));
    let headers = response.headers_mut();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn requests(page: &mut Page, metrics: &Metrics) {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let routes = || ROUTES.iter().zip(&metrics.routes);
    page.about("requests_total", "counter", "Requests answered.");
    for (route, counts) in routes() {
        for (status, counter) in STATUSES.iter().zip(&counts.statuses) {
            let n = count(counter);
            if n > 0 {
                let status = if *status == 0 {
                    "other".to_owned()
                } else {
                    status.to_string()
                };
                page.line(
                    "requests_total",
                    &[("route", route), ("status", &status)],
                    n,
                );
            }
        }
    }
    page.about(
        "request_seconds",
        "histogram",
        "Time from a request's head to its answer's.",
    );
    for (route, counts) in routes() {
        let mut sum = 0;
        let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let buckets: Vec<_> = bounds
            .zip(&counts.times)
            .map(|(bound, times)| {
                sum += count(times);
                (bound, sum)
            })
            .collect();
        if sum == 0 {
            continue;
        }
        for (bound, below) in buckets {
            let labels = [("route", *route), ("le", bound.as_str())];
            page.line("request_seconds_bucket", &labels, below);
        }
        let seconds = Duration::from_nanos(count(&counts.nanoseconds)).as_secs_f64();
        page.line("request_seconds_sum", &[("route", route)], seconds);
        page.line("request_seconds_count", &[("route", route)], sum);
    }
}

fn caches(page: &mut Page, caches: &[(&str, cache::Told)]) {
    page.about(
        "cache_requests_total",
        "counter",
        "Lookups: there already, being made for another request, or made.",
    );
    for (name, told) in caches {
        for (result, n) in [
            ("hit", told.hits),
            ("shared", told.shared),
            ("miss", told.misses),
        ] {
            let labels = [("cache", *name), ("result", result)];
            page.line("cache_requests_total", &labels, n);
        }
    }
    type Gauge = fn(&cache::Told) -> u64;
    let gauges: [(_, _, Gauge); 4] = [
        ("cache_bytes", "Bytes kept.", |told| told.bytes),
        ("cache_limit_bytes", "Bytes that may be kept.", |told| {
            told.limit
        }),
        ("cache_entries", "Things kept.", |told| told.entries as u64),
        ("cache_in_flight", "Things being made.", |told| {
            told.in_flight as u64
        }),
    ];
    for (gauge, about, of) in gauges {
        page.about(gauge, "gauge", about);
        for (name, told) in caches {
            page.line(gauge, &[("cache", name)], of(told));
        }
    }
}

fn drawing(page: &mut Page, told: &render_queue::Told) {
    for (name, kind, about, n) in [
        (
            "renders_total",
            "counter",
            "Pictures, legends and values made.",
            told.done,
        ),
        (
            "renders_refused_total",
            "counter",
            "Requests sent away since too many waited.",
            told.refused,
        ),
        (
            "renders_running",
            "gauge",
            "Pictures being made.",
            told.running,
        ),
        (
            "renders_waiting",
            "gauge",
            "Requests waiting for their turn.",
            told.waiting,
        ),
    ] {
        page.about(name, kind, about);
        page.line(name, &[], n);
    }
    page.about(
        "stage_seconds_total",
        "counter",
        "Time of the parts of making pictures.",
    );
    let stages = Phase::ALL.iter().map(|stage| stage.name());
    let times = std::iter::once(("queue", told.queued)).chain(stages.zip(told.stages));
    for (stage, took) in times {
        let seconds = took.as_secs_f64();
        page.line("stage_seconds_total", &[("stage", stage)], seconds);
    }
}

fn layers(page: &mut Page, server: &Server) {
    let (there, loading) = server.layers.all();
    let live = there.iter().filter(|(_, served)| served.is_live()).count();
    page.about("layers", "gauge", "Layers, by what they are.");
    for (state, n) in [
        ("here", there.len() - live),
        ("live", live),
        ("loading", loading.len()),
    ] {
        page.line("layers", &[("state", state)], n);
    }
    let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
    for (_, served) in &there {
        if let Data::Here(layer) = &served.data
            && !backends.iter().any(|b| Arc::ptr_eq(b, layer.backend()))
        {
            backends.push(Arc::clone(layer.backend()));
        }
    }
    let told: Vec<_> = backends
        .iter()
        .map(|backend| (backend.name(), backend.counters()))
        .filter(|(_, counters)| !counters.is_empty())
        .collect();
    if told.is_empty() {
        return;
    }
    page.about("backend", "gauge", "What a device has done, and holds.");
    for (backend, counters) in told {
        for (counter, n) in counters {
            page.line("backend", &[("backend", backend), ("what", counter)], n);
        }
    }
}

/// Prometheus' text format. Every name begins with the program's.
#[derive(Default)]
struct Page(String);

impl Page {
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "# HELP heatsplat_{name} {help}");
        let _ = writeln!(self.0, "# TYPE heatsplat_{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.0, "heatsplat_{name}");
        for (i, (label, value)) in labels.iter().enumerate() {
            let before = if i == 0 { '{' } else { ',' };
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            let _ = write!(self.0, "{before}{label}=\"{value}\"");
        }
        let _ = writeln!(
            self.0,
            "{} {value}",
            if labels.is_empty() { "" } else { "}" }
        );
    }
}
