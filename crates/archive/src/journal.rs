//! The journal of an unfinished export: the tiles in the order in which they were drawn, and a log
//! that lists them.
//!
//! `NAME.partial` contains the bytes of the tiles, those of equal tiles only once.
//! `NAME.partial.index` is the log. It has a record for each tile, with a digest of the tile's
//! bytes, and after each batch a commit, a record that ends the batch. An export may be interrupted
//! at any moment. Everything up to the last valid commit can be verified, and drawing continues
//! from there. Each format is made from a finished journal alone, so the result doesn't depend on
//! interruptions.

use crate::error::{ExportError, WithPath as _};
use crate::fsync::{sibling, sync_folder};
use crate::hilbert;
use crate::if_exists::IfExists;
use crate::tile::{RenderedQuad, TileDigest, digest};
use flate2::Crc;
use heatsplat_points::TileId;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::{mem, process};

/// The first bytes of a log. The digest of the export's settings follows these bytes.
const MAGIC: &[u8; 16] = b"heatsplat part 1";
const HEADER: u64 = 48;
const RECORD: usize = 40;

/// The number of tiles in each of the two generations of the cache that finds equal tiles: a
/// choice. A tile takes 48 bytes in it.
const CACHED_TILES: usize = 1 << 20;

/// The largest number of bytes that are read for one tile when a journal is resumed: 64 MiB, a
/// choice. A longer tile is treated as if its digest were wrong.
const LARGEST: u32 = 1 << 26;

/// A stored tile, and the position of its bytes in the `.partial` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredTile {
    pub(crate) tile: TileId,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// The paths of the two files of a target's journal: the file of tiles, and the log.
fn paths(target: &Path) -> (PathBuf, PathBuf) {
    (
        sibling(target, ".partial"),
        sibling(target, ".partial.index"),
    )
}

/// Removes a log that lies beside a complete target. Such a log is left if an export ends after the
/// target got its name, but before the log was removed.
fn remove_leftover(log_path: &Path, target: &Path) -> Result<(), ExportError> {
    match File::open(log_path) {
        Ok(log) => {
            lock(&log, target)?;
            fs::remove_file(log_path).at(log_path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).at(log_path),
    }
}

/// Returns `true` if `if_exists` is [`IfExists::Resume`] and the target is already complete. It is
/// an error if the target exists and may be neither resumed nor replaced.
fn is_complete(target: &Path, if_exists: IfExists) -> Result<bool, ExportError> {
    let exists = fs::symlink_metadata(target).is_ok();
    let (path, log_path) = paths(target);
    if exists && if_exists == IfExists::Resume && !path.exists() {
        remove_leftover(&log_path, target)?;
        return Ok(true);
    }
    if exists && if_exists != IfExists::Overwrite {
        let path = target.to_owned();
        return Err(ExportError::Exists { path });
    }
    Ok(false)
}

fn open_or_create(path: &Path) -> Result<File, ExportError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).at(path)
}

/// Checks that [`Journal::open`] will succeed. No file is changed, except that a log that was left
/// beside a complete target is removed. Returns `false` if there is nothing to do: `if_exists` is
/// [`IfExists::Resume`], and the target is already complete.
pub(crate) fn check(target: &Path, if_exists: IfExists) -> Result<bool, ExportError> {
    if is_complete(target, if_exists)? {
        return Ok(false);
    }
    let (path, log_path) = paths(target);
    match File::options().read(true).write(true).open(&log_path) {
        Ok(log) => {
            lock(&log, target)?;
            if if_exists == IfExists::Fail && log.metadata().at(&log_path)?.len() > HEADER {
                return Err(ExportError::Interrupted { path });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The name of this trial file contains the process id, since another export may create
            // its log at the same time.
            let trial = sibling(target, &format!(".partial.{}", process::id()));
            File::create(&trial).at(&path)?;
            fs::remove_file(&trial).at(&trial)?;
        }
        Err(error) => return Err(error).at(&log_path),
    }
    Ok(true)
}

/// Locks the log, so that no other export writes to the target. The lock lasts as long as `log` is
/// open.
fn lock(log: &File, target: &Path) -> Result<(), ExportError> {
    match log.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let path = target.to_owned();
            Err(ExportError::Locked { path })
        }
        // Any other error means that the file system has no locks. The export then goes on without
        // one.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// A journal that is being written.
pub(crate) struct Journal {
    path: PathBuf,
    log_path: PathBuf,
    data: File,
    log: File,
    /// The number of bytes in the file of tiles before the first tile. They are for the header of
    /// the final format, which is written last.
    reserved: u64,
    /// The offset in the file of tiles at which the bytes of the stored tiles end.
    end: u64,
    cache: DedupCache,
    /// The tile id (see [`hilbert`](crate::hilbert)) from which on no tile has been drawn yet.
    pub(crate) next: u64,
    pub(crate) tiles: u64,
    pub(crate) distinct: u64,
}

impl Journal {
    /// Opens the journal of a target. If an interrupted export with the same digest of its settings
    /// is resumed, the journal contains its tiles; otherwise it is empty. `reserved` is the number
    /// of bytes before the first tile that the final format needs. Returns `None` if there is
    /// nothing to do: `if_exists` is [`IfExists::Resume`], and the target is already complete.
    pub(crate) fn open(
        target: &Path,
        settings: [u8; 32],
        reserved: u64,
        if_exists: IfExists,
    ) -> Result<Option<Self>, ExportError> {
        if is_complete(target, if_exists)? {
            return Ok(None);
        }
        let (path, log_path) = paths(target);
        let log = open_or_create(&log_path)?;
        lock(&log, target)?;
        let mut journal = Self {
            data: open_or_create(&path)?,
            path,
            log_path,
            log,
            reserved,
            end: reserved,
            cache: DedupCache::default(),
            next: 0,
            tiles: 0,
            distinct: 0,
        };
        journal.resume_or_clear(settings, if_exists)?;
        Ok(Some(journal))
    }

    fn resume_or_clear(
        &mut self,
        settings: [u8; 32],
        if_exists: IfExists,
    ) -> Result<(), ExportError> {
        let path = self.path.clone();
        let mut header = [0; HEADER as usize];
        let valid = self.log.read_exact(&mut header).is_ok() && header.starts_with(MAGIC);
        let used = valid && self.log.metadata().at(&self.log_path)?.len() > HEADER;
        if if_exists == IfExists::Resume && valid {
            if !header.ends_with(&settings) {
                return Err(ExportError::OtherSettings { path });
            }
            return self.replay().at(&path);
        }
        if if_exists == IfExists::Fail && used {
            return Err(ExportError::Interrupted { path });
        }
        self.data.set_len(self.reserved).at(&path)?;
        self.log.set_len(0).at(&self.log_path)?;
        self.log.rewind().at(&self.log_path)?;
        let header = [&MAGIC[..], &settings].concat();
        self.log.write_all(&header).at(&self.log_path)
    }

    /// Reads the log up to its last valid commit, and checks the bytes of each tile against the
    /// tile's digest. Cuts both files off behind the last commit whose tiles are all good.
    fn replay(&mut self) -> io::Result<()> {
        let mut log = BufReader::with_capacity(1 << 16, &self.log);
        let mut data = BufReader::with_capacity(1 << 20, &self.data);
        data.seek(SeekFrom::Start(self.reserved))?;
        let (mut log_end, mut end) = (HEADER, self.end);
        let mut batch = Vec::new();
        let mut bytes = Vec::new();
        let mut raw = [0; RECORD];
        while log.read_exact(&mut raw).is_ok() {
            let Some(record) = Record::from_bytes(&raw) else {
                break;
            };
            if record.is_commit() {
                for record in batch.drain(..) {
                    let Record {
                        offset,
                        length,
                        digest,
                        ..
                    } = record;
                    self.tiles += 1;
                    if self.cache.find(&digest).is_none() {
                        self.distinct += 1;
                        self.cache.insert(digest, (offset, length));
                    }
                }
                self.end = end;
                self.next = record.number;
                log_end = log.stream_position()?;
                continue;
            }
            if record.offset == end {
                bytes.resize(record.length.min(LARGEST) as usize, 0);
                if data.read_exact(&mut bytes).is_err() || digest(&bytes) != record.digest {
                    break;
                }
                end += u64::from(record.length);
            }
            batch.push(record);
        }
        drop((log, data));
        self.log.set_len(log_end)?;
        self.log.seek(SeekFrom::Start(log_end))?;
        self.data.set_len(self.end)
    }

    /// Appends the tiles of a batch of quads (squares of neighbouring tiles), then a commit.
    pub(crate) fn append(&mut self, batch: &[RenderedQuad]) -> Result<(), ExportError> {
        let Some(last) = batch.last() else {
            return Ok(());
        };
        self.data.seek(SeekFrom::Start(self.end)).at(&self.path)?;
        let mut data = BufWriter::with_capacity(1 << 20, &self.data);
        let mut records = Vec::new();
        for tile in batch.iter().flat_map(|quad| &quad.tiles) {
            let (offset, length) = match self.cache.find(&tile.digest) {
                Some(place) => place,
                None => {
                    data.write_all(&tile.bytes).at(&self.path)?;
                    let place = (self.end, tile.bytes.len() as u32);
                    self.cache.insert(tile.digest, place);
                    self.end += tile.bytes.len() as u64;
                    self.distinct += 1;
                    place
                }
            };
            self.tiles += 1;
            Record {
                number: tile.number,
                offset,
                length,
                digest: tile.digest,
            }
            .write(&mut records);
        }
        data.flush().at(&self.path)?;
        Record::commit(last.end, self.end).write(&mut records);
        self.log.write_all(&records).at(&self.log_path)?;
        self.next = last.end;
        Ok(())
    }

    /// The offsets, in the file of tiles, at which the bytes of the first tile start and at which
    /// the bytes of the last tile end.
    pub(crate) fn span(&self) -> (u64, u64) {
        (self.reserved, self.end)
    }

    /// Lists all stored tiles, in the order of their tile ids.
    pub(crate) fn stored_tiles(
        &self,
    ) -> Result<impl Iterator<Item = io::Result<StoredTile>>, ExportError> {
        // The log is opened a second time, since reading must not move the position at which the
        // log is written.
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
                let record = Record::from_bytes(&raw);
                if record.as_ref().is_some_and(Record::is_commit) {
                    continue;
                }
                left -= 1;
                let tile = record.and_then(|record| record.stored_tile());
                return Some(tile.ok_or_else(|| io::Error::other("its index was changed")));
            }
            None
        }))
    }

    /// The journal's file with the bytes of the tiles.
    pub(crate) fn data(&self) -> &File {
        &self.data
    }

    /// The path of the journal's file with the bytes of the tiles.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Renames the file of tiles to the target, and removes the log. Before, the file must have
    /// been completed to an archive.
    pub(crate) fn publish(self, target: &Path) -> Result<(), ExportError> {
        self.data.sync_all().at(&self.path)?;
        fs::rename(&self.path, target).at(target)?;
        sync_folder(target);
        fs::remove_file(&self.log_path).at(&self.log_path)
    }

    /// Replaces the file of tiles by a complete archive that was made from it, and
    /// [publishes](Self::publish) that. So the file of tiles never lies beside a complete target,
    /// not even if the export is killed in between.
    pub(crate) fn replace_and_publish(
        mut self,
        archive: &Path,
        target: &Path,
    ) -> Result<(), ExportError> {
        self.data = File::options().write(true).open(archive).at(archive)?;
        self.data.sync_all().at(archive)?;
        fs::rename(archive, &self.path).at(&self.path)?;
        self.publish(target)
    }

    /// Removes the file of tiles. Before, a complete target must have been made from it.
    pub(crate) fn remove_tiles(&self) -> Result<(), ExportError> {
        fs::remove_file(&self.path).at(&self.path)
    }

    /// Removes the log. Before, the file of tiles must have been removed.
    pub(crate) fn remove_log(self) -> Result<(), ExportError> {
        fs::remove_file(&self.log_path).at(&self.log_path)
    }
}

/// A record of the log. It describes a tile. If its field `length` is 0, it is instead a commit,
/// which ends a batch.
struct Record {
    /// The tile id of the tile. In a commit: the tile id of the first tile after the batch.
    number: u64,
    offset: u64,
    length: u32,
    digest: TileDigest,
}

impl Record {
    fn commit(next: u64, end: u64) -> Self {
        Self {
            number: next,
            offset: end,
            length: 0,
            digest: [0; 16],
        }
    }

    fn is_commit(&self) -> bool {
        self.length == 0
    }

    fn stored_tile(&self) -> Option<StoredTile> {
        Some(StoredTile {
            tile: hilbert::tile(self.number)?,
            offset: self.offset,
            length: self.length,
        })
    }

    fn write(&self, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend(self.number.to_le_bytes());
        to.extend(self.offset.to_le_bytes());
        to.extend(self.length.to_le_bytes());
        to.extend(self.digest);
        let sum = checksum(to.get(start..).unwrap_or_default());
        to.extend(sum.to_le_bytes());
    }

    /// Parses a record of the log. Returns `None` if its checksum is wrong.
    fn from_bytes(raw: &[u8; RECORD]) -> Option<Self> {
        let (number, rest) = raw.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (digest, sum) = rest.split_first_chunk()?;
        let sum = u32::from_le_bytes(*sum.first_chunk()?);
        let valid = sum == checksum(raw.get(..RECORD - 4)?);
        valid.then_some(Self {
            number: u64::from_le_bytes(*number),
            offset: u64::from_le_bytes(*offset),
            length: u32::from_le_bytes(*length),
            digest: *digest,
        })
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A cache that finds the offset and the length of a stored tile by the tile's digest. There are
/// two generations to bound the memory: when the young generation is full, it becomes the old one,
/// and the former old one is dropped. So the cache contains at least the last [`CACHED_TILES`]
/// digests that were inserted or found.
#[derive(Default)]
struct DedupCache {
    young: HashMap<TileDigest, (u64, u32)>,
    old: HashMap<TileDigest, (u64, u32)>,
}

impl DedupCache {
    /// Returns the offset and the length of the tile with this digest; `None` if the cache doesn't
    /// contain it. The tile is moved to the young generation.
    fn find(&mut self, digest: &TileDigest) -> Option<(u64, u32)> {
        if let Some(place) = self.young.get(digest) {
            return Some(*place);
        }
        let place = self.old.remove(digest)?;
        self.insert(*digest, place);
        Some(place)
    }

    fn insert(&mut self, digest: TileDigest, place: (u64, u32)) {
        if self.young.len() >= CACHED_TILES {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::EncodedTile;

    fn quad(numbers: std::ops::Range<u64>) -> RenderedQuad {
        let end = numbers.end;
        let tiles = numbers.map(|number| {
            // Every third tile has the same bytes.
            let byte = if number % 3 == 0 { 0 } else { number as u8 };
            EncodedTile::new(number, vec![byte; 100].into())
        });
        RenderedQuad {
            tiles: tiles.collect(),
            end,
        }
    }

    fn folder(name: &str) -> PathBuf {
        let name = format!("heatsplat-journal-{name}-{}", process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A journal is cut off or damaged at any byte, then resumed and finished. It must be the same
    /// as a journal that was never interrupted.
    #[test]
    fn a_journal_resumes_from_any_interruption() {
        let folder = folder("cut");
        let target = folder.join("a");
        let open = |if_exists| {
            Journal::open(&target, [7; 32], 10, if_exists)
                .unwrap()
                .unwrap()
        };
        let finish = |mut journal: Journal| {
            for start in (0..60).step_by(20) {
                if journal.next <= start {
                    journal.append(&[quad(start..start + 20)]).unwrap();
                }
            }
            let all: Vec<_> = journal
                .stored_tiles()
                .unwrap()
                .map(Result::unwrap)
                .collect();
            assert_eq!((journal.tiles, journal.distinct), (60, 41));
            (fs::read(journal.path()).unwrap(), all)
        };
        let whole = finish(open(IfExists::Fail));
        let log = fs::read(folder.join("a.partial.index")).unwrap();
        for keep in (0..log.len()).step_by(13) {
            fs::write(folder.join("a.partial"), &whole.0).unwrap();
            fs::write(folder.join("a.partial.index"), &log[..keep]).unwrap();
            assert!(finish(open(IfExists::Resume)) == whole, "log cut at {keep}");
        }
        for keep in (0..whole.0.len()).step_by(97) {
            let mut data = whole.0.clone();
            data[keep] ^= 1;
            for data in [&data[..], &data[..keep]] {
                fs::write(folder.join("a.partial"), data).unwrap();
                fs::write(folder.join("a.partial.index"), &log).unwrap();
                let again = finish(open(IfExists::Resume));
                assert!(
                    again.0[10..] == whole.0[10..] && again.1 == whole.1,
                    "data at {keep}"
                );
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }

    /// An archive replaces the file of tiles before it gets the target's name. An export that is
    /// killed in between draws all tiles again, since the archive is not taken for tiles.
    #[test]
    fn an_archive_in_the_place_of_the_tiles_is_not_resumed() {
        let folder = folder("replaced");
        let target = folder.join("a");
        let open = || Journal::open(&target, [7; 32], 0, IfExists::Resume).unwrap();
        let mut journal = open().unwrap();
        journal.append(&[quad(1..6)]).unwrap();
        fs::write(folder.join("a.building"), vec![9; 5_000]).unwrap();
        drop(journal);
        fs::rename(folder.join("a.building"), folder.join("a.partial")).unwrap();
        let mut journal = open().unwrap();
        assert_eq!((journal.tiles, journal.next), (0, 0));
        journal.append(&[quad(1..6)]).unwrap();
        fs::write(folder.join("a.building"), "whole").unwrap();
        let archive = folder.join("a.building");
        journal.replace_and_publish(&archive, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert!(open().is_none());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_journal_is_only_resumed_by_the_export_that_it_belongs_to() {
        let folder = folder("other");
        let target = folder.join("a");
        let open = |settings, if_exists| Journal::open(&target, [settings; 32], 0, if_exists);
        let error = |settings, if_exists| open(settings, if_exists).err().unwrap();
        assert!(check(&target, IfExists::Fail).unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let mut journal = open(1, IfExists::Fail).unwrap().unwrap();
        journal.append(&[quad(0..5)]).unwrap();
        for if_exists in [IfExists::Resume, IfExists::Overwrite, IfExists::Fail] {
            assert!(matches!(error(1, if_exists), ExportError::Locked { .. }));
            // The check doesn't disturb the export that is writing at the moment.
            let checked = check(&target, if_exists).unwrap_err();
            assert!(matches!(checked, ExportError::Locked { .. }), "{checked}");
        }
        drop(journal);
        let interrupted = |error: &ExportError| matches!(error, ExportError::Interrupted { .. });
        assert!(interrupted(&check(&target, IfExists::Fail).unwrap_err()));
        assert!(check(&target, IfExists::Resume).unwrap());
        assert!(interrupted(&error(1, IfExists::Fail)));
        assert!(matches!(
            error(2, IfExists::Resume),
            ExportError::OtherSettings { .. }
        ));
        assert_eq!(open(1, IfExists::Resume).unwrap().unwrap().tiles, 5);
        assert_eq!(open(1, IfExists::Overwrite).unwrap().unwrap().tiles, 0);
        fs::remove_file(folder.join("a.partial")).unwrap();
        fs::write(&target, "mine").unwrap();
        assert!(matches!(
            error(1, IfExists::Fail),
            ExportError::Exists { .. }
        ));
        // An export ended after it had made its target, but before it removed its log.
        assert!(folder.join("a.partial.index").exists());
        assert!(open(1, IfExists::Resume).unwrap().is_none());
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        assert!(!folder.join("a.partial.index").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
