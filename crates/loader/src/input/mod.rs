//! Inputs: the bytes of a path or of standard input. They are counted as they are stored, and then
//! decompressed.

pub(crate) mod address;
mod decode;
pub(crate) mod detect;
pub(crate) mod gzip;
pub(crate) mod script;
pub(crate) mod transcode;
mod xml_root;
pub(crate) mod zip;

use crate::error::LoadError;
use crate::format::InputFormat;
use crate::input::gzip::GzipMembers;
use crate::report::notes::Notes;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The number of decompressed bytes that are read ahead as a sample. It is a choice: any usual
/// header is shorter than 256 KiB.
pub(crate) const SAMPLE: usize = 256 << 10;

/// The number of bytes that one read gets from the operating system: a choice.
const CHUNK: usize = 128 << 10;

/// An opened input: the name and the counts of its origin, and its decompressed bytes.
pub(crate) struct Input {
    pub(crate) origin: Origin,
    /// The first [`SAMPLE`] bytes, or all bytes if there are fewer. A byte-order mark of UTF-8 is
    /// left out.
    pub(crate) sample: Vec<u8>,
    /// True if the sample is the whole content.
    pub(crate) whole: bool,
    /// A reader of the decompressed bytes that follow the sample.
    pub(crate) rest: Box<dyn Read + Send>,
}

/// The origin of an input's bytes: a name for messages, and counts of bytes before decompression,
/// which show the progress. Clones share the count of bytes that were read.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) name: Arc<str>,
    /// The size in bytes before decompression; `None` if it is not known.
    pub(crate) bytes_total: Option<u64>,
    bytes_read: Arc<AtomicU64>,
    compression: Option<&'static str>,
    byte_notes: Arc<ByteNotes>,
}

/// Facts about an input's bytes that come to light while they are read. The report of the load
/// states them as notes.
#[derive(Default)]
struct ByteNotes {
    /// True if bytes that are no compressed data follow the compressed data.
    junk: AtomicBool,
    /// True if some of the text is not UTF-8 and was read as windows-1252.
    mixed: AtomicBool,
    /// The name of the encoding in which the text was read, if some of the text is not valid in it.
    broken: OnceLock<&'static str>,
    /// The file's format, if the options name columns for longitude and latitude although the
    /// positions of this format are in no columns.
    no_columns: OnceLock<InputFormat>,
}

impl Origin {
    /// The origin of rows that are in memory already, so that no bytes are counted. `name` is the
    /// name in messages.
    pub(crate) fn in_memory(name: &str) -> Self {
        Self {
            name: name.into(),
            bytes_total: None,
            bytes_read: Arc::default(),
            compression: None,
            byte_notes: Arc::default(),
        }
    }

    /// Records that bytes after the compressed data are ignored.
    pub(crate) fn note_junk(&self) {
        self.byte_notes.junk.store(true, Ordering::Relaxed);
    }

    /// Records that some text is not UTF-8.
    pub(crate) fn note_mixed_text(&self) {
        self.byte_notes.mixed.store(true, Ordering::Relaxed);
    }

    /// Records that some text is not valid in the encoding in which it is read.
    pub(crate) fn note_broken_text(&self, encoding: &'static str) {
        let _ = self.byte_notes.broken.set(encoding);
    }

    /// Records that the options name columns for longitude and latitude which this format doesn't
    /// have.
    pub(crate) fn note_unused_columns(&self, format: InputFormat) {
        let _ = self.byte_notes.no_columns.set(format);
    }

    /// Sets those notes of a source's report that are about the input.
    pub(crate) fn add_notes(&self, notes: &mut Notes) {
        notes.of_bytes = self.byte_notes();
        let ByteNotes { mixed, broken, .. } = &*self.byte_notes;
        notes.tells_text = mixed.load(Ordering::Relaxed) || broken.get().is_some();
    }

    /// The notes for reports about the input's bytes, one line each.
    fn byte_notes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.byte_notes.mixed.load(Ordering::Relaxed) {
            lines.push(
                "text that is no UTF-8 is read as windows-1252 (`encoding` NAME reads all text \
                 as another)"
                    .to_owned(),
            );
        }
        if let Some(encoding) = self.byte_notes.broken.get() {
            lines.push(format!(
                "some of its text is no {encoding} and reads \u{fffd} (`encoding` NAME reads it \
                 as another)"
            ));
        }
        if self.byte_notes.junk.load(Ordering::Relaxed) {
            lines.push("what follows the gzip data is none, and is left out".to_owned());
        }
        if let Some(format) = self.byte_notes.no_columns.get() {
            lines.push(format!(
                "`lon` and `lat` are not used: positions of {format} are in no columns"
            ));
        }
        lines
    }

    /// The number of bytes read so far, counted before decompression.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The input's name as a `String`, for errors.
    pub(crate) fn file(&self) -> String {
        self.name.to_string()
    }

    /// Wraps `reader` in a reader that adds the bytes read to this origin's count.
    pub(crate) fn counted<R>(&self, reader: R) -> CountedReader<R> {
        CountedReader {
            reader,
            bytes_read: Arc::clone(&self.bytes_read),
        }
    }

    /// Adds bytes that were not read through [`counted`](Self::counted) to the count of bytes read.
    pub(crate) fn count(&self, bytes: usize) {
        self.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns true if the bytes are compressed.
    #[cfg(feature = "remote")]
    pub(crate) fn is_packed(&self) -> bool {
        self.compression.is_some()
    }

    /// A copy of the origin for opening the file a second time. Its count of bytes read begins at 0
    /// and is its own.
    pub(crate) fn afresh(&self) -> Self {
        Self {
            bytes_read: Arc::default(),
            ..self.clone()
        }
    }

    /// The error for a failed read. If compressed data end early, it states that the file is cut
    /// off. A [`LoadError`] that a reader has put into `source` is returned as it is.
    pub(crate) fn read_error(&self, source: io::Error) -> LoadError {
        let file = self.file();
        match self.compression {
            Some(compression) if source.kind() == io::ErrorKind::UnexpectedEof => {
                LoadError::Truncated { file, compression }
            }
            _ => source
                .downcast::<LoadError>()
                .unwrap_or_else(|source| LoadError::Read { file, source }),
        }
    }
}

impl Input {
    /// Opens the file at a path. The path `-` means standard input.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        if path.as_os_str() == "-" {
            return Self::new(io::stdin(), "standard input", None);
        }
        let file = path.display().to_string();
        let failed = |source| LoadError::Open {
            file: file.clone(),
            source,
        };
        let opened = File::open(path).map_err(failed)?;
        let metadata = opened.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(LoadError::Directory { file });
        }
        // A pipe has a name but no known size.
        let size = metadata.is_file().then_some(metadata.len());
        Self::new(opened, &file, size)
    }

    /// Returns true if the input is an uncompressed file, which can be opened again and read at any
    /// offset.
    pub(crate) fn is_plain_file(&self) -> bool {
        self.origin.bytes_total.is_some() && self.origin.compression.is_none()
    }

    /// Makes an input from a reader. Compression is recognised by the first bytes. `bytes_total` is
    /// the number of bytes before decompression; `None` if it is not known.
    pub(crate) fn new(
        reader: impl Read + Send + 'static,
        name: &str,
        bytes_total: Option<u64>,
    ) -> Result<Self, LoadError> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut origin = Origin {
            name: name.into(),
            bytes_total,
            bytes_read: Arc::clone(&bytes_read),
            compression: None,
            byte_notes: Arc::default(),
        };
        let mut stored = BufReader::with_capacity(CHUNK, CountedReader { reader, bytes_read });
        let mut magic = Vec::new();
        fill(&mut stored, &mut magic, 4).map_err(|e| origin.read_error(e))?;
        origin.compression = match magic.as_slice() {
            [0x1f, 0x8b, ..] => Some("gzip"),
            [0x28, 0xb5, 0x2f, 0xfd] => Some("zstd"),
            _ => None,
        };
        let stored = Cursor::new(magic).chain(stored);
        let rest: Box<dyn Read + Send> = match origin.compression {
            Some("gzip") => Box::new(GzipMembers::new(stored, origin.clone())),
            Some(_) => Box::new(
                zstd::stream::read::Decoder::with_buffer(stored)
                    .map_err(|e| origin.read_error(e))?,
            ),
            None => Box::new(stored),
        };
        Self::from_bytes(rest, origin)
    }

    /// Makes an input from decompressed bytes. The first [`SAMPLE`] bytes, or all if there are
    /// fewer, are read as the sample, without a byte-order mark of UTF-8.
    pub(crate) fn from_bytes(
        mut rest: Box<dyn Read + Send>,
        origin: Origin,
    ) -> Result<Self, LoadError> {
        let mut sample = Vec::new();
        let whole = fill(&mut rest, &mut sample, SAMPLE).map_err(|e| origin.read_error(e))?;
        if sample.starts_with(b"\xef\xbb\xbf") {
            sample.drain(..3);
        }
        Ok(Self {
            origin,
            sample,
            whole,
            rest,
        })
    }
}

/// Reads until `buffer` holds `target` bytes. Returns true if the reader ended before that.
///
/// The result doesn't depend on the number of bytes that the reader gives at a time.
pub(crate) fn fill(reader: &mut dyn Read, buffer: &mut Vec<u8>, target: usize) -> io::Result<bool> {
    let wanted = target.saturating_sub(buffer.len());
    buffer.reserve_exact(wanted);
    let got = reader.take(wanted as u64).read_to_end(buffer)?;
    Ok(got < wanted)
}

/// A reader that counts the bytes that are read through it, before any decompression.
pub(crate) struct CountedReader<R> {
    reader: R,
    bytes_read: Arc<AtomicU64>,
}

impl<R: Seek> Seek for CountedReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}

impl<R: Read> Read for CountedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.bytes_read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
