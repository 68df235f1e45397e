//! `/` as JSON, which is the landing page of OGC API, and `/conformance`.

use super::negotiation::DocumentForm;
use super::problem::Problem;
use super::{HTML, JSON, answer, form_alone, link, own_links, put};
use crate::http::response;
use crate::routes::{openapi, viewer};
use crate::state::Server;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json as value;
use std::sync::Arc;

/// The URIs of the conformance classes: the parts of the standards that the server fulfils.
const CLASSES: [&str; 23] = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/png",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/collection-map",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/styled-map",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/tilesets",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/png",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/api-operations",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
];

/// Answers `/` with the viewer or, if the client prefers JSON, with the landing page.
pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, Problem> {
    // The viewer has parameters of its own, which the page reads.
    let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let mut f = pairs.filter_map(|(name, value)| (name == "f").then_some(value));
    let form = DocumentForm::of(f.next().as_deref(), request.headers(), DocumentForm::Html)?;
    if form == DocumentForm::Html {
        let mut page = viewer::page(State(server), request.headers().clone()).await;
        response::add_vary(page.headers_mut(), "accept");
        return Ok(page);
    }
    let base = server.base_url(&request);
    let url = &base.url;
    let to = |path: &str| format!("{url}{path}");
    let mut body = value!({
        "title": "heatsplat",
        "description": "Heat maps of points, as tiles and maps.",
        "links": [
            link("self", JSON, &to("/?f=json"), "This document"),
            link("alternate", HTML, &to("/?f=html"), "A page with a map"),
            link("service-desc", openapi::MEDIA_TYPE, &to("/openapi.json"), "All addresses"),
            link("conformance", JSON, &to("/conformance"), "Classes of the standards"),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/conformance",
                JSON,
                &to("/conformance"),
                "Classes of the standards",
            ),
            link("data", JSON, &to("/collections"), "Layers"),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/data",
                JSON,
                &to("/collections"),
                "Layers",
            ),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
                JSON,
                &to("/tileMatrixSets"),
                "Grids of tiles",
            ),
        ],
    });
    if let Some(credit) = &server.config.attribution {
        put(&mut body, "attribution", value!(credit));
    }
    let answer = answer(&server, &request, &base, form, ("heatsplat", &body));
    Ok(answer)
}

/// Answers `/conformance`.
pub(crate) async fn conformance(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, Problem> {
    let form = form_alone(&request)?;
    let base = server.base_url(&request);
    let body = value!({
        "conformsTo": CLASSES,
        "links": own_links(&format!("{}/conformance", base.url)),
    });
    let title = "Classes of the standards";
    Ok(answer(&server, &request, &base, form, (title, &body)))
}
