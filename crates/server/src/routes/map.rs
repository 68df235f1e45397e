//! `/{layer}/map[@2x].{png,webp,npy}`: one picture of any box.

use crate::cache::Way;
use crate::cost::{self, Work};
use crate::http::error::Refused;
use crate::http::etag::Fingerprint;
use crate::http::path::{self, File};
use crate::http::query::{Query, finite, refuse};
use crate::http::router::Server;
use crate::http::timing;
use crate::layers::entry::Served;
use crate::routes::tile;
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::Response;
use heatsplat_render::{View, height_to_width};
use std::sync::Arc;

/// The longest side of a picture, and the most pixels in it.
const LONGEST: u32 = 4096;
const LARGEST: u64 = 16 << 20;

/// Pixels that cost as much as a turn at drawing is meant for.
const PIXELS_A_TURN: u64 = 1 << 20;

pub(crate) async fn get(
    server: &Server,
    served: Arc<Served>,
    file: &File<'_>,
    request: Request,
) -> Result<Response, Refused> {
    let own = [&VIEW[..], &["format", "range", "filter"]].concat();
    let query = Query::parse(request.uri().query(), &own)?;
    let format = tile::format(file, &query)?;
    let view = view(&served, &query, file.ratio)?;
    let (window, columns) = (view.window(), view.columns());
    let look = served.look(&query)?;
    let served = served.filtered(&query)?;
    let measured = view
        .level()
        .wholes()
        .filter_map(|level| look.measured(level));
    let measured = measured.filter(|_| !format.is_density());

    let edges = [window.left(), window.top(), window.pixel()];
    let sizes = [window.width(), window.height(), view.ratio()];
    let numbers = sizes.into_iter().chain([columns.start, columns.end]);
    let fingerprint = edges
        .map(f64::to_bits)
        .into_iter()
        .chain(numbers.map(u64::from))
        .fold(Fingerprint::new().text("map"), Fingerprint::number)
        .text(&format!("{format:?}"))
        .then(served.fingerprint)
        .then(look.fingerprint);
    let caching = server.caching(fingerprint);
    if !served.is_live()
        && let Some(response) = caching.not_modified(request.headers())
    {
        return Ok(response);
    }
    let work = [Work::Picture(window, view.ratio())].into_iter();
    cost::bound(&served, &query, &look, work.chain(measured))?;
    let pixels = u64::from(window.width()) * u64::from(window.height());
    let cost = pixels.div_ceil(PIXELS_A_TURN) as u32;
    let live = served.is_live();
    let (bytes, spent) = served
        .map(&server.renders, cost, view, look, format)
        .await?;
    let bytes = Bytes::from_owner(bytes);
    let response = if live {
        server.fresh(request.headers(), format, bytes)
    } else {
        caching.label(tile::picture(format, bytes))
    };
    Ok(timing::tell(response, Way::Made, Some(&spent)))
}

/// The parameters that say what a map shows.
pub(crate) const VIEW: [&str; 3] = ["bbox", "width", "height"];

/// What a map of a layer shows, with `ratio` pixels to a CSS pixel: all points, unless told.
pub(crate) fn view(served: &Served, query: &Query, ratio: u32) -> Result<View, Refused> {
    let bounds = match query.get("bbox") {
        Some(text) => bbox(text)?,
        None => served.frame(),
    };
    let (width, height) = size(query, bounds, ratio)?;
    View::around(bounds, width, height, ratio).map_err(|e| Refused::bad(e.to_string()))
}

/// `w,s,e,n` in degrees; whether they make a box is [`Window::around`]'s to say.
fn bbox(text: &str) -> Result<[f64; 4], Refused> {
    let wrong = || refuse("bbox", text, "expected west,south,east,north in degrees");
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|n| finite("bbox", n.trim())).collect();
    numbers
        .map_err(|_| wrong())?
        .try_into()
        .map_err(|_| wrong())
}

/// Width and height in CSS pixels; the one that is not given follows from the box.
fn size(query: &Query, bounds: [f64; 4], ratio: u32) -> Result<(u32, u32), Refused> {
    let most = LONGEST / ratio;
    let side = |name: &'static str| {
        let Some(text) = query.get(name) else {
            return Ok(None);
        };
        let side = path::number(name, text)?;
        if (1..=most).contains(&side) {
            Ok(Some(side))
        } else {
            Err(refuse(
                name,
                text,
                format_args!("expected pixels from 1 to {most}"),
            ))
        }
    };
    let height_to_width = |bounds| height_to_width(bounds).map_err(|e| Refused::bad(e.to_string()));
    let follow = |aspect: f64, side: u32| {
        (f64::from(side) * aspect)
            .round()
            .clamp(1.0, f64::from(most)) as u32
    };
    let (width, height) = match (side("width")?, side("height")?) {
        (Some(width), Some(height)) => (width, height),
        (None, None) => (800, 600),
        (Some(width), None) => (width, follow(height_to_width(bounds)?, width)),
        (None, Some(height)) => (follow(1.0 / height_to_width(bounds)?, height), height),
    };
    let pixels = u64::from(width) * u64::from(height) * u64::from(ratio * ratio);
    if pixels > LARGEST {
        return Err(Refused::bad(format!(
            "width × height is over {LARGEST} pixels"
        )));
    }
    Ok((width, height))
}
