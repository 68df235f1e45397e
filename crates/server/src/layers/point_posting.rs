//! The settings of posted points, the memory that they may take, and the turns in which they are
//! read.

use super::posting::BearerToken;
use crate::render_queue::ClientKey;
use heatsplat_render::Backend;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The largest number of posts whose rows are read at the same time. A choice.
const MAX_LOADS: usize = 2;

/// The longest time that a post waits until fewer than [`MAX_LOADS`] others are being read; then it
/// is refused. A choice.
const WAIT: Duration = Duration::from_secs(2);

/// The largest number of posts without the operator's token that one client may have under way at
/// the same time. A choice.
const MAX_POSTS_OF_CLIENT: usize = 2;

/// The settings of `POST /layers` with rows in the request's body.
#[derive(Clone, Debug)]
pub struct PointPosting {
    /// The secret that a client must send to post points. With `None` only the public quota lets
    /// clients post.
    pub token: Option<BearerToken>,
    /// The limits of clients without the token; `None` if all clients need the token.
    pub public: Option<PublicQuota>,
    /// The time after which a layer is removed, counted from the last post of its rows.
    pub lifetime: Duration,
    /// The largest number of layers of posted points that may exist at the same time.
    pub most: usize,
    /// The largest number of rows of a layer.
    pub rows: u64,
    /// The largest size in bytes of a request's body.
    pub body: u64,
    /// The largest number of bytes that all posted points together may take. Bodies that are still
    /// arriving count too.
    pub memory: u64,
    /// The longest time that reading the rows of a request may take, counted from when their
    /// reading begins.
    pub deadline: Duration,
    /// The backend that draws the layers.
    pub backend: Arc<dyn Backend>,
}

/// The limits of clients that post points without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicQuota {
    /// The largest number of layers that one client may have at the same time. A client is an IPv4
    /// address, or the first 64 bits of an IPv6 address.
    pub layers: usize,
    /// The largest number of rows of a layer.
    pub rows: u64,
    /// The time after which a layer is removed, counted from the last post of its rows.
    pub lifetime: Duration,
}

impl PointPosting {
    /// The largest number of rows that a client may post for a layer, and the time after which the
    /// layer is removed. `is_public` is true for clients without the operator's token.
    pub(crate) fn limits(&self, is_public: bool) -> (u64, Duration) {
        match self.public.filter(|_| is_public) {
            Some(quota) => (quota.rows.min(self.rows), quota.lifetime.min(self.lifetime)),
            None => (self.rows, self.lifetime),
        }
    }
}

/// The posts that are under way, and the memory that posted points take.
#[derive(Debug)]
pub(crate) struct PointLoads {
    memory: Arc<PointMemory>,
    turns: Arc<Semaphore>,
    of_clients: Arc<Mutex<HashMap<ClientKey, usize>>>,
}

impl PointLoads {
    /// Makes the state of posts. `memory` is the largest number of bytes of all posted points.
    pub(crate) fn new(memory: u64) -> Self {
        Self {
            memory: Arc::new(PointMemory {
                used: AtomicU64::new(0),
                limit: memory,
            }),
            turns: Arc::new(Semaphore::new(MAX_LOADS)),
            of_clients: Arc::default(),
        }
    }

    /// A share of the memory for posted points, to which no bytes are counted yet.
    pub(crate) fn share(&self) -> MemoryShare {
        MemoryShare {
            memory: Arc::clone(&self.memory),
            bytes: 0,
        }
    }

    /// The number of bytes that posted points take at present.
    pub(crate) fn used(&self) -> u64 {
        self.memory.used.load(Ordering::Relaxed)
    }

    /// Waits until fewer than [`MAX_LOADS`] other posts are being read. `None` if that takes longer
    /// than [`WAIT`].
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        timeout(WAIT, turn).await.ok()?.ok()
    }

    /// Counts a post of a client as under way until the result is dropped. `None` if the client has
    /// [`MAX_POSTS_OF_CLIENT`] posts under way already.
    pub(crate) fn begin(&self, client: ClientKey) -> Option<ClientPost> {
        let mut all = self
            .of_clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(client).or_default();
        if *count >= MAX_POSTS_OF_CLIENT {
            return None;
        }
        *count += 1;
        Some(ClientPost {
            client,
            of_clients: Arc::clone(&self.of_clients),
        })
    }
}

/// A post of a client that is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct ClientPost {
    client: ClientKey,
    of_clients: Arc<Mutex<HashMap<ClientKey, usize>>>,
}

impl Drop for ClientPost {
    fn drop(&mut self) {
        let mut all = self
            .of_clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.client);
            }
        }
    }
}

/// The bytes that posted points take, and their limit. Unlike the budget of caches, nothing is
/// dropped when the limit is reached: what comes last is refused.
#[derive(Debug)]
struct PointMemory {
    used: AtomicU64,
    limit: u64,
}

/// Bytes of posted points, which are counted until this is dropped.
#[derive(Debug)]
pub(crate) struct MemoryShare {
    memory: Arc<PointMemory>,
    bytes: u64,
}

impl MemoryShare {
    /// Counts `more` bytes. Returns false, and counts nothing, if all posted points would then take
    /// more than the limit.
    #[must_use]
    pub(crate) fn grow(&mut self, more: u64) -> bool {
        let limit = self.memory.limit;
        let add = |used: u64| used.checked_add(more).filter(|sum| *sum <= limit);
        let used = &self.memory.used;
        let is_counted = used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .is_ok();
        self.bytes += if is_counted { more } else { 0 };
        is_counted
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn memory_is_counted_up_to_its_limit_and_freed() {
        let loads = PointLoads::new(100);
        let (mut a, mut b) = (loads.share(), loads.share());
        assert!(a.grow(60) && !b.grow(41) && b.grow(40) && !a.grow(1));
        assert_eq!(loads.used(), 100);
        drop(a);
        assert_eq!(loads.used(), 40);
        assert!(b.grow(60) && !b.grow(u64::MAX));
        drop(b);
        assert_eq!(loads.used(), 0);
    }

    #[test]
    fn an_address_has_two_posts_under_way_and_no_more() {
        let loads = PointLoads::new(100);
        let client = |last| ClientKey::from(IpAddr::from(Ipv4Addr::new(192, 0, 2, last)));
        let (first, second) = (loads.begin(client(1)), loads.begin(client(1)));
        assert!(first.is_some() && second.is_some() && loads.begin(client(1)).is_none());
        assert!(loads.begin(client(2)).is_some());
        drop(first);
        assert!(loads.begin(client(1)).is_some());
        drop(second);
        assert!(loads.of_clients.lock().unwrap().is_empty());
    }
}
