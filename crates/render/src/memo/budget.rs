//! A limit for the memory that several caches take together.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A limit for the memory that several caches take together: caches of statistics, scales and other
/// values that can be computed again. When the limit is exceeded, the values that were unused for
/// the longest time are dropped, in whichever cache they are.
pub struct MemoryBudget {
    limit: AtomicUsize,
    used: AtomicUsize,
    /// The number of requests for values so far, in all caches. It serves as a clock, by which the
    /// age of values is measured.
    clock: AtomicU64,
    caches: Mutex<Vec<Weak<dyn Evictable>>>,
}

/// A cache whose values can be dropped to make room for the values of other caches.
pub(super) trait Evictable: Send + Sync {
    /// The time of the last request for the value that has been unused for the longest time; the
    /// time is counted in requests. `None` if the cache has no value that the budget counts.
    fn oldest(&self) -> Option<u64>;

    /// Drops the value whose last request was at the time `asked`, which is counted in requests.
    fn evict(&self, asked: u64);
}

impl Default for MemoryBudget {
    /// A budget without a limit.
    fn default() -> Self {
        Self {
            limit: AtomicUsize::new(usize::MAX),
            used: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            caches: Mutex::default(),
        }
    }
}

impl MemoryBudget {
    /// Sets the limit: the number of bytes that the values of all caches together may take.
    pub fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// The limit in bytes; `usize::MAX` if none was set.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// The number of bytes that are counted at present: the bytes of the caches' values, and the
    /// bytes that were added by [`count`](Self::count).
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns true if more bytes are counted than the limit allows.
    pub fn is_over(&self) -> bool {
        self.used() > self.limit()
    }

    /// Adds `bytes` to the counted bytes, until the returned share is dropped.
    pub fn count(self: &Arc<Self>, bytes: usize) -> BudgetShare {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        BudgetShare {
            budget: Arc::clone(self),
            bytes,
        }
    }

    /// Drops cached values until the counted bytes are within the limit or no cache has a value
    /// left. The values that were unused for the longest time are dropped first.
    pub fn make_room(&self) {
        if !self.is_over() {
            return;
        }
        let caches: Vec<Arc<dyn Evictable>> = {
            let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
            caches.retain(|cache| cache.strong_count() > 0);
            caches.iter().filter_map(Weak::upgrade).collect()
        };
        while self.is_over() {
            let ages = caches
                .iter()
                .filter_map(|cache| Some((cache.oldest()?, cache)));
            let Some((asked, cache)) = ages.min_by_key(|(asked, _)| *asked) else {
                return;
            };
            cache.evict(asked);
        }
    }

    /// Counts a request for a value, and returns the number of earlier requests as its time.
    pub(super) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn add(&self, cache: Weak<dyn Evictable>) {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        // Layers come and go, so caches that are gone are forgotten before the list grows.
        if caches.len() == caches.capacity() {
            caches.retain(|cache| cache.strong_count() > 0);
        }
        caches.push(cache);
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryBudget({} of {} bytes)", self.used(), self.limit())
    }
}

/// Bytes that a [`MemoryBudget`] counts until this is dropped.
#[derive(Debug)]
pub struct BudgetShare {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl Drop for BudgetShare {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
