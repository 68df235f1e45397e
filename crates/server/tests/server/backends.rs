//! Layers of several backends: their ETags, their scales, and what clients can read of them.

use crate::app::{get, metric};
use axum::Router;
use heatsplat_points::Points;
use heatsplat_render::{
    Backend, BlendJob, CpuBackend, Density, Job, Layer, Normalizer, Picture, Style,
};
use heatsplat_server::{BackendRace, Registry, Server, ServerConfig, router};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A device whose densities are `factor` times those of the CPU. Every `fails`-th picture is drawn
/// by the CPU in its place; with 0 it never fails.
#[derive(Debug)]
struct FakeDevice {
    name: &'static str,
    factor: f32,
    fails: u64,
    drawn: AtomicU64,
    fallbacks: AtomicU64,
}

impl FakeDevice {
    fn new(name: &'static str, factor: f32, fails: u64) -> Arc<Self> {
        let (drawn, fallbacks) = Default::default();
        Arc::new(Self {
            name,
            factor,
            fails,
            drawn,
            fallbacks,
        })
    }

    /// The factor of the next picture's densities.
    fn next(&self) -> f32 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        if self.fails > 0 && drawn.is_multiple_of(self.fails) {
            self.fallbacks.fetch_add(1, Ordering::Relaxed);
            return 1.0;
        }
        self.factor
    }
}

impl Backend for FakeDevice {
    fn name(&self) -> &str {
        self.name
    }

    fn fallbacks(&self) -> u64 {
        self.fallbacks.load(Ordering::Relaxed)
    }

    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density> {
        let mut all = CpuBackend::new().densities(jobs);
        for density in &mut all {
            let factor = self.next();
            density.values.iter_mut().for_each(|v| *v *= factor);
        }
        all
    }

    fn blend(&self, job: &BlendJob<'_>) -> Density {
        CpuBackend::new().blend(job)
    }

    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture> {
        let draw = |(job, scale): &(Job<'_>, &Normalizer)| {
            let density = self.densities(&[*job]).remove(0);
            Picture {
                width: density.width,
                height: density.height,
                indices: density.values.iter().map(|v| scale.index(*v)).collect(),
            }
        };
        jobs.iter().map(draw).collect()
    }
}

fn layer(backend: Arc<dyn Backend>) -> Layer {
    let points = (0..300).map(|i| (f64::from(i % 20) * 3.0, f64::from(i / 20) * 2.0, 1.0));
    let points = Points::from_lon_lat(points).unwrap();
    Layer::new("field", points, Style::default(), backend)
}

/// Makes a server with the layer `field`, and returns it with the registry.
fn serving(backend: Arc<dyn Backend>) -> (Router, Registry) {
    let layers = Registry::default();
    layers.put(&layers.announce("field"), layer(backend));
    let server = Server::new(layers.clone(), ServerConfig::default());
    (router(Arc::new(server)), layers)
}

const PATHS: [&str; 8] = [
    "/field/2/2/1.png",
    "/field/2/2/1.npy",
    "/field/2/2/1.png?ramp=viridis",
    "/field/2/2/1.png?isolines=3",
    "/field/2/2/1.png?scale=local",
    "/field/3/4/3.png?radius=9",
    "/field/map.png?width=200&height=100",
    "/field/map.npy?width=200&height=100",
];

/// All answers of servers, by path and ETag. Each has one body.
#[derive(Default)]
struct Answers {
    bodies: HashMap<(String, String), Vec<u8>>,
    without_tag: usize,
}

impl Answers {
    async fn ask(&mut self, app: &Router, path: &str) {
        let answer = get(app, path).await;
        assert_eq!(answer.status, 200, "{path}");
        let tag = answer.header("etag").to_owned();
        if tag.is_empty() {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            self.without_tag += 1;
            return;
        }
        let body = answer.body.clone();
        let known = self.bodies.entry((path.to_owned(), tag)).or_insert(body);
        assert_eq!(*known, answer.body, "{path} has two pictures with one ETag");
    }
}

#[tokio::test]
async fn no_etag_covers_pictures_of_two_backends() {
    let mut all = Answers::default();
    let (cpu, fast) = (Arc::new(CpuBackend::new()), FakeDevice::new("fast", 1.5, 0));
    // The server is started anew, or the layer is read again and has another backend.
    let (app, layers) = serving(cpu.clone());
    let other = serving(fast.clone()).0;
    for _ in 0..2 {
        for path in PATHS {
            all.ask(&app, path).await;
            all.ask(&other, path).await;
        }
        layers.put(&layers.ids()[0], layer(fast.clone()));
        for path in PATHS {
            all.ask(&app, path).await;
        }
        layers.put(&layers.ids()[0], layer(cpu.clone()));
    }
    assert_eq!(all.without_tag, 0);
    // Pictures differ, so equal ETags would have been noticed.
    assert!(all.bodies.len() >= 3 * PATHS.len(), "{}", all.bodies.len());
}

#[tokio::test]
async fn what_is_drawn_while_a_device_fails_has_no_etag() {
    let mut all = Answers::default();
    for fails in [1, 2, 3] {
        let (app, _) = serving(FakeDevice::new("flaky", 1.5, fails));
        for _ in 0..6 {
            for path in PATHS {
                all.ask(&app, path).await;
            }
        }
    }
    assert!(all.without_tag >= 6 * PATHS.len(), "{}", all.without_tag);
    assert_eq!(all.bodies.len(), PATHS.len());
}

#[test]
fn scales_are_measured_by_the_cpu() {
    let (cpu, other) = (
        layer(Arc::new(CpuBackend::new())),
        layer(FakeDevice::new("other", 1.5, 2)),
    );
    for level in [8, 11] {
        let of = |layer: &Layer| layer.statistics(level, layer.style());
        assert_eq!(of(&cpu).max(), of(&other).max());
        let scale = |layer: &Layer| layer.normalizer(level, layer.style());
        let indices = |layer: &Layer| (0..99).map(|v| scale(layer).index(v as f32)).collect();
        let [a, b]: [Vec<u8>; 2] = [indices(&cpu), indices(&other)];
        assert_eq!(a, b);
    }
}

#[tokio::test]
async fn backends_and_their_races_are_shown() {
    let (app, layers) = serving(FakeDevice::new("gpu:Fake", 1.0, 0));
    let entry = get(&app, "/catalog").await.json()["layers"][0].clone();
    assert_eq!(entry["backend"], "gpu:Fake");
    assert!(entry.get("backend_race").is_none());
    let race = BackendRace {
        tiles_per_second: [("gpu:Fake".to_owned(), 10.0), ("cpu".to_owned(), 20.0)].into(),
        next: "cpu".to_owned(),
    };
    layers.record_race(&layers.ids()[0], race);
    let entry = get(&app, "/catalog").await.json()["layers"][0].clone();
    assert_eq!(entry["backend_race"]["next"], "cpu");
    assert_eq!(entry["backend_race"]["tiles_per_second"]["cpu"], 20.0);
    let now = metric(&app, "heatsplat_layer_backends{backend=\"gpu:Fake\"}").await;
    let next = metric(&app, "heatsplat_layer_backends_next{backend=\"cpu\"}").await;
    assert_eq!((now, next), (1.0, 1.0));
}
