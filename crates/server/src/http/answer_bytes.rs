//! A limit of the bytes of answers that are on their way to clients, over all connections together.
//! It is needed since the answer for a client that doesn't read stays in memory.

use super::connection_info::ConnectionInfo;
use super::error::ApiError;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Body as HyperBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// The size in bytes up to which answers for HTTP/1 are not counted: 64 KiB. They need no limit of
/// their own, since a connection of HTTP/1 has at most one answer on its way.
const SMALL: u64 = 64 << 10;

/// A limit of the bytes of all answers that are on their way to clients.
#[derive(Debug)]
pub(crate) struct AnswerBytes {
    limit: u64,
    taken: AtomicU64,
    refused: AtomicU64,
}

/// The bytes of the limit that one answer takes. They are free again when the answer's last byte
/// was sent, or when the answer is dropped.
#[derive(Debug)]
struct ReservedBytes {
    of: Arc<AnswerBytes>,
    bytes: u64,
    /// The connection that the answer is for, if it is one of HTTP/2; otherwise `None`.
    connection: Option<Arc<ConnectionInfo>>,
}

impl Drop for ReservedBytes {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.unsent.fetch_sub(1, Ordering::Relaxed);
        }
        self.of.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl AnswerBytes {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// The number of bytes of answers that are on their way to clients.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// The largest number of bytes of answers that may be on their way to clients.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// The number of answers that were refused since there was no room for them.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns an error if there is no room now for an answer of about `bytes` bytes, so that it
    /// need not be drawn first.
    ///
    /// # Errors
    /// 503 if there is no room.
    pub(crate) fn check_room(&self, bytes: u64) -> Result<(), ApiError> {
        match self.has_room(self.taken(), bytes) {
            true => Ok(()),
            false => Err(self.refuse()),
        }
    }

    /// Returns true if there is room for an answer of `bytes` bytes while `taken` bytes of other
    /// answers are on their way. An answer of at most [`SMALL`] bytes always has room, and so has
    /// any answer, however large, if `taken` is 0.
    fn has_room(&self, taken: u64, bytes: u64) -> bool {
        bytes <= SMALL || taken == 0 || taken.saturating_add(bytes) <= self.limit
    }

    fn refuse(&self) -> ApiError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        ApiError::unavailable("too many large answers are on their way to slow clients")
    }

    fn take(
        self: &Arc<Self>,
        bytes: u64,
        connection: Option<Arc<ConnectionInfo>>,
    ) -> Option<ReservedBytes> {
        let add = |taken| {
            let room = self.has_room(taken, bytes);
            room.then_some(taken.saturating_add(bytes))
        };
        let taken = self
            .taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        taken.ok()?;
        if let Some(connection) = &connection {
            connection.unsent.fetch_add(1, Ordering::Relaxed);
        }
        Some(ReservedBytes {
            of: Arc::clone(self),
            bytes,
            connection,
        })
    }

    /// Counts an answer until it is sent, if it is larger than [`SMALL`] or for HTTP/2. Of HTTP/2
    /// even small answers count, since a connection may have many on their way. If there is no room
    /// for a counted answer, it is replaced by a 503.
    pub(crate) fn admit(
        self: &Arc<Self>,
        response: Response,
        http2: Option<Arc<ConnectionInfo>>,
    ) -> Response {
        let bytes = response.body().size_hint().lower();
        if bytes == 0 || bytes <= SMALL && http2.is_none() {
            return response;
        }
        let Some(share) = self.take(bytes, http2) else {
            return self.refuse().into_response();
        };
        response.map(|body| {
            Body::new(CountedBody {
                body,
                share: Arc::new(share),
            })
        })
    }
}

/// A body whose bytes count against the limit until the last of these bytes is dropped.
#[derive(Debug)]
struct CountedBody {
    body: Body,
    share: Arc<ReservedBytes>,
}

/// Some bytes of a [`CountedBody`]. While they exist, all bytes of the body stay counted.
struct CountedBytes {
    bytes: Bytes,
    _share: Arc<ReservedBytes>,
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HyperBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        let counted = |bytes| {
            Bytes::from_owner(CountedBytes {
                bytes,
                _share: Arc::clone(&this.share),
            })
        };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(counted))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn bytes_hold_their_share_until_the_last_is_dropped() {
        let budget = AnswerBytes::new(300_000);
        let answer = |bytes: usize| budget.admit(Response::new(Body::from(vec![7; bytes])), None);
        let small: Vec<_> = (0..9).map(|_| answer(SMALL as usize)).collect();
        assert_eq!(budget.taken(), 0);
        drop(small);
        let (first, second) = (answer(200_000), answer(100_000));
        assert_eq!((budget.taken(), budget.refused()), (300_000, 0));
        assert_eq!(answer(100_000).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(budget.check_room(100_000).is_err() && budget.check_room(9).is_ok());
        drop(first);
        let bytes = axum::body::to_bytes(second.into_body(), usize::MAX)
            .await
            .unwrap();
        assert_eq!(
            (bytes.len(), budget.taken(), budget.refused()),
            (100_000, 100_000, 2)
        );
        let part = bytes.slice(5..6);
        drop(bytes);
        assert_eq!(budget.taken(), 100_000);
        drop(part);
        assert_eq!(budget.taken(), 0);
        // On a connection that may have many answers at a time, small answers count too.
        let info = Arc::new(ConnectionInfo::default());
        let answer_h2 = budget.admit(Response::new(Body::from("seven")), Some(Arc::clone(&info)));
        assert_eq!(
            (budget.taken(), info.unsent.load(Ordering::Relaxed)),
            (5, 1)
        );
        drop(answer_h2);
        assert_eq!(
            (budget.taken(), info.unsent.load(Ordering::Relaxed)),
            (0, 0)
        );
        // An answer that is larger than the limit is sent, but only alone.
        let large = answer(900_000);
        assert_eq!((large.status(), budget.taken()), (StatusCode::OK, 900_000));
        assert_eq!(answer(100_000).status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
