//! A whole table or query, read once: binary COPY on several connections, one moment in time.

use super::connect::{Address, Purpose, runtime};
use super::coordinates::Unit;
use super::copy::{CopyDecoder, Row, float8};
use super::privileges;
use super::relation::{ALIAS, LayerQuery, ResolvedLayer, check_length};
use super::rows;
use super::template::TokenValues;
use crate::batch::{Batch, Weight};
use crate::columns::Columns;
use crate::error::DatabaseError;
use crate::error::LoadError;
use crate::number::exact::Number;
use crate::report::Report;
use crate::source::{LoadProgress, Source, check_strict};
use crate::table::TableBuilder;
use crate::time::Times;
use crate::value::Value;
use futures_util::{StreamExt as _, future, pin_mut};
use heatsplat_points::PointSink;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use tokio::runtime::Runtime;
use tokio_postgres::Client;

/// Rows that are handed over at a time.
const BATCH: usize = 8192;
/// Batches that wait meanwhile: with them, all that is in memory.
const AHEAD: usize = 8;
/// Connections that share a large table.
const MOST: u32 = 4;
/// Pages that are worth a connection: 8 MiB.
const PAGES_EACH: u32 = 1024;
/// Bytes of a point and its weight in the stream, for a bar that grows.
const ROW: f64 = 43.0;

/// What the thread that reads says.
enum SnapshotMessage {
    Rows(Box<Batch>, u64),
    Failed(DatabaseError),
    Done,
}

/// A table or query on its way to becoming points.
pub struct Snapshot {
    name: String,
    columns: Columns,
    report: Report,
    kept: TableBuilder,
    bytes_total: Option<u64>,
    messages: Receiver<SnapshotMessage>,
    strict: bool,
    ended: bool,
}

impl Snapshot {
    /// Connects, looks up what is asked for, and starts reading it.
    ///
    /// # Errors
    /// [`LoadError::Database`], whatever stands in the way.
    pub fn open(
        address: &Address,
        ask: &LayerQuery,
        allow_any_role: bool,
        strict: bool,
    ) -> Result<Self, LoadError> {
        let name = address.to_string();
        let (sender, messages) = sync_channel(AHEAD);
        let (opened, outcome) = sync_channel(1);
        let (address, ask) = (address.clone(), ask.clone());
        let thread = thread::Builder::new().name("heatsplat-postgis".into());
        let run = move || {
            let read = |runtime: Runtime| {
                runtime.block_on(async {
                    let opened_as = SnapshotReader::new(&address, &ask, allow_any_role).await;
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
            // Nobody listens any more: nobody needs it.
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
            name,
            columns: definition.columns,
            report: Report::default(),
            kept: TableBuilder::default(),
            bytes_total: (rows > 0.0).then_some((rows * ROW) as u64),
            messages,
            strict,
            ended: false,
        })
    }
}

impl Source for Snapshot {
    fn name(&self) -> &str {
        &self.name
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        if self.ended {
            return Ok(false);
        }
        match self.messages.recv() {
            Ok(SnapshotMessage::Rows(batch, bytes)) => {
                sink.push(&batch.points);
                self.kept.append(batch.kept);
                self.report.add(batch.report);
                self.report.bytes += bytes;
            }
            Ok(SnapshotMessage::Done) => self.ended = true,
            Ok(SnapshotMessage::Failed(source)) => {
                self.ended = true;
                return Err(LoadError::Database {
                    name: self.name.clone(),
                    source,
                });
            }
            Err(_) => {
                self.ended = true;
                return Err(LoadError::Read {
                    file: self.name.clone(),
                    source: io::Error::other("the reading thread broke off"),
                });
            }
        }
        check_strict(self.strict, &self.report, &self.name)?;
        Ok(!self.ended)
    }

    fn take_kept(&mut self) -> TableBuilder {
        std::mem::take(&mut self.kept)
    }

    fn report(&self) -> &Report {
        &self.report
    }

    fn progress(&self) -> LoadProgress {
        LoadProgress {
            rows: self.report.rows,
            bytes_read: self.report.bytes,
            bytes_total: self.bytes_total,
        }
    }
}

/// Connections that see one moment, and what each of them reads.
struct SnapshotReader {
    definition: ResolvedLayer,
    first: Client,
}

impl SnapshotReader {
    async fn new(
        address: &Address,
        ask: &LayerQuery,
        allow_any_role: bool,
    ) -> Result<Self, DatabaseError> {
        let first = address.connect(Purpose::Load).await?;
        first
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        if !allow_any_role {
            privileges::check(&first, &ask.from).await?;
        }
        let definition = ResolvedLayer::look_up(&first, ask).await?;
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
                    .batch_execute(&format!(
                        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                         SET TRANSACTION SNAPSHOT '{moment}'"
                    ))
                    .await?;
                clients.push(client);
            }
        }
        let definition = &self.definition;
        let reading = clients
            .iter()
            .zip(&parts)
            .map(|(client, part)| copy(client, definition, part, sender));
        future::try_join_all(reading).await?;
        Ok(())
    }
}

/// Conditions that cut a table in parts, or none for the whole of it.
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
        // The last one takes what was added since the planner last counted.
        if part + 1 == count {
            format!(" WHERE {from}")
        } else {
            format!(" WHERE {from} AND {ALIAS}.ctid < '({to},0)'::tid")
        }
    };
    (0..count).map(part).collect()
}

/// Reads one part to its end.
async fn copy(
    client: &Client,
    definition: &ResolvedLayer,
    part: &str,
    sender: &SyncSender<SnapshotMessage>,
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
    let fields = RowLayout {
        unit: definition.unit(),
        coordinates,
        weighted: definition.weight.is_some(),
    };
    let keep = usize::from(definition.kept.is_some());
    let empty = || Batch::new(None, keep, &Times::default());
    let (mut decoder, mut batch, mut bytes) = (CopyDecoder::default(), empty(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        let mut lengths = Ok(());
        decoder.feed(&chunk, |row| {
            let [place, ..] = *row;
            if !coordinates && lengths.is_ok() {
                lengths = check_length(place);
            }
            fields.keep(&mut batch, row);
        })?;
        lengths?;
        if batch.points.len() >= BATCH {
            let full = std::mem::replace(&mut batch, empty());
            // Who reads sets the pace: while this waits, nothing more is received.
            if sender
                .send(SnapshotMessage::Rows(Box::new(full), bytes))
                .is_err()
            {
                return Ok(());
            }
            (bytes, batch.points) = (0, Vec::with_capacity(BATCH));
        }
    }
    decoder.finish()?;
    let _ = sender.send(SnapshotMessage::Rows(Box::new(batch), bytes));
    Ok(())
}

/// What the fields of a row are: its place, then its weight, then what is kept of it.
struct RowLayout {
    unit: Unit,
    /// Its place is two numbers, else a geometry.
    coordinates: bool,
    weighted: bool,
}

impl RowLayout {
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
