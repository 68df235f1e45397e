//! Addresses of tiles, checked when they are made.

/// The deepest zoom that heatsplat draws: a 256 px tile's pixel is 9.3 mm there.
pub const MAX_ZOOM: u8 = 24;

/// The address of a map tile in the XYZ scheme: y grows south.
///
/// A `TileId` that exists is valid, so nothing behind it checks again.
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

/// Why an address names no tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TileError {
    /// z is deeper than [`MAX_ZOOM`].
    #[error("zoom {0} is deeper than {MAX_ZOOM}, the deepest")]
    TooDeep(u8),
    /// x or y is not below 2ᶻ.
    #[error("tile {x}/{y} is not on zoom {z}: x and y go from 0 to {max}", max = (1u32 << z) - 1)]
    OffTheWorld {
        /// The zoom asked for.
        z: u8,
        /// The column asked for.
        x: u32,
        /// The row asked for.
        y: u32,
    },
}

impl TileId {
    /// The one tile of zoom 0.
    pub const WORLD: Self = Self { z: 0, x: 0, y: 0 };

    /// The tile in column `x` and row `y` of zoom `z`.
    ///
    /// # Errors
    /// z over [`MAX_ZOOM`], x or y not below 2ᶻ.
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

    /// The zoom, 0 to [`MAX_ZOOM`].
    pub fn z(self) -> u8 {
        self.z
    }

    /// The column, counted from longitude −180°.
    pub fn x(self) -> u32 {
        self.x
    }

    /// The row, counted from the north.
    pub fn y(self) -> u32 {
        self.y
    }
}
