//! The errors of packing.

use crate::WriteError;
use std::io;
use std::path::{Path, PathBuf};

/// An error of packing. The target is unchanged after it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The target exists, and it may not be replaced.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The path of the target.
        path: PathBuf,
    },
    /// A pack to this target was interrupted and has left its runs. It must be resumed or
    /// overwritten.
    #[error("{}: is left of a pack that was broken off", path.display())]
    Interrupted {
        /// The path of the folder with the runs.
        path: PathBuf,
    },
    /// The interrupted pack that should be resumed was begun with other settings than this pack.
    #[error("{}: is left of a pack with other settings", path.display())]
    OtherSettings {
        /// The path of the folder with the runs.
        path: PathBuf,
    },
    /// Another process packs to this target.
    #[error("{}: is being written by another process", path.display())]
    Locked {
        /// The path of the target.
        path: PathBuf,
    },
    /// A disk is full.
    #[error(
        "{}: the disk is full; a pack of {points} points needs about {needed} bytes there", path.display()
    )]
    Full {
        /// The path that can't be written, on the full disk.
        path: PathBuf,
        /// The number of points in the pack; while the sources are being read, an estimate of it.
        points: u64,
        /// The number of bytes that the pack needs in all on the disk of `path`.
        needed: u64,
    },
    /// The different texts of a column take more bytes than a column of a file may have: 64 MiB,
    /// the constant [`MOST_TEXT`](crate::MOST_TEXT).
    #[error("column \"{column}\" has more than 64 MiB of different texts; leave it out")]
    TooManyTexts {
        /// The name of the column.
        column: String,
    },
    /// More points than fit into memory are at one place. They would have to be merged in the order
    /// of their values; but a column has values of several types, which sort differently in the
    /// runs and in the file.
    #[error(
        "more points than fit into memory lie at one place, and a column has values of several \
         types, by which they can't be sorted; leave it out, or allow more memory"
    )]
    MixedCrowd,
    /// Rows were added without columns, or with other columns than the pack has.
    #[error("{name}: has not all columns of the pack")]
    OtherColumns {
        /// The name of the source.
        name: String,
    },
    /// The file can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A temporary file can't be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}

/// A conversion of an I/O error into one that names the file's path.
pub(super) trait IntoPackError<T> {
    fn at(self, path: &Path) -> Result<T, PackError>;
}

impl<T> IntoPackError<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, PackError> {
        self.map_err(|error| PackError::Io {
            path: path.to_owned(),
            error,
        })
    }
}

impl PackError {
    /// Replaces an error that a disk is full by [`Full`](Self::Full), whose message says how many
    /// bytes a pack of `points` points needs. `needed` returns these bytes; it is called with the
    /// path that can't be written, by which it knows the disk. Other errors stay as they are.
    pub(super) fn naming_bytes(self, points: u64, needed: impl Fn(&Path) -> u64) -> Self {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        match self {
            Self::Io { path, error }
            | Self::Write(WriteError::Write {
                path,
                source: error,
            }) if full.contains(&error.kind()) => Self::Full {
                needed: needed(&path),
                path,
                points,
            },
            other => other,
        }
    }
}
