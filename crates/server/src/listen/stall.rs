//! A deadline for clients that don't read their answers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The rate, in bytes per second, at which a client must read while an answer waits for it. A
/// choice: the rate of a slow telephone line.
pub(crate) const MIN_RATE: f64 = 4096.0;

/// A connection that fails with [`io::ErrorKind::TimedOut`] when its client doesn't read.
///
/// The connection has a patience: the time for which bytes may still wait for the client. It is
/// `limit` at first, and falls while bytes wait. For every [`MIN_RATE`] bytes that the client
/// takes, it rises by a second, up to `limit`. So a client that takes nothing is cut off after
/// `limit`, and one that takes a byte now and then hardly later.
#[derive(Debug)]
pub(crate) struct StallGuard<S> {
    stream: S,
    limit: Duration,
    patience: Duration,
    waiting: Option<StallPeriod>,
    stalled: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
}

/// A period in which the client takes no bytes although some are ready for it: the time when the
/// period began, and the timer at whose end the connection fails.
#[derive(Debug)]
struct StallPeriod {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<S> StallGuard<S> {
    /// Makes a guard of `stream`, whose patience is `limit` at first. `stalled` counts the
    /// connections that fail because of such guards, and `written` the bytes that clients take.
    pub(crate) fn new(
        stream: S,
        limit: Duration,
        stalled: Arc<AtomicU64>,
        written: Arc<AtomicU64>,
    ) -> Self {
        Self {
            stream,
            limit,
            patience: limit,
            waiting: None,
            stalled,
            written,
        }
    }

    /// Adjusts the patience after an attempt to write, and passes on the outcome of the attempt. If
    /// the patience has run out, it returns an error instead.
    fn account(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Pending => {
                let patience = self.patience;
                let waiting = self.waiting.get_or_insert_with(|| StallPeriod {
                    since: Instant::now(),
                    end: Box::pin(sleep(patience)),
                });
                std::task::ready!(waiting.end.as_mut().poll(context));
                self.stalled.fetch_add(1, Ordering::Relaxed);
                let message = "the client doesn't read";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
            }
            Poll::Ready(Ok(bytes)) => {
                self.written.fetch_add(bytes as u64, Ordering::Relaxed);
                if let Some(waiting) = self.waiting.take() {
                    self.patience = self.patience.saturating_sub(waiting.since.elapsed());
                }
                if self.patience < self.limit {
                    let back = Duration::from_secs_f64(bytes as f64 / MIN_RATE);
                    self.patience = self.limit.min(self.patience + back);
                }
                outcome
            }
            Poll::Ready(Err(_)) => outcome,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallGuard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.account(context, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.account(context, outcome)
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

impl<S: AsyncRead + Unpin> AsyncRead for StallGuard<S> {
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

    /// Writes 600 KiB to a client that reads `piece` bytes each second. Returns whether all bytes
    /// arrived, the number of seconds until the end, and the number of connections that the guard
    /// has failed.
    async fn write_to(piece: usize) -> (bool, u64, u64) {
        let stalled = Arc::new(AtomicU64::new(0));
        let (near, mut far) = tokio::io::duplex(1024);
        let mut near = {
            let limit = Duration::from_secs(30);
            StallGuard::new(near, limit, Arc::clone(&stalled), Arc::default())
        };
        let reader = tokio::spawn(async move {
            let mut bytes = vec![0; piece];
            while piece > 0 && far.read_exact(&mut bytes).await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
            sleep(Duration::from_secs(1_000_000)).await;
        });
        let since = Instant::now();
        let written = near.write_all(&vec![1; 600 << 10]).await;
        reader.abort();
        let seconds = since.elapsed().as_secs();
        (written.is_ok(), seconds, stalled.load(Ordering::Relaxed))
    }

    /// The test's clock is paused and jumps over waits, so the seconds don't depend on the machine.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_little_or_nothing_is_let_go_and_a_slow_one_served() {
        assert_eq!(write_to(0).await, (false, 30, 1));
        assert_eq!(write_to(1).await, (false, 30, 1));
        assert_eq!(write_to(512).await, (false, 34, 1));
        let (arrived, _, stalled) = write_to(4096).await;
        assert!(arrived && stalled == 0);
    }
}
