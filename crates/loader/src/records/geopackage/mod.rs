//! Reading of GeoPackages (OGC 12-128r19). A GeoPackage is an SQLite database with tables of
//! features. A geometry is a short header and then well-known binary. Other SQLite databases are
//! read by `plain`.

mod database;
mod plain;
mod spatialite;

use super::{Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged};
use crate::columns::Schema;
use crate::columns::resolve::{Geometries, Names, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::messages::{list, shown};
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::shape::{ShapeKind, ShapeRules};
use crate::source::Source;
use crate::time::time;
use crate::value::Value;
use database::said;
use heatsplat_points::LonLatBox;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// A source that reads the GeoPackage at a path. It reads the table that [`LoadOptions::table`]
/// names. Without this option there must be only one table of points.
pub(crate) fn source(
    path: &Path,
    mut origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let file = origin.file();
    origin.bytes_total = None;
    let failed = |error: rusqlite::Error| damaged(&origin, "the database", said(&error));
    let database = database::open(path, &origin)?;
    if !plain::is_geopackage(&database).map_err(failed)? {
        return plain::source(database, origin, options);
    }
    let table = match FeatureTable::find(&database, options, &origin)? {
        Ok(table) => table,
        Err(NoFeatures { features, error }) => {
            let attributes = plain::attributes(database, &features, origin, options);
            return attributes.map_err(|other| match other {
                LoadError::Unsupported { .. } => other,
                _ => error,
            });
        }
    };
    let crs = match (table.system, options.srid) {
        // The numbers for systems that are not known: of degrees, and of a plane.
        (0 | -1, Some(_)) => Crs::unstated(options, &file)?,
        _ => {
            Crs::refuse_option(options, &file, "its table of geometries")?;
            table.crs(&database, &file, &origin)?
        }
    };
    let seen = table.names(&database).map_err(failed)?;
    let positions = format!("positions from the table {}", shown(table.name.as_bytes()));
    let index = options.within.filter(|_| matches!(crs, Crs::LonLat));
    let index = index.map(|within| Ok(table.index(&database)?.map(|index| (index, within))));
    let index = index.transpose().map_err(failed)?.flatten();
    let geometries = Geometries {
        column: None,
        why: positions,
    };
    let found = resolve(seen, Names::Typed, options, Some(geometries), &file)?;
    let weight = found.columns.weight.clone();
    let named = |at: usize| Some((at, found.columns.seen.get(at)?.clone()));
    let others = found.selection.places().into_iter().filter_map(named);
    let others: Vec<(usize, String)> = others.collect();
    let errors = origin.clone();
    let dates = table.dates(&database).map_err(failed)?;
    let is_date = |name: &String| dates.iter().any(|date| date == name);
    let query = TableQuery {
        sql: table.sql(weight.as_deref(), &others, index),
        has_weight: weight.is_some(),
        others: others
            .iter()
            .map(|(at, name)| (*at, is_date(name)))
            .collect(),
        place: format!("the table {}", shown(table.name.as_bytes())),
    };
    let reader: RecordReader = Box::new(move |sink| query.read(&database, &errors, sink));
    RecordSourceBuilder::new(origin, found, crs, options).start(vec![reader])
}

/// A table of features: its name, the name of its column of geometries, and the number of its
/// coordinate system.
struct FeatureTable {
    name: String,
    geometry: String,
    system: i64,
}

/// The error for a GeoPackage without a table of features to read. Its other tables may still have
/// positions.
struct NoFeatures {
    /// The names of all tables of features.
    features: Vec<String>,
    error: LoadError,
}

/// Returns whether the rows of a table may give points, by the type of geometries that the table
/// states and by the rules for lines and areas.
fn may_give_points(kind: &str, shapes: ShapeRules) -> bool {
    let points = ["POINT", "MULTIPOINT", "GEOMETRY"];
    points.iter().any(|known| kind.eq_ignore_ascii_case(known))
        || ShapeKind::from_name(kind).is_some_and(|kind| shapes.uses(kind))
}

/// The message for a GeoPackage without a table of points. `kinds` are the types of geometries of
/// its tables, as the tables state them.
fn without_points<'a>(kinds: impl Iterator<Item = &'a str>) -> String {
    let kinds: Vec<Option<ShapeKind>> = kinds.map(ShapeKind::from_name).collect();
    let advice = |kind, advice| kinds.contains(&Some(kind)).then_some(advice);
    let advice: Vec<&str> = [
        advice(
            ShapeKind::Area,
            "`areas` centroid reads its tables of areas",
        ),
        advice(
            ShapeKind::Line,
            "`lines` vertices reads its tables of lines",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    let message = "there is no table of points in this GeoPackage".to_owned();
    match advice.is_empty() {
        true => message,
        false => format!("{message}; {}", advice.join(", and ")),
    }
}

impl FeatureTable {
    /// The table of features to read. The inner error is given if no such table is meant.
    fn find(
        database: &Connection,
        options: &LoadOptions,
        origin: &Origin,
    ) -> Result<Result<Self, NoFeatures>, LoadError> {
        let failed = |error: rusqlite::Error| damaged(origin, "the list of tables", said(&error));
        let mut query = database
            .prepare(
                "select g.table_name, g.column_name, g.srs_id, g.geometry_type_name \
                 from gpkg_geometry_columns g \
                 join gpkg_contents c on c.table_name = g.table_name order by g.table_name",
            )
            .map_err(failed)?;
        let rows = query.query_map([], |row| {
            // A table whose type or system is missing doesn't hinder reading others. −1 means a
            // plane system that is not known.
            let kind = row.get::<_, Option<String>>(3)?.unwrap_or_default();
            let table = Self {
                name: row.get::<_, Option<String>>(0)?.unwrap_or_default(),
                geometry: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                system: row.get::<_, Option<i64>>(2)?.unwrap_or(-1),
            };
            Ok((table, kind))
        });
        let all: Result<Vec<(Self, String)>, _> = rows.and_then(Iterator::collect);
        let all = all.map_err(failed)?;
        let features: Vec<String> = all.iter().map(|(table, _)| table.name.clone()).collect();
        let (read, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(_, kind)| may_give_points(kind, options.shapes));
        let mut tables: Vec<Self> = read.into_iter().map(|(table, _)| table).collect();
        let are_none = tables.is_empty();
        let geometries: Vec<String> = tables.iter().map(|t| t.geometry.clone()).collect();
        if let Some(geom) = &options.geom {
            tables.retain(|table| table.geometry == *geom);
        }
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let at = match &options.table {
            Some(name) => names.iter().position(|n| n == name),
            None if tables.len() == 1 => Some(0),
            None => None,
        };
        if let Some(at) = at {
            return Ok(Ok(tables.swap_remove(at)));
        }
        let error = match &options.geom {
            Some(geom) if tables.is_empty() => {
                let schema = Schema {
                    names: &geometries,
                    file: &origin.name,
                };
                schema.no_such_column(Parameter::Geom, geom)
            }
            _ => LoadError::BadOption {
                file: origin.file(),
                parameter: Parameter::Table,
                message: match (tables.is_empty(), options.shapes == ShapeRules::default()) {
                    (true, _) => without_points(others.iter().map(|(_, kind)| kind.as_str())),
                    (false, true) => format!("name one of the tables of points: {}", list(&names)),
                    (false, false) => {
                        format!("name one of the tables of geometries: {}", list(&names))
                    }
                },
            },
        };
        // Tables without geometries are read if they are named, or if there are no others.
        let may_be_attributes = match &options.table {
            Some(name) => !features.contains(name),
            None => are_none,
        };
        match may_be_attributes {
            true => Ok(Err(NoFeatures { features, error })),
            false => Err(error),
        }
    }

    fn crs(&self, database: &Connection, file: &str, origin: &Origin) -> Result<Crs, LoadError> {
        // In a GeoPackage the number 0 means a system in degrees that is not known, and −1 a plane
        // system that is not known.
        if self.system == 0 {
            return Ok(Crs::LonLat);
        }
        let found = database
            .query_row(
                "select organization, organization_coordsys_id, definition, srs_name \
                 from gpkg_spatial_ref_sys where srs_id = ?1",
                [self.system],
                |row| {
                    let text = |at| {
                        row.get::<_, Option<String>>(at)
                            .map(Option::unwrap_or_default)
                    };
                    Ok((text(0)?, row.get::<_, i64>(1)?, text(2)?, text(3)?))
                },
            )
            .optional()
            .map_err(|error| damaged(origin, "the coordinate systems", said(&error)))?;
        let Some((owner, code, definition, name)) = found else {
            return Err(LoadError::UnknownCrs {
                file: file.to_owned(),
                system: format!("number {}", self.system),
            });
        };
        system((&owner, code), &definition, shown(name.as_bytes()), file)
    }

    /// The names of all of the table's columns but the column of geometries.
    fn names(&self, database: &Connection) -> rusqlite::Result<Vec<String>> {
        let mut query = database.prepare("select name from pragma_table_info(?1)")?;
        let names = query.query_map([&self.name], |row| row.get(0))?;
        let mut names: Vec<String> = names.collect::<Result<_, _>>()?;
        names.retain(|name| *name != self.geometry);
        Ok(names)
    }

    /// The names of the columns that are declared as dates or times. SQLite stores their values as
    /// texts.
    fn dates(&self, database: &Connection) -> rusqlite::Result<Vec<String>> {
        let sql =
            "select name from pragma_table_info(?1) where upper(type) in ('DATE', 'DATETIME')";
        let mut query = database.prepare(sql)?;
        let names = query.query_map([&self.name], |row| row.get(0))?;
        names.collect()
    }

    /// The name of the R-tree of the geometries (extension `gpkg_rtree_index`); `None` if there is
    /// none.
    fn index(&self, database: &Connection) -> rusqlite::Result<Option<String>> {
        let name = format!("rtree_{}_{}", self.name, self.geometry);
        let sql = "select name from sqlite_master where type = 'table' and lower(name) = lower(?1) \
                   and sql like 'create virtual table%using rtree%'";
        let of_a_table = "select count(*) from sqlite_master where type = 'table' and name = ?1";
        let tables: i64 = database.query_row(of_a_table, [&self.name], |row| row.get(0))?;
        if tables == 0 {
            return Ok(None); // a view has no numbers of rows
        }
        database.query_row(sql, [name], |row| row.get(0)).optional()
    }

    /// The SQL statement that selects the geometry, the weight and the other columns. `index` is
    /// the name of an R-tree, and a box: only those rows are selected whose geometry's bounding box
    /// touches this box. If `index` is `None`, all rows are selected. Each of `others` is a
    /// column's index and its name.
    fn sql(
        &self,
        weight: Option<&str>,
        others: &[(usize, String)],
        index: Option<(String, LonLatBox)>,
    ) -> String {
        let weight = weight.map_or("null".to_owned(), quoted);
        let mut columns = vec![quoted(&self.geometry), weight];
        columns.extend(others.iter().map(|other| quoted(&other.1)));
        let mut sql = format!("select {} from {}", columns.join(", "), quoted(&self.name));
        if let Some((index, within)) = index {
            sql.push_str(&format!(" where rowid in ({})", places(&index, within)));
        }
        sql
    }
}

/// The coordinate system that a database states in two ways: as the number `code` of the authority
/// `owner`, such as EPSG, and as well-known text, `definition`. `name` is the system's name for
/// messages.
fn system(
    (owner, code): (&str, i64),
    definition: &str,
    name: String,
    file: &str,
) -> Result<Crs, LoadError> {
    match u32::try_from(code) {
        Ok(code @ 1..) if owner.eq_ignore_ascii_case("EPSG") => Crs::from_epsg(code, file)
            .or_else(|error| Crs::from_wkt(definition, file).map_err(|_| error)),
        _ => Crs::from_wkt(definition, file).map_err(|_| LoadError::UnknownCrs {
            file: file.to_owned(),
            system: name,
        }),
    }
}

/// An SQL query that reads a table, and the meaning of the columns in its result.
struct TableQuery {
    /// The statement. It returns the geometry, the weight and then the other columns. Without a
    /// column of weights, the weight is null.
    sql: String,
    has_weight: bool,
    /// The other columns, in the order of the query's result: the index of each among the columns
    /// that [`names`](FeatureTable::names) lists, and true if the column is declared as a date or
    /// time.
    others: Vec<(usize, bool)>,
    place: String,
}

impl TableQuery {
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
            let other = |place| {
                let at = self.others.iter().position(|other| other.0 == place);
                let value =
                    at.and_then(|at| Some((self.others.get(at)?.1, row.get_ref(2 + at).ok()?)));
                match value.map(|(is_date, value)| (is_date, self::value(value))) {
                    None => Value::Null,
                    Some((true, Value::Text(text))) => {
                        time(&text).map_or(Value::Text(text), Value::Time)
                    }
                    Some((_, value)) => value,
                }
            };
            if !sink.selects(other)? {
                continue;
            }
            let weight = match self.has_weight {
                true => Some(value(row.get_ref(1).map_err(failed)?)),
                false => None,
            };
            let weight = weight.as_ref();
            match row.get_ref(0).map_err(failed)? {
                ValueRef::Null => sink.record(Geometry::Nothing("geometry null"), weight)?,
                ValueRef::Blob(bytes) => place(bytes, weight, sink)?,
                other => sink.malformed(format!("a geometry of type {}", other.data_type())),
            }
        }
        Ok(())
    }
}

/// The SQL query for the numbers of the rows that may lie in a box, by the R-tree `index`.
/// Longitudes in the table may be 360° or 720° higher or lower than the longitudes of the box, so
/// the box is searched for there too.
fn places(index: &str, within: LonLatBox) -> String {
    let index = quoted(index);
    let [west, south, east, north] = within.edges();
    let turns = [-360.0, 0.0, 360.0, 720.0, -720.0].map(|turn| {
        format!(
            "select id from {index} where maxx >= {:?} and minx <= {:?} \
             and maxy >= {south:?} and miny <= {north:?}",
            west + turn,
            east + turn
        )
    });
    turns.join(" union all ")
}

/// A name as an SQL identifier in double quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn value(value: ValueRef<'_>) -> Value<'static> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::whole(n),
        ValueRef::Real(n) => Value::float(n),
        ValueRef::Text(text) => Value::text(String::from_utf8_lossy(text)),
        ValueRef::Blob(_) => Value::text("binary data"),
    }
}

/// Sends a geometry of a GeoPackage to a sink. The bytes begin with a header: the letters `GP`, a
/// version, flags, the number of a coordinate system, and the geometry's box.
fn place(
    bytes: &[u8],
    weight: Option<&Value<'_>>,
    sink: &mut RecordSink,
) -> Result<(), ReadFailure> {
    match header(bytes) {
        None => sink.malformed("a geometry that is no GeoPackage binary".to_owned()),
        Some((_, true)) => sink.record(Geometry::Nothing("empty geometry"), weight)?,
        Some((wkb, false)) => sink.wkb(wkb, weight)?,
    }
    Ok(())
}

/// The bytes after the header of a geometry, and a flag that is true if the header states that the
/// geometry is empty. `None` if the header is not valid.
fn header(bytes: &[u8]) -> Option<(&[u8], bool)> {
    let [b'G', b'P', _, flags, ..] = bytes else {
        return None;
    };
    let envelope = match (flags >> 1) & 7 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return None,
    };
    Some((bytes.get(8 + envelope..)?, flags & 0x10 != 0))
}
