//! What a layer reads: which relation or query, which columns of it, in what reference system.

use super::error::DatabaseError;
use super::judge::Unit;
use super::lookup::{columns_of, find_place, find_table, find_weight, is_number};
use super::sql::{Boxes, Statement, Template, Token, Values, quoted};
use crate::columns::{Columns, Position};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The relation or query.
    pub from: Relation,
    /// The column of points; else the only one of its type.
    pub geom: Option<String>,
    /// The column of weights; else found by its name; `none`: every row counts 1.
    pub weight: Option<String>,
    /// The reference system of geometries that don't say theirs.
    pub srid: Option<u32>,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// A table or view, with or without its schema.
    Table(String),
    /// A query, tokens and all.
    Sql(String),
}

/// Columns that hold a row's place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    Geometry {
        column: String,
        /// It is `geography`, which has other operators.
        cast: bool,
        /// Whether every one is known to be a point.
        points: bool,
    },
    Coordinates {
        x: String,
        y: String,
    },
}

/// A table that its pages may be read of by several at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// Quoted, with its schema.
    pub(crate) name: String,
    /// Whether it is kept in pages of its own.
    pub(crate) in_pages: bool,
    pub(crate) pages: u32,
    /// The planner's guess.
    pub(crate) rows: f64,
}

/// A layer's source, looked up and checked.
#[derive(Clone, Debug)]
pub struct Definition {
    pub(crate) from: Template,
    pub(crate) place: Place,
    pub(crate) weight: Option<String>,
    pub(crate) count: Option<String>,
    /// The geometries' own SRID, and the one they are taken for: another only where theirs is 0.
    stored: u32,
    srid: u32,
    pub(crate) table: Option<Table>,
    pub(crate) columns: Columns,
}

/// The most bytes that one row's geometry may take.
pub(super) const LONGEST: usize = 64 << 20;

/// Refuses what [`Definition::sent_columns`] sends instead of a geometry that is too long.
pub(super) fn check_length(geometry: Option<&[u8]>) -> Result<(), DatabaseError> {
    if geometry.is_none_or(|bytes| !bytes.is_empty()) {
        return Ok(());
    }
    Err(DatabaseError::TooMuch(format!(
        "a geometry takes more than {} MiB; ST_Dump makes rows of its points",
        LONGEST >> 20
    )))
}

/// What queries are called in the statements around them.
pub(crate) const ALIAS: &str = "heatsplat";

impl Definition {
    /// Looks up what is asked for.
    ///
    /// # Errors
    /// What isn't there, can't be read, or can't be told: the message says what to add.
    pub(crate) async fn look_up(client: &Client, ask: &Ask) -> Result<Self, DatabaseError> {
        let (from, table) = match &ask.from {
            Relation::Table(name) => {
                let table = find_table(client, name).await?;
                (Template::plain(table.name.clone()), Some(table))
            }
            Relation::Sql(sql) => {
                let mut query = Template::plain("(\n".to_owned());
                query.append(Template::parse(sql)?);
                // On a line of its own, or a comment at the query's end would swallow it.
                query.append(Template::plain("\n)".to_owned()));
                (query, None)
            }
        };
        let prepared = columns_of(client, &from).await?;
        let seen = prepared.columns();
        let names: Vec<String> = seen.iter().map(|c| c.name().to_owned()).collect();
        let (place, modifier, taken) = find_place(seen, &names, ask.geom.as_deref())?;
        let (weight, why) = find_weight(seen, &names, ask.weight.as_deref(), &taken)?;
        let count = names
            .iter()
            .position(|n| n == "count")
            .filter(|at| weight != Some(*at) && table.is_none())
            .filter(|&at| seen.get(at).is_some_and(|c| is_number(c.type_())));
        let name = |at: usize| names.get(at).cloned();
        let mut definition = Self {
            from,
            place,
            weight: weight.and_then(name),
            count: count.and_then(name),
            stored: 4326,
            srid: 4326,
            table,
            columns: Columns {
                kept: Vec::new(),
                position: Position::Geometry,
                weight: weight.and_then(name),
                guess: None,
                why,
                seen: names.clone(),
            },
        };
        definition.find_srid(client, modifier, ask.srid).await?;
        definition.check_rights(client).await?;
        definition.describe();
        Ok(definition)
    }

    /// Finds out the geometries' reference system, and whether we can do with it.
    async fn find_srid(
        &mut self,
        client: &Client,
        modifier: i32,
        asked: Option<u32>,
    ) -> Result<(), DatabaseError> {
        if let Place::Geometry {
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
            self.stored = match declared {
                0 if !cast.is_empty() => 4326,
                0 => {
                    let mut first = self.statement(Values::WORLD);
                    first.push(&format!("SELECT ST_SRID({column}) FROM "));
                    first
                        .push_template(&self.from)
                        .push(&format!(" AS {ALIAS} WHERE {column} IS NOT NULL LIMIT 1"));
                    let row = client
                        .query_typed_opt(&first.text, &first.parameters())
                        .await?;
                    // Without a row nobody will mind.
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
                         say it with --srid"
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
        if matches!(self.place, Place::Coordinates { .. }) || self.from.needs_numbers() {
            return Err(DatabaseError::Definition(format!(
                "numbers of SRID {} can't be used: coordinates and tokens other than !bbox!, \
                 !scale_denominator! and !zoom! need 4326 or 3857",
                self.srid
            )));
        }
        let known = "SELECT 1 FROM spatial_ref_sys WHERE srid = $1";
        let srid = self.srid as i32;
        if client
            .query_typed_opt(known, &[(&srid, Type::INT4)])
            .await?
            .is_none()
        {
            return Err(DatabaseError::Definition(format!(
                "SRID {srid} is unknown to the database: it isn't in spatial_ref_sys"
            )));
        }
        Ok(())
    }

    /// Whether the role may read all that a query reads: only a plan tells.
    async fn check_rights(&self, client: &Client) -> Result<(), DatabaseError> {
        let mut plan = self.statement(Values::WORLD);
        plan.push("EXPLAIN SELECT * FROM ");
        let start = plan.text.len();
        plan.push_template(&self.from).push(" AS ").push(ALIAS);
        let planned = client.query_typed(&plan.text, &plan.parameters()).await;
        planned.map_err(|e| DatabaseError::from(e).counted_from(start + 2))?;
        Ok(())
    }

    /// Says in one line what was found.
    fn describe(&mut self) {
        let place = match &self.place {
            Place::Geometry { column, .. } => {
                format!("points from {} (SRID {})", quoted(column), self.srid)
            }
            Place::Coordinates { x, y } => {
                self.columns.position = Position::LonLat {
                    lon: x.clone(),
                    lat: y.clone(),
                };
                format!("points from {} and {}", quoted(x), quoted(y))
            }
        };
        self.columns.why = format!("{place}, {}", self.columns.why);
    }

    /// The unit of coordinates as they are read.
    pub(crate) fn unit(&self) -> Unit {
        self.own_unit().unwrap_or(Unit::Degrees)
    }

    /// The unit of the stored coordinates, if it is one of ours.
    pub(crate) fn own_unit(&self) -> Option<Unit> {
        Unit::of(self.srid)
    }

    /// The reference system that geometries are taken for.
    pub(super) fn srid(&self) -> u32 {
        self.srid
    }

    /// An empty statement for this layer.
    pub(crate) fn statement(&self, values: Values) -> Statement {
        let boxes = match self.own_unit() {
            Some(_) => Boxes::Own(self.stored),
            None if self.stored == self.srid => Boxes::Transformed(self.srid),
            None => Boxes::Own(self.stored),
        };
        let field = match &self.place {
            Place::Geometry { column, .. } => quoted(column),
            Place::Coordinates { .. } => "NULL".to_owned(),
        };
        Statement::new(values, boxes, &field)
    }

    /// The geometry as it is stored, `geography` cast.
    pub(crate) fn stored_geometry(&self) -> Option<String> {
        let Place::Geometry { column, cast, .. } = &self.place else {
            return None;
        };
        let cast = if *cast { "::geometry" } else { "" };
        Some(format!("{ALIAS}.{}{cast}", quoted(column)))
    }

    /// Expressions of a row's place: a geometry, or two numbers.
    pub(crate) fn place_columns(&self) -> Vec<String> {
        match (&self.place, self.stored_geometry()) {
            (Place::Coordinates { x, y }, _) => [x, y]
                .map(|name| format!("({ALIAS}.{})::float8", quoted(name)))
                .to_vec(),
            (_, Some(mut geometry)) => {
                if self.stored != self.srid {
                    geometry = format!("ST_SetSRID({geometry}, {})", self.srid);
                }
                if self.own_unit().is_none() {
                    geometry = format!("ST_Transform({geometry}, 4326)");
                }
                vec![geometry]
            }
            (_, None) => Vec::new(),
        }
    }

    /// The same, a geometry as its bytes, which need no type of PostGIS's; there are none of one
    /// that takes more than [`LONGEST`] ([`check_length`] tells). The database itself looks at
    /// its size, or all of it would be on its way, and in our memory, before we knew.
    pub(crate) fn sent_columns(&self) -> Vec<String> {
        let mut columns = self.place_columns();
        if let ([sent], Place::Geometry { points, .. }, Some(stored)) =
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

    /// The expression of a row's weight.
    pub(crate) fn weight_column(&self) -> Option<String> {
        let name = self.weight.as_ref()?;
        Some(format!("({ALIAS}.{})::float8", quoted(name)))
    }

    /// Adds `FROM …` and, where the query doesn't look after itself, `WHERE` it is in the box.
    pub(crate) fn push_from(&self, statement: &mut Statement) {
        statement.push(" FROM ");
        statement.push_template(&self.from).push(" AS ").push(ALIAS);
        if self.from.has_bbox() || statement.sees_everything() {
            return;
        }
        match (&self.place, self.stored_geometry()) {
            (Place::Coordinates { x, y }, _) => {
                let [x, y] = [x, y].map(|name| format!("{ALIAS}.{}", quoted(name)));
                statement.push(&format!(" WHERE {x} BETWEEN "));
                statement.push_token(Token::XMin).push(" AND ");
                statement.push_token(Token::XMax);
                statement.push(&format!(" AND {y} BETWEEN "));
                statement.push_token(Token::YMin).push(" AND ");
                statement.push_token(Token::YMax);
            }
            (_, Some(geometry)) => {
                statement.push(&format!(" WHERE {geometry} && "));
                statement.push_token(Token::Bbox);
            }
            (_, None) => {}
        }
    }
}

impl Values {
    /// The whole world, for looking at a query without asking for a place.
    pub(crate) const WORLD: Self = Self {
        bbox: [-180.0, -85.06, 180.0, 85.06],
        unbuffered: [-180.0, -85.06, 180.0, 85.06],
        pixel: [0.703_125, 0.664_53],
        scale_denominator: 559_082_264.0,
        zxy: [0, 0, 0],
        cell: 0.351_562_5,
        whole: true,
    };
}
