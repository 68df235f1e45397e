//! Single-flight: one computation for each key, however many requests wait for its value.

use crate::sync::{Mutex, PoisonError};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;

/// A computation that one or more requests wait for. It advances whenever one of these requests is
/// polled, and is dropped when all of them have left.
type Computation<T> = Shared<BoxFuture<'static, T>>;

/// The computations in progress, by key.
pub(super) struct SingleFlight<K, T: Clone>(Mutex<HashMap<K, Flight<T>>>);

/// A computation in progress. It is dropped when all requests that wait for it have left.
struct Flight<T: Clone> {
    computation: Computation<T>,
    /// The number of requests that wait for this computation.
    waiting: usize,
}

impl<K, T: Clone> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

/// A value, and how the caller of [`SingleFlight::join`] got it.
pub(super) enum JoinOutcome<T> {
    /// A value that the caller's `find` returned, so that nothing was computed.
    Known(T),
    /// The value of a computation that another caller began.
    Shared(T),
    /// The value of a computation that this caller began.
    Made(T),
}

impl<K: Clone + Eq + Hash, T: Clone> SingleFlight<K, T> {
    /// Returns the value of a key. If it is being computed already, the caller waits for that
    /// computation. Otherwise the value comes from `find` or, if that returns `None`, from the
    /// computation `work`, which goes on for the other callers if this one leaves. `keep` is called
    /// with the computed value before the computation counts as finished, so that `find` can return
    /// the value from then on.
    pub(super) async fn join<F: Future<Output = T> + Send + 'static>(
        &self,
        key: &K,
        find: impl FnOnce() -> Option<T>,
        work: impl FnOnce() -> F,
        keep: impl FnOnce(&T),
    ) -> JoinOutcome<T> {
        let (mut waiter, begun) = match self.enter(key, find, work) {
            Ok(entered) => entered,
            Err(known) => return JoinOutcome::Known(known),
        };
        let value = waiter.computation.clone().await;
        keep(&value);
        waiter.is_finished = true;
        drop(waiter);
        if begun {
            JoinOutcome::Made(value)
        } else {
            JoinOutcome::Shared(value)
        }
    }

    /// Joins the computation of the key's value, or begins `work` if there is none; the `bool` is
    /// true if this caller has begun it. `Err` has the value if `find` returned it: then nothing is
    /// computed.
    fn enter<'a, F: Future<Output = T> + Send + 'static>(
        &'a self,
        key: &'a K,
        find: impl FnOnce() -> Option<T>,
        work: impl FnOnce() -> F,
    ) -> Result<(Waiter<'a, K, T>, bool), T> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (computation, begun) = match open.get_mut(key) {
            Some(flight) => {
                flight.waiting += 1;
                (flight.computation.clone(), false)
            }
            None => {
                // Another request may have computed the value since the caller looked for it.
                if let Some(known) = find() {
                    return Err(known);
                }
                let computation = work().boxed().shared();
                let flight = Flight {
                    computation: computation.clone(),
                    waiting: 1,
                };
                open.insert(key.clone(), flight);
                (computation, true)
            }
        };
        let waiter = Waiter {
            flights: self,
            key,
            computation,
            is_finished: false,
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
    computation: Computation<T>,
    /// True after the value was computed.
    is_finished: bool,
}

impl<K: Eq + Hash, T: Clone> Drop for Waiter<'_, K, T> {
    /// Removes the key's computation as soon as one caller has the value, or when the last caller
    /// leaves without it.
    fn drop(&mut self) {
        let open = &self.flights.0;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = open.get_mut(self.key);
        let ours = ours.filter(|flight| flight.computation.ptr_eq(&self.computation));
        let is_over = ours.is_some_and(|flight| {
            flight.waiting -= 1;
            flight.waiting == 0 || self.is_finished
        });
        let over = if is_over { open.remove(self.key) } else { None };
        drop(open);
        // The computation is dropped without the lock, since that may take long.
        drop(over);
    }
}
