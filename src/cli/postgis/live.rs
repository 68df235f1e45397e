//! Live layers of PostGIS. The server asks for the rows of a window, and gets errors without
//! secrets.

use crate::cli::logging::say;
use heatsplat::points::LonLatBox;
use heatsplat_loader::postgis::{
    self, Address, Database, DatabaseError, DatabaseLimits, LayerQuery,
};
use heatsplat_server::{FetchedPoints, RowRequest, RowSource, SourceError, SourceFuture};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Longest time of a query for a colour scale. It exceeds that of a picture, since a scale is
/// measured once.
const SCALE_DEADLINE: Duration = Duration::from_secs(30);

/// A table or a query of a database. It is looked up at the first request for its rows, since the
/// database may not answer when the program starts.
#[derive(Debug)]
pub(crate) struct LiveRows {
    name: String,
    database: Arc<Database>,
    query: LayerQuery,
    allow_superuser: bool,
    live: OnceCell<postgis::LiveLayer>,
    /// Bounds of the rows when the program started, in degrees; `None` if unknown.
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

    /// Sets the bounds of the rows in degrees; `None` if unknown.
    pub(crate) fn within(self, bounds: Option<LonLatBox>) -> Self {
        Self { bounds, ..self }
    }

    /// Returns the layer in the database. It is looked up once.
    pub(crate) async fn live(&self) -> Result<&postgis::LiveLayer, DatabaseError> {
        let look_up = || {
            let database = Arc::clone(&self.database);
            postgis::LiveLayer::look_up(database, &self.query, self.allow_superuser)
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

/// The server's error for conditions that may pass: the database is away, busy or slow, or a
/// picture has too many rows. `None` for other errors.
pub(crate) fn transient(error: &DatabaseError) -> Option<SourceError> {
    match error {
        DatabaseError::Away(_) | DatabaseError::Denied(_) => Some(SourceError::Away),
        DatabaseError::Busy => Some(SourceError::Busy),
        DatabaseError::Deadline => Some(SourceError::Deadline),
        DatabaseError::TooMuch(_) => Some(SourceError::TooMuch),
        _ => None,
    }
}

/// Looks a layer up in order to check and describe it. The result can't fetch rows, since its
/// connections end with the async runtime that made them, at the end of this function.
pub(crate) fn look_up(
    address: &Address,
    limits: DatabaseLimits,
    query: &LayerQuery,
    allow_superuser: bool,
) -> Result<postgis::LiveLayer, DatabaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| DatabaseError::Away(e.to_string()))?;
    let database = Arc::new(Database::new(address.clone(), limits)?);
    runtime.block_on(postgis::LiveLayer::look_up(
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
        live.and_then(postgis::LiveLayer::bounds).or(self.bounds)
    }

    fn is_available(&self) -> bool {
        self.database.is_reachable_or_retry()
    }
}
