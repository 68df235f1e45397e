//! Live layers: the rows in a picture's viewport are fetched anew for each picture.

use super::area::{Area, TransformedBoxes};
use super::coordinates::CoordinateUnit;
use super::extent;
use super::pool::{Database, Session};
use super::pushdown;
use super::relation::{LayerQuery, ResolvedLayer, check_length};
use super::rows;
use super::template::{Statement, TokenValues};
use super::viewport::Viewport;
use crate::batch::{Batch, Weight};
use crate::error::DatabaseError;
use crate::report::Report;
use futures_util::{TryStreamExt as _, future, pin_mut};
use heatsplat_points::{LonLatBox, Point, Window};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// A table or query whose rows are read from the database for every picture.
#[derive(Clone, Debug)]
pub struct LiveRelation {
    database: Arc<Database>,
    definition: Arc<ResolvedLayer>,
    transformed_boxes: Arc<TransformedBoxes>,
    bounds: Option<LonLatBox>,
}

/// A request for the rows of a viewport.
#[derive(Clone, Copy, Debug)]
pub struct ViewportQuery {
    /// The window of the picture.
    pub window: Window,
    /// The width in pixels of a border around the window. Rows in the border are fetched too, since
    /// their kernels may reach into the picture.
    pub margin: u32,
    /// The width, in pixels, of grid cells. The database may send one point for all rows of a cell,
    /// with their summed weight; `None` if every single row is needed.
    pub cell: Option<f64>,
    /// The time limit for this request. With `None` it is the database's limit.
    pub deadline: Option<Duration>,
}

/// The rows of a viewport.
#[derive(Debug, Default)]
pub struct ViewportRows {
    /// The points. Each is a single row, or the sum of the rows in one grid cell.
    pub points: Vec<Point>,
    /// The number of rows that each point stands for, in the order of the points. Empty if every
    /// point stands for one row.
    pub counts: Vec<u32>,
    /// The report of the rows: how many were read, and how many of them were skipped for which
    /// reason.
    pub report: Report,
}

impl LiveRelation {
    /// Looks up a layer's columns and reference system. Unless `allow_superuser` is set, also
    /// checks that the database role can only read.
    ///
    /// # Errors
    /// A [`DatabaseError`].
    pub async fn look_up(
        database: Arc<Database>,
        query: &LayerQuery,
        allow_superuser: bool,
    ) -> Result<Self, DatabaseError> {
        let deadline = database.limits.deadline;
        let looked = async {
            // The driver keeps a prepared statement that looks up types, but `DISCARD ALL` deletes
            // it in the database. If such a session meets a new type, it fails with the code 26000.
            // The session is then thrown away and another one is tried, at most once for each
            // connection of the pool.
            let mut left = database.limits.connections;
            loop {
                match Self::try_look_up(&database, query, allow_superuser).await {
                    Err(DatabaseError::Refused { code, .. }) if code == "26000" && left > 0 => {
                        left -= 1;
                    }
                    other => return other,
                }
            }
        };
        let looked = tokio::time::timeout(deadline, looked).await;
        let definition = looked.map_err(|_| DatabaseError::Deadline)??;
        let bounds = Self::estimate(&database, &definition).await;
        Ok(Self {
            database,
            definition: Arc::new(definition),
            transformed_boxes: Arc::default(),
            bounds,
        })
    }

    async fn try_look_up(
        database: &Database,
        query: &LayerQuery,
        allow_superuser: bool,
    ) -> Result<ResolvedLayer, DatabaseError> {
        let session = database.borrow().await?;
        let client = session.client()?;
        client.batch_execute("BEGIN READ ONLY").await?;
        if !allow_superuser {
            super::privileges::check(client, &query.from).await?;
        }
        let definition = ResolvedLayer::look_up(client, query).await?;
        session.give_back().await?;
        Ok(definition)
    }

    /// The estimated extent of all rows; `None` if it isn't known or the database fails. If an
    /// error occurs, the session is thrown away.
    async fn estimate(database: &Database, definition: &ResolvedLayer) -> Option<LonLatBox> {
        let asked = async {
            let session = database.borrow().await.ok()?;
            let client = session.client().ok()?;
            client.batch_execute("BEGIN READ ONLY").await.ok()?;
            let bounds = extent::estimated(client, definition).await.ok()?;
            session.give_back().await.ok()?;
            bounds
        };
        let patience = Duration::from_secs(1).min(database.limits.deadline);
        tokio::time::timeout(patience, asked).await.ok().flatten()
    }

    /// A box around all rows, estimated by the database when the layer was looked up. It may be
    /// wrong, so it should only choose the first view of a map. `None` if there is no estimate.
    pub fn bounds(&self) -> Option<LonLatBox> {
        self.bounds
    }

    /// The chosen columns and the reason for the choice, as one line for messages.
    pub fn why(&self) -> &str {
        &self.definition.columns.why
    }

    /// The database from which the layer is read.
    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// Fetches the points of a viewport.
    ///
    /// Dropping the future cancels the query in the database. If the connection breaks, the request
    /// is tried once more.
    ///
    /// # Errors
    /// A [`DatabaseError`]. Either all rows are returned, or none.
    pub async fn fetch(&self, want: ViewportQuery) -> Result<ViewportRows, DatabaseError> {
        let deadline = want.deadline.unwrap_or(self.database.limits.deadline);
        let fetched = async {
            match self.fetch_once(&want).await {
                Err(error) if error.is_away() && self.database.is_reachable() => {
                    self.fetch_once(&want).await
                }
                other => other,
            }
        };
        let fetched = tokio::time::timeout(deadline, fetched).await;
        fetched.map_err(|_| DatabaseError::Deadline)?
    }

    async fn fetch_once(&self, want: &ViewportQuery) -> Result<ViewportRows, DatabaseError> {
        let mut fetched = RowCollector {
            batch: Batch::default().with_shapes(self.definition.shapes),
            ..RowCollector::default()
        };
        let session = self.database.borrow().await?;
        let views = Viewport::for_window(want.window, want.margin);
        // A query with tokens for the box is run once for each part of the picture, and only the
        // rows in that part are kept.
        let each = if self.definition.from.has_bbox() {
            1
        } else {
            2
        };
        for asked in views.chunks(each) {
            let only = asked.first().filter(|_| asked.len() < views.len());
            self.read(&session, asked, want, only, &mut fetched).await?;
        }
        session.give_back().await?;
        Ok(ViewportRows {
            points: fetched.batch.points,
            counts: fetched.counts,
            report: fetched.batch.report,
        })
    }

    /// Returns the values of the query's tokens for the first of `views`, and the search boxes of
    /// all `views`. `views` are the parts of the picture: two if it crosses ±180°, otherwise one.
    /// If the picture lies beyond the map's north or south edge, there are no parts, and the result
    /// is `None`.
    async fn look_at(
        &self,
        session: &Session,
        views: &[Viewport],
        cell: Option<f64>,
    ) -> Result<Option<(TokenValues, Area)>, DatabaseError> {
        let definition = &*self.definition;
        let Some(first) = views.first() else {
            return Ok(None);
        };
        let mut values = first.values(definition.unit(), cell);
        let mixed = |area: Area| match definition.is_mixed() {
            true => area.or_in_any_unit(views),
            false => area,
        };
        let Some(foreign) = definition.foreign() else {
            let area = Area::own(definition.unit(), views);
            return Ok(Some((values, mixed(area))));
        };
        let client = session.client()?;
        let area = mixed(self.transformed_boxes.area(client, foreign, views).await?);
        if definition.from.has_bbox() {
            let reach = |sides| self.transformed_boxes.get(client, foreign.srid, sides);
            values.bbox = reach(values.bbox).await?.sides();
            if definition.from.has_unbuffered_bbox() {
                values.unbuffered = reach(values.unbuffered).await?.sides();
            }
        }
        Ok(Some((values, area)))
    }

    /// Runs the query for `views`, all parts of a picture or one of them, and reads all rows of the
    /// result into `fetched`. If `only` is a part, points outside of it are dropped, since the
    /// query for the other part fetches them.
    async fn read(
        &self,
        session: &Session,
        views: &[Viewport],
        want: &ViewportQuery,
        only: Option<&Viewport>,
        fetched: &mut RowCollector,
    ) -> Result<(), DatabaseError> {
        let (client, definition) = (session.client()?, &*self.definition);
        let Some((values, area)) = self.look_at(session, views, want.cell).await? else {
            return Ok(());
        };
        let limits = self.database.limits;
        let cell = want.cell.filter(|_| pushdown::can(definition));
        let grouped = match cell {
            Some(cell) if pushdown::may_pay(definition, views, cell) => {
                let rows = pushdown::estimate(client, definition, values, &area).await?;
                pushdown::pays(rows, views, cell)
            }
            _ => false,
        };
        let (statement, positions) = if grouped {
            (
                pushdown::statement(definition, values, &area),
                ColumnPositions::CELLS,
            )
        } else {
            rows_statement(definition, values, &area, limits.rows)
        };
        let parameters = statement.parameters();
        // The statement that begins the transaction and the query are sent together, so that the
        // transaction costs no extra round trip.
        let begin = client.batch_execute("BEGIN READ ONLY");
        let query = client.query_typed_raw(&statement.text, parameters);
        let (begun, rows) = future::join(begin, query).await;
        begun?;
        let rows = rows?;
        pin_mut!(rows);
        while let Some(row) = rows.try_next().await? {
            fetched.bytes += row.raw_size_bytes() as u64;
            fetched.rows += 1;
            fetched.add(&row, definition.unit(), positions, only)?;
            if fetched.rows.max(fetched.batch.report.rows) > limits.rows
                || fetched.bytes > limits.bytes
            {
                return Err(DatabaseError::TooMuch(format!(
                    "the query gives more than {} rows or {} MiB for one picture",
                    limits.rows,
                    limits.bytes >> 20
                )));
            }
        }
        client.batch_execute("ROLLBACK").await?;
        Ok(())
    }
}

/// Returns the statement that selects every row of an area, and the indexes of the columns in a row
/// of its result. `most` is the largest number of rows that a request may read. The statement
/// selects at most one row more than `most`; if that row comes, there are too many.
fn rows_statement(
    definition: &ResolvedLayer,
    values: TokenValues,
    area: &Area,
    most: u64,
) -> (Statement, ColumnPositions) {
    let mut columns = definition.sent_columns();
    let place = columns.len();
    columns.extend(definition.weight_column());
    let weight = columns.len() > place;
    let count = definition.count.as_ref();
    columns.extend(count.map(|name| {
        let name = super::template::quoted(name);
        format!("({}.{name})::float8", super::relation::ALIAS)
    }));
    let mut statement = definition.statement(values);
    statement.push(&format!("SELECT {}", columns.join(", ")));
    definition.push_from(&mut statement, area);
    statement.push(&format!(" LIMIT {}", most.saturating_add(1)));
    let positions = ColumnPositions {
        coordinates: place == 2,
        weight: weight.then_some(place),
        count: count.map(|_| place + usize::from(weight)),
    };
    (statement, positions)
}

/// The places of values in the rows that the database sends. The position comes first. `weight` and
/// `count` (the number of rows that the row stands for) are indexes of columns, counted from 0;
/// `None` if the layer has no such column.
#[derive(Clone, Copy, Debug)]
struct ColumnPositions {
    /// True if the position is two numbers, in the columns 0 and 1; false if it is one geometry, in
    /// the column 0.
    coordinates: bool,
    weight: Option<usize>,
    count: Option<usize>,
}

impl ColumnPositions {
    /// The places of values in rows that each stand for a grid cell: x, y, summed weight, and
    /// number of rows.
    const CELLS: Self = Self {
        coordinates: true,
        weight: Some(2),
        count: Some(3),
    };
}

#[derive(Default)]
struct RowCollector {
    batch: Batch,
    counts: Vec<u32>,
    /// The number of rows received so far.
    rows: u64,
    /// The size of all rows received so far, in bytes.
    bytes: u64,
}

impl RowCollector {
    fn add(
        &mut self,
        row: &Row,
        unit: CoordinateUnit,
        columns: ColumnPositions,
        only: Option<&Viewport>,
    ) -> Result<(), DatabaseError> {
        let number = |at: usize| row.try_get::<_, Option<f64>>(at);
        let weight = match columns.weight {
            None => Weight::Unused,
            Some(at) => number(at)?.map_or(Weight::Missing, Weight::Number),
        };
        let before = self.batch.points.len();
        if columns.coordinates {
            let (x, y) = (number(0)?, number(1)?);
            let (x, y) = (x.unwrap_or(f64::NAN), y.unwrap_or(f64::NAN));
            rows::position(&mut self.batch, unit, x, y, weight);
            let eastern = if x > 0.0 { &[before][..] } else { &[] };
            self.keep_within(only, before, eastern);
        } else {
            let geometry = row.try_get::<_, Option<RawField<'_>>>(0)?.map(|raw| raw.0);
            check_length(geometry)?;
            let eastern = rows::geometry(&mut self.batch, geometry, weight);
            self.keep_within(only, before, &eastern);
        }
        if let Some(at) = columns.count {
            let count = number(at)?.unwrap_or(0.0).clamp(0.0, f64::from(u32::MAX)) as u32;
            let new = self.batch.points.len() - before;
            self.counts.extend(std::iter::repeat_n(count, new));
        } else if !self.counts.is_empty() {
            self.counts.resize(self.batch.points.len(), 1);
        }
        Ok(())
    }

    /// Drops the points from index `first` on that lie outside of the part `only` of the picture.
    /// Does nothing if `only` is `None`. `eastern` are the indexes of points on the meridian of
    /// ±180° whose longitude is written as 180°, and not as −180°, in rising order.
    fn keep_within(&mut self, only: Option<&Viewport>, first: usize, eastern: &[usize]) {
        let Some(view) = only else { return };
        let points = &mut self.batch.points;
        let new = points.split_off(first);
        let came = new.len();
        let new = (first..).zip(new);
        let holds = |(at, point): &(usize, Point)| {
            view.holds(point, point.x == 0 && eastern.binary_search(at).is_ok())
        };
        points.extend(new.filter(holds).map(|(_, point)| point));
        let others = (first + came - points.len()) as u64;
        self.batch.report.rows -= others;
        self.batch.report.kept -= others;
    }
}

/// The bytes of a field as the database sends them. A field of any type can be read in this way.
pub(super) struct RawField<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for RawField<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A statement that makes the database plan the reading of an area. The plan has an estimate of the
/// number of rows; the rows themselves are not read.
pub(super) fn explain(definition: &ResolvedLayer, values: TokenValues, area: &Area) -> Statement {
    let mut statement = definition.statement(values);
    statement.push("EXPLAIN (FORMAT JSON) SELECT 1");
    definition.push_from(&mut statement, area);
    statement
}
