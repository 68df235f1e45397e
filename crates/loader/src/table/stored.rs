//! Columns that can be stored, sorted and joined outside of memory, since each value is an integer
//! of 64 bits.
//!
//! The integer 0 is null. Greater numbers and later times have greater integers. A text, or another
//! entry of a dictionary, has its place among all entries of the dictionary in ascending order,
//! counted from 1.

use super::Table;
use super::builder::{ColumnBuilder, TableBuilder, both};
use super::column::{
    Codes, Column, MOST_WORDS, NULL_BOOL, NULL_NUMBER, NULL_TIME, NULL_WHOLE, Values, read_as,
};
use super::dictionary::{Dictionary, DictionaryEntry, TypedEntry};
use super::spelling::{NumberSpelling, Spelling, TimeSpelling};
use crate::number::exact::Number;
use crate::time::{TimeFormat, Times};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The integer that stands for null.
const NULL: u64 = 0;

/// A column of some rows, each value of which is an integer of 64 bits: 0 is null, greater numbers
/// and later times have greater integers, and an entry of the dictionary has its place among the
/// entries, counted from 1.
#[derive(Clone, Debug, Default)]
pub struct StoredColumn {
    /// The description of the integers: which values they stand for.
    pub form: StoredForm,
    /// The entries of the dictionary as bytes, in ascending order; the integer 1 stands for the
    /// first entry. Empty if the column has no dictionary.
    pub words: Vec<Box<[u8]>>,
    /// The integer of each row; 0 is null.
    pub values: Vec<u64>,
}

/// The description of a stored column's integers: the type of the values that they stand for, and
/// the spelling that the values have as texts in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StoredForm {
    kind: StoredKind,
    written: Spelling,
    /// True if the values are numbers and all of them are whole. It matters only until all parts of
    /// a column are joined.
    whole: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StoredKind {
    /// All rows are null so far.
    #[default]
    Nothing,
    Whole,
    Number,
    Time,
    Bool,
    Text,
}

impl StoredKind {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Nothing, "null"),
        (Self::Whole, "whole"),
        (Self::Number, "number"),
        (Self::Time, "time"),
        (Self::Bool, "bool"),
        (Self::Text, "text"),
    ];
}

impl StoredForm {
    pub(super) fn new(kind: StoredKind, written: Spelling) -> Self {
        Self {
            kind,
            written,
            whole: false,
        }
    }

    /// The name of the type: `number`, `whole`, `time`, `bool`, `text`, or `null` as long as no row
    /// has a value.
    pub fn kind(&self) -> &'static str {
        let known = StoredKind::ALL.iter().find(|(kind, _)| *kind == self.kind);
        known.map_or("", |(_, name)| name)
    }

    /// Returns true if the integers stand for floats. The integer of a positive float is its bits
    /// with the highest bit set, and the integer of a negative float is its bits, all flipped.
    pub fn is_floats(&self) -> bool {
        self.kind == StoredKind::Number
    }

    /// The spelling that the values have as texts in the source, as JSON; `null` if the source has
    /// typed values and no texts.
    pub fn written(&self) -> Json {
        let mut written = self.written.to_json();
        if let (true, Some(members)) = (self.whole, written.as_object_mut()) {
            members.insert("whole".to_owned(), true.into());
        } else if self.whole {
            written = json!({ "whole": true });
        }
        written
    }

    /// Makes a description from the name of a type ([`kind`](Self::kind)) and the JSON of a
    /// spelling ([`written`](Self::written)); `None` if either is not known.
    pub fn from_parts(kind: &str, written: &Json) -> Option<Self> {
        let known = StoredKind::ALL.iter().find(|(_, name)| *name == kind);
        Some(Self {
            kind: known?.0,
            written: Spelling::from_json(written)?,
            whole: written["whole"] == true,
        })
    }

    /// The description of a whole column, of which one part has the description `self`, and another
    /// part `other`. It is the one that a [`TableBuilder`] would have after the values of both
    /// parts.
    fn join(self, other: Self) -> Self {
        let words = Self::new(StoredKind::Text, Spelling::Typed);
        let (kind, written) = match (self.kind, other.kind) {
            (_, StoredKind::Nothing) => return self,
            (StoredKind::Nothing, _) => return other,
            (StoredKind::Whole, StoredKind::Number) => return other.join(self),
            (StoredKind::Number, StoredKind::Whole) => {
                let texts = self.written != Spelling::Typed;
                let is_whole = match self.written {
                    Spelling::Number(spelling) => spelling.is_whole(),
                    _ => true,
                };
                let same = texts == (other.written != Spelling::Typed);
                return if self.whole && is_whole && same {
                    other
                } else {
                    words
                };
            }
            (a, b) if a == b => (a, self.written.both(other.written)),
            _ => return words,
        };
        written.map_or(words, |written| Self {
            kind,
            written,
            whole: self.whole && other.whole,
        })
    }
}

impl Spelling {
    fn both(self, other: Self) -> Option<Self> {
        let number = |spelling| match spelling {
            Self::Number(spelling) => Some(spelling),
            _ => None,
        };
        let time = |spelling| match spelling {
            Self::Time(spelling) => Some(spelling),
            _ => None,
        };
        if self == other {
            return Some(self);
        }
        let numbers = both(number(self), number(other), NumberSpelling::and).flatten();
        let times = both(time(self), time(other), TimeSpelling::and).flatten();
        numbers.map(Self::Number).or(times.map(Self::Time))
    }

    fn to_json(self) -> Json {
        match self {
            Self::Typed => Json::Null,
            Self::Number(spelling) => json!({ "number": spelling.to_json() }),
            Self::Whole => json!({ "texts": "whole" }),
            Self::Time(spelling) => json!({ "time": spelling.to_json() }),
            Self::Variously => json!({ "texts": "variously" }),
        }
    }

    fn from_json(json: &Json) -> Option<Self> {
        match (&json["number"], &json["time"], json["texts"].as_str()) {
            (Json::Null, Json::Null, None) => Some(Self::Typed),
            (Json::Null, Json::Null, Some("whole")) => Some(Self::Whole),
            (Json::Null, Json::Null, Some("variously")) => Some(Self::Variously),
            (Json::Null, time, None) => TimeSpelling::from_json(time).map(Self::Time),
            (number, Json::Null, None) => NumberSpelling::from_json(number).map(Self::Number),
            _ => None,
        }
    }
}

fn value_of_integer(number: i64) -> u64 {
    (number as u64) ^ 1 << 63
}

fn integer_of(value: u64) -> i64 {
    (value ^ 1 << 63) as i64
}

fn value_of_float(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

fn float_of(value: u64) -> f64 {
    f64::from_bits(if value >> 63 == 1 {
        value ^ 1 << 63
    } else {
        !value
    })
}

impl DictionaryEntry {
    /// The entry as bytes: first a byte for its type, then its text or number.
    fn to_bytes(&self) -> Box<[u8]> {
        let (kind, rest) = match self {
            Self::Text(text) => (0, text.as_bytes().to_vec()),
            Self::Other(other) => match **other {
                TypedEntry::Number(Number::Float(number)) => {
                    (1, value_of_float(number).to_be_bytes().to_vec())
                }
                TypedEntry::Number(Number::Whole(number)) => (2, number.to_be_bytes().to_vec()),
                TypedEntry::Time(time) => (3, value_of_integer(time).to_be_bytes().to_vec()),
                TypedEntry::Bool(truth) => (4, vec![u8::from(truth)]),
            },
        };
        [&[kind][..], &rest].concat().into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let number = || Some(u64::from_be_bytes(rest.try_into().ok()?));
        let entry = match kind {
            0 => return Some(Self::Text(std::str::from_utf8(rest).ok()?.into())),
            1 => TypedEntry::Number(Number::Float(float_of(number()?))),
            2 => TypedEntry::Number(Number::Whole(i128::from_be_bytes(rest.try_into().ok()?))),
            3 => TypedEntry::Time(integer_of(number()?)),
            4 => TypedEntry::Bool(rest == [1]),
            _ => return None,
        };
        Some(Self::Other(Box::new(entry)))
    }
}

impl TableBuilder {
    /// The columns as 64-bit integers, their rows in the order of the source.
    pub fn into_stored(self) -> Vec<StoredColumn> {
        let columns = self.into_columns().into_iter();
        columns.map(StoredColumn::from_builder).collect()
    }
}

impl StoredColumn {
    fn from_builder(column: ColumnBuilder) -> Self {
        let texts = |texts: bool| {
            if texts {
                Spelling::Whole
            } else {
                Spelling::Typed
            }
        };
        let integers = |all: Vec<i64>| all.into_iter().map(value_of_integer).collect();
        let plain = |kind, written, values| Self {
            form: StoredForm::new(kind, written),
            words: Vec::new(),
            values,
        };
        match column {
            ColumnBuilder::Nulls(rows) => {
                plain(StoredKind::Nothing, Spelling::Typed, vec![NULL; rows])
            }
            ColumnBuilder::Whole(all, text) => plain(StoredKind::Whole, texts(text), integers(all)),
            ColumnBuilder::Times(all, spelling) => {
                let written = spelling.map_or(Spelling::Typed, Spelling::Time);
                plain(StoredKind::Time, written, integers(all))
            }
            ColumnBuilder::Bools(all) => {
                let value = |b: u8| {
                    if b == NULL_BOOL {
                        NULL
                    } else {
                        u64::from(b) + 1
                    }
                };
                let values = all.into_iter().map(value).collect();
                plain(StoredKind::Bool, Spelling::Typed, values)
            }
            ColumnBuilder::Numbers(all, spelling) => {
                let is_null = |number: f64| number.to_bits() == NULL_NUMBER.to_bits();
                let is_whole = |n: &f64| is_null(*n) || Number::Float(*n).whole().is_some();
                let whole = all.iter().all(is_whole);
                let value = |n: f64| if is_null(n) { NULL } else { value_of_float(n) };
                let written = spelling.map_or(Spelling::Typed, Spelling::Number);
                let values = all.into_iter().map(value).collect();
                let mut column = plain(StoredKind::Number, written, values);
                column.form.whole = whole;
                column
            }
            ColumnBuilder::Words(words) => Self::from_dictionary(words),
        }
    }

    fn from_dictionary(words: Dictionary) -> Self {
        let Dictionary { codes, words, .. } = words;
        let bytes: Vec<Box<[u8]>> = words.iter().map(DictionaryEntry::to_bytes).collect();
        let mut order: Vec<usize> = (0..bytes.len()).collect();
        order.sort_unstable_by_key(|at| bytes.get(*at));
        let mut values = vec![NULL; bytes.len()];
        for (value, at) in (1..).zip(&order) {
            if let Some(to) = values.get_mut(*at) {
                *to = value;
            }
        }
        let value = |code: u32| values.get(code as usize).copied().unwrap_or(NULL);
        let mut sorted = bytes;
        sorted.sort_unstable();
        Self {
            form: StoredForm::new(StoredKind::Text, Spelling::Typed),
            words: sorted,
            values: codes.into_iter().map(value).collect(),
        }
    }

    /// Sets the column's dictionary. Until now the column's integers refer to `all`, the entries of
    /// a larger dictionary. The column gets only those entries that its rows have, and the integers
    /// are changed to the places that the entries have in the new dictionary.
    pub fn take_words(&mut self, all: &[Box<[u8]>]) {
        let mut used: Vec<u64> = self.values.iter().copied().filter(|v| *v != NULL).collect();
        used.sort_unstable();
        used.dedup();
        let word = |value: &u64| all.get(usize::try_from(value - 1).ok()?).cloned();
        self.words = used
            .iter()
            .map(|value| word(value).unwrap_or_default())
            .collect();
        for value in &mut self.values {
            *value = used.binary_search(value).map_or(NULL, |at| at as u64 + 1);
        }
    }

    /// The dictionary entry for a value of a column that has no dictionary itself. `value` is the
    /// value's integer in a column of the description `form`.
    pub(super) fn entry(form: StoredForm, value: u64) -> DictionaryEntry {
        let text = |text: String| DictionaryEntry::Text(text.into());
        let other = |entry| DictionaryEntry::Other(Box::new(entry));
        let integer = integer_of(value);
        match (form.kind, form.written) {
            (StoredKind::Number, Spelling::Number(spelling)) => {
                text(spelling.write(float_of(value)))
            }
            (StoredKind::Time, Spelling::Time(spelling)) => text(spelling.write(integer)),
            (StoredKind::Whole, Spelling::Whole) => text(integer.to_string()),
            (StoredKind::Number, _) => other(TypedEntry::Number(Number::Float(float_of(value)))),
            (StoredKind::Time, _) => other(TypedEntry::Time(integer)),
            (StoredKind::Bool, _) => other(TypedEntry::Bool(value == 2)),
            _ => other(TypedEntry::Number(Number::Whole(integer.into()))),
        }
    }
}

/// A column that was joined from several parts.
#[derive(Clone, Debug, Default)]
pub struct JoinedColumn {
    /// The description of the whole column's integers.
    pub form: StoredForm,
    /// The dictionary of the whole column: its entries as bytes, in ascending order. Empty if the
    /// column has none.
    pub words: Vec<Box<[u8]>>,
    /// For each part, in the order of the parts: a map from the part's integers to the whole
    /// column's. `None` if the integers stay as they are.
    pub maps: Vec<Option<HashMap<u64, u64>>>,
}

/// Joins the parts of a column. Which type and entries the whole column has doesn't depend on the
/// order of the parts. Each of `parts` is the part's description and the entries of its dictionary.
/// `distinct(i)` returns the different integers in the part with the index `i`, without null.
/// `times` are the formats of times in the source.
///
/// # Errors
/// The error of `distinct`, which reads the values of a part.
pub fn join_stored<E>(
    parts: &[(StoredForm, &[Box<[u8]>])],
    times: &[TimeFormat],
    distinct: &mut dyn FnMut(usize) -> Result<HashSet<u64>, E>,
) -> Result<JoinedColumn, E> {
    let times = &Times::new(times);
    let forms = parts.iter().map(|(form, _)| *form);
    let mut form = forms.reduce(StoredForm::join).unwrap_or_default();
    form.whole = false;
    if form.kind == StoredKind::Nothing {
        form.kind = StoredKind::Text;
    }
    let mut maps = Vec::new();
    if form.kind != StoredKind::Text {
        for (number, (part, _)) in parts.iter().enumerate() {
            maps.push(
                match part.kind == StoredKind::Number && form.kind == StoredKind::Whole {
                    true => {
                        let whole = |value| Number::Float(float_of(value)).whole();
                        let values = distinct(number)?.into_iter();
                        let pair = |v| (v, whole(v).map_or(NULL, value_of_integer));
                        Some(values.map(pair).collect())
                    }
                    false => None,
                },
            );
        }
        let words = Vec::new();
        return Ok(JoinedColumn { form, words, maps });
    }
    // The entries of each part, by its values.
    let mut entries: Vec<Vec<(u64, Box<[u8]>)>> = Vec::new();
    for (number, (part, words)) in parts.iter().enumerate() {
        entries.push(match part.kind {
            StoredKind::Nothing => Vec::new(),
            StoredKind::Text => (1..).zip(words.iter().cloned()).collect(),
            _ => {
                let values = distinct(number)?.into_iter();
                let entry = |value| (value, StoredColumn::entry(*part, value).to_bytes());
                values.map(entry).collect()
            }
        });
    }
    let mut all: BTreeMap<&[u8], u64> = BTreeMap::new();
    for (_, word) in entries.iter().flatten() {
        all.insert(word, NULL);
    }
    for (value, place) in (1..).zip(all.values_mut()) {
        *place = value;
    }
    let mut words: Vec<Box<[u8]>> = all.keys().map(|word| (*word).into()).collect();
    if let Some((read, values)) = read_words(&words, times) {
        form = read;
        for (place, value) in all.values_mut().zip(values) {
            *place = value;
        }
        words = Vec::new();
    }
    for some in &entries {
        let value = |word: &[u8]| all.get(word).copied().unwrap_or(NULL);
        let map: HashMap<u64, u64> = some.iter().map(|(v, word)| (*v, value(word))).collect();
        let is_same = map.iter().all(|(from, to)| from == to);
        maps.push((!is_same).then_some(map));
    }
    Ok(JoinedColumn { form, words, maps })
}

/// If a dictionary has more than [`MOST_WORDS`] entries and all of them are texts of numbers, or
/// all of times, it is stored as numbers or times: returns the description of these, and the
/// integer of each entry. `None` if it stays a dictionary.
fn read_words(words: &[Box<[u8]>], times: &Times) -> Option<(StoredForm, Vec<u64>)> {
    if words.len() <= MOST_WORDS {
        return None;
    }
    let entries: Vec<DictionaryEntry> = words
        .iter()
        .map(|word| DictionaryEntry::from_bytes(word))
        .collect::<Option<_>>()?;
    let codes: Vec<u32> = (0..).take(entries.len()).collect();
    let (kind, values) = match read_as(&codes, &entries, times)? {
        Values::Numbers(all) => (
            StoredKind::Number,
            all.into_iter().map(value_of_float).collect(),
        ),
        Values::Whole(all) => (
            StoredKind::Whole,
            all.into_iter().map(value_of_integer).collect(),
        ),
        Values::Times(all) => (
            StoredKind::Time,
            all.into_iter().map(value_of_integer).collect(),
        ),
        Values::Bools(_) | Values::Words(..) => return None,
    };
    Some((StoredForm::new(kind, Spelling::Variously), values))
}

impl Table {
    /// Makes a table of stored columns with their names. `times` are the formats of times in
    /// filters.
    ///
    /// `None` if the entries or values of a column are damaged.
    pub fn from_stored(columns: Vec<(String, StoredColumn)>, times: &[TimeFormat]) -> Option<Self> {
        let times = &Times::new(times);
        let column = |(name, stored): (String, StoredColumn)| stored.into_column(name, times);
        Some(Self {
            columns: columns.into_iter().map(column).collect::<Option<_>>()?,
            by: None,
            times: times.clone(),
            paged: None,
        })
    }
}

impl StoredColumn {
    pub(super) fn into_column(self, name: String, times: &Times) -> Option<Column> {
        let StoredColumn {
            form,
            words,
            values,
        } = self;
        let integers = |null: i64| {
            let integer = |v: &u64| if *v == NULL { null } else { integer_of(*v) };
            values.iter().map(integer).collect()
        };
        let all = match form.kind {
            StoredKind::Whole => Values::Whole(integers(NULL_WHOLE)),
            StoredKind::Time => Values::Times(integers(NULL_TIME)),
            StoredKind::Number => {
                let float = |v: &u64| {
                    if *v == NULL {
                        NULL_NUMBER
                    } else {
                        float_of(*v)
                    }
                };
                Values::Numbers(values.iter().map(float).collect())
            }
            StoredKind::Bool => {
                let truth = |v: &u64| match v {
                    1 | 2 => *v as u8 - 1,
                    _ => NULL_BOOL,
                };
                Values::Bools(values.iter().map(truth).collect())
            }
            StoredKind::Text | StoredKind::Nothing => {
                let words: Vec<DictionaryEntry> = words
                    .iter()
                    .map(|word| DictionaryEntry::from_bytes(word))
                    .collect::<Option<_>>()?;
                let null = words.len() as u32;
                let code = |v: &u64| match v.checked_sub(1) {
                    Some(code) if code < u64::from(null) => code as u32,
                    _ => null,
                };
                Values::Words(
                    Codes::new(values.iter().map(code).collect(), words.len()),
                    words,
                )
            }
        };
        Some(Column::new(name, all, form.written, times))
    }
}

#[cfg(test)]
mod tests;
