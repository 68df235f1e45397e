//! OGC API – Tiles and Maps, over OGC API – Common: the newer services of the OGC, whose documents
//! are JSON, or plain pages for people.
//!
//! A layer is a collection. Its tiles are those of `/{layer}/{z}/{x}/{y}.png` and its maps those
//! of WMS; only addresses, documents and the form of errors are of their own.

pub(crate) mod collections;
mod html;
pub(crate) mod landing;
pub(crate) mod maps;
mod negotiation;
mod problem;
pub(crate) mod tile_matrix_sets;
pub(crate) mod tilesets;

use super::{document, ramp_of};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::response;
use crate::layers::entry::ServedLayer;
use crate::state::{BaseUrl, Server};
use axum::extract::Request;
use axum::response::Response;
use negotiation::DocumentForm;
use serde_json::{Value, json as value};
use std::sync::Arc;

const JSON: &str = "application/json";
const HTML: &str = "text/html";

/// The relation of a link to a map.
const REL_MAP: &str = "http://www.opengis.net/def/rel/ogc/1.0/map";
/// The relation of a link to the list of sets of tiles that are maps.
const REL_TILESETS: &str = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-map";
/// The relation of a link to a grid of tiles.
const REL_SCHEME: &str = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme";

/// A link of a document.
fn link(rel: &str, media_type: &str, href: &str, title: &str) -> Value {
    value!({ "rel": rel, "type": media_type, "href": href, "title": title })
}

/// The links of a document at `url` to itself in its two forms.
fn own_links(url: &str) -> [Value; 2] {
    [
        link("self", JSON, &format!("{url}?f=json"), "This document"),
        link(
            "alternate",
            HTML,
            &format!("{url}?f=html"),
            "This document as a page",
        ),
    ]
}

/// Adds a member to a JSON object.
fn put(object: &mut Value, name: &str, member: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
}

/// Answers with a document in the form that the request wants. Its URLs begin with `base`.
fn answer(
    server: &Server,
    request: &Request,
    base: &BaseUrl,
    form: DocumentForm,
    (title, body): (&str, &Value),
) -> Response {
    let (kind, text) = match form {
        DocumentForm::Json => (JSON, body.to_string()),
        DocumentForm::Html => ("text/html; charset=utf-8", html::page(title, body)),
    };
    let mut response = document(server, request, base, kind, text);
    response::add_vary(response.headers_mut(), "accept");
    response
}

/// The form in which a request wants a document that takes no parameters but `f`.
fn form_alone(request: &Request) -> Result<DocumentForm, ApiError> {
    let query = Query::parse_alone(request.uri().query(), &["f"])?;
    DocumentForm::of(query.get("f"), request.headers(), DocumentForm::Json)
}

/// Finds the layer that is a collection: any whose tiles fit the grid.
fn collection(server: &Server, id: &str, request: &Request) -> Result<Arc<ServedLayer>, ApiError> {
    let served = server.layer(id, request)?;
    match is_collection(&served) {
        true => Ok(served),
        false => Err(ApiError::not_found(
            "the tiles of this layer have another size than those of the grid",
        )),
    }
}

/// Returns true if a layer's tiles have 256 pixels, as those of the grid have. Archives may have
/// others.
fn is_collection(served: &ServedLayer) -> bool {
    let archive = served.source.archive();
    archive.is_none_or(|info| info.pixels == 256)
}

/// The ramp that a style in a path stands for: an empty text for the layer's own style.
fn ramp_in_path(served: &ServedLayer, style: Option<&str>) -> Result<&'static str, ApiError> {
    let ramp = ramp_of(style.unwrap_or_default());
    // The tiles of an archive were drawn before, in one style.
    let known = ramp.filter(|ramp| ramp.is_empty() || served.source.archive().is_none());
    known.ok_or(ApiError::not_found(
        "there is no such style: expected default or the name of a ramp in /catalog",
    ))
}

/// The path of a collection, or of one of its styles.
fn styled_path(layer: &str, style: Option<&str>) -> String {
    match style {
        Some(style) => format!("/collections/{layer}/styles/{style}"),
        None => format!("/collections/{layer}"),
    }
}
