//! Geometries that are written as text: well-known text with or without an SRID, well-known binary
//! in hexadecimal digits, and GeoJSON.

use crate::number::parse;
use crate::wkb::{self, WkbShape};
use serde_json::Value;

/// The type of a geometry that is written as text, and its positions as x and y if it is a Point or
/// a MultiPoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TextShape {
    /// A geometry without positions, such as `POINT EMPTY`.
    Nothing,
    Point(f64, f64),
    /// The positions of a MultiPoint.
    Points(Vec<(f64, f64)>),
    /// A geometry of any other type, by the type's name.
    Other(String),
}

/// A geometry that is written as text, and the SRID (the number of a reference system) that it
/// states; 0 if it states none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextGeometry {
    pub(crate) srid: u32,
    pub(crate) shape: TextShape,
}

/// The number of letters after which the name of a geometry's type is cut off in messages.
const LONGEST: usize = 40;

/// Parses a geometry in well-known text, in hexadecimal well-known binary or in GeoJSON. `None` for
/// any other text.
pub(crate) fn geometry(text: &[u8]) -> Option<TextGeometry> {
    let text = text.trim_ascii();
    match text.first()? {
        b'{' => geojson(text),
        b'0'..=b'9' | b'\\' => hexadecimal(text),
        _ => well_known(text),
    }
}

/// Parses well-known text, which may begin with `SRID=4326;`. `None` for any other text.
fn well_known(text: &[u8]) -> Option<TextGeometry> {
    let (srid, text) = match strip_word(text, b"SRID") {
        None => (0, text),
        Some(rest) => {
            let rest = rest.trim_ascii_start().strip_prefix(b"=")?;
            let end = memchr::memchr(b';', rest)?;
            let (number, rest) = rest.split_at_checked(end)?;
            let number = std::str::from_utf8(number).ok()?.trim().parse().ok()?;
            (number, rest.get(1..)?.trim_ascii_start())
        }
    };
    let shape = if let Some(rest) = strip_type(text, b"POINT") {
        match coordinates(rest)? {
            None => TextShape::Nothing,
            Some(inner) => {
                let (x, y) = position(inner)?;
                TextShape::Point(x, y)
            }
        }
    } else if let Some(rest) = strip_type(text, b"MULTIPOINT") {
        let all = coordinates(rest)?.map(|inner| {
            let positions = inner.split(|byte| *byte == b',');
            let one = |text: &[u8]| {
                let text = text.trim_ascii();
                let bare = text.strip_prefix(b"(").and_then(|t| t.strip_suffix(b")"));
                position(bare.unwrap_or(text))
            };
            positions.map(one).collect::<Option<Vec<_>>>()
        });
        match all {
            None => TextShape::Nothing,
            Some(all) => TextShape::Points(all?),
        }
    } else {
        TextShape::Other(other(text)?)
    };
    Some(TextGeometry { srid, shape })
}

/// The rest of `text` after the name of a geometry's type; case is ignored. `None` if `text`
/// doesn't begin with this name.
pub(super) fn strip_type<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then_some(rest)
}

/// The rest of `text` after a word; case is ignored. `None` if `text` doesn't begin with this word,
/// or if a letter follows.
pub(super) fn strip_word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(word.len())?;
    (head.eq_ignore_ascii_case(word) && !rest.first().is_some_and(u8::is_ascii_alphabetic))
        .then_some(rest)
}

/// The text behind the letters `Z`, `M` or `ZM` with which it may begin.
pub(super) fn after_axes(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_start();
    let marks: [&[u8]; 3] = [b"ZM", b"Z", b"M"];
    let rest = marks.iter().find_map(|mark| strip_word(text, mark));
    rest.unwrap_or(text)
}

/// The text between the parentheses of well-known text such as `POINT Z (1 2 3)`. `text` begins
/// after the type's name, here with ` Z (`. Returns `Some(None)` for `EMPTY`, and `None` if there
/// are no parentheses.
fn coordinates(text: &[u8]) -> Option<Option<&[u8]>> {
    let text = after_axes(text).trim_ascii_start();
    if text.trim_ascii_end().eq_ignore_ascii_case(b"EMPTY") {
        return Some(None);
    }
    let inner = text.strip_prefix(b"(")?.trim_ascii_end();
    Some(Some(inner.strip_suffix(b")")?))
}

/// The first two numbers of a position, x and y. `None` unless the text has two to four numbers.
pub(super) fn position(text: &[u8]) -> Option<(f64, f64)> {
    let mut rest = text.trim_ascii();
    let mut next = || {
        let end = rest.iter().position(u8::is_ascii_whitespace);
        let (number, behind) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = behind.trim_ascii_start();
        parse(number)
    };
    let (x, y) = (next()?, next()?);
    for _ in 0..2 {
        if !rest.is_empty() {
            let end = rest.iter().position(u8::is_ascii_whitespace);
            let (number, behind) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            parse(number)?;
            rest = behind.trim_ascii_start();
        }
    }
    rest.is_empty().then_some((x, y))
}

/// The name of the type of a geometry that is neither a Point nor a MultiPoint; `None` if the text
/// is no well-known text.
pub(super) fn other(text: &[u8]) -> Option<String> {
    const TYPES: [&str; 14] = [
        "LINESTRING",
        "POLYGON",
        "MULTILINESTRING",
        "MULTIPOLYGON",
        "GEOMETRYCOLLECTION",
        "CIRCULARSTRING",
        "COMPOUNDCURVE",
        "CURVEPOLYGON",
        "MULTICURVE",
        "MULTISURFACE",
        "CURVE",
        "SURFACE",
        "TIN",
        "POLYHEDRALSURFACE",
    ];
    let is = |known: &&&str| {
        let rest = strip_type(text, known.as_bytes()).map(after_axes);
        rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphabetic))
    };
    let empty = |known: &&&str| {
        let rest = strip_type(text, known.as_bytes()).map(after_axes);
        rest.is_some_and(|rest| strip_word(rest.trim_ascii_start(), b"EMPTY").is_some())
    };
    let known = TYPES.iter().find(|known| is(known) || empty(known))?;
    Some((*known).to_owned())
}

/// Parses well-known binary in hexadecimal digits, before which `\x` or `0x` may stand. `None` for
/// any other text.
fn hexadecimal(text: &[u8]) -> Option<TextGeometry> {
    let bytes = decoded(text)?;
    let geometry = wkb::parse(&bytes)?;
    let shape = match geometry.shape {
        WkbShape::Point(x, y) if x.is_nan() && y.is_nan() => TextShape::Nothing,
        WkbShape::Point(x, y) => TextShape::Point(x, y),
        WkbShape::Points(all) => {
            let all: Vec<_> = all.collect::<Option<_>>()?;
            match all.is_empty() {
                true => TextShape::Nothing,
                false => TextShape::Points(all),
            }
        }
        WkbShape::Other(name) => TextShape::Other(name.to_owned()),
    };
    Some(TextGeometry {
        srid: geometry.srid,
        shape,
    })
}

/// The bytes that hexadecimal digits stand for, before which `\x` or `0x` may stand. `None` for any
/// other text.
pub(super) fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let prefixes: [&[u8]; 3] = [b"\\x", b"0x", b"0X"];
    let digits = prefixes.iter().find_map(|p| text.strip_prefix(*p));
    let (pairs, rest) = digits.unwrap_or(text).as_chunks::<2>();
    if !rest.is_empty() || pairs.len() < 5 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| Some((digit(*high)? << 4 | digit(*low)?) as u8);
    pairs.iter().map(byte).collect()
}

/// Parses a geometry or a Feature of GeoJSON. `None` for any other text.
fn geojson(text: &[u8]) -> Option<TextGeometry> {
    let mut value: Value = serde_json::from_slice(text).ok()?;
    if value.get("type")? == "Feature" {
        value = value.get("geometry")?.clone();
        if value.is_null() {
            return Some(TextGeometry {
                srid: 0,
                shape: TextShape::Nothing,
            });
        }
    }
    let position = |value: &Value| Some((value.get(0)?.as_f64()?, value.get(1)?.as_f64()?));
    let coordinates = |value: &'_ Value| value.get("coordinates")?.as_array().cloned();
    let shape = match value.get("type")?.as_str()? {
        "Point" => {
            let all = coordinates(&value)?;
            match all.is_empty() {
                true => TextShape::Nothing,
                false => {
                    let (x, y) = position(&Value::Array(all))?;
                    TextShape::Point(x, y)
                }
            }
        }
        "MultiPoint" => {
            let all = coordinates(&value)?;
            match all.is_empty() {
                true => TextShape::Nothing,
                false => TextShape::Points(all.iter().map(position).collect::<Option<_>>()?),
            }
        }
        other => TextShape::Other(other.chars().take(LONGEST).collect()),
    };
    Some(TextGeometry { srid: 0, shape })
}

#[cfg(test)]
mod tests {
    use super::super::shapes::collect;
    use super::TextShape::{Nothing, Other, Point, Points};
    use super::*;
    use crate::shape::tests::all_places;
    use proptest::prelude::*;

    #[test]
    fn geometries_in_every_notation() {
        let other = |name: &str| Other(name.to_owned());
        for (text, srid, shape) in [
            ("POINT (1.5 -2)", 0, Point(1.5, -2.0)),
            (" point(1 2) ", 0, Point(1.0, 2.0)),
            ("POINT Z (1 2 3)", 0, Point(1.0, 2.0)),
            ("POINTZ(1 2 3)", 0, Point(1.0, 2.0)),
            ("POINT ZM (1 2 3 4)", 0, Point(1.0, 2.0)),
            ("POINT(1\t2 3)", 0, Point(1.0, 2.0)),
            ("POINT EMPTY", 0, Nothing),
            (
                "SRID=31467;POINT(3500000 5500000)",
                31467,
                Point(3.5e6, 5.5e6),
            ),
            (
                "MULTIPOINT((5 43),(6 44))",
                0,
                Points(vec![(5.0, 43.0), (6.0, 44.0)]),
            ),
            (
                "MULTIPOINT (5 43, 6 44)",
                0,
                Points(vec![(5.0, 43.0), (6.0, 44.0)]),
            ),
            ("MultiPoint empty", 0, Nothing),
            (
                "GEOMETRYCOLLECTION(POINT(1 1))",
                0,
                other("GEOMETRYCOLLECTION"),
            ),
            ("LineString (1 2, 3 4)", 0, other("LINESTRING")),
            (
                "0101000020E6100000000000000000F03F0000000000000040",
                4326,
                Point(1.0, 2.0),
            ),
            (
                "\\x0101000000000000000000f03f0000000000000040",
                0,
                Point(1.0, 2.0),
            ),
            (
                "0x00000000013FF00000000000004000000000000000",
                0,
                Point(1.0, 2.0),
            ),
            (
                "{\"type\":\"Point\",\"coordinates\":[2.3,48.8]}",
                0,
                Point(2.3, 48.8),
            ),
            (
                "{\"type\": \"MultiPoint\", \"coordinates\": [[1,2],[3,4,5]]}",
                0,
                Points(vec![(1.0, 2.0), (3.0, 4.0)]),
            ),
            (
                "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2]}}",
                0,
                Point(1.0, 2.0),
            ),
            (
                "{\"type\":\"Polygon\",\"coordinates\":[]}",
                0,
                other("Polygon"),
            ),
            ("{\"type\":\"Point\",\"coordinates\":[]}", 0, Nothing),
        ] {
            let found = geometry(text.as_bytes());
            assert_eq!(found, Some(TextGeometry { srid, shape }), "{text}");
        }
    }

    #[test]
    fn what_is_no_geometry() {
        for text in [
            "",
            "POINT",
            "POINT (1)",
            "POINT (1 2 3 4 5)",
            "POINT (1 x)",
            "POINT (1 2",
            "POINTS (1 2)",
            "MULTIPOINT ((1 2), (3))",
            "0101",
            "010100",
            "12345",
            "{}",
            "{\"type\":\"Point\"}",
            "Berlin",
            "SRID=x;POINT (1 2)",
            "POINT (nan 2)",
            "{\"lat\":1,\"lon\":2}",
        ] {
            assert_eq!(geometry(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes: Vec<u8>, hex in "0[01]0[0-9A-F]{0,60}", wkt in "(SRID=[0-9]{1,3};)?(MULTI)?(POINT|LINESTRING|POLYGON) *[ZM]?[-(), 0-9.]{0,30}") {
            for text in [&bytes[..], hex.as_bytes(), wkt.as_bytes()] {
                let _ = geometry(text);
                let _ = all_places(|shapes| collect(text, shapes));
            }
        }

        #[test]
        fn points_come_back(x in -1e9..1e9f64, y in -1e9..1e9f64) {
            let found = geometry(format!("POINT ({x} {y})").as_bytes()).unwrap().shape;
            prop_assert_eq!(found, Point(x, y));
        }
    }
}
