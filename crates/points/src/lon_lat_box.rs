//! Boxes of longitudes and latitudes.

use crate::mercator::{self, MAX_LATITUDE, MAX_LONGITUDE};
use crate::tile::TileId;
use crate::window::Window;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A box with four edges in degrees: west, south, east and north.
///
/// If a box crosses ±180°, its east is greater than 180: the box from 170° to −170° has west 170
/// and east 190. West is never greater than east, nor south greater than north. A box may have no
/// width or height. Longitudes lie within ±540° and latitudes within ±90°, so a box may be wider
/// than the world.
///
/// ```
/// use heatsplat_points::LonLatBox;
/// let fiji: LonLatBox = "176,-20,182,-15".parse()?;
/// assert_eq!(fiji.east(), 182.0);
/// assert!(fiji.contains(-179.0, -17.0));
/// assert!("10,0,-10,5".parse::<LonLatBox>().is_err());
/// # Ok::<(), heatsplat_points::LonLatBoxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LonLatBox {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

/// The reason why a text or four numbers are no valid [`LonLatBox`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LonLatBoxError {
    /// The text is not four numbers separated by commas.
    #[error("expected west,south,east,north in degrees, like -10,35,30,60")]
    Syntax,
    /// A number is NaN, a longitude is beyond ±540°, or a latitude is beyond ±90°.
    #[error(
        "west, south, east and north must be degrees: longitude within ±540, latitude within ±90"
    )]
    NotDegrees,
    /// The west is greater than the east, or the south is greater than the north.
    #[error(
        "the bounding box is inside out: west must be below east and south below north; a box across \
         the date line has an east over 180, like 170,-10,190,10"
    )]
    InsideOut,
    /// The box is wider than 360°, which [`LonLatBox::at_most_one_turn`] refuses.
    #[error("the bounding box must be at most 360 degrees wide")]
    TooWide,
}

impl LonLatBox {
    /// The whole map: longitude ±180° and latitude ±[`MAX_LATITUDE`], the Web-Mercator square.
    pub const WORLD: Self = Self {
        west: -180.0,
        south: -MAX_LATITUDE,
        east: 180.0,
        north: MAX_LATITUDE,
    };

    /// Makes a box with the given edges in degrees.
    ///
    /// # Errors
    /// [`LonLatBoxError::NotDegrees`] for edges that are no longitudes and latitudes, or
    /// [`LonLatBoxError::InsideOut`] for edges in the wrong order.
    pub fn new(west: f64, south: f64, east: f64, north: f64) -> Result<Self, LonLatBoxError> {
        let longitudes = west.abs() <= MAX_LONGITUDE && east.abs() <= MAX_LONGITUDE;
        let latitudes = south.abs() <= 90.0 && north.abs() <= 90.0;
        if !(longitudes && latitudes) {
            return Err(LonLatBoxError::NotDegrees);
        }
        if west > east || south > north {
            return Err(LonLatBoxError::InsideOut);
        }
        Ok(Self {
            west,
            south,
            east,
            north,
        })
    }

    /// Returns the box unchanged if it is at most 360° wide.
    ///
    /// # Errors
    /// [`LonLatBoxError::TooWide`] if the box is wider than 360°.
    pub fn at_most_one_turn(self) -> Result<Self, LonLatBoxError> {
        if self.east - self.west > 360.0 {
            return Err(LonLatBoxError::TooWide);
        }
        Ok(self)
    }

    /// Returns the western edge of the box in degrees.
    pub fn west(self) -> f64 {
        self.west
    }

    /// Returns the southern edge of the box in degrees.
    pub fn south(self) -> f64 {
        self.south
    }

    /// Returns the eastern edge of the box in degrees; it is greater than 180 if the box crosses
    /// ±180°.
    pub fn east(self) -> f64 {
        self.east
    }

    /// Returns the northern edge of the box in degrees.
    pub fn north(self) -> f64 {
        self.north
    }

    /// Returns the edges of the box in degrees, in the order west, south, east, north.
    pub fn edges(self) -> [f64; 4] {
        [self.west, self.south, self.east, self.north]
    }

    /// Returns the edges in world units, in the order left, top, right, bottom. Longitudes are not
    /// wrapped, so left or right may lie outside the world. A latitude outside the map becomes the
    /// map's edge.
    pub fn world_edges(self) -> [f64; 4] {
        [
            mercator::unwrapped_x(self.west),
            mercator::clamped_y(self.north),
            mercator::unwrapped_x(self.east),
            mercator::clamped_y(self.south),
        ]
    }

    /// Returns the centre of the box as (longitude, latitude) in degrees; the longitude is from
    /// −180 to 180.
    pub fn center(self) -> (f64, f64) {
        let middle = (self.west + self.east) / 2.0;
        let [lon, _] = wrapped(middle, middle);
        (lon, (self.south + self.north) / 2.0)
    }

    /// Returns true if a position lies inside the box or on its edge. Whole turns of 360° are
    /// ignored: longitude 190 is the same as −170.
    #[inline]
    pub fn contains(self, lon: f64, lat: f64) -> bool {
        let east_of_west = (lon - self.west).rem_euclid(360.0);
        let width = self.east - self.west;
        lat >= self.south && lat <= self.north && (east_of_west <= width || width >= 360.0)
    }

    /// Returns false only if no position with a longitude in the interval `lon` and a latitude in
    /// the interval `lat` can lie in the box. If the box or `lon` reaches beyond ±180°, the result
    /// is always true, since two longitudes that differ by 360° are the same.
    pub fn may_touch(self, lon: (f64, f64), lat: (f64, f64)) -> bool {
        let plain = |west: f64, east: f64| west >= -180.0 && east <= 180.0;
        if !plain(self.west, self.east) || !plain(lon.0, lon.1) {
            return true;
        }
        lon.0 <= self.east && lon.1 >= self.west && lat.0 <= self.north && lat.1 >= self.south
    }

    /// Returns the smallest box that holds both boxes. The longitudes of `other` are shifted by a
    /// whole turn where that makes the result narrower.
    pub fn union(self, other: Self) -> Self {
        let joined = [0.0, -360.0, 360.0].map(|turn| {
            let (west, east) = (other.west + turn, other.east + turn);
            (self.west.min(west), self.east.max(east))
        });
        let width = |(west, east): (f64, f64)| east - west;
        let narrower = |best, other| {
            if width(other) < width(best) {
                other
            } else {
                best
            }
        };
        let [first, rest @ ..] = joined;
        let (west, east) = rest.into_iter().fold(first, narrower);
        let [west, east] = wrapped(west, east);
        Self {
            west,
            south: self.south.min(other.south),
            east,
            north: self.north.max(other.north),
        }
    }

    /// Returns the box with a margin on each side: 5 % of the box's width or height, but at least
    /// 0.01°. So even the box of a single point gets an area, and most of what is drawn around the
    /// points lies in the box.
    pub fn with_margin(self) -> Self {
        let margin = |low: f64, high: f64| ((high - low) * 0.05).max(0.01);
        let (x, y) = (margin(self.west, self.east), margin(self.south, self.north));
        Self::on_the_map(self.west - x, self.south - y, self.east + x, self.north + y)
    }

    /// Makes a box of any finite edges. Both longitudes are shifted by whole turns until west is
    /// from −180 to 180; a box of 360° or more gets −180 to 180. Latitudes outside the map become
    /// the map's edge.
    pub fn on_the_map(west: f64, south: f64, east: f64, north: f64) -> Self {
        let [west, east] = wrapped(west, east);
        Self {
            west,
            south: map_latitude(south),
            east,
            north: map_latitude(north),
        }
    }

    /// Returns the box for file formats in which longitudes must lie within ±180°. If the box
    /// crosses ±180°, its west and east become −180 and 180.
    pub fn within_180(self) -> Self {
        let (west, east) = if self.west < -180.0 || self.east > 180.0 {
            (-180.0, 180.0)
        } else {
            (self.west, self.east)
        };
        Self {
            west,
            south: map_latitude(self.south),
            east,
            north: map_latitude(self.north),
        }
    }

    /// Returns true if the box and a tile overlap. A tile that only shares an edge with the box
    /// doesn't count.
    pub fn touches(self, tile: TileId) -> bool {
        let [left, top, right, bottom] = self.world_edges();
        let window = Window::tile(tile, 1);
        // The box may reach beyond ±180°, into the copies of the world to the west and east, where
        // the tiles repeat.
        let across = [-1.0, 0.0, 1.0].iter().any(|worlds| {
            let shift = worlds * mercator::WORLD;
            window.left() + shift < right && window.right() + shift > left
        });
        across && window.top() < bottom && window.bottom() > top
    }

    /// Returns the columns and the rows, each as a range, of the tiles of zoom `z` that the box
    /// touches. Columns below 0 or beyond the last one belong to the next copy of the world.
    pub fn tiles(self, z: u8) -> (RangeInclusive<i64>, RangeInclusive<i64>) {
        let side = mercator::WORLD / (1u64 << z) as f64;
        let span = |low: f64, high: f64| {
            let first = (low / side).floor() as i64;
            // A box that ends exactly where a tile begins doesn't touch that tile.
            first..=((high / side).ceil() as i64 - 1).max(first)
        };
        let [left, top, right, bottom] = self.world_edges();
        (span(left, right), span(top, bottom))
    }
}

impl TryFrom<[f64; 4]> for LonLatBox {
    type Error = LonLatBoxError;

    fn try_from([west, south, east, north]: [f64; 4]) -> Result<Self, LonLatBoxError> {
        Self::new(west, south, east, north)
    }
}

impl FromStr for LonLatBox {
    type Err = LonLatBoxError;

    /// Parses `west,south,east,north` in degrees.
    fn from_str(text: &str) -> Result<Self, LonLatBoxError> {
        let number = |text: &str| {
            let number: Option<f64> = text.trim().parse().ok();
            number.filter(|number| number.is_finite())
        };
        let numbers: Option<Vec<f64>> = text.split(',').map(number).collect();
        let edges = numbers.and_then(|numbers| <[f64; 4]>::try_from(numbers).ok());
        Self::try_from(edges.ok_or(LonLatBoxError::Syntax)?)
    }
}

impl fmt::Display for LonLatBox {
    /// Writes `west,south,east,north` in degrees.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [west, south, east, north] = self.edges();
        write!(f, "{west},{south},{east},{north}")
    }
}

/// Returns the interval from `west` to `east`, shifted by whole turns so that its west is from −180
/// to 180. An interval of 360° or more becomes −180 to 180.
fn wrapped(west: f64, east: f64) -> [f64; 2] {
    if east - west >= 360.0 {
        return [-180.0, 180.0];
    }
    let turns = ((west + 180.0) / 360.0).floor() * 360.0;
    [west - turns, east - turns]
}

fn map_latitude(degrees: f64) -> f64 {
    degrees.clamp(-MAX_LATITUDE, MAX_LATITUDE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn degrees(text: &str) -> LonLatBox {
        text.parse().unwrap()
    }

    #[test]
    fn texts_are_boxes_or_errors() {
        for text in [
            "-10,35,30,60",
            " 170, -5 ,190,5",
            "5,6,5,6",
            "-540,-90,540,90",
        ] {
            assert!(text.parse::<LonLatBox>().is_ok(), "{text}");
        }
        for (text, error) in [
            ("", LonLatBoxError::Syntax),
            ("1,2,3", LonLatBoxError::Syntax),
            ("1,2,3,4,5", LonLatBoxError::Syntax),
            ("a,0,1,1", LonLatBoxError::Syntax),
            ("NaN,0,1,1", LonLatBoxError::Syntax),
            ("0,-91,1,1", LonLatBoxError::NotDegrees),
            ("0,0,541,1", LonLatBoxError::NotDegrees),
            ("30,35,-10,60", LonLatBoxError::InsideOut),
            ("0,5,1,1", LonLatBoxError::InsideOut),
        ] {
            assert_eq!(text.parse::<LonLatBox>(), Err(error), "{text}");
        }
        assert_eq!(degrees("170, -5.5, 190, 5").to_string(), "170,-5.5,190,5");
    }

    #[test]
    fn places_are_inside_in_whatever_turn_they_are_written() {
        let fiji = degrees("170,-25,190,-10");
        for lon in [175.0, -175.0, 185.0] {
            assert!(fiji.contains(lon, -20.0), "{lon}");
        }
        for (lon, lat) in [(165.0, -20.0), (-165.0, -20.0), (175.0, -9.0)] {
            assert!(!fiji.contains(lon, lat), "{lon}, {lat}");
        }
        let europe = degrees("-12,34,35,62");
        for (lon, lat) in [(-12.0, 34.0), (35.0, 62.0), (348.0, 50.0)] {
            assert!(europe.contains(lon, lat), "{lon}, {lat}");
        }
        assert!(!europe.contains(35.1, 50.0));
        assert!(degrees("-180,-90,180,90").contains(180.0, 0.0));
    }

    #[test]
    fn boxes_exclude_what_is_certainly_elsewhere() {
        let europe = degrees("-12,34,35,62");
        assert!(!europe.may_touch((40.0, 50.0), (40.0, 50.0)));
        assert!(!europe.may_touch((0.0, 1.0), (-10.0, 0.0)));
        assert!(europe.may_touch((30.0, 50.0), (60.0, 70.0)));
        // The longitudes 350 and 355 are −10 and −5, a turn further east.
        assert!(europe.may_touch((350.0, 355.0), (40.0, 50.0)));
        assert!(europe.at_most_one_turn().is_ok());
        assert!(degrees("-200,0,200,1").at_most_one_turn().is_err());
    }

    #[test]
    fn boxes_are_joined_the_short_way() {
        for (one, other, both) in [
            ("170,0,175,1", "-178,0,-170,1", "170,0,190,1"),
            ("-178,0,-170,1", "170,0,185,1", "170,0,190,1"),
            ("0,0,10,1", "20,0,30,1", "0,0,30,1"),
            ("0,0,200,1", "190,0,370,1", "-180,0,180,1"),
            ("1,2,3,4", "2,-5,2.5,9", "1,-5,3,9"),
        ] {
            assert_eq!(degrees(one).union(degrees(other)), degrees(both));
        }
    }

    #[test]
    fn margins_go_round_the_world_once_at_most() {
        let wide = degrees("-179.9,-18,-170,-16").with_margin();
        assert!((wide.west() - 179.605).abs() < 1e-9, "{wide}");
        assert!((wide.east() - 190.495).abs() < 1e-9, "{wide}");
        assert_eq!(degrees("-170,-80,185,80").with_margin(), LonLatBox::WORLD);
        let north = degrees("-179.9,85.05,-170,85.05").with_margin().north();
        assert_eq!(north, MAX_LATITUDE);
        for (across, whole) in [
            ("170,0,190,1", [-180.0, 0.0, 180.0, 1.0]),
            ("-181,0,19,89", [-180.0, 0.0, 180.0, MAX_LATITUDE]),
            ("1,2,3,4", [1.0, 2.0, 3.0, 4.0]),
        ] {
            assert_eq!(degrees(across).within_180().edges(), whole);
        }
        assert_eq!(degrees("170,0,200,1").center(), (-175.0, 0.5));
    }

    #[test]
    fn boxes_touch_their_tiles() {
        let touched = |text: &str| {
            let area = degrees(text);
            let all = (0..4).flat_map(|x| (0..4).map(move |y| (x, y)));
            let touches = |&(x, y): &(u32, u32)| area.touches(TileId::new(2, x, y).unwrap());
            all.filter(touches).collect::<Vec<_>>()
        };
        assert_eq!(touched("1,1,89,60"), [(2, 1)]);
        assert_eq!(touched("-1,-1,1,1"), [(1, 1), (1, 2), (2, 1), (2, 2)]);
        // The box ends at the eastern and the southern edge of a tile, so the tiles beyond aren't
        // touched.
        assert_eq!(touched("0,0,90,10"), [(2, 1)]);
        assert_eq!(touched("170,1,190,2"), [(0, 1), (3, 1)]);
        let across = degrees("170,-1,190,1");
        assert_eq!(across.tiles(2), (3..=4, 1..=2));
        assert_eq!(across.tiles(0), (0..=1, 0..=0));
        assert_eq!(degrees("-180,-85.06,180,85.06").tiles(1), (0..=1, 0..=1));
    }
}
