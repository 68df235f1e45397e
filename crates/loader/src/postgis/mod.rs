//! Points of PostgreSQL with PostGIS: a whole table at once ([`Snapshot`]), or the rows of one
//! picture ([`LiveLayer`]).
//!
//! Every session reads only, has timeouts, and is reset before another query uses it. [`Snapshot`]
//! has an async runtime of its own; [`LiveLayer`] runs on the caller's.

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
pub use live::{LiveLayer, ViewportQuery, ViewportRows};
pub use pool::{Database, DatabaseLimits};
pub use relation::{LayerQuery, Relation, ResolvedLayer};
pub use snapshot::Snapshot;
