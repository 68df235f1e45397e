//! Queries that are posted to a running server: each becomes a layer of one database.

use super::live::LiveRows;
use heatsplat::PointsBuilder;
use heatsplat_loader::postgis::{Address, Database, DatabaseError, LayerQuery, Relation, Snapshot};
use heatsplat_loader::{LoadError, load};
use heatsplat_render::say;
use heatsplat_server::{Opened, Post, PostTrouble, Posts};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Makes layers of queries to one database.
#[derive(Debug)]
pub(crate) struct PostedQueries {
    pub(crate) database: Arc<Database>,
    pub(crate) address: Address,
    pub(crate) allow_superuser: bool,
}

impl Posts for PostedQueries {
    fn open(
        &self,
        post: Post,
    ) -> Pin<Box<dyn Future<Output = Result<Opened, PostTrouble>> + Send + '_>> {
        Box::pin(async move {
            let query = LayerQuery {
                from: Relation::Sql(post.sql),
                geom: post.geom,
                weight: post.weight,
                srid: post.srid,
                keep: None,
            };
            if post.snapshot {
                return self.read(query).await;
            }
            let database = Arc::clone(&self.database);
            let rows = LiveRows::new("posted", database, query, self.allow_superuser);
            rows.live().await.map_err(|error| client_error(&error))?;
            Ok(Opened::Live(Arc::new(rows)))
        })
    }
}

impl PostedQueries {
    async fn read(&self, query: LayerQuery) -> Result<Opened, PostTrouble> {
        let (address, allow) = (self.address.clone(), self.allow_superuser);
        let read = move || {
            let mut source = Snapshot::open(&address, &query, allow, false)?;
            let mut builder = PointsBuilder::new();
            load(&mut source, &mut builder, |_| ())?;
            Ok(builder.build())
        };
        let read = tokio::task::spawn_blocking(read).await;
        let broken = PostTrouble::Trouble(heatsplat_server::Trouble::Broken);
        let points = read.map_err(|_| broken)?.map_err(|error| match error {
            LoadError::Database { source, .. } => client_error(&source),
            LoadError::NoRows { .. } => PostTrouble::Wrong("the query has no rows".to_owned()),
            _ => PostTrouble::Wrong("no row of the query is a point on the map".to_owned()),
        })?;
        Ok(Opened::Here(points))
    }
}

/// The error that the client gets. Messages of the database may name files and tables of other
/// users, so they are only logged.
fn client_error(error: &DatabaseError) -> PostTrouble {
    if let Some(trouble) = super::live::passing(error) {
        return PostTrouble::Trouble(trouble);
    }
    say!("heatsplat: a posted query: {error}");
    PostTrouble::Wrong(match error {
        DatabaseError::Definition(message) => message.clone(),
        DatabaseError::Refused { code, position, .. } => {
            let at = position.map_or(String::new(), |at| format!(" at its character {at}"));
            format!("the database refuses the query{at}: SQLSTATE {code}")
        }
        _ => "the query can't be a layer; the server has logged why".to_owned(),
    })
}
