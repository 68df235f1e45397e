//! Error answers: a JSON object with one sentence on which the client can act.
//!
//! A message consists of fixed words, legal values, and at most the refused value, shortened. It
//! never contains paths of files, database queries or secrets.

use super::response::json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use heatsplat_render::encode::EncodeError;
use std::borrow::Cow;

/// An HTTP error: its status and its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: Cow<'static, str>,
}

impl ApiError {
    /// An error with status 400: a parameter or the path of the request is not legal.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    /// An error with status 404: there is nothing at the request's path.
    pub(crate) fn not_found(message: &'static str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: message.into(),
        }
    }

    /// An error with status 405: the method is neither GET nor HEAD nor OPTIONS.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "only GET, HEAD and OPTIONS are answered here".into();
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            message,
        }
    }

    /// An error with status 414: the URL is longer than the server accepts.
    pub(crate) fn uri_too_long() -> Self {
        Self {
            status: StatusCode::URI_TOO_LONG,
            message: "the address is too long".into(),
        }
    }

    /// An error with status 503: the same request may succeed later. The header `Retry-After` asks
    /// the client to wait for one second.
    pub(crate) fn unavailable(message: &'static str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: message.into(),
        }
    }

    /// An error with status 429: the client has as many posted layers, or sends as many posts at
    /// the same time, as it may. The header `Retry-After` asks the client to wait for one second.
    pub(crate) fn too_many_requests(message: impl Into<Cow<'static, str>>) -> Self {
        Self::with_status(StatusCode::TOO_MANY_REQUESTS, message)
    }

    /// An error with a status and a message that the caller chooses.
    pub(crate) fn with_status(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// An error with status 422: the colour scale of a live layer can't be measured, since the
    /// database is too slow for it or has too many rows.
    pub(crate) fn scale_too_slow() -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: "measuring this layer's colour scale takes too long; give it one with \
                      domain=lo,hi"
                .into(),
        }
    }

    /// The HTTP status of the answer that reports the error.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The message: a sentence, or words that name the parameter and the problem.
    pub(crate) fn into_message(self) -> Cow<'static, str> {
        self.message
    }

    /// Returns true if the same request may succeed later: the status is 503.
    pub(crate) fn is_temporary(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// An error with status 500: a fault of the server. Its message has no details, so the caller
    /// must log them.
    pub(crate) fn internal() -> Self {
        let message = "drawing this failed; the server has logged why".into();
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message,
        }
    }
}

impl From<EncodeError> for ApiError {
    /// Logs an encoder's error, and makes an error with status 500: sizes are checked before
    /// anything is drawn, so a failure is a fault of the server. There is one exception: sums of
    /// weights that exceed the range of 32-bit floats come from the data. They get the status 422
    /// and the encoder's message.
    fn from(error: EncodeError) -> Self {
        if matches!(error, EncodeError::Beyond) {
            return Self::with_status(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
        }
        tracing::error!("a picture could not be written: {error}");
        Self::internal()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.message }).to_string();
        let mut response = json(self.status, body);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let later = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        if later.contains(&self.status) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Prepares a text that came with a request for an error message: control characters are removed,
/// and only the first 40 of the remaining characters are kept. The result ends in `…` if the
/// original text is longer than 40 characters.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let mut kept: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    if text.chars().nth(MOST).is_some() {
        kept.push('…');
    }
    kept
}
