//! A cache of bounded size that several threads can use at a time.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A cache of values by key. If several threads ask for a missing value at the same time, one of
/// them computes it and the others wait for it.
///
/// The cache holds a bounded number of values. When it is full, a new value displaces the value
/// that was asked for the longest time ago.
pub struct Memo<K, V> {
    capacity: usize,
    entries: Mutex<Entries<K, V>>,
}

struct Entries<K, V> {
    values: HashMap<K, MemoEntry<V>>,
    /// The number of requests for values so far.
    asked: u64,
}

struct MemoEntry<V> {
    slot: Slot<V>,
    /// The number of the last request for the value.
    asked: u64,
}

/// The place of a value, which is empty while the value is computed.
type Slot<V> = Arc<OnceLock<Arc<V>>>;

impl<K: Eq + Hash + Clone, V> Memo<K, V> {
    /// Makes an empty cache of at most `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            entries: Mutex::new(Entries {
                values: HashMap::new(),
                asked: 0,
            }),
        }
    }

    /// Returns the value of a key. If it is missing, `compute` makes it; other threads that ask for
    /// the value of the same key meanwhile wait for the result. If `compute` ends by unwinding, one
    /// of the others computes the value.
    pub fn get_or_compute(&self, key: &K, compute: impl FnOnce() -> V) -> Arc<V> {
        let slot = self.slot(key);
        // The value is computed while the lock is free, so that other threads can get the values of
        // other keys meanwhile.
        let unfinished = UnfinishedSlot(self, key, &slot);
        let value = Arc::clone(slot.get_or_init(|| Arc::new(compute())));
        drop(unfinished);
        value
    }

    /// Returns whether the value of a key is there.
    pub fn has(&self, key: &K) -> bool {
        let slot = self
            .lock()
            .values
            .get(key)
            .map(|entry| entry.slot.get().is_some());
        slot.unwrap_or(false)
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, key: &K) -> Slot<V> {
        let mut entries = self.lock();
        entries.asked += 1;
        let asked = entries.asked;
        if let Some(entry) = entries.values.get_mut(key) {
            entry.asked = asked;
            return Arc::clone(&entry.slot);
        }
        if entries.values.len() >= self.capacity {
            let oldest = entries.values.iter().min_by_key(|(_, entry)| entry.asked);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.values.remove(&oldest);
            }
        }
        let slot = Slot::default();
        let entry = MemoEntry {
            slot: Arc::clone(&slot),
            asked,
        };
        entries.values.insert(key.clone(), entry);
        slot
    }
}

/// A slot that is being filled. When this is dropped and the slot is still empty, since the
/// computation was unwound, its entry is removed.
struct UnfinishedSlot<'a, K: Eq + Hash + Clone, V>(&'a Memo<K, V>, &'a K, &'a Slot<V>);

impl<K: Eq + Hash + Clone, V> Drop for UnfinishedSlot<'_, K, V> {
    fn drop(&mut self) {
        let Self(memo, key, slot) = self;
        if slot.get().is_none() {
            let mut entries = memo.lock();
            let is_ours = |entry: &MemoEntry<V>| Arc::ptr_eq(&entry.slot, slot);
            // Another thread that waits for the value fills the slot all the same.
            if entries.values.get(key).is_some_and(is_ours) {
                entries.values.remove(key);
            }
        }
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
    fn the_value_that_is_unused_for_the_longest_time_makes_room() {
        let memo = Memo::new(2);
        let first = memo.get_or_compute(&1, || 10);
        memo.get_or_compute(&2, || 20);
        assert!(Arc::ptr_eq(&first, &memo.get_or_compute(&1, || 11)));
        memo.get_or_compute(&3, || 30);
        assert_eq!(*memo.get_or_compute(&1, || 12), 10);
        assert!(!memo.has(&2) && memo.has(&3));
        assert_eq!(*memo.get_or_compute(&2, || 21), 21);
    }

    #[test]
    fn a_computation_that_is_unwound_leaves_no_entry() {
        let memo: Memo<u8, u8> = Memo::new(2);
        memo.get_or_compute(&1, || 10);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            memo.get_or_compute(&2, || std::panic::resume_unwind(Box::new(())))
        }));
        assert!(unwound.is_err());
        assert_eq!(memo.lock().values.len(), 1);
        assert_eq!(*memo.get_or_compute(&2, || 20), 20);
    }
}
