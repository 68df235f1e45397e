//! The columns of rows: the JSON paths to single values in the first rows, and counts of the kinds
//! of these values.

use super::path::{DEPTH, PathStep, dotted};
use super::place_text::PlaceText;
use crate::geojson::object::string;
use crate::geojson::skip_value;
use crate::number;
use std::collections::HashMap;

/// The number of rows at the beginning of a document in which columns are looked for: a choice.
pub(super) const LOOKED_AT: usize = 256;

/// The most columns that rows may have: a choice. Further ones are ignored.
const MOST: usize = 4096;

/// The largest number of elements of an array inside a row for which each element becomes a column
/// of its own: a choice. A longer array is one column.
const EXPANDED: usize = 4;

/// The largest number of elements of a row that is an array for which each element becomes a
/// column: a choice. A longer array is more likely a row of a matrix.
const WIDEST: usize = 64;

/// A column of rows: the value at one JSON path in each row, and counts of its kinds of values in
/// the first rows.
#[derive(Debug)]
pub(super) struct JsonColumn {
    pub(super) path: Vec<PathStep>,
    /// The JSON path as text, with dots between its steps. In rows that are arrays, the names that
    /// the document states for elements replace their numbers.
    pub(super) name: String,
    /// The number of rows in which the value is a JSON number.
    pub(super) numbers: usize,
    /// The number of rows in which the value is a string with a number.
    pub(super) number_texts: usize,
    /// The number of rows in which the value is a string that can only be a position, such as
    /// `geo:48.1,11.5`.
    pub(super) places: usize,
    /// The number of rows in which the value is a string with two numbers, such as `48.1, 11.5`.
    pub(super) pairs: usize,
    /// The number of rows in which the value is of any other kind. Null, and strings that are words
    /// for a missing value, are not counted.
    pub(super) others: usize,
}

impl JsonColumn {
    /// Returns whether at least half of the column's counted values are numbers or strings with a
    /// number.
    pub(super) fn is_numeric(&self) -> bool {
        let numeric = self.numbers + self.number_texts;
        numeric > 0 && numeric >= self.places + self.pairs + self.others
    }

    /// The name of the member that the column's JSON path leads to. Empty if the path leads to an
    /// element of an array, or if the path is empty.
    pub(super) fn last_name(&self) -> &str {
        match self.path.last() {
            Some(PathStep::Member(name)) => name,
            _ => "",
        }
    }

    /// The JSON path of the object or array that directly contains the column's value.
    pub(super) fn parent(&self) -> &[PathStep] {
        self.path.split_last().map_or(&[], |(_, parent)| parent)
    }

    fn note(&mut self, json: &[u8]) {
        match json.first() {
            Some(b'-' | b'0'..=b'9') => self.numbers += 1,
            Some(b'"') => {
                let text = string(json);
                // The digits of a geometry may be a number too, so positions come first.
                match PlaceText::parse(&text) {
                    Some(place) if place.is_marked(&text) => self.places += 1,
                    Some(PlaceText::Pair(_)) => self.pairs += 1,
                    _ if number::parse(text.as_bytes()).is_some() => self.number_texts += 1,
                    _ if number::is_missing(text.as_bytes()) => (),
                    _ => self.others += 1,
                }
            }
            _ if json == b"null" => (),
            _ => self.others += 1,
        }
    }
}

/// The columns of the first rows (at most [`LOOKED_AT`]), in the order in which they first appear.
#[derive(Debug, Default)]
pub(super) struct JsonColumns {
    pub(super) all: Vec<JsonColumn>,
    places: HashMap<String, usize>,
}

impl JsonColumns {
    /// The columns of rows, each of which must be complete JSON. If rows are arrays, `names` has
    /// the names of their elements; an element without a name is called by its number, counted from
    /// 1.
    pub(super) fn new(rows: &[&[u8]], names: Option<&[String]>) -> Self {
        let mut columns = Self::default();
        for row in rows.iter().take(LOOKED_AT) {
            columns.note(row, &mut Vec::new());
        }
        if let Some(names) = names {
            for column in &mut columns.all {
                if let [PathStep::Element(at), rest @ ..] = column.path.as_slice()
                    && let Some(name) = names.get(*at)
                {
                    column.name = match rest {
                        [] => name.clone(),
                        rest => format!("{name}.{}", dotted(rest)),
                    };
                }
            }
        }
        columns
    }

    /// The names of all columns.
    pub(super) fn names(&self) -> Vec<String> {
        self.all.iter().map(|column| column.name.clone()).collect()
    }

    /// The column with this JSON path in the rows; `None` if there is none.
    pub(super) fn at(&self, path: &[PathStep]) -> Option<&JsonColumn> {
        let at = self.places.get(&dotted(path))?;
        self.all.get(*at).filter(|column| column.path == path)
    }

    fn note(&mut self, json: &[u8], path: &mut Vec<PathStep>) {
        match json.first() {
            Some(b'{') if path.len() < DEPTH => {
                for (key, value) in skip_value::members(json) {
                    path.push(PathStep::Member(string(key).into_owned()));
                    self.note(value, path);
                    path.pop();
                }
            }
            Some(b'[') if path.len() < DEPTH && is_expanded(json, path.is_empty()) => {
                for (at, value) in skip_value::elements(json).enumerate() {
                    path.push(PathStep::Element(at));
                    self.note(value, path);
                    path.pop();
                }
            }
            _ => self.leaf(json, path),
        }
    }

    fn leaf(&mut self, json: &[u8], path: &[PathStep]) {
        let name = dotted(path);
        let at = match self.places.get(&name) {
            Some(at) => *at,
            None if self.all.len() >= MOST => return,
            None => {
                self.places.insert(name.clone(), self.all.len());
                self.all.push(JsonColumn {
                    path: path.to_vec(),
                    name,
                    numbers: 0,
                    number_texts: 0,
                    places: 0,
                    pairs: 0,
                    others: 0,
                });
                self.all.len() - 1
            }
        };
        if let Some(column) = self.all.get_mut(at) {
            column.note(json);
        }
    }
}

/// Returns true if the elements of an array become columns of their own. `is_row` is true if the
/// array is a row. The elements of an array inside a row become columns only if the array is short
/// ([`EXPANDED`]) and has no objects or arrays in it.
fn is_expanded(array: &[u8], is_row: bool) -> bool {
    let most = if is_row { WIDEST } else { EXPANDED };
    let (mut count, mut is_flat) = (0, true);
    for element in skip_value::elements(array).take(most + 1) {
        count += 1;
        is_flat &= !matches!(element.first(), Some(b'[' | b'{'));
    }
    count <= most && (is_row || (is_flat && count >= 2))
}
