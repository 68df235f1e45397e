//! Points from PostgreSQL with PostGIS. [`Snapshot`] reads a whole table at once; [`LiveLayer`]
//! reads the rows of one picture.
//!
//! Every session may only read, has timeouts, and is reset before another query uses it.
//! [`Snapshot`] starts an async runtime itself; [`LiveLayer`] uses the caller's.

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
