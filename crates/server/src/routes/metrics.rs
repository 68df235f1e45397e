//! `/metrics`: the counters of the server in Prometheus' text format.
//!
//! No label has a value from a request or from data. All routes, statuses and stages are known
//! beforehand, so the number of lines is limited.

use crate::cache::CacheStats;
use crate::config::PageCounts;
use crate::http::request_counts::{BOUNDS, ROUTES, RequestCounts, STATUSES};
use crate::layers::entry::ServedLayer;
use crate::layers::layer_id::LayerId;
use crate::render_queue::{ENDED, QueueStats};
use crate::state::Server;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use heatsplat_render::{Backend, Phase};
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) async fn get(State(server): State<Arc<Server>>) -> Response {
    let mut page = PrometheusText::default();
    requests(&mut page, &server.request_counts);
    let all = [
        ("tiles", server.tiles.stats()),
        ("densities", server.densities.stats()),
    ];
    caches(&mut page, &all);
    let prepared = server.layers.budget();
    let about = "Bytes of styles, statistics, scales and points of filters.";
    page.about("prepared_bytes", "gauge", about);
    page.line("prepared_bytes", &[], prepared.used());
    page.about("prepared_limit_bytes", "gauge", "Bytes that they may take.");
    page.line("prepared_limit_bytes", &[], prepared.limit());
    if let Some(counts) = server.config.page_counts {
        pages(&mut page, counts());
    }
    queue(&mut page, &server.render_queue.stats());
    transfers(&mut page, &server);
    layers(&mut page, &server);
    watcher(&mut page, &server);
    let mut response = Response::new(Body::from(page.0));
    let headers = response.headers_mut();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn requests(page: &mut PrometheusText, counts: &RequestCounts) {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let routes = || ROUTES.iter().zip(&counts.routes);
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

fn caches(page: &mut PrometheusText, caches: &[(&str, CacheStats)]) {
    page.about(
        "cache_requests_total",
        "counter",
        "Lookups: there already, being made for another request, or made.",
    );
    for (name, stats) in caches {
        for (result, n) in [
            ("hit", stats.hits),
            ("shared", stats.shared),
            ("miss", stats.misses),
        ] {
            let labels = [("cache", *name), ("result", result)];
            page.line("cache_requests_total", &labels, n);
        }
    }
    type Gauge = fn(&CacheStats) -> u64;
    let gauges: [(_, _, Gauge); 4] = [
        ("cache_bytes", "Bytes kept.", |stats| stats.bytes),
        ("cache_limit_bytes", "Bytes that may be kept.", |stats| {
            stats.limit
        }),
        ("cache_entries", "Things kept.", |stats| {
            stats.entries as u64
        }),
        ("cache_in_flight", "Things being made.", |stats| {
            stats.in_flight as u64
        }),
    ];
    for (gauge, about, of) in gauges {
        page.about(gauge, "gauge", about);
        for (name, stats) in caches {
            page.line(gauge, &[("cache", name)], of(stats));
        }
    }
}

fn pages(page: &mut PrometheusText, counts: PageCounts) {
    for (name, kind, about, n) in [
        (
            "pages_read_total",
            "counter",
            "Pages of packed files that were read.",
            counts.pages_read,
        ),
        (
            "page_bytes_total",
            "counter",
            "Bytes that were read for pages.",
            counts.page_bytes,
        ),
        (
            "page_reads_total",
            "counter",
            "Reads of pages, one for neighbours. Of files at addresses these are requests.",
            counts.page_reads,
        ),
        (
            "page_read_failures_total",
            "counter",
            "Reads of pages that failed, after all tries.",
            counts.page_read_failures,
        ),
        (
            "page_hits_total",
            "counter",
            "Pages that were in the cache.",
            counts.page_hits,
        ),
        (
            "page_crc_failures_total",
            "counter",
            "Pages that were damaged.",
            counts.crc_failures,
        ),
        (
            "page_cache_bytes",
            "gauge",
            "Bytes of the pages in the cache.",
            counts.cached_bytes,
        ),
    ] {
        page.about(name, kind, about);
        page.line(name, &[], n);
    }
}

fn queue(page: &mut PrometheusText, stats: &QueueStats) {
    for (name, kind, about, n) in [
        (
            "renders_total",
            "counter",
            "Pictures, legends and values made.",
            stats.done,
        ),
        (
            "renders_refused_total",
            "counter",
            "Requests sent away since too many waited.",
            stats.refused,
        ),
        (
            "renders_running",
            "gauge",
            "Pictures being made.",
            stats.running,
        ),
        (
            "renders_waiting",
            "gauge",
            "Requests waiting for their turn.",
            stats.waiting,
        ),
    ] {
        page.about(name, kind, about);
        page.line(name, &[], n);
    }
    page.about(
        "renders_ended_total",
        "counter",
        "Pictures that were ended before they were done.",
    );
    for (reason, n) in ENDED.iter().zip(stats.ended) {
        page.line("renders_ended_total", &[("reason", reason)], n);
    }
    page.about(
        "stage_seconds_total",
        "counter",
        "Time of the parts of making pictures.",
    );
    let stages = Phase::ALL.iter().map(|stage| stage.name());
    let times = std::iter::once(("queue", stats.queued)).chain(stages.zip(stats.stages));
    for (stage, took) in times {
        let seconds = took.as_secs_f64();
        page.line("stage_seconds_total", &[("stage", stage)], seconds);
    }
}

fn transfers(page: &mut PrometheusText, server: &Server) {
    let (connections, answers) = (&server.connections, &server.answer_bytes);
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    for (name, kind, about, n) in [
        (
            "connections",
            "gauge",
            "Connections open.",
            count(&connections.open),
        ),
        (
            "connections_stalled_total",
            "counter",
            "Connections closed since their clients didn't read.",
            count(&connections.stalled),
        ),
        (
            "answer_bytes",
            "gauge",
            "Bytes of large answers on their way to clients.",
            answers.taken(),
        ),
        (
            "answer_limit_bytes",
            "gauge",
            "Bytes of large answers that may be on their way.",
            answers.limit(),
        ),
        (
            "answers_refused_total",
            "counter",
            "Requests sent away since too many bytes were on their way.",
            answers.refused(),
        ),
    ] {
        page.about(name, kind, about);
        page.line(name, &[], n);
    }
}

fn layers(page: &mut PrometheusText, server: &Server) {
    let (there, loading) = server.layers.all();
    let live = there.iter().filter(|(_, served)| served.is_live()).count();
    page.about("layers", "gauge", "Layers, by what they are.");
    for (state, n) in [
        ("here", there.len() - live),
        ("live", live),
        ("loading", loading.len()),
        ("failed", server.layers.failed().len()),
        ("posted", server.layers.posted()),
    ] {
        page.line("layers", &[("state", state)], n);
    }
    if server.config.points.is_some() {
        let about = "Memory of posted points, and of those that are arriving.";
        page.about("posted_points_bytes", "gauge", about);
        page.line("posted_points_bytes", &[], server.point_loads.used());
    }
    layer_backends(page, server, &there);
    let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
    for backend in there.iter().filter_map(|(_, served)| served.backend()) {
        if !backends.iter().any(|known| Arc::ptr_eq(known, backend)) {
            backends.push(Arc::clone(backend));
        }
    }
    let counted: Vec<_> = backends
        .iter()
        .map(|backend| (backend.name(), backend.counters()))
        .filter(|(_, counters)| !counters.is_empty())
        .collect();
    if counted.is_empty() {
        return;
    }
    page.about("backend", "gauge", "What a device has done, and holds.");
    for (backend, counters) in counted {
        for (counter, n) in counters {
            page.line("backend", &[("backend", backend), ("what", counter)], n);
        }
    }
}

/// Adds two metrics: the number of layers that each backend draws at present and, if races have
/// been held, the number of layers that each backend will draw once their data are read again.
fn layer_backends(
    page: &mut PrometheusText,
    server: &Server,
    layers: &[(LayerId, Arc<ServedLayer>)],
) {
    let mut now: BTreeMap<&str, usize> = BTreeMap::new();
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for (id, served) in layers {
        if let Some(backend) = served.backend() {
            *now.entry(backend.name()).or_default() += 1;
        }
        if let Some(race) = server.layers.race(id) {
            *next.entry(race.next).or_default() += 1;
        }
    }
    page.about(
        "layer_backends",
        "gauge",
        "Layers, by the backend that draws them.",
    );
    for (backend, n) in now {
        page.line("layer_backends", &[("backend", backend)], n);
    }
    if next.is_empty() {
        return;
    }
    let help = "Layers, by the backend that won the race on their tiles and draws their next data.";
    page.about("layer_backends_next", "gauge", help);
    for (backend, n) in next {
        page.line("layer_backends_next", &[("backend", &backend)], n);
    }
}

/// Adds the metrics of the watcher, the thread that reads layers again when their sources change.
/// The watcher records the time at least every ten seconds as a sign of life, except while it reads
/// layers.
fn watcher(page: &mut PrometheusText, server: &Server) {
    let counters = server.layers.watch_counters();
    let last_look = counters.last_look.load(Ordering::Relaxed);
    if last_look == 0 {
        return;
    }
    let name = "watcher_last_look_timestamp_seconds";
    page.about(name, "gauge", "Time when sources were last looked at.");
    page.line(name, &[], last_look);
    let name = "watcher_failures_total";
    page.about(name, "counter", "Reads of changed sources that failed.");
    page.line(name, &[], counters.failures.load(Ordering::Relaxed));
}

/// A page in Prometheus' text format, to which lines are appended. The name of each metric gets the
/// prefix `heatsplat_`.
#[derive(Default)]
struct PrometheusText(String);

impl PrometheusText {
    /// Appends the two lines with the type and the description of a metric. The lines with its
    /// values must follow them.
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "# HELP heatsplat_{name} {help}");
        let _ = writeln!(self.0, "# TYPE heatsplat_{name} {kind}");
    }

    /// Appends a line with one value: the metric's name, its labels as pairs of a name and a value,
    /// and the value.
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
