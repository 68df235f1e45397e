//! `/collections`, `/collections/{layer}` and `/collections/{layer}/styles`: the layers, and the
//! styles in which they can be drawn.

use super::problem::Problem;
use super::{
    HTML, JSON, REL_MAP, REL_TILESETS, answer, collection, form_alone, is_collection, link,
    own_links, put, styled_path,
};
use crate::http::path::Segments;
use crate::layers::entry::ServedLayer;
use crate::routes::ogc::OWN_STYLE;
use crate::routes::ogc::map_crs::MapCrs;
use crate::state::Server;
use axum::extract::{Request, State};
use axum::response::Response;
use heatsplat_render::{TileSize, ramps};
use heatsplat_time::TimeWindow;
use serde_json::{Value, json as value};
use std::sync::Arc;

/// Answers `/collections`.
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, Problem> {
    let form = form_alone(&request)?;
    let base = server.base_url(&request);
    let (layers, _) = server.open_layers(&request);
    let collections = layers
        .iter()
        .filter(|(_, served)| is_collection(served))
        .map(|(id, served)| describe(&server, &base.url, id.as_str(), served));
    let body = value!({
        "collections": collections.collect::<Vec<_>>(),
        "links": own_links(&format!("{}/collections", base.url)),
    });
    Ok(answer(&server, &request, &base, form, ("Layers", &body)))
}

/// Answers `/collections/{layer}`.
pub(crate) async fn one(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, Problem> {
    let form = form_alone(&request)?;
    let served = collection(&server, &id, &request)?;
    let base = server.base_url(&request);
    let body = describe(&server, &base.url, &id, &served);
    Ok(answer(
        &server,
        &request,
        &base,
        form,
        (served.name(), &body),
    ))
}

/// Answers `/collections/{layer}/styles`.
pub(crate) async fn styles(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, Problem> {
    let form = form_alone(&request)?;
    let served = collection(&server, &id, &request)?;
    let base = server.base_url(&request);
    let own = std::iter::once((OWN_STYLE, "the layer's own style"));
    let is_drawn = served.source.archive().is_none();
    let ramps = ramps::all().iter().filter(|_| is_drawn);
    let styles = own.chain(ramps.map(|ramp| (ramp.name, ramp.about)));
    let styles = styles.map(|(name, about)| {
        let path = format!("{}{}", base.url, styled_path(&id, Some(name)));
        value!({
            "id": name,
            "title": name,
            "description": about,
            "links": picture_links(&path, is_drawn),
        })
    });
    let body = value!({
        "default": OWN_STYLE,
        "styles": styles.collect::<Vec<_>>(),
        "links": own_links(&format!("{}/collections/{id}/styles", base.url)),
    });
    let title = format!("Styles of {}", served.name());
    Ok(answer(&server, &request, &base, form, (&title, &body)))
}

/// The links to the list of tiles and, if `is_drawn` (not an archive), to the map of the collection
/// or style whose URL is `path`.
fn picture_links(path: &str, is_drawn: bool) -> Vec<Value> {
    let tiles = link(REL_TILESETS, JSON, &format!("{path}/map/tiles"), "Tiles");
    let map = is_drawn.then(|| {
        let href = format!("{path}/map");
        link(REL_MAP, "image/png", &href, "Map")
    });
    std::iter::once(tiles).chain(map).collect()
}

/// Describes a layer as a collection, in JSON. `base` is the server's URL, and `id` the layer's id.
fn describe(server: &Server, base: &str, id: &str, served: &ServedLayer) -> Value {
    let path = format!("{base}/collections/{id}");
    let is_drawn = served.source.archive().is_none();
    let mut links = own_links(&path).to_vec();
    links.extend(picture_links(&path, is_drawn));
    let styles = format!("{path}/styles");
    links.push(link(
        "http://www.opengis.net/def/rel/ogc/1.0/styles",
        JSON,
        &styles,
        "Styles",
    ));
    if is_drawn {
        let legend = format!("{base}/{id}/legend.png");
        links.push(link("legend", "image/png", &legend, "Legend"));
    }
    links.push(link("related", JSON, &format!("{base}/{id}"), "TileJSON"));
    links.push(link(
        "related",
        HTML,
        &format!("{base}/#layer={id}"),
        "A page with a map",
    ));
    let bounds = served.tile_bounds(served.style(), TileSize::NORMAL);
    let mut extent = value!({
        "spatial": { "bbox": [bounds.edges()], "crs": MapCrs::LonLat.uri() },
    });
    if let Some(times) = &served.times {
        let buckets = times.timeline.buckets();
        let all = TimeWindow::from_span(buckets.all(), buckets).to_string();
        let ends: Vec<&str> = all.split('/').collect();
        put(
            &mut extent,
            "temporal",
            value!({
                "interval": [ends],
                "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
            }),
        );
    }
    let mut body = value!({
        "id": id,
        "title": served.name(),
        "dataType": "map",
        "extent": extent,
        "links": links,
    });
    if is_drawn {
        let names = [MapCrs::LonLat, MapCrs::Mercator, MapCrs::LatLon].map(MapCrs::uri);
        put(&mut body, "crs", value!(names));
        put(&mut body, "storageCrs", value!(MapCrs::LonLat.uri()));
    }
    let own = served
        .source
        .archive()
        .and_then(|info| info.attribution.as_deref());
    if let Some(credit) = own.or(server.config.attribution.as_deref()) {
        put(&mut body, "attribution", value!(credit));
    }
    body
}
