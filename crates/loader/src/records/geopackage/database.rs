//! Opening of an SQLite database that isn't trusted. It must be complete, can only be read, and may
//! take only limited time and memory.

use super::super::damaged;
use crate::error::LoadError;
use crate::input::Origin;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Opens the SQLite database at a path, for reading only and within limits.
pub(super) fn open(path: &Path, origin: &Origin) -> Result<Connection, LoadError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error: rusqlite::Error| damaged(origin, "the database", said(&error));
    let mut database = Connection::open_with_flags(path, flags).map_err(failed)?;
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    bounded(&mut database, size).map_err(failed)?;
    let missing = missing_bytes(path).map_err(|error| origin.read_error(error))?;
    if missing > 0 {
        let message = format!("it is cut off: {missing} bytes are missing");
        return Err(damaged(origin, "the database", message));
    }
    Ok(database)
}

/// The most bytes that a geometry or a text may have, a choice: 64 MiB are enough for a MultiPoint
/// of three million points.
const LONGEST: i32 = 64 << 20;

/// The number of steps of SQLite's virtual machine between two checks of the limit for steps: a
/// choice.
const STEPS: u64 = 1_000_000;

/// The number of steps of SQLite's virtual machine that reading any database may take, however
/// small the database is: a choice. To this number [`FOR_A_BYTE`] adds steps for each byte.
const LEAST: u64 = 1_000_000_000;
/// The number of steps of SQLite's virtual machine that reading may take for each byte of the
/// database, in addition to [`LEAST`]: a choice. Reading a table takes one or two steps for each
/// byte; reading a view may take any number.
const FOR_A_BYTE: u64 = 64;

/// Limits the memory and time that a database of `size` bytes may take. The schema of a database
/// can hold code that SQLite executes, so it isn't trusted.
fn bounded(database: &mut Connection, size: u64) -> rusqlite::Result<()> {
    database.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;")?;
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
    let mut looks = (LEAST + size.saturating_mul(FOR_A_BYTE)) / STEPS;
    let is_over = move || {
        looks = looks.saturating_sub(1);
        looks == 0
    };
    database.progress_handler(STEPS as i32, Some(is_over))
}

/// The text of an SQLite error for messages.
pub(super) fn said(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            "it takes more steps than a table of its size can; is it a view that never ends?".into()
        }
        Some(ErrorCode::TooBig) => {
            format!("a geometry or text of over {LONGEST} bytes, the most that are read of one")
        }
        _ => error.to_string(),
    }
}

/// The number of bytes that are missing at the end of a database file, which should have as many
/// pages as its header states; 0 if none are missing. SQLite reads a file that was cut off as if it
/// were complete, with nulls in place of rows.
fn missing_bytes(path: &Path) -> io::Result<u64> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return Ok(0); // pages of an unfinished write are there
    }
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut head = Vec::new();
    (&mut file).take(100).read_to_end(&mut head)?;
    let at = |at: usize| Some(u32::from_be_bytes(*head.get(at..)?.first_chunk()?));
    let page = head.get(16..).and_then(|rest| rest.first_chunk());
    let page = page.map_or(0, |page| match u64::from(u16::from_be_bytes(*page)) {
        1 => 65_536,
        page => page,
    });
    // SQLite before version 3.7 wrote no number of pages. If the header's two change counters are
    // equal, the number of pages is valid.
    let counted = at(24) == at(92);
    let pages = at(28).filter(|_| counted).map_or(0, u64::from);
    Ok((page * pages).saturating_sub(size))
}
