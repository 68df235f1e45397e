//! An unfinished export: tiles in the order they were drawn, and a log of them.
//!
//! `NAME.partial` holds the tiles' bytes, each once; `NAME.partial.index` a record of each tile
//! with a digest of its bytes, and a mark after each batch. Whatever moment an export is broken
//! off at, all up to the last whole mark can be told to be good, and drawing goes on behind it.
//! All formats are made from a finished part alone, so they don't know how it came about.

use crate::error::{At as _, ExportError};
use crate::export::Begin;
use crate::fsync::{beside, sync_folder};
use crate::render::{Drawn, Tile, digest};
use flate2::Crc;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::{mem, process};

/// What a log begins with; its settings' digest comes next.
const MAGIC: &[u8; 16] = b"heatsplat part 1";
const HEADER: u64 = 48;
const RECORD: usize = 40;

/// Tiles that are remembered to find equal ones: twice as many at most, 48 bytes each.
const KNOWN: usize = 1 << 20;

/// The largest tile that a part holds.
const LARGEST: u32 = 1 << 26;

/// A stored tile: where its bytes are in the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// Why a part is left alone by a new export.
const LEFT: &str = "is what an export left that was broken off; --resume goes on with it, \
                    --overwrite begins anew";

/// Whether there is nothing to resume, since the target is whole.
fn is_whole(target: &Path, begin: Begin) -> Result<bool, ExportError> {
    let there = fs::symlink_metadata(target).is_ok();
    if there && begin == Begin::Resume && !beside(target, ".partial").exists() {
        return Ok(true);
    }
    if there && begin != Begin::Overwrite {
        let why = "is there already; --overwrite replaces it";
        return Err(ExportError::stands(target, why));
    }
    Ok(false)
}

fn open(path: &Path) -> Result<File, ExportError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).at(path)
}

/// Whether an export to a target may begin, as [`Part::begin`] will find it; false where it is whole
/// and has only to be resumed. Nothing is changed.
pub(crate) fn may_begin(target: &Path, begin: Begin) -> Result<bool, ExportError> {
    if is_whole(target, begin)? {
        return Ok(false);
    }
    let (path, log_path) = (beside(target, ".partial"), beside(target, ".partial.index"));
    match File::options().read(true).write(true).open(&log_path) {
        Ok(log) => {
            lock(&log, target)?;
            if begin == Begin::New && log.metadata().at(&log_path)?.len() > HEADER {
                return Err(ExportError::stands(&path, LEFT));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // by a name of this process's own: a log may be another's by now
            let trial = beside(target, &format!(".partial.{}", process::id()));
            File::create(&trial).at(&path)?;
            fs::remove_file(&trial).at(&trial)?;
        }
        Err(error) => return Err(error).at(&log_path),
    }
    Ok(true)
}

/// Keeps other exports from a log as long as it is open.
fn lock(log: &File, target: &Path) -> Result<(), ExportError> {
    match log.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let why = "another export is writing it just now";
            Err(ExportError::stands(target, why))
        }
        // or a file system without locks
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// A part that is being written.
pub(crate) struct Part {
    path: PathBuf,
    log_path: PathBuf,
    data: File,
    log: File,
    /// Bytes at the beginning that are not tiles'.
    reserved: u64,
    /// Where the next new tile goes.
    end: u64,
    known: Known,
    /// The number of the first tile that has not been looked at.
    pub(crate) next: u64,
    pub(crate) tiles: u64,
    pub(crate) distinct: u64,
}

impl Part {
    /// The part of a target, empty or as an export with the same settings left it. `None` where
    /// there is nothing to resume, since the target is whole.
    pub(crate) fn begin(
        target: &Path,
        settings: [u8; 32],
        reserved: u64,
        begin: Begin,
    ) -> Result<Option<Self>, ExportError> {
        if is_whole(target, begin)? {
            return Ok(None);
        }
        let (path, log_path) = (beside(target, ".partial"), beside(target, ".partial.index"));
        let log = open(&log_path)?;
        lock(&log, target)?;
        let mut part = Self {
            data: open(&path)?,
            path,
            log_path,
            log,
            reserved,
            end: reserved,
            known: Known::default(),
            next: 0,
            tiles: 0,
            distinct: 0,
        };
        part.take_up(settings, begin)?;
        Ok(Some(part))
    }

    fn take_up(&mut self, settings: [u8; 32], begin: Begin) -> Result<(), ExportError> {
        let mut header = [0; HEADER as usize];
        let whole = self.log.read_exact(&mut header).is_ok() && header.starts_with(MAGIC);
        let used = whole && self.log.metadata().at(&self.log_path)?.len() > HEADER;
        if begin == Begin::Resume && whole {
            if !header.ends_with(&settings) {
                return Err(ExportError::stands(
                    &self.path,
                    "is a part of another export: of other points, another look, other zooms or \
                     another version; finish that one, or begin anew with --overwrite",
                ));
            }
            let path = self.path.clone();
            return self.replay().at(&path);
        }
        if begin == Begin::New && used {
            return Err(ExportError::stands(&self.path, LEFT));
        }
        self.data.set_len(self.reserved).at(&self.path)?;
        self.log.set_len(0).at(&self.log_path)?;
        self.log.rewind().at(&self.log_path)?;
        let header = [&MAGIC[..], &settings].concat();
        self.log.write_all(&header).at(&self.log_path)
    }

    /// Reads the log up to its last good mark, believing no tile whose bytes don't fit, and cuts
    /// off the rest.
    fn replay(&mut self) -> io::Result<()> {
        let mut log = BufReader::with_capacity(1 << 16, &self.log);
        let mut data = BufReader::with_capacity(1 << 20, &self.data);
        data.seek(SeekFrom::Start(self.reserved))?;
        let (mut good, mut end) = (HEADER, self.end);
        let mut batch = Vec::new();
        let mut bytes = Vec::new();
        let mut raw = [0; RECORD];
        while log.read_exact(&mut raw).is_ok() {
            let Some(record) = Record::read(&raw) else {
                break;
            };
            if record.is_mark() {
                for record in batch.drain(..) {
                    let Record { entry, digest } = record;
                    self.tiles += 1;
                    if self.known.find(&digest).is_none() {
                        self.distinct += 1;
                        self.known.add(digest, (entry.offset, entry.length));
                    }
                }
                self.end = end;
                self.next = record.entry.number;
                good = log.stream_position()?;
                continue;
            }
            let entry = record.entry;
            if entry.offset == end {
                bytes.resize(entry.length.min(LARGEST) as usize, 0);
                if data.read_exact(&mut bytes).is_err() || digest(&bytes) != record.digest {
                    break;
                }
                end += u64::from(entry.length);
            }
            batch.push(record);
        }
        drop((log, data));
        self.log.set_len(good)?;
        self.log.seek(SeekFrom::Start(good))?;
        self.data.set_len(self.end)
    }

    /// Adds what was drawn next.
    pub(crate) fn add(&mut self, batch: &[Drawn]) -> Result<(), ExportError> {
        let Some(last) = batch.last() else {
            return Ok(());
        };
        self.data.seek(SeekFrom::Start(self.end)).at(&self.path)?;
        let mut data = BufWriter::with_capacity(1 << 20, &self.data);
        let mut records = Vec::new();
        for tile in batch.iter().flat_map(|drawn| &drawn.tiles) {
            let Tile {
                number,
                bytes,
                digest,
            } = tile;
            let (offset, length) = match self.known.find(digest) {
                Some(place) => place,
                None => {
                    data.write_all(bytes).at(&self.path)?;
                    let place = (self.end, bytes.len() as u32);
                    self.known.add(*digest, place);
                    self.end += bytes.len() as u64;
                    self.distinct += 1;
                    place
                }
            };
            self.tiles += 1;
            Record {
                entry: Entry {
                    number: *number,
                    offset,
                    length,
                },
                digest: *digest,
            }
            .write(&mut records);
        }
        data.flush().at(&self.path)?;
        Record::mark(last.end, self.end).write(&mut records);
        self.log.write_all(&records).at(&self.log_path)?;
        self.next = last.end;
        Ok(())
    }

    /// Where tiles' bytes begin and end.
    pub(crate) fn span(&self) -> (u64, u64) {
        (self.reserved, self.end)
    }

    /// All tiles, in the order of their numbers.
    pub(crate) fn entries(&self) -> Result<impl Iterator<Item = io::Result<Entry>>, ExportError> {
        // an own file, with a place of its own
        let file = File::open(&self.log_path).at(&self.log_path)?;
        let mut log = BufReader::with_capacity(1 << 16, file);
        log.seek(SeekFrom::Start(HEADER)).at(&self.log_path)?;
        let mut left = self.tiles;
        Ok(std::iter::from_fn(move || {
            while left > 0 {
                let mut raw = [0; RECORD];
                if let Err(error) = log.read_exact(&mut raw) {
                    return Some(Err(error));
                }
                match Record::read(&raw) {
                    Some(record) if record.is_mark() => {}
                    Some(record) => {
                        left -= 1;
                        return Some(Ok(record.entry));
                    }
                    None => return Some(Err(io::Error::other("its index was changed"))),
                }
            }
            None
        }))
    }

    /// The file of the tiles' bytes, to read them or to write beside them.
    pub(crate) fn data(&self) -> &File {
        &self.data
    }

    /// Where that file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file, now whole, its name.
    pub(crate) fn publish(self, target: &Path) -> Result<(), ExportError> {
        self.data.sync_all().at(&self.path)?;
        fs::rename(&self.path, target).at(target)?;
        sync_folder(target);
        fs::remove_file(&self.log_path).at(&self.log_path)
    }

    /// Removes it, since a target was made of it.
    pub(crate) fn remove(self) -> Result<(), ExportError> {
        fs::remove_file(&self.path).at(&self.path)?;
        fs::remove_file(&self.log_path).at(&self.log_path)
    }
}

/// A line of the log: a tile, or (length 0) the mark after a batch.
struct Record {
    entry: Entry,
    digest: [u8; 16],
}

impl Record {
    fn mark(next: u64, end: u64) -> Self {
        Self {
            entry: Entry {
                number: next,
                offset: end,
                length: 0,
            },
            digest: [0; 16],
        }
    }

    fn is_mark(&self) -> bool {
        self.entry.length == 0
    }

    fn write(&self, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend(self.entry.number.to_le_bytes());
        to.extend(self.entry.offset.to_le_bytes());
        to.extend(self.entry.length.to_le_bytes());
        to.extend(self.digest);
        let sum = check(to.get(start..).unwrap_or_default());
        to.extend(sum.to_le_bytes());
    }

    /// `None` for what was not written whole.
    fn read(raw: &[u8; RECORD]) -> Option<Self> {
        let (number, rest) = raw.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (digest, sum) = rest.split_first_chunk()?;
        let sum = u32::from_le_bytes(*sum.first_chunk()?);
        let whole = sum == check(raw.get(..RECORD - 4)?);
        whole.then_some(Self {
            entry: Entry {
                number: u64::from_le_bytes(*number),
                offset: u64::from_le_bytes(*offset),
                length: u32::from_le_bytes(*length),
            },
            digest: *digest,
        })
    }
}

fn check(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Where tiles are, by their digests: at least the last [`KNOWN`] ones that were added or
/// asked for, so that memory stays bounded however many tiles there are.
#[derive(Default)]
struct Known {
    young: HashMap<[u8; 16], (u64, u32)>,
    old: HashMap<[u8; 16], (u64, u32)>,
}

impl Known {
    fn find(&mut self, digest: &[u8; 16]) -> Option<(u64, u32)> {
        if let Some(place) = self.young.get(digest) {
            return Some(*place);
        }
        let place = self.old.remove(digest)?;
        self.add(*digest, place);
        Some(place)
    }

    fn add(&mut self, digest: [u8; 16], place: (u64, u32)) {
        if self.young.len() >= KNOWN {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn drawn(numbers: std::ops::Range<u64>) -> Drawn {
        let end = numbers.end;
        let tiles = numbers.map(|number| {
            // every third is like the first
            let bytes: Arc<[u8]> = vec![if number % 3 == 0 { 0 } else { number as u8 }; 100].into();
            let digest = digest(&bytes);
            Tile {
                number,
                bytes,
                digest,
            }
        });
        Drawn {
            tiles: tiles.collect(),
            end,
        }
    }

    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("heatsplat-part-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Whatever is cut off or spoiled, the same part comes of it.
    #[test]
    fn a_part_goes_on_from_wherever_it_was_broken_off() {
        let folder = folder("cut");
        let target = folder.join("a");
        let part = |begin| Part::begin(&target, [7; 32], 10, begin).unwrap().unwrap();
        let finish = |mut part: Part| {
            for start in (0..60).step_by(20) {
                if part.next <= start {
                    part.add(&[drawn(start..start + 20)]).unwrap();
                }
            }
            let all: Vec<_> = part.entries().unwrap().map(Result::unwrap).collect();
            assert_eq!((part.tiles, part.distinct), (60, 41));
            (fs::read(part.path()).unwrap(), all)
        };
        let whole = finish(part(Begin::New));
        let log = fs::read(folder.join("a.partial.index")).unwrap();
        for keep in (0..log.len()).step_by(13) {
            fs::write(folder.join("a.partial"), &whole.0).unwrap();
            fs::write(folder.join("a.partial.index"), &log[..keep]).unwrap();
            assert!(finish(part(Begin::Resume)) == whole, "log cut at {keep}");
        }
        for keep in (0..whole.0.len()).step_by(97) {
            let mut data = whole.0.clone();
            data[keep] ^= 1;
            for data in [&data[..], &data[..keep]] {
                fs::write(folder.join("a.partial"), data).unwrap();
                fs::write(folder.join("a.partial.index"), &log).unwrap();
                let again = finish(part(Begin::Resume));
                assert!(
                    again.0[10..] == whole.0[10..] && again.1 == whole.1,
                    "data at {keep}"
                );
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn nothing_is_taken_for_something_else() {
        let folder = folder("other");
        let target = folder.join("a");
        let begin = |settings, begin| Part::begin(&target, [settings; 32], 0, begin);
        assert!(may_begin(&target, Begin::New).unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let mut part = begin(1, Begin::New).unwrap().unwrap();
        part.add(&[drawn(0..5)]).unwrap();
        let message = |result: Result<Option<Part>, ExportError>| result.err().unwrap().to_string();
        for way in [Begin::Resume, Begin::Overwrite, Begin::New] {
            assert!(message(begin(1, way)).contains("just now"));
            // as is told before anything is read, without harm to who is writing
            let told = may_begin(&target, way).unwrap_err().to_string();
            assert!(told.contains("just now"), "{told}");
        }
        drop(part);
        let told = may_begin(&target, Begin::New).unwrap_err().to_string();
        assert!(told.contains("--resume"), "{told}");
        assert!(may_begin(&target, Begin::Resume).unwrap());
        assert!(message(begin(1, Begin::New)).contains("--resume"));
        assert!(message(begin(2, Begin::Resume)).contains("another export"));
        assert_eq!(begin(1, Begin::Resume).unwrap().unwrap().tiles, 5);
        assert_eq!(begin(1, Begin::Overwrite).unwrap().unwrap().tiles, 0);
        fs::remove_file(folder.join("a.partial")).unwrap();
        fs::write(&target, "mine").unwrap();
        assert!(message(begin(1, Begin::New)).contains("--overwrite"));
        assert!(begin(1, Begin::Resume).unwrap().is_none());
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        fs::remove_dir_all(folder).unwrap();
    }
}
