//! Caches of bounded size that several threads can use at the same time.

pub mod budget;

use budget::{BudgetShare, Evictable, MemoryBudget};
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// A function that computes the heap memory of a key and its value in bytes: all memory that they
/// take besides the sizes of their types.
pub type HeapBytes<K, V> = fn(&K, &V) -> usize;

/// The estimated bytes that a cached value takes besides the bytes of its key and of itself: for
/// its place in the table, and for the counts of references.
const OVERHEAD: usize = 160;

/// A cache of values by key. If several threads ask for a missing value at the same time, one of
/// them computes it and the others wait for it.
///
/// The cache has a bounded number of values. When it is full, a new value displaces the value that
/// has been unused for the longest time. The bytes of the values may be counted in a
/// [`MemoryBudget`] that several caches share.
pub struct Memo<K, V> {
    capacity: usize,
    budget: Arc<MemoryBudget>,
    heap_bytes: HeapBytes<K, V>,
    table: Arc<MemoTable<K, V>>,
}

/// The entries of a cache by their keys. The cache and its [`MemoryBudget`] share this table.
struct MemoTable<K, V>(Mutex<HashMap<K, MemoEntry<V>>>);

struct MemoEntry<V> {
    slot: Slot<V>,
    /// The time of the last request for the value. It is counted in requests: see
    /// `MemoryBudget::tick`.
    asked: u64,
    /// The bytes of the entry, as the cache's budget counts them; `None` while the value is being
    /// computed.
    bytes: Option<BudgetShare>,
}

/// The place of a value in the cache, which is empty while the value is being computed.
type Slot<V> = Arc<OnceLock<Arc<V>>>;

impl<K, V> MemoTable<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, MemoEntry<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone + Send, V: Send + Sync> Evictable for MemoTable<K, V> {
    fn oldest(&self) -> Option<u64> {
        let entries = self.lock();
        let counted = entries.values().filter(|entry| entry.bytes.is_some());
        counted.map(|entry| entry.asked).min()
    }

    fn evict(&self, asked: u64) {
        // The value is dropped without the lock.
        let _evicted = {
            let mut entries = self.lock();
            let found = entries.iter().find(|(_, entry)| entry.asked == asked);
            let key = found.map(|(key, _)| key.clone());
            key.and_then(|key| entries.remove(&key))
        };
    }
}

impl<K: Eq + Hash + Clone + Send + 'static, V: Send + Sync + 'static> Memo<K, V> {
    /// Makes an empty cache of at most `capacity` values. Each value is counted in `budget`: the
    /// sizes of the types `K` and `V`, and the bytes that `heap_bytes` returns.
    pub fn counted(
        capacity: usize,
        budget: &Arc<MemoryBudget>,
        heap_bytes: HeapBytes<K, V>,
    ) -> Self {
        let memo = Self {
            budget: Arc::clone(budget),
            heap_bytes,
            ..Self::new(capacity)
        };
        let table: Weak<MemoTable<K, V>> = Arc::downgrade(&memo.table);
        budget.add(table);
        memo
    }
}

impl<K: Eq + Hash + Clone, V> Memo<K, V> {
    /// Makes an empty cache of at most `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            budget: Arc::default(),
            heap_bytes: |_, _| 0,
            table: Arc::new(MemoTable(Mutex::default())),
        }
    }

    /// Returns the value of a key. If it is missing, `compute` makes it; other threads that ask for
    /// the value of the same key meanwhile wait for the result. If `compute` ends by unwinding, one
    /// of the waiting threads computes the value.
    pub fn get_or_compute(&self, key: &K, compute: impl FnOnce() -> V) -> Arc<V> {
        let slot = self.slot(key);
        // The value is computed while the lock is free, so that other threads can get the values of
        // other keys meanwhile.
        let unfinished = UnfinishedSlot(self, key, &slot);
        let mut is_new = false;
        let value = slot.get_or_init(|| {
            is_new = true;
            Arc::new(compute())
        });
        let value = Arc::clone(value);
        drop(unfinished);
        if is_new {
            self.count(key, &slot, &value);
        }
        value
    }

    /// Returns the value of a key; `None` if it is not in the cache.
    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        let asked = self.budget.tick();
        let mut entries = self.table.lock();
        let entry = entries.get_mut(key)?;
        entry.asked = asked;
        entry.slot.get().map(Arc::clone)
    }

    /// Returns true if the value of a key is in the cache.
    pub fn has(&self, key: &K) -> bool {
        let entries = self.table.lock();
        let entry = entries.get(key);
        entry.is_some_and(|entry| entry.slot.get().is_some())
    }

    /// Returns true if a thread is computing the value of a key.
    pub fn is_pending(&self, key: &K) -> bool {
        let entries = self.table.lock();
        let entry = entries.get(key);
        entry.is_some_and(|entry| entry.slot.get().is_none())
    }

    /// Counts the bytes of a cached value again, since the value may have grown after it was
    /// computed.
    pub fn recount(&self, key: &K) {
        let slot = self
            .table
            .lock()
            .get(key)
            .map(|entry| Arc::clone(&entry.slot));
        if let Some(slot) = slot
            && let Some(value) = slot.get()
        {
            self.count(key, &slot, value);
        }
    }

    /// Counts the bytes of a new value in the budget. To make room, older values may be dropped.
    fn count(&self, key: &K, slot: &Slot<V>, value: &V) {
        let own = size_of::<(K, MemoEntry<V>)>() + size_of::<V>() + OVERHEAD;
        let bytes = self.budget.count(own + (self.heap_bytes)(key, value));
        let mut entries = self.table.lock();
        let ours = entries.get_mut(key);
        let ours = ours.filter(|entry| Arc::ptr_eq(&entry.slot, slot));
        // Another value may have displaced this one already.
        let Some(entry) = ours else { return };
        entry.bytes = Some(bytes);
        drop(entries);
        self.budget.make_room();
    }

    fn slot(&self, key: &K) -> Slot<V> {
        let asked = self.budget.tick();
        let mut entries = self.table.lock();
        if let Some(entry) = entries.get_mut(key) {
            entry.asked = asked;
            return Arc::clone(&entry.slot);
        }
        if entries.len() >= self.capacity {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.asked);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.remove(&oldest);
            }
        }
        let slot = Slot::default();
        let entry = MemoEntry {
            slot: Arc::clone(&slot),
            asked,
            bytes: None,
        };
        entries.insert(key.clone(), entry);
        slot
    }
}

/// A slot whose value is being computed. If this is dropped while the slot is still empty, since
/// the computation was unwound, the entry is removed from the cache.
struct UnfinishedSlot<'a, K: Eq + Hash, V>(&'a Memo<K, V>, &'a K, &'a Slot<V>);

impl<K: Eq + Hash, V> Drop for UnfinishedSlot<'_, K, V> {
    fn drop(&mut self) {
        let Self(memo, key, slot) = self;
        if slot.get().is_none() {
            let mut entries = memo.table.lock();
            let is_ours = |entry: &MemoEntry<V>| Arc::ptr_eq(&entry.slot, slot);
            // Another thread that waits for the value fills the slot all the same.
            if entries.get(key).is_some_and(is_ours) {
                entries.remove(key);
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
                    let value = memo.get_or_compute(&"a", || {
                        assert!(memo.is_pending(&"a") && !memo.has(&"a"));
                        computed.fetch_add(1, Ordering::SeqCst)
                    });
                    assert!(!memo.is_pending(&"a") && memo.has(&"a"));
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
    fn caches_that_share_a_budget_keep_it_and_give_back_what_they_drop() {
        let budget = Arc::new(MemoryBudget::default());
        budget.set_limit(100_000);
        let memo = || Memo::<u32, Vec<u8>>::counted(1000, &budget, |_, value| value.len());
        let (one, other) = (memo(), memo());
        let fill = |memo: &Memo<u32, Vec<u8>>, key| memo.get_or_compute(&key, || vec![0; 4000]);
        for key in 0..20 {
            fill(&one, key);
        }
        assert!(budget.used() > 80_000 && !budget.is_over());
        for key in 0..100 {
            fill(&other, key);
            // A value that is used again and again stays, though another cache grows.
            assert!(one.get(&3).is_some() && !budget.is_over(), "{key}");
        }
        assert!(other.has(&99) && !other.has(&50) && !one.has(&4));
        drop(one);
        let value = fill(&other, 7);
        drop(other);
        assert_eq!((budget.used(), value.len()), (0, 4000));
        let large = memo();
        large.get_or_compute(&1, || vec![0; 200_000]);
        assert!(!budget.is_over() && !large.has(&1), "too large to be kept");
    }

    #[test]
    fn a_computation_that_is_unwound_leaves_no_entry() {
        let memo: Memo<u8, u8> = Memo::new(2);
        memo.get_or_compute(&1, || 10);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            memo.get_or_compute(&2, || std::panic::resume_unwind(Box::new(())))
        }));
        assert!(unwound.is_err());
        assert_eq!(memo.table.lock().len(), 1);
        assert_eq!(*memo.get_or_compute(&2, || 20), 20);
    }
}
