//! Live layers of PostGIS: the rows of a window are read whenever the server draws it. Errors for
//! the server contain no secrets.

use crate::cli::logging::say;
use heatsplat::points::LonLatBox;
use heatsplat_loader::postgis::{
    self, Address, Database, DatabaseError, DatabaseLimits, LayerQuery,
};
use heatsplat_server::{FetchedPoints, RowRequest, RowSource, SourceError, SourceFuture};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// The longest time of a query that measures a colour scale: 30 seconds, a choice. It is longer
/// than the time for a picture, since a scale is measured only once.
const SCALE_DEADLINE: Duration = Duration::from_secs(30);

/// The rows of a live layer: of a table or a query, which are read for each picture. The table or
/// query is looked up in the database at the first request for rows, since the database may not
/// answer when the program starts.
#[derive(Debug)]
pub(crate) struct LiveRows {
    name: String,
    database: Arc<Database>,
    query: LayerQuery,
    allow_superuser: bool,
    live: OnceCell<postgis::LiveRelation>,
    /// The box around the rows when the program started, in degrees; `None` if it could not be
    /// found.
    bounds: Option<LonLatBox>,
}

impl LiveRows {
    pub(crate) fn new(
        name: &str,
        database: Arc<Database>,
        query: LayerQuery,
        allow_superuser: bool,
    ) -> Self {
        Self {
            name: name.to_owned(),
            database,
            query,
            allow_superuser,
            live: OnceCell::new(),
            bounds: None,
        }
    }

    /// Sets the box around the rows, in degrees; `None` if it isn't known.
    pub(crate) fn within(self, bounds: Option<LonLatBox>) -> Self {
        Self { bounds, ..self }
    }

    /// Returns the description of the table or query. The first call looks it up in the database.
    pub(crate) async fn live(&self) -> Result<&postgis::LiveRelation, DatabaseError> {
        let look_up = || {
            let database = Arc::clone(&self.database);
            postgis::LiveRelation::look_up(database, &self.query, self.allow_superuser)
        };
        self.live.get_or_try_init(look_up).await
    }

    fn source_error(&self, error: &DatabaseError) -> SourceError {
        transient(error).unwrap_or_else(|| {
            say!("heatsplat: layer {}: {error}", self.name);
            SourceError::Broken
        })
    }
}

/// The server's error for a condition that may pass, so that the request can be repeated: the
/// database doesn't answer, is busy or is slow, or a picture has too many rows. `None` for all
/// other errors.
pub(crate) fn transient(error: &DatabaseError) -> Option<SourceError> {
    match error {
        DatabaseError::Away(_) | DatabaseError::Denied(_) => Some(SourceError::Away),
        DatabaseError::Busy => Some(SourceError::Busy),
        DatabaseError::Deadline => Some(SourceError::Deadline),
        DatabaseError::TooMuch(_) => Some(SourceError::TooMuch),
        _ => None,
    }
}

/// Looks up a layer's table or query in the database, to check it and to describe it. The result
/// can't be used to fetch rows: its connections need the async runtime that made them, and that
/// runtime ends when this function returns.
pub(crate) fn look_up(
    address: &Address,
    limits: DatabaseLimits,
    query: &LayerQuery,
    allow_superuser: bool,
) -> Result<postgis::LiveRelation, DatabaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| DatabaseError::Away(e.to_string()))?;
    let database = Arc::new(Database::new(address.clone(), limits)?);
    runtime.block_on(postgis::LiveRelation::look_up(
        database,
        query,
        allow_superuser,
    ))
}

impl RowSource for LiveRows {
    fn fetch(&self, request: RowRequest) -> SourceFuture<'_, FetchedPoints> {
        Box::pin(async move {
            let fetched = async {
                let live = self.live().await?;
                let query = postgis::ViewportQuery {
                    window: request.window,
                    margin: request.margin,
                    cell: request.cell,
                    deadline: request.for_scale.then_some(SCALE_DEADLINE),
                };
                live.fetch(query).await
            };
            let fetched = fetched.await.map_err(|error| self.source_error(&error))?;
            Ok(FetchedPoints {
                points: fetched.points,
                counts: fetched.counts,
            })
        })
    }

    fn bounds(&self) -> Option<LonLatBox> {
        let live = self.live.get();
        live.and_then(postgis::LiveRelation::bounds).or(self.bounds)
    }

    fn is_available(&self) -> bool {
        self.database.is_reachable_or_retry()
    }
}
