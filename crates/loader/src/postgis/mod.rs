//! Points of PostgreSQL with PostGIS: a whole table at once ([`Snapshot`]), or the rows of
//! one picture while somebody waits for it ([`Live`]).
//!
//! Every session reads only, has timeouts, and is made clean before another query has it.
//! The async runtime of [`Snapshot`] is its own; [`Live`] is used from the caller's.

mod area;
mod connect;
mod copy;
mod define;
mod error;
mod extent;
mod judge;
mod listen;
mod live;
mod lookup;
mod pool;
mod privileges;
mod publish;
mod pushdown;
pub mod raster;
mod scan;
mod snapshot;
mod sql;
mod tls;
mod view;

pub use connect::{Address, is_address};
pub use define::{Ask, Definition, Relation};
pub use error::DatabaseError;
pub use listen::{Change, listen};
pub use live::{Fetched, Live, Want};
pub use pool::{Database, Limits};
pub use publish::{Published, published};
pub use snapshot::Snapshot;
