//! `/wms`: Web Map Service 1.1.1 and 1.3.0.

use super::error::{ErrorForm, OgcError};
use super::feature_info::{self, InfoFormat};
use super::get_map::{self, MapGrid};
use super::kvp::Kvp;
use super::{document, redirected, wms_capabilities};
use crate::http::error::{ApiError, shown};
use crate::http::path::FileName;
use crate::layers::entry::ServedLayer;
use crate::routes::legend;
use crate::state::Server;
use axum::extract::{Request, State};
use axum::response::Response;
use heatsplat_points::mercator::{latitude, longitude};
use heatsplat_points::{MAX_ZOOM, Window};
use std::sync::Arc;

pub(crate) async fn get(State(server): State<Arc<Server>>, request: Request) -> Response {
    let kvp = Kvp::parse(request.uri().query());
    let is_111 = is_before_130(&kvp);
    let form = match is_111 {
        true => ErrorForm::Wms111,
        false => ErrorForm::Wms130,
    };
    answer(server, &kvp, is_111, request)
        .await
        .unwrap_or_else(|error| error.report(form))
}

/// True if a request is to be answered by WMS 1.1.1, and not by 1.3.0. The standard's rules are:
///
/// * a version that the server lacks is answered by the next older one that it has
/// * if there is none, it is answered by the oldest one
/// * a request without a version is answered by the newest one
///
/// But in a request without a version, `SRS` in place of `CRS` shows that 1.1.1 is meant.
fn is_before_130(kvp: &Kvp) -> bool {
    match kvp.get("VERSION").or(kvp.get("WMTVER")) {
        Some(version) => {
            let mut parts = version
                .split('.')
                .map(|part| part.parse::<u32>().unwrap_or(0));
            (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < (1, 3)
        }
        None => kvp.get("CRS").is_none() && kvp.get("SRS").is_some(),
    }
}

async fn answer(
    server: Arc<Server>,
    kvp: &Kvp,
    is_111: bool,
    request: Request,
) -> Result<Response, OgcError> {
    let service = kvp.get("SERVICE").unwrap_or("WMS");
    if !service.eq_ignore_ascii_case("WMS") {
        let message = format!("SERVICE can't be `{}`: expected WMS", shown(service));
        return Err(OgcError::invalid("SERVICE", message));
    }
    let operation = kvp.need("REQUEST")?;
    match operation.to_ascii_lowercase().as_str() {
        "getcapabilities" | "capabilities" => Ok(capabilities(&server, is_111, &request)),
        "getmap" | "map" => {
            let (_, served) = layer(&server, kvp, "LAYERS", &request)?;
            let style = kvp.style_query(one(kvp, "STYLES")?, &[])?;
            let headers = request.headers();
            get_map::answer(&server, served, kvp, (is_111, &style), headers).await
        }
        "getfeatureinfo" | "feature_info" => feature_info(server, kvp, is_111, request).await,
        "getlegendgraphic" => legend_graphic(&server, kvp, request).await,
        _ => {
            let message = format!(
                "REQUEST can't be `{}`: expected GetCapabilities, GetMap, GetFeatureInfo or \
                 GetLegendGraphic",
                shown(operation)
            );
            Err(OgcError::new("OperationNotSupported", "REQUEST", message))
        }
    }
}

fn capabilities(server: &Server, is_111: bool, request: &Request) -> Response {
    let base = server.base_url(request);
    let (mut layers, _) = server.open_layers(request);
    // Archives have tiles only, which WMTS answers.
    layers.retain(|(_, served)| served.archive_extension().is_none());
    let attribution = server.config.attribution.as_deref();
    let (kind, text) = match is_111 {
        true => (
            "application/vnd.ogc.wms_xml",
            wms_capabilities::document_111(&base.url, &layers, attribution),
        ),
        false => (
            "text/xml",
            wms_capabilities::document_130(&base.url, &layers, attribution),
        ),
    };
    document(server, request, &base, kind, text)
}

/// The only item of the parameter `name`, which is a list of names of layers or of styles; an empty
/// text if the list is empty.
///
/// # Errors
/// If the list has several items.
fn one<'a>(kvp: &'a Kvp, name: &'static str) -> Result<&'a str, OgcError> {
    let text = kvp.get(name).unwrap_or_default();
    if text.contains(',') {
        let message = format!("{name} can't be `{}`: expected one name", shown(text));
        return Err(OgcError::invalid(name, message));
    }
    Ok(text)
}

/// Finds the layer whose id is the value of the parameter `name`. Returns the id and the layer.
fn layer(
    server: &Server,
    kvp: &Kvp,
    name: &'static str,
    request: &Request,
) -> Result<(String, Arc<ServedLayer>), OgcError> {
    kvp.need(name)?;
    let id = one(kvp, name)?;
    let served = server.layer(id, request);
    let served = served.map_err(|error| OgcError::of_layer(&error, "LayerNotDefined", name))?;
    Ok((id.to_owned(), served))
}

/// Answers `GetFeatureInfo` with the layer's value at the centre of the pixel that the request
/// names.
async fn feature_info(
    server: Arc<Server>,
    kvp: &Kvp,
    is_111: bool,
    request: Request,
) -> Result<Response, OgcError> {
    let (id, _) = layer(&server, kvp, "QUERY_LAYERS", &request)?;
    let style = kvp.style_query(one(kvp, "STYLES")?, &[])?;
    let grid = MapGrid::from_kvp(kvp, is_111)?;
    let format = InfoFormat::find(kvp.get("INFO_FORMAT").unwrap_or("application/json"))?;
    let (column, row) = match is_111 {
        true => ("X", "Y"),
        false => ("I", "J"),
    };
    let (i, j) = (kvp.whole(column)?, kvp.whole(row)?);
    for (name, at, size) in [(column, i, grid.width), (row, j, grid.height)] {
        if at >= size {
            let message = format!("{name} can't be {at}: the picture has {size} pixels");
            return Err(OgcError::new("InvalidPoint", name, message));
        }
    }
    let (x, y) = grid.place(f64::from(i), f64::from(j));
    let world = grid.bounds.world_y(y).map(|y| (grid.bounds.world_x(x), y));
    let (x, y) = world.ok_or_else(|| {
        OgcError::new(
            "InvalidPoint",
            row,
            "there is no heat beyond 85.0511° of latitude",
        )
    })?;
    let (window, _) = grid.drawn();
    let place = (longitude(x), latitude(y), zoom(&window));
    feature_info::answer(server, request, (&id, &style), place, format).await
}

/// The whole zoom that is nearest to the zoom of a window.
fn zoom(window: &Window) -> u8 {
    window.zoom().round().clamp(0.0, f64::from(MAX_ZOOM)) as u8
}

/// Answers `GetLegendGraphic` with the legend of a layer, as a PNG. If the request has `BBOX`,
/// `WIDTH` and `HEIGHT`, it is the legend at the zoom of that picture.
async fn legend_graphic(
    server: &Server,
    kvp: &Kvp,
    request: Request,
) -> Result<Response, OgcError> {
    let (id, served) = layer(server, kvp, "LAYER", &request)?;
    let format = kvp.get("FORMAT").unwrap_or("image/png");
    let (extension, known) = match format {
        "image/svg+xml" => ("svg", true),
        other => ("png", other.starts_with("image/png")),
    };
    if !known {
        let message = format!(
            "FORMAT can't be `{}`: expected image/png or image/svg+xml",
            shown(format)
        );
        return Err(OgcError::new("InvalidFormat", "FORMAT", message));
    }
    // In this operation, `SCALE` is a map's scale.
    let style = kvp.style_query(kvp.get("STYLE").unwrap_or_default(), &["scale"])?;
    let crs = kvp.get("CRS").is_some() || kvp.get("SRS").is_some();
    let z = match crs && kvp.get("BBOX").is_some() && kvp.get("WIDTH").is_some() {
        true => {
            let is_111 = kvp.get("CRS").is_none();
            let (window, _) = MapGrid::from_kvp(kvp, is_111)?.drawn();
            let and = if style.is_empty() { '?' } else { '&' };
            format!("{and}z={}", window.zoom().clamp(0.0, f64::from(MAX_ZOOM)))
        }
        false => String::new(),
    };
    let address = format!("/{id}/legend.{extension}{style}{z}");
    let request = redirected(request, &address).ok_or_else(ApiError::internal)?;
    let file = FileName {
        stem: "legend",
        ratio: 1,
        extension,
    };
    Ok(legend::get(server, served, &file, request).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_known_by_their_number_or_their_words() {
        for (query, old) in [
            ("VERSION=1.3.0", false),
            ("version=1.1.1", true),
            ("VERSION=1.1.0", true),
            ("WMTVER=1.0.0", true),
            ("VERSION=1.4.0", false),
            ("VERSION=x", true),
            ("REQUEST=GetCapabilities", false),
            ("SRS=EPSG:4326", true),
            ("CRS=EPSG:4326", false),
        ] {
            assert_eq!(is_before_130(&Kvp::parse(Some(query))), old, "{query}");
        }
    }
}
