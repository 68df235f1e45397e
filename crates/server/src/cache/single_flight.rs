//! Single-flight: one computation for each key, however many requests wait for its value.

use crate::sync::{Mutex, PoisonError};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;

/// A computation that one or more requests wait for. It advances whenever one of these requests is
/// polled, and is dropped when all of them have left.
type Flight<T> = Shared<BoxFuture<'static, T>>;

/// The computations in progress, by key.
pub(super) struct SingleFlight<K, T: Clone>(Mutex<HashMap<K, WeakShared<BoxFuture<'static, T>>>>);

impl<K, T: Clone> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

/// The way in which a caller got a value.
pub(super) enum Joined<T> {
    /// The caller's `find` knew it.
    Known(T),
    /// Another caller had begun to compute it.
    Shared(T),
    /// This caller has begun to compute it.
    Made(T),
}

impl<K: Clone + Eq + Hash, T: Clone> SingleFlight<K, T> {
    /// Returns the value of a key. If a computation of it is in progress, the caller joins it.
    /// Otherwise the value comes from `find` or, if that returns `None`, from `work`. If the caller
    /// that began the work leaves, the others continue it. `keep` is called with the value before
    /// the computation counts as finished, so that `find` knows the value at the next request.
    pub(super) async fn join<F: Future<Output = T> + Send + 'static>(
        &self,
        key: &K,
        find: impl FnOnce() -> Option<T>,
        work: impl FnOnce() -> F,
        keep: impl FnOnce(&T),
    ) -> Joined<T> {
        let (waiter, begun) = match self.enter(key, find, work) {
            Ok(entered) => entered,
            Err(known) => return Joined::Known(known),
        };
        let value = waiter.flight.clone().await;
        keep(&value);
        drop(waiter);
        if begun {
            Joined::Made(value)
        } else {
            Joined::Shared(value)
        }
    }

    /// Joins the computation of a key or begins one; returns true if this caller has begun it. If
    /// `find` knows the value, it is returned as `Err`.
    fn enter<'a, F: Future<Output = T> + Send + 'static>(
        &'a self,
        key: &'a K,
        find: impl FnOnce() -> Option<T>,
        work: impl FnOnce() -> F,
    ) -> Result<(Waiter<'a, K, T>, bool), T> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = open.get(key).and_then(WeakShared::upgrade);
        let begun = under_way.is_none();
        let flight = match under_way {
            Some(flight) => flight,
            None => {
                // Another request may have computed the value since the caller looked for it.
                if let Some(known) = find() {
                    return Err(known);
                }
                let flight = work().boxed().shared();
                if let Some(weak) = flight.downgrade() {
                    open.insert(key.clone(), weak);
                }
                flight
            }
        };
        let flights = self;
        let waiter = Waiter {
            flights,
            key,
            flight,
        };
        Ok((waiter, begun))
    }

    /// The number of keys whose values are being computed.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A caller that waits for the value of a key.
struct Waiter<'a, K: Eq + Hash, T: Clone> {
    flights: &'a SingleFlight<K, T>,
    key: &'a K,
    flight: Flight<T>,
}

impl<K: Eq + Hash, T: Clone> Drop for Waiter<'_, K, T> {
    /// Removes the key when the last caller leaves, with the value or without it.
    fn drop(&mut self) {
        let open = &self.flights.0;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        // References are added only under this lock. So if the count is one, it is this caller's
        // reference.
        let is_last = self.flight.strong_count().is_none_or(|count| count <= 1);
        let is_ours = |weak: &WeakShared<_>| {
            weak.upgrade()
                .is_none_or(|flight| flight.ptr_eq(&self.flight))
        };
        if is_last && open.get(self.key).is_some_and(is_ours) {
            open.remove(self.key);
        }
    }
}
