//! `/{layer}/legend.{json,svg,png}`: what the colours of a zoom mean.

use crate::address::File;
use crate::caching::Fingerprint;
use crate::cost::{self, Work};
use crate::error::{Refused, json, shown};
use crate::query::Query;
use crate::router::Server;
use crate::served::{Data, Served};
use crate::{drawing, tile};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_render::encode::Format;
use heatsplat_render::legend::{Legend, Look as Panel};
use heatsplat_render::{Normalizer, Style};
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
    let query = Query::parse(request.uri().query(), &["z", "theme", "filter"])?;
    let z = query.zoom("z")?.unwrap_or_else(|| served.zoom());
    let dark = query
        .choice("theme", &[("light", false), ("dark", true)])?
        .unwrap_or(false);
    let look = served.look(&query)?;
    let served = served.filtered(&query)?;
    let level = drawing::level(z, 256);
    let work = match kind {
        Kind::Json => Some(Work::Scale(level)),
        Kind::Svg | Kind::Png => look.measured(level),
    };
    cost::bound(&served, &query, &look, work)?;

    let fingerprint = [
        u64::from(z),
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
    let panel = if dark {
        Panel::dark()
    } else {
        Panel::default()
    };
    let panel = Panel {
        ratio: file.ratio,
        ..panel
    };
    let normalizer = Arc::clone(&served).normalizer(&server.renders, z, Arc::clone(&look));
    let normalizer = normalizer.await?;
    // Drawings have no room for it.
    let distribution = match kind {
        Kind::Json => {
            let found = Arc::clone(&served).distribution(&server.renders, z, Arc::clone(&look));
            found.await?
        }
        Kind::Svg | Kind::Png => None,
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

fn legend(served: &Served, normalizer: &Normalizer, style: &Style) -> Legend {
    let legend = match &served.data {
        Data::Here(layer) => layer.legend_of(normalizer, style),
        // the same kinds in the same colours, whatever is left of each
        Data::Part(part) => part.of().legend_of(normalizer, style),
        _ => Legend::of(normalizer, style).in_unit(style.unit()),
    };
    legend.titled(served.name())
}

fn draw(legend: &Legend, kind: Kind, panel: &Panel) -> Result<Response, Refused> {
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
            Ok(tile::picture(Format::Png, bytes.into()))
        }
    }
}
