//! OGC API – Tiles and Maps, over OGC API – Common: the newer services of the OGC. Their documents
//! are JSON, or HTML pages for people.
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

/// The relation type (`rel`) of a link to a map.
const REL_MAP: &str = "http://www.opengis.net/def/rel/ogc/1.0/map";
/// The relation type (`rel`) of a link to the list of a layer's sets of tiles.
const REL_TILESETS: &str = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-map";
/// The relation type (`rel`) of a link to the description of a grid of tiles.
const REL_SCHEME: &str = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme";

/// A link as documents contain it: a JSON object with its relation type, media type, URL and title.
fn link(rel: &str, media_type: &str, href: &str, title: &str) -> Value {
    value!({ "rel": rel, "type": media_type, "href": href, "title": title })
}

/// The links of a document at `url` to itself: as JSON and as an HTML page.
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

/// Adds a member to `object`, which must be a JSON object.
fn put(object: &mut Value, name: &str, member: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
}

/// Answers with the document `body`, as JSON or as an HTML page with the title `title`. The URLs in
/// the document begin with `base`.
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

/// The format (JSON or HTML) in which a request wants a document that takes no parameter but `f`.
/// An error with status 400 for other parameters and other values of `f`.
fn form_alone(request: &Request) -> Result<DocumentForm, ApiError> {
    let query = Query::parse_alone(request.uri().query(), &["f"])?;
    DocumentForm::of(query.get("f"), request.headers(), DocumentForm::Json)
}

/// Finds a layer for OGC API, where it is called a collection. Layers that aren't collections (see
/// [`is_collection`]) are not found.
fn collection(server: &Server, id: &str, request: &Request) -> Result<Arc<ServedLayer>, ApiError> {
    let served = server.layer(id, request)?;
    match is_collection(&served) {
        true => Ok(served),
        false => Err(ApiError::not_found(
            "the tiles of this layer have another size than those of the grid",
        )),
    }
}

/// Returns true if a layer is a collection: its tiles are 256 pixels wide, as the tiles of the grid
/// are. The tiles of archives may have other sizes.
fn is_collection(served: &ServedLayer) -> bool {
    let archive = served.source.archive();
    archive.is_none_or(|info| info.pixels == 256)
}

/// The name of the ramp that a style in a path stands for; empty for the layer's own style, which
/// `None` and `default` stand for. An error with status 404 if there is no such style. An archive
/// has only its own style.
fn ramp_in_path(served: &ServedLayer, style: Option<&str>) -> Result<&'static str, ApiError> {
    let ramp = ramp_of(style.unwrap_or_default());
    // The tiles of an archive were drawn before, in one style.
    let known = ramp.filter(|ramp| ramp.is_empty() || served.source.archive().is_none());
    known.ok_or(ApiError::not_found(
        "there is no such style: expected default or the name of a ramp in /catalog",
    ))
}

/// The beginning of the path of a collection's documents and pictures or, if `style` is given, of
/// one of its styles.
fn styled_path(layer: &str, style: Option<&str>) -> String {
    match style {
        Some(style) => format!("/collections/{layer}/styles/{style}"),
        None => format!("/collections/{layer}"),
    }
}
