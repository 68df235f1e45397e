//! A cache of bounded size that several threads can use at a time.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A cache of values by key. If several threads ask for a missing value at the same time, one of
/// them computes it and the others wait for it.
///
/// The cache holds a bounded number of values. When it is full, a new value displaces the value
/// that was added first.
pub struct Memo<K, V> {
    capacity: usize,
    entries: Mutex<Entries<K, V>>,
}

struct Entries<K, V> {
    values: HashMap<K, Arc<OnceLock<Arc<V>>>>,
    /// The keys in the order in which they were added, the oldest first.
    order: VecDeque<K>,
}

impl<K: Eq + Hash + Clone, V> Memo<K, V> {
    /// Makes an empty cache of at most `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Mutex::new(Entries {
                values: HashMap::new(),
                order: VecDeque::new(),
            }),
        }
    }

    /// Returns the value of a key. If it is missing, `compute` makes it; other threads that ask for
    /// the value of the same key meanwhile wait for the result.
    pub fn get_or_compute(&self, key: &K, compute: impl FnOnce() -> V) -> Arc<V> {
        let slot = self.slot(key);
        // The value is computed while the lock is free, so that other threads can get the values of
        // other keys meanwhile.
        Arc::clone(slot.get_or_init(|| Arc::new(compute())))
    }

    /// Returns whether the value of a key is there.
    pub fn has(&self, key: &K) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = entries.values.get(key);
        slot.is_some_and(|slot| slot.get().is_some())
    }

    fn slot(&self, key: &K) -> Arc<OnceLock<Arc<V>>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = entries.values.get(key) {
            return Arc::clone(slot);
        }
        if entries.order.len() >= self.capacity
            && let Some(oldest) = entries.order.pop_front()
        {
            entries.values.remove(&oldest);
        }
        let slot = Arc::default();
        entries.values.insert(key.clone(), Arc::clone(&slot));
        entries.order.push_back(key.clone());
        slot
    }
}

impl<K, V> fmt::Debug for Memo<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn a_value_is_computed_once_however_many_ask() {
        let memo = Memo::new(4);
        let computed = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let value =
                        memo.get_or_compute(&"a", || computed.fetch_add(1, Ordering::SeqCst));
                    assert_eq!(*value, 0);
                });
            }
        });
        assert_eq!(computed.into_inner(), 1);
    }

    #[test]
    fn the_oldest_value_makes_room() {
        let memo = Memo::new(2);
        let first = memo.get_or_compute(&1, || 10);
        memo.get_or_compute(&2, || 20);
        assert!(Arc::ptr_eq(&first, &memo.get_or_compute(&1, || 11)));
        memo.get_or_compute(&3, || 30);
        assert_eq!(*memo.get_or_compute(&2, || 21), 20);
        assert_eq!(*memo.get_or_compute(&1, || 12), 12);
    }
}
