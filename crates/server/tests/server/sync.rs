//! The replacement of `src/sync.rs`: primitives by which shuttle controls the order of events.

pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
pub(crate) use shuttle::sync::{Mutex, MutexGuard, PoisonError};
