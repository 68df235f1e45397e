//! What is kept of tiles: their bytes, waited for where they are being drawn; and their
//! densities, of which another ramp or scale makes other bytes without splatting again.

use crate::cache::{Cache, Weigh};
use crate::http::error::Refused;
use crate::layers::entry::Look;
use axum::body::Bytes;
use heatsplat_points::TileId;
use heatsplat_render::encode::ImageFormat;
use heatsplat_render::{Density, StatisticsKey, TileSize};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a tile of a live layer is as good as a new one: what clients are told too.
const FRESH: Duration = Duration::from_secs(10);
/// How old one may be that is shown while its rows can't be had: what `stale-if-error` tells clients.
const BEARABLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Usual sizes of tiles in bytes, encoded and as densities.
const USUAL: u64 = 12 << 10;
const USUAL_DENSITY: u64 = 256 << 10;

/// Encoded tiles.
pub(crate) type Tiles = Cache<TileKey, Kept, Refused>;

/// Tiles' densities.
pub(crate) type Densities = Cache<DensityKey, Arc<Density>, Refused>;

/// Two caches that have so many bytes together, half of them each.
pub(crate) fn caches(limit: u64) -> (Tiles, Densities) {
    let half = limit / 2;
    (Cache::new(half, USUAL), Cache::new(half, USUAL_DENSITY))
}

/// All that a tile's density follows from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DensityKey {
    /// See [`Served::version`](crate::layers::entry::Served::version).
    pub(crate) version: u64,
    pub(crate) tile: TileId,
    pub(crate) size: TileSize,
    /// What the style has to do with it, at the tile's zoom.
    pub(crate) measured: StatisticsKey,
}

impl Weigh for Arc<Density> {
    fn bytes(&self) -> usize {
        size_of_val(self.values.as_slice())
    }
}

/// All that a tile's bytes follow from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TileKey {
    /// See [`Served::version`](crate::layers::entry::Served::version).
    pub(crate) version: u64,
    pub(crate) tile: TileId,
    pub(crate) size: TileSize,
    pub(crate) format: ImageFormat,
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

    /// Whether it is better than nothing while its data can't be had.
    pub(crate) fn is_bearable(&self) -> bool {
        self.drawn.elapsed() < BEARABLE
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_whose_rows_are_away_is_shown_for_a_day() {
        let old = |seconds| Kept {
            bytes: Bytes::new(),
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
            assert_eq!((kept.is_fresh(), kept.is_bearable()), (fresh, bearable));
        }
    }
}
