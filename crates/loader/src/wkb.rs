//! Reading of points in well-known binary (WKB). Coordinates Z and M are marked either by ISO's
//! numbers for types, as in GeoParquet and GeoPackage, or by PostGIS's flags (EWKB). EWKB may also
//! state a reference system.

/// The flag in a geometry's type by which EWKB states that positions have a Z.
const Z: u32 = 0x8000_0000;
/// The flag in a geometry's type by which EWKB states that positions have an M.
const M: u32 = 0x4000_0000;
/// The flag in a geometry's type by which EWKB states that the number of a reference system
/// follows.
const SRID: u32 = 0x2000_0000;

/// The shape of a geometry: its positions if it is a point or several points, or else the name of
/// its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WkbShape<'a> {
    /// A Point's x and y. Both are NaN if the point is empty.
    Point(f64, f64),
    /// The positions of a MultiPoint.
    Points(Positions<'a>),
    /// The name of any other type of geometry.
    Other(&'static str),
}

/// A geometry, and the number of the reference system that the geometry states. The number is 0 if
/// it states none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WkbGeometry<'a> {
    pub(crate) srid: u32,
    pub(crate) shape: WkbShape<'a>,
}

/// An iterator over the positions of a MultiPoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Positions<'a> {
    rest: &'a [u8],
    left: u32,
}

impl Iterator for Positions<'_> {
    /// The x and y of a point. The item is `None` if the bytes are no point; the iterator ends
    /// after that, since nothing can be read after such bytes.
    type Item = Option<(f64, f64)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let point = read(&mut self.rest);
        match point.map(|geometry| geometry.shape) {
            Some(WkbShape::Point(x, y)) => Some(Some((x, y))),
            _ => {
                self.left = 0;
                Some(None)
            }
        }
    }
}

/// Parses a geometry. `None` if the bytes are no geometry.
pub(crate) fn parse(mut bytes: &[u8]) -> Option<WkbGeometry<'_>> {
    // Nearly every row from PostGIS is a little-endian point with a reference system, so this case
    // comes first.
    if let [1, 1, 0, 0, 0x20, rest @ ..] = bytes
        && rest.len() == 20
    {
        let (srid, rest) = rest.split_first_chunk::<4>()?;
        let (x, rest) = rest.split_first_chunk::<8>()?;
        let y = rest.first_chunk::<8>()?;
        return Some(WkbGeometry {
            srid: u32::from_le_bytes(*srid),
            shape: WkbShape::Point(f64::from_le_bytes(*x), f64::from_le_bytes(*y)),
        });
    }
    read(&mut bytes)
}

/// Reads a geometry from the beginning of `bytes`, and removes what was read. Of a MultiPoint only
/// the number of points is read; its points are read later. `None` if the bytes are no geometry.
fn read<'a>(bytes: &mut &'a [u8]) -> Option<WkbGeometry<'a>> {
    let little = match take::<1>(bytes)? {
        [0] => false,
        [1] => true,
        _ => return None,
    };
    let word = |bytes: &mut &'a [u8]| {
        let word = take::<4>(bytes)?;
        Some(if little {
            u32::from_le_bytes(word)
        } else {
            u32::from_be_bytes(word)
        })
    };
    let number = |bytes: &mut &'a [u8]| {
        let number = take::<8>(bytes)?;
        Some(if little {
            f64::from_le_bytes(number)
        } else {
            f64::from_be_bytes(number)
        })
    };
    let kind = word(bytes)?;
    let srid = if kind & SRID != 0 { word(bytes)? } else { 0 };
    let plain = kind & !(Z | M | SRID);
    // ISO adds 1000 to the number of a type with Z, 2000 with M and 3000 with both. `more` is the
    // number of coordinates after x and y.
    let more = match plain / 1000 {
        0 => u32::from(kind & Z != 0) + u32::from(kind & M != 0),
        1 | 2 => 1,
        3 => 2,
        _ => return None,
    };
    let shape = match plain % 1000 {
        1 => {
            let (x, y) = (number(bytes)?, number(bytes)?);
            for _ in 0..more {
                number(bytes)?;
            }
            WkbShape::Point(x, y)
        }
        4 => WkbShape::Points(Positions {
            left: word(bytes)?,
            rest: bytes,
        }),
        2 => WkbShape::Other("LineString"),
        3 => WkbShape::Other("Polygon"),
        5 => WkbShape::Other("MultiLineString"),
        6 => WkbShape::Other("MultiPolygon"),
        7 => WkbShape::Other("GeometryCollection"),
        8..=17 => WkbShape::Other("a curve or surface"),
        _ => return None,
    };
    Some(WkbGeometry { srid, shape })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
            .collect()
    }

    /// Tests geometries in the bytes that `select st_asewkb(…)` of PostGIS 3.3 prints.
    #[test]
    fn geometries_of_postgis() {
        let point = bytes("0101000020E6100000 000000000000F03F 0000000000000040");
        let wgs84 = |shape| Some(WkbGeometry { srid: 4326, shape });
        assert_eq!(parse(&point), wgs84(WkbShape::Point(1.0, 2.0)));
        let bare = bytes("0101000000 000000000000F03F 0000000000000040");
        assert_eq!(parse(&bare).unwrap().srid, 0);
        let zm =
            bytes("01010000C0 000000000000F03F 0000000000000040 0000000000000840 0000000000001040");
        assert_eq!(parse(&zm).unwrap().shape, WkbShape::Point(1.0, 2.0));
        let big = bytes("00 20000001 000010E6 3FF0000000000000 4000000000000000");
        assert_eq!(parse(&big), wgs84(WkbShape::Point(1.0, 2.0)));
        let multi = bytes(
            "0104000020E6100000 02000000 0101000000 000000000000F03F 0000000000000040 \
             0101000000 0000000000000840 0000000000001040",
        );
        let Some(WkbGeometry {
            shape: WkbShape::Points(points),
            ..
        }) = parse(&multi)
        else {
            panic!("a MultiPoint");
        };
        let points: Vec<_> = points.collect();
        assert_eq!(points, [Some((1.0, 2.0)), Some((3.0, 4.0))]);
        let iso = bytes(
            "01 B90B0000 000000000000F03F 0000000000000040 0000000000000840 0000000000001040",
        );
        assert_eq!(parse(&iso).unwrap().shape, WkbShape::Point(1.0, 2.0));
        let line = bytes("0102000020E6100000 00000000");
        assert_eq!(parse(&line), wgs84(WkbShape::Other("LineString")));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes: Vec<u8>, count in 0u32..) {
            let _ = parse(&bytes);
            let mut multi = vec![1, 4, 0, 0, 0];
            multi.extend(count.to_le_bytes());
            multi.extend(&bytes);
            if let Some(WkbGeometry { shape: WkbShape::Points(points), .. }) = parse(&multi) {
                prop_assert!(points.take(1 << 20).count() <= bytes.len() / 21 + 1);
            }
        }
    }
}
