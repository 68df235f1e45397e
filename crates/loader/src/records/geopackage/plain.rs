//! Reading of SQLite databases that are no GeoPackages: tables with columns of positions or of
//! geometries, the latter as well-known binary or in SpatiaLite's own form.

use super::database::said;
use super::{quoted, value};
use crate::columns::Schema;
use crate::columns::likelihood::{LikeliestError, Likelihood, TableError};
use crate::columns::resolve::{Geometries, Names, PositionColumns, ResolvedColumns, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::messages::{list, shown};
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::records::{
    Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged,
};
use crate::source::Source;
use crate::value::Value;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row};

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
    /// The EPSG number of the coordinate system that SpatiaLite records for the column of
    /// geometries; `None` if there is no record, or if it states that the system isn't known.
    system: Option<u32>,
}

impl PlainTable {
    fn crs(&self, options: &LoadOptions, file: &str) -> Result<Crs, LoadError> {
        match (self.found.position, self.system) {
            (PositionColumns::Geometry(_), Some(system)) => {
                Crs::refuse_option(options, file, "its table geometry_columns")?;
                Crs::from_epsg(system, file)
            }
            _ => Crs::unstated(options, file),
        }
    }
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
    let table = choose(&database, &origin, options)?;
    let crs = table.crs(options, &origin.file())?;
    let PlainTable { name, found, .. } = table;
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
        return table(database, name, origin, options).map_err(|found| found.error);
    }
    let (mut found, mut refused) = (Vec::new(), LikeliestError::default());
    for name in &names {
        match table(database, name, origin, options) {
            Ok(table) => found.push(table),
            Err(error) => refused.note(error)?,
        }
    }
    let several: Vec<&str> = found.iter().map(|table| &*table.name).collect();
    match several.as_slice() {
        [] => Err(match refused.into_error() {
            Some(refused) if names.len() == 1 || refused.likelihood.has_axes() => refused.error,
            _ => bad(format!(
                "no table of this SQLite database has columns of positions; there are: {}",
                list(&names)
            )),
        }),
        [_] => found.pop().ok_or_else(|| bad(list(&names))),
        several => Err(bad(format!(
            "several tables have positions; name one of them: {}",
            list(several)
        ))),
    }
}

/// The names of tables and views, without those of SQLite and SpatiaLite themselves.
fn tables(database: &Connection) -> rusqlite::Result<Vec<String>> {
    const OWN: [&str; 13] = [
        "sqlite_",
        "idx_",
        "data_licenses",
        "elementarygeometries",
        "iso_metadata",
        "knn",
        "spatialindex",
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
///
/// # Errors
/// The table has no columns of positions, or it can't be read. A view or a virtual table may need
/// functions and modules that only another program has.
fn table(
    database: &Connection,
    name: &str,
    origin: &Origin,
    options: &LoadOptions,
) -> Result<PlainTable, TableError> {
    let table = format!("the table {}", shown(name.as_bytes()));
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::Unknown) => LoadError::Unsupported {
            file: origin.file(),
            message: format!("{table}: it can't be read here: {}", said(&error)),
        },
        _ => damaged(origin, &table, said(&error)),
    };
    let mut query = database
        .prepare("select name from pragma_table_info(?1)")
        .map_err(failed)?;
    let seen = query.query_map([name], |row| row.get(0));
    let seen: Result<Vec<String>, _> = seen.and_then(Iterator::collect);
    let seen = seen.map_err(failed)?;
    let recorded = recorded(database, name).map_err(failed)?;
    let likelihood = Likelihood::new(&seen, options);
    let refused = |error| TableError { likelihood, error };
    let at = geometry_column(&seen, &recorded, options, &origin.name).map_err(refused)?;
    let column = at.and_then(|at| seen.get(at).cloned());
    let column = column.unwrap_or_default();
    let geometries = at.map(|at| Geometries {
        column: Some(at),
        why: format!("positions from {} of {table}", shown(column.as_bytes())),
    });
    let likelihood = match at {
        Some(_) => likelihood.with_geometries(),
        None => likelihood,
    };
    let refused = |error| TableError { likelihood, error };
    let found = resolve(seen, Names::Typed, options, geometries, &origin.name);
    let mut found = found.map_err(refused)?;
    found.columns.why = format!(
        "read as SQLite: table {}, {}",
        shown(name.as_bytes()),
        found.columns.why
    );
    let is_it = |known: &&RecordedColumn| known.name.eq_ignore_ascii_case(&column);
    let system = recorded.iter().find(is_it).and_then(|known| known.system);
    Ok(PlainTable {
        name: name.to_owned(),
        found,
        system,
    })
}

/// The index of a table's column of geometries: the one that the option `geom` names, or the first
/// of those that SpatiaLite records, or one with a usual name. `None` if there is none.
fn geometry_column(
    names: &[String],
    recorded: &[RecordedColumn],
    options: &LoadOptions,
    file: &str,
) -> Result<Option<usize>, LoadError> {
    if let Some(geom) = &options.geom {
        let schema = Schema { names, file };
        return schema.find(Parameter::Geom, geom).map(Some);
    }
    let column = |name: &str| {
        names
            .iter()
            .position(|seen| seen.eq_ignore_ascii_case(name))
    };
    let first = recorded.iter().find_map(|known| column(&known.name));
    let is_usual = |name: &String| GEOMETRIES.contains(&&*name.to_ascii_lowercase());
    Ok(first.or_else(|| names.iter().position(is_usual)))
}

/// A column of geometries of which SpatiaLite has a record.
struct RecordedColumn {
    name: String,
    /// The EPSG number of its coordinate system; `None` if it isn't known.
    system: Option<u32>,
}

/// The columns of geometries of a table of which SpatiaLite has a record.
fn recorded(database: &Connection, table: &str) -> rusqlite::Result<Vec<RecordedColumn>> {
    if !has_table(database, "geometry_columns")? {
        return Ok(Vec::new());
    }
    let sql = "select f_geometry_column, srid from geometry_columns \
               where lower(f_table_name) = lower(?1)";
    let mut query = database.prepare(sql)?;
    let columns = query.query_map([table], |row| {
        // The numbers 0 and -1 stand for systems that are not known.
        let system: Option<i64> = row.get(1)?;
        let known = system.and_then(|system| u32::try_from(system).ok());
        Ok(RecordedColumn {
            name: row.get(0)?,
            system: known.filter(|system| *system > 0),
        })
    })?;
    columns.collect()
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
                    sink.degrees(&of(lon), &of(lat), weight)?;
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
