//! Reading of geometries in well-known binary (WKB). Coordinates Z and M are marked either by ISO's
//! numbers for types, as in GeoParquet and GeoPackage, or by PostGIS's flags (EWKB). EWKB may also
//! state a reference system.

use crate::shape::{COLLECTION_DEPTH, Outline, ShapeCollector, ShapeKind};
use std::ops::ControlFlow;

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
    let head = WkbHead::read(bytes)?;
    let shape = match head.kind {
        1 => {
            let (x, y) = head.position(bytes)?;
            WkbShape::Point(x, y)
        }
        4 => WkbShape::Points(Positions {
            left: head.word(bytes)?,
            rest: bytes,
        }),
        2 => WkbShape::Other("LineString"),
        3 => WkbShape::Other("Polygon"),
        5 => WkbShape::Other("MultiLineString"),
        6 => WkbShape::Other("MultiPolygon"),
        7 => WkbShape::Other("GeometryCollection"),
        8..=17 => WkbShape::Other(CURVE),
        _ => return None,
    };
    Some(WkbGeometry {
        srid: head.srid,
        shape,
    })
}

/// The name in messages of geometries whose sides may be curves, and of surfaces in space.
const CURVE: &str = "a curve or surface";

/// Gives all points, lines and areas of a geometry to a collector. `None` if the bytes are no
/// geometry or are cut off.
pub(crate) fn collect(mut bytes: &[u8], shapes: &mut ShapeCollector<'_>) -> Option<()> {
    collect_next(&mut bytes, shapes, COLLECTION_DEPTH).map(|_| ())
}

/// Gives the geometry at the beginning of `bytes` to a collector, and removes what was read.
/// `depth` is the number of levels down to which collections may still be nested. Breaks off at a
/// curve: its length isn't known, so nothing that follows it in a collection can be read.
fn collect_next(
    bytes: &mut &[u8],
    shapes: &mut ShapeCollector<'_>,
    depth: usize,
) -> Option<ControlFlow<()>> {
    let head = WkbHead::read(bytes)?;
    let kind = match head.kind {
        2 | 5 => ShapeKind::Line,
        3 | 6 => ShapeKind::Area,
        1 => {
            let (x, y) = head.position(bytes)?;
            // An empty point is written as two NaNs.
            if !(x.is_nan() && y.is_nan()) {
                shapes.point(x, y);
            }
            return Some(ControlFlow::Continue(()));
        }
        4 | 7 => {
            let depth = depth.checked_sub(1)?;
            for _ in 0..head.word(bytes)? {
                if collect_next(bytes, shapes, depth)?.is_break() {
                    return Some(ControlFlow::Break(()));
                }
            }
            return Some(ControlFlow::Continue(()));
        }
        8..=17 => {
            shapes.skip_member(CURVE);
            return Some(ControlFlow::Break(()));
        }
        _ => return None,
    };
    let mut outline = Outline::new(kind);
    let add = |head: WkbHead, bytes: &mut &[u8], outline: &mut Outline| match kind {
        ShapeKind::Line => {
            outline.add_line(head.positions(bytes)?);
            Some(())
        }
        _ => {
            for ring in 0..head.word(bytes)? {
                outline.add_ring(head.positions(bytes)?, ring == 0);
            }
            Some(())
        }
    };
    if matches!(head.kind, 2 | 3) {
        add(head, bytes, &mut outline)?;
    } else {
        for _ in 0..head.word(bytes)? {
            let part = WkbHead::read(bytes)?;
            if part.kind != head.kind - 3 {
                return None;
            }
            add(part, bytes, &mut outline)?;
        }
    }
    shapes.outline(&outline);
    Some(ControlFlow::Continue(()))
}

/// The beginning of a geometry: its byte order, its type and its reference system.
#[derive(Clone, Copy)]
struct WkbHead {
    little: bool,
    /// The number of the geometry's type, without flags for Z and M.
    kind: u32,
    /// The number of the reference system that the geometry states; 0 if it states none.
    srid: u32,
    /// The number of coordinates after the x and y of a position.
    more: usize,
}

impl WkbHead {
    /// Reads the beginning of a geometry, and removes it from `bytes`.
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let little = match take::<1>(bytes)? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let mut head = Self {
            little,
            kind: 0,
            srid: 0,
            more: 0,
        };
        let kind = head.word(bytes)?;
        if kind & SRID != 0 {
            head.srid = head.word(bytes)?;
        }
        let plain = kind & !(Z | M | SRID);
        // ISO adds 1000 to the number of a type with Z, 2000 with M and 3000 with both.
        head.more = match plain / 1000 {
            0 => usize::from(kind & Z != 0) + usize::from(kind & M != 0),
            1 | 2 => 1,
            3 => 2,
            _ => return None,
        };
        head.kind = plain % 1000;
        Some(head)
    }

    fn word(self, bytes: &mut &[u8]) -> Option<u32> {
        let word = take::<4>(bytes)?;
        Some(match self.little {
            true => u32::from_le_bytes(word),
            false => u32::from_be_bytes(word),
        })
    }

    fn number(self, bytes: &mut &[u8]) -> Option<f64> {
        let number = take::<8>(bytes)?;
        Some(match self.little {
            true => f64::from_le_bytes(number),
            false => f64::from_be_bytes(number),
        })
    }

    /// Reads the x and y of a position, and skips its Z and M.
    fn position(self, bytes: &mut &[u8]) -> Option<(f64, f64)> {
        let (x, y) = (self.number(bytes)?, self.number(bytes)?);
        for _ in 0..self.more {
            self.number(bytes)?;
        }
        Some((x, y))
    }

    /// Reads the number of positions and the positions. `None` if they are cut off.
    fn positions<'b>(
        self,
        bytes: &mut &'b [u8],
    ) -> Option<impl Iterator<Item = (f64, f64)> + use<'b>> {
        let count = usize::try_from(self.word(bytes)?).ok()?;
        let size = 8 * (2 + self.more);
        let (all, rest) = bytes.split_at_checked(count.checked_mul(size)?)?;
        *bytes = rest;
        let position = move |mut bytes: &[u8]| self.position(&mut bytes);
        Some(all.chunks_exact(size).filter_map(position))
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::tests::all_places;
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
            for kind in 1..=9 {
                let text = [&[1, kind, 0, 0, 0][..], &bytes].concat();
                let places = all_places(|shapes| collect(&text, shapes));
                prop_assert!(places.len() <= bytes.len() / 16 + 2);
            }
            let mut multi = vec![1, 4, 0, 0, 0];
            multi.extend(count.to_le_bytes());
            multi.extend(&bytes);
            if let Some(WkbGeometry { shape: WkbShape::Points(points), .. }) = parse(&multi) {
                prop_assert!(points.take(1 << 20).count() <= bytes.len() / 21 + 1);
            }
        }
    }
}
