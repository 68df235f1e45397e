//! Lines and areas that become points while they are read: the rules for them, and the positions of
//! the points.
//!
//! A reader collects the positions of a line or an area in an [`Outline`], in the coordinate system
//! of the file. [`ShapeCollector`] turns outlines into positions by the rules. The positions are
//! then checked, and shifted to degrees, as those of a MultiPoint are.

mod area;
pub(crate) mod coordinates;
mod crossing;
mod outline;

pub(crate) use outline::Outline;

use crate::parameter::ParseOptionError;
use crate::report::SkipReason;
use crate::report::notes::ShapeNotes;
use std::str::FromStr;

/// The depth to which features and collections of geometries may be nested in each other: a choice.
pub(crate) const COLLECTION_DEPTH: usize = 16;

/// The rule by which areas (Polygons and MultiPolygons) become points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AreaRule {
    /// Areas give no points. They are counted as skipped.
    #[default]
    Skip,
    /// An area gives one point, the centroid of all its polygons together, holes left out. It is
    /// computed in the plane of the data's own coordinates, as PostGIS does in `ST_Centroid` of a
    /// geometry, and may lie outside of the area.
    Centroid,
    /// An area gives one point inside of it: the middle of the widest run of a scan line through
    /// the middle of each polygon, as PostGIS does in `ST_PointOnSurface`.
    Surface,
    /// Each vertex of each ring gives a point with the row's weight. The last position of a ring,
    /// which repeats its first, gives none.
    Vertices,
}

/// The rule by which lines (LineStrings and MultiLineStrings) become points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineRule {
    /// Lines give no points. They are counted as skipped.
    #[default]
    Skip,
    /// Each position of a line gives a point with the row's weight.
    Vertices,
}

/// The rules by which lines and areas become points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ShapeRules {
    /// The rule for Polygons and MultiPolygons.
    pub areas: AreaRule,
    /// The rule for LineStrings and MultiLineStrings.
    pub lines: LineRule,
}

impl FromStr for AreaRule {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, ParseOptionError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "skip" => Ok(Self::Skip),
            "centroid" => Ok(Self::Centroid),
            "surface" => Ok(Self::Surface),
            "vertices" => Ok(Self::Vertices),
            _ => Err(ParseOptionError::new(
                "expected skip, centroid, surface or vertices",
            )),
        }
    }
}

impl FromStr for LineRule {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, ParseOptionError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "skip" => Ok(Self::Skip),
            "vertices" => Ok(Self::Vertices),
            _ => Err(ParseOptionError::new("expected skip or vertices")),
        }
    }
}

/// The kind of a geometry that is no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShapeKind {
    Line,
    Area,
    /// A GeometryCollection, whose members may be of any kind.
    Collection,
}

impl ShapeKind {
    /// The kind of the geometries of a type, by the type's name in any case; `None` for curves,
    /// surfaces and unknown types.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        const LINES: [&str; 5] = [
            "LineString",
            "MultiLineString",
            "Polyline",
            "PolylineZ",
            "PolylineM",
        ];
        const AREAS: [&str; 4] = ["Polygon", "MultiPolygon", "PolygonZ", "PolygonM"];
        let is_in = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is_in(&LINES) {
            Some(Self::Line)
        } else if is_in(&AREAS) {
            Some(Self::Area)
        } else if is_in(&["GeometryCollection"]) {
            Some(Self::Collection)
        } else {
            None
        }
    }
}

/// The reason why a position or a geometry gives no point, and the value at fault, as text for
/// messages.
pub(crate) type ShapeFault = (SkipReason, String);

/// A position in the coordinate system of the file, or the reason why there is none. Each counts as
/// a row.
pub(crate) type PlaceOrFault = Result<(f64, f64), ShapeFault>;

/// A collector of the positions that a geometry gives by the rules. Readers give it points and
/// outlines; a geometry gives several of them if it is a GeometryCollection.
#[derive(Debug)]
pub(crate) struct ShapeCollector<'n> {
    rules: ShapeRules,
    notes: &'n mut ShapeNotes,
    places: Vec<PlaceOrFault>,
}

impl ShapeRules {
    /// Returns whether a geometry of this kind may give points, so that its positions must be read.
    pub(crate) fn uses(self, kind: ShapeKind) -> bool {
        let (areas, lines) = (self.areas != AreaRule::Skip, self.lines != LineRule::Skip);
        match kind {
            ShapeKind::Line => lines,
            ShapeKind::Area => areas,
            ShapeKind::Collection => areas || lines,
        }
    }
}

/// Turns a geometry that is no point into positions by the rules. `name` is the name of its type,
/// and `read` gives its points and outlines to the collector; `None` from it means that the
/// geometry is cut off. `read` is not called if the rules skip the geometry.
pub(crate) fn places(
    rules: ShapeRules,
    notes: &mut ShapeNotes,
    name: &str,
    read: impl FnOnce(&mut ShapeCollector<'_>) -> Option<()>,
) -> Vec<PlaceOrFault> {
    let skipped = || Err((SkipReason::NotAPoint, format!("geometry {name}")));
    let Some(kind) = ShapeKind::from_name(name) else {
        return vec![skipped()];
    };
    if !rules.uses(kind) {
        notes.count_skipped(kind);
        return vec![skipped()];
    }
    let mut collector = ShapeCollector {
        rules,
        notes,
        places: Vec::new(),
    };
    let whole = read(&mut collector);
    let mut places = collector.places;
    if whole.is_none() {
        places.push(Err((
            SkipReason::Malformed,
            format!("a {name} that can't be read"),
        )));
    } else if places.is_empty() {
        places.push(Err((SkipReason::NoPosition, format!("empty {name}"))));
    }
    places
}

impl ShapeCollector<'_> {
    /// Adds a point of a GeometryCollection.
    pub(crate) fn point(&mut self, x: f64, y: f64) {
        self.places.push(Ok((x, y)));
    }

    /// Adds the positions that a line or an area gives by its rule.
    pub(crate) fn outline(&mut self, outline: &Outline) {
        let rules = self.rules;
        match outline.kind() {
            ShapeKind::Area if rules.areas != AreaRule::Skip => self.area(outline),
            ShapeKind::Line if rules.lines != LineRule::Skip => self.line(outline),
            kind => {
                let name = if kind == ShapeKind::Area {
                    "Polygon"
                } else {
                    "LineString"
                };
                self.notes.count_skipped(kind);
                self.skip_member(name);
            }
        }
    }

    /// Counts a member of a GeometryCollection that is of a type from which no points are made.
    pub(crate) fn skip_member(&mut self, name: &str) {
        let found = format!("geometry {name} in a GeometryCollection");
        self.places.push(Err((SkipReason::NotAPoint, found)));
    }

    fn line(&mut self, line: &Outline) {
        self.notes.taken_lines += u64::from(!line.is_empty());
        for part in line.parts() {
            self.places.extend(part.iter().copied().map(Ok));
        }
    }

    fn area(&mut self, area: &Outline) {
        if area.is_empty() {
            return;
        }
        self.notes.unclosed += u64::from(area.parts().any(|ring| !outline::is_closed(ring)));
        if self.rules.areas == AreaRule::Vertices {
            for ring in area.parts() {
                let ring = outline::without_repeated_end(ring);
                self.places.extend(ring.iter().copied().map(Ok));
            }
            self.notes.taken_areas += 1;
            return;
        }
        let place = self.inner_place(area);
        self.notes.taken_areas += u64::from(place.is_ok());
        self.places.push(place);
    }

    /// The one position of an area by the rules `centroid` and `surface`.
    fn inner_place(&mut self, area: &Outline) -> PlaceOrFault {
        let mut all = area.parts().flatten();
        if let Some((x, y)) = all.find(|(x, y)| !x.is_finite() || !y.is_finite()) {
            let found = format!("an area with the position x {x}, y {y}");
            return Err((SkipReason::BadPosition, found));
        }
        self.notes.crossing += u64::from(area.parts().any(crossing::crosses_itself));
        let (place, fault) = match self.rules.areas {
            AreaRule::Surface => (area::surface(area), "an area without width"),
            _ => (
                area::centroid(area),
                "an area without extent, or whose parts cancel",
            ),
        };
        place.ok_or_else(|| (SkipReason::BadShape, fault.to_owned()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The results for a collection that `read` gives to a collector, with rules that take lines
    /// and areas.
    pub(crate) fn all_places(
        read: impl FnOnce(&mut ShapeCollector<'_>) -> Option<()>,
    ) -> Vec<PlaceOrFault> {
        let rules = ShapeRules {
            areas: AreaRule::Centroid,
            lines: LineRule::Vertices,
        };
        places(
            rules,
            &mut ShapeNotes::default(),
            "GeometryCollection",
            read,
        )
    }

    #[test]
    fn rules_are_words() {
        for (text, rule) in [
            ("skip", Ok(AreaRule::Skip)),
            (" Centroid", Ok(AreaRule::Centroid)),
            ("surface", Ok(AreaRule::Surface)),
            ("VERTICES", Ok(AreaRule::Vertices)),
        ] {
            assert_eq!(text.parse::<AreaRule>(), rule);
        }
        let refused = "spread".parse::<AreaRule>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "expected skip, centroid, surface or vertices"
        );
        assert_eq!("vertices".parse(), Ok(LineRule::Vertices));
        assert!("length".parse::<LineRule>().is_err());
    }
}
