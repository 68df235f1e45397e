//! Compression of JSON, SVG, XML and numbers in gzip, brotli or zstd, for clients that accept one
//! of these. Pictures are compressed by their own formats.
//!
//! A compressed answer is another representation than the plain one (RFC 9110, section 8.8.3.3), so
//! its ETag is weak. By a weak ETag a client may learn that its copy is current, in any encoding,
//! but it may not join byte ranges of different encodings.

use super::response;
use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::Response;
use hyper::body::{Body as HyperBody, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::Compression;
use tower_http::compression::predicate::SizeAbove;

/// The size in bytes of the shortest answer that is compressed: about one packet.
const MIN_BYTES: u64 = 1 << 10;

/// The size in bytes of the pieces in which a body is compressed: 64 KiB. After [`PIECES_A_TURN`]
/// pieces (256 KiB), which take at most 3 ms, the other tasks of the thread get their turn.
const PIECE: usize = 64 << 10;
const PIECES_A_TURN: u32 = 4;

/// The media types of answers that are compressed.
const MEDIA_TYPES: [&str; 7] = [
    "application/json",
    "application/vnd.oai.openapi+json;version=3.0",
    "application/x-npy",
    "application/xml",
    "image/svg+xml",
    "image/tiff",
    "text/plain; version=0.0.4; charset=utf-8",
];

/// The statuses of answers that get `Vary: accept-encoding` if they have an ETag.
const TAGGED: [StatusCode; 3] = [
    StatusCode::OK,
    StatusCode::PARTIAL_CONTENT,
    StatusCode::NOT_MODIFIED,
];

/// The headers of a request that decide on the encoding of its answer.
#[derive(Debug, Default)]
pub(crate) struct EncodingRequest(HeaderMap);

impl EncodingRequest {
    /// Copies, from a request for `path`, the headers that decide on the encoding of its answer.
    /// Returns `None` for paths of pictures, whose answers are never encoded.
    pub(crate) fn new(path: &str, request: &HeaderMap) -> Option<Self> {
        if [".png", ".webp", ".jpg"]
            .iter()
            .any(|end| path.ends_with(end))
        {
            return None;
        }
        let mut kept = HeaderMap::new();
        for name in [ACCEPT_ENCODING, IF_NONE_MATCH] {
            for value in request.get_all(&name) {
                kept.append(name.clone(), value.clone());
            }
        }
        Some(Self(kept))
    }

    /// Compresses an answer if its client accepts an encoding of this server, its media type is one
    /// of [`MEDIA_TYPES`], and it is at least [`MIN_BYTES`] long.
    pub(crate) async fn encode(&self, mut response: Response) -> Response {
        let status = response.status();
        let has_tag = response.headers().contains_key(ETAG);
        if has_tag && TAGGED.contains(&status) {
            response::add_vary(response.headers_mut(), "accept-encoding");
        }
        if status == StatusCode::NOT_MODIFIED {
            self.tag_as_known(response.headers_mut());
        }
        if !self.0.contains_key(ACCEPT_ENCODING) || !is_compressible(&response) {
            return response;
        }
        let response = compress(self.0.clone(), response).await;
        let (mut parts, body) = response.into_parts();
        if parts.headers.contains_key(CONTENT_ENCODING) {
            weaken(&mut parts.headers);
        }
        Response::from_parts(parts, body)
    }

    /// Gives a 304 the ETag that the client has sent in its request: the weak ETag if the client's
    /// copy is compressed, otherwise the strong one. A cache updates its copy only if its ETag is
    /// the one in the 304 (RFC 9111, section 4.3.4).
    fn tag_as_known(&self, headers: &mut HeaderMap) {
        let Some(strong) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()) else {
            return;
        };
        let lists = self.0.get_all(IF_NONE_MATCH).iter();
        let tags = lists.filter_map(|list| list.to_str().ok());
        let mut tags = tags.flat_map(|list| list.split(',').map(str::trim));
        if tags.all(|tag| tag != strong && tag != "*") {
            weaken(headers);
        }
    }
}

/// Turns a strong ETag of an answer into a weak one, by the prefix `W/`.
fn weaken(headers: &mut HeaderMap) {
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let tag = tag.filter(|tag| !tag.starts_with("W/"));
    let weak = tag.and_then(|tag| HeaderValue::try_from(format!("W/{tag}")).ok());
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
}

fn is_compressible(response: &Response) -> bool {
    let headers = response.headers();
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let known = text(CONTENT_TYPE).is_some_and(|kind| MEDIA_TYPES.contains(&kind));
    // An answer to HEAD has a length but no body.
    let length = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let length: Option<u64> = length.or(response.body().size_hint().exact());
    response.status() == StatusCode::OK && known && length.is_some_and(|n| n >= MIN_BYTES)
}

/// Compresses the body of an answer piece by piece while it is sent, in the encoding that the
/// client prefers.
async fn compress(accepted: HeaderMap, response: Response) -> Response {
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = accepted;
    let mut response = Some(response.map(Pieces::new));
    let inner = tower::service_fn(move |_: Request<Body>| {
        let response = response.take().unwrap_or_default();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    // At the fastest level, compressing 64 MiB of numbers takes well under a second.
    let compression = Compression::new(inner)
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(0));
    match compression.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// A body that is sent in pieces. After every [`PIECES_A_TURN`] pieces it pauses, so that the
/// thread's other tasks go on.
#[derive(Debug, Default)]
struct Pieces {
    body: Body,
    rest: Bytes,
    pieces: u32,
}

impl Pieces {
    fn new(body: Body) -> Self {
        Self {
            body,
            ..Self::default()
        }
    }
}

impl HyperBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => this.rest = bytes,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return Poll::Ready(other),
            }
        }
        if this.pieces == PIECES_A_TURN {
            this.pieces = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.pieces += 1;
        let piece = this.rest.split_to(PIECE.min(this.rest.len()));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let hint = self.body.size_hint();
        let mut all = SizeHint::new();
        if let Some(upper) = hint.upper() {
            all.set_upper(upper.saturating_add(rest));
        }
        all.set_lower(hint.lower().saturating_add(rest));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_are_the_whole() {
        let whole: Vec<u8> = (0..1_000_003).map(|i| (i % 251) as u8).collect();
        let pieces = Pieces::new(Body::from(whole.clone()));
        assert_eq!(pieces.size_hint().exact(), Some(1_000_003));
        let bytes = axum::body::to_bytes(Body::new(pieces), usize::MAX).await;
        assert_eq!(bytes.unwrap(), whole);
    }
}
