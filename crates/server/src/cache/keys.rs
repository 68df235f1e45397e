//! The keys and values of two caches: the cache of encoded tiles, and the cache of the densities of
//! tiles. From a cached density, a tile with another ramp or scale is made without splatting again.

use super::{Cache, Weigh};
use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::style::ResolvedStyle;
use axum::body::Bytes;
use heatsplat_points::TileId;
use heatsplat_render::encode::ImageFormat;
use heatsplat_render::{Density, TileSize, ValuesKey};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The age up to which a cached tile of a live layer counts as new, so that it is sent without
/// asking the database. It equals the `max-age` of live layers in the default configuration.
const MAX_AGE: Duration = Duration::from_secs(10);
/// The age up to which a cached tile of a live layer is sent if the database doesn't answer. It
/// equals the `stale-if-error` of live layers in the default configuration.
const MAX_STALE_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The typical size of an encoded tile in bytes, from which the cache estimates how many tiles it
/// will have.
const TILE_BYTES: u64 = 12 << 10;
/// The typical size of a tile's density in bytes: 256 × 256 pixels of 4 bytes.
const DENSITY_BYTES: u64 = 256 << 10;

/// The cache of encoded tiles.
pub(crate) type Tiles = Cache<TileKey, CachedTile, ApiError>;

/// The cache of the densities of tiles.
pub(crate) type Densities = Cache<DensityKey, Arc<Density>, ApiError>;

/// The least memory in bytes, however small the configured caches are, for all that layers prepare
/// for requests, like scales and styles. A choice: without prepared scales the layers would be
/// measured again for each tile.
const LEAST_PREPARED: u64 = 8 << 20;

/// Divides the configured memory of `limit` bytes: three eighths for the cache of tiles, three
/// eighths for the cache of densities, and a quarter for everything that layers prepare for
/// requests. Returns the two caches, and the bytes of the last quarter, which are at least
/// [`LEAST_PREPARED`].
pub(crate) fn caches(limit: u64) -> (Tiles, Densities, usize) {
    let each = limit / 8 * 3;
    let prepared = (limit / 4).max(LEAST_PREPARED);
    (
        Cache::new(each, TILE_BYTES),
        Cache::new(each, DENSITY_BYTES),
        usize::try_from(prepared).unwrap_or(usize::MAX),
    )
}

/// The key of a tile's density: everything on which the density depends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DensityKey {
    /// The version of the layer's state:
    /// [`ServedLayer::version`](crate::layers::entry::ServedLayer::version).
    pub(crate) version: u64,
    pub(crate) tile: TileId,
    pub(crate) size: TileSize,
    /// The parts of the style on which the density depends at the tile's zoom.
    pub(crate) style: ValuesKey,
}

impl Weigh for Arc<Density> {
    fn bytes(&self) -> usize {
        size_of_val(self.values.as_slice())
    }
}

/// The key of an encoded tile: everything on which its bytes depend.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TileKey {
    /// The version of the layer's state:
    /// [`ServedLayer::version`](crate::layers::entry::ServedLayer::version).
    pub(crate) version: u64,
    pub(crate) tile: TileId,
    pub(crate) size: TileSize,
    pub(crate) format: ImageFormat,
    pub(crate) style: StyleKey,
}

impl Weigh for TileKey {
    fn bytes(&self) -> usize {
        self.style.text.len()
    }
}

impl Weigh for DensityKey {
    fn bytes(&self) -> usize {
        self.style.text_bytes()
    }
}

/// A style as a part of a key: the text of all its parameters. It doesn't hold the style itself,
/// whose colours and images take far more memory than the text.
#[derive(Clone, Debug)]
pub(crate) struct StyleKey {
    text: Arc<str>,
    fingerprint: Fingerprint,
}

impl StyleKey {
    pub(crate) fn new(style: &ResolvedStyle) -> Self {
        Self {
            text: Arc::clone(&style.text),
            fingerprint: style.fingerprint,
        }
    }
}

impl PartialEq for StyleKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text) || self.text == other.text
    }
}

impl Eq for StyleKey {}

impl Hash for StyleKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

/// An encoded tile, and the time when it was drawn.
#[derive(Clone, Debug)]
pub(crate) struct CachedTile {
    pub(crate) bytes: Bytes,
    /// False if drawing the tile again may give other bytes. Such a tile answers only the requests
    /// that were waiting while it was drawn.
    pub(crate) is_repeatable: bool,
    drawn: Instant,
}

impl CachedTile {
    pub(crate) fn new(bytes: Arc<[u8]>, is_repeatable: bool) -> Self {
        Self {
            bytes: Bytes::from_owner(bytes),
            is_repeatable,
            drawn: Instant::now(),
        }
    }

    /// Returns true if the tile may be sent while the layer's database doesn't answer: it is less
    /// than a day old.
    pub(crate) fn is_usable_stale(&self) -> bool {
        self.drawn.elapsed() < MAX_STALE_AGE
    }

    /// Returns true if the tile counts as new: it is less than ten seconds old. The rows of its
    /// layer may have changed meanwhile.
    pub(crate) fn is_fresh(&self) -> bool {
        self.drawn.elapsed() < MAX_AGE
    }
}

impl Weigh for CachedTile {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_whose_rows_are_away_is_shown_for_a_day() {
        let old = |seconds| CachedTile {
            bytes: Bytes::new(),
            is_repeatable: true,
            drawn: Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap(),
        };
        for (seconds, fresh, bearable) in [
            (9, true, true),
            (11, false, true),
            (23 * 3600, false, true),
            (25 * 3600, false, false),
        ] {
            let kept = old(seconds);
            assert_eq!((kept.is_fresh(), kept.is_usable_stale()), (fresh, bearable));
        }
    }
}
