//! Tests of what takes a turn of the render queue, and of what holds none.

use crate::app::{Gated, cities, gated, get, metric};
use axum::http::StatusCode;
use heatsplat_points::{Point, Points};
use heatsplat_render::{
    Backend, BlendJob, CpuBackend, Density, Job, Layer, Normalizer, Picture, Style,
};
use heatsplat_server::{
    FetchedPoints, LiveLayer, Registry, RowRequest, RowSource, Server, ServerConfig, SourceFuture,
    router,
};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;
use tokio::time::timeout;

fn config(renders: usize, waiting: usize) -> ServerConfig {
    ServerConfig {
        renders,
        waiting,
        ..ServerConfig::default()
    }
}

/// A source of a few rows.
#[derive(Debug)]
struct Rows;

impl RowSource for Rows {
    fn fetch(&self, _: RowRequest) -> SourceFuture<'_, FetchedPoints> {
        let point = Point::from_lon_lat(1.0, 1.0, 1.0).unwrap();
        let (points, counts) = (vec![point; 9], Vec::new());
        Box::pin(async { Ok(FetchedPoints { points, counts }) })
    }
}

/// Scales of a live layer at new radii and zooms take memory within the limit alone, and more than
/// one of them is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scales_of_live_layers_are_bounded_in_bytes() {
    let layers = Registry::default();
    let id = layers.announce("live");
    let cpu = Arc::new(CpuBackend::new());
    layers.put_live(
        &id,
        LiveLayer::new("live", Style::default(), Arc::new(Rows), cpu),
    );
    let cache = 1 << 20;
    let server = ServerConfig {
        cache,
        ..config(2, 10)
    };
    let app = router(Arc::new(Server::new(layers, server)));
    let before = metric(&app, "heatsplat_prepared_bytes ").await;
    let mut most = before;
    for z in 0..6 {
        for radius in 4..14 {
            let uri = format!("/live/{z}/0/0.png?radius={radius}");
            assert_eq!(get(&app, &uri).await.status, StatusCode::OK, "{uri}");
            let now = metric(&app, "heatsplat_prepared_bytes ").await;
            assert!(now <= metric(&app, "heatsplat_prepared_limit_bytes ").await);
            most = f64::max(most, now);
        }
    }
    assert!(most - before > 100_000.0, "{before} {most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn values_and_scales_of_live_layers_take_turns() {
    let (app, backend, layers) = gated(config(1, 0));
    let id = layers.announce("live");
    let cpu = Arc::new(CpuBackend::new());
    layers.put_live(
        &id,
        LiveLayer::new("live", Style::default(), Arc::new(Rows), cpu),
    );
    backend.shut();
    let holder = tokio::spawn({
        let app = app.clone();
        async move { get(&app, "/gated/0/0/0.png").await.status }
    });
    backend.begun(1).await;
    let asked = [
        "/live/value?lon=1&lat=1&z=3&domain=0,5",
        "/live/legend.svg?z=3",
        "/live/3/4/3.png",
    ];
    for uri in asked {
        let answer = get(&app, uri).await;
        assert_eq!(
            answer.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{uri}: {}",
            answer.text()
        );
    }
    backend.open();
    assert_eq!(holder.await.unwrap(), StatusCode::OK);
    for uri in asked {
        let answer = get(&app, uri).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_for_anothers_scale_holds_no_turn() {
    let (layers, backend) = (Registry::default(), Arc::new(Gated::default()));
    let points = Points::from_lon_lat([(13.4, 52.5, 3.0)]).unwrap();
    let gated = Arc::clone(&backend) as Arc<dyn Backend>;
    layers.put(
        &layers.announce("measured"),
        Layer::new("measured", points, Style::default(), gated),
    );
    layers.put(&layers.announce("cities"), cities());
    let app = router(Arc::new(Server::new(layers, config(2, 100))));
    backend.shut();
    let ask = |uri: &str| {
        let (app, uri) = (app.clone(), uri.to_owned());
        tokio::spawn(async move { get(&app, &uri).await.status })
    };
    // A legend needs nothing but the scale, so what is drawn first is a tile of the sample.
    let mut waiting = vec![ask("/measured/legend.svg?z=4")];
    backend.begun(1).await;
    waiting.extend(["4/8/6", "4/9/5", "4/9/6"].map(|tile| ask(&format!("/measured/{tile}.png"))));
    // The tiles wait for the scale.
    while !get(&app, "/metrics").await.text().contains("_waiting 3\n") {
        tokio::task::yield_now().await;
    }
    let other = ask("/cities/4/8/5.png?domain=0,5");
    let other = timeout(Duration::from_secs(5), other).await;
    let other = other.expect("the other turn is free").unwrap();
    assert_eq!(other, StatusCode::OK);
    backend.open();
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), StatusCode::OK);
    }
}

/// A CPU backend that takes its time, and notes the threads that have drawn.
#[derive(Debug, Default)]
struct Slow {
    cpu: CpuBackend,
    threads: Mutex<Vec<ThreadId>>,
}

impl Slow {
    fn take_time(&self) {
        thread::sleep(Duration::from_millis(20));
        self.threads.lock().unwrap().push(thread::current().id());
    }
}

impl Backend for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density> {
        self.take_time();
        self.cpu.densities(jobs)
    }

    fn blend(&self, job: &BlendJob<'_>) -> Density {
        self.take_time();
        self.cpu.blend(job)
    }

    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture> {
        self.take_time();
        self.cpu.pictures(jobs)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_layer_among_quick_ones_is_never_drawn_on_the_runtimes_threads() {
    let (layers, slow) = (Registry::default(), Arc::new(Slow::default()));
    let points = Points::from_lon_lat([(13.4, 52.5, 3.0)]).unwrap();
    let mut style = Style::default();
    style.set("domain", "0,5").unwrap();
    let backend = Arc::clone(&slow) as Arc<dyn Backend>;
    layers.put(
        &layers.announce("slow"),
        Layer::new("slow", points, style, backend),
    );
    layers.put(&layers.announce("cities"), cities());
    let app = router(Arc::new(Server::new(layers, config(1, 100))));
    for y in 0..100 {
        // Tiles without points are the quickest.
        get(&app, &format!("/cities/8/3/{y}.png?domain=0,5")).await;
    }
    for tile in ["4/8/5", "5/17/10", "3/4/2"] {
        let answer = get(&app, &format!("/slow/{tile}.npy")).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let threads = slow.threads.lock().unwrap().clone();
    assert!(threads.len() >= 3);
    // A request without a connection is answered by the thread of the test.
    assert!(!threads.contains(&thread::current().id()));
}
