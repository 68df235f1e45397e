//! The reader of MBTiles. The file may come from anywhere, and its table `tiles` may in truth be a
//! view with any query. So the database is opened read-only, and its schema is not trusted.

use crate::contents::{Contents, PathlessError, TileFormat};
use crate::validate::{self, LARGEST};
use heatsplat_points::TileId;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The largest number of idle connections to one database that are left open for later reads: a
/// choice.
const IDLE: usize = 16;

/// The size in bytes of the largest file that is checked page by page when it is opened: 1 GiB, a
/// choice. Larger files are not checked this way.
const CHECKED_SIZE: u64 = 1 << 30;

/// The number of steps of SQLite's virtual machine in one unit of a query's budget.
const STEPS: i32 = 100_000;

/// The budget for opening a file, in units of [`STEPS`] steps: a choice. Opening may read every
/// row.
const OPEN_BUDGET: u32 = 3_000;
/// The budget for reading one tile, in units of [`STEPS`] steps: a choice. Without a budget, a view
/// `tiles` that yields rows without end would block its reader forever.
const TILE_BUDGET: u32 = 100;

#[derive(Debug)]
pub(crate) struct MbTiles {
    path: PathBuf,
    idle: Mutex<Vec<BudgetedConnection>>,
}

/// A connection to the database, with a budget for each query. A query that exceeds its budget ends
/// with an error, since a view in the file may yield rows without end.
#[derive(Debug)]
struct BudgetedConnection {
    connection: Connection,
    /// The part of a query's budget that is left, in units of [`STEPS`] steps.
    budget: Arc<AtomicU32>,
}

impl MbTiles {
    pub(crate) fn open(path: &Path) -> Result<(Self, Contents), PathlessError> {
        let size = complete_size(path)?;
        let opened = BudgetedConnection::open(path)?;
        opened.budget.store(OPEN_BUDGET, Ordering::Relaxed);
        let database = &opened.connection;
        if size <= CHECKED_SIZE {
            let result: String =
                database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if result != "ok" {
                return Err(result.into());
            }
        }
        let metadata = metadata(database)?;
        let text = |name: &str| metadata.get(name).cloned();
        let format = match metadata.get("format").map(String::as_str) {
            Some("png") => TileFormat::Png,
            Some("jpg" | "jpeg") => TileFormat::Jpeg,
            Some("webp") => TileFormat::WebP,
            Some("pbf") => return Err("it holds vector tiles".into()),
            Some(_) => return Err("its tiles' format is none of png, jpg, webp".into()),
            None => return Err("its metadata name no format".into()),
        };
        let number = |name: &str| metadata.get(name)?.trim().parse::<u8>().ok();
        let zooms = match number("minzoom").zip(number("maxzoom")) {
            Some(zooms) => zooms,
            None => stored_zooms(database)?,
        };
        let zooms = validate::zooms(zooms.0, zooms.1)?;
        let numbers = |name: &str| -> Vec<f64> {
            let text = metadata.get(name).map_or("", String::as_str);
            let number = |text: &str| text.trim().parse().ok();
            text.split(',').map_while(number).collect()
        };
        let bounds = validate::bounds(numbers("bounds").try_into().unwrap_or([f64::NAN; 4]));
        let first: Option<Vec<u8>> = database
            .query_row("SELECT tile_data FROM tiles LIMIT 1", [], |row| row.get(0))
            .optional()?;
        let pixels = first.and_then(|tile| validate::png_side(&tile));
        let pixels = pixels.unwrap_or(256);
        let tile_size = metadata.get("tilesize").and_then(|size| size.parse().ok());
        let contents = Contents {
            name: text("name"),
            attribution: text("attribution"),
            format,
            center: validate::center(&numbers("center"), bounds, &zooms),
            zooms,
            bounds,
            data_bounds: validate::data_bounds(&numbers("data_bounds")),
            pixels,
            tile_size: validate::tile_size(tile_size, pixels),
            legends: metadata
                .get("legends")
                .and_then(|text| serde_json::from_str(text).ok())
                .and_then(|legends| validate::legends(&legends)),
        };
        let new = Self {
            path: path.to_owned(),
            idle: Mutex::new(vec![opened]),
        };
        Ok((new, contents))
    }

    pub(crate) fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, PathlessError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let reused = idle().pop();
        let database = match reused {
            Some(database) => database,
            None => BudgetedConnection::open(&self.path)?,
        };
        database.budget.store(TILE_BUDGET, Ordering::Relaxed);
        let bytes = read_tile(&database.connection, tile)?;
        let mut idle = idle();
        if idle.len() < IDLE {
            idle.push(database);
        }
        Ok(bytes)
    }
}

impl BudgetedConnection {
    fn open(path: &Path) -> Result<Self, PathlessError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;")?;
        let budget = Arc::new(AtomicU32::new(TILE_BUDGET));
        let rest = Arc::clone(&budget);
        let is_spent = move || {
            let spent = rest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |rest| {
                rest.checked_sub(1)
            });
            spent.is_err()
        };
        connection.progress_handler(STEPS, Some(is_spent))?;
        Ok(Self { connection, budget })
    }
}

fn read_tile(database: &Connection, tile: TileId) -> Result<Option<Vec<u8>>, PathlessError> {
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
        _ => Err("a tile is no blob, or too large".into()),
    }
}

/// Returns the size of the file in bytes. It is an error if the file is no SQLite database, or if
/// some of its pages are missing.
fn complete_size(path: &Path) -> Result<u64, PathlessError> {
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
        return Err("it is no SQLite database".into());
    };
    let page = match u64::from(u16::from_be_bytes(*page)) {
        1 => 65_536,
        page => page,
    };
    if size < page * pages {
        let missing = page * pages - size;
        return Err(format!("it is cut off: {missing} bytes are missing").into());
    }
    Ok(size)
}

fn metadata(database: &Connection) -> Result<HashMap<String, String>, PathlessError> {
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

fn stored_zooms(database: &Connection) -> Result<(u8, u8), PathlessError> {
    let sql = "SELECT min(zoom_level), max(zoom_level) FROM tiles";
    let zooms = database.query_row(sql, [], |row| {
        Ok((row.get::<_, Option<u8>>(0)?, row.get::<_, Option<u8>>(1)?))
    })?;
    match zooms {
        (Some(first), Some(last)) => Ok((first, last)),
        _ => Err("it holds no tiles".into()),
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

    /// A view `tiles` that yields rows without end gives an error as soon as the budget is used up.
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
        // This view returns its row of zoom 0 at once. It never ends for zoom 1, of which it has no
        // row.
        let one = format!(
            "CREATE VIEW tiles AS {endless} SELECT min(i, 9) AS zoom_level, 0 AS tile_column, 0 AS tile_row,
                x'00' AS tile_data FROM n WHERE i < 1 OR i > 5"
        );
        let path = database("one.mbtiles", &one);
        let (tiles, _) = MbTiles::open(&path).unwrap();
        let at = |z: u8| tiles.tile(TileId::new(z, 0, (1 << z) - 1).unwrap());
        assert_eq!(at(0).unwrap(), Some(vec![0]));
        for _ in 0..2 {
            assert!(matches!(at(1), Err(PathlessError::Damaged(why)) if why.contains("no end")));
        }
        // The connection whose query was stopped can still read another tile.
        assert_eq!(at(0).unwrap(), Some(vec![0]));
        std::fs::remove_file(path).unwrap();
    }
}
