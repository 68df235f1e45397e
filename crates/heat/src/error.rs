//! The errors of reading and writing files.

use std::io;
use std::path::PathBuf;

/// The reason why a file can't be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeatError {
    /// The bytes can't be read.
    #[error("{name}: cannot be read: {source}")]
    Read {
        /// The name of the file.
        name: String,
        /// The reason that the operating system gives.
        source: io::Error,
    },
    /// A part of the file can't be read.
    #[error("{part} of {name} cannot be read: {source}")]
    ReadPart {
        /// The name of the file.
        name: String,
        /// The part that can't be read, for example "page 4711".
        part: String,
        /// The reason that the operating system or the server gives.
        source: io::Error,
    },
    /// The file doesn't begin like a `.heat` file.
    #[error("{name}: is no .heat file")]
    Foreign {
        /// The name of the file.
        name: String,
    },
    /// The file has a version that is not known here.
    #[error(
        "{name}: has version {major} of the format .heat, and this program reads version 1: a \
         newer one reads it"
    )]
    Version {
        /// The name of the file.
        name: String,
        /// The major version of the format in which the file is written.
        major: u16,
    },
    /// The file has a part that readers must know, and that this version of the program doesn't
    /// know.
    #[error("{name}: needs {part}, which this version of the program doesn't know")]
    Unknown {
        /// The name of the file.
        name: String,
        /// The unknown part, for example "its section XYZW".
        part: String,
    },
    /// The file is shorter or longer than its header says.
    #[error("{name}: has {found} bytes where its header says {wanted}: it was cut or replaced")]
    Length {
        /// The name of the file.
        name: String,
        /// The length of the file, in bytes.
        found: u64,
        /// The length that the header gives, in bytes.
        wanted: u64,
    },
    /// A part of the file is damaged.
    #[error("{part} of {name} is damaged")]
    Damaged {
        /// The name of the file.
        name: String,
        /// The damaged part, for example "page 4711".
        part: String,
    },
}

/// The reason why a file can't be written. A file that was there before is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A file can't be written: the disk is full, for example.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The path of the file that can't be written.
        path: PathBuf,
        /// The reason that the operating system gives.
        source: io::Error,
    },
    /// Another program is writing the file at the moment.
    #[error("{}: another program is writing it just now", path.display())]
    Locked {
        /// The path of the unfinished file.
        path: PathBuf,
    },
    /// The points or nodes were not handed over as the writer demands.
    #[error("the points to write are not consistent: {0}")]
    Inconsistent(&'static str),
    /// The finished file can't be read back.
    #[error(transparent)]
    ReadBack(#[from] HeatError),
}
