//! Tests of tiles that come from the cache, that many clients request at once, or that can't be
//! drawn.

use crate::app::{Answer, app, gated, gated_layer, get, metric};
use axum::Router;
use axum::http::StatusCode;
use heatsplat_loader::{LoadOptions, load_table, read};
use heatsplat_points::{Point, TileId};
use heatsplat_render::encode::ImageFormat;
use heatsplat_render::{CpuBackend, Layer, Style};
use heatsplat_server::{
    FetchedPoints, LiveLayer, Registry, RowRequest, RowSource, Server, ServerConfig, SourceError,
    SourceFuture, router,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const TILE: &str = "/gated/4/8/5.png";

/// Sends a request in a task of its own.
fn ask(app: &Router, uri: &str) -> JoinHandle<Answer> {
    let (app, uri) = (app.clone(), uri.to_owned());
    tokio::spawn(async move { get(&app, &uri).await })
}

/// A configuration in which at most `renders` pictures are drawn at a time, and at most `waiting`
/// requests wait.
fn few(renders: usize, waiting: usize) -> ServerConfig {
    ServerConfig {
        renders,
        waiting,
        ..ServerConfig::default()
    }
}

/// Waits for 50 ms, so that all requests get as far as they can.
async fn settle() {
    sleep(Duration::from_millis(50)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_on_one_cold_tile_is_one_render() {
    let (app, backend, _) = gated(few(2, 0));
    backend.shut();
    let clients: Vec<_> = (0..500).map(|_| ask(&app, TILE)).collect();
    backend.begun(1).await;
    settle().await;
    backend.open();
    let mut bodies = Vec::new();
    for client in clients {
        let answer = client.await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        bodies.push(answer.body);
    }
    assert_eq!(backend.drawn(), 1);
    bodies.dedup();
    assert_eq!((bodies.len(), bodies[0].starts_with(b"\x89PNG")), (1, true));
    let result =
        |result| format!("heatsplat_cache_requests_total{{cache=\"tiles\",result=\"{result}\"}}");
    let [hits, shared, misses] = [
        metric(&app, &result("hit")).await,
        metric(&app, &result("shared")).await,
        metric(&app, &result("miss")).await,
    ];
    assert_eq!((hits + shared, misses), (499.0, 1.0));
    assert_eq!(metric(&app, "heatsplat_renders_total ").await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_takes_over_from_who_leaves_and_what_nobody_wants_is_not_drawn() {
    let (app, backend, _) = gated(few(1, 10));
    backend.shut();
    let holder = ask(&app, "/gated/0/0/0.png");
    backend.begun(1).await;
    let leader = ask(&app, TILE);
    settle().await;
    let (second, third) = (ask(&app, TILE), ask(&app, TILE));
    let alone = ask(&app, "/gated/1/1/0.png");
    settle().await;
    leader.abort();
    alone.abort();
    settle().await;
    backend.open();
    for answer in [holder, second, third] {
        assert_eq!(answer.await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(
        backend.drawn(),
        2,
        "the holder's and one for those who stayed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_is_said_at_once_and_hits_never_enter_it() {
    let (app, backend, _) = gated(few(1, 1));
    let hit = get(&app, TILE).await;
    backend.shut();
    let holder = ask(&app, "/gated/0/0/0.png");
    backend.begun(2).await;
    let waits = ask(&app, "/gated/1/1/0.png");
    settle().await;
    for _ in 0..3 {
        let refused = get(&app, "/gated/2/2/1.png").await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.header("access-control-allow-origin"), "*");
        let again = get(&app, TILE).await;
        assert_eq!((again.status, &again.body), (StatusCode::OK, &hit.body));
        assert_eq!(again.header("server-timing"), "cache;desc=\"hit\"");
        assert_eq!(get(&app, "/gated").await.status, StatusCode::OK);
    }
    assert_eq!(metric(&app, "heatsplat_renders_refused_total ").await, 3.0);
    assert_eq!(metric(&app, "heatsplat_renders_waiting ").await, 1.0);
    backend.open();
    assert_eq!(holder.await.unwrap().status, StatusCode::OK);
    assert_eq!(waits.await.unwrap().status, StatusCode::OK);
    assert_eq!(get(&app, "/gated/2/2/1.png").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_begun_before_a_change_is_not_taken_for_the_new() {
    let (app, backend, layers) = gated(few(2, 10));
    backend.shut();
    let before = ask(&app, TILE);
    backend.begun(1).await;
    let id = layers.ids().remove(0);
    layers.put(&id, gated_layer(&backend, 1.0));
    let after = ask(&app, TILE);
    backend.begun(2).await;
    backend.open();
    let (before, after) = (before.await.unwrap(), after.await.unwrap());
    assert_ne!(before.body, after.body);
    for _ in 0..3 {
        let again = get(&app, TILE).await;
        assert!(again.body == after.body, "the old tile came back");
        assert_eq!(again.header("etag"), after.header("etag"));
    }
    assert_eq!(backend.drawn(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_is_bounded() {
    let limit = 64 << 10;
    let config = ServerConfig {
        cache: limit,
        ..few(2, 100)
    };
    let (app, backend, _) = gated(config);
    let bytes = "heatsplat_cache_bytes{cache=\"tiles\"}";
    let mut most = 0.0_f64;
    for z in 1..20 {
        for ramp in ["viridis", "inferno", "magma"] {
            let x = (1 << z) / 2;
            get(&app, &format!("/gated/{z}/{x}/{}.png?ramp={ramp}", x / 2)).await;
            most = most.max(metric(&app, bytes).await);
        }
    }
    assert!(most > limit as f64 / 4.0 && most <= limit as f64, "{most}");
    // If the cache may use no memory, a tile is drawn again for each request.
    let (app, again, _) = gated(ServerConfig {
        cache: 0,
        ..few(2, 100)
    });
    for _ in 0..3 {
        assert_eq!(get(&app, TILE).await.status, StatusCode::OK);
    }
    assert_eq!((again.drawn(), metric(&app, bytes).await), (3, 0.0));
    assert!(backend.drawn() >= 57);
}

#[tokio::test]
async fn keys_count_too() {
    let app = app();
    let bytes = "heatsplat_cache_bytes{cache=\"tiles\"}";
    // The style's text is far longer than an empty tile.
    let stops: Vec<String> = (0..60)
        .map(|i| format!("%23{i:06x}%20{}%25", f64::from(i) * 1.5))
        .collect();
    let tile = format!("/nothing/3/1/1.png?ramp={}", stops.join(","));
    let answer = get(&app, &tile).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let held = metric(&app, bytes).await - answer.body.len() as f64;
    assert!(held > 900.0, "{held}");
}

/// A source of rows whose first `failures` queries fail.
#[derive(Debug)]
struct Failing {
    fetched: AtomicUsize,
    failures: usize,
}

impl RowSource for Failing {
    fn fetch(&self, _: RowRequest) -> SourceFuture<'_, FetchedPoints> {
        Box::pin(async {
            let before = self.fetched.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_millis(30)).await;
            if before < self.failures {
                return Err(SourceError::Away);
            }
            let (points, counts) = (
                vec![Point::from_lon_lat(1.0, 1.0, 1.0).unwrap(); 9],
                Vec::new(),
            );
            Ok(FetchedPoints { points, counts })
        })
    }

    fn is_available(&self) -> bool {
        self.fetched.load(Ordering::SeqCst) > self.failures
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failure_is_told_to_all_who_wait_and_not_kept() {
    let rows = Arc::new(Failing {
        fetched: AtomicUsize::new(0),
        failures: 1,
    });
    let layers = Registry::default();
    let id = layers.announce("failing");
    let mut style = Style::default();
    style.set("domain", "0,5").unwrap();
    layers.put_live(
        &id,
        LiveLayer::new(
            "failing",
            style,
            Arc::clone(&rows) as _,
            Arc::new(CpuBackend::new()),
        ),
    );
    let app = router(Arc::new(Server::new(layers, few(2, 100))));
    let uri = "/failing/0/0/0.png";
    let clients: Vec<_> = (0..50).map(|_| ask(&app, uri)).collect();
    for client in clients {
        let status = client.await.unwrap().status;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(rows.fetched.load(Ordering::SeqCst), 1);
    // The server counts as ready nevertheless, and names the layer whose database doesn't answer.
    let ready = get(&app, "/ready").await;
    assert_eq!(ready.status, StatusCode::OK);
    let said = serde_json::json!({ "status": "ready", "away": ["failing"] });
    assert_eq!(ready.json(), said);
    for _ in 0..3 {
        assert_eq!(get(&app, uri).await.status, StatusCode::OK);
    }
    assert_eq!(rows.fetched.load(Ordering::SeqCst), 2);
    let said = serde_json::json!({ "status": "ready" });
    assert_eq!(get(&app, "/ready").await.json(), said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_look_at_the_same_density_is_not_splatted_again() {
    let (app, backend, _) = gated(few(2, 10));
    let layer = gated_layer(&Arc::default(), 3.0);
    let tile = TileId::new(4, 8, 5).unwrap();
    for (query, splatted) in [
        ("", 1),
        ("ramp=viridis", 1),
        ("scale=sqrt&domain=0,9", 1),
        ("opacity=0.5&reverse=true", 1),
        ("radius=9px", 2),
        ("radius=9px&ramp=viridis&steps=5", 2),
        ("kernel=quartic", 3),
        ("measure=count", 4),
        ("ramp=magma", 4),
    ] {
        let mut style = layer.style().clone();
        for (name, value) in query.split('&').filter_map(|part| part.split_once('=')) {
            style.set(name, value).unwrap();
        }
        for (ending, format) in [("png", ImageFormat::Png), ("npy", ImageFormat::Npy)] {
            let answer = get(&app, &format!("/gated/4/8/5.{ending}?{query}")).await;
            let truth = layer.tile(tile).style(&style).format(format).encode();
            assert!(answer.body == *truth.unwrap(), "{query} as {ending}");
        }
        assert_eq!(backend.drawn(), splatted, "{query}");
    }
    let hit = "heatsplat_cache_requests_total{cache=\"densities\",result=\"hit\"}";
    assert_eq!(metric(&app, hit).await, 14.0);
}

#[tokio::test]
async fn radii_that_share_a_scale_have_densities_of_their_own() {
    let app = app();
    let density = async |radius: &str| {
        let answer = get(&app, &format!("/cities/4/8/5.npy?radius={radius}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.body
    };
    let (sixteen, more) = (density("16px").await, density("16.3px").await);
    assert_eq!(sixteen.len(), more.len());
    assert_ne!(sixteen, more);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn styles_scales_and_filters_stay_within_the_cache_size() {
    let rows: String = (0..20_000)
        .map(|i| format!("{}.{i:06},{},{i}\n", i % 90, i % 60))
        .collect();
    let options = LoadOptions {
        keep: vec!["n".into()],
        ..LoadOptions::default()
    };
    let csv = std::io::Cursor::new(format!("lon,lat,n\n{rows}").into_bytes());
    let mut source = read(csv, "a.csv", &options).unwrap();
    let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
    let layers = Registry::default();
    let layer = Layer::on_cpu("many", points, Style::default());
    layers.put_with_table(&layers.announce("many"), layer, table);
    let config = ServerConfig {
        cache: 1 << 20,
        ..ServerConfig::default()
    };
    let app = router(Arc::new(Server::new(layers, config)));
    let limit = metric(&app, "heatsplat_prepared_limit_bytes ").await;
    assert_eq!(limit, f64::from(8 << 20));
    let mut most = 0.0_f64;
    for i in 0..150 {
        let images = "%23ff0000,".repeat(1 + i % 60);
        for query in [
            format!("filter=n%20%3E%20{i}"),
            format!("scale=local&radius={}px", 4.0 + 0.5 * f64::from(i as u16)),
            format!("ramp={images}%2300ff{:02x}", i),
        ] {
            let answer = get(&app, &format!("/many/0/0/0.png?{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        }
        let used = metric(&app, "heatsplat_prepared_bytes ").await;
        assert!(used <= limit, "{used} of {limit} after {i}");
        most = most.max(used);
    }
    // So much was asked for that values made room for others.
    assert!(most > limit * 0.9, "{most} of {limit}");
}
