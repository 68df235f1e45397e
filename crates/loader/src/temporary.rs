//! Temporary folders. A file that can't be read at its address or in its archive is copied into
//! such a folder and read there.

use crate::columns::Columns;
use crate::error::LoadError;
use crate::parameter::Parameter;
use crate::report::Report;
use crate::source::{LoadProgress, Source};
use crate::table::TableBuilder;
use heatsplat_points::PointSink;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The beginning of the name of each temporary folder.
const PREFIX: &str = "heatsplat-download-";
/// The name of a file in each temporary folder. A program keeps it locked while it uses the folder.
const LOCK: &str = "lock";
/// The least age of a folder that is deleted because its lock file isn't locked: a choice. The
/// program that made a younger folder may not have locked the file yet.
const OLD: Duration = Duration::from_secs(60);

/// The largest size of one file in bytes if no option sets a limit, a choice: 4 GiB.
const LIMIT: u64 = 4 << 30;

/// A folder for temporary copies of files. The folder is deleted when this value is dropped.
pub(crate) struct TemporaryFolder {
    path: PathBuf,
    limit: u64,
    // This field is dropped after the folder is deleted, since other programs may delete a folder
    // that isn't locked.
    _lock: File,
}

impl TemporaryFolder {
    /// Creates an empty folder that only this user can read. `limit` is the largest size of one
    /// file in bytes; `None` means [`LIMIT`].
    pub(crate) fn new(limit: Option<u64>) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let above = std::env::temp_dir();
        sweep(&above);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = above.join(format!("{PREFIX}{}-{number}", std::process::id()));
            #[cfg_attr(not(unix), expect(unused_mut))]
            let mut builder = DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            match builder.create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                created => created?,
            }
            let lock = File::create(path.join(LOCK)).and_then(|lock| lock.lock().map(|()| lock));
            return match lock {
                Ok(lock) => Ok(Self {
                    path,
                    limit: limit.unwrap_or(LIMIT),
                    _lock: lock,
                }),
                Err(error) => {
                    let _ = fs::remove_dir_all(&path);
                    Err(error)
                }
            };
        }
    }

    /// Writes all bytes of a reader into the file `name` in the folder, and returns the file's
    /// path. `file` is the source's name for errors. `size` is the number of bytes, if it is known
    /// beforehand.
    pub(crate) fn keep(
        &self,
        name: &str,
        file: &str,
        size: Option<u64>,
        mut from: impl Read,
    ) -> Result<PathBuf, LoadError> {
        let read = |source| LoadError::Read {
            file: file.to_owned(),
            source,
        };
        let path = self.path.join(name);
        let too_long = || LoadError::BadOption {
            file: file.to_owned(),
            parameter: Parameter::DownloadLimit,
            message: format!(
                "this has to be kept in a temporary file, and it is over {} MiB; \
                 if there is room, allow more",
                self.limit >> 20
            ),
        };
        if size.is_some_and(|size| size > self.limit) {
            return Err(too_long());
        }
        let mut to = File::create(&path).map_err(read)?;
        let copied = io::copy(&mut (&mut from).take(self.limit), &mut to).map_err(read)?;
        let more = copied == self.limit && from.read(&mut [0]).map_err(read)? > 0;
        if more { Err(too_long()) } else { Ok(path) }
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Deletes the temporary folders in the folder `above` that no running program uses. Programs that
/// were killed have left them.
fn sweep(above: &Path) {
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !name.to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let age = entry.metadata().and_then(|m| m.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        let Ok(lock) = File::open(path.join(LOCK)) else {
            continue;
        };
        if age.is_some_and(|age| age >= OLD) && lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// A source that reads temporary copies of files: of objects at addresses, or of members of an
/// archive. It owns the folder of these copies, which is deleted when the source is dropped.
pub(crate) struct TemporarySource {
    pub(crate) source: Box<dyn Source>,
    /// The columns of the source, with the reason for their choice.
    pub(crate) columns: Columns,
    /// The folder with the copies; `None` if there are no copies.
    pub(crate) _folder: Option<TemporaryFolder>,
}

impl Source for TemporarySource {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        self.source.next_batch(sink)
    }

    fn take_kept(&mut self) -> TableBuilder {
        self.source.take_kept()
    }

    fn report(&self) -> &Report {
        self.source.report()
    }

    fn progress(&self) -> LoadProgress {
        self.source.progress()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_and_so_does_what_others_have_left() {
        let left = std::env::temp_dir().join(format!("{PREFIX}left-{}", std::process::id()));
        fs::create_dir(&left).unwrap();
        File::create(left.join(LOCK)).unwrap();
        fs::write(left.join("points.gpkg"), "…").unwrap();
        let folder = TemporaryFolder::new(Some(4)).unwrap();
        // The folder is not deleted yet, since it is too young.
        assert!(left.exists());
        let long_ago = std::time::SystemTime::now() - 2 * OLD;
        File::open(&left).unwrap().set_modified(long_ago).unwrap();
        File::open(&folder.path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        sweep(&std::env::temp_dir());
        assert!(!left.exists() && folder.path.exists());

        let kept = |text: &'static str, size| folder.keep("a", "http://h/a", size, text.as_bytes());
        assert_eq!(fs::read(kept("four", None).unwrap()).unwrap(), b"four");
        for (text, size) in [("fives", None), ("four", Some(5))] {
            let error = kept(text, size).unwrap_err().to_string();
            assert!(
                error.starts_with("http://h/a: `download_limit`: "),
                "{error}"
            );
        }
        let path = folder.path.clone();
        drop(folder);
        assert!(!path.exists());
    }
}
