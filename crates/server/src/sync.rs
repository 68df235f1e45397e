//! The synchronization primitives that the cache uses. `tests/server/model.rs` compiles the cache
//! with other ones in their place, to try many orders in which threads may run.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
