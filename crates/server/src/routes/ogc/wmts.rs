//! `/wmts`: Web Map Tile Service 1.0.0, as parameters (KVP) and as paths (REST).
//!
//! A tile has the same bytes as that of `/{layer}/{z}/{x}/{y}.png` in the same style.

use super::error::{ErrorForm, OgcError};
use super::feature_info::{self, InfoFormat};
use super::kvp::Kvp;
use super::tile_matrix_set::TileMatrixSet;
use super::{document, wmts_capabilities, xyz_tile};
use crate::http::error::shown;
use crate::http::path::{FileName, Segments, number};
use crate::state::Server;
use axum::extract::{Request, State};
use axum::response::Response;
use heatsplat_points::mercator::{latitude, longitude};
use heatsplat_points::{TileId, Window};
use std::sync::Arc;

/// The texts in a request that name a layer's tile, before they are parsed.
struct TileWords<'a> {
    layer: &'a str,
    style: &'a str,
    set: &'a str,
    matrix: &'a str,
    row: &'a str,
    column: &'a str,
}

pub(crate) async fn get(State(server): State<Arc<Server>>, request: Request) -> Response {
    let kvp = Kvp::parse(request.uri().query());
    answer(server, kvp, request)
        .await
        .unwrap_or_else(|error| error.report(ErrorForm::Ows))
}

/// Answers a request whose parameters are in the query string.
async fn answer(server: Arc<Server>, kvp: Kvp, request: Request) -> Result<Response, OgcError> {
    check_service(&kvp)?;
    let operation = kvp.need("REQUEST")?.to_ascii_lowercase();
    if operation == "getcapabilities" {
        return Ok(capabilities_of(&server, &request));
    }
    if operation != "gettile" && operation != "getfeatureinfo" {
        let message = format!(
            "REQUEST can't be `{}`: expected GetCapabilities, GetTile or GetFeatureInfo",
            shown(&operation)
        );
        return Err(OgcError::new("OperationNotSupported", "REQUEST", message));
    }
    let words = TileWords {
        layer: kvp.need("LAYER")?,
        style: kvp.get("STYLE").unwrap_or_default(),
        set: kvp.need("TILEMATRIXSET")?,
        matrix: kvp.need("TILEMATRIX")?,
        row: kvp.need("TILEROW")?,
        column: kvp.need("TILECOL")?,
    };
    if operation == "gettile" {
        let extension = extension(kvp.get("FORMAT").unwrap_or("image/png"))?;
        return tile_of(server, &kvp, &words, extension, request).await;
    }
    let format = InfoFormat::find(kvp.get("INFOFORMAT").unwrap_or("application/json"))?;
    let pixel = (kvp.whole("I")?, kvp.whole("J")?);
    info_of(server, &kvp, &words, pixel, format, request).await
}

pub(crate) async fn capabilities(State(server): State<Arc<Server>>, request: Request) -> Response {
    capabilities_of(&server, &request)
}

fn capabilities_of(server: &Server, request: &Request) -> Response {
    let base = server.base_url(request);
    let (mut layers, _) = server.open_layers(request);
    // The tiles of the grid have 256 pixels, and archives may have others.
    layers.retain(|(_, served)| {
        served
            .source
            .archive()
            .is_none_or(|info| info.pixels == 256)
    });
    let text = wmts_capabilities::document(&base.url, &layers);
    document(server, request, &base, "application/xml", text)
}

/// Answers `/wmts/{layer}/{style}/{set}/{matrix}/{row}/{column}.png`.
pub(crate) async fn tile(
    State(server): State<Arc<Server>>,
    Segments(words): Segments<[String; 6]>,
    request: Request,
) -> Response {
    let [layer, style, set, matrix, row, column] = &words;
    let kvp = Kvp::parse(request.uri().query());
    let answer = async {
        let file = FileName::parse(column).filter(|file| file.ratio == 1);
        let file = file.ok_or_else(|| {
            OgcError::invalid("TileCol", "a tile's address ends in its column and .png")
        })?;
        let words = TileWords {
            layer,
            style,
            set,
            matrix,
            row,
            column: file.stem,
        };
        tile_of(server, &kvp, &words, file.extension, request).await
    };
    answer
        .await
        .unwrap_or_else(|error: OgcError| error.report(ErrorForm::Ows))
}

/// Answers `/wmts/{layer}/{style}/{set}/{matrix}/{row}/{column}/{j}/{i}.json`, or `.txt` or
/// `.html`.
pub(crate) async fn feature_info(
    State(server): State<Arc<Server>>,
    Segments(words): Segments<[String; 8]>,
    request: Request,
) -> Response {
    let [layer, style, set, matrix, row, column, j, i] = &words;
    let kvp = Kvp::parse(request.uri().query());
    let answer = async {
        let (i, extension) = i.split_once('.').unwrap_or((i, "json"));
        let format = match extension {
            "json" => InfoFormat::Json,
            "txt" => InfoFormat::Text,
            "html" => InfoFormat::Html,
            other => {
                let message = format!(
                    "the extension can't be `{}`: expected .json, .txt or .html",
                    shown(other)
                );
                return Err(OgcError::invalid("InfoFormat", message));
            }
        };
        let words = TileWords {
            layer,
            style,
            set,
            matrix,
            row,
            column,
        };
        let pixel = (number("I", i)?, number("J", j)?);
        info_of(server, &kvp, &words, pixel, format, request).await
    };
    answer
        .await
        .unwrap_or_else(|error| error.report(ErrorForm::Ows))
}

fn check_service(kvp: &Kvp) -> Result<(), OgcError> {
    let service = kvp.get("SERVICE").unwrap_or("WMTS");
    if !service.eq_ignore_ascii_case("WMTS") {
        let message = format!("SERVICE can't be `{}`: expected WMTS", shown(service));
        return Err(OgcError::invalid("SERVICE", message));
    }
    match kvp.get("VERSION") {
        Some(version) if version != "1.0.0" => {
            let message = format!("VERSION can't be `{}`: expected 1.0.0", shown(version));
            Err(OgcError::invalid("VERSION", message))
        }
        _ => Ok(()),
    }
}

/// The file extension, in this server's URLs, of tiles whose media type is `format`.
fn extension(format: &str) -> Result<&'static str, OgcError> {
    const FORMATS: [(&str, &str); 5] = [
        ("image/png", "png"),
        ("image/jpeg", "jpg"),
        ("image/webp", "webp"),
        ("image/avif", "avif"),
        ("image/tiff", "tif"),
    ];
    let found = FORMATS.iter().find(|(name, _)| *name == format);
    found.map(|(_, extension)| *extension).ok_or_else(|| {
        let message = format!("FORMAT can't be `{}`: expected image/png", shown(format));
        OgcError::invalid("FORMAT", message)
    })
}

impl TileWords<'_> {
    /// Finds the tile that the request names by a tile matrix set, a matrix of it, a row and a
    /// column.
    fn tile(&self) -> Result<TileId, OgcError> {
        let set = TileMatrixSet::find(self.set).ok_or_else(|| {
            let message = format!(
                "TileMatrixSet can't be `{}`: expected WebMercatorQuad",
                shown(self.set)
            );
            OgcError::invalid("TileMatrixSet", message)
        })?;
        let z = set.zoom(self.matrix).ok_or_else(|| {
            let message = format!(
                "TileMatrix can't be `{}`: expected a zoom from 0 to 24",
                shown(self.matrix)
            );
            OgcError::invalid("TileMatrix", message)
        })?;
        let (row, column) = (
            number("TileRow", self.row)?,
            number("TileCol", self.column)?,
        );
        TileId::new(z, column, row)
            .map_err(|error| OgcError::new("TileOutOfRange", "TileRow", error.to_string()))
    }
}

/// Answers with a tile, as the route `/{layer}/{z}/{x}/{y}.{extension}` does.
async fn tile_of(
    server: Arc<Server>,
    kvp: &Kvp,
    words: &TileWords<'_>,
    extension: &str,
    request: Request,
) -> Result<Response, OgcError> {
    let tile = words.tile()?;
    let known = server.layer(words.layer, &request);
    known.map_err(|error| OgcError::of_layer(&error, "InvalidParameterValue", "Layer"))?;
    let style = kvp.style_query(words.style, &[])?;
    Ok(xyz_tile(server, words.layer, (tile, extension), &style, request).await?)
}

/// Answers with the value at a pixel of a tile: in column `i` and row `j`, counted from 0 at the
/// tile's left and top edge.
async fn info_of(
    server: Arc<Server>,
    kvp: &Kvp,
    words: &TileWords<'_>,
    (i, j): (u32, u32),
    format: InfoFormat,
    request: Request,
) -> Result<Response, OgcError> {
    const SIDE: u32 = 256;
    let tile = words.tile()?;
    let known = server.layer(words.layer, &request);
    known.map_err(|error| OgcError::of_layer(&error, "InvalidParameterValue", "Layer"))?;
    for (name, at) in [("I", i), ("J", j)] {
        if at >= SIDE {
            let message = format!("{name} can't be {at}: expected a pixel from 0 to 255");
            return Err(OgcError::new("PointIJOutOfRange", name, message));
        }
    }
    let style = kvp.style_query(words.style, &[])?;
    let window = Window::tile(tile, SIDE);
    let at = |start: f64, pixel: u32| start + (f64::from(pixel) + 0.5) * window.pixel();
    let place = (
        longitude(at(window.left(), i)),
        latitude(at(window.top(), j)),
        tile.z(),
    );
    feature_info::answer(server, request, (words.layer, &style), place, format).await
}
