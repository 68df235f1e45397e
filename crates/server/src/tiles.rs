//! Tiles that were drawn: kept, waited for, and where they are drawn anew for every picture,
//! good for a while.

use crate::cache::{Cache, Weigh};
use crate::error::Refused;
use crate::served::Look;
use axum::body::Bytes;
use heatsplat_points::TileId;
use heatsplat_render::TileSize;
use heatsplat_render::encode::Format;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a tile of a live layer is as good as a new one: what clients are told too.
const FRESH: Duration = Duration::from_secs(10);

/// A tile's usual size in bytes.
const USUAL: u64 = 12 << 10;

/// Encoded tiles.
pub(crate) type Tiles = Cache<TileKey, Kept, Refused>;

/// A cache of at most that many bytes.
pub(crate) fn tiles(limit: u64) -> Tiles {
    Cache::new(limit, USUAL)
}

/// All that a tile's bytes follow from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TileKey {
    /// See [`Served::version`](crate::served::Served::version).
    pub(crate) version: u64,
    pub(crate) tile: TileId,
    pub(crate) size: TileSize,
    pub(crate) format: Format,
    pub(crate) look: SameLook,
}

/// Looks that are the same in every word.
#[derive(Clone, Debug)]
pub(crate) struct SameLook(pub(crate) Arc<Look>);

impl PartialEq for SameLook {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for SameLook {}

impl Hash for SameLook {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.fingerprint.hash(state);
    }
}

/// A whole tile.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) bytes: Bytes,
    drawn: Instant,
}

impl Kept {
    pub(crate) fn new(bytes: Arc<[u8]>) -> Self {
        Self {
            bytes: Bytes::from_owner(bytes),
            drawn: Instant::now(),
        }
    }

    /// Whether it is as good as a new one, though its data may have changed without a word.
    pub(crate) fn is_fresh(&self) -> bool {
        self.drawn.elapsed() < FRESH
    }
}

impl Weigh for Kept {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }
}
