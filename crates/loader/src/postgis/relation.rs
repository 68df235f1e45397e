//! Layer queries: a table, view or SQL query that yields a layer's rows, with its columns and
//! reference system.

use super::area::{Area, ForeignCrs};
use super::coordinates::{CoordinateUnit, Sides};
use super::introspect::{columns_of, find_kept, find_place, find_table, find_weight, is_number};
use super::template::{Statement, Template, TokenValues, quoted};
use crate::columns::{Columns, Position};
use crate::error::DatabaseError;
use crate::shape::ShapeRules;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// A description of a layer that is to be read from a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerQuery {
    /// The table, view or query that yields the rows.
    pub from: Relation,
    /// The column of geometries. `None` finds it: the only such column or, if there are several,
    /// the only one with a common name, such as `geom`. If the rows have no geometries, columns of
    /// longitudes and latitudes are used.
    pub geom: Option<String>,
    /// The column of weights. `None` finds it by its name. With the text `none` every row counts 1.
    pub weight: Option<String>,
    /// The reference system (SRID) of geometries that state none; `None` if the caller doesn't know
    /// it.
    pub srid: Option<u32>,
    /// A column of numbers that a snapshot reads beside its points; `None` if it reads none.
    pub keep: Option<String>,
    /// The rules by which lines and areas become points.
    pub shapes: ShapeRules,
}

/// The table, view or query that yields the rows of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The name of a table or view, with or without its schema.
    Table(String),
    /// An SQL query, in which tokens like `!bbox!` stand for properties of the picture.
    Sql(String),
}

/// The columns that give a row's position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PlaceColumns {
    Geometry {
        column: String,
        /// True for a column of the type `geography`. It is cast to `geometry`, since the two types
        /// have different operators.
        cast: bool,
        /// True if the column's declaration allows only points.
        points: bool,
    },
    Coordinates {
        x: String,
        y: String,
    },
}

/// Facts about a table or view that the database's catalog states.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableInfo {
    /// The table's name with its schema, each quoted if SQL requires it.
    pub(crate) name: String,
    /// True if the rows are stored in pages of this table, so that several connections can each
    /// read some of the pages. A view has no pages.
    pub(crate) in_pages: bool,
    pub(crate) pages: u32,
    /// The planner's estimate of the number of rows in the table; negative if it is unknown.
    pub(crate) rows: f64,
}

/// A layer query after it was looked up in the database and checked.
#[derive(Clone, Debug)]
pub struct ResolvedLayer {
    pub(crate) from: Template,
    pub(crate) place: PlaceColumns,
    pub(crate) weight: Option<String>,
    pub(crate) count: Option<String>,
    pub(crate) kept: Option<String>,
    pub(crate) shapes: ShapeRules,
    /// The SRID that the stored geometries state; 0 if they state none.
    stored: u32,
    /// The SRID that the geometries are taken to have: `stored` or, if that is 0, the SRID that the
    /// layer query names.
    srid: u32,
    /// True if the column of geometries declares no SRID, so that the geometries in it may state
    /// different ones.
    mixed: bool,
    /// True if the layer query names the SRID `srid`. Then geometries that state the SRID 0 are
    /// treated as if they stated `srid`.
    zero_is_srid: bool,
    /// True if coordinates in the reference system `srid` are angles.
    angles: bool,
    pub(crate) table: Option<TableInfo>,
    pub(crate) columns: Columns,
}

/// The largest size in bytes of one row's geometry: 64 MiB. A choice, which bounds the memory for a
/// row.
pub(super) const LONGEST: usize = 64 << 20;

/// Returns an error if `geometry` is not NULL but has no bytes. The database sends this in place of
/// a geometry that takes more than [`LONGEST`]: see [`ResolvedLayer::sent_columns`].
pub(super) fn check_length(geometry: Option<&[u8]>) -> Result<(), DatabaseError> {
    if geometry.is_none_or(|bytes| !bytes.is_empty()) {
        return Ok(());
    }
    Err(DatabaseError::TooMuch(format!(
        "a geometry takes more than {} MiB; ST_Dump makes rows of its points",
        LONGEST >> 20
    )))
}

/// The alias of the layer's table, view or query in all SQL statements.
pub(crate) const ALIAS: &str = "heatsplat";

impl ResolvedLayer {
    /// Looks up a layer's columns and reference system in the database, and checks that they can be
    /// read.
    ///
    /// # Errors
    /// An error if the layer query names something that doesn't exist, that the role may not read,
    /// or that is ambiguous; its message gives advice. Also an error if the database fails.
    pub(crate) async fn look_up(
        client: &Client,
        query: &LayerQuery,
    ) -> Result<Self, DatabaseError> {
        let (from, table) = match &query.from {
            Relation::Table(name) => {
                let table = find_table(client, name).await?;
                (Template::plain(table.name.clone()), Some(table))
            }
            Relation::Sql(sql) => {
                let mut query = Template::plain("(\n".to_owned());
                query.append(Template::parse(sql)?);
                // The parenthesis is on a line of its own. Otherwise a comment at the query's end
                // would contain it.
                query.append(Template::plain("\n)".to_owned()));
                (query, None)
            }
        };
        let prepared = columns_of(client, &from).await?;
        let seen = prepared.columns();
        let names: Vec<String> = seen.iter().map(|c| c.name().to_owned()).collect();
        let (place, modifier, taken) = find_place(seen, &names, query.geom.as_deref())?;
        let (weight, why) = find_weight(seen, &names, query.weight.as_deref(), &taken)?;
        let count = names
            .iter()
            .position(|n| n == "count")
            .filter(|at| weight != Some(*at) && table.is_none())
            .filter(|&at| seen.get(at).is_some_and(|c| is_number(c.type_())));
        let name = |at: usize| names.get(at).cloned();
        let kept = find_kept(seen, &names, query.keep.as_deref())?.and_then(name);
        let mut definition = Self {
            from,
            place,
            weight: weight.and_then(name),
            count: count.and_then(name),
            kept: kept.clone(),
            shapes: query.shapes,
            stored: 4326,
            srid: 4326,
            mixed: false,
            zero_is_srid: query.srid.is_some(),
            angles: false,
            table,
            columns: Columns {
                kept: kept.into_iter().collect(),
                position: Position::Geometry,
                geometry: None,
                weight: weight.and_then(name),
                guess: None,
                why,
                seen: names.clone(),
            },
        };
        definition.find_srid(client, modifier, query.srid).await?;
        definition.check_rights(client).await?;
        definition.describe();
        Ok(definition)
    }

    /// Sets `stored`, `srid` and `mixed`, and checks that geometries of this SRID can be read.
    /// `modifier` is the type modifier of the column of geometries (PostgreSQL's number for its
    /// declared type), and `asked` is the SRID that the layer query names.
    async fn find_srid(
        &mut self,
        client: &Client,
        modifier: i32,
        asked: Option<u32>,
    ) -> Result<(), DatabaseError> {
        if let PlaceColumns::Geometry {
            column,
            cast,
            points,
        } = &mut self.place
        {
            let sql = "SELECT postgis_typmod_srid($1), postgis_typmod_type($1)";
            let row = client
                .query_typed_one(sql, &[(&modifier, Type::INT4)])
                .await?;
            let kind: String = row.get(1);
            *points = modifier >= 0 && kind.starts_with("Point");
            let declared = u32::try_from(row.get::<_, i32>(0)).unwrap_or(0);
            let column = quoted(column);
            let cast = if *cast { "::geometry" } else { "" };
            self.mixed = declared == 0 && cast.is_empty();
            self.stored = match declared {
                0 if !cast.is_empty() => 4326,
                0 => {
                    let mut first = self.statement(TokenValues::WORLD);
                    first.push(&format!("SELECT ST_SRID({column}) FROM "));
                    first
                        .push_template(&self.from)
                        .push(&format!(" AS {ALIAS} WHERE {column} IS NOT NULL LIMIT 1"));
                    let row = client
                        .query_typed_opt(&first.text, &first.parameters())
                        .await?;
                    // If the layer has no rows, its reference system makes no difference.
                    row.map_or(asked.unwrap_or(4326), |row| {
                        u32::try_from(row.get::<_, i32>(0)).unwrap_or(0)
                    })
                }
                declared => declared,
            };
            self.srid = match (self.stored, asked) {
                (0, Some(asked)) => asked,
                (0, None) => {
                    return Err(DatabaseError::Definition(format!(
                        "the geometries of {column} don't say their reference system (SRID 0); \
                         say it with `srid`"
                    )));
                }
                (stored, Some(asked)) if stored != asked => {
                    return Err(DatabaseError::Definition(format!(
                        "the geometries of {column} are in SRID {stored}, not {asked}"
                    )));
                }
                (stored, _) => stored,
            };
        } else {
            self.srid = asked.unwrap_or(4326);
            self.stored = self.srid;
        }
        if self.own_unit().is_some() {
            return Ok(());
        }
        if matches!(self.place, PlaceColumns::Coordinates { .. }) || self.from.needs_numbers() {
            return Err(DatabaseError::Definition(format!(
                "numbers of SRID {} can't be used: coordinates and tokens other than !bbox!, \
                 !scale_denominator! and !zoom! need 4326 or 3857",
                self.srid
            )));
        }
        let known = "SELECT coalesce(proj4text LIKE '%+proj=longlat%', false) \
                     FROM spatial_ref_sys WHERE srid = $1";
        let srid = self.srid as i32;
        let known = client
            .query_typed_opt(known, &[(&srid, Type::INT4)])
            .await?;
        let Some(known) = known else {
            return Err(DatabaseError::Definition(format!(
                "SRID {srid} is unknown to the database: it isn't in spatial_ref_sys"
            )));
        };
        self.angles = known.get(0);
        Ok(())
    }

    /// Checks that the role may read everything that the query reads. The database checks this when
    /// it plans a query, so the query is planned here but not executed.
    async fn check_rights(&self, client: &Client) -> Result<(), DatabaseError> {
        let mut plan = self.statement(TokenValues::WORLD);
        plan.push("EXPLAIN SELECT * FROM ");
        let start = plan.text.len();
        plan.push_template(&self.from).push(" AS ").push(ALIAS);
        let planned = client.query_typed(&plan.text, &plan.parameters()).await;
        planned.map_err(|e| DatabaseError::from(e).counted_from(start + 2))?;
        Ok(())
    }

    /// Puts a phrase that names the columns of positions before the text in `columns.why`, which
    /// states the reason for the choice of columns. If positions are two columns of coordinates,
    /// also stores their names in `columns.position`.
    fn describe(&mut self) {
        let place = match &self.place {
            PlaceColumns::Geometry { column, .. } => {
                format!("points from {} (SRID {})", quoted(column), self.srid)
            }
            PlaceColumns::Coordinates { x, y } => {
                self.columns.position = Position::LonLat {
                    lon: x.clone(),
                    lat: y.clone(),
                };
                format!("points from {} and {}", quoted(x), quoted(y))
            }
        };
        self.columns.why = format!("{place}, {}", self.columns.why);
    }

    /// The unit of the coordinates that the database sends. Coordinates that need a transform are
    /// sent in degrees.
    pub(crate) fn unit(&self) -> CoordinateUnit {
        self.own_unit().unwrap_or(CoordinateUnit::Degrees)
    }

    /// The unit of the stored coordinates; `None` if they have to be transformed to degrees.
    pub(crate) fn own_unit(&self) -> Option<CoordinateUnit> {
        CoordinateUnit::from_srid(self.srid)
    }

    /// The layer's reference system if the database has to transform it to degrees; otherwise
    /// `None`.
    pub(crate) fn foreign(&self) -> Option<ForeignCrs> {
        self.own_unit().is_none().then_some(ForeignCrs {
            srid: self.srid,
            angles: self.angles,
        })
    }

    /// Returns true if the column of geometries declares no SRID, so that each geometry may state
    /// another one.
    pub(crate) fn is_mixed(&self) -> bool {
        self.mixed
    }

    /// The SRID that the layer's geometries are taken to have.
    pub(super) fn srid(&self) -> u32 {
        self.srid
    }

    /// Begins a statement for this layer, without any text yet. `values` has a value for each token
    /// of the query, such as `!bbox!`.
    pub(crate) fn statement(&self, values: TokenValues) -> Statement {
        let field = match &self.place {
            PlaceColumns::Geometry { column, .. } => quoted(column),
            PlaceColumns::Coordinates { .. } => "NULL".to_owned(),
        };
        Statement::new(values, self.stored, &field)
    }

    /// An SQL expression for the stored geometry, cast to `geometry` if it is a `geography`. `None`
    /// if positions are two columns of coordinates.
    pub(crate) fn stored_geometry(&self) -> Option<String> {
        let PlaceColumns::Geometry { column, cast, .. } = &self.place else {
            return None;
        };
        let cast = if *cast { "::geometry" } else { "" };
        Some(format!("{ALIAS}.{}{cast}", quoted(column)))
    }

    /// SQL expressions for a row's position: a single geometry, or two numbers x and y.
    pub(crate) fn place_columns(&self) -> Vec<String> {
        match (&self.place, self.stored_geometry()) {
            (PlaceColumns::Coordinates { x, y }, _) => [x, y]
                .map(|name| format!("({ALIAS}.{})::float8", quoted(name)))
                .to_vec(),
            (_, Some(geometry)) => vec![self.placed(geometry)],
            (_, None) => Vec::new(),
        }
    }

    /// An SQL expression for a geometry in degrees or Web-Mercator metres. `stored` is the
    /// expression for the stored geometry. A geometry whose SRID is not the layer's is sent as it
    /// is; when its row is read here, its SRID decides whether the row is skipped.
    fn placed(&self, stored: String) -> String {
        let srid = self.srid;
        let said = match (self.mixed, self.zero_is_srid) {
            (true, true) => format!(
                "CASE ST_SRID({stored}) WHEN 0 THEN ST_SetSRID({stored}, {srid}) ELSE {stored} END"
            ),
            _ => stored,
        };
        match (self.foreign(), self.mixed) {
            (None, _) => said,
            (Some(_), false) => format!("ST_Transform({said}, 4326)"),
            (Some(_), true) => format!(
                "CASE ST_SRID({said}) WHEN {srid} THEN ST_Transform({said}, 4326) ELSE {said} END"
            ),
        }
    }

    /// SQL expressions for a row's position as it is sent to this program: two numbers, or a
    /// geometry as bytes, so that the driver needs no type of PostGIS. A geometry that takes more
    /// than [`LONGEST`] bytes is sent as empty bytes, which [`check_length`] refuses. The database
    /// checks the size, so such a geometry is never transferred or held in memory here.
    pub(crate) fn sent_columns(&self) -> Vec<String> {
        let mut columns = self.place_columns();
        if let ([sent], PlaceColumns::Geometry { points, .. }, Some(stored)) =
            (columns.as_mut_slice(), &self.place, self.stored_geometry())
        {
            sent.push_str("::bytea");
            if !points {
                *sent = format!(
                    "CASE WHEN ST_MemSize({stored}) > {LONGEST} THEN ''::bytea ELSE {sent} END"
                );
            }
        }
        columns
    }

    /// An SQL expression for a row's weight; `None` if the layer has no weights.
    pub(crate) fn weight_column(&self) -> Option<String> {
        self.weight.as_deref().map(as_number)
    }

    /// An SQL expression for the number that is read beside each point; `None` if none is read.
    pub(crate) fn kept_column(&self) -> Option<String> {
        self.kept.as_deref().map(as_number)
    }

    /// Appends `FROM …` and the condition that a row lies in the area. If the query has tokens for
    /// the box or tile, it selects the rows itself, and the area's boxes in the stored reference
    /// system are left out of the condition.
    pub(crate) fn push_from(&self, statement: &mut Statement, area: &Area) {
        statement.push(" FROM ");
        statement.push_template(&self.from).push(" AS ").push(ALIAS);
        let mut word = " WHERE ";
        if !self.from.has_bbox() && !area.stored.is_empty() {
            statement.push(word);
            self.push_boxes(statement, &area.stored);
            word = " AND ";
        }
        let degrees = area.degrees.iter().enumerate();
        if let Some(geometry) = self.stored_geometry().filter(|_| !area.degrees.is_empty()) {
            statement.push(word).push("(");
            if self.mixed {
                let other = format!("ST_SRID({geometry}) NOT IN (0, {}) OR ", self.srid);
                statement.push(&other);
            }
            let placed = self.placed(geometry);
            for (i, sides) in degrees {
                let or = if i == 0 { "" } else { " OR " };
                statement.push(&format!("{or}{placed} && "));
                statement.push_envelope(*sides, 4326);
            }
            statement.push(")");
        }
    }

    /// Appends the SQL condition that a row lies in one of `boxes`.
    fn push_boxes(&self, statement: &mut Statement, boxes: &[Sides]) {
        statement.push("(");
        for (i, sides) in boxes.iter().enumerate() {
            statement.push(if i == 0 { "" } else { " OR " });
            match (&self.place, self.stored_geometry()) {
                (PlaceColumns::Coordinates { x, y }, _) => {
                    let [west, south, east, north] = *sides;
                    let [x, y] = [x, y].map(|name| format!("{ALIAS}.{}", quoted(name)));
                    statement.push(&format!("{x} BETWEEN ")).push_float(west);
                    statement.push(" AND ").push_float(east);
                    statement.push(&format!(" AND {y} BETWEEN "));
                    statement.push_float(south);
                    statement.push(" AND ").push_float(north);
                }
                (_, Some(geometry)) => {
                    statement.push(&format!("{geometry} && "));
                    statement.push_envelope(*sides, self.stored);
                }
                (_, None) => _ = statement.push("true"),
            }
        }
        statement.push(")");
    }
}

/// An SQL expression for a column's value, converted to `float8`.
fn as_number(column: &str) -> String {
    format!("({ALIAS}.{})::float8", quoted(column))
}

impl TokenValues {
    /// Values of a query's tokens for the whole world at zoom 0, by which a query is inspected when
    /// there is no picture.
    pub(crate) const WORLD: Self = Self {
        bbox: [-180.0, -85.06, 180.0, 85.06],
        unbuffered: [-180.0, -85.06, 180.0, 85.06],
        pixel: [0.703_125, 0.664_53],
        scale_denominator: 559_082_264.0,
        zxy: [0, 0, 0],
        cell: 0.351_562_5,
    };
}
