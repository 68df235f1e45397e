//! A cache that is bounded in bytes and computes each value once, however many requests wait for
//! it.
//!
//! A key holds everything that its value depends on, including the version of the data. When data
//! change, their version and so the keys change: nothing has to be invalidated, and a value whose
//! computation began before the change is never mistaken for a new one.

use super::single_flight::{JoinOutcome, SingleFlight};
use crate::sync::{AtomicU64, Ordering};
use quick_cache::sync::Cache as Store;
use quick_cache::{OptionsBuilder, Weighter};
use std::fmt;
use std::future::Future;
use std::hash::Hash;

/// The estimated bytes of memory that the cache needs for each value besides the value itself: for
/// the key, the store's tables and the reference counts.
const OVERHEAD: u64 = 256;

/// A value whose size in memory is known.
pub(crate) trait Weigh {
    /// The size of the value in memory, in bytes.
    fn bytes(&self) -> usize;
}

#[derive(Clone)]
struct ByteWeighter;

impl<K: Weigh, V: Weigh> Weighter<K, V> for ByteWeighter {
    fn weight(&self, key: &K, value: &V) -> u64 {
        (key.bytes() + value.bytes()) as u64 + OVERHEAD
    }
}

/// The way in which a request got its value from a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheOutcome {
    /// A value from the cache.
    Hit,
    /// A value that another request was computing at the time.
    Shared,
    /// A value that this request has computed.
    Made,
    /// An outdated value from the cache, since computing a new one failed.
    Stale,
}

impl CacheOutcome {
    /// The outcome's name in the header `Server-Timing`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Shared | Self::Made => "shared",
            Self::Stale => "stale",
        }
    }
}

/// A cache, and the computations of its values that are in progress.
pub(crate) struct Cache<K, V: Clone, E: Clone> {
    store: Store<K, V, ByteWeighter>,
    flights: SingleFlight<K, Result<V, E>>,
    limit: u64,
    /// The number of lookups that ended as [`CacheOutcome::Hit`], `Shared` and `Made`, in this
    /// order. [`CacheOutcome::Stale`] has no count of its own: the failed attempt to compute a new
    /// value was counted as one of the others before.
    counts: [AtomicU64; 3],
}

/// The values of a cache's counters at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheStats {
    pub(crate) bytes: u64,
    pub(crate) limit: u64,
    pub(crate) entries: usize,
    /// The number of values that are being computed, each for one or more requests.
    pub(crate) in_flight: usize,
    pub(crate) hits: u64,
    pub(crate) shared: u64,
    pub(crate) misses: u64,
}

impl<K, V, E> Cache<K, V, E>
where
    K: Clone + Eq + Hash + Weigh,
    V: Clone + Weigh,
    E: Clone,
{
    /// Makes a cache of at most `limit` bytes for values of typically `usual` bytes. A cache with a
    /// limit of zero keeps nothing, but still computes each value once for all requests that wait
    /// for it.
    pub(crate) fn new(limit: u64, usual: u64) -> Self {
        let items = (limit / (usual + OVERHEAD)).clamp(1, 1 << 20) as usize;
        // Each shard gets an equal part of the limit, and the largest value must fit into one
        // shard. So there are few shards.
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items)
            .weight_capacity(limit)
            .shards(4)
            .build();
        let store = match options {
            Ok(options) => Store::with_options(
                options,
                ByteWeighter,
                Default::default(),
                Default::default(),
            ),
            // These options are complete, so this is never reached. The simpler constructor would
            // make an equally correct cache.
            Err(_) => Store::with_weighter(items, limit, ByteWeighter),
        };
        Self {
            store,
            flights: SingleFlight::default(),
            limit,
            counts: Default::default(),
        }
    }

    /// Returns a value from the cache, from another request that is computing it, or from `make`. A
    /// cached value that `good` rejects is computed anew. An error goes to all requests that wait
    /// for the value, and is not cached. The computation is dropped when no request waits for the
    /// value any more.
    pub(crate) async fn get<F: Future<Output = Result<V, E>> + Send + 'static>(
        &self,
        key: &K,
        good: impl Fn(&V) -> bool,
        make: impl FnOnce() -> F,
    ) -> Result<(V, CacheOutcome), E> {
        if let Some(known) = self.store.get(key).filter(&good) {
            self.count(CacheOutcome::Hit);
            return Ok((known, CacheOutcome::Hit));
        }
        let find = || Some(Ok(self.store.peek(key).filter(&good)?));
        let keep = |made: &Result<V, E>| {
            // Every request that has waited does this, since the one that began the computation may
            // have left. Only the first of them finds the value missing.
            if let Ok(made) = made
                && !self.store.peek(key).is_some_and(|known| good(&known))
            {
                self.store.insert(key.clone(), made.clone());
            }
        };
        let joined = self.flights.join(key, find, make, keep).await;
        let (result, outcome) = match joined {
            JoinOutcome::Known(value) => (value, CacheOutcome::Hit),
            JoinOutcome::Shared(value) => (value, CacheOutcome::Shared),
            JoinOutcome::Made(value) => (value, CacheOutcome::Made),
        };
        self.count(outcome);
        Ok((result?, outcome))
    }

    /// Returns the value that the cache has for a key, and counts the lookup. Callers that get
    /// `None` compute the value themselves, so this is for values whose computation is too quick to
    /// be worth sharing.
    pub(crate) fn find(&self, key: &K) -> Option<V> {
        let found = self.store.get(key);
        self.count(if found.is_some() {
            CacheOutcome::Hit
        } else {
            CacheOutcome::Made
        });
        found
    }

    /// Inserts the value of a key that [`find`](Self::find) has not found.
    pub(crate) fn keep(&self, key: K, value: V) {
        self.store.insert(key, value);
    }

    /// Returns the value that the cache has for a key, even an outdated one, without counting the
    /// lookup. `None` if the cache has none.
    pub(crate) fn peek(&self, key: &K) -> Option<V> {
        self.store.peek(key)
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let [hits, shared, misses] = [0, 1, 2].map(|outcome| {
            let count = self.counts.get::<usize>(outcome);
            count.map_or(0, |count| count.load(Ordering::Relaxed))
        });
        CacheStats {
            bytes: self.store.weight(),
            limit: self.limit,
            entries: self.store.len(),
            in_flight: self.flights.len(),
            hits,
            shared,
            misses,
        }
    }

    fn count(&self, outcome: CacheOutcome) {
        if let Some(count) = self.counts.get(outcome as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<K, V: Clone, E: Clone> fmt::Debug for Cache<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache(at most {} bytes)", self.limit)
    }
}
