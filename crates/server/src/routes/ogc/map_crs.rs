//! The coordinate systems of WMS and OGC API, and boxes in them.

use super::error::OgcError;
use crate::http::error::shown;
use heatsplat_points::LonLatBox;
use heatsplat_points::mercator::{self, EQUATOR_METRES, MAX_LATITUDE, MAX_LONGITUDE, WORLD};

/// A coordinate system in which a service's picture can be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapCrs {
    /// Web Mercator: metres to the east and to the north.
    Mercator,
    /// Degrees of longitude and latitude, in this order.
    LonLat,
    /// Degrees of latitude and longitude, in this order, as EPSG:4326 has them in WMS 1.3.0.
    LatLon,
}

/// A box in a coordinate system. `west` and `east` are coordinates along the horizontal axis, and
/// `south` and `north` along the vertical one, whichever of the two the system states first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CrsBox {
    pub(super) crs: MapCrs,
    pub(super) west: f64,
    pub(super) south: f64,
    pub(super) east: f64,
    pub(super) north: f64,
}

impl MapCrs {
    /// The names of the coordinate systems that the capabilities of WMS 1.3.0 list.
    pub(super) const NAMES_130: [&str; 3] = ["EPSG:3857", "CRS:84", "EPSG:4326"];
    /// The names of the coordinate systems that the capabilities of WMS 1.1.1 list.
    pub(super) const NAMES_111: [&str; 3] = ["EPSG:3857", "EPSG:900913", "EPSG:4326"];

    /// Finds a coordinate system by its name in WMS 1.3.0 or, if `is_111` is true, in WMS 1.1.1,
    /// where the first axis of every system points to the east. `None` if this server doesn't have
    /// the system.
    pub(super) fn find(name: &str, is_111: bool) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "EPSG:3857" | "EPSG:900913" | "EPSG:102100" | "EPSG:102113" | "EPSG:3785" => {
                Some(Self::Mercator)
            }
            "CRS:84" | "OGC:CRS84" => Some(Self::LonLat),
            "EPSG:4326" if is_111 => Some(Self::LonLat),
            "EPSG:4326" => Some(Self::LatLon),
            _ => None,
        }
    }

    /// Finds a coordinate system by its name in OGC API: a URI, a CURIE in brackets like
    /// `[EPSG:3857]`, or a plain name. `None` if this server doesn't have the system.
    pub(super) fn find_uri(name: &str) -> Option<Self> {
        let uri = name.strip_prefix("https:").or(name.strip_prefix("http:"));
        let known = uri.and_then(|uri| uri.strip_prefix("//www.opengis.net/def/crs/"));
        let curie = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        match known {
            Some("OGC/1.3/CRS84" | "OGC/0/CRS84") => Some(Self::LonLat),
            Some(other) => {
                let (authority, code) = (other.get(..7)?, other.get(7..)?);
                let code = (authority == "EPSG/0/").then_some(code)?;
                Self::find(&format!("EPSG:{code}"), false)
            }
            None if name.eq_ignore_ascii_case("CRS84") => Some(Self::LonLat),
            None => Self::find(curie.unwrap_or(name), false),
        }
    }

    /// The URI of the coordinate system in OGC API.
    pub(super) fn uri(self) -> &'static str {
        match self {
            Self::Mercator => "http://www.opengis.net/def/crs/EPSG/0/3857",
            Self::LonLat => "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            Self::LatLon => "http://www.opengis.net/def/crs/EPSG/0/4326",
        }
    }

    /// Converts a box in degrees to the four numbers of the parameter `BBOX` in this coordinate
    /// system, in the order that the system's axes have. In Web Mercator, latitudes are cut at the
    /// edges of the square.
    pub(super) fn numbers(self, bounds: LonLatBox) -> [f64; 4] {
        let [west, south, east, north] = bounds.edges();
        match self {
            Self::LonLat => [west, south, east, north],
            Self::LatLon => [south, west, north, east],
            Self::Mercator => {
                let x = |lon: f64| lon / 360.0 * EQUATOR_METRES;
                let y = |lat: f64| (0.5 - mercator::clamped_y(lat) / WORLD) * EQUATOR_METRES;
                [x(west), y(south), x(east), y(north)]
            }
        }
    }

    /// Parses the parameter `BBOX`.
    ///
    /// # Errors
    /// `InvalidParameterValue` if the text is anything but four numbers, if the box has no area, or
    /// if it reaches beyond ±540° of longitude.
    pub(super) fn parse_box(self, text: &str) -> Result<CrsBox, OgcError> {
        let refuse = |why: &str| {
            let message = format!("BBOX can't be `{}`: {why}", shown(text));
            OgcError::invalid("BBOX", message)
        };
        let numbers: Vec<f64> = text
            .split(',')
            .filter_map(|number| number.trim().parse().ok())
            .filter(|number: &f64| number.is_finite())
            .collect();
        let (&[a, b, c, d], 4) = (numbers.as_slice(), text.split(',').count()) else {
            return Err(refuse("expected four numbers"));
        };
        let (west, south, east, north) = match self {
            Self::LatLon => (b, a, d, c),
            Self::LonLat | Self::Mercator => (a, b, c, d),
        };
        if west >= east || south >= north {
            return Err(refuse(match self {
                Self::LatLon => "expected the least latitude and longitude before the greatest",
                _ => "expected west,south,east,north",
            }));
        }
        let turn = match self {
            Self::Mercator => EQUATOR_METRES,
            Self::LonLat | Self::LatLon => 360.0,
        };
        let most = MAX_LONGITUDE / 360.0 * turn;
        if west < -most || east > most {
            return Err(refuse("it reaches beyond ±540° of longitude"));
        }
        Ok(CrsBox {
            crs: self,
            west,
            south,
            east,
            north,
        })
    }
}

impl CrsBox {
    /// The box of a map in degrees.
    pub(super) fn around(bounds: LonLatBox) -> Self {
        let [west, south, east, north] = bounds.edges();
        Self {
            crs: MapCrs::LonLat,
            west,
            south,
            east,
            north,
        }
    }

    /// Converts the box to another coordinate system, whose axes have the same directions, so that
    /// a box stays a box. Latitudes beyond the Mercator square become its edges in metres. `None`
    /// if nothing of the box is left.
    pub(super) fn in_crs(self, crs: MapCrs) -> Option<Self> {
        let (x, y) = ([self.west, self.east], [self.south, self.north]);
        let (x, y) = match (self.crs == MapCrs::Mercator, crs == MapCrs::Mercator) {
            (false, true) => (
                x.map(|lon| lon / 360.0 * EQUATOR_METRES),
                y.map(|lat| (0.5 - mercator::clamped_y(lat) / WORLD) * EQUATOR_METRES),
            ),
            (true, false) => (
                x.map(|x| mercator::longitude(self.world_x(x))),
                y.map(|y| mercator::latitude((0.5 - y / EQUATOR_METRES) * WORLD)),
            ),
            _ => (x, y),
        };
        let ([west, east], [south, north]) = (x, y);
        let converted = Self {
            crs,
            west,
            south,
            east,
            north,
        };
        (converted.west < converted.east && converted.south < converted.north).then_some(converted)
    }

    /// The box as four numbers in the order of its coordinate system's axes.
    pub(super) fn numbers(self) -> [f64; 4] {
        match self.crs {
            MapCrs::LatLon => [self.south, self.west, self.north, self.east],
            MapCrs::LonLat | MapCrs::Mercator => [self.west, self.south, self.east, self.north],
        }
    }

    /// Converts `x`, a coordinate along the horizontal axis of the box's system, to world units.
    pub(super) fn world_x(self, x: f64) -> f64 {
        match self.crs {
            MapCrs::Mercator => (x / EQUATOR_METRES + 0.5) * WORLD,
            MapCrs::LonLat | MapCrs::LatLon => mercator::unwrapped_x(x),
        }
    }

    /// Converts `y`, a coordinate along the vertical axis of the box's system, to world units,
    /// which count from north to south. `None` if it lies north or south of the Mercator square.
    pub(super) fn world_y(self, y: f64) -> Option<f64> {
        match self.crs {
            MapCrs::Mercator => {
                let y = (0.5 - y / EQUATOR_METRES) * WORLD;
                (0.0..=WORLD).contains(&y).then_some(y)
            }
            MapCrs::LonLat | MapCrs::LatLon => {
                (y.abs() <= MAX_LATITUDE).then(|| mercator::clamped_y(y))
            }
        }
    }

    /// The north and the south edge of the box in world units, each cut at the edges of the
    /// Mercator square. The two are equal if the box lies outside the square.
    pub(super) fn world_rows(self) -> (f64, f64) {
        let y = |y: f64| match self.crs {
            MapCrs::Mercator => (0.5 - y / EQUATOR_METRES).clamp(0.0, 1.0) * WORLD,
            MapCrs::LonLat | MapCrs::LatLon => mercator::clamped_y(y),
        };
        (y(self.north), y(self.south))
    }

    /// The coordinates, in the box's system, of the centre of a pixel of a picture that shows the
    /// box with `width` × `height` pixels. The pixel is in column `i` and row `j`, counted from 0
    /// at the left and at the top.
    pub(super) fn place(self, (i, j): (f64, f64), (width, height): (u32, u32)) -> (f64, f64) {
        let right = (i + 0.5) / f64::from(width);
        let down = (j + 0.5) / f64::from(height);
        (
            self.west + (self.east - self.west) * right,
            self.north - (self.north - self.south) * down,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_follow_the_version() {
        let old = MapCrs::find("EPSG:4326", true).unwrap();
        let new = MapCrs::find("epsg:4326", false).unwrap();
        let here = old.parse_box("-10,35,30,60").unwrap();
        let there = new.parse_box("35,-10,60,30").unwrap();
        assert_eq!(
            (here.west, here.south, here.east, here.north),
            (there.west, there.south, there.east, there.north)
        );
        let edges = LonLatBox::new(-10.0, 35.0, 30.0, 60.0).unwrap();
        assert_eq!(new.numbers(edges), [35.0, -10.0, 60.0, 30.0]);
        let metres = MapCrs::Mercator.numbers(LonLatBox::WORLD);
        assert!(
            (metres[0] + EQUATOR_METRES / 2.0).abs() < 1e-6,
            "{metres:?}"
        );
        assert!((metres[3] - EQUATOR_METRES / 2.0).abs() < 0.1, "{metres:?}");
        assert_eq!(MapCrs::find("EPSG:25832", false), None);
    }

    #[test]
    fn boxes_without_an_area_or_far_outside_are_refused() {
        for bad in [
            "",
            "1,2,3",
            "1,2,3,4,5",
            "a,0,1,1",
            "1,1,1,2",
            "0,2,1,1",
            "nan,0,1,1",
            "0,0,inf,1",
        ] {
            assert!(MapCrs::LonLat.parse_box(bad).is_err(), "{bad}");
        }
        assert!(MapCrs::LonLat.parse_box("500,0,600,1").is_err());
        assert!(MapCrs::Mercator.parse_box("0,0,1e9,1").is_err());
        let beyond = MapCrs::LonLat.parse_box("0,86,1,90").unwrap();
        let (top, bottom) = beyond.world_rows();
        assert!(top == bottom && beyond.world_y(87.0).is_none());
    }

    #[test]
    fn systems_are_known_by_their_uris_and_boxes_convert() {
        for crs in [MapCrs::LonLat, MapCrs::LatLon, MapCrs::Mercator] {
            assert_eq!(MapCrs::find_uri(crs.uri()), Some(crs));
        }
        for (name, crs) in [
            ("[EPSG:3857]", Some(MapCrs::Mercator)),
            ("EPSG:4326", Some(MapCrs::LatLon)),
            ("[OGC:CRS84]", Some(MapCrs::LonLat)),
            (
                "https://www.opengis.net/def/crs/EPSG/0/3857",
                Some(MapCrs::Mercator),
            ),
            ("http://www.opengis.net/def/crs/EPSG/0/é", None),
            ("http://www.opengis.net/def/crs/é", None),
            ("EPSG:2056", None),
            ("", None),
        ] {
            assert_eq!(MapCrs::find_uri(name), crs, "{name}");
        }
        let degrees = MapCrs::LatLon.parse_box("-20,5,60,25").unwrap();
        let metres = degrees.in_crs(MapCrs::Mercator).unwrap();
        let back = metres.in_crs(MapCrs::LatLon).unwrap();
        for (a, b) in degrees.numbers().into_iter().zip(back.numbers()) {
            assert!((a - b).abs() < 1e-9, "{back:?}");
        }
        assert!(
            (metres.numbers()[0] - 556_597.453_966).abs() < 1e-3,
            "{metres:?}"
        );
        assert_eq!(back.numbers()[0], back.south);
        let beyond = MapCrs::LonLat.parse_box("0,86,1,90").unwrap();
        assert_eq!(beyond.in_crs(MapCrs::Mercator), None);
    }

    #[test]
    fn pixels_lie_at_their_centres() {
        let whole = MapCrs::LonLat.parse_box("-180,-90,180,90").unwrap();
        assert_eq!(whole.place((0.0, 0.0), (4, 2)), (-135.0, 45.0));
        assert_eq!(whole.world_x(0.0), WORLD / 2.0);
        assert_eq!(whole.world_y(0.0), Some(WORLD / 2.0));
    }
}
