//! The router: the paths of all routes, and the headers that every answer gets.

use super::{
    catalog, dem, gdal, health, legend, map, metrics, ogc, ogc::api, ogc::map_in_crs, openapi,
    post_layer, post_points, tile, tilejson, time, value, viewer,
};
use crate::http::access_log::{LoggedRequest, RequestId};
use crate::http::compression::EncodingRequest;
use crate::http::connection_info::ConnectionInfo;
use crate::http::cors;
use crate::http::error::ApiError;
use crate::http::host;
use crate::http::layer_keys::{self, SentKeys};
use crate::http::path::{FileName, Segments};
use crate::http::ranges::{self, RangeRequest};
use crate::http::request_counts::route_index;
use crate::http::response;
use crate::render_queue::CLIENT;
use crate::state::Server;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;

/// The largest length of a URL in bytes. A longer one gets 414. A choice.
const MAX_URL: usize = 8 << 10;

/// Makes an axum router with all routes of a server. It can be served, nested in another router, or
/// called in a test.
pub fn router(server: Arc<Server>) -> Router {
    finish(LAYER_ROUTES.iter().chain(&ADMIN_ROUTES), server)
}

/// The routers of the main socket and of the socket for administration. The second is `None` if the
/// configuration has no such socket; then the first has all routes.
pub(crate) fn routers(server: &Arc<Server>) -> (Router, Option<Router>) {
    if server.config.admin_listen.is_none() {
        return (router(Arc::clone(server)), None);
    }
    let admin = finish(ADMIN_ROUTES.iter(), Arc::clone(server));
    // Pages post points, and they know the main port alone.
    let posts = ADMIN_ROUTES.iter();
    let posts = posts.filter(|(path, _)| path.starts_with("/layers"));
    let posts = posts.filter(|_| server.config.points.is_some());
    let layers = finish(LAYER_ROUTES.iter().chain(posts), Arc::clone(server));
    (layers, Some(admin))
}

/// A route: its path, and the handlers of its methods.
type Route = (&'static str, fn() -> MethodRouter<Arc<Server>>);

/// The routes about layers, and the viewer.
const LAYER_ROUTES: [Route; 28] = [
    ("/", || get(api::landing::get)),
    ("/conformance", || get(api::landing::conformance)),
    ("/collections", || get(api::collections::list)),
    ("/collections/{layer}", || get(api::collections::one)),
    ("/collections/{layer}/styles", || {
        get(api::collections::styles)
    }),
    ("/collections/{layer}/map", || get(api::maps::get)),
    ("/collections/{layer}/map/tiles", || {
        get(api::tilesets::list)
    }),
    ("/collections/{layer}/map/tiles/{set}", || {
        get(api::tilesets::one)
    }),
    (
        "/collections/{layer}/map/tiles/{set}/{matrix}/{row}/{column}",
        || get(api::tilesets::tile),
    ),
    ("/collections/{layer}/styles/{style}/map", || {
        get(api::maps::styled)
    }),
    ("/collections/{layer}/styles/{style}/map/tiles", || {
        get(api::tilesets::styled_list)
    }),
    (
        "/collections/{layer}/styles/{style}/map/tiles/{set}",
        || get(api::tilesets::styled_one),
    ),
    (
        "/collections/{layer}/styles/{style}/map/tiles/{set}/{matrix}/{row}/{column}",
        || get(api::tilesets::styled_tile),
    ),
    ("/tileMatrixSets", || get(api::tile_matrix_sets::list)),
    ("/tileMatrixSets/{set}", || get(api::tile_matrix_sets::one)),
    ("/viewer/{*path}", || get(viewer::file)),
    ("/catalog", || get(catalog::get)),
    ("/wms", || get(ogc::wms::get)),
    ("/wmts", || get(ogc::wmts::get)),
    ("/wmts/1.0.0/WMTSCapabilities.xml", || {
        get(ogc::wmts::capabilities)
    }),
    (
        "/wmts/{layer}/{style}/{set}/{matrix}/{row}/{column}",
        || get(ogc::wmts::tile),
    ),
    (
        "/wmts/{layer}/{style}/{set}/{matrix}/{row}/{column}/{j}/{i}",
        || get(ogc::wmts::feature_info),
    ),
    ("/{layer}", || get(tilejson::get)),
    ("/{layer}/gdal.xml", || get(gdal::xml)),
    ("/{layer}/gdal.vrt", || get(gdal::vrt)),
    ("/{layer}/value", || get(value::get)),
    ("/{layer}/{file}", || get(file)),
    ("/{layer}/{z}/{x}/{y}", || get(tile::get)),
];

/// The routes for operators: probes, metrics, and the posting and deletion of layers.
const ADMIN_ROUTES: [Route; 5] = [
    ("/health", || get(health::health)),
    ("/ready", || get(health::ready)),
    ("/metrics", || get(metrics::get)),
    ("/layers", || {
        post(post_layer::post).fallback(async || ApiError::method_not_allowed())
    }),
    ("/layers/{id}", || {
        delete(post_layer::delete)
            .put(post_points::replace)
            .fallback(async || ApiError::method_not_allowed())
    }),
];

/// The routes that both sockets answer, if there are two.
const SHARED_ROUTES: [Route; 1] = [("/openapi.json", || get(openapi::get))];

/// The paths of all routes.
#[cfg(test)]
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    let all = LAYER_ROUTES.iter().chain(&ADMIN_ROUTES);
    all.chain(&SHARED_ROUTES).map(|(path, _)| *path)
}

/// Makes a router of `routes` and [`SHARED_ROUTES`]. All routes get the same handlers around them,
/// and the server as their state.
fn finish<'a>(routes: impl Iterator<Item = &'a Route>, server: Arc<Server>) -> Router {
    let routes = routes.chain(&SHARED_ROUTES);
    routes
        .fold(Router::new(), |router, (path, handlers)| {
            router.route(path, handlers())
        })
        .fallback(async || ApiError::not_found("nothing is here; see /catalog"))
        .layer(from_fn_with_state(Arc::clone(&server), count))
        .with_state(server)
}

/// Answers requests for `/{layer}/{file}`, like `map.png` or `legend.svg`.
async fn file(
    State(server): State<Arc<Server>>,
    Segments((id, file)): Segments<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let served = server.layer(&id, &request)?;
    match FileName::parse(&file) {
        Some(file) if file.stem == "map" && map_in_crs::is_asked(request.uri().query()) => {
            map_in_crs::get(&server, served, &file, request).await
        }
        Some(file) if file.stem == "map" => map::get(&server, served, &file, request).await,
        Some(file) if file.stem == "legend" => legend::get(&server, served, &file, request).await,
        Some(file) if (file.stem, file.extension) == ("dem", "json") => {
            dem::get(&server, served, &id, request).await
        }
        Some(file) if (file.stem, file.extension) == ("tilejson", "json") => {
            tilejson::answer(&server, &id, &request)
        }
        Some(file) if (file.stem, file.extension) == ("time", "json") => {
            time::get(&server, &served, &id, &request)
        }
        _ => Err(ApiError::not_found(
            "a layer has tiles, map.png, legend.json, tilejson.json, dem.json, time.json and value",
        )),
    }
}

/// Counts requests and measures their time. At the log level `debug`, each log line that a request
/// causes has the request's id.
async fn count(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let since = Instant::now();
    let client = server.client_key(&request);
    let route = route_index(request.extensions().get::<MatchedPath>());
    let has_keys = SentKeys::take(&mut request);
    let config = &server.config;
    let id = RequestId::new(&config.trusted_proxies, &request);
    let logged = config
        .access_log
        .then(|| LoggedRequest::new(&request, server.origin(&request)));
    // With the level `debug`, a span takes 6 % of the time of a cached tile; otherwise it takes
    // none.
    let span = tracing::debug_span!(
        "request",
        id = %id,
        method = request.method().as_str(),
        path = request.uri().path(),
    );
    let answer = async {
        let mut response = answer(&server, request, next).await;
        if has_keys {
            layer_keys::make_private(&mut response);
            response::add_vary(response.headers_mut(), "authorization");
        }
        let (status, took) = (response.status(), since.elapsed());
        if status.is_client_error() || status.is_server_error() {
            id.tag(&mut response);
        }
        tracing::debug!(
            status = status.as_u16(),
            ms = took.as_secs_f64() * 1e3,
            "answered"
        );
        if let Some(logged) = logged {
            logged.log(&id, &response, took);
        }
        server.request_counts.count(route, status, took);
        response
    };
    CLIENT.scope(client, answer.instrument(span)).await
}

/// Answers a request, and adds the headers that all answers have:
///
/// * CORS headers let pages of allowed origins read every answer, errors included. On a server that
///   takes queries but no points, answers to posts and deletions of layers don't get them.
/// * Another header forbids browsers to guess a media type other than the stated one.
async fn answer(server: &Server, request: Request, next: Next) -> Response {
    let (allowed, trusted) = (&server.config.allowed_hosts, &server.config.trusted_proxies);
    let origin = server.cors.of(request.headers());
    let takes_points = server.config.points.is_some();
    let mut response = match *request.method() {
        _ if let Err(error) = host::check(&request) => error.into_response(),
        _ if let Err(error) = host::check_allowed(allowed, trusted, &request) => {
            error.into_response()
        }
        Method::OPTIONS => cors::preflight(takes_points && is_posting(&request)),
        Method::GET | Method::HEAD if url_length(&request) > MAX_URL => {
            ApiError::uri_too_long().into_response()
        }
        Method::GET | Method::HEAD => transfer(server, request, next).await,
        Method::POST | Method::DELETE | Method::PUT if takes_points && is_posting(&request) => {
            next.run(request).await
        }
        // The answer gets no CORS headers: the request carries a secret, which pages of other hosts
        // must not use.
        Method::POST | Method::DELETE if is_posting(&request) => {
            let mut response = next.run(request).await;
            set(response.headers_mut(), X_CONTENT_TYPE_OPTIONS, "nosniff");
            return response;
        }
        _ => {
            let mut response = ApiError::method_not_allowed().into_response();
            response.headers_mut().insert(ALLOW, cors::METHODS);
            response
        }
    };
    let headers = response.headers_mut();
    server.cors.allow(origin, headers);
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    // The viewer's answers have a policy of their own already.
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        set(
            headers,
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        );
    }
    response
}

/// Answers a request for a document or a picture. If the request asks for it, the answer is only a
/// part or is compressed. Its bytes count against the limit of bytes that are on their way to
/// clients.
async fn transfer(server: &Server, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let encoding = EncodingRequest::new(request.uri().path(), headers);
    let range = (request.method() == Method::GET).then(|| RangeRequest::new(headers));
    let connection = request.extensions().get::<Arc<ConnectionInfo>>();
    let http2 = connection
        .filter(|_| request.version() == Version::HTTP_2)
        .cloned();
    let mut response = next.run(request).await;
    ranges::announce(&mut response);
    response = server.answer_bytes.admit(response, http2);
    if let Some(range) = range.flatten() {
        response = range.cut(response).await;
    }
    match encoding {
        Some(encoding) => encoding.encode(response).await,
        None => response,
    }
}

/// Returns true if this router has a route for posted layers that fits the request: `/layers` to
/// post one, `/layers/{id}` to change or delete one. The router of another socket may have these
/// routes instead.
fn is_posting(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>();
    let path = request.uri().path();
    // The router may be nested in another one, whose prefix only the route has.
    let is = |end: &str| route.is_some_and(|route| route.as_str().ends_with(end));
    let is_list = path == "/layers" && is("/layers");
    let is_one = path.starts_with("/layers/") && is("/layers/{id}");
    match *request.method() {
        Method::POST => is_list,
        Method::OPTIONS => is_list || is_one,
        _ => is_one,
    }
}

fn url_length(request: &Request) -> usize {
    request
        .uri()
        .path_and_query()
        .map_or(0, |url| url.as_str().len())
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
