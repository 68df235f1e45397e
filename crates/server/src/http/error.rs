//! Answers that are refusals: JSON with one sentence for the client to act on.
//!
//! A message is made of our own words, legal values, and at most the shortened
//! value that was refused; never of paths, queries to databases or other secrets.

use crate::layers::live::Trouble;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::borrow::Cow;

/// Why a request is not answered as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    status: StatusCode,
    message: Cow<'static, str>,
}

impl Refused {
    /// A parameter or address that can't be.
    pub(crate) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    /// Nothing is there.
    pub(crate) fn not_found(message: &'static str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: message.into(),
        }
    }

    /// Neither GET nor HEAD.
    pub(crate) fn method() -> Self {
        let message = "only GET, HEAD and OPTIONS are answered here".into();
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            message,
        }
    }

    /// An address of several kilobytes.
    pub(crate) fn too_long() -> Self {
        Self {
            status: StatusCode::URI_TOO_LONG,
            message: "the address is too long".into(),
        }
    }

    /// Not now, but soon.
    pub(crate) fn later(message: &'static str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: message.into(),
        }
    }

    /// A request that another status says best.
    pub(crate) fn with(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The colour scale of a live layer would take too long to measure.
    pub(crate) fn unmeasured() -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: "measuring this layer's colour scale takes too long; give it one with \
                      domain=lo,hi"
                .into(),
        }
    }

    /// Whether trying again later may help.
    pub(crate) fn is_passing(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Our fault. What exactly happened is on standard error, not in the answer.
    pub(crate) fn internal() -> Self {
        let message = "drawing this failed; the server has logged why".into();
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message,
        }
    }
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Away => Self::later("this layer's database is away; other layers are not"),
            Trouble::Busy => Self::later("this layer's database is busy; try again in a second"),
            Trouble::Deadline => Self::later("this layer's database took longer than it may"),
            Trouble::Broken => {
                Self::later("this layer's database refuses its query; the server has logged why")
            }
            Trouble::TooMuch => Self {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                message: "this shows more rows than may be read for one picture; zoom in".into(),
            },
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.message }).to_string();
        let mut response = json(self.status, body);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// An answer of JSON text.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Text of a request as a message may show it: its beginning, without control characters.
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
