//! In the place of `src/sync.rs`: what lets the order of events be tried.

pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
pub(crate) use shuttle::sync::{Mutex, PoisonError};
