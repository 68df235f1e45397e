//! MBTiles 1.3: tiles in an SQLite database.
//!
//! <https://github.com/mapbox/mbtiles-spec/blob/master/1.3/spec.md>

mod read;
mod write;

pub(crate) use read::MbTiles;
pub(crate) use write::finish;
