//! Reading of the lines and areas in geometries that are written as text.

use super::geometry::{after_axes, decoded, other, position, strip_type, strip_word};
use crate::shape::coordinates::{self, Coordinates};
use crate::shape::{COLLECTION_DEPTH, Outline, ShapeCollector, ShapeKind};
use crate::wkb;
use serde_json::Value;

/// Gives all points, lines and areas of a geometry, in one of the notations of
/// [`geometry`](super::geometry::geometry), to a
/// collector. `None` if the text is no geometry.
pub(crate) fn collect(text: &[u8], shapes: &mut ShapeCollector<'_>) -> Option<()> {
    let text = text.trim_ascii();
    match text.first()? {
        b'{' => collect_json(
            &serde_json::from_slice(text).ok()?,
            shapes,
            COLLECTION_DEPTH,
        ),
        b'0'..=b'9' | b'\\' => wkb::collect(&decoded(text)?, shapes),
        _ => {
            // An SRID may stand before the geometry.
            let from = memchr::memchr(b';', text).map_or(0, |at| at + 1);
            let mut text = text.get(from..)?;
            collect_well_known(&mut text, shapes, COLLECTION_DEPTH)?;
            text.trim_ascii().is_empty().then_some(())
        }
    }
}

/// Gives the well-known text at the beginning of `text` to a collector, and removes what was read.
/// `depth` is the number of levels down to which collections may still be nested.
fn collect_well_known(
    text: &mut &[u8],
    shapes: &mut ShapeCollector<'_>,
    depth: usize,
) -> Option<()> {
    const TYPES: [(&[u8], ShapeKind, usize); 4] = [
        (b"LINESTRING", ShapeKind::Line, 0),
        (b"POLYGON", ShapeKind::Area, 1),
        (b"MULTILINESTRING", ShapeKind::Line, 1),
        (b"MULTIPOLYGON", ShapeKind::Area, 2),
    ];
    *text = text.trim_ascii_start();
    if let Some(rest) = strip_type(text, b"GEOMETRYCOLLECTION") {
        let depth = depth.checked_sub(1)?;
        *text = after_axes(rest);
        return each(text, |text| collect_well_known(text, shapes, depth));
    }
    let mut points = [&b"MULTIPOINT"[..], b"POINT"].into_iter();
    if let Some(rest) = points.find_map(|name| strip_type(text, name)) {
        *text = after_axes(rest);
        for (x, y) in points_in(text)? {
            shapes.point(x, y);
        }
        return Some(());
    }
    let found = TYPES.iter().find_map(|(name, kind, depth)| {
        strip_type(text, name).map(|rest| (after_axes(rest), *kind, *depth))
    });
    let Some((rest, kind, lists)) = found else {
        shapes.skip_member(&other(text)?);
        return skip_list(text);
    };
    *text = rest;
    let mut outline = Outline::new(kind);
    let line = |text: &mut &[u8], outline: &mut Outline| {
        outline.add_line(positions(text)?);
        Some(())
    };
    let polygon = |text: &mut &[u8], outline: &mut Outline| {
        let mut is_outer = true;
        each(text, |text| {
            outline.add_ring(positions(text)?, std::mem::take(&mut is_outer));
            Some(())
        })
    };
    match (kind, lists) {
        (ShapeKind::Line, 0) => line(text, &mut outline)?,
        (ShapeKind::Line, _) => each(text, |text| line(text, &mut outline))?,
        (_, 1) => polygon(text, &mut outline)?,
        _ => each(text, |text| polygon(text, &mut outline))?,
    }
    shapes.outline(&outline);
    Some(())
}

/// Reads a list in parentheses, or the word `EMPTY`, from the beginning of `text`, and removes it.
/// `read` is called for each element, and removes the element from the text. `None` if the text is
/// no list.
fn each(text: &mut &[u8], mut read: impl FnMut(&mut &[u8]) -> Option<()>) -> Option<()> {
    *text = text.trim_ascii_start();
    if let Some(rest) = strip_word(text, b"EMPTY") {
        *text = rest;
        return Some(());
    }
    *text = text.strip_prefix(b"(")?;
    loop {
        read(text)?;
        *text = text.trim_ascii_start();
        let (mark, rest) = text.split_first()?;
        *text = rest;
        match mark {
            b',' => (),
            b')' => return Some(()),
            _ => return None,
        }
    }
}

/// Reads a position from the beginning of `text`, and removes it. It ends before a comma or `)`.
fn next_position(text: &mut &[u8]) -> Option<(f64, f64)> {
    let end = memchr::memchr2(b',', b')', text)?;
    let (one, rest) = text.split_at_checked(end)?;
    *text = rest;
    position(one)
}

/// Reads a list of positions, such as `(1 2, 3 4)`, from the beginning of `text`, and removes it.
fn positions(text: &mut &[u8]) -> Option<Vec<(f64, f64)>> {
    let mut all = Vec::new();
    each(text, |text| {
        all.push(next_position(text)?);
        Some(())
    })?;
    Some(all)
}

/// Reads the positions of a Point or a MultiPoint, each of which may be in parentheses.
fn points_in(text: &mut &[u8]) -> Option<Vec<(f64, f64)>> {
    let mut all = Vec::new();
    each(text, |text| {
        *text = text.trim_ascii_start();
        if text.first() == Some(&b'(') || strip_word(text, b"EMPTY").is_some() {
            all.append(&mut positions(text)?);
            return Some(());
        }
        all.push(next_position(text)?);
        Some(())
    })?;
    Some(all)
}

/// Skips a geometry that is not read: its name, and the parentheses or the word `EMPTY` behind it.
fn skip_list(text: &mut &[u8]) -> Option<()> {
    let name = text.iter().position(|byte| !byte.is_ascii_alphabetic())?;
    *text = after_axes(text.get(name..)?).trim_ascii_start();
    if let Some(rest) = strip_word(text, b"EMPTY") {
        *text = rest;
        return Some(());
    }
    if !text.starts_with(b"(") {
        return None;
    }
    let mut open = 0_usize;
    let end = text.iter().position(|byte| {
        match byte {
            b'(' => open += 1,
            b')' => open = open.saturating_sub(1),
            _ => return false,
        }
        open == 0
    });
    *text = text.get(end? + 1..)?;
    Some(())
}

/// A parsed value inside the member `coordinates` of a GeoJSON geometry.
struct ParsedCoordinates<'a>(&'a Value);

impl Coordinates for ParsedCoordinates<'_> {
    fn elements(&self) -> impl Iterator<Item = Self> {
        self.0.as_array().into_iter().flatten().map(Self)
    }

    fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }
}

/// Gives all points, lines and areas of a GeoJSON geometry, or of a Feature's geometry, to a
/// collector. `depth` is the number of levels down to which collections may still be nested. `None`
/// if the value is no geometry.
fn collect_json(value: &Value, shapes: &mut ShapeCollector<'_>, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let coordinates = || Some(ParsedCoordinates(value.get("coordinates")?));
    match value.get("type")?.as_str()? {
        "Feature" => return collect_json(value.get("geometry")?, shapes, depth),
        "GeometryCollection" => {
            let mut members = value.get("geometries")?.as_array()?.iter();
            return members.try_for_each(|member| collect_json(member, shapes, depth));
        }
        "Point" => {
            let coordinates = coordinates()?;
            if coordinates.elements().next().is_some() {
                let (x, y) = coordinates.position();
                shapes.point(x, y);
            }
        }
        "MultiPoint" => {
            for (x, y) in coordinates()?.elements().map(|at| at.position()) {
                shapes.point(x, y);
            }
        }
        name => return coordinates::collect(name, &coordinates()?, shapes),
    }
    Some(())
}
