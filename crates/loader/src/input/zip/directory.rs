//! The directory of a zip archive. Nothing in it is trusted: sizes, offsets and names are checked
//! before a member is read.

use super::member_reader::MemberReader;
use crate::error::LoadError;
use crate::input::Origin;
use crate::messages::{list, shown};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use zip::{CompressionMethod, ZipArchive};

/// The most bytes that are read to find the members of an archive. A choice: the directory is held
/// in memory as a whole, and the directory of an archive of 150,000 files with usual names takes 16
/// MiB.
const DIRECTORY: u64 = 16 << 20;

/// The size in bytes of the fixed part of a local header, the header directly before a member's
/// bytes.
const HEADER: u64 = 30;

/// A file in a zip archive.
pub(crate) struct ZipMember {
    /// The path of the file in the archive, as [`plain_name`] returns it.
    pub(crate) name: String,
    /// The size in bytes after decompression, as the directory states it.
    pub(crate) size: u64,
    packed: u64,
    checksum: u32,
    method: CompressionMethod,
    is_encrypted: bool,
    /// The offset in bytes of the member's local header, from the beginning of the archive.
    start: u64,
}

impl ZipMember {
    /// The name for messages: without quotes, cut off after 60 characters, and with control
    /// characters escaped.
    pub(crate) fn shown(&self) -> String {
        let quoted = shown(self.name.as_bytes());
        quoted.trim_matches('"').to_owned()
    }
}

/// The path `name` with `/` between its folders and without `./` at its beginning.
pub(crate) fn plain_name(name: &str) -> String {
    let name = name.replace('\\', "/");
    match name.trim_start_matches("./") {
        "" => name,
        rest => rest.to_owned(),
    }
}

/// The files in a zip archive, as its central directory lists them.
pub(crate) struct Directory {
    path: PathBuf,
    file: String,
    pub(crate) members: Vec<ZipMember>,
    /// The offset in bytes at which the members end and the central directory begins.
    end: u64,
}

impl Directory {
    /// Reads the central directory of the zip archive at a path.
    pub(crate) fn open(path: &Path, origin: &Origin) -> Result<Self, LoadError> {
        let file = origin.file();
        let opened = File::open(path).map_err(|error| origin.read_error(error))?;
        let reader = BoundedDirectory {
            reader: BufReader::new(opened),
            left: DIRECTORY,
        };
        let damaged = |message: String| LoadError::Damaged {
            file: file.clone(),
            place: "the archive's directory".to_owned(),
            message,
        };
        let archive = ZipArchive::new(reader).map_err(|error| damaged(error.to_string()))?;
        let twice = || damaged("two of its files have the same name".to_owned());
        if archive.has_duplicate_names() {
            return Err(twice());
        }
        let mut members: Vec<ZipMember> = Vec::new();
        for at in 0..archive.len() {
            let entry = archive.by_index_data(at);
            let entry = entry.map_err(|error| damaged(error.to_string()))?;
            let name = entry.name().map_err(|error| damaged(error.to_string()))?;
            members.push(ZipMember {
                name: plain_name(&name),
                size: entry.size(),
                packed: entry.compressed_size(),
                checksum: entry.crc32(),
                method: entry.compression(),
                is_encrypted: entry.encrypted(),
                start: entry.header_start(),
            });
        }
        let mut names = HashSet::new();
        if !members.iter().all(|member| names.insert(&member.name)) {
            return Err(twice());
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            members,
            end: archive.central_directory_start(),
        })
    }

    /// A reader of a member's bytes. `name` is the member's name for errors.
    ///
    /// # Errors
    /// * [`LoadError::Unsupported`] if the member is encrypted, or compressed by another method
    ///   than deflate
    /// * [`LoadError::Damaged`] if its local header, sizes or place in the archive are wrong
    /// * [`LoadError::Read`] if the archive can't be read
    pub(crate) fn reader(&self, member: &ZipMember, name: &str) -> Result<MemberReader, LoadError> {
        let unsupported = |message: String| LoadError::Unsupported {
            file: name.to_owned(),
            message,
        };
        if member.is_encrypted {
            let message = "it is encrypted; unpack it with its password and name the unpacked file";
            return Err(unsupported(message.to_owned()));
        }
        let is_stored = match member.method {
            CompressionMethod::Stored => true,
            CompressionMethod::Deflated => false,
            other => {
                return Err(unsupported(format!(
                    "it is packed with {other}, which is not read here; unpack it, or pack it \
                     with deflate"
                )));
            }
        };
        let damaged = |message: &str| LoadError::Damaged {
            file: name.to_owned(),
            place: "the archive's entry".to_owned(),
            message: message.to_owned(),
        };
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => damaged("its header is cut off"),
            _ => LoadError::Read {
                file: self.file.clone(),
                source,
            },
        };
        let mut file = File::open(&self.path).map_err(failed)?;
        let data = data_start(&mut file, member).map_err(failed)?;
        let Some(data) = data else {
            return Err(damaged("its header is none, or is not that of this file"));
        };
        let after = data.checked_add(member.packed);
        let after = after.filter(|after| *after <= self.end);
        let Some(after) = after else {
            return Err(damaged("it reaches beyond the end of the files"));
        };
        if is_stored && member.packed != member.size {
            return Err(damaged("its two sizes differ, although it is not packed"));
        }
        if self.overlaps(member, after) {
            return Err(damaged("its bytes are those of another file, too"));
        }
        MemberReader::new(file, (data, after), is_stored, member.size, member.checksum)
            .map_err(failed)
    }

    /// Returns whether another member shares bytes with `member`. `after` is the offset in the
    /// archive at which the bytes of `member` end.
    fn overlaps(&self, member: &ZipMember, after: u64) -> bool {
        self.members.iter().any(|other| {
            let others_least = other
                .start
                .saturating_add(HEADER)
                .saturating_add(other.packed);
            !std::ptr::eq(other, member) && other.start < after && others_least > member.start
        })
    }

    /// The names of the given members, as a list for messages.
    pub(crate) fn names(&self, of: &[&ZipMember]) -> String {
        let names: Vec<&str> = of.iter().map(|member| member.name.as_str()).collect();
        list(&names)
    }
}

/// The offset in the archive of a member's bytes, which follow its local header. `None` if there is
/// no local header, or if the name in it is not the one in the directory.
fn data_start(file: &mut File, member: &ZipMember) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(member.start))?;
    let mut header = [0; HEADER as usize];
    file.read_exact(&mut header)?;
    let [b'P', b'K', 3, 4, .., n0, n1, e0, e1] = header else {
        return Ok(None);
    };
    let (name, extra) = (u16::from_le_bytes([n0, n1]), u16::from_le_bytes([e0, e1]));
    let mut local = vec![0; usize::from(name)];
    file.read_exact(&mut local)?;
    // Names in code pages are decoded by the library, so only ASCII is compared.
    let is_same = !member.name.is_ascii()
        || !local.is_ascii()
        || plain_name(&String::from_utf8_lossy(&local)) == member.name;
    let lengths = u64::from(name) + u64::from(extra);
    let start = member.start.saturating_add(HEADER).saturating_add(lengths);
    Ok(is_same.then_some(start))
}

/// A reader that returns an error after [`DIRECTORY`] bytes.
struct BoundedDirectory<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for BoundedDirectory<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.left = self.left.saturating_sub(count as u64);
        if self.left == 0 {
            let message = format!("it has more than {} MiB", DIRECTORY >> 20);
            return Err(io::Error::other(message));
        }
        Ok(count)
    }
}

impl<R: Seek> Seek for BoundedDirectory<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_any_size_overlaps_those_behind_it() {
        let member = |start: u64, packed: u64| ZipMember {
            name: format!("{start}.csv"),
            size: packed,
            packed,
            checksum: 0,
            method: CompressionMethod::Stored,
            is_encrypted: false,
            start,
        };
        for (packed, overlaps) in [(10, false), (100, true), (u64::MAX, true)] {
            let directory = Directory {
                path: PathBuf::new(),
                file: String::new(),
                members: vec![member(1, packed), member(100, 10)],
                end: 200,
            };
            let last = directory.members.last().unwrap();
            assert_eq!(directory.overlaps(last, 140), overlaps, "{packed}");
        }
    }

    #[test]
    fn names_have_no_folder_of_their_own() {
        for (name, plain) in [
            ("./a.csv", "a.csv"),
            ("././x\\a.csv", "x/a.csv"),
            ("../a.csv", "../a.csv"),
            (".a.csv", ".a.csv"),
            ("./", "./"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }
}
