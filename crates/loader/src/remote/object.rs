//! Objects at addresses, of which the first bytes, any range, or all bytes as a stream can be read.

use super::client::{UNKNOWN, failed, is_strange, retries, status, store, wait};
use crate::input::address::{scheme, shown_source};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The number of bytes that the first request asks for: 64 KiB. This is enough for the header of
/// each format that is read by ranges.
const FIRST: u64 = 64 << 10;

/// The most times that a range is requested, if its bytes end early: a choice.
const TRIES: usize = 3;

/// The time that reads wait for a server, added up over several reads, after which the server's
/// speed is checked: a choice.
const WINDOW: Duration = Duration::from_secs(60);
/// The least number of bytes that a server must send while reads wait for [`WINDOW`]: a choice.
const LEAST: u64 = 16 << 10;

/// An object at an address: a file of a web server, or an object of S3.
#[derive(Clone)]
pub(crate) struct RemoteObject {
    address: Arc<str>,
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// The validators in the first response. The validators in later responses must equal them.
    known: Validators,
}

/// Validators: the ETag, time of modification and size in a response. By them two responses are
/// recognised as parts of one version of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Validators {
    size: Option<u64>,
    e_tag: Option<String>,
    /// The time of modification in seconds since 1970; 0 if the server doesn't state it.
    modified: i64,
}

impl Validators {
    pub(super) fn from_meta(meta: &ObjectMeta) -> Self {
        Self {
            size: Some(meta.size).filter(|&size| size < UNKNOWN),
            e_tag: meta.e_tag.clone(),
            modified: meta.last_modified.timestamp(),
        }
    }

    /// Returns whether a later response, with the validators `later`, comes from the version of the
    /// object that `self` describes.
    pub(super) fn is_still(&self, later: &Self) -> bool {
        let same_time = match (&self.e_tag, &later.e_tag) {
            (Some(tag), Some(other)) => tag == other,
            _ => self.modified == later.modified,
        };
        same_time && self.size == later.size
    }

    /// Returns true if these validators would differ for another version of the object.
    pub(super) fn tell_versions(&self) -> bool {
        self.version().is_some()
    }

    /// The object's version as a text; `None` if the server states neither an ETag nor a time of
    /// modification.
    fn version(&self) -> Option<String> {
        match (&self.e_tag, self.modified) {
            (Some(tag), _) => Some(tag.clone()),
            (None, 1..) => Some(format!("{} {:?}", self.modified, self.size)),
            (None, _) => None,
        }
    }
}

/// The response to the first request for an object, which asks for the object's beginning.
pub(super) enum Probe {
    /// The object's first bytes. The server supports ranges.
    Ranges(Bytes),
    /// All bytes of the object. The server doesn't support ranges.
    Whole(ByteStream),
}

impl RemoteObject {
    /// An object at an address. No request is sent yet.
    pub(super) fn new(address: &str) -> io::Result<Self> {
        let (store, path) = store(address, retries())?;
        Ok(Self {
            address: address.into(),
            store,
            path,
            known: Validators::default(),
        })
    }

    /// The object whose address differs only in the extension: `other` instead of `own`. `None` if
    /// the extension in this object's address isn't `own`.
    pub(super) fn beside(&self, own: &str, other: &str) -> Option<io::Result<Self>> {
        let is_s3 = matches!(scheme(&self.address), Some(("s3", _)));
        let end = match self.address.find(['?', '#']).filter(|_| !is_s3) {
            Some(end) => end,
            None => self.address.len(),
        };
        let (path, query) = self.address.split_at_checked(end)?;
        let (stem, extension) = path.rsplit_once('.')?;
        if !extension.eq_ignore_ascii_case(own) {
            return None;
        }
        let other = match extension.chars().any(char::is_lowercase) {
            true => other.to_owned(),
            false => other.to_uppercase(),
        };
        Some(Self::new(&format!("{stem}.{other}{query}")))
    }

    /// The object's address as messages show it, without secrets.
    pub(super) fn shown(&self) -> String {
        shown_source(&self.address)
    }

    /// The validators in the first response.
    pub(super) fn validators(&self) -> &Validators {
        &self.known
    }

    /// The object's size in bytes; `None` if the server doesn't state it.
    pub(crate) fn size(&self) -> Option<u64> {
        self.known.size
    }

    /// Requests the first bytes of the object. The response shows whether the server supports
    /// ranges.
    pub(super) fn probe(&mut self) -> io::Result<Probe> {
        match self.ask(Some(0..FIRST), None)? {
            Ok(answer) => {
                self.known = Validators::from_meta(&answer.meta);
                let length = answer.range.end - answer.range.start;
                Ok(Probe::Ranges(ByteStream::new(answer).all(length)?))
            }
            // The server doesn't support ranges, its response to one is invalid, or the object is
            // empty.
            Err(error) if matches!(status(&error), Some(200 | 416)) || is_strange(&error) => {
                let answer = self.ask(None, None)?.map_err(failed)?;
                self.known = Validators::from_meta(&answer.meta);
                Ok(Probe::Whole(ByteStream::new(answer)))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The object's current version; `None` if the server states none. `known` is the version that
    /// the caller has. If it is an ETag, the server may answer just that the object is unchanged.
    pub(super) fn version(&self, known: Option<&str>) -> io::Result<Option<String>> {
        let known = known.filter(|known| known.ends_with('"'));
        let unchanged = || Ok(known.map(str::to_owned));
        match self.ask(Some(0..1), known)? {
            Ok(answer) => return Ok(Validators::from_meta(&answer.meta).version()),
            Err(error) => match status(&error) {
                Some(304) => return unchanged(),
                Some(200 | 416) => {}
                _ => return Err(failed(error)),
            },
        }
        // This response holds the whole object, but its body is not read.
        match self.ask(None, known)? {
            Ok(answer) => Ok(Validators::from_meta(&answer.meta).version()),
            Err(error) if status(&error) == Some(304) => unchanged(),
            Err(error) => Err(failed(error)),
        }
    }

    /// Reads all bytes of a range into memory. If the response ends early, the range is requested
    /// again, [`TRIES`] times in all.
    pub(crate) fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let end = range.end;
        if range.start > end || self.known.size.is_some_and(|size| end > size) {
            let message = format!("it has no bytes {} to {end}", range.start);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let length = end - range.start;
        let mut last = None;
        for _ in 0..TRIES {
            match self.part(range.clone())?.all(length) {
                Ok(bytes) => return Ok(bytes),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("nothing was tried")))
    }

    /// Requests a range, and returns its bytes as a stream. It is an error if the object has
    /// changed since the first request.
    pub(super) fn part(&self, range: Range<u64>) -> io::Result<ByteStream> {
        let answer = self.ask(Some(range), None)?.map_err(failed)?;
        if !self.known.is_still(&Validators::from_meta(&answer.meta)) {
            return Err(io::Error::other("the file has changed while it was read"));
        }
        Ok(ByteStream::new(answer))
    }

    fn ask(
        &self,
        range: Option<Range<u64>>,
        if_none_match: Option<&str>,
    ) -> io::Result<object_store::Result<GetResult>> {
        let (store, path) = (Arc::clone(&self.store), self.path.clone());
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            if_none_match: if_none_match.map(str::to_owned),
            ..GetOptions::default()
        };
        wait(async move { store.get_opts(&path, options).await })
    }
}

type ByteChunks = BoxStream<'static, object_store::Result<Bytes>>;

/// The bytes of a response, received only when they are read.
pub(crate) struct ByteStream {
    chunks: Option<ByteChunks>,
    chunk: Bytes,
    /// The number of bytes of the response that are not received yet; `None` if the server didn't
    /// state the length.
    left: Option<u64>,
    pace: Pace,
}

impl ByteStream {
    fn new(answer: GetResult) -> Self {
        let length = answer.range.end - answer.range.start;
        Self {
            left: Some(length).filter(|&length| length < UNKNOWN),
            chunks: Some(answer.into_stream()),
            chunk: Bytes::new(),
            pace: Pace::new(WINDOW, LEAST),
        }
    }

    fn all(mut self, length: u64) -> io::Result<Bytes> {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(8 << 20));
        (&mut self).take(length).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(mut chunks) = self.chunks.take() else {
            return Ok(None);
        };
        let asked = Instant::now();
        let (chunk, chunks) = wait(async move { (chunks.next().await, chunks) })?;
        let mut chunk = match chunk {
            Some(chunk) => chunk.map_err(failed)?,
            None if self.left.is_some_and(|left| left > 0) => {
                let left = self.left.unwrap_or_default();
                let message = format!("the server stops {left} bytes before the end");
                return Err(io::Error::other(message));
            }
            None => return Ok(None),
        };
        self.pace.check(asked.elapsed(), chunk.len() as u64)?;
        if let Some(left) = &mut self.left {
            // A server may send more bytes than the range has. These are dropped.
            chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= chunk.len() as u64;
        }
        if self.left != Some(0) {
            self.chunks = Some(chunks);
        }
        Ok(Some(chunk))
    }
}

impl Read for ByteStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.next()? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let n = buffer.len().min(self.chunk.len());
        let taken = self.chunk.split_to(n);
        if let Some(to) = buffer.get_mut(..n) {
            to.copy_from_slice(&taken);
        }
        Ok(n)
    }
}

/// A check that a server isn't too slow. The server must send at least `least` bytes in each
/// `window` of time that reads spend waiting for it. No other time counts, so a slow reader of the
/// bytes causes no error.
struct Pace {
    window: Duration,
    least: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(window: Duration, least: u64) -> Self {
        Self {
            window,
            least,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    fn check(&mut self, waited: Duration, bytes: u64) -> io::Result<()> {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < self.window {
            return Ok(());
        }
        if self.bytes < self.least {
            let (bytes, seconds) = (self.bytes, self.waited.as_secs());
            let message = format!("the server is too slow: {bytes} bytes in {seconds} s");
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        *self = Self::new(self.window, self.least);
        Ok(())
    }
}

/// The bytes of an object after the bytes of the first request. They are requested when the first
/// of them is read.
pub(super) struct RemainingBytes {
    object: RemoteObject,
    from: u64,
    stream: Option<ByteStream>,
}

impl RemainingBytes {
    pub(super) fn new(object: RemoteObject, from: u64) -> Self {
        Self {
            object,
            from,
            stream: None,
        }
    }
}

impl Read for RemainingBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let end = self.object.size().unwrap_or(0);
                if self.from >= end {
                    return Ok(0);
                }
                self.stream.insert(self.object.part(self.from..end)?)
            }
        };
        stream.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_drips_is_left_and_a_slow_reader_is_not() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(10 * second, 100);
        for _ in 0..9 {
            pace.check(second, 1).unwrap();
        }
        let error = pace.check(second, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the server is too slow: 10 bytes in 10 s"
        );
        let mut pace = Pace::new(10 * second, 100);
        for _ in 0..1000 {
            pace.check(second, 10).unwrap();
        }
    }

    #[test]
    fn what_is_beside_an_address() {
        let beside = |address: &str| {
            let object = RemoteObject::new(address).unwrap();
            Some(object.beside("shp", "dbf")?.unwrap().address.to_string())
        };
        for (address, other) in [
            ("http://h/a.b/c.shp", Some("http://h/a.b/c.dbf")),
            ("http://h/C.SHP?v=1.shp", Some("http://h/C.DBF?v=1.shp")),
            ("s3://b/a?c.shp", Some("s3://b/a?c.dbf")),
            ("http://h/get?file=c.shp", None),
        ] {
            assert_eq!(beside(address).as_deref(), other, "{address}");
        }
    }
}
