//! Tests of posted layers: their creation from a query, and their removal.

use crate::app::{Answer, get, metric, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use heatsplat_points::{Point, Points};
use heatsplat_render::CpuBackend;
use heatsplat_server::{
    BearerToken, BoundServer, FetchedPoints, OpenedQuery, PostError, PostedQuery, Posting,
    QuerySource, Registry, RowRequest, RowSource, Server, ServerConfig, SourceFuture, router,
};
use serde_json::{Value, json};
use std::future::Future;
use std::io::{Read as _, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const TOKEN: &str = "0123456789abcdef";

/// A database whose every query has the same points.
#[derive(Debug, Default)]
struct Database {
    /// True once a query was opened.
    is_asked: AtomicBool,
}

#[derive(Debug)]
struct OnePoint;

impl RowSource for OnePoint {
    fn fetch(&self, _: RowRequest) -> SourceFuture<'_, FetchedPoints> {
        let points = vec![Point::from_lon_lat(1.0, 1.0, 1.0).unwrap()];
        let counts = Vec::new();
        Box::pin(async { Ok(FetchedPoints { points, counts }) })
    }
}

impl QuerySource for Database {
    fn open(
        &self,
        query: PostedQuery,
    ) -> Pin<Box<dyn Future<Output = Result<OpenedQuery, PostError>> + Send + '_>> {
        // So many that hashing them takes longer than a look at the blocking thread.
        let point = |i| (f64::from(i % 180), f64::from(i % 70), 1.0);
        let points = || Points::from_lon_lat((0..100_000).map(point)).unwrap();
        self.is_asked.store(true, Ordering::SeqCst);
        let opened = match query.snapshot {
            true => OpenedQuery::InMemory(points()),
            false => OpenedQuery::Live(Arc::new(OnePoint)),
        };
        Box::pin(async { Ok(opened) })
    }
}

fn config(database: &Arc<Database>) -> ServerConfig {
    let posting = Posting {
        token: BearerToken::new(TOKEN).unwrap(),
        lifetime: Duration::from_secs(60),
        most: 2,
        source: Arc::clone(database) as _,
        backend: Arc::new(CpuBackend::new()),
    };
    ServerConfig {
        posting: Some(posting),
        ..ServerConfig::default()
    }
}

fn posting() -> (Router, Arc<Database>) {
    let database = Arc::default();
    let server = Server::new(Registry::default(), config(&database));
    (router(Arc::new(server)), database)
}

async fn ask(app: &Router, method: &str, uri: &str, token: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header("authorization", format!("Bearer {token}"));
    let request = request.header("content-type", "application/json");
    send(app, request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_posted_layer_is_removed_when_it_is_deleted() {
    let (app, _) = posting();
    let mut ids = Vec::new();
    for mode in ["live", "snapshot"] {
        let query = json!({ "sql": "select 1", "mode": mode });
        let made = ask(&app, "POST", "/layers", TOKEN, &query).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        ids.push(made.json()["id"].as_str().unwrap().to_owned());
    }
    let count = "heatsplat_layers{state=\"posted\"}";
    assert_eq!(metric(&app, count).await, 2.0);
    let full = json!({ "sql": "select 2" });
    let refused = ask(&app, "POST", "/layers", TOKEN, &full).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    for id in &ids {
        let (layer, path) = (format!("/{id}"), format!("/layers/{id}"));
        assert_eq!(get(&app, &layer).await.status, StatusCode::OK);
        let nothing = Value::Null;
        let wrong = ask(&app, "DELETE", &path, "fedcba9876543210", &nothing).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
        assert_eq!(wrong.header("access-control-allow-origin"), "");
        assert_eq!(get(&app, &layer).await.status, StatusCode::OK);
        let gone = ask(&app, "DELETE", &path, TOKEN, &nothing).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(get(&app, &layer).await.status, StatusCode::NOT_FOUND);
        let again = ask(&app, "DELETE", &path, TOKEN, &nothing).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(metric(&app, count).await, 0.0);
    let deleted = "heatsplat_requests_total{route=\"/layers/{id}\",status=\"204\"}";
    assert_eq!(metric(&app, deleted).await, 2.0);
    let made = ask(&app, "POST", "/layers", TOKEN, &full).await;
    assert_eq!(made.status, StatusCode::CREATED);
}

#[tokio::test]
async fn only_posted_layers_can_be_deleted() {
    let layers = Registry::default();
    let id = layers.announce("one");
    let app = router(Arc::new(Server::new(layers, config(&Arc::default()))));
    for (method, path, status) in [
        ("DELETE", format!("/layers/{id}"), StatusCode::NOT_FOUND),
        ("DELETE", format!("/{id}"), StatusCode::METHOD_NOT_ALLOWED),
        (
            "DELETE",
            "/layers".to_owned(),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            "POST",
            format!("/layers/{id}"),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
    ] {
        let answer = ask(&app, method, &path, TOKEN, &Value::Null).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    // Without a token nothing can be posted or deleted.
    let app = router(Arc::new(Server::new(
        Registry::default(),
        ServerConfig::default(),
    )));
    let answer = ask(&app, "DELETE", "/layers/one", TOKEN, &Value::Null).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_tasks_go_on_while_a_snapshot_is_hashed() {
    let (app, database) = posting();
    let ticks = Arc::new(AtomicUsize::new(0));
    let ticker = tokio::spawn({
        let (ticks, database) = (Arc::clone(&ticks), Arc::clone(&database));
        async move {
            loop {
                let asked = database.is_asked.load(Ordering::SeqCst);
                ticks.fetch_add(usize::from(asked), Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    });
    let query = json!({ "sql": "select 1", "mode": "snapshot" });
    let made = ask(&app, "POST", "/layers", TOKEN, &query).await;
    // This runtime has one thread, so the ticker has run only if the request waited meanwhile.
    let ticks = ticks.load(Ordering::SeqCst);
    ticker.abort();
    assert_eq!(made.status, StatusCode::CREATED);
    assert!(ticks > 0, "the points were hashed on the runtime's thread");
}

#[test]
fn urls_of_a_layer_that_is_posted_at_the_port_for_administration_have_the_main_port() {
    let config = ServerConfig {
        listen: "127.0.0.1:0".to_owned(),
        admin_listen: Some("127.0.0.1:0".to_owned()),
        ..config(&Arc::default())
    };
    let bound = BoundServer::new(Registry::default(), config).unwrap();
    let (main, admin) = (bound.address().unwrap(), bound.admin_address().unwrap());
    let stop = bound.stop();
    let thread = std::thread::spawn(|| bound.run());
    let body = json!({ "sql": "select 1" }).to_string();
    let head = format!(
        "POST /layers HTTP/1.1\r\nhost: {admin}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(admin).unwrap();
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    stop.stop();
    thread.join().unwrap().unwrap();
    let made: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["tilejson"], format!("http://{main}/{id}"));
    assert!(
        made["tiles"]
            .as_str()
            .unwrap()
            .starts_with(&format!("http://{main}/{id}/"))
    );
}
