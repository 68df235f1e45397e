//! Servers for tests, and a backend whose drawing a test can hold back.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use heatsplat_loader::Table;
use heatsplat_points::Points;
use heatsplat_render::{
    Backend, BlendJob, CpuBackend, Density, Job, Layer, Normalizer, Picture, Style,
};
use heatsplat_server::{Registry, Server, ServerConfig, router};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// The longest time that a test waits for an event. Then it fails.
const LONGEST: Duration = Duration::from_secs(10);

/// A tile of the layer `cities` that shows some of its points.
pub(crate) const TILE: &str = "/cities/4/8/5.png";

/// A layer of four points: two in Berlin, one in Paris and one in London. Their weights add up to
/// 10.
pub(crate) fn cities() -> Layer {
    let points = [
        (13.4, 52.5, 3.0),
        (13.41, 52.52, 1.0),
        (2.35, 48.86, 2.0),
        (-0.1, 51.5, 4.0),
    ];
    Layer::on_cpu(
        "Cities <&\">",
        Points::from_lon_lat(points).unwrap(),
        Style::default(),
    )
}

/// Makes a server with one layer, whose points are in memory.
pub(crate) fn serving(name: &str, layer: Layer) -> Router {
    serving_as(ServerConfig::default(), name, layer)
}

/// Makes a server with a configuration and one layer, whose points are in memory.
pub(crate) fn serving_as(config: ServerConfig, name: &str, layer: Layer) -> Router {
    let layers = Registry::default();
    layers.put(&layers.announce(name), layer);
    router(Arc::new(Server::new(layers, config)))
}

/// Makes a server with one layer, and with columns by which requests may filter it.
pub(crate) fn serving_with(name: &str, layer: Layer, table: Table) -> Router {
    let layers = Registry::default();
    layers.put_with_table(&layers.announce(name), layer, table);
    router(Arc::new(Server::new(layers, ServerConfig::default())))
}

/// Makes a server with the layers `cities`, `nothing` (which has no points) and `late` (whose data
/// are never loaded).
pub(crate) fn app() -> Router {
    app_with(ServerConfig {
        public_url: None,
        ..ServerConfig::default()
    })
}

/// Makes a server with the layers of [`app`] and a configuration.
pub(crate) fn app_with(config: ServerConfig) -> Router {
    let layers = Registry::default();
    let id = layers.announce("cities");
    layers.put(&id, cities());
    let empty = layers.announce("nothing");
    layers.put(
        &empty,
        Layer::on_cpu("nothing", Points::from_slice(&[]), Style::default()),
    );
    layers.announce("late");
    router(Arc::new(Server::new(layers, config)))
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

pub(crate) async fn get(app: &Router, uri: &str) -> Answer {
    send(app, Request::get(uri).body(Body::empty()).unwrap()).await
}

/// The value of the line of `/metrics` that begins with `line`; 0 if there is no such line.
pub(crate) async fn metric(app: &Router, line: &str) -> f64 {
    let text = get(app, "/metrics").await.text();
    let found = text.lines().find_map(|l| l.strip_prefix(line));
    found.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// A CPU backend that counts its pictures. A test can shut its gate: then each picture waits until
/// the gate is open again.
#[derive(Debug, Default)]
pub(crate) struct Gated {
    cpu: CpuBackend,
    begun: AtomicUsize,
    drawn: AtomicUsize,
    shut: Mutex<bool>,
    opened: Condvar,
}

impl Gated {
    pub(crate) fn shut(&self) {
        *self.shut.lock().unwrap() = true;
    }

    pub(crate) fn open(&self) {
        *self.shut.lock().unwrap() = false;
        self.opened.notify_all();
    }

    /// The number of pictures that were drawn.
    pub(crate) fn drawn(&self) -> usize {
        self.drawn.load(Ordering::SeqCst)
    }

    /// Waits until the drawing of at least `pictures` pictures has begun, even if they wait at the
    /// gate.
    pub(crate) async fn begun(&self, pictures: usize) {
        let since = Instant::now();
        while self.begun.load(Ordering::SeqCst) < pictures {
            assert!(since.elapsed() < LONGEST, "no picture was begun");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn pass(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let mut shut = self.shut.lock().unwrap();
        while *shut {
            let (waited, timeout) = self.opened.wait_timeout(shut, LONGEST).unwrap();
            // If a test fails, it never opens the gate. So the gate opens by itself after a time.
            shut = waited;
            *shut &= !timeout.timed_out();
        }
        drop(shut);
        self.drawn.fetch_add(1, Ordering::SeqCst);
    }
}

impl Backend for Gated {
    fn name(&self) -> &str {
        "gated \"backend\""
    }

    fn measurer(&self) -> &dyn Backend {
        self
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("drawn", self.drawn() as u64)]
    }

    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density> {
        self.pass();
        self.cpu.densities(jobs)
    }

    fn blend(&self, job: &BlendJob<'_>) -> Density {
        self.pass();
        self.cpu.blend(job)
    }

    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture> {
        self.pass();
        self.cpu.pictures(jobs)
    }
}

/// Makes a layer of one point, which is drawn by a backend with a gate. Its style has a fixed
/// domain, so no scale is measured.
pub(crate) fn gated_layer(backend: &Arc<Gated>, weight: f32) -> Layer {
    let points = Points::from_lon_lat([(13.4, 52.5, weight)]).unwrap();
    let mut style = Style::default();
    style.set("domain", "0,5").unwrap();
    Layer::new(
        "gated",
        points,
        style,
        Arc::clone(backend) as Arc<dyn Backend>,
    )
}

/// Makes a server with the layer `gated`, and returns it with the layer's backend and the registry.
pub(crate) fn gated(config: ServerConfig) -> (Router, Arc<Gated>, Registry) {
    let (layers, backend) = (Registry::default(), Arc::new(Gated::default()));
    let id = layers.announce("gated");
    layers.put(&id, gated_layer(&backend, 3.0));
    let app = router(Arc::new(Server::new(layers.clone(), config)));
    (app, backend, layers)
}
