//! Reading MBTiles. A database may define `tiles` as it likes, so it is opened to read only and
//! its schema is not trusted.

use crate::archive::{self, Bad, Contents, LARGEST, StoredPicture};
use heatsplat_points::TileId;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections that wait to be used again.
const IDLE: usize = 16;

/// Files of up to so many bytes are looked through when they are opened.
const CHECKED: u64 = 1 << 30;

/// Steps of SQLite's machine between two looks at how many there were.
const STEPS: i32 = 100_000;

/// So many times [`STEPS`] may a file take to be opened, which may look at every row, …
const TO_OPEN: u32 = 3_000;
/// … and a tile, which is looked up. A database may say anything is its `tiles`: also what never ends.
const TO_FIND: u32 = 100;

#[derive(Debug)]
pub(crate) struct MbTiles {
    path: PathBuf,
    idle: Mutex<Vec<Database>>,
}

/// A connection whose queries end.
#[derive(Debug)]
struct Database {
    connection: Connection,
    /// Looks that are left, each of them [`STEPS`].
    left: Arc<AtomicU32>,
}

impl MbTiles {
    pub(crate) fn open(path: &Path) -> Result<(Self, Contents), Bad> {
        let size = whole(path)?;
        let opened = Database::open(path)?;
        opened.left.store(TO_OPEN, Ordering::Relaxed);
        let database = &opened.connection;
        if size <= CHECKED {
            let said: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if said != "ok" {
                return Err(Bad::Damaged(said));
            }
        }
        let about = metadata(database)?;
        let text = |name: &str| about.get(name).cloned();
        let picture = match about.get("format").map(String::as_str) {
            Some("png") => StoredPicture::Png,
            Some("jpg" | "jpeg") => StoredPicture::Jpeg,
            Some("webp") => StoredPicture::WebP,
            Some("pbf") => return Err(Bad::Damaged("it holds vector tiles".to_owned())),
            Some(_) => {
                return Err(Bad::Damaged(
                    "its tiles' format is none of png, jpg, webp".to_owned(),
                ));
            }
            None => return Err(Bad::Damaged("its metadata name no format".to_owned())),
        };
        let number = |name: &str| about.get(name)?.trim().parse::<u8>().ok();
        let zooms = match number("minzoom").zip(number("maxzoom")) {
            Some(zooms) => zooms,
            None => stored_zooms(database)?,
        };
        let zooms = archive::zooms(zooms.0, zooms.1)?;
        let numbers = |name: &str| -> Vec<f64> {
            let said = about.get(name).map_or("", String::as_str);
            let number = |text: &str| text.trim().parse().ok();
            said.split(',').map_while(number).collect()
        };
        let bounds = archive::bounds(numbers("bounds").try_into().unwrap_or([f64::NAN; 4]));
        let first: Option<Vec<u8>> = database
            .query_row("SELECT tile_data FROM tiles LIMIT 1", [], |row| row.get(0))
            .optional()?;
        let pixels = first.and_then(|tile| archive::png_side(&tile));
        let pixels = pixels.unwrap_or(256);
        let tile_size = about.get("tilesize").and_then(|size| size.parse().ok());
        let contents = Contents {
            name: text("name"),
            attribution: text("attribution"),
            picture,
            center: archive::center(&numbers("center"), bounds, &zooms),
            zooms,
            bounds,
            data_bounds: archive::data_bounds(&numbers("data_bounds")),
            pixels,
            tile_size: archive::tile_size(tile_size, pixels),
        };
        let new = Self {
            path: path.to_owned(),
            idle: Mutex::new(vec![opened]),
        };
        Ok((new, contents))
    }

    pub(crate) fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, Bad> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let database = match waiting {
            Some(database) => database,
            None => Database::open(&self.path)?,
        };
        database.left.store(TO_FIND, Ordering::Relaxed);
        let bytes = fetch(&database.connection, tile)?;
        let mut idle = idle();
        if idle.len() < IDLE {
            idle.push(database);
        }
        Ok(bytes)
    }
}

impl Database {
    fn open(path: &Path) -> Result<Self, Bad> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;")?;
        let left = Arc::new(AtomicU32::new(TO_FIND));
        let looks = Arc::clone(&left);
        let is_over = move || {
            let look = looks.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
            look.is_err()
        };
        connection.progress_handler(STEPS, Some(is_over))?;
        Ok(Self { connection, left })
    }
}

fn fetch(database: &Connection, tile: TileId) -> Result<Option<Vec<u8>>, Bad> {
    const TILE: &str = "SELECT tile_data FROM tiles \
         WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?";
    let row = (1u32 << tile.z()) - 1 - tile.y();
    let mut query = database.prepare_cached(TILE)?;
    let mut rows = query.query(params![tile.z(), tile.x(), row])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    match row.get_ref(0)? {
        ValueRef::Blob(bytes) if bytes.len() as u64 <= LARGEST => Ok(Some(bytes.to_vec())),
        ValueRef::Null => Ok(None),
        _ => Err(Bad::Damaged("a tile is no blob, or too large".to_owned())),
    }
}

/// The file's size, once it is known to be an SQLite database with all its pages.
fn whole(path: &Path) -> Result<u64, Bad> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut head = Vec::new();
    (&mut file).take(100).read_to_end(&mut head)?;
    let number = |at: usize| {
        Some(u64::from(u32::from_be_bytes(
            *head.get(at..)?.first_chunk()?,
        )))
    };
    let page = head.get(16..).and_then(|rest| rest.first_chunk());
    let (true, Some(page), Some(pages)) =
        (head.starts_with(b"SQLite format 3\0"), page, number(28))
    else {
        return Err(Bad::Damaged("it is no SQLite database".to_owned()));
    };
    let page = match u64::from(u16::from_be_bytes(*page)) {
        1 => 65_536,
        page => page,
    };
    if size < page * pages {
        let missing = page * pages - size;
        return Err(Bad::Damaged(format!(
            "it is cut off: {missing} bytes are missing"
        )));
    }
    Ok(size)
}

fn metadata(database: &Connection) -> Result<HashMap<String, String>, Bad> {
    let mut query = database.prepare("SELECT name, value FROM metadata LIMIT 1000")?;
    let rows = query.query_map([], |row| {
        let text = |at: usize| {
            Ok::<_, rusqlite::Error>(match row.get_ref(at)? {
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) => number.to_string(),
                _ => String::new(),
            })
        };
        Ok((text(0)?, text(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn stored_zooms(database: &Connection) -> Result<(u8, u8), Bad> {
    let sql = "SELECT min(zoom_level), max(zoom_level) FROM tiles";
    let zooms = database.query_row(sql, [], |row| {
        Ok((row.get::<_, Option<u8>>(0)?, row.get::<_, Option<u8>>(1)?))
    })?;
    match zooms {
        (Some(first), Some(last)) => Ok((first, last)),
        _ => Err(Bad::Damaged("it holds no tiles".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(name: &str, sql: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("heatsplat-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let connection = Connection::open(&path).unwrap();
        let about = "CREATE TABLE metadata (name, value); INSERT INTO metadata VALUES
            ('format', 'png'), ('minzoom', '0'), ('maxzoom', '3');";
        connection.execute_batch(about).unwrap();
        connection.execute_batch(sql).unwrap();
        path
    }

    /// A view may count for ever: whoever asks is told so, soon.
    #[test]
    fn tiles_that_never_end_are_an_error() {
        let endless = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n)";
        let never = format!(
            "CREATE VIEW tiles AS {endless} SELECT 0 AS zoom_level, 0 AS tile_column, 0 AS tile_row,
                x'00' AS tile_data FROM n WHERE i < 0"
        );
        let path = database("never.mbtiles", &never);
        assert!(MbTiles::open(&path).is_err());
        std::fs::remove_file(path).unwrap();
        // the first row is there at once, and no tile but that of zoom 0 ever is
        let one = format!(
            "CREATE VIEW tiles AS {endless} SELECT min(i, 9) AS zoom_level, 0 AS tile_column, 0 AS tile_row,
                x'00' AS tile_data FROM n WHERE i < 1 OR i > 5"
        );
        let path = database("one.mbtiles", &one);
        let (tiles, _) = MbTiles::open(&path).unwrap();
        let at = |z: u8| tiles.tile(TileId::new(z, 0, (1 << z) - 1).unwrap());
        assert_eq!(at(0).unwrap(), Some(vec![0]));
        for _ in 0..2 {
            assert!(matches!(at(1), Err(Bad::Damaged(why)) if why.contains("no end")));
        }
        // a good tile is found by the connection that was stopped, too
        assert_eq!(at(0).unwrap(), Some(vec![0]));
        std::fs::remove_file(path).unwrap();
    }
}
