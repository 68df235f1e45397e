//! Single-flight: one computation for each key, however many requests wait for its value.

use crate::sync::{Mutex, PoisonError};
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The computations in progress, by key.
pub(super) struct SingleFlight<K, T>(Mutex<HashMap<K, Arc<OnceCell<T>>>>);

impl<K, T> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Clone + Eq + Hash, T: Clone> SingleFlight<K, T> {
    /// Runs the work, or waits for another caller that runs it for the same key. If that other
    /// caller is dropped or panics, one of the waiting callers runs its own work.
    pub(super) async fn join(&self, key: &K, work: impl Future<Output = T>) -> T {
        let waiter = self.enter(key);
        waiter.cell.get_or_init(|| work).await.clone()
    }

    fn enter<'a>(&'a self, key: &'a K) -> Waiter<'a, K, T> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = match open.get(key) {
            Some(cell) => Arc::clone(cell),
            None => {
                let cell = Arc::default();
                open.insert(key.clone(), Arc::clone(&cell));
                cell
            }
        };
        Waiter {
            flights: self,
            key,
            cell,
        }
    }

    /// The number of keys whose values are being computed.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A caller that computes the value of a key or waits for it.
struct Waiter<'a, K: Eq + Hash, T> {
    flights: &'a SingleFlight<K, T>,
    key: &'a K,
    cell: Arc<OnceCell<T>>,
}

impl<K: Eq + Hash, T> Drop for Waiter<'_, K, T> {
    /// Removes the key when its value is computed, or when the last caller leaves.
    fn drop(&mut self) {
        let open = &self.flights.0;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        // References are added under this lock alone, so if there are two, they are the table's and
        // this caller's.
        let is_over = self.cell.initialized() || Arc::strong_count(&self.cell) <= 2;
        let is_ours = |cell: &Arc<OnceCell<T>>| Arc::ptr_eq(cell, &self.cell);
        if is_over && open.get(self.key).is_some_and(is_ours) {
            open.remove(self.key);
        }
    }
}
