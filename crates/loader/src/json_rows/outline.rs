//! The search for rows in the beginning of a JSON document.
//!
//! Rows are the elements of the first array whose elements have positions. The values of an object
//! are rows too if all of them are objects with positions. If a document consists of several
//! values, one after the other or one on each line, each of these values is a row.

use super::held_forms::{is_columnar, is_topology};
use super::judgement::{Judgement, is_geojson};
use super::known_shapes;
use super::path::{
    Container, DEPTH, PartialValue, PathStep, dotted, elements, members, offset_in, whole_values,
};
use crate::geojson::object::string;
use crate::options::LoadOptions;
use serde::de::IgnoredAny;

/// The number of elements that are searched for rows, from the first one on, in an array whose
/// elements are no rows themselves: a choice.
const ELEMENTS: usize = 16;

/// Names of members that are not searched for rows, since their numbers describe a map's view or
/// the coordinates and are no data. The option `rows` may still name them.
pub(super) const LEFT_OUT: &[&str] = &[
    "bbox",
    "bounds",
    "maxBounds",
    "extent",
    "viewport",
    "center",
    "transform",
    "scale",
    "translate",
];

/// A part of a document that is GeoJSON or has rows.
#[derive(Debug)]
pub(super) struct DocumentPart<'a> {
    pub(super) path: Vec<PathStep>,
    /// The offset, in bytes from the document's beginning, at which this part begins.
    pub(super) at: usize,
    pub(super) kind: PartKind<'a>,
}

/// The kind of a part of a document.
#[derive(Debug)]
pub(super) enum PartKind<'a> {
    GeoJson,
    /// An object that has, for each column, an array or object of the column's values.
    Columns,
    /// A topology of TopoJSON.
    Topology,
    Rows(Container, Box<Judgement<'a>>, Option<Vec<String>>),
}

/// The result of a search for rows in the beginning of a document.
#[derive(Debug, Default)]
pub(super) struct DocumentOutline<'a> {
    /// The parts of the document that have positions. If there are more than two, only the first
    /// two.
    pub(super) parts: Vec<DocumentPart<'a>>,
    /// The first part that looks like rows but has no positions; `None` if there is none.
    pub(super) without: Option<DocumentPart<'a>>,
}

struct RowSearch<'a, 'o> {
    sample: &'a [u8],
    options: &'o LoadOptions,
    outline: DocumentOutline<'a>,
    /// True once rows of a well-known program were found, which ends the search.
    is_ended: bool,
}

/// The object around an array of rows (`object`), and the names that this object states for the
/// columns of the rows (`names`). Each of the two is `None` if it doesn't exist.
#[derive(Clone, Copy, Default)]
struct Surroundings<'s> {
    names: Option<&'s [String]>,
    object: Option<&'s [u8]>,
}

/// Searches `sample`, the beginning of a document, for rows. `is_whole` is true if `sample` is the
/// whole document.
pub(super) fn search<'a>(
    sample: &'a [u8],
    is_whole: bool,
    options: &LoadOptions,
) -> DocumentOutline<'a> {
    let mut search = RowSearch {
        sample,
        options,
        outline: DocumentOutline::default(),
        is_ended: false,
    };
    search.document(is_whole);
    search.outline
}

impl<'a> RowSearch<'a, '_> {
    fn document(&mut self, is_whole: bool) {
        let skip = crate::geojson::skip_value::blank(self.sample);
        let text = self.sample.get(skip..).unwrap_or_default();
        if is_geojson(text) {
            return self.push(&[], text, PartKind::GeoJson);
        }
        let root = self.options.rows.as_deref().is_none_or(|rows| rows == "$");
        let lines = if root { lines(text, is_whole) } else { None };
        if let Some(values) = lines {
            // GeoJSON may come after a damaged first line.
            if values.first().is_some_and(|value| is_geojson(value)) {
                return self.push(&[], text, PartKind::GeoJson);
            }
            return self.judge(
                &[],
                text,
                Container::Lines,
                &values,
                Surroundings::default(),
            );
        }
        let values = whole_values(text, Container::Sequence);
        if values.len() > 1 && root && text.first() == Some(&b'{') {
            return self.judge(
                &[],
                text,
                Container::Sequence,
                &values,
                Surroundings::default(),
            );
        }
        let is_one = !values.is_empty();
        let json = values.first().copied().unwrap_or(text);
        self.visit(json, &mut Vec::new(), Surroundings::default());
        // Without positions in it, an object with features is a fault in GeoJSON.
        let is_row = json.first() == Some(&b'{') && members(json).all(|(key, _)| key != "features");
        if self.outline.parts.is_empty() && root && is_one && is_row {
            self.judge(
                &[],
                text,
                Container::Sequence,
                &[json],
                Surroundings::default(),
            );
        }
    }

    fn push(&mut self, path: &[PathStep], json: &[u8], kind: PartKind<'a>) {
        self.outline.parts.push(DocumentPart {
            path: path.to_vec(),
            at: offset_in(self.sample, json),
            kind,
        });
    }

    fn is_asked(&self, path: &[PathStep]) -> bool {
        self.options.rows.as_deref().is_some_and(|rows| {
            let rows = rows.strip_prefix("$.").unwrap_or(rows);
            rows == dotted(path)
        })
    }

    /// Decides whether `values` are rows; `json` is the array, object or text that has these
    /// values, and `path` leads to it. `json` becomes one of the outline's `parts` if the values
    /// have positions, or if the option `rows` names `path`. Otherwise it may become the outline's
    /// part `without`.
    fn judge(
        &mut self,
        path: &[PathStep],
        json: &[u8],
        container: Container,
        values: &[&'a [u8]],
        around: Surroundings<'_>,
    ) {
        let names = around.names;
        let Some(mut judgement) = Judgement::new(values, names, self.options) else {
            return;
        };
        known_shapes::adapt(&mut judgement, path, around.object, self.options);
        self.is_ended |= judgement.is_known;
        let has_positions = judgement.has_positions();
        let kind = PartKind::Rows(
            container,
            Box::new(judgement),
            names.map(<[String]>::to_vec),
        );
        if has_positions || self.is_asked(path) {
            self.push(path, json, kind);
        } else if self.outline.without.is_none() {
            self.outline.without = Some(DocumentPart {
                path: path.to_vec(),
                at: offset_in(self.sample, json),
                kind,
            });
        }
    }

    fn visit(&mut self, json: &'a [u8], path: &mut Vec<PathStep>, around: Surroundings<'_>) {
        if self.is_ended || self.outline.parts.len() > 1 || path.len() > DEPTH {
            return;
        }
        match json.first() {
            Some(b'[') => self.array(json, path, around),
            Some(b'{') => self.object(json, path),
            _ => (),
        }
    }

    fn array(&mut self, json: &'a [u8], path: &mut Vec<PathStep>, around: Surroundings<'_>) {
        let before = self.outline.parts.len();
        if self.options.rows.is_none() || self.is_asked(path) {
            if elements(json)
                .next()
                .is_some_and(|first| is_geojson(first.json))
            {
                return self.push(path, json, PartKind::GeoJson);
            }
            let values = whole_values(json, Container::Array);
            self.judge(path, json, Container::Array, &values, around);
        }
        if self.outline.parts.len() == before {
            for (at, element) in elements(json).take(ELEMENTS).enumerate() {
                path.push(PathStep::Element(at));
                self.visit(element.json, path, Surroundings::default());
                path.pop();
            }
        }
    }

    fn object(&mut self, json: &'a [u8], path: &mut Vec<PathStep>) {
        let is_asked = self.is_asked(path);
        if self.options.rows.is_none() || is_asked {
            if is_geojson(json) {
                return self.push(path, json, PartKind::GeoJson);
            }
            if is_topology(json) {
                return self.push(path, json, PartKind::Topology);
            }
            if is_columnar(json, self.options.geom.as_deref()) {
                return self.push(path, json, PartKind::Columns);
            }
            if is_keyed(json) {
                let values = whole_values(json, Container::Keyed);
                let judgement = Judgement::new(&values, None, self.options);
                if is_asked || judgement.is_some_and(|found| found.is_everywhere()) {
                    return self.judge(
                        path,
                        json,
                        Container::Keyed,
                        &values,
                        Surroundings::default(),
                    );
                }
            }
        }
        let names = names(json);
        let around = Surroundings {
            names: names.as_deref(),
            object: Some(json),
        };
        for (key, value) in members(json) {
            if self.options.rows.is_none() && LEFT_OUT.contains(&&*key) {
                continue;
            }
            path.push(PathStep::Member(key.into_owned()));
            self.visit(value.json, path, around);
            path.pop();
        }
    }
}

/// The complete values on the lines of a text that has one value on each line; a damaged line is
/// left out. `None` for any other text. A text has one value on each line if one of these
/// conditions holds:
///
/// - The first line is a complete value.
/// - The first line is a damaged row, and the second line is a complete value.
fn lines(text: &[u8], is_whole: bool) -> Option<Vec<&[u8]>> {
    let is_value = |line: &&[u8]| serde_json::from_slice::<IgnoredAny>(line).is_ok();
    let mut all = text
        .split(|byte| matches!(byte, b'\n' | 0x1e))
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    let first = all.next()?;
    let mut rest: Vec<&[u8]> = all.collect();
    let second = rest.first()?;
    let is_lines = is_value(&first) || (is_value(second) && is_damaged(first, second));
    if !is_lines {
        return None;
    }
    if !is_whole {
        rest.pop();
    }
    Some(
        std::iter::once(first)
            .chain(rest)
            .filter(is_value)
            .collect(),
    )
}

/// Returns true if a document's first line is a damaged row, and not the beginning of a value that
/// goes on over several lines. `second`, the second line, must be a complete value. An opening
/// bracket, a comma or a colon at the end of `first` means that the value goes on.
fn is_damaged(first: &[u8], second: &[u8]) -> bool {
    let is_container = matches!(second.first(), Some(b'{' | b'['));
    let is_open = matches!(first.last(), Some(b'[' | b'{' | b',' | b':'));
    is_container && first.first() == second.first() && !is_open && !first.starts_with(b"[[")
}

/// Returns whether an object has at least two members, and the values of all of them are objects.
fn is_keyed(object: &[u8]) -> bool {
    let mut count = 0;
    let all = members(object).all(|(_, PartialValue { json, .. })| {
        count += 1;
        json.first() == Some(&b'{')
    });
    all && count > 1
}

/// The names of columns that an object states for the arrays in it, in its member `columns` or
/// `fields`; `None` if it states none.
pub(super) fn names(object: &[u8]) -> Option<Vec<String>> {
    let list = members(object).find(|(key, _)| matches!(&**key, "columns" | "fields"));
    names_in(list?.1)
}

/// The names in an array of strings, or of objects with a member `name`. `None` if the array has
/// other elements, is empty, or is cut off.
pub(super) fn names_in(list: PartialValue<'_>) -> Option<Vec<String>> {
    if !list.is_whole {
        return None;
    }
    let name = |element: PartialValue<'_>| match element.json.first() {
        Some(b'"') => Some(string(element.json).into_owned()),
        Some(b'{') => {
            let name = members(element.json).find(|(key, _)| &**key == "name")?.1;
            (name.json.first() == Some(&b'"')).then(|| string(name.json).into_owned())
        }
        _ => None,
    };
    let names: Vec<String> = elements(list.json).map(name).collect::<Option<_>>()?;
    (!names.is_empty()).then_some(names)
}

impl DocumentOutline<'_> {
    /// Returns whether the document is to be read as rows and not as GeoJSON.
    pub(super) fn is_rows(&self, options: &LoadOptions) -> bool {
        match (self.parts.first(), &self.without) {
            (Some(part), _) => !(matches!(part.kind, PartKind::GeoJson) && part.path.is_empty()),
            // Options that only rows have are errors that name what is missing.
            (None, without) => {
                without.is_some() || options.rows.is_some() || options.order.is_some()
            }
        }
    }
}
