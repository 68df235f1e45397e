//! What threads agree by. `tests/model.rs` puts others in their place, which try all orders.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, PoisonError};
