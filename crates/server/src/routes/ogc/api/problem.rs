//! Errors of OGC API, which are JSON objects by RFC 7807.

use crate::http::error::ApiError;
use crate::routes::ogc::error::OgcError;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json as value;

/// An error of OGC API, which is answered as a JSON object. Status and message are
/// those of the field, an error as the other routes answer it.
#[derive(Debug)]
pub(crate) struct Problem(ApiError);

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<OgcError> for Problem {
    fn from(error: OgcError) -> Self {
        Self(error.into_api())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let body = value!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": self.0.clone().into_message(),
        });
        // The headers are those of other errors.
        let mut response = self.0.into_response();
        *response.body_mut() = body.to_string().into();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}
