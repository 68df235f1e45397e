//! The writer of MBTiles: makes the database from a finished journal, in one transaction.

use crate::error::{ExportError, WithPath as _};
use crate::fsync::sibling;
use crate::journal::Journal;
use crate::metadata::ExportMetadata;
use rusqlite::{Connection, params};
use std::fs;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The settings and the tables of the database. SQLite writes no rollback journal, since an
/// incomplete database is deleted anyway. The bytes of equal tiles are stored once: `tiles` is a
/// view that joins two tables, as the specification allows.
const SCHEMA: &str = "
    PRAGMA page_size = 4096;
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA cache_size = -65536;
    PRAGMA application_id = 0x4d504258;
    BEGIN;
    CREATE TABLE metadata (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
    CREATE TABLE images (tile_id INTEGER PRIMARY KEY, tile_data BLOB NOT NULL);
    CREATE TABLE map (
        zoom_level INTEGER NOT NULL, tile_column INTEGER NOT NULL, tile_row INTEGER NOT NULL,
        tile_id INTEGER NOT NULL REFERENCES images,
        PRIMARY KEY (zoom_level, tile_column, tile_row)
    ) WITHOUT ROWID;
    CREATE VIEW tiles AS
        SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images USING (tile_id);
";

/// Makes the database from a finished journal, renames it to the target, and removes the journal.
pub(crate) fn finish(
    journal: Journal,
    target: &Path,
    metadata: &ExportMetadata,
) -> Result<(), ExportError> {
    let building = sibling(target, ".building");
    match fs::remove_file(&building) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).at(&building);
        }
        _ => {}
    }
    let built = build(&journal, &building, metadata);
    if let Err(error) = built {
        // A full disk needs the space. The journal remains, and suffices to make the database
        // again.
        let _ = fs::remove_file(&building);
        return Err(error);
    }
    journal.replace_and_publish(&building, target)
}

fn build(journal: &Journal, path: &Path, metadata: &ExportMetadata) -> Result<(), ExportError> {
    let database = Connection::open(path).at(path)?;
    database.execute_batch(SCHEMA).at(path)?;
    for (name, value) in metadata.to_pairs() {
        database
            .execute("INSERT INTO metadata VALUES (?, ?)", (name, value))
            .at(path)?;
    }
    let mut image = database
        .prepare("INSERT INTO images VALUES (?, ?)")
        .at(path)?;
    let mut place = database
        .prepare("INSERT INTO map VALUES (?, ?, ?, ?)")
        .at(path)?;
    let mut data = BufReader::with_capacity(1 << 20, journal.data());
    let (mut next, _) = journal.span();
    data.seek(SeekFrom::Start(next)).at(journal.path())?;
    let mut bytes = Vec::new();
    for stored in journal.stored_tiles()? {
        let stored = stored.at(journal.path())?;
        let id = stored.offset as i64;
        // If the bytes of a tile directly follow all bytes that were read before, the tile is new.
        // Otherwise it is equal to an earlier tile.
        if stored.offset == next {
            bytes.resize(stored.length as usize, 0);
            data.read_exact(&mut bytes).at(journal.path())?;
            image.execute(params![id, bytes]).at(path)?;
            next += u64::from(stored.length);
        }
        let (z, x) = (stored.tile.z(), stored.tile.x());
        // MBTiles counts the rows of tiles from the south.
        let row = (1u32 << z) - 1 - stored.tile.y();
        place.execute(params![z, x, row, id]).at(path)?;
    }
    drop((image, place));
    database.execute_batch("COMMIT").at(path)?;
    database.close().map_err(|(_, error)| error).at(path)
}
