//! The choice of a document's format, JSON or HTML, by the parameter `f` or the header `Accept`.

use crate::http::error::ApiError;
use crate::http::query::bad_value;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The format of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentForm {
    Json,
    Html,
}

impl DocumentForm {
    /// The format that a request wants, by the first of these that states one:
    ///
    /// * the parameter `f`: `json` or `html`
    /// * the header `Accept`
    /// * `otherwise`
    ///
    /// # Errors
    /// 400 for another value of `f`.
    pub(super) fn of(
        f: Option<&str>,
        headers: &HeaderMap,
        otherwise: Self,
    ) -> Result<Self, ApiError> {
        match f {
            Some("json") => Ok(Self::Json),
            Some("html") => Ok(Self::Html),
            Some(other) => Err(bad_value("f", other, "expected json or html")),
            None => Ok(accepted(headers).unwrap_or(otherwise)),
        }
    }
}

/// The format that the header `Accept` lists by its media type with the greatest quality. If
/// several have the same quality, the first of them. `None` if it lists neither JSON nor HTML.
fn accepted(headers: &HeaderMap) -> Option<DocumentForm> {
    let lists = headers.get_all(ACCEPT).iter();
    let ranges = lists.filter_map(|list| list.to_str().ok());
    let mut best: Option<(DocumentForm, f32)> = None;
    for range in ranges.flat_map(|list| list.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let form = match parts
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "application/json" => DocumentForm::Json,
            "text/html" | "application/xhtml+xml" => DocumentForm::Html,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
        let quality: f32 = quality.unwrap_or(1.0);
        if quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((form, quality));
        }
    }
    best.map(|(form, _)| form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_form_is_found() {
        use DocumentForm::{Html, Json};
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (f, accept, wanted) in [
            (None, "", Json),
            (None, "*/*", Json),
            (None, browser, Html),
            (None, "application/json, text/html", Json),
            (None, "text/html;q=0.5, application/json", Json),
            (None, "application/json;q=0, text/html;q=0.1", Html),
            (Some("json"), browser, Json),
            (Some("html"), "application/json", Html),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(DocumentForm::of(f, &headers, Json), Ok(wanted), "{accept}");
        }
        assert!(DocumentForm::of(Some("xml"), &HeaderMap::new(), Json).is_err());
    }
}
