//! Points from PostgreSQL with PostGIS. [`Snapshot`] reads a whole table or query once;
//! [`LiveRelation`] reads the rows of one picture, for each picture anew.
//!
//! Every session has timeouts. A session that reads is read-only, and a session from the pool is
//! reset before another query uses it. [`Snapshot`] starts an async runtime itself;
//! [`LiveRelation`] uses the caller's runtime.

mod area;
mod connect;
mod coordinates;
mod copy;
mod discover;
mod extent;
mod introspect;
mod lexer;
mod listen;
mod live;
mod pool;
mod privileges;
mod pushdown;
pub mod raster;
mod relation;
mod rows;
mod snapshot;
mod template;
mod tls;
mod viewport;

pub use crate::error::DatabaseError;
pub use connect::{Address, is_address};
pub use discover::{PointTable, point_tables};
pub use listen::{Change, listen};
pub use live::{LiveRelation, ViewportQuery, ViewportRows};
pub use pool::{Database, DatabaseLimits};
pub use relation::{LayerQuery, Relation, ResolvedLayer};
pub use snapshot::{Snapshot, SnapshotLimits};
