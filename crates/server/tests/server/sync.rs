//! Replaces `src/sync.rs` by primitives that let shuttle try orders of events.

pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
pub(crate) use shuttle::sync::{Mutex, PoisonError};
