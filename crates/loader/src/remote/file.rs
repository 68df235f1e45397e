//! Files at addresses that are read range by range for as long as a program runs, for example by a
//! server whose pictures need a few of their pages.

use super::circuit::{Circuit, Pass};
use super::client::{failed, no_retries, retry_after, status, store, wait_or_cancel};
use super::object::{Probe, RemoteObject, Validators};
use crate::error::LoadError;
use crate::input::address::shown_source;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The least time limit of a request whose failure counts as a failure of the server. With a
/// shorter limit, the request may have failed because of the limit. A choice.
const FAIR: Duration = Duration::from_secs(1);

/// A file at an HTTP or S3 address, of which any ranges are read. All ranges are of one version of
/// the file: once it has changed at its address, every read is an error.
///
/// Several threads can read from it at the same time.
pub struct RemoteFile {
    shown: String,
    store: Arc<dyn ObjectStore>,
    path: Path,
    validators: Validators,
    size: u64,
    /// The first bytes, which came when the file was opened.
    first: Bytes,
    changed: Arc<AtomicBool>,
    circuit: Circuit,
}

/// A reason why a range can't be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct RangeError {
    message: String,
    kind: RangeErrorKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RangeErrorKind {
    /// The server may give the range later, not before the time `after` has passed.
    Temporary { after: Duration },
    /// Asking again is of no use.
    Lasting,
    /// The file has changed.
    Changed,
}

impl RangeError {
    fn new(kind: RangeErrorKind, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind,
        }
    }

    fn temporary(message: impl Into<String>) -> Self {
        let after = Duration::ZERO;
        Self::new(RangeErrorKind::Temporary { after }, message)
    }

    fn changed() -> Self {
        let message = "the file has changed at its address";
        Self::new(RangeErrorKind::Changed, message)
    }

    /// The time after which the range may be there: the time that the server states, or 0 if it
    /// states none. `None` if the same request would fail again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            RangeErrorKind::Temporary { after } => Some(after),
            _ => None,
        }
    }

    fn from_store(error: object_store::Error) -> Self {
        let after = retry_after(&error).unwrap_or_default();
        let kind = match status(&error) {
            Some(200) => {
                let message = "the server answers a range with the whole file";
                return Self::new(RangeErrorKind::Lasting, message);
            }
            Some(412 | 416) => return Self::changed(),
            None | Some(408 | 429 | 500..) => RangeErrorKind::Temporary { after },
            Some(_) => RangeErrorKind::Lasting,
        };
        Self::new(kind, failed(error).to_string())
    }
}

impl RemoteFile {
    /// Opens the file at an address, by one request for its first bytes.
    ///
    /// # Errors
    /// The server can't be reached, has no such file, or can't send ranges of it.
    pub fn open(address: &str) -> Result<Self, LoadError> {
        let shown = shown_source(address);
        Self::opened(address, shown.clone()).map_err(|source| LoadError::Open {
            file: shown,
            source,
        })
    }

    fn opened(address: &str, shown: String) -> io::Result<Self> {
        let mut object = RemoteObject::new(address)?;
        let first = match object.probe()? {
            Probe::Ranges(first) => first,
            Probe::Whole(_) if object.size() == Some(0) => {
                return Err(io::Error::other("the file is empty"));
            }
            Probe::Whole(_) => {
                let message = "the server doesn't support ranges: it answers them with the whole \
                               file; download the file, or put it on a server that does";
                return Err(io::Error::other(message));
            }
        };
        if !object.validators().tell_versions() {
            let message = "the server states neither an ETag nor a time of modification, so a change \
                           of the file would not be noticed";
            return Err(io::Error::other(message));
        }
        let no_size = || io::Error::other("the server doesn't state the file's length");
        let (store, path) = store(address, no_retries())?;
        Ok(Self {
            shown,
            store,
            path,
            validators: object.validators().clone(),
            size: object.size().ok_or_else(no_size)?,
            first,
            changed: Arc::default(),
            circuit: Circuit::default(),
        })
    }

    /// The address as messages may show it: without secrets.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The length of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A flag that becomes true when a read finds that the file has changed.
    pub fn changed(&self) -> &Arc<AtomicBool> {
        &self.changed
    }

    /// Reads ranges, all at the same time, each by one request that may take as long as `limit`.
    /// The results are in the order of the ranges. If the work of the calling thread is cancelled,
    /// the requests end early.
    pub fn read(&self, ranges: &[Range<u64>], limit: Duration) -> Vec<Result<Bytes, RangeError>> {
        let missing = ranges
            .iter()
            .filter(|range| self.first_bytes(range).is_none());
        let mut asked = self.ask(missing.cloned().collect(), limit).into_iter();
        let results = ranges.iter().map(|range| {
            let next = || asked.next().unwrap_or_else(|| Err(RangeError::changed()));
            self.first_bytes(range).map_or_else(next, Ok)
        });
        results.collect()
    }

    /// The bytes of a range, if all of them are among the file's first bytes, which are in memory;
    /// otherwise `None`.
    fn first_bytes(&self, range: &Range<u64>) -> Option<Bytes> {
        let (start, end) = (range.start as usize, range.end as usize);
        let inside = start <= end && range.end <= self.first.len() as u64;
        inside.then(|| self.first.slice(start..end))
    }

    fn ask(&self, ranges: Vec<Range<u64>>, limit: Duration) -> Vec<Result<Bytes, RangeError>> {
        let count = ranges.len();
        let all = |error: RangeError| vec![Err(error); count];
        if count == 0 {
            return Vec::new();
        }
        if self.changed.load(Ordering::Relaxed) {
            return all(RangeError::changed());
        }
        let pass = match self.circuit.enter(limit) {
            Ok(pass) => pass,
            Err(why) => return all(RangeError::new(RangeErrorKind::Lasting, why)),
        };
        let requests = ranges.into_iter().map(|range| {
            let request = self.request(range);
            async move {
                let late = || RangeError::temporary("the server doesn't answer in time");
                let answer = tokio::time::timeout(limit, request).await;
                answer.unwrap_or_else(|_| Err(late()))
            }
        });
        let requests: Vec<_> = requests.collect();
        let results = match wait_or_cancel(async move { join_all(requests).await }) {
            Ok(results) => results,
            Err(error) => all(RangeError::temporary(error.to_string())),
        };
        let errors = || results.iter().filter_map(|result| result.as_ref().err());
        if errors().any(|error| error.kind == RangeErrorKind::Changed) {
            self.changed.store(true, Ordering::Relaxed);
        }
        let failure = errors().find(|error| error.retry_after().is_some());
        let failure = failure.filter(|_| results.iter().all(Result::is_err));
        // A request that had little time says nothing about the server if it fails.
        if failure.is_none() || pass == Pass::Probe || limit >= FAIR {
            self.circuit
                .record(pass, failure.map(|error| error.message.as_str()));
        }
        results
    }

    fn request(
        &self,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Bytes, RangeError>> + Send + use<> {
        let (store, path) = (Arc::clone(&self.store), self.path.clone());
        let known = self.validators.clone();
        let is_inside = range.start < range.end && range.end <= self.size;
        async move {
            if !is_inside {
                let message = "it has no such bytes";
                return Err(RangeError::new(RangeErrorKind::Lasting, message));
            }
            let length = (range.end - range.start) as usize;
            let options = GetOptions {
                range: Some(GetRange::Bounded(range)),
                ..GetOptions::default()
            };
            let answer = store.get_opts(&path, options).await;
            let answer = answer.map_err(RangeError::from_store)?;
            if !known.is_still(&Validators::from_meta(&answer.meta)) {
                return Err(RangeError::changed());
            }
            let mut bytes = Vec::with_capacity(length);
            let mut chunks = answer.into_stream();
            while bytes.len() < length {
                let Some(chunk) = chunks.next().await else {
                    let left = length - bytes.len();
                    let message = format!("the server stops {left} bytes before the end");
                    return Err(RangeError::temporary(message));
                };
                let chunk = chunk.map_err(RangeError::from_store)?;
                // A server may send more bytes than the range has. These are dropped.
                let wanted = chunk.len().min(length - bytes.len());
                bytes.extend_from_slice(&chunk.slice(..wanted));
            }
            Ok(bytes.into())
        }
    }
}

impl fmt::Debug for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteFile")
            .field("shown", &self.shown)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
