//! `/{layer}/map[@2x].{png,webp,npy}`: one picture of any box.

use crate::address::{self, File};
use crate::cache::Way;
use crate::caching::Fingerprint;
use crate::cost::{self, Work};
use crate::error::Refused;
use crate::query::{Query, finite, refuse};
use crate::router::Server;
use crate::served::Served;
use crate::{drawing, spent, tile};
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::Response;
use heatsplat_points::Window;
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
    let own = ["bbox", "width", "height", "format", "range", "filter"];
    let query = Query::parse(request.uri().query(), &own)?;
    let format = tile::format(file, &query)?;
    let bounds = match query.get("bbox") {
        Some(text) => bbox(text)?,
        None => served.frame(),
    };
    let ratio = file.ratio;
    let (width, height) = size(&query, bounds, ratio)?;
    let window = Window::around(bounds, width * ratio, height * ratio)
        .map_err(|e| Refused::bad(e.to_string()))?;
    let look = served.look(&query)?;
    let served = served.filtered(&query)?;
    let level = drawing::level_of(&window, ratio);
    let measured = look.measured(level).filter(|_| !format.is_density());
    let work = [Work::Picture(window, ratio)].into_iter();
    cost::bound(&served, &query, &look, work.chain(measured))?;

    let fingerprint = [
        window.left().to_bits(),
        window.top().to_bits(),
        window.pixel().to_bits(),
    ]
    .into_iter()
    .chain([width, height, ratio].map(u64::from))
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
    let pixels = u64::from(window.width()) * u64::from(window.height());
    let cost = pixels.div_ceil(PIXELS_A_TURN) as u32;
    let live = served.is_live();
    let (bytes, spent) = served
        .map(&server.renders, cost, window, ratio, look, format)
        .await?;
    let bytes = Bytes::from_owner(bytes);
    let response = if live {
        server.fresh(request.headers(), format, bytes)
    } else {
        caching.label(tile::picture(format, bytes))
    };
    Ok(spent::tell(response, Way::Made, Some(&spent)))
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
        let side = address::number(name, text)?;
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

/// The shape of a box on the map, once it is known to be one.
fn height_to_width(bounds: [f64; 4]) -> Result<f64, Refused> {
    use heatsplat_points::mercator::{clamped_y, unwrapped_x};
    Window::around(bounds, 1, 1).map_err(|e| Refused::bad(e.to_string()))?;
    let [west, south, east, north] = bounds;
    Ok((clamped_y(south) - clamped_y(north)) / (unwrapped_x(east) - unwrapped_x(west)))
}
