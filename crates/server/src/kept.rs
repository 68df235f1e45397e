//! Tiles of live layers that were drawn lately: they answer at once for a while, and when their
//! database is away they are better than nothing.

use crate::caching::Fingerprint;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a tile is as good as a new one: what clients are told too.
const FRESH: Duration = Duration::from_secs(10);

/// Bytes of all tiles together.
const MOST: usize = 64 << 20;

/// Whole tiles only; no error is ever kept.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    tiles: HashMap<Fingerprint, (Arc<[u8]>, Instant)>,
    /// In the order they were first drawn: the first to go.
    order: VecDeque<Fingerprint>,
    bytes: usize,
}

impl Kept {
    /// A tile that was drawn a moment ago.
    pub(crate) fn fresh(&self, key: Fingerprint) -> Option<Arc<[u8]>> {
        self.any(key)
            .filter(|(_, drawn)| drawn.elapsed() < FRESH)
            .map(|(bytes, _)| bytes)
    }

    /// A tile that was drawn at some time, of the same epoch of its layer.
    pub(crate) fn stale(&self, key: Fingerprint) -> Option<Arc<[u8]>> {
        self.any(key).map(|(bytes, _)| bytes)
    }

    /// Keeps a tile.
    pub(crate) fn keep(&self, key: Fingerprint, bytes: &Arc<[u8]>) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tile = (Arc::clone(bytes), Instant::now());
        shelf.bytes += bytes.len();
        match shelf.tiles.insert(key, tile) {
            Some((before, _)) => shelf.bytes -= before.len(),
            None => shelf.order.push_back(key),
        }
        while shelf.bytes > MOST {
            let Some(oldest) = shelf.order.pop_front() else {
                return;
            };
            let gone = shelf.tiles.remove(&oldest);
            shelf.bytes -= gone.map_or(0, |(bytes, _)| bytes.len());
        }
    }

    fn any(&self, key: Fingerprint) -> Option<(Arc<[u8]>, Instant)> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.tiles.get(&key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_oldest_go_first() {
        let kept = Kept::default();
        let key = |i| Fingerprint::new().number(i);
        let tile: Arc<[u8]> = vec![7; MOST / 8].into();
        for i in 0..20 {
            kept.keep(key(i), &tile);
            kept.keep(key(i), &tile);
        }
        let there: Vec<bool> = (0..20).map(|i| kept.stale(key(i)).is_some()).collect();
        assert_eq!(there, (0..20).map(|i| i >= 12).collect::<Vec<_>>());
        assert!(kept.fresh(key(19)).is_some() && kept.fresh(key(0)).is_none());
        assert!(kept.0.lock().unwrap().bytes <= MOST);
    }
}
