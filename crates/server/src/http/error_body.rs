//! Refusals of requests that no route ever sees.
//!
//! What can't be read as HTTP (a raw `<` or a blank in an address, a head of many kilobytes) hyper
//! refuses by itself, with a status and nothing else. Those few bytes are found on their way out,
//! and sent with what every other refusal has: a sentence that says what to do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// hyper's own refusals are shorter.
const LONGEST: usize = 256;

/// A connection whose bare refusals are explained.
#[derive(Debug)]
pub(crate) struct Explained<S> {
    stream: S,
    instead: Option<Instead>,
}

/// An answer on its way in another's place.
#[derive(Debug)]
struct Instead {
    answer: Vec<u8>,
    sent: usize,
    /// The length of what it replaces.
    replaced: usize,
}

impl<S> Explained<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            instead: None,
        }
    }
}

/// The answer in the place of a bare refusal; `None` for anything else.
fn explained(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"HTTP/1.") || bytes.len() > LONGEST {
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
    // ours say what their body is
    let bare = "content-length: 0";
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    let at = lines.iter().position(|line| *line == bare)?;
    if lines.iter().any(|line| line.starts_with("content-type")) {
        return None;
    }
    let body = serde_json::json!({ "error": why }).to_string();
    let length = format!("content-length: {}", body.len());
    lines.splice(
        at..=at,
        [
            "content-type: application/json",
            length.as_str(),
            "cache-control: no-store",
            "access-control-allow-origin: *",
            "x-content-type-options: nosniff",
        ],
    );
    Some(format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes())
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, instead } = self.get_mut();
        if instead.is_none() {
            *instead = explained(bytes).map(|answer| Instead {
                answer,
                sent: 0,
                replaced: bytes.len(),
            });
        }
        let Some(answer) = instead else {
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
        *instead = None;
        Poll::Ready(Ok(replaced))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.iter().find(|part| !part.is_empty());
        let first: &[u8] = first.map_or(&[], |part| part);
        if self.instead.is_some() || explained(first).is_some() {
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

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
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
                let mut near = Explained::new(near);
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
            assert_eq!(explained(bytes), None);
        }
    }
}
