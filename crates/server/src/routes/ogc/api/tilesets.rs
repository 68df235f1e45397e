//! `/collections/{layer}/map/tiles`: a layer's sets of tiles, one for each grid, and the tiles. The
//! same paths with `/styles/{style}` after the layer are for the tiles in that style.

use super::negotiation::DocumentForm;
use super::problem::Problem;
use super::tile_matrix_sets::found;
use super::{
    JSON, REL_SCHEME, answer, collection, form_alone, link, own_links, put, ramp_in_path,
    styled_path,
};
use crate::http::error::ApiError;
use crate::http::path::{Segments, number};
use crate::http::query::{Query, bad_value};
use crate::layers::entry::ServedLayer;
use crate::routes::ogc::map_crs::MapCrs;
use crate::routes::ogc::tile_matrix_set::{ALL, TileMatrixSet};
use crate::routes::ogc::xyz_tile;
use crate::state::Server;
use axum::extract::{Request, State};
use axum::response::Response;
use heatsplat_points::{MAX_ZOOM, TileId};
use heatsplat_render::TileSize;
use serde_json::{Value, json as value};
use std::sync::Arc;

/// The parts of a path that name a tile, before they are parsed.
struct TilePathWords<'a> {
    layer: &'a str,
    style: Option<&'a str>,
    set: &'a str,
    matrix: &'a str,
    row: &'a str,
    column: &'a str,
}

/// Answers `/collections/{layer}/map/tiles`.
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    Segments(layer): Segments<String>,
    request: Request,
) -> Result<Response, Problem> {
    list_of(&server, &layer, None, &request)
}

/// Answers `/collections/{layer}/styles/{style}/map/tiles`.
pub(crate) async fn styled_list(
    State(server): State<Arc<Server>>,
    Segments((layer, style)): Segments<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    list_of(&server, &layer, Some(&style), &request)
}

fn list_of(
    server: &Server,
    layer: &str,
    style: Option<&str>,
    request: &Request,
) -> Result<Response, Problem> {
    let form = form_alone(request)?;
    let served = collection(server, layer, request)?;
    ramp_in_path(&served, style)?;
    let base = server.base_url(request);
    let url = format!("{}{}/map/tiles", base.url, styled_path(layer, style));
    let sets = ALL.iter().map(|set| {
        let own = format!("{url}/{}", set.id);
        let mut body = about(&served, set);
        put(
            &mut body,
            "links",
            value!([
                link("self", JSON, &own, set.title()),
                scheme_link(&base.url, set),
            ]),
        );
        body
    });
    let sets: Vec<Value> = sets.collect();
    let body = value!({ "tilesets": sets, "links": own_links(&url) });
    let title = format!("Tiles of {}", served.name());
    Ok(answer(server, request, &base, form, (&title, &body)))
}

/// The members that the description of a set of tiles has both in the list of all sets and in its
/// own document.
fn about(served: &ServedLayer, set: &TileMatrixSet) -> Value {
    value!({
        "title": format!("{} ({})", served.name(), set.id),
        "dataType": "map",
        "crs": set.crs_uri(),
        "tileMatrixSetURI": set.uri(),
    })
}

fn scheme_link(base: &str, set: &TileMatrixSet) -> Value {
    let href = format!("{base}/tileMatrixSets/{}", set.id);
    link(REL_SCHEME, JSON, &href, set.title())
}

/// Answers `/collections/{layer}/map/tiles/{set}`.
pub(crate) async fn one(
    State(server): State<Arc<Server>>,
    Segments((layer, set)): Segments<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    one_of(&server, (&layer, None), &set, &request)
}

/// Answers `/collections/{layer}/styles/{style}/map/tiles/{set}`.
pub(crate) async fn styled_one(
    State(server): State<Arc<Server>>,
    Segments((layer, style, set)): Segments<(String, String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    one_of(&server, (&layer, Some(&style)), &set, &request)
}

/// Answers with the document of a set of tiles. Its URL template of the tiles contains the
/// request's style parameters, filter and window of time.
fn one_of(
    server: &Server,
    (layer, style): (&str, Option<&str>),
    set: &str,
    request: &Request,
) -> Result<Response, Problem> {
    let served = collection(server, layer, request)?;
    ramp_in_path(&served, style)?;
    let set = found(set)?;
    let archive = served.source.archive();
    let (suffix, form) = match archive {
        Some(_) => (String::new(), form_alone(request)?),
        None => {
            let own = ["f", "filter", "time", "datetime", "time_scale"];
            let query = Query::parse(request.uri().query(), &own)?;
            let (f, headers) = (query.get("f"), request.headers());
            let form = DocumentForm::of(f, headers, DocumentForm::Json)?;
            let wanted = Arc::clone(&served).prepare(query)?;
            (wanted.query.suffix(), form)
        }
    };
    let base = server.base_url(request);
    let url = format!(
        "{}{}/map/tiles/{}",
        base.url,
        styled_path(layer, style),
        set.id
    );
    let zooms = archive.map_or((0, MAX_ZOOM), |info| {
        (*info.zooms.start(), *info.zooms.end())
    });
    let mime = archive.map_or("image/png", |info| info.mime);
    let bounds = served.tile_bounds(served.style(), TileSize::NORMAL);
    let [west, south, east, north] = bounds.edges();
    let [lon, lat, zoom] = served.center();
    let tiles = format!("{url}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}{suffix}");
    let mut item = link("item", mime, &tiles, "A tile");
    put(&mut item, "templated", value!(true));
    let mut links = own_links(&url).to_vec();
    links.extend([scheme_link(&base.url, set), item]);
    let mut body = about(&served, set);
    put(
        &mut body,
        "tileMatrixSetLimits",
        value!(set.limits(bounds, zooms)),
    );
    put(
        &mut body,
        "boundingBox",
        value!({
            "lowerLeft": [west, south],
            "upperRight": [east, north],
            "crs": MapCrs::LonLat.uri(),
        }),
    );
    put(
        &mut body,
        "centerPoint",
        value!({
            "coordinates": [lon, lat],
            "crs": MapCrs::LonLat.uri(),
            "tileMatrix": format!("{}", zoom.clamp(0.0, f64::from(MAX_ZOOM)) as u8),
        }),
    );
    put(&mut body, "links", value!(links));
    let title = format!("Tiles of {}", served.name());
    Ok(answer(server, request, &base, form, (&title, &body)))
}

/// Answers `/collections/{layer}/map/tiles/{set}/{matrix}/{row}/{column}`.
pub(crate) async fn tile(
    State(server): State<Arc<Server>>,
    Segments(words): Segments<[String; 5]>,
    request: Request,
) -> Result<Response, Problem> {
    let [layer, set, matrix, row, column] = &words;
    let words = TilePathWords {
        layer,
        style: None,
        set,
        matrix,
        row,
        column,
    };
    tile_of(server, words, request).await
}

/// Answers `/collections/{layer}/styles/{style}/map/tiles/{set}/{matrix}/{row}/{column}`.
pub(crate) async fn styled_tile(
    State(server): State<Arc<Server>>,
    Segments(words): Segments<[String; 6]>,
    request: Request,
) -> Result<Response, Problem> {
    let [layer, style, set, matrix, row, column] = &words;
    let words = TilePathWords {
        layer,
        style: Some(style),
        set,
        matrix,
        row,
        column,
    };
    tile_of(server, words, request).await
}

/// Answers with a tile, by the route `/{layer}/{z}/{x}/{y}.png`.
async fn tile_of(
    server: Arc<Server>,
    words: TilePathWords<'_>,
    request: Request,
) -> Result<Response, Problem> {
    let served = collection(&server, words.layer, &request)?;
    let ramp = ramp_in_path(&served, words.style)?;
    let set = found(words.set)?;
    let tile = words.tile(set)?;
    let extension = served.archive_extension().unwrap_or("png");
    let mut query = passed_on(request.uri().query().unwrap_or_default(), extension)?;
    if !ramp.is_empty() {
        let and = if query.is_empty() { "" } else { "&" };
        query = format!("ramp={ramp}{and}{query}");
    }
    let query = format!("?{query}");
    Ok(xyz_tile(server, words.layer, (tile, extension), &query, request).await?)
}

/// The part of a tile request's query string that goes on to the route
/// `/{layer}/{z}/{x}/{y}.{extension}`: all parameters but `f`, whose only legal value is
/// `extension`.
///
/// # Errors
/// 400 for another value of `f`, and for parameters that change the size or the format of a tile:
/// the size follows from the grid, and the format from the layer.
fn passed_on(query: &str, extension: &str) -> Result<String, ApiError> {
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let mut named = form_urlencoded::parse(pair.as_bytes());
        match named.next() {
            Some((name, value)) if name == "f" => {
                if value != extension {
                    let expected = format_args!("expected {extension}");
                    return Err(bad_value("f", &value, expected));
                }
            }
            Some((name, _)) if ["size", "format", "range", "tms"].contains(&&*name) => {
                let message = format!("unknown parameter `{name}`: the grid has one kind of tiles");
                return Err(ApiError::bad_request(message));
            }
            _ => kept.push(pair),
        }
    }
    Ok(kept.join("&"))
}

impl TilePathWords<'_> {
    /// Finds the tile of a grid that the path names.
    ///
    /// # Errors
    /// 404 if the grid has no such matrix or tile.
    fn tile(&self, set: &TileMatrixSet) -> Result<TileId, ApiError> {
        let absent = "the grid has no such tile; see /tileMatrixSets";
        let z = set.zoom(self.matrix).ok_or(ApiError::not_found(absent))?;
        let (row, column) = (
            number("tileRow", self.row)?,
            number("tileCol", self.column)?,
        );
        TileId::new(z, column, row).map_err(|_| ApiError::not_found(absent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_other_routes_stay_out() {
        let kept = passed_on("ramp=ice&f=png&filter=a%3D1", "png").unwrap();
        assert_eq!(kept, "ramp=ice&filter=a%3D1");
        assert_eq!(passed_on("", "png").unwrap(), "");
        for bad in [
            "f=jpg",
            "size=512",
            "s%69ze=512",
            "tms=true",
            "a=1&range=0,1",
            "format=rgba",
        ] {
            assert!(passed_on(bad, "png").is_err(), "{bad}");
        }
    }
}
