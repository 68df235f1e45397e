//! One piece of work per key, however many wait for it.

use crate::sync::{Mutex, PoisonError};
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Work that is being done, by key.
pub(super) struct Flights<K, T>(Mutex<HashMap<K, Arc<OnceCell<T>>>>);

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Flights<K, T> {
    /// Does the work, or waits for another who does. If that one is dropped, or panics, one of
    /// those who wait does its own.
    pub(super) async fn join(&self, key: &K, work: impl Future<Output = T>) -> T {
        let seat = self.board(key);
        seat.cell.get_or_init(|| work).await.clone()
    }

    fn board<'a>(&'a self, key: &'a K) -> Seat<'a, K, T> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = match open.get(key) {
            Some(cell) => Arc::clone(cell),
            None => {
                let cell = Arc::default();
                open.insert(key.clone(), Arc::clone(&cell));
                cell
            }
        };
        Seat {
            flights: self,
            key,
            cell,
        }
    }

    /// Keys that are being worked on.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A place among those who wait.
struct Seat<'a, K: Eq + Hash, T> {
    flights: &'a Flights<K, T>,
    key: &'a K,
    cell: Arc<OnceCell<T>>,
}

impl<K: Eq + Hash, T> Drop for Seat<'_, K, T> {
    /// The flight is over when the work is done, or nobody waits for it any more.
    fn drop(&mut self) {
        let open = &self.flights.0;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        // Seats are taken under this lock alone: two are the table's and ours.
        let is_over = self.cell.initialized() || Arc::strong_count(&self.cell) <= 2;
        let is_ours = |cell: &Arc<OnceCell<T>>| Arc::ptr_eq(cell, &self.cell);
        if is_over && open.get(self.key).is_some_and(is_ours) {
            open.remove(self.key);
        }
    }
}
