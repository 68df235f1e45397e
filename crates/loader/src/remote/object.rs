//! What is at an address: its first bytes, any range of it, or all of it one after the other.

use super::client::{UNKNOWN, failed, is_strange, status, store, wait};
use crate::address::{scheme, shown_source};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Read to see what it is: enough for the header of any format that is read at places.
const FIRST: u64 = 64 << 10;

/// Tries to read a range whose bytes break off.
const TRIES: usize = 3;

/// A server that takes so long …
const WINDOW: Duration = Duration::from_secs(60);
/// … for so few bytes has better be left.
const LEAST: u64 = 16 << 10;

/// Something at an address.
#[derive(Clone)]
pub(crate) struct Object {
    address: Arc<str>,
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// What the first answer has said.
    known: Validators,
}

/// What a server says of an object beside its bytes.
#[derive(Clone, Debug, Default)]
struct Validators {
    size: Option<u64>,
    e_tag: Option<String>,
    /// Seconds; 0 if it isn't said.
    modified: i64,
}

impl Validators {
    fn of(meta: &ObjectMeta) -> Self {
        Self {
            size: Some(meta.size).filter(|&size| size < UNKNOWN),
            e_tag: meta.e_tag.clone(),
            modified: meta.last_modified.timestamp(),
        }
    }

    /// Whether a later answer is about the same bytes, as far as servers say.
    fn is_still(&self, later: &Self) -> bool {
        let same_time = match (&self.e_tag, &later.e_tag) {
            (Some(tag), Some(other)) => tag == other,
            _ => self.modified == later.modified,
        };
        same_time && self.size == later.size
    }

    /// What tells two states apart; without it they may be the same or not.
    fn version(&self) -> Option<String> {
        match (&self.e_tag, self.modified) {
            (Some(tag), _) => Some(tag.clone()),
            (None, 1..) => Some(format!("{} {:?}", self.modified, self.size)),
            (None, _) => None,
        }
    }
}

/// The first probe at an object.
pub(super) enum Probe {
    /// Its beginning; the server gives ranges of it.
    Ranges(Bytes),
    /// All of it and nothing else.
    Whole(Stream),
}

impl Object {
    /// What is at an address: asked for when it is looked at.
    pub(super) fn at(address: &str) -> io::Result<Self> {
        let (store, path) = store(address)?;
        Ok(Self {
            address: address.into(),
            store,
            path,
            known: Validators::default(),
        })
    }

    /// Something beside it whose name ends differently; `None` if its own has no such end.
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
        Some(Self::at(&format!("{stem}.{other}{query}")))
    }

    /// As messages show it.
    pub(super) fn shown(&self) -> String {
        shown_source(&self.address)
    }

    /// How long it is, where that is said.
    pub(crate) fn size(&self) -> Option<u64> {
        self.known.size
    }

    /// Asks for the beginning, and learns by it whether ranges can be had.
    pub(super) fn probe(&mut self) -> io::Result<Probe> {
        match self.ask(Some(0..FIRST), None)? {
            Ok(answer) => {
                self.known = Validators::of(&answer.meta);
                let length = answer.range.end - answer.range.start;
                Ok(Probe::Ranges(Stream::of(answer).all(length)?))
            }
            // no ranges or strange ones, or nothing at all in the file
            Err(error) if matches!(status(&error), Some(200 | 416)) || is_strange(&error) => {
                let answer = self.ask(None, None)?.map_err(failed)?;
                self.known = Validators::of(&answer.meta);
                Ok(Probe::Whole(Stream::of(answer)))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// What is there now, to be held against what was: `None` if the server says nothing of that.
    pub(super) fn version(&self, known: Option<&str>) -> io::Result<Option<String>> {
        let known = known.filter(|known| known.ends_with('"'));
        let unchanged = || Ok(known.map(str::to_owned));
        match self.ask(Some(0..1), known)? {
            Ok(answer) => return Ok(Validators::of(&answer.meta).version()),
            Err(error) => match status(&error) {
                Some(304) => return unchanged(),
                Some(200 | 416) => {}
                _ => return Err(failed(error)),
            },
        }
        // only the head of this answer is read
        match self.ask(None, known)? {
            Ok(answer) => Ok(Validators::of(&answer.meta).version()),
            Err(error) if status(&error) == Some(304) => unchanged(),
            Err(error) => Err(failed(error)),
        }
    }

    /// All bytes of a range.
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

    /// What follows a place, one after the other.
    pub(super) fn part(&self, range: Range<u64>) -> io::Result<Stream> {
        let answer = self.ask(Some(range), None)?.map_err(failed)?;
        if !self.known.is_still(&Validators::of(&answer.meta)) {
            return Err(io::Error::other("the file has changed while it was read"));
        }
        Ok(Stream::of(answer))
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

/// The bytes of an answer as they come; no more of them are taken than are read.
pub(crate) struct Stream {
    chunks: Option<ByteChunks>,
    chunk: Bytes,
    /// Bytes that are still to come, where that is known.
    left: Option<u64>,
    pace: Pace,
}

impl Stream {
    fn of(answer: GetResult) -> Self {
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
            // more than was asked for is nobody's
            chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= chunk.len() as u64;
        }
        if self.left != Some(0) {
            self.chunks = Some(chunks);
        }
        Ok(Some(chunk))
    }
}

impl Read for Stream {
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

/// Whether a server sends fast enough to ever come to an end. Only waiting counts: whoever reads
/// may be as slow as they like.
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

/// What follows the first bytes, asked for when it is wanted.
pub(super) struct RemainingBytes {
    object: Object,
    from: u64,
    stream: Option<Stream>,
}

impl RemainingBytes {
    pub(super) fn new(object: Object, from: u64) -> Self {
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
            let object = Object::at(address).unwrap();
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
