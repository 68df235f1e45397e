//! The sink of log lines: standard error, which may be closed, or whose reader may be stuck.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The largest number of lines that may wait for the thread that writes them. Further lines are
/// dropped. A choice.
const MAX_WAITING: usize = 1024;

/// The longest time that the program waits at its end until the last lines are written.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// The way in which lines reach standard error: written at once on a terminal, otherwise sent to a
/// thread that writes them.
pub(super) enum Sink {
    Terminal,
    Thread(SyncSender<SinkMessage>),
}

/// A message to the thread that writes lines: a line to write, or a request for an answer once all
/// earlier lines are written.
pub(super) enum SinkMessage {
    Line(String),
    Flush(SyncSender<()>),
}

impl Sink {
    pub(super) fn new() -> Self {
        if io::stderr().is_terminal() {
            return Self::Terminal;
        }
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let writer = thread::Builder::new().name("log".to_owned());
        match writer.spawn(move || write_all(&receiver)) {
            Ok(_) => Self::Thread(sender),
            Err(_) => Self::Terminal,
        }
    }

    pub(super) fn write(&self, line: String) {
        match self {
            Self::Terminal => write_to_stderr(&line),
            // If the channel is full, the line is dropped: the reader of standard error is gone or
            // stuck.
            Self::Thread(sender) => _ = sender.try_send(SinkMessage::Line(line)),
        }
    }

    pub(super) fn flush(&self) {
        let Self::Thread(sender) = self else { return };
        let since = Instant::now();
        let (done, written) = sync_channel(1);
        while sender.try_send(SinkMessage::Flush(done.clone())).is_err() {
            if since.elapsed() >= FLUSH_TIMEOUT {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = written.recv_timeout(FLUSH_TIMEOUT.saturating_sub(since.elapsed()));
    }
}

fn write_all(lines: &Receiver<SinkMessage>) {
    for message in lines {
        match message {
            SinkMessage::Line(line) => write_to_stderr(&line),
            SinkMessage::Flush(done) => _ = done.try_send(()),
        }
    }
}

/// Writes to standard error. Errors are ignored, since standard error may be closed.
fn write_to_stderr(line: &str) {
    let _ = io::stderr().lock().write_all(line.as_bytes());
}
