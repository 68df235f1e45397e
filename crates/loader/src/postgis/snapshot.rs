//! Snapshots: a whole table or query is read once by binary COPY. Up to four connections read parts
//! of it at the same time. All of them see the database as it was at one moment. A snapshot for a
//! request is read over one connection of a pool, within limits.

use super::connect::{Address, Purpose, runtime};
use super::coordinates::CoordinateUnit;
use super::copy::{CopyDecoder, Row, float8};
use super::pool::Database;
use super::privileges;
use super::relation::{ALIAS, LayerQuery, ResolvedLayer, check_length};
use super::rows;
use super::template::TokenValues;
use crate::batch::{Batch, Weight};
use crate::error::DatabaseError;
use crate::error::LoadError;
use crate::number::exact::Number;
use crate::source::{BatchSource, Source as _, SourceState};
use crate::time::Times;
use crate::value::Value;
use futures_util::{StreamExt as _, future, pin_mut};
use heatsplat_points::PointSink;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::Client;

/// The number of points that a batch has when it is sent to the receiver. A choice.
const BATCH: usize = 8192;
/// The number of full batches that may wait for the receiver, over all connections together. Rows
/// are in memory only in these batches and in the batch that each connection is filling. A choice.
const AHEAD: usize = 8;
/// The largest number of connections that read one table. A choice.
const MOST: u32 = 4;
/// The least number of a table's pages for each connection: 1,024 pages of 8 KiB are 8 MiB. A table
/// with fewer pages is read by one connection, since opening a second one would take longer than it
/// saves. A choice.
const PAGES_EACH: u32 = 1024;
/// The size in bytes of a row with a point and a weight in a COPY stream. By it the size of the
/// whole stream is estimated, so that progress can be shown.
const ROW: f64 = 43.0;

/// The number of bytes that a snapshot with limits may read for each of the rows that
/// [`SnapshotLimits::rows`] permits. A position and a weight take 43 bytes, and each further
/// position of a MultiPoint takes 21. A choice.
const MOST_PER_ROW: u64 = 100;

/// Limits of a snapshot that is read for a request. The limit of rows implies a limit of bytes,
/// counted as the database sends them: 100 bytes for each row, but at least 1 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotLimits {
    /// The longest time that the snapshot may take, from waiting for a connection to reading the
    /// last row.
    pub deadline: Duration,
    /// The largest number of rows that are read. Each position of a MultiPoint counts as one.
    pub rows: u64,
}

impl SnapshotLimits {
    fn check(self, rows: u64, bytes: u64) -> Result<(), DatabaseError> {
        let most = self.rows.saturating_mul(MOST_PER_ROW).max(1 << 20);
        if rows <= self.rows && bytes <= most {
            return Ok(());
        }
        Err(DatabaseError::TooMuch(format!(
            "the query gives more than {} rows or {} MiB, which are the limits of a snapshot",
            self.rows,
            most >> 20
        )))
    }
}

/// A message from the reading thread to the [`Snapshot`].
enum SnapshotMessage {
    /// Points, and the number of bytes that they took in the stream.
    Rows(Box<Batch>, u64),
    Failed(DatabaseError),
    Done,
}

/// A source that reads a whole table or query.
pub struct Snapshot {
    state: SourceState,
    bytes_total: Option<u64>,
    messages: Receiver<SnapshotMessage>,
    ended: bool,
}

impl Snapshot {
    /// Connects, looks up the layer, and starts a thread that reads it.
    ///
    /// # Errors
    /// [`LoadError::Database`] if the database refuses or fails, or [`LoadError::Read`] if no
    /// thread can be started.
    pub fn open(
        address: &Address,
        query: &LayerQuery,
        allow_superuser: bool,
        strict: bool,
    ) -> Result<Self, LoadError> {
        let name = address.to_string();
        let (sender, messages) = sync_channel(AHEAD);
        let (opened, outcome) = sync_channel(1);
        let (address, query) = (address.clone(), query.clone());
        let thread = thread::Builder::new().name("heatsplat-postgis".into());
        let run = move || {
            let read = |runtime: Runtime| {
                runtime.block_on(async {
                    let opened_as = SnapshotReader::new(&address, &query, allow_superuser).await;
                    match opened_as {
                        Ok(all) => {
                            let _ = opened.send(Ok(all.definition.clone()));
                            all.read(&address, &sender).await
                        }
                        Err(error) => {
                            let _ = opened.send(Err(error));
                            Ok(())
                        }
                    }
                })
            };
            let result = runtime().and_then(read);
            // The receiver may have been dropped, which is no error.
            let _ = sender.send(match result {
                Ok(()) => SnapshotMessage::Done,
                Err(error) => SnapshotMessage::Failed(error),
            });
        };
        thread.spawn(run).map_err(|source| LoadError::Read {
            file: name.clone(),
            source,
        })?;
        let broken = || {
            Err(DatabaseError::Away(
                "the reading thread broke off".to_owned(),
            ))
        };
        let definition = outcome.recv().unwrap_or_else(|_| broken());
        let definition = definition.map_err(|source| LoadError::Database {
            name: name.clone(),
            source,
        })?;
        let rows = definition.table.as_ref().map(|t| t.rows).unwrap_or(-1.0);
        Ok(Self {
            state: SourceState::new(&name, definition.columns, strict),
            bytes_total: (rows > 0.0).then_some((rows * ROW) as u64),
            messages,
            ended: false,
        })
    }

    /// Reads a whole table or query into memory, within limits, by one connection of a pool. If the
    /// future is dropped, the database is asked to stop the query.
    ///
    /// # Errors
    /// [`DatabaseError::Busy`] if no connection is free, [`DatabaseError::Deadline`] or
    /// [`DatabaseError::TooMuch`] beyond the limits, and errors of the database.
    pub async fn read(
        database: &Database,
        query: &LayerQuery,
        allow_superuser: bool,
        limits: SnapshotLimits,
    ) -> Result<Self, DatabaseError> {
        let read = Self::read_within(database, query, allow_superuser, limits);
        let read = tokio::time::timeout(limits.deadline, read).await;
        read.map_err(|_| DatabaseError::Deadline)?
    }

    async fn read_within(
        database: &Database,
        query: &LayerQuery,
        allow_superuser: bool,
        limits: SnapshotLimits,
    ) -> Result<Self, DatabaseError> {
        let session = database.borrow().await?;
        let client = session.client()?;
        let milliseconds = i32::try_from(limits.deadline.as_millis()).unwrap_or(i32::MAX);
        let begin = format!("{BEGIN}; SET LOCAL statement_timeout = {milliseconds}");
        client.batch_execute(&begin).await?;
        let definition = look_up(client, query, allow_superuser).await?;
        let (sender, messages) = channel();
        let send = |message| sender.send(message).is_ok();
        copy(client, &definition, "", Some(limits), send).await?;
        let _ = sender.send(SnapshotMessage::Done);
        session.give_back().await?;
        Ok(Self {
            state: SourceState::new(&database.address().to_string(), definition.columns, false),
            bytes_total: None,
            messages,
            ended: false,
        })
    }
}

/// The statement that begins a transaction, which sees the database as it is at one moment.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Looks up the layer of a query. Unless `allow_superuser` is set, first checks that the database
/// role can only read.
async fn look_up(
    client: &Client,
    query: &LayerQuery,
    allow_superuser: bool,
) -> Result<ResolvedLayer, DatabaseError> {
    if !allow_superuser {
        privileges::check(client, &query.from).await?;
    }
    ResolvedLayer::look_up(client, query).await
}

impl BatchSource for Snapshot {
    fn state(&self) -> &SourceState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut SourceState {
        &mut self.state
    }

    fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    fn pour_next(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        if self.ended {
            return Ok(false);
        }
        match self.messages.recv() {
            Ok(SnapshotMessage::Rows(batch, bytes)) => {
                self.state.report.bytes += bytes;
                self.state.pour(*batch, sink)?;
                return Ok(true);
            }
            Ok(SnapshotMessage::Done) => self.ended = true,
            Ok(SnapshotMessage::Failed(source)) => {
                self.ended = true;
                return Err(LoadError::Database {
                    name: self.name().to_owned(),
                    source,
                });
            }
            Err(_) => {
                self.ended = true;
                return Err(LoadError::Read {
                    file: self.name().to_owned(),
                    source: io::Error::other("the reading thread broke off"),
                });
            }
        }
        Ok(false)
    }
}

/// A reader of a layer that was looked up, and the connection that looked it up. The connection is
/// in a transaction, and all further connections see the database as this transaction sees it.
struct SnapshotReader {
    definition: ResolvedLayer,
    first: Client,
}

impl SnapshotReader {
    async fn new(
        address: &Address,
        query: &LayerQuery,
        allow_superuser: bool,
    ) -> Result<Self, DatabaseError> {
        let first = address.connect(Purpose::Load).await?;
        first.batch_execute(BEGIN).await?;
        let definition = look_up(&first, query, allow_superuser).await?;
        Ok(Self { definition, first })
    }

    async fn read(
        self,
        address: &Address,
        sender: &SyncSender<SnapshotMessage>,
    ) -> Result<(), DatabaseError> {
        let parts = parts(&self.definition);
        let mut clients = vec![self.first];
        if parts.len() > 1
            && let Some(first) = clients.first()
        {
            let row = first
                .query_typed_one("SELECT pg_export_snapshot()", &[])
                .await?;
            let moment: String = row.get(0);
            for _ in 1..parts.len() {
                let client = address.connect(Purpose::Load).await?;
                client
                    .batch_execute(&format!("{BEGIN}; SET TRANSACTION SNAPSHOT '{moment}'"))
                    .await?;
                clients.push(client);
            }
        }
        let definition = &self.definition;
        // This call blocks while the receiver is slower than the database, so no more rows are
        // received.
        let send = |message| sender.send(message).is_ok();
        let reading = clients
            .iter()
            .zip(&parts)
            .map(|(client, part)| copy(client, definition, part, None, send));
        future::try_join_all(reading).await?;
        Ok(())
    }
}

/// SQL conditions that divide a table into parts by its pages, one part for each connection. A
/// single empty condition means the whole table or query.
fn parts(definition: &ResolvedLayer) -> Vec<String> {
    let Some(table) = definition.table.as_ref().filter(|table| table.in_pages) else {
        return vec![String::new()];
    };
    let count = (table.pages / PAGES_EACH).clamp(1, MOST);
    if count == 1 {
        return vec![String::new()];
    }
    let border = |part: u32| u64::from(table.pages) * u64::from(part) / u64::from(count);
    let part = |part: u32| {
        let (from, to) = (border(part), border(part + 1));
        let from = format!("{ALIAS}.ctid >= '({from},0)'::tid");
        // The last part has no upper limit. So it includes rows on pages that were added after the
        // planner last counted the table's pages.
        if part + 1 == count {
            format!(" WHERE {from}")
        } else {
            format!(" WHERE {from} AND {ALIAS}.ctid < '({to},0)'::tid")
        }
    };
    (0..count).map(part).collect()
}

/// Reads all rows of one part over one connection, and sends them in batches. `part` is a condition
/// from [`parts`]. Reading ends early when `send` returns false, since the receiver is gone.
async fn copy(
    client: &Client,
    definition: &ResolvedLayer,
    part: &str,
    limits: Option<SnapshotLimits>,
    send: impl Fn(SnapshotMessage) -> bool,
) -> Result<(), DatabaseError> {
    let mut columns = definition.sent_columns();
    let coordinates = columns.len() == 2;
    columns.extend(definition.weight_column());
    columns.extend(definition.kept_column());
    let mut statement = definition.statement(TokenValues::WORLD);
    statement.push(&format!("COPY (SELECT {} FROM ", columns.join(", ")));
    statement.push_template(&definition.from);
    statement.push(&format!(" AS {ALIAS}{part}) TO STDOUT (FORMAT binary)"));
    if !statement.parameters().is_empty() {
        return Err(DatabaseError::Definition(
            "a query with tokens can't be read as a whole; serve it with `live`".to_owned(),
        ));
    }
    let stream = client.copy_out(statement.text.as_str()).await?;
    pin_mut!(stream);
    let fields = SnapshotLayout {
        unit: definition.unit(),
        coordinates,
        weighted: definition.weight.is_some(),
    };
    let keep = usize::from(definition.kept.is_some());
    let empty = || {
        let batch = Batch::new(None, keep, &Times::default());
        batch.with_shapes(definition.shapes)
    };
    let (mut decoder, mut batch, mut bytes) = (CopyDecoder::default(), empty(), 0);
    let (mut rows_sent, mut all_bytes) = (0, 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        all_bytes += chunk.len() as u64;
        let mut lengths = Ok(());
        decoder.feed(&chunk, |row| {
            let [place, ..] = *row;
            if !coordinates && lengths.is_ok() {
                lengths = check_length(place);
            }
            fields.keep(&mut batch, row);
        })?;
        lengths?;
        if let Some(limits) = limits {
            limits.check(rows_sent + batch.report.rows, all_bytes)?;
        }
        if batch.points.len() >= BATCH {
            let full = std::mem::replace(&mut batch, empty());
            rows_sent += full.report.rows;
            if !send(SnapshotMessage::Rows(Box::new(full), bytes)) {
                return Ok(());
            }
            (bytes, batch.points) = (0, Vec::with_capacity(BATCH));
        }
    }
    decoder.finish()?;
    send(SnapshotMessage::Rows(Box::new(batch), bytes));
    Ok(())
}

/// The layout of the rows that the database sends: the position, then the weight, then the number
/// that is read beside the point. A weight and a number are there only if the layer has them.
struct SnapshotLayout {
    unit: CoordinateUnit,
    /// True if the position is two fields, x and y; false if it is one field, a geometry.
    coordinates: bool,
    weighted: bool,
}

impl SnapshotLayout {
    fn keep(&self, batch: &mut Batch, row: &Row<'_>) {
        let number = |at: usize| row.get(at).copied().flatten().and_then(float8);
        let place = if self.coordinates { 2 } else { 1 };
        let weight = match number(place) {
            _ if !self.weighted => Weight::Unused,
            Some(weight) => Weight::Number(weight),
            None => Weight::Missing,
        };
        let [first, ..] = *row;
        if self.coordinates {
            let (x, y) = (number(0), number(1));
            let (x, y) = (x.unwrap_or(f64::NAN), y.unwrap_or(f64::NAN));
            rows::position(batch, self.unit, x, y, weight);
        } else {
            rows::geometry(batch, first, weight);
        }
        let kept = || number(place + usize::from(self.weighted)).filter(|n| !n.is_nan());
        let value = || kept().map(Number::Float).map_or(Value::Null, Value::Number);
        batch.keep_values(|_| value());
    }
}
