//! What was made once and is asked for again: bounded in bytes, made once however many wait.
//!
//! A key says everything that its value follows from, the version of the data too. So nothing
//! has to be thrown out when data change, and what was begun before a change and is done after
//! it can't be taken for the new.

use super::single_flight::Flights;
use crate::sync::{AtomicU64, Ordering};
use quick_cache::sync::Cache as Shelf;
use quick_cache::{OptionsBuilder, Weighter};
use std::fmt;
use std::future::Future;
use std::hash::Hash;

/// What an entry takes beside its value, in bytes, about: keys, tables, counts.
const OVERHEAD: u64 = 256;

/// Something whose size is known.
pub(crate) trait Weigh {
    /// Bytes.
    fn bytes(&self) -> usize;
}

#[derive(Clone)]
struct Scales;

impl<K, V: Weigh> Weighter<K, V> for Scales {
    fn weight(&self, _: &K, value: &V) -> u64 {
        value.bytes() as u64 + OVERHEAD
    }
}

/// How an answer was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It was there.
    Hit,
    /// Another request was making it.
    Shared,
    /// This request made it.
    Made,
    /// It was there, is not good any more, and no better one can be had.
    Stale,
}

/// A cache, and who is about to fill it.
pub(crate) struct Cache<K, V, E> {
    shelf: Shelf<K, V, Scales>,
    flights: Flights<K, Result<V, E>>,
    limit: u64,
    /// By [`Way`]; who takes a stale value has tried to make a new one, and that is counted.
    counts: [AtomicU64; 3],
}

/// What a cache holds and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) bytes: u64,
    pub(crate) limit: u64,
    pub(crate) entries: usize,
    /// Keys whose values are being made.
    pub(crate) in_flight: usize,
    pub(crate) hits: u64,
    pub(crate) shared: u64,
    pub(crate) misses: u64,
}

impl<K, V, E> Cache<K, V, E>
where
    K: Clone + Eq + Hash,
    V: Clone + Weigh,
    E: Clone,
{
    /// A cache of at most `limit` bytes, of values of a usual size. With a limit of zero it
    /// keeps nothing, and still has things made once for all who wait.
    pub(crate) fn new(limit: u64, usual: u64) -> Self {
        let items = (limit / (usual + OVERHEAD)).clamp(1, 1 << 20) as usize;
        // Few shards: each has its part of the limit, and the largest value must fit in one.
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items)
            .weight_capacity(limit)
            .shards(4)
            .build();
        let shelf = match options {
            Ok(options) => {
                Shelf::with_options(options, Scales, Default::default(), Default::default())
            }
            // Not for these numbers; a smaller cache would be as true.
            Err(_) => Shelf::with_weighter(items, limit, Scales),
        };
        Self {
            shelf,
            flights: Flights::default(),
            limit,
            counts: Default::default(),
        }
    }

    /// A value from the cache, from whoever is making it, or made now and kept. A value that is
    /// kept but not `good` any more is made anew; errors are told to all who wait, and not kept.
    pub(crate) async fn get(
        &self,
        key: &K,
        good: impl Fn(&V) -> bool,
        make: impl Future<Output = Result<V, E>>,
    ) -> Result<(V, Way), E> {
        if let Some(known) = self.shelf.get(key).filter(&good) {
            self.count(Way::Hit);
            return Ok((known, Way::Hit));
        }
        let mut way = Way::Shared;
        let making = async {
            // Another may have made it after we looked and before it was our turn.
            if let Some(known) = self.shelf.peek(key).filter(&good) {
                way = Way::Hit;
                return Ok(known);
            }
            way = Way::Made;
            let made = make.await?;
            self.shelf.insert(key.clone(), made.clone());
            Ok(made)
        };
        let result = self.flights.join(key, making).await;
        self.count(way);
        Ok((result?, way))
    }

    /// What is there for a key: for what is made too quickly to be waited for.
    pub(crate) fn find(&self, key: &K) -> Option<V> {
        let found = self.shelf.get(key);
        self.count(if found.is_some() { Way::Hit } else { Way::Made });
        found
    }

    /// Keeps a value that [`find`](Self::find) has not found.
    pub(crate) fn keep(&self, key: K, value: V) {
        self.shelf.insert(key, value);
    }

    /// What is there for a key, good or not, without counting.
    pub(crate) fn peek(&self, key: &K) -> Option<V> {
        self.shelf.peek(key)
    }

    pub(crate) fn told(&self) -> Told {
        let [hits, shared, misses] = [0, 1, 2].map(|way| {
            let count = self.counts.get::<usize>(way);
            count.map_or(0, |count| count.load(Ordering::Relaxed))
        });
        Told {
            bytes: self.shelf.weight(),
            limit: self.limit,
            entries: self.shelf.len(),
            in_flight: self.flights.len(),
            hits,
            shared,
            misses,
        }
    }

    fn count(&self, way: Way) {
        if let Some(count) = self.counts.get(way as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<K, V, E> fmt::Debug for Cache<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache(at most {} bytes)", self.limit)
    }
}
