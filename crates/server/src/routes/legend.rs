//! `/{layer}/legend.{json,svg,png}`: a legend, which explains the colours of a layer at a zoom.

use super::map;
use crate::cost::Work;
use crate::http::error::{ApiError, shown};
use crate::http::etag::Fingerprint;
use crate::http::path::{self, FileName};
use crate::http::query::Query;
use crate::http::response::{self, json};
use crate::layers::entry::ServedLayer;
use crate::layers::windows::LayerWindow;
use crate::render_queue::WorkSize;
use crate::state::Server;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_render::encode::ImageFormat;
use heatsplat_render::legend::{Legend, LegendTheme};
use heatsplat_render::{Level, Normalizer, Style};
use std::sync::Arc;

#[derive(Clone, Copy)]
enum LegendFormat {
    Json,
    Svg,
    Png,
}

pub(crate) async fn get(
    server: &Server,
    served: Arc<ServedLayer>,
    file: &FileName<'_>,
    request: Request,
) -> Result<Response, ApiError> {
    let kind = match (file.extension, file.ratio) {
        ("json", 1) => LegendFormat::Json,
        ("svg", 1) => LegendFormat::Svg,
        ("png", _) => LegendFormat::Png,
        (other, _) => {
            let message = format!(
                "a legend can't be .{}: expected .json, .svg or .png, and @2x only of .png",
                shown(other)
            );
            return Err(ApiError::bad_request(message));
        }
    };
    let own = [
        &map::VIEW[..],
        &["z", "theme", "filter", "time", "datetime", "time_scale"],
    ]
    .concat();
    let query = Query::parse(request.uri().query(), &own)?;
    let level = level(&served, &query)?;
    let dark = query
        .choice("theme", &[("light", false), ("dark", true)])?
        .unwrap_or(false);
    let wanted = served.prepare(query)?;

    let fingerprint = [
        level.zoom().to_bits(),
        kind as u64,
        u64::from(file.ratio),
        u64::from(dark),
    ]
    .into_iter()
    .fold(Fingerprint::new().text("legend"), Fingerprint::number);
    let headers = wanted.cache_headers(fingerprint, &server.cache_control);
    if let Some(response) = response::not_modified(&headers, request.headers()) {
        return Ok(response);
    }
    let scales = level.wholes().filter_map(|level| match kind {
        LegendFormat::Json => Some(Work::Scale(level)),
        LegendFormat::Svg | LegendFormat::Png => wanted.style.scale_work(level),
    });
    let size = wanted.check_cost(Some(level), scales)?;
    let panel = if dark {
        LegendTheme::dark()
    } else {
        LegendTheme::default()
    };
    let panel = LegendTheme {
        ratio: file.ratio,
        ..panel
    };
    let queue = &server.render_queue;
    let normalizer = wanted.normalizer(queue, size, level).await?;
    // Only the JSON legend has the distribution of values, and only at whole zooms, since values
    // are not measured at other zooms.
    let whole = level.above().is_none().then(|| level.zoom() as u8);
    let distribution = match (kind, whole) {
        (LegendFormat::Json, Some(z)) => wanted.distribution(queue, size, z).await?,
        _ => None,
    };
    let draw = move || {
        let mut legend = legend(&wanted.layer, &normalizer, &wanted.style.style);
        if let Some((statistics, nature)) = distribution {
            legend = legend.measured(&statistics, nature, &normalizer);
        }
        draw(&legend, kind, &panel)
    };
    Ok(response::cached(
        &headers,
        queue.run(WorkSize::SMALL, draw).await?.0,
    ))
}

/// The level for which a legend is drawn, by the first of these that the request has:
///
/// * the parameter `z`: a zoom, with or without decimals
/// * the parameters of a map (`bbox`, `width`, `height`): the level of that map
/// * none of them: the level of the zoom that shows all points
fn level(served: &ServedLayer, query: &Query) -> Result<Level, ApiError> {
    let of_map = map::VIEW.iter().find(|name| query.get(name).is_some());
    match (of_map, query.get("z")) {
        (Some(name), Some(_)) => Err(ApiError::bad_request(format!(
            "z and {name} are both given: z is a zoom's legend, {} a map's",
            map::VIEW.join(", ")
        ))),
        (Some(_), None) => Ok(map::view(served, query, 1)?.level()),
        (None, Some(text)) => Ok(Level::from_zoom(path::any_zoom("z", text)?)),
        (None, None) => Ok(Level::from_zoom(f64::from(served.zoom()))),
    }
}

fn legend(served: &ServedLayer, normalizer: &Normalizer, style: &Style) -> Legend {
    // The legend of a filtered layer has the categories of the unfiltered layer, in the same
    // colours.
    let legend = match served.source.layer() {
        Some(layer) => layer.legend_of(normalizer, style),
        None => Legend::for_style(normalizer, style).in_unit(style.unit()),
    };
    let window = served.window().map(LayerWindow::text);
    legend.titled(served.name()).in_window(window)
}

fn draw(legend: &Legend, kind: LegendFormat, panel: &LegendTheme) -> Result<Response, ApiError> {
    match kind {
        LegendFormat::Json => Ok(json(StatusCode::OK, legend.to_json())),
        LegendFormat::Svg => {
            let mut response = Response::new(Body::from(legend.to_svg(panel)));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
            // If a browser opens the SVG as a page, this policy lets it use its own styles and load
            // nothing else.
            let policy = "default-src 'none'; style-src 'unsafe-inline'";
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            Ok(response)
        }
        LegendFormat::Png => {
            let bytes = legend.to_png(panel)?;
            Ok(response::picture(ImageFormat::Png, bytes.into()))
        }
    }
}
