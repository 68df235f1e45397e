//! A finished part becomes an MBTiles database, in one transaction, beside it.

use crate::error::{At as _, ExportError};
use crate::export::About;
use crate::fsync::{beside, sync_folder};
use crate::hilbert;
use crate::journal::{Entry, Part};
use crate::render::Paint;
use rusqlite::{Connection, params};
use serde_json::json;
use std::fs::{self, File};
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Nothing of it lasts unless all of it does, so SQLite needs no journal of its own. Equal
/// tiles are stored once: `tiles` is a view, as the specification allows.
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

/// Makes the database, gives it its name and removes the part.
pub(crate) fn finish(part: Part, target: &Path, about: &About) -> Result<(), ExportError> {
    let building = beside(target, ".building");
    match fs::remove_file(&building) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).at(&building);
        }
        _ => {}
    }
    let built = build(&part, &building, about);
    if let Err(error) = built {
        // the part is enough to begin again; a full disk needs the room
        let _ = fs::remove_file(&building);
        return Err(error);
    }
    let file = File::options().write(true).open(&building).at(&building)?;
    file.sync_all().at(&building)?;
    fs::rename(&building, target).at(target)?;
    sync_folder(target);
    part.remove()
}

fn build(part: &Part, path: &Path, about: &About) -> Result<(), ExportError> {
    let database = Connection::open(path).at(path)?;
    database.execute_batch(SCHEMA).at(path)?;
    for (name, value) in metadata(about) {
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
    let mut data = BufReader::with_capacity(1 << 20, part.data());
    let (mut next, _) = part.span();
    data.seek(SeekFrom::Start(next)).at(part.path())?;
    let mut bytes = Vec::new();
    let mut zoom = *about.zooms.start();
    for entry in part.entries()? {
        let Entry {
            number,
            offset,
            length,
        } = entry.at(part.path())?;
        // a tile that lies further ahead than all before is stored for the first time
        if offset == next {
            bytes.resize(length as usize, 0);
            data.read_exact(&mut bytes).at(part.path())?;
            image.execute(params![offset as i64, bytes]).at(path)?;
            next += u64::from(length);
        }
        while number >= hilbert::before(zoom + 1) {
            zoom += 1;
        }
        let tile = hilbert::at(zoom, number - hilbert::before(zoom));
        // rows are counted from the south
        let row = (1u32 << zoom) - 1 - tile.y();
        place
            .execute(params![zoom, tile.x(), row, offset as i64])
            .at(path)?;
    }
    drop((image, place));
    database.execute_batch("COMMIT").at(path)?;
    database.close().map_err(|(_, error)| error).at(path)
}

pub(crate) fn metadata(about: &About) -> Vec<(&'static str, String)> {
    let join = |numbers: &[f64]| {
        let texts: Vec<String> = numbers.iter().map(f64::to_string).collect();
        texts.join(",")
    };
    let (lon, lat, zoom) = about.center;
    let style: serde_json::Map<_, _> = about
        .style
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let format = if about.paint == Paint::WebP {
        "webp"
    } else {
        "png"
    };
    let mut all = vec![
        ("name", about.name.clone()),
        ("format", format.to_owned()),
        ("bounds", join(&about.bounds)),
        ("center", join(&[lon, lat, f64::from(zoom)])),
        ("minzoom", about.zooms.start().to_string()),
        ("maxzoom", about.zooms.end().to_string()),
        ("type", "overlay".to_owned()),
        ("version", "1".to_owned()),
        (
            "generator",
            concat!("heatsplat ", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
        (
            "tilesize",
            (about.size.pixels() / about.size.ratio()).to_string(),
        ),
        ("ratio", about.size.ratio().to_string()),
        ("style", json!(style).to_string()),
    ];
    if let Some(bounds) = &about.data_bounds {
        all.push(("data_bounds", join(bounds)));
    }
    if let Some(attribution) = &about.attribution {
        all.push(("attribution", attribution.clone()));
    }
    all
}
