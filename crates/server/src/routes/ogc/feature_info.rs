//! `GetFeatureInfo` of WMS and WMTS: the value at a pixel, as JSON, as text or as a page.

use super::error::OgcError;
use super::redirected;
use crate::http::error::{ApiError, shown};
use crate::http::path::Segments;
use crate::http::xml::escaped;
use crate::routes::value;
use crate::state::Server;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The formats in which values can be requested, each with its media type.
pub(super) const FORMATS: [(&str, InfoFormat); 3] = [
    ("application/json", InfoFormat::Json),
    ("text/plain", InfoFormat::Text),
    ("text/html", InfoFormat::Html),
];

/// The format in which `GetFeatureInfo` answers with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InfoFormat {
    /// JSON: the unchanged answer of `/{layer}/value`.
    Json,
    /// Plain text: a line `name = value` for each member of the JSON object that `/{layer}/value`
    /// answers.
    Text,
    /// An HTML page with a table of the members of the JSON object that `/{layer}/value` answers.
    Html,
}

impl InfoFormat {
    /// Finds the format that a request names by its media type, like `text/plain`.
    pub(super) fn find(text: &str) -> Result<Self, OgcError> {
        let found = FORMATS.iter().find(|(name, _)| *name == text);
        found.map(|(_, format)| *format).ok_or_else(|| {
            let names: Vec<_> = FORMATS.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "INFO_FORMAT can't be `{}`: expected {}",
                shown(text),
                names.join(", ")
            );
            OgcError::new("InvalidFormat", "INFO_FORMAT", message)
        })
    }
}

/// The largest size in bytes of the JSON of a value that is read: far over the size that it has. A
/// choice.
const MOST_BYTES: usize = 1 << 16;

/// Answers with the value of a layer at a coordinate: longitude and latitude in degrees, and a
/// zoom. `style` is the query string of the style, beginning with `?` or empty.
pub(super) async fn answer(
    server: Arc<Server>,
    request: Request,
    (layer, style): (&str, &str),
    (lon, lat, z): (f64, f64, u8),
    format: InfoFormat,
) -> Result<Response, OgcError> {
    let and = if style.is_empty() { '?' } else { '&' };
    let address = format!("/{layer}/value{style}{and}lon={lon}&lat={lat}&z={z}");
    let request = redirected(request, &address).ok_or_else(ApiError::internal)?;
    let id = Segments(layer.to_owned());
    let response = value::get(State(server), id, request).await?;
    if format == InfoFormat::Json || response.status().is_redirection() {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await;
    let bytes = bytes.map_err(|_| ApiError::internal())?;
    let value: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|_| ApiError::internal())?;
    let (kind, text) = match format {
        InfoFormat::Html => ("text/html; charset=utf-8", html(layer, &value)),
        _ => ("text/plain; charset=utf-8", plain(layer, &value)),
    };
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(Response::from_parts(parts, Body::from(text)))
}

/// The members of an answer's JSON object, each as its name and its value as text. A value of null
/// is an empty text.
fn pairs(value: &Map<String, Value>) -> impl Iterator<Item = (&str, String)> {
    value.iter().map(|(name, value)| {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (name.as_str(), text)
    })
}

fn plain(layer: &str, value: &Map<String, Value>) -> String {
    let lines = pairs(value).map(|(name, text)| format!("{name} = {text}\n"));
    format!("layer = {layer}\n{}", lines.collect::<String>())
}

fn html(layer: &str, value: &Map<String, Value>) -> String {
    let rows = pairs(value).map(|(name, text)| {
        format!(
            "<tr><th>{}</th><td>{}</td></tr>\n",
            escaped(name),
            escaped(&text)
        )
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{layer}</title>\
         </head><body>\n<table>\n<caption>{layer}</caption>\n{}</table>\n</body></html>\n",
        rows.collect::<String>(),
        layer = escaped(layer),
    )
}
