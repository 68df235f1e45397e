//! `/{layer}/map[@2x].{png,npy,tif}`: one picture of a box in degrees, at any size.

use crate::cost::Work;
use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::http::path::{self, FileName};
use crate::http::query::{Query, bad_value};
use crate::http::response;
use crate::layers::entry::{LayerRequest, ServedLayer};
use crate::render::EncodedPicture;
use crate::render::map_target::MapTarget;
use crate::state::Server;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use heatsplat_points::{LonLatBox, LonLatBoxError};
use heatsplat_render::{View, height_to_width};
use std::sync::Arc;

/// The largest width and the largest height of a picture in pixels. A choice.
pub(crate) const MAX_SIDE: u32 = 4096;
/// The largest number of pixels of a picture: 16 Mi, whose densities take 64 MiB. A choice.
pub(crate) const MAX_PIXELS: u64 = 16 << 20;

/// The number of pixels of a picture for each turn that it takes in the render queue: 1 Mi, whose
/// densities take 4 MiB. A choice.
const PIXELS_A_TURN: u64 = 1 << 20;

pub(crate) async fn get(
    server: &Server,
    served: Arc<ServedLayer>,
    file: &FileName<'_>,
    request: Request,
) -> Result<Response, ApiError> {
    let query = Query::parse(request.uri().query(), &parameters())?;
    let format = query.picture_format(file.extension)?;
    let view = view(&served, &query, file.ratio)?;
    let wanted = served.prepare(query)?;
    let named = Fingerprint::new().text("map");
    answer(
        server,
        wanted,
        view,
        format.into(),
        named,
        request.headers(),
    )
    .await
}

/// Answers with a picture of a view, which `target` encodes. The ETag is made of the view, the
/// format, the layer, its style, and `named`, a hash of everything else on which the picture
/// depends. `request` has the request's headers.
pub(crate) async fn answer(
    server: &Server,
    wanted: LayerRequest,
    view: View,
    target: MapTarget,
    named: Fingerprint,
    request: &HeaderMap,
) -> Result<Response, ApiError> {
    let format = target.format;
    let (window, columns) = (view.window(), view.columns());
    let edges = [window.left(), window.top(), window.pixel()];
    let sizes = [window.width(), window.height(), view.ratio()];
    let numbers = sizes.into_iter().chain([columns.start, columns.end]);
    let fingerprint = edges
        .map(f64::to_bits)
        .into_iter()
        .chain(numbers.map(u64::from))
        .fold(named, Fingerprint::number)
        .text(&format!("{format:?}"));
    let headers = wanted.cache_headers(fingerprint, &server.cache_control);
    let is_live = wanted.layer.is_live();
    if !is_live && let Some(response) = response::not_modified(&headers, request) {
        return Ok(response);
    }
    let levels = view.level().wholes();
    let scales = levels.filter_map(|level| wanted.style.scale_work(level));
    let scales = scales.filter(|_| !format.is_density());
    let picture = Work::Picture(window, view.ratio());
    let colored = (!format.is_density()).then(|| view.level());
    let mut size = wanted.check_cost(colored, [picture].into_iter().chain(scales))?;
    let pixels = u64::from(window.width()) * u64::from(window.height());
    // The expected size of the answer: numbers take four bytes for each pixel, and pictures about
    // one.
    let bytes = if format.is_density() { 4 } else { 1 };
    server.answer_bytes.check_room(pixels * bytes)?;
    size.turns = pixels.div_ceil(PIXELS_A_TURN) as u32;
    // Maps are larger than tiles. This keeps them off the runtime's workers.
    size.prepares = true;
    let queue = &server.render_queue;
    let EncodedPicture {
        bytes,
        timing,
        is_repeatable,
    } = wanted.map(queue, size, view, target).await?;
    let headers = (!is_live).then_some(&headers);
    let bytes = Bytes::from_owner(bytes);
    let response = match is_repeatable {
        true => server.picture(headers, request, format, bytes),
        false => response::unrepeatable(format, bytes),
    };
    Ok(response::with_server_timing(response, &timing))
}

/// The names of the parameters for coordinate systems. `ogc/map_in_crs.rs` answers requests that
/// have one of them.
pub(crate) const CRS: [&str; 3] = ["crs", "bbox-crs", "bbox_crs"];

/// The names of all parameters of a map besides those of a style.
pub(crate) fn parameters() -> Vec<&'static str> {
    let others = [
        "format",
        "range",
        "filter",
        "time",
        "datetime",
        "time_scale",
    ];
    [&VIEW[..], &CRS, &others].concat()
}

/// The width in CSS pixels of a map whose request states no size. The next constant is its height.
/// Choices.
const WIDTH: u32 = 800;
const HEIGHT: u32 = 600;

/// The names of the parameters for a map's box in degrees and its size in pixels.
pub(crate) const VIEW: [&str; 3] = ["bbox", "width", "height"];

/// The part of the world that a map shows, and its size in pixels. `ratio` is the number of device
/// pixels per CSS pixel. Without the parameter `bbox` the map shows all points.
pub(crate) fn view(served: &ServedLayer, query: &Query, ratio: u32) -> Result<View, ApiError> {
    let bounds = match query.get("bbox") {
        Some(text) => bbox(text)?,
        None => served.frame(),
    };
    let aspect = || height_to_width(bounds).map_err(|e| ApiError::bad_request(e.to_string()));
    let (width, height) = size(query, ratio, aspect, Some(HEIGHT))?;
    View::around(bounds, width, height, ratio).map_err(|e| ApiError::bad_request(e.to_string()))
}

/// Parses the parameter `bbox`: `west,south,east,north` in degrees.
fn bbox(text: &str) -> Result<LonLatBox, ApiError> {
    text.parse().map_err(|error| match error {
        LonLatBoxError::Syntax => {
            bad_value("bbox", text, "expected west,south,east,north in degrees")
        }
        error => ApiError::bad_request(error.to_string()),
    })
}

/// The width and height of a map in CSS pixels. A side that the request states is taken, and the
/// others follow:
///
/// * if it states one side, the other follows from `height_to_width`, the height of the box divided
///   by its width
/// * if it states none, the width is [`WIDTH`] and the height is `height`; if this is `None`, it
///   follows from `height_to_width`
///
/// `ratio` is the number of device pixels per CSS pixel.
pub(crate) fn size(
    query: &Query,
    ratio: u32,
    height_to_width: impl Fn() -> Result<f64, ApiError>,
    height: Option<u32>,
) -> Result<(u32, u32), ApiError> {
    let most = MAX_SIDE / ratio;
    let side = |name: &'static str| {
        let Some(text) = query.get(name) else {
            return Ok(None);
        };
        let side = path::number(name, text)?;
        if (1..=most).contains(&side) {
            Ok(Some(side))
        } else {
            Err(bad_value(
                name,
                text,
                format_args!("expected pixels from 1 to {most}"),
            ))
        }
    };
    let follow = |aspect: f64, side: u32| {
        (f64::from(side) * aspect)
            .round()
            .clamp(1.0, f64::from(most)) as u32
    };
    let stated = (side("width")?, side("height")?);
    let (width, height) = match stated {
        (Some(width), Some(height)) => (width, height),
        (None, Some(height)) => (follow(1.0 / height_to_width()?, height), height),
        (Some(width), None) => (width, follow(height_to_width()?, width)),
        (None, None) => match height {
            Some(height) => (WIDTH, height),
            None => (WIDTH, follow(height_to_width()?, WIDTH)),
        },
    };
    let pixels = u64::from(width) * u64::from(height) * u64::from(ratio * ratio);
    if pixels > MAX_PIXELS {
        return Err(ApiError::bad_request(format!(
            "width × height is over {MAX_PIXELS} pixels"
        )));
    }
    Ok((width, height))
}
