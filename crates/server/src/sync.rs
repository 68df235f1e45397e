//! The synchronization primitives that the cache and admission control use. `tests/server/model.rs`
//! and `tests/server/queue_model.rs` compile them with other ones in their place, to try many
//! orders in which threads may run.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
