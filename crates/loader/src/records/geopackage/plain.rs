//! Reading of SQLite databases that are no GeoPackages: tables with columns of positions or of
//! geometries, the latter as well-known binary or in SpatiaLite's own form.

use super::database::said;
use super::{quoted, value};
use crate::columns::resolve::{Geometries, Names, PositionColumns, ResolvedColumns, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::messages::{list, shown};
use crate::number;
use crate::number::exact::Number;
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::records::{
    Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged,
};
use crate::report::SkipReason;
use crate::source::Source;
use crate::value::Value;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

/// Names of columns of geometries in tables of which SpatiaLite has no record.
const GEOMETRIES: [&str; 6] = [
    "geom",
    "geometry",
    "wkb",
    "wkb_geometry",
    "the_geom",
    "shape",
];

/// A table with positions.
struct PlainTable {
    name: String,
    found: ResolvedColumns,
    crs: Crs,
}

/// Returns whether the database is a GeoPackage.
pub(super) fn is_geopackage(database: &Connection) -> rusqlite::Result<bool> {
    has_table(database, "gpkg_geometry_columns")
}

fn has_table(database: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "select 1 from sqlite_master where lower(name) = ?1";
    let found = database.query_row(sql, [name], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// A source that reads a table of the database: the one that [`LoadOptions::table`] names, or the
/// only one with positions.
pub(super) fn source(
    database: Connection,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let PlainTable { name, found, crs } = choose(&database, &origin, options)?;
    let mut columns: Vec<usize> = match found.position {
        PositionColumns::LonLat(lon, lat) => vec![lon, lat],
        PositionColumns::Geometry(column) => column.into_iter().collect(),
    };
    columns.extend(found.weight);
    columns.extend(found.selection.places());
    let names: Vec<String> = columns
        .iter()
        .filter_map(|at| found.columns.seen.get(*at).map(|name| quoted(name)))
        .collect();
    let query = PlainQuery {
        sql: format!("select {} from {}", names.join(", "), quoted(&name)),
        position: found.position,
        weight: found.weight,
        columns,
        place: format!("the table {}", shown(name.as_bytes())),
    };
    let errors = origin.clone();
    let reader: RecordReader = Box::new(move |sink| query.read(&database, &errors, sink));
    RecordSourceBuilder::new(origin, found, crs, options).start(vec![reader])
}

/// The table to read.
fn choose(
    database: &Connection,
    origin: &Origin,
    options: &LoadOptions,
) -> Result<PlainTable, LoadError> {
    let failed = |error: rusqlite::Error| damaged(origin, "the list of tables", said(&error));
    let names = tables(database).map_err(failed)?;
    let bad = |message: String| LoadError::BadOption {
        file: origin.file(),
        parameter: Parameter::Table,
        message,
    };
    if let Some(name) = &options.table {
        let Some(name) = names.iter().find(|known| *known == name) else {
            let name = shown(name.as_bytes());
            return Err(bad(format!(
                "there is no table {name}; there are: {}",
                list(&names)
            )));
        };
        return table(database, name, origin, options);
    }
    let (mut found, mut refusal) = (Vec::new(), None);
    for name in &names {
        match table(database, name, origin, options) {
            Ok(table) => found.push(table),
            Err(error @ (LoadError::NoPositionColumns { .. } | LoadError::NoSuchColumn { .. })) => {
                refusal.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    let several: Vec<&str> = found.iter().map(|table| &*table.name).collect();
    match (several.as_slice(), refusal) {
        ([], Some(refusal)) if names.len() == 1 => Err(refusal),
        ([], _) => Err(bad(format!(
            "no table of this SQLite database has columns of positions; there are: {}",
            list(&names)
        ))),
        ([_], _) => found.pop().ok_or_else(|| bad(list(&names))),
        (several, _) => Err(bad(format!(
            "several tables have positions; name one of them: {}",
            list(several)
        ))),
    }
}

/// The names of tables and views, without those of SQLite and SpatiaLite themselves.
fn tables(database: &Connection) -> rusqlite::Result<Vec<String>> {
    const OWN: [&str; 8] = [
        "sqlite_",
        "idx_",
        "spatial_ref_sys",
        "geometry_columns",
        "views_geometry_columns",
        "virts_geometry_columns",
        "spatialite_history",
        "sql_statements_log",
    ];
    let sql = "select name from sqlite_master where type in ('table', 'view') order by name";
    let mut query = database.prepare(sql)?;
    let names = query.query_map([], |row| row.get::<_, String>(0))?;
    let mut names: Vec<String> = names.collect::<Result<_, _>>()?;
    names.retain(|name| {
        let small = name.to_ascii_lowercase();
        !OWN.iter().any(|own| small.starts_with(own))
    });
    Ok(names)
}

/// The columns of a table.
fn table(
    database: &Connection,
    name: &str,
    origin: &Origin,
    options: &LoadOptions,
) -> Result<PlainTable, LoadError> {
    let failed = |error: rusqlite::Error| {
        damaged(
            origin,
            format!("the table {}", shown(name.as_bytes())),
            said(&error),
        )
    };
    let mut query = database
        .prepare("select name from pragma_table_info(?1)")
        .map_err(failed)?;
    let seen = query.query_map([name], |row| row.get(0));
    let seen: Result<Vec<String>, _> = seen.and_then(Iterator::collect);
    let seen = seen.map_err(failed)?;
    let recorded = recorded(database, name).map_err(failed)?;
    let wanted = match (&options.geom, &recorded) {
        (Some(geom), _) => Some(geom.clone()),
        (None, Some((column, _))) => Some(column.clone()),
        (None, None) => {
            let is_usual = |name: &&String| GEOMETRIES.contains(&&*name.to_ascii_lowercase());
            seen.iter().find(is_usual).cloned()
        }
    };
    let at = wanted.and_then(|wanted| {
        let is_it = |name: &String| name.eq_ignore_ascii_case(&wanted);
        seen.iter().position(is_it)
    });
    let table = shown(name.as_bytes());
    let geometries = at.map(|at| Geometries {
        column: Some(at),
        why: format!(
            "positions from {} of the table {table}",
            shown(seen.get(at).map_or("", String::as_str).as_bytes())
        ),
    });
    let mut found = resolve(seen, Names::Typed, options, geometries, &origin.name)?;
    let crs = match (found.position, recorded) {
        (PositionColumns::Geometry(_), Some((_, system @ 1..))) if system != 4326 => {
            Crs::from_epsg(system.unsigned_abs(), &origin.file())?
        }
        _ => Crs::LonLat,
    };
    found.columns.why = format!("read as SQLite: table {table}, {}", found.columns.why);
    Ok(PlainTable {
        name: name.to_owned(),
        found,
        crs,
    })
}

/// The column of geometries of a table and the number of its coordinate system, as SpatiaLite
/// records them.
fn recorded(database: &Connection, table: &str) -> rusqlite::Result<Option<(String, i32)>> {
    if !has_table(database, "geometry_columns")? {
        return Ok(None);
    }
    let sql = "select f_geometry_column, srid from geometry_columns \
               where lower(f_table_name) = lower(?1)";
    let found = database.query_row(sql, [table], |row| Ok((row.get(0)?, row.get(1)?)));
    found.optional()
}

/// A query of a table, and the meaning of the columns that it returns.
struct PlainQuery {
    sql: String,
    position: PositionColumns,
    weight: Option<usize>,
    /// The table's columns that the query returns, by their numbers.
    columns: Vec<usize>,
    place: String,
}

impl PlainQuery {
    fn read(
        &self,
        database: &Connection,
        origin: &Origin,
        sink: &mut RecordSink,
    ) -> Result<(), ReadFailure> {
        let failed = |error| damaged(origin, &self.place, said(&error));
        let mut query = database.prepare(&self.sql).map_err(failed)?;
        let mut rows = query.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let of = |column| self.value(row, column).map_or(Value::Null, value);
            if !sink.selects(of)? {
                continue;
            }
            let weight = self.weight.map(of);
            let weight = weight.as_ref();
            match self.position {
                PositionColumns::LonLat(lon, lat) => {
                    degrees(&of(lon), &of(lat), weight, sink)?;
                }
                PositionColumns::Geometry(column) => {
                    let geometry = column.and_then(|column| self.value(row, column));
                    match geometry.unwrap_or(ValueRef::Null) {
                        ValueRef::Null => {
                            sink.record(Geometry::Nothing("geometry null"), weight)?;
                        }
                        ValueRef::Blob(bytes) => geometry_of(bytes, weight, sink)?,
                        other => {
                            sink.malformed(format!("a geometry of type {}", other.data_type()));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The value of a row in a column of the table.
    fn value<'r>(&self, row: &'r Row<'_>, column: usize) -> Option<ValueRef<'r>> {
        let at = self.columns.iter().position(|known| *known == column)?;
        row.get_ref(at).ok()
    }
}

/// Sends a position of two columns of degrees.
fn degrees(
    lon: &Value<'_>,
    lat: &Value<'_>,
    weight: Option<&Value<'_>>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    let number = |value: &Value<'_>, name: &str| match value {
        Value::Null => Ok(None),
        Value::Number(Number::Float(number)) => Ok(Some(*number)),
        Value::Text(text) if text.trim().is_empty() => Ok(None),
        Value::Text(text) if number::parse(text.as_bytes()).is_some() => {
            Ok(number::parse(text.as_bytes()))
        }
        other => Err(format!("{name} {}", other.shown())),
    };
    match (number(lon, "longitude"), number(lat, "latitude")) {
        (Ok(Some(lon)), Ok(Some(lat))) => sink.record(Geometry::Point(lon, lat), weight)?,
        (Err(found), _) | (_, Err(found)) => sink.refuse(SkipReason::BadPosition, found)?,
        _ => sink.record(Geometry::Nothing("longitude or latitude null"), weight)?,
    }
    Ok(())
}

/// Sends a geometry in well-known binary or in SpatiaLite's form.
fn geometry_of(
    bytes: &[u8],
    weight: Option<&Value<'_>>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    // SpatiaLite's form begins with 0 and the byte order, and has 0x7c at offset 38.
    match bytes {
        [b'G', b'P', ..] => super::place(bytes, weight, sink),
        [0, 0 | 1, ..] if bytes.get(38) == Some(&0x7c) && bytes.last() == Some(&0xfe) => {
            match spatialite(bytes) {
                Some(Ok(positions)) => match positions.as_slice() {
                    &[(x, y)] => sink.record(Geometry::Point(x, y), weight)?,
                    _ => {
                        let mut positions = positions.into_iter();
                        sink.record(Geometry::MultiPoint(&mut positions), weight)?;
                    }
                },
                Some(Err(name)) => sink.record(Geometry::Other(name), weight)?,
                None => sink.malformed("a geometry that is cut off".to_owned()),
            }
            Ok(())
        }
        _ => Ok(sink.wkb(bytes, weight)?),
    }
}

/// The positions of a geometry in SpatiaLite's form. The error is the kind of a geometry that is no
/// point. `None` if it is cut off.
fn spatialite(bytes: &[u8]) -> Option<Result<Vec<(f64, f64)>, &'static str>> {
    /// The size of a header, up to the number of the kind.
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
            // Each has a mark and the number of its kind before its coordinates.
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
