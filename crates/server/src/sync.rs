//! The synchronization primitives of the cache. `tests/server/model.rs` compiles the cache with
//! other ones in their place, to try many orders of events.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
