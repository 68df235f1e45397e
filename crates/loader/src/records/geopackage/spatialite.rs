//! SpatiaLite's records of columns of geometries and of coordinate systems, and its own form of
//! geometries. GDAL writes the same records into other SQLite databases.

use super::system;
use crate::crs::Crs;
use crate::error::LoadError;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

/// Returns true if the database has a table or view of this name, which is in small letters.
pub(super) fn has_table(database: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "select 1 from sqlite_master where lower(name) = ?1";
    let found = database.query_row(sql, [name], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// A column of geometries that SpatiaLite has recorded in its own tables.
pub(super) struct RecordedColumn {
    pub(super) name: String,
    /// The number of the column's coordinate system; `None` if the system isn't known.
    pub(super) system: Option<i64>,
}

/// The columns of geometries that SpatiaLite has recorded for a table or view.
pub(super) fn recorded(
    database: &Connection,
    table: &str,
) -> rusqlite::Result<Vec<RecordedColumn>> {
    let mut all = Vec::new();
    if !has_table(database, "geometry_columns")? {
        return Ok(all);
    }
    let of_tables = "select f_geometry_column, srid from geometry_columns \
                     where lower(f_table_name) = lower(?1)";
    let of_views = "select view_geometry, srid from views_geometry_columns v \
                    join geometry_columns t \
                    on lower(t.f_table_name) = lower(v.f_table_name) \
                    and lower(t.f_geometry_column) = lower(v.f_geometry_column) \
                    where lower(v.view_name) = lower(?1)";
    let has_views = has_table(database, "views_geometry_columns")?;
    for sql in [of_tables, of_views]
        .iter()
        .take(1 + usize::from(has_views))
    {
        let mut query = database.prepare(sql)?;
        let columns = query.query_map([table], |row| {
            let system: Option<i64> = row.get(1)?;
            Ok(RecordedColumn {
                name: row.get(0)?,
                // The numbers 0 and -1 stand for systems that are not known.
                system: system.filter(|system| *system > 0),
            })
        })?;
        for column in columns {
            all.push(column?);
        }
    }
    Ok(all)
}

/// The coordinate system that the table `spatial_ref_sys` states for a number. A number that is
/// missing there is read as an EPSG number.
pub(super) fn numbered(database: &Connection, number: i64, file: &str) -> Result<Crs, LoadError> {
    // The table has other columns in each version of SpatiaLite and in GDAL's files.
    let sql = "select * from spatial_ref_sys where srid = ?1";
    let stated = database.query_row(sql, [number], |row| {
        let text = |name| match row.get_ref(name) {
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            Ok(ValueRef::Integer(number)) => number.to_string(),
            _ => String::new(),
        };
        let code = text("auth_srid").parse().unwrap_or(0);
        Ok((text("auth_name"), code, text("srtext")))
    });
    match stated {
        Ok((owner, code, definition)) if code > 0 || !definition.is_empty() => {
            let name = format!("number {number}");
            system((&owner, code), &definition, name, file)
        }
        _ => Crs::from_epsg(u32::try_from(number).unwrap_or(0), file),
    }
}

/// Returns true if a geometry is in SpatiaLite's form: it begins with the byte 0 and a byte for the
/// byte order (0 or 1), has the byte 0x7c at the offset 38, and ends with 0xfe.
pub(super) fn is_geometry(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0 | 1, .., 0xfe]) && bytes.get(38) == Some(&0x7c)
}

/// The positions of a Point or a MultiPoint in SpatiaLite's form of geometries. The error is the
/// name of the type of any other geometry. `None` if the bytes are cut off.
pub(super) fn positions(bytes: &[u8]) -> Option<Result<Vec<(f64, f64)>, &'static str>> {
    /// The number of bytes before the number of the geometry's type in SpatiaLite's form of a
    /// geometry.
    const HEADER: usize = 39;
    let is_little = bytes.get(1) == Some(&1);
    let int = |at: usize| {
        let four = *bytes.get(at..)?.first_chunk()?;
        Some(if is_little {
            u32::from_le_bytes(four)
        } else {
            u32::from_be_bytes(four)
        })
    };
    let float = |at: usize| {
        let eight = *bytes.get(at..)?.first_chunk()?;
        Some(if is_little {
            f64::from_le_bytes(eight)
        } else {
            f64::from_be_bytes(eight)
        })
    };
    let kind = int(HEADER)?;
    let size = 8 * match kind / 1000 {
        0 => 2,
        1 | 2 => 3,
        _ => 4,
    };
    let first = HEADER + 4;
    match kind % 1000 {
        1 => Some(Ok(vec![(float(first)?, float(first + 8)?)])),
        4 => {
            let count = usize::try_from(int(first)?).ok()?;
            // Each position has a mark and the number of its kind before its coordinates.
            let step = 5 + size;
            if count > bytes.len() / step {
                return None;
            }
            let position = |at: usize| {
                let at = first + 4 + at * step + 5;
                Some((float(at)?, float(at + 8)?))
            };
            (0..count).map(position).collect::<Option<_>>().map(Ok)
        }
        2 => Some(Err("LineString")),
        3 => Some(Err("Polygon")),
        5 => Some(Err("MultiLineString")),
        6 => Some(Err("MultiPolygon")),
        7 => Some(Err("GeometryCollection")),
        // Kinds above a million are compressed lines and polygons.
        _ => Some(Err("geometry of another kind")),
    }
}
