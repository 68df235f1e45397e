//! `POST /layers` with rows of points in the body: makes a layer of them. `PUT /layers/{id}`
//! replaces the rows of such a layer.
//!
//! The answer to the first post has a token. With it the client replaces the rows later or removes
//! the layer. The layer's id is random, so it can't be guessed.

use super::point_rows::{BodyForm, PostedRows, ReadRows, RowColumns, RowKinds, RowLimits};
use super::post_layer::{self, PostRights, parse_style, refuse_exact};
use crate::cost::check_own_style;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::response::json;
use crate::layers::entry::{LayerSource, ServedLayer};
use crate::layers::point_posting::{ClientPost, MemoryShare, PointPosting};
use crate::layers::posted_points::{
    FoundPoints, NotReplaced, PointLimits, PostedPoints, TooManyPoints,
};
use crate::layers::posting::BearerToken;
use crate::render_queue::ClientKey;
use crate::routes::unix_seconds;
use crate::state::Server;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use heatsplat_loader::AxisOrder;
use heatsplat_render::{Layer, Style};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The longest time that a client may take to send the body of a request. A choice.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest number of characters in a layer's name. A choice.
const MAX_NAME: usize = 200;

/// The parameters of a request with rows, besides those of the style.
const PARAMETERS: [&str; 5] = ["name", "weight", "lon", "lat", "order"];

/// A JSON object around rows, which are in its member `points` or `data`. Its other members mean
/// what the parameters of the same names in the URL mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    #[serde(default)]
    points: Option<RowKinds>,
    #[serde(default)]
    data: Option<RowKinds>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    style: serde_json::Value,
    #[serde(default)]
    weight: Option<String>,
    #[serde(default)]
    lon: Option<String>,
    #[serde(default)]
    lat: Option<String>,
    #[serde(default)]
    order: Option<String>,
}

/// The members of a JSON object that show which of three things it is: a query (`sql`), an
/// [`Envelope`] of rows (`points` or `data`), or GeoJSON (`type`).
#[derive(Deserialize)]
struct BodyProbe {
    sql: Option<IgnoredAny>,
    points: Option<IgnoredAny>,
    data: Option<IgnoredAny>,
    #[serde(rename = "type")]
    type_: Option<IgnoredAny>,
}

/// A parsed request with rows.
struct PointsRequest {
    rows: PostedRows,
    name: Option<String>,
    /// The style that the request asks for; `None` if it states none.
    style: Option<Style>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct PostedAnswer<'a> {
    id: &'a str,
    /// The secret with which the client can change and remove the layer. Left out in answers that
    /// replace rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    /// The number of times that rows were posted for this layer, from 1 on. URLs with this number
    /// as the parameter `v` are new for caches, so that they show these rows.
    generation: u64,
    points: u64,
    /// The number of skipped rows for each reason, by the reason's name. Reasons for which no row
    /// was skipped are left out.
    skipped: BTreeMap<&'static str, u64>,
    /// Descriptions of the first skipped rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    examples: Vec<String>,
    tilejson: String,
    tiles: String,
    legend: String,
    value: String,
    gdal: String,
    /// The time when the layer expires, in seconds since 1970.
    expires: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A guard that sets a flag to true when it is dropped. The future that answers a request owns it,
/// and is dropped when the client leaves.
struct LeftGuard(Arc<AtomicBool>);

impl Drop for LeftGuard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Makes a layer of the rows in a request's body, and answers with its id, token and URLs. `client`
/// has sent the request, and `rights` say what it may post.
pub(super) async fn create(
    server: &Server,
    rights: &PostRights,
    client: ClientKey,
    request: Request,
) -> Result<Response, ApiError> {
    let base = server.base_url(&request).url;
    let posting = settings(server)?;
    let public = (!rights.is_operator).then_some(client);
    let form = BodyForm::of(request.headers())?;
    check_form(form, public.is_some())?;
    let limits = PointLimits {
        most: posting.most,
        of_client: posting.public.map_or(0, |quota| quota.layers),
    };
    let room = server.layers.check_room(public, limits);
    room.map_err(|why| too_many(why, limits))?;
    let _post = begin(server, public)?;
    let query = Query::parse(request.uri().query(), &PARAMETERS)?;
    let mut memory = server.point_loads.share();
    let body = read_body(request, posting.body, &mut memory).await?;
    let (rows, lifetime) = posting.limits(public.is_some());
    let job = LoadJob {
        body,
        form,
        query,
        before: None,
    };
    let loaded = load(server, posting, rows, job).await?;
    drop(memory);
    let until = SystemTime::now() + lifetime;
    let (id, secret) = (format!("p{}", random_hex()?), random_hex()?);
    let owner = BearerToken::new(&secret).ok_or_else(ApiError::internal)?;
    let points = PostedPoints {
        owner,
        public,
        memory: loaded.memory,
    };
    let inserted = server
        .layers
        .insert_points(&id, until, limits, (loaded.layer, points));
    inserted.map_err(|why| too_many(why, limits))?;
    let token = Some(secret.as_str());
    answer(
        StatusCode::CREATED,
        &base,
        (&id, token, 1, until),
        (loaded.read, loaded.warnings),
    )
}

/// Replaces the rows of a layer of posted points, and its style if the request has one.
pub(crate) async fn replace(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    let found = post_layer::find_own(&server, &id, request.headers());
    let found = found.map_err(|refused| *refused)?;
    let replaced = replace_rows(&server, &id, found, request).await;
    replaced.map_err(ApiError::into_response)
}

async fn replace_rows(
    server: &Server,
    id: &str,
    found: FoundPoints,
    request: Request,
) -> Result<Response, ApiError> {
    let base = server.base_url(&request).url;
    let posting = settings(server)?;
    let form = BodyForm::of(request.headers())?;
    check_form(form, found.is_public)?;
    let client = server.client_key(&request);
    let _post = begin(server, found.is_public.then_some(client))?;
    let query = Query::parse(request.uri().query(), &PARAMETERS)?;
    let mut memory = server.point_loads.share();
    let body = read_body(request, posting.body, &mut memory).await?;
    let (rows, lifetime) = posting.limits(found.is_public);
    let job = LoadJob {
        body,
        form,
        query,
        before: Some(found.layer),
    };
    let loaded = load(server, posting, rows, job).await?;
    drop(memory);
    let until = SystemTime::now() + lifetime;
    let generation = loaded.layer.epoch();
    let replaced = server
        .layers
        .replace_points(id, until, loaded.layer, loaded.memory);
    replaced.map_err(|why| match why {
        NotReplaced::Gone => ApiError::not_found("the layer was removed meanwhile"),
        NotReplaced::Overtaken => ApiError::with_status(
            StatusCode::CONFLICT,
            "other rows were posted for this layer meanwhile: post again",
        ),
    })?;
    answer(
        StatusCode::OK,
        &base,
        (id, None, generation, until),
        (loaded.read, loaded.warnings),
    )
}

/// The work of making a layer from a body with rows.
struct LoadJob {
    body: Bytes,
    form: BodyForm,
    query: Query,
    /// The layer whose rows are replaced; `None` for a new layer.
    before: Option<Arc<ServedLayer>>,
}

/// A layer that was made from rows, with the report about its rows.
struct LoadedPoints {
    layer: ServedLayer,
    /// The memory that the points take.
    memory: MemoryShare,
    read: ReadRows,
    /// Warnings about the parts of the style that could not be converted.
    warnings: Vec<String>,
}

/// Reads the rows of `job`, at most `most`, and makes a layer of them, on a blocking thread. If the
/// client leaves meanwhile, the reading ends.
async fn load(
    server: &Server,
    posting: &PointPosting,
    most: u64,
    job: LoadJob,
) -> Result<LoadedPoints, ApiError> {
    let turn = server.point_loads.turn().await;
    let turn = turn.ok_or_else(|| ApiError::unavailable("other points are being read"))?;
    let limits = RowLimits {
        rows: most,
        deadline: Instant::now() + posting.deadline,
    };
    let has_left = Arc::new(AtomicBool::new(false));
    let _guard = LeftGuard(Arc::clone(&has_left));
    let mut memory = server.point_loads.share();
    let backend = Arc::clone(&posting.backend);
    let budget = Arc::clone(server.layers.budget());
    let deadline = server.config.deadline;
    let work = move || {
        let _turn = turn;
        let asked = PointsRequest::new(job.body, job.form, &job.query)?;
        let mut read = asked.rows.read(limits, &has_left)?;
        if !memory.grow(read.points.bytes() as u64) {
            return Err(no_memory());
        }
        let before = job.before.as_deref();
        let name = asked.name.or(before.map(|layer| layer.name().to_owned()));
        let name = name.unwrap_or_else(|| "points".to_owned());
        let style = asked.style.or(before.map(|layer| layer.style().clone()));
        let points = read.take_points();
        let layer = Layer::new(&name, points, style.unwrap_or_default(), backend);
        check_own_style(&layer, deadline).map_err(|e| {
            ApiError::with_status(StatusCode::UNPROCESSABLE_ENTITY, format!("style: {e}"))
        })?;
        let generation = before.map_or(0, ServedLayer::epoch) + 1;
        let layer = layer.within(&budget).at_epoch(generation);
        Ok(LoadedPoints {
            layer: ServedLayer::new(LayerSource::in_memory(layer), None, &budget),
            memory,
            read,
            warnings: asked.warnings,
        })
    };
    spawn_blocking(work).await.unwrap_or_else(|_| {
        tracing::error!("posted points could not be read");
        Err(ApiError::internal())
    })
}

impl PointsRequest {
    fn new(body: Bytes, form: BodyForm, query: &Query) -> Result<Self, ApiError> {
        let wrong = |e: serde_json::Error| {
            ApiError::bad_request(format!("the body can't be read as JSON: {e}"))
        };
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let (mut kinds, mut member, mut around) = (None, None, None);
        if form == BodyForm::Json && first == Some(&b'{') {
            let probe: BodyProbe = serde_json::from_slice(&body).map_err(wrong)?;
            if probe.sql.is_some() {
                let message = "queries need the token for queries";
                return Err(ApiError::with_status(StatusCode::FORBIDDEN, message));
            }
            let is_geojson =
                probe.type_.is_some() && probe.points.is_none() && probe.data.is_none();
            if !is_geojson {
                let mut envelope: Envelope = serde_json::from_slice(&body).map_err(wrong)?;
                (member, kinds) = match (envelope.points.take(), envelope.data.take()) {
                    (Some(points), None) => (Some("points"), Some(points)),
                    (None, Some(data)) => (Some("data"), Some(data)),
                    _ => return Err(ApiError::bad_request("expected rows in `points`")),
                };
                around = Some(envelope);
            }
        } else if form == BodyForm::Json {
            kinds = Some(serde_json::from_slice(&body).map_err(wrong)?);
        }
        let of_body =
            |get: fn(&Envelope) -> &Option<String>| around.as_ref().and_then(|e| get(e).clone());
        let given = |name: &str, get| query.get(name).map(str::to_owned).or(of_body(get));
        let order = given("order", |e| &e.order);
        let order: Option<AxisOrder> = order
            .map(|text| text.parse())
            .transpose()
            .map_err(|e| ApiError::bad_request(format!("order: {e}")))?;
        let columns = RowColumns {
            lon: given("lon", |e| &e.lon),
            lat: given("lat", |e| &e.lat),
            weight: given("weight", |e| &e.weight),
            order,
        };
        let name = given("name", |e| &e.name);
        if name
            .as_ref()
            .is_some_and(|name| name.chars().count() > MAX_NAME)
        {
            return Err(ApiError::bad_request("name is over 200 letters long"));
        }
        let style = around.as_ref().map(|envelope| &envelope.style);
        let (style, warnings) = style_of(style, query)?;
        Ok(Self {
            rows: PostedRows {
                body,
                form,
                member,
                kinds,
                columns,
            },
            name,
            style,
            warnings,
        })
    }
}

/// Makes the style of a request from the member `style` of its body and the parameters of its URL.
/// `None` if it has neither. The list has a warning for each part of the style that could not be
/// converted.
fn style_of(
    given: Option<&serde_json::Value>,
    query: &Query,
) -> Result<(Option<Style>, Vec<String>), ApiError> {
    let given = given.filter(|style| !style.is_null());
    if given.is_none() && query.style().is_empty() {
        return Ok((None, Vec::new()));
    }
    let none = serde_json::Value::Null;
    let (mut style, warnings) = parse_style(given.unwrap_or(&none))?;
    let asked = query.style().iter();
    style
        .set_all(asked.map(|(name, value)| (*name, value.as_str())))
        .map_err(|e| ApiError::bad_request(e.to_string()))?;
    refuse_exact(&style)?;
    Ok((Some(style), warnings))
}

/// Reads the body of a request, at most `most` bytes, and counts its bytes in `memory`.
async fn read_body(
    request: Request,
    most: u64,
    memory: &mut MemoryShare,
) -> Result<Bytes, ApiError> {
    let stated = request.headers().get(CONTENT_LENGTH);
    let stated = stated.and_then(|n| n.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|stated| stated > most) {
        return Err(too_long(most));
    }
    let read = collect(request.into_body(), most, memory);
    let slow = |_| ApiError::bad_request("the body took too long to come");
    timeout(BODY_TIMEOUT, read).await.map_err(slow)?
}

async fn collect(body: Body, most: u64, memory: &mut MemoryShare) -> Result<Bytes, ApiError> {
    let (mut stream, mut all) = (body.into_data_stream(), Vec::new());
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| ApiError::bad_request("the body broke off"))?;
        if (all.len() + part.len()) as u64 > most {
            return Err(too_long(most));
        }
        if !memory.grow(part.len() as u64) {
            return Err(no_memory());
        }
        all.extend_from_slice(&part);
    }
    Ok(all.into())
}

fn too_long(most: u64) -> ApiError {
    let message = format!("the body is over {} KiB long", most >> 10);
    ApiError::with_status(StatusCode::PAYLOAD_TOO_LARGE, message)
}

fn no_memory() -> ApiError {
    ApiError::unavailable("posted points take all the memory that they may; some will expire")
}

fn too_many(why: TooManyPoints, limits: PointLimits) -> ApiError {
    match why {
        TooManyPoints::All => ApiError::unavailable(
            "there are as many posted layers as there may be; some will expire",
        ),
        TooManyPoints::OfClient => ApiError::too_many_requests(format!(
            "your address has {} posted layers, as many as it may have",
            limits.of_client
        )),
    }
}

/// Counts a post of a client without the operator's token as under way until the result is dropped.
/// `public` is this client; `None` for a client with the token, whose posts aren't counted. An
/// error if the client has as many posts under way as it may.
fn begin(server: &Server, public: Option<ClientKey>) -> Result<Option<ClientPost>, ApiError> {
    let Some(client) = public else {
        return Ok(None);
    };
    let post = server.point_loads.begin(client);
    let refused = || ApiError::too_many_requests("your address posts other points at this moment");
    post.map(Some).ok_or_else(refused)
}

/// Returns an error if the body is Arrow and the client has no operator's token (`is_public`).
/// Arrow may be compressed, so a small body may take much memory.
fn check_form(form: BodyForm, is_public: bool) -> Result<(), ApiError> {
    match form {
        BodyForm::Arrow if is_public => Err(ApiError::with_status(
            StatusCode::FORBIDDEN,
            "Arrow needs the token for points",
        )),
        _ => Ok(()),
    }
}

fn settings(server: &Server) -> Result<&PointPosting, ApiError> {
    let none = "points can't be posted here";
    server
        .config
        .points
        .as_ref()
        .ok_or(ApiError::not_found(none))
}

/// A random number of 128 bits, in hexadecimal digits.
fn random_hex() -> Result<String, ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ApiError::internal())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn answer(
    status: StatusCode,
    base: &str,
    (id, token, generation, until): (&str, Option<&str>, u64, SystemTime),
    (read, warnings): (ReadRows, Vec<String>),
) -> Result<Response, ApiError> {
    let made = PostedAnswer {
        id,
        token,
        generation,
        points: read.kept,
        skipped: read.skipped,
        examples: read.examples,
        tilejson: format!("{base}/{id}"),
        tiles: format!("{base}/{id}/{{z}}/{{x}}/{{y}}.png?v={generation}"),
        legend: format!("{base}/{id}/legend.json?v={generation}"),
        value: format!("{base}/{id}/value?v={generation}"),
        gdal: format!("{base}/{id}/gdal.xml"),
        expires: unix_seconds(until),
        warnings,
    };
    let body = serde_json::to_string(&made).map_err(|_| ApiError::internal())?;
    let mut response = json(status, body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(location) = HeaderValue::try_from(format!("/{id}")) {
        headers.insert(LOCATION, location);
    }
    Ok(response)
}
