//! Error bodies for requests that hyper can't parse, so that they reach no route.
//!
//! Examples are a URL with an unencoded `<` or blank, or a request head of many kilobytes. hyper
//! answers such a request itself, by a status and an empty body. The stream in this module
//! recognizes such an answer on its way to the client and replaces it by an answer with a body. The
//! body has the form of all other errors of this server: a sentence on which the client can act.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The length in bytes of the longest write that is inspected. The error answers that hyper makes
/// itself are shorter.
const MAX_LENGTH: usize = 256;

/// A connection that adds bodies to hyper's own error answers, which have none.
#[derive(Debug)]
pub(crate) struct ErrorBodyStream<S> {
    stream: S,
    /// True if pages of any origin may read the answers, so that they get the CORS header for it.
    is_public: bool,
    replacement: Option<Replacement>,
}

/// An answer with a body, which is being sent in place of hyper's answer without one.
#[derive(Debug)]
struct Replacement {
    /// The whole answer: its head and its body.
    answer: Vec<u8>,
    /// The number of bytes of `answer` that were sent so far.
    sent: usize,
    /// The length in bytes of hyper's answer. It is reported to hyper as written when the whole
    /// replacement has been sent.
    replaced: usize,
}

impl<S> ErrorBodyStream<S> {
    /// Wraps a connection. If `is_public`, pages of any origin may read the error answers.
    pub(crate) fn new(stream: S, is_public: bool) -> Self {
        Self {
            stream,
            is_public,
            replacement: None,
        }
    }
}

/// The answer with a body that replaces `bytes`, if these are an error answer of hyper without a
/// body; `None` for any other bytes.
fn with_error_body(bytes: &[u8], is_public: bool) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"HTTP/1.") || bytes.len() > MAX_LENGTH {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let why = match head.get(9..12)? {
        "400" => {
            "this can't be read as a request: in an address, characters like < and > and blanks \
             must be percent-encoded, as %3C, %3E and %20"
        }
        "414" => "the address is too long",
        "431" => "the request's headers are too long or too many",
        _ => return None,
    };
    // Error answers of this server's routes have a content type and a body already.
    let bare = "content-length: 0";
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    let at = lines.iter().position(|line| *line == bare)?;
    if lines.iter().any(|line| line.starts_with("content-type")) {
        return None;
    }
    let body = serde_json::json!({ "error": why }).to_string();
    let length = format!("content-length: {}", body.len());
    let mut ours = vec![
        "content-type: application/json",
        length.as_str(),
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    ];
    if is_public {
        ours.push("access-control-allow-origin: *");
    }
    lines.splice(at..=at, ours);
    Some(format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes())
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ErrorBodyStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self {
            stream,
            is_public,
            replacement,
        } = self.get_mut();
        if replacement.is_none() {
            *replacement = with_error_body(bytes, *is_public).map(|answer| Replacement {
                answer,
                sent: 0,
                replaced: bytes.len(),
            });
        }
        let Some(answer) = replacement else {
            return Pin::new(stream).poll_write(context, bytes);
        };
        while let Some(rest @ [_, ..]) = answer.answer.get(answer.sent..) {
            let sent = ready!(Pin::new(&mut *stream).poll_write(context, rest))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            answer.sent += sent;
        }
        let replaced = answer.replaced;
        *replacement = None;
        Poll::Ready(Ok(replaced))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.iter().find(|part| !part.is_empty());
        let first: &[u8] = first.map_or(&[], |part| part);
        if self.replacement.is_some() || with_error_body(first, self.is_public).is_some() {
            return self.poll_write(context, first);
        }
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ErrorBodyStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const BARE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\
        date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";

    #[tokio::test]
    async fn a_bare_refusal_gets_a_sentence_through_a_pipe_of_any_width() {
        for width in [1, 7, 4096] {
            let (near, mut far) = tokio::io::duplex(width);
            let sent = tokio::spawn(async move {
                let mut near = ErrorBodyStream::new(near, true);
                near.write_all(BARE).await.unwrap();
                near.write_all(b"and on").await.unwrap();
            });
            let mut got = String::new();
            far.read_to_string(&mut got).await.unwrap();
            sent.await.unwrap();
            let (head, body) = got.split_once("\r\n\r\n").unwrap();
            let body = body.strip_suffix("and on").unwrap();
            assert!(
                head.contains(&format!("content-length: {}", body.len())),
                "{head}"
            );
            assert!(
                head.contains("date: Thu") && !head.contains("length: 0"),
                "{head}"
            );
            let json: serde_json::Value = serde_json::from_str(body).unwrap();
            assert!(json["error"].as_str().unwrap().contains("%3C"), "{body}");
        }
    }

    #[test]
    fn other_answers_are_left_as_they_are() {
        let ours = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\
            content-length: 0\r\n\r\n";
        for bytes in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n",
            ours.as_bytes(),
            &BARE[..BARE.len() - 1],
            b"HTTP/1.1 4",
            b"",
        ] {
            assert_eq!(with_error_body(bytes, true), None);
        }
    }
}
