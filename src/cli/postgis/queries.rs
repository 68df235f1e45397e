//! Queries that clients post to a running server. Each query becomes a layer.

use super::live::LiveRows;
use crate::cli::logging::say;
use heatsplat::PointsBuilder;
use heatsplat_loader::postgis::{
    Database, DatabaseError, LayerQuery, Relation, Snapshot, SnapshotLimits,
};
use heatsplat_loader::{LoadError, ShapeRules, load};
use heatsplat_server::{OpenedQuery, PostError, PostedQuery, QuerySource, SourceError};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The largest number of posted snapshots that one database reads at the same time: a choice. A
/// snapshot is a layer whose rows are all read in one go.
const MAX_SNAPSHOTS: usize = 2;
/// The longest time that a posted snapshot waits until fewer others are being read. A choice.
const WAIT: Duration = Duration::from_millis(250);

/// The database for which clients post queries. It opens each query as the rows of a layer.
#[derive(Debug)]
pub(crate) struct DatabaseQueries {
    database: Arc<Database>,
    allow_superuser: bool,
    limits: SnapshotLimits,
    snapshots: Arc<Semaphore>,
}

impl QuerySource for DatabaseQueries {
    fn open(
        &self,
        post: PostedQuery,
    ) -> Pin<Box<dyn Future<Output = Result<OpenedQuery, PostError>> + Send + '_>> {
        Box::pin(async move {
            let query = LayerQuery {
                from: Relation::Sql(post.sql),
                geom: post.geom,
                weight: post.weight,
                srid: post.srid,
                keep: None,
                shapes: ShapeRules::default(),
            };
            if post.snapshot {
                return self.read(query).await;
            }
            let database = Arc::clone(&self.database);
            let rows = LiveRows::new("posted", database, query, self.allow_superuser);
            rows.live().await.map_err(|error| client_error(&error))?;
            Ok(OpenedQuery::Live(Arc::new(rows)))
        })
    }
}

impl DatabaseQueries {
    /// Makes the source of posted layers that reads from `database`, whose pool has `connections`
    /// connections. If there is more than one, posted snapshots never use all of them, so that one
    /// is left for live layers.
    pub(crate) fn new(
        (database, connections): (Arc<Database>, usize),
        allow_superuser: bool,
        limits: SnapshotLimits,
    ) -> Self {
        let turns = connections.saturating_sub(1).clamp(1, MAX_SNAPSHOTS);
        Self {
            database,
            allow_superuser,
            limits,
            snapshots: Arc::new(Semaphore::new(turns)),
        }
    }

    async fn read(&self, query: LayerQuery) -> Result<OpenedQuery, PostError> {
        let turn = Arc::clone(&self.snapshots).acquire_owned();
        let turn = tokio::time::timeout(WAIT, turn).await;
        let Ok(Ok(turn)) = turn else {
            return Err(PostError::Source(SourceError::Busy));
        };
        let read = Snapshot::read(&self.database, &query, self.allow_superuser, self.limits).await;
        let mut source = read.map_err(|error| self.snapshot_error(error))?;
        let read = move || {
            let mut builder = PointsBuilder::new();
            load(&mut source, &mut builder, |_| ())?;
            let points = builder.build();
            drop(turn);
            Ok(points)
        };
        let read = tokio::task::spawn_blocking(read).await;
        let broken = PostError::Source(SourceError::Broken);
        let points = read.map_err(|_| broken)?.map_err(|error| match error {
            LoadError::Database { source, .. } => client_error(&source),
            LoadError::NoRows { .. } => PostError::Query("the query has no rows".to_owned()),
            _ => PostError::Query("no row of the query is a point on the map".to_owned()),
        })?;
        Ok(OpenedQuery::InMemory(points))
    }

    fn snapshot_error(&self, error: DatabaseError) -> PostError {
        match error {
            DatabaseError::Deadline => PostError::Deadline(self.limits.deadline),
            DatabaseError::TooMuch(message) => PostError::TooMuch(message),
            other => client_error(&other),
        }
    }
}

/// The error that is sent to the client of a posted query. The database's own message is only
/// logged, since it may name files and tables of other users.
fn client_error(error: &DatabaseError) -> PostError {
    if let Some(error) = super::live::transient(error) {
        return PostError::Source(error);
    }
    say!("heatsplat: a posted query: {error}");
    PostError::Query(match error {
        DatabaseError::Definition(message) => message.clone(),
        DatabaseError::Refused { code, position, .. } => {
            let at = position.map_or(String::new(), |at| format!(" at its character {at}"));
            format!("the database refuses the query{at}: SQLSTATE {code}")
        }
        _ => "the query can't be a layer; the server has logged why".to_owned(),
    })
}
