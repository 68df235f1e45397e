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
use crate::places::{EXAMINED, PlaceColumn, PlaceColumnError, PlaceSample, TextForm, is_wanted};
use crate::position_text::geometry::geometry;
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

/// The most bytes of texts that are read to find a column of whole positions: a choice.
const BYTES: usize = 8 << 20;

/// A table with positions, and its columns.
struct PlainTable {
    name: String,
    found: ResolvedColumns,
    /// The number of the coordinate system that SpatiaLite records for the column of geometries.
    /// `None` if there is no record, or if the record states that the system isn't known.
    system: Option<i64>,
    /// The column of whole positions; `None` if positions are in two columns, or if they are
    /// geometries in binary form.
    place: Option<PlaceColumn>,
}

impl PlainTable {
    /// The coordinate system of the positions, and its EPSG number if the positions state it, else
    /// 0.
    fn crs(
        &self,
        database: &Connection,
        options: &LoadOptions,
        file: &str,
    ) -> Result<(Crs, u32), LoadError> {
        if let Some(place) = &self.place {
            return place.crs(options, file);
        }
        let crs = match (self.found.position, self.system) {
            (PositionColumns::Geometry(_), Some(system)) => {
                Crs::refuse_option(options, file, "its table geometry_columns")?;
                numbered(database, system, file)
            }
            _ => Crs::unstated(options, file),
        };
        Ok((crs?, 0))
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
    let failed = |error: rusqlite::Error| damaged(&origin, "the list of tables", said(&error));
    let names = tables(&database).map_err(failed)?;
    let table = choose(&database, &names, ("SQLite", &origin), options)?;
    start(database, table, origin, options)
}

/// A source that reads a table without geometries of a GeoPackage: the one that
/// [`LoadOptions::table`] names, or the only one with positions. `features` are the names of its
/// tables of features.
pub(super) fn attributes(
    database: Connection,
    features: &[String],
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let failed = |error: rusqlite::Error| damaged(&origin, "the list of tables", said(&error));
    let mut names = tables(&database).map_err(failed)?;
    names.retain(|name| !features.contains(name));
    let table = choose(&database, &names, ("GeoPackage", &origin), options)?;
    start(database, table, origin, options)
}

/// Starts a source that reads a table.
fn start(
    database: Connection,
    table: PlainTable,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let (crs, srid) = table.crs(&database, options, &origin.file())?;
    let PlainTable {
        name, found, place, ..
    } = table;
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
        whole: (place.map_or(TextForm::Geometry, |place| place.form), srid),
        weight: found.weight,
        columns,
        place: format!("the table {}", shown(name.as_bytes())),
    };
    let errors = origin.clone();
    let reader: RecordReader = Box::new(move |sink| query.read(&database, &errors, sink));
    RecordSourceBuilder::new(origin, found, crs, options).start(vec![reader])
}

/// The table to read among those with the names `names`: the one that the option `table` names, or
/// the only one with positions. `format` is the name of the database's format.
fn choose(
    database: &Connection,
    names: &[String],
    (format, origin): (&str, &Origin),
    options: &LoadOptions,
) -> Result<PlainTable, LoadError> {
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
                list(names)
            )));
        };
        let found = table(database, (name, &file(name)), (format, origin), options);
        return found.map_err(|refused| refused.error);
    }
    let (mut found, mut refused) = (Vec::new(), LikeliestError::default());
    for name in names {
        match table(database, (name, &file(name)), (format, origin), options) {
            Ok(table) => found.push(table),
            Err(error) => refused.note(error)?,
        }
    }
    // Tables with whole positions in a text count only if no table has degrees or geometries.
    if found.iter().any(|table: &PlainTable| table.place.is_none()) {
        found.retain(|table| table.place.is_none());
    }
    let several: Vec<&str> = found.iter().map(|table| &*table.name).collect();
    match several.as_slice() {
        [] => Err(match refused.into_error() {
            Some(refused) if names.len() == 1 || refused.likelihood.has_axis() => refused.error,
            _ => bad(format!(
                "no table of this SQLite database has columns of positions; there are: {}",
                list(names)
            )),
        }),
        [_] => found.pop().ok_or_else(|| bad(list(names))),
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
    (format, origin): (&str, &Origin),
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
    let mut place = None;
    if let (Some(index), true) = (at, recorded.is_empty()) {
        // Columns of other texts and values have such names too.
        let column = seen.get(index).map_or("", String::as_str);
        match first_geometry(database, (name, column)).map_err(failed)? {
            FirstGeometry::Binary => (),
            FirstGeometry::Null if options.geom.is_some() || !likelihood.has_axes() => (),
            FirstGeometry::Text { srid } => {
                place = Some(PlaceColumn {
                    at: index,
                    form: TextForm::Geometry,
                    srid,
                    why: format!("positions from {} of {table}", shown(column.as_bytes())),
                });
            }
            FirstGeometry::Null | FirstGeometry::Other => at = None,
        }
    }
    if at.is_none() && is_wanted(&seen, options) {
        let names = &seen;
        let found = whole_column(database, (name, names), options).map_err(failed)?;
        let likelihood = match options.geom {
            None => likelihood.with_geometries(),
            Some(_) => likelihood,
        };
        place = found.map_err(|error| UnreadableTable {
            likelihood,
            error: error.into_load_error(Schema { names, file }),
        })?;
    }
    let column = at.and_then(|at| seen.get(at).cloned());
    let column = column.unwrap_or_default();
    let geometries = match &place {
        Some(place) => Some(place.geometries()),
        None => at.map(|at| Geometries {
            column: Some(at),
            why: format!("positions from {} of {table}", shown(column.as_bytes())),
        }),
    };
    let likelihood = match geometries {
        Some(_) => likelihood.with_geometries(),
        None => likelihood,
    };
    let refused = |error| UnreadableTable { likelihood, error };
    let found = resolve(seen, Names::Typed, options, geometries, file);
    let mut found = found.map_err(refused)?;
    found.columns.why = format!(
        "read as {format}: table {}, {}",
        shown(name.as_bytes()),
        found.columns.why
    );
    let is_it = |known: &&RecordedColumn| known.name.eq_ignore_ascii_case(&column);
    let system = recorded.iter().find(is_it).and_then(|known| known.system);
    Ok(PlainTable {
        name: name.to_owned(),
        found,
        system,
        place,
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

/// The column of whole positions of a table with the columns `seen`, by its first rows. Only texts
/// and whole numbers are read from the database, not its binary values.
fn whole_column(
    database: &Connection,
    (table, seen): (&str, &[String]),
    options: &LoadOptions,
) -> rusqlite::Result<Result<Option<PlaceColumn>, PlaceColumnError>> {
    let mut sample = match PlaceSample::new(seen, options) {
        Ok(sample) => sample,
        Err(error) => return Ok(Err(error)),
    };
    let columns = seen.iter().map(|name| {
        let name = quoted(name);
        format!("case when typeof({name}) in ('text', 'integer') then {name} end")
    });
    let columns: Vec<String> = columns.collect();
    let (columns, table) = (columns.join(", "), quoted(table));
    let mut query = database.prepare(&format!("select {columns} from {table} limit {EXAMINED}"))?;
    let mut rows = query.query([])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        for at in 0..seen.len() {
            let value = value(row.get_ref(at)?);
            if let Value::Text(text) = &value {
                bytes += text.len();
            }
            sample.note_value(at, &value);
        }
        if bytes > BYTES {
            break;
        }
    }
    Ok(sample.find())
}

/// The first value of a column that isn't null.
enum FirstGeometry {
    /// A geometry in binary form.
    Binary,
    /// A geometry as text, and the EPSG number that it states; 0 if it states none.
    Text {
        srid: u32,
    },
    /// All values are null.
    Null,
    Other,
}

fn first_geometry(
    database: &Connection,
    (table, column): (&str, &str),
) -> rusqlite::Result<FirstGeometry> {
    let (table, column) = (quoted(table), quoted(column));
    let sql = format!("select {column} from {table} where {column} is not null limit 1");
    let first = database.query_row(&sql, [], |row| {
        Ok(match row.get_ref(0)? {
            ValueRef::Blob(_) => FirstGeometry::Binary,
            ValueRef::Text(text) => match geometry(text) {
                Some(found) => FirstGeometry::Text { srid: found.srid },
                None => FirstGeometry::Other,
            },
            _ => FirstGeometry::Other,
        })
    });
    Ok(first.optional()?.unwrap_or(FirstGeometry::Null))
}

/// An SQL query that reads a table, and the meaning of the columns in its result.
struct PlainQuery {
    sql: String,
    position: PositionColumns,
    /// The form of positions that are texts, and the EPSG number of the coordinate system that they
    /// state, 0 if they state none.
    whole: (TextForm, u32),
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
                        value @ (ValueRef::Text(_) | ValueRef::Integer(_)) => {
                            sink.whole_position(&self::value(value), self.whole, weight)?;
                        }
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
