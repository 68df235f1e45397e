//! Reading of SQLite databases that are no GeoPackages. Their tables have columns of longitude and
//! latitude, or a column of geometries. Geometries are in well-known binary or text, or in
//! SpatiaLite's own form.

use super::database::said;
use super::spatialite::{self, RecordedColumn, has_table, numbered, recorded};
use super::{quoted, value};
use crate::columns::Schema;
use crate::columns::likelihood::{LikeliestError, Likelihood, UnreadableTable};
use crate::columns::resolve::{Geometries, Names, PositionColumns, ResolvedColumns, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::messages::{list, shown};
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::position_text::geometry::{self, TextShape};
use crate::position_text::shapes;
use crate::records::{
    Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged,
};
use crate::source::Source;
use crate::value::Value;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row};
use std::collections::HashSet;

/// Names, in small letters, by which a column of geometries is recognised if SpatiaLite has no
/// record of the table.
const GEOMETRIES: [&str; 6] = [
    "geom",
    "geometry",
    "wkb",
    "wkb_geometry",
    "the_geom",
    "shape",
];

/// A table with positions, and its columns.
struct PlainTable {
    name: String,
    found: ResolvedColumns,
    /// The number of the coordinate system that SpatiaLite records for the column of geometries.
    /// `None` if there is no record, or if the record states that the system isn't known.
    system: Option<i64>,
}

impl PlainTable {
    fn crs(
        &self,
        database: &Connection,
        options: &LoadOptions,
        file: &str,
    ) -> Result<Crs, LoadError> {
        match (self.found.position, self.system) {
            (PositionColumns::Geometry(_), Some(system)) => {
                Crs::refuse_option(options, file, "its table geometry_columns")?;
                numbered(database, system, file)
            }
            _ => Crs::unstated(options, file),
        }
    }
}

/// Returns whether the database is a GeoPackage.
pub(super) fn is_geopackage(database: &Connection) -> rusqlite::Result<bool> {
    has_table(database, "gpkg_geometry_columns")
}

/// A source that reads a table of the database: the one that [`LoadOptions::table`] names, or the
/// only one with positions.
pub(super) fn source(
    database: Connection,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let table = choose(&database, &origin, options)?;
    let crs = table.crs(&database, options, &origin.file())?;
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

/// The table to read: the one that the option `table` names, or the only one with positions.
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
    let file = |name: &str| match names.len() {
        1 => origin.file(),
        _ => format!("{}: table {}", origin.name, shown(name.as_bytes())),
    };
    if let Some(name) = &options.table {
        let Some(name) = names.iter().find(|known| *known == name) else {
            let name = shown(name.as_bytes());
            return Err(bad(format!(
                "there is no table {name}; there are: {}",
                list(&names)
            )));
        };
        let found = table(database, (name, &file(name)), origin, options);
        return found.map_err(|refused| refused.error);
    }
    let (mut found, mut refused) = (Vec::new(), LikeliestError::default());
    for name in &names {
        match table(database, (name, &file(name)), origin, options) {
            Ok(table) => found.push(table),
            Err(error) => refused.note(error)?,
        }
    }
    let several: Vec<&str> = found.iter().map(|table| &*table.name).collect();
    match several.as_slice() {
        [] => Err(match refused.into_error() {
            Some(refused) if names.len() == 1 || refused.likelihood.has_axis() => refused.error,
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

/// The names of tables and views, without the tables in which SQLite, SpatiaLite and R-trees store
/// their own data.
fn tables(database: &Connection) -> rusqlite::Result<Vec<String>> {
    const OWN: [&str; 8] = [
        "data_licenses",
        "elementarygeometries",
        "geom_cols_ref_sys",
        "knn",
        "knn2",
        "spatialindex",
        "spatialite_history",
        "sql_statements_log",
    ];
    /// Beginnings of the names, in small letters, of tables in which SQLite, SpatiaLite and
    /// GeoPackage store their own data.
    const GROUPS: [&str; 8] = [
        "sqlite_",
        "gpkg_",
        "geometry_columns",
        "iso_metadata",
        "spatial_ref_sys",
        "vector_layers",
        "views_geometry_columns",
        "virts_geometry_columns",
    ];
    /// Ends of the names of the tables in which SQLite's R-trees store their content.
    const IN_TREES: [&str; 3] = ["_node", "_parent", "_rowid"];
    let sql = "select name, lower(name), \
               lower(coalesce(sql, '')) like 'create virtual table%using rtree%' \
               from sqlite_master where type in ('table', 'view') order by name";
    let mut query = database.prepare(sql)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let all: Vec<(String, String, bool)> = rows.collect::<Result<_, _>>()?;
    let of_trees = all.iter().filter(|(_, _, is_tree)| *is_tree);
    let trees: HashSet<&str> = of_trees.map(|(_, small, _)| small.as_str()).collect();
    let in_tree = |small: &str| {
        let mut trunks = IN_TREES.iter().filter_map(|end| small.strip_suffix(end));
        trees.contains(small) || trunks.any(|trunk| trees.contains(trunk))
    };
    let is_own = |small: &str| {
        OWN.contains(&small) || GROUPS.iter().any(|own| small.starts_with(own)) || in_tree(small)
    };
    let names = all.iter().filter(|(_, small, _)| !is_own(small));
    Ok(names.map(|(name, ..)| name.clone()).collect())
}

/// Finds the columns of a table. `file` names the file and the table in messages about the columns.
///
/// # Errors
/// The table has no columns of positions, or it can't be read. A view or a virtual table may need
/// functions and modules that only another program has.
fn table(
    database: &Connection,
    (name, file): (&str, &str),
    origin: &Origin,
    options: &LoadOptions,
) -> Result<PlainTable, UnreadableTable> {
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
    let refused = |error| UnreadableTable { likelihood, error };
    let mut at = geometry_column(&seen, &recorded, options, file).map_err(refused)?;
    if recorded.is_empty() && options.geom.is_none() {
        // Columns of other values have such names too.
        at = match at.and_then(|at| seen.get(at)) {
            Some(column)
                if !has_geometries(database, (name, column), likelihood).map_err(failed)? =>
            {
                None
            }
            _ => at,
        };
    }
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
    let refused = |error| UnreadableTable { likelihood, error };
    let found = resolve(seen, Names::Typed, options, geometries, file);
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

/// The index, among `names`, of a table's column of geometries: the column that the option `geom`
/// names, else the first column that SpatiaLite records, else the first with a usual name. `None`
/// if there is no such column.
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

/// Returns true if the first value of a column that isn't null is a geometry. If all values are
/// null, the result is true unless the table has columns of longitude and latitude, as `likelihood`
/// states.
fn has_geometries(
    database: &Connection,
    (table, column): (&str, &str),
    likelihood: Likelihood,
) -> rusqlite::Result<bool> {
    let (table, column) = (quoted(table), quoted(column));
    let sql = format!("select {column} from {table} where {column} is not null limit 1");
    let first = database.query_row(&sql, [], |row| {
        Ok(match row.get_ref(0)? {
            ValueRef::Blob(_) => true,
            ValueRef::Text(text) => geometry::geometry(text).is_some(),
            _ => false,
        })
    });
    Ok(first.optional()?.unwrap_or(!likelihood.has_axes()))
}

/// An SQL query that reads a table, and the meaning of the columns in its result.
struct PlainQuery {
    sql: String,
    position: PositionColumns,
    weight: Option<usize>,
    /// The indexes, among the table's columns, of the columns that the query returns, in their
    /// order.
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
                        ValueRef::Text(text) => geometry_in(text, weight, sink)?,
                        other => {
                            sink.malformed(format!("a geometry of type {}", other.data_type()));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The value of a row in a column of the table, by the column's index in the table. `None` if
    /// the query doesn't return this column.
    fn value<'r>(&self, row: &'r Row<'_>, column: usize) -> Option<ValueRef<'r>> {
        let at = self.columns.iter().position(|known| *known == column)?;
        row.get_ref(at).ok()
    }
}

/// Sends a geometry in a text to a sink. The text is well-known text or another form that
/// [`geometry::geometry`] reads.
fn geometry_in(
    text: &[u8],
    weight: Option<&Value<'_>>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    match geometry::geometry(text).filter(|found| found.srid == 0) {
        None => sink.malformed(format!("geometry {}", shown(text))),
        Some(found) => match found.shape {
            TextShape::Nothing => sink.record(Geometry::Nothing("empty geometry"), weight)?,
            TextShape::Point(x, y) => sink.record(Geometry::Point(x, y), weight)?,
            TextShape::Points(all) => {
                sink.record(Geometry::MultiPoint(&mut all.into_iter()), weight)?;
            }
            TextShape::Other(name) => {
                sink.shape(&name, weight, |collector| shapes::collect(text, collector))?;
            }
        },
    }
    Ok(())
}

/// Sends a geometry in well-known binary or in SpatiaLite's form to a sink.
fn geometry_of(
    bytes: &[u8],
    weight: Option<&Value<'_>>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    match bytes {
        [b'G', b'P', ..] => super::place(bytes, weight, sink),
        _ if spatialite::is_geometry(bytes) => {
            match spatialite::positions(bytes) {
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
