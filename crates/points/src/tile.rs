//! Addresses of map tiles.

/// The deepest zoom that heatsplat draws. There a pixel of a 256 px tile is 9.3 mm wide at the
/// equator.
pub const MAX_ZOOM: u8 = 24;

/// The address of a map tile in the XYZ scheme, in which y grows south. The numbers are checked
/// when the address is created, so a `TileId` is always valid.
///
/// ```
/// use heatsplat_points::TileId;
/// assert!(TileId::new(2, 3, 3).is_ok());
/// assert!(TileId::new(2, 4, 0).is_err());   // x must be below 2^2
/// assert!(TileId::new(2, 0, 4).is_err());   // y too
/// assert!(TileId::new(25, 0, 0).is_err());  // deeper than MAX_ZOOM
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    z: u8,
    x: u32,
    y: u32,
}

/// The reason why three numbers are not the address of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TileError {
    /// The zoom is greater than [`MAX_ZOOM`].
    #[error("zoom {0} is deeper than {MAX_ZOOM}, the deepest")]
    TooDeep(u8),
    /// The column or the row is not less than 2ᶻ, the number of tiles along a side of the world.
    #[error("tile {x}/{y} is not on zoom {z}: x and y go from 0 to {max}", max = (1u32 << z) - 1)]
    OffTheWorld {
        /// The zoom of the refused tile address.
        z: u8,
        /// The column of the refused tile address.
        x: u32,
        /// The row of the refused tile address.
        y: u32,
    },
}

impl TileId {
    /// The only tile of zoom 0.
    pub const WORLD: Self = Self { z: 0, x: 0, y: 0 };

    /// Makes the address of the tile in column `x` and row `y` of zoom `z`.
    ///
    /// # Errors
    /// A [`TileError`] if `z` is greater than [`MAX_ZOOM`], or if `x` or `y` is not below 2ᶻ.
    pub fn new(z: u8, x: u32, y: u32) -> Result<Self, TileError> {
        if z > MAX_ZOOM {
            return Err(TileError::TooDeep(z));
        }
        let side = 1u32 << z;
        if x >= side || y >= side {
            return Err(TileError::OffTheWorld { z, x, y });
        }
        Ok(Self { z, x, y })
    }

    /// Returns the zoom of the tile, 0 to [`MAX_ZOOM`].
    pub fn z(self) -> u8 {
        self.z
    }

    /// Returns the column of the tile, counted east from longitude −180°.
    pub fn x(self) -> u32 {
        self.x
    }

    /// Returns the row of the tile, counted south from the map's northern edge.
    pub fn y(self) -> u32 {
        self.y
    }
}
