//! Byte ranges: for a request with a `Range` header, only a part of the answer (RFC 9110, section
//! 14).
//!
//! Whole answers are in memory, so a part is a slice of one. A request for several ranges gets the
//! whole answer, which the standard allows.

use super::error::ApiError;
use axum::body::{Body, to_bytes};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use std::ops::Range;

/// The part of an answer that a request asks for by its header `Range`.
#[derive(Debug, PartialEq, Eq)]
enum RequestedRange {
    Whole,
    /// A range of bytes: the index of its first byte, and the index after its last byte.
    Bytes(Range<usize>),
    /// A range that contains no byte of the answer.
    Unsatisfiable,
}

/// The headers of a request by which it asks for a part of an answer.
#[derive(Debug)]
pub(crate) struct RangeRequest {
    range: HeaderValue,
    if_range: Option<HeaderValue>,
}

impl RangeRequest {
    /// Copies, from a GET request, the headers that ask for a part of the answer; `None` if the
    /// request asks for the whole answer.
    pub(crate) fn new(headers: &HeaderMap) -> Option<Self> {
        let range = headers.get(RANGE)?.clone();
        let if_range = headers.get(IF_RANGE).cloned();
        Some(Self { range, if_range })
    }

    /// Cuts a successful answer to the requested range. The answer stays whole if `If-Range` names
    /// another ETag than the answer has: then the parts that the client has already are not parts
    /// of this answer.
    pub(crate) async fn cut(&self, response: Response) -> Response {
        if !has_ranges(&response) || !self.is_current(response.headers()) {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        // The body is in memory already, so this copies nothing.
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            return ApiError::internal().into_response();
        };
        let length = bytes.len();
        match part(&self.range, length) {
            RequestedRange::Whole => Response::from_parts(parts, Body::from(bytes)),
            RequestedRange::Bytes(range) => {
                let last = range.end.saturating_sub(1);
                let about = format!("bytes {}-{last}/{length}", range.start);
                parts.status = StatusCode::PARTIAL_CONTENT;
                parts.headers.remove(CONTENT_LENGTH);
                if let Ok(about) = HeaderValue::try_from(about) {
                    parts.headers.insert(CONTENT_RANGE, about);
                }
                Response::from_parts(parts, Body::from(bytes.slice(range)))
            }
            RequestedRange::Unsatisfiable => {
                let message = format!("the range begins behind the answer's {length} bytes");
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                let mut response = ApiError::with_status(status, message).into_response();
                if let Ok(about) = HeaderValue::try_from(format!("bytes */{length}")) {
                    response.headers_mut().insert(CONTENT_RANGE, about);
                }
                response
            }
        }
    }

    /// Returns true if the answer's ETag is the one that `If-Range` names, or if there is no
    /// `If-Range`. A weak ETag or a date doesn't count: neither shows that all bytes are equal.
    fn is_current(&self, answer: &HeaderMap) -> bool {
        let Some(known) = &self.if_range else {
            return true;
        };
        answer.get(ETAG) == Some(known) && !known.as_bytes().starts_with(b"W/")
    }
}

/// Returns whether parts of an answer can be requested: it must be a 200 with an ETag, and not
/// compressed.
fn has_ranges(response: &Response) -> bool {
    let headers = response.headers();
    response.status() == StatusCode::OK
        && headers.contains_key(ETAG)
        && !headers.contains_key(CONTENT_ENCODING)
}

/// Adds the header `Accept-Ranges` to an answer of which parts can be requested.
pub(crate) fn announce(response: &mut Response) {
    if has_ranges(response) {
        let bytes = HeaderValue::from_static("bytes");
        response.headers_mut().insert(ACCEPT_RANGES, bytes);
    }
}

/// Finds the part that a `Range` header asks for in an answer of `length` bytes.
fn part(header: &HeaderValue, length: usize) -> RequestedRange {
    let number = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // A number that is too large to parse lies beyond any answer's length, and so does the
        // largest `usize`.
        plain.then(|| text.parse().unwrap_or(usize::MAX))
    };
    let range = header.to_str().ok().and_then(|text| {
        let (unit, range) = text.split_once('=')?;
        let is_bytes = unit.trim().eq_ignore_ascii_case("bytes");
        range.trim().split_once('-').filter(|_| is_bytes)
    });
    let Some((first, last)) = range else {
        return RequestedRange::Whole;
    };
    match (number(first), number(last)) {
        (Some(first), _) if last.is_empty() && first < length => {
            RequestedRange::Bytes(first..length)
        }
        (Some(first), Some(last)) if first <= last && first < length => {
            RequestedRange::Bytes(first..last.saturating_add(1).min(length))
        }
        (Some(first), Some(last)) if first <= last => RequestedRange::Unsatisfiable,
        (Some(_), _) if last.is_empty() => RequestedRange::Unsatisfiable,
        (None, Some(0)) if first.is_empty() => RequestedRange::Unsatisfiable,
        (None, Some(_)) if first.is_empty() && length == 0 => RequestedRange::Unsatisfiable,
        (None, Some(count)) if first.is_empty() => {
            RequestedRange::Bytes(length.saturating_sub(count)..length)
        }
        _ => RequestedRange::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_cut_and_all_else_is_whole() {
        for (text, expected) in [
            ("bytes=0-0", RequestedRange::Bytes(0..1)),
            ("bytes=2-5", RequestedRange::Bytes(2..6)),
            ("Bytes=2-", RequestedRange::Bytes(2..10)),
            ("bytes=-3", RequestedRange::Bytes(7..10)),
            ("bytes=-99", RequestedRange::Bytes(0..10)),
            (
                "bytes=9-99999999999999999999999",
                RequestedRange::Bytes(9..10),
            ),
            ("bytes=10-", RequestedRange::Unsatisfiable),
            ("bytes=10-12", RequestedRange::Unsatisfiable),
            ("bytes=-0", RequestedRange::Unsatisfiable),
            (
                "bytes=99999999999999999999999-",
                RequestedRange::Unsatisfiable,
            ),
            ("bytes=5-2", RequestedRange::Whole),
            ("bytes=0-1,4-5", RequestedRange::Whole),
            ("bytes=-", RequestedRange::Whole),
            ("bytes=a-b", RequestedRange::Whole),
            ("bytes=+1-2", RequestedRange::Whole),
            ("tiles=0-1", RequestedRange::Whole),
            ("bytes", RequestedRange::Whole),
            ("", RequestedRange::Whole),
        ] {
            let header = HeaderValue::from_str(text).unwrap();
            assert_eq!(part(&header, 10), expected, "{text}");
        }
        assert_eq!(
            part(&HeaderValue::from_static("bytes=-1"), 0),
            RequestedRange::Unsatisfiable
        );
    }
}
