//! The settings of a pack, and the bytes that a pack needs on disks.

use super::error::PackError;
use super::journal::{self, Found};
use super::run;
use std::fs;
use std::path::{Path, PathBuf};

/// The rule for a pack whose target exists, or to whose target an interrupted pack has left its
/// runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IfPackExists {
    /// The pack is refused. All files stay unchanged.
    #[default]
    Fail,
    /// The target is replaced once the new file is complete. Runs that an interrupted pack has left
    /// are discarded.
    Overwrite,
    /// An interrupted pack is completed. A complete target stays unchanged.
    Resume,
}

/// Settings of a pack. The file doesn't depend on them.
#[derive(Clone, Debug)]
pub struct PackSettings {
    /// The bytes of memory for points, while these are sorted or a pyramid over them is built.
    pub memory: u64,
    /// The folder for temporary files; `None` stands for the folder of the target.
    pub temporary: Option<PathBuf>,
    /// The rule for the case that the target exists, or that an interrupted pack has left its runs.
    pub if_exists: IfPackExists,
}

/// The bytes in the file for each point, its share of the cells included: measured, and rounded up.
const FILE_BYTES: f64 = 10.5;

/// The bytes for each point in the temporary file in which the cells wait before they are copied
/// into the target: an estimate.
const SPOOL_BYTES: f64 = 3.5;

/// The bytes in the file for each point of the counting index, its share of the index's cells
/// included; as many again in a temporary file, before the counting index is copied into the
/// target. An estimate.
const COUNTS_BYTES: f64 = 3.5;

/// The bytes of a column's value in a run.
const VALUE_BYTES: u64 = 8;
/// The bytes that a column's value takes in the file: an estimate.
const COLUMN_BYTES: u64 = 4;

/// The bytes that a pack needs on disks: an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// The bytes of all temporary files together.
    pub temporary: u64,
    /// The bytes of the file itself.
    pub file: u64,
}

impl DiskSpace {
    /// Returns an estimate for a pack of `points` points, without counting index and columns.
    pub fn for_points(points: u64) -> Self {
        let bytes = |each: f64| (points as f64 * each) as u64;
        Self {
            temporary: points * run::POINT_BYTES + bytes(SPOOL_BYTES),
            file: (1 << 16) + bytes(FILE_BYTES),
        }
    }
}

impl DiskSpace {
    /// Adds the bytes that a counting index of `points` points needs.
    pub fn with_counts(self, points: u64) -> Self {
        let bytes = (points as f64 * COUNTS_BYTES) as u64;
        Self {
            temporary: self.temporary + bytes,
            file: self.file + bytes,
        }
    }
}

impl DiskSpace {
    /// Adds the bytes that `columns` columns beside `points` points need.
    pub fn with_columns(self, points: u64, columns: usize) -> Self {
        let values = points.saturating_mul(columns as u64);
        Self {
            temporary: self.temporary + values * (VALUE_BYTES + COLUMN_BYTES),
            file: self.file + values * COLUMN_BYTES,
        }
    }
}

/// Returns the path of a file or folder in `folder`. Its name is that of the target with `.partial`
/// appended.
pub(super) fn partial(folder: &Path, target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    folder.join(name)
}

pub(super) fn folder_of(target: &Path) -> &Path {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

impl PackSettings {
    /// Returns the folder for the runs and other temporary files of a pack.
    pub(super) fn folder(&self, target: &Path) -> PathBuf {
        let folder = self.temporary.as_deref();
        partial(folder.unwrap_or_else(|| folder_of(target)), target)
    }

    /// Checks that a pack to `target` can begin, before its sources are read. Changes nothing.
    /// Returns false if there is nothing to do, since the pack should be resumed but the target is
    /// complete.
    ///
    /// # Errors
    /// * [`PackError::Exists`] or [`PackError::Interrupted`] if the target exists, or an
    ///   interrupted pack has left its runs, and [`IfPackExists::Fail`] is set
    /// * [`PackError::Locked`] if another process packs to the target
    /// * [`PackError::Io`] if the folder of an interrupted pack can't be read
    pub fn check(&self, target: &Path) -> Result<bool, PackError> {
        let folder = self.folder(target);
        let exists = fs::symlink_metadata(target).is_ok();
        let found = journal::look(&folder, target)?;
        match self.if_exists {
            IfPackExists::Resume if exists && found == Found::Nothing => Ok(false),
            IfPackExists::Fail if exists => {
                let path = target.to_owned();
                Err(PackError::Exists { path })
            }
            IfPackExists::Fail if found == Found::Runs => {
                Err(PackError::Interrupted { path: folder })
            }
            _ => Ok(true),
        }
    }
}
