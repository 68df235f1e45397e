//! The form of a document, by the parameter `f` or the header `Accept`.

use crate::http::error::ApiError;
use crate::http::query::bad_value;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The form of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentForm {
    Json,
    Html,
}

impl DocumentForm {
    /// The form that a request wants: that of the parameter `f`; without it the one that the header
    /// `Accept` prefers, and `otherwise` if the header prefers none.
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

/// The form that the header `Accept` gives the greatest quality by name, or the first of several.
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
