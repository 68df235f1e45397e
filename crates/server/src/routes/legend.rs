//! `/{layer}/legend.{json,svg,png}`: what the colours of a zoom mean.

use crate::cost::{self, Work};
use crate::http::error::{Refused, json, shown};
use crate::http::etag::Fingerprint;
use crate::http::path::{self, File};
use crate::http::query::Query;
use crate::http::router::Server;
use crate::layers::entry::{Data, Served};
use crate::routes::map;
use crate::routes::tile;
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
enum Kind {
    Json,
    Svg,
    Png,
}

pub(crate) async fn get(
    server: &Server,
    served: Arc<Served>,
    file: &File<'_>,
    request: Request,
) -> Result<Response, Refused> {
    let kind = match (file.extension, file.ratio) {
        ("json", 1) => Kind::Json,
        ("svg", 1) => Kind::Svg,
        ("png", _) => Kind::Png,
        (other, _) => {
            let message = format!(
                "a legend can't be .{}: expected .json, .svg or .png, and @2x only of .png",
                shown(other)
            );
            return Err(Refused::bad(message));
        }
    };
    let own = [&map::VIEW[..], &["z", "theme", "filter"]].concat();
    let query = Query::parse(request.uri().query(), &own)?;
    let level = level(&served, &query)?;
    let dark = query
        .choice("theme", &[("light", false), ("dark", true)])?
        .unwrap_or(false);
    let look = served.look(&query)?;
    let served = served.filtered(&query)?;
    let work = level.wholes().filter_map(|level| match kind {
        Kind::Json => Some(Work::Scale(level)),
        Kind::Svg | Kind::Png => look.measured(level),
    });

    let fingerprint = [
        level.zoom().to_bits(),
        kind as u64,
        u64::from(file.ratio),
        u64::from(dark),
    ]
    .into_iter()
    .fold(Fingerprint::new().text("legend"), Fingerprint::number)
    .then(served.fingerprint)
    .then(look.fingerprint);
    let caching = server.caching(fingerprint);
    if let Some(response) = caching.not_modified(request.headers()) {
        return Ok(response);
    }
    cost::bound(&served, &query, &look, work)?;
    let panel = if dark {
        LegendTheme::dark()
    } else {
        LegendTheme::default()
    };
    let panel = LegendTheme {
        ratio: file.ratio,
        ..panel
    };
    let normalizer = Arc::clone(&served).normalizer(&server.renders, level, Arc::clone(&look));
    let normalizer = normalizer.await?;
    // Drawings have no room for it, and between two zooms nobody has measured it.
    let whole = level.above().is_none().then(|| level.zoom() as u8);
    let distribution = match (kind, whole) {
        (Kind::Json, Some(z)) => {
            let found = Arc::clone(&served).distribution(&server.renders, z, Arc::clone(&look));
            found.await?
        }
        _ => None,
    };
    let draw = move || {
        let mut legend = legend(&served, &normalizer, &look.style);
        if let Some((statistics, nature)) = distribution {
            legend = legend.measured(&statistics, nature, &normalizer);
        }
        draw(&legend, kind, &panel)
    };
    Ok(caching.label(server.renders.run(1, draw).await?.0))
}

/// The level that a legend is of: a zoom, which may lie between two, or that of a map which shows
/// what the same parameters make it show.
fn level(served: &Served, query: &Query) -> Result<Level, Refused> {
    let of_map = map::VIEW.iter().find(|name| query.get(name).is_some());
    match (of_map, query.get("z")) {
        (Some(name), Some(_)) => Err(Refused::bad(format!(
            "z and {name} are both given: z is a zoom's legend, {} a map's",
            map::VIEW.join(", ")
        ))),
        (Some(_), None) => Ok(map::view(served, query, 1)?.level()),
        (None, Some(text)) => Ok(Level::from_zoom(path::any_zoom("z", text)?)),
        (None, None) => Ok(Level::from_zoom(f64::from(served.zoom()))),
    }
}

fn legend(served: &Served, normalizer: &Normalizer, style: &Style) -> Legend {
    let legend = match &served.data {
        Data::Here(layer) => layer.legend_of(normalizer, style),
        // the same kinds in the same colours, whatever is left of each
        Data::Part(part) => part.of().legend_of(normalizer, style),
        _ => Legend::for_style(normalizer, style).in_unit(style.unit()),
    };
    legend.titled(served.name())
}

fn draw(legend: &Legend, kind: Kind, panel: &LegendTheme) -> Result<Response, Refused> {
    match kind {
        Kind::Json => Ok(json(StatusCode::OK, legend.to_json())),
        Kind::Svg => {
            let mut response = Response::new(Body::from(legend.to_svg(panel)));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
            // Opened as a page of its own, a drawing may style itself and do nothing else.
            let policy = "default-src 'none'; style-src 'unsafe-inline'";
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            Ok(response)
        }
        Kind::Png => {
            let bytes = legend.to_png(panel).map_err(|e| tile::failed(&e))?;
            Ok(tile::picture(ImageFormat::Png, bytes.into()))
        }
    }
}
