//! Columns of a table after all its rows are read. The values of a column are in the order of the
//! points in the index that was built from the rows.

use super::check::FitCache;
use super::dictionary::{Dictionary, DictionaryEntry};
use super::spelling::Spelling;
use crate::number::exact::{Number, number_text};
use crate::time::{Times, time_text};
use crate::value::Value;
use rayon::prelude::*;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The number that is stored for null in a column of numbers: a NaN whose bits no value of a column
/// has.
pub(super) const NULL_NUMBER: f64 = f64::from_bits(0x7ff8_6e75_6c6c_0001);
/// The number that is stored for null in a column of whole numbers.
pub(super) const NULL_WHOLE: i64 = i64::MIN;
/// The number that is stored for null in a column of times.
pub(super) const NULL_TIME: i64 = i64::MIN;
/// The number that is stored for null in a column of Booleans, where false is 0 and true is 1.
pub(super) const NULL_BOOL: u8 = 2;

/// The largest number of different texts of numbers or times that a dictionary has. It is a choice.
/// If a column has more, it stores the numbers or times instead, and the spellings of the texts,
/// such as `5` and `5.0`, are lost.
pub(super) const MOST_WORDS: usize = 1 << 16;

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnKind {
    /// Numbers, or texts that all can be read as numbers.
    Number,
    /// Texts.
    Text,
    /// Dates and times, or texts that all can be read as dates or times.
    Time,
    /// True or false.
    Bool,
}

impl ColumnKind {
    /// The name of this type of values: `number`, `text`, `time` or `bool`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
            Self::Time => "time",
            Self::Bool => "bool",
        }
    }
}

/// A column of a [`Table`](super::Table).
#[derive(Debug)]
pub struct Column {
    name: String,
    pub(super) values: Values,
    kind: ColumnKind,
    /// The spelling of the column's texts in the source, such as `5.0` or `5`.
    pub(super) written: Spelling,
    /// The number of rows without a value.
    nulls: usize,
    /// True if the values are only a sample, since the rows of the table are not in memory.
    is_sample: bool,
    pub(super) times: Times,
    /// Results of the checks that the column's values can be compared with a literal, one for each
    /// kind of literals.
    pub(super) fits: FitCache,
}

#[derive(Debug)]
pub(super) enum Values {
    /// Whole numbers, one for each row, some of which `f64` can't represent.
    Whole(Vec<i64>),
    Numbers(Vec<f64>),
    /// Times, one for each row, in microseconds since 1970, UTC.
    Times(Vec<i64>),
    Bools(Vec<u8>),
    /// A dictionary: the code of each row, and the entries (the different values). A row's code is
    /// the index of its value among the entries. The code for null is the number of entries.
    Words(Codes, Vec<DictionaryEntry>),
}

/// The values of the rows in `order`, a list of row numbers, in the order of that list. A row that
/// doesn't exist gives `null`.
fn gathered<T: Copy + Send + Sync>(all: &[T], order: &[u32], null: T) -> Vec<T> {
    let value = |&at: &u32| all.get(at as usize).copied().unwrap_or(null);
    order.par_iter().map(value).collect()
}

impl Values {
    /// The values of the rows in `order`, a list of row numbers, in the order of that list. A
    /// dictionary is returned unchanged, since its codes were put in this order before.
    pub(super) fn in_order(self, order: &[u32]) -> Self {
        match self {
            Self::Whole(all) => Self::Whole(gathered(&all, order, NULL_WHOLE)),
            Self::Numbers(all) => Self::Numbers(gathered(&all, order, NULL_NUMBER)),
            Self::Times(all) => Self::Times(gathered(&all, order, NULL_TIME)),
            Self::Bools(all) => Self::Bools(gathered(&all, order, NULL_BOOL)),
            words @ Self::Words(..) => words,
        }
    }
}

/// Codes of a dictionary, one for each row. All codes take 1, 2 or 4 bytes: the fewest bytes in
/// which the largest code fits.
#[derive(Debug)]
pub(super) enum Codes {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Codes {
    /// Stores codes, each in the fewest bytes in which `most`, the largest possible code, fits.
    pub(super) fn new(codes: Vec<u32>, most: usize) -> Self {
        match most {
            0..=0xff => Self::U8(codes.into_iter().map(|code| code as u8).collect()),
            0x100..=0xffff => Self::U16(codes.into_iter().map(|code| code as u16).collect()),
            _ => Self::U32(codes),
        }
    }

    #[inline]
    pub(super) fn at(&self, row: usize) -> Option<usize> {
        match self {
            Self::U8(all) => all.get(row).map(|&code| usize::from(code)),
            Self::U16(all) => all.get(row).map(|&code| usize::from(code)),
            Self::U32(all) => all.get(row).map(|&code| code as usize),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::U8(all) => all.len(),
            Self::U16(all) => all.len(),
            Self::U32(all) => all.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::U8(all) => all.capacity(),
            Self::U16(all) => 2 * all.capacity(),
            Self::U32(all) => 4 * all.capacity(),
        }
    }
}

impl Column {
    pub(super) fn new(name: String, values: Values, written: Spelling, times: &Times) -> Self {
        let kind = match &values {
            Values::Whole(_) | Values::Numbers(_) => ColumnKind::Number,
            Values::Times(_) => ColumnKind::Time,
            Values::Bools(_) => ColumnKind::Bool,
            Values::Words(_, words) => kind_of(words, times),
        };
        let mut column = Self {
            name,
            values,
            kind,
            written,
            nulls: 0,
            is_sample: false,
            times: times.clone(),
            fits: FitCache::default(),
        };
        let null = |row: &usize| column.value(*row) == Value::Null;
        column.nulls = (0..column.len()).filter(null).count();
        column
    }

    /// Makes a column of a dictionary. The column stores numbers instead if the dictionary has more
    /// than [`MOST_WORDS`] entries and all of them are texts of numbers. Likewise it stores times
    /// if all of these entries are texts of times. `order` has, for each point of the spatial
    /// index, the number of its row in the source, counted from 0.
    pub(super) fn from_dictionary(
        name: String,
        words: Dictionary,
        order: &[u32],
        times: &Times,
    ) -> Self {
        let Dictionary { codes, words, .. } = words;
        if words.len() > MOST_WORDS
            && let Some(values) = read_as(&codes, &words, times)
        {
            return Self::new(name, values.in_order(order), Spelling::Variously, times);
        }
        let null = words.len() as u32;
        let mut codes = gathered(&codes, order, Dictionary::NULL);
        for code in &mut codes {
            *code = (*code).min(null);
        }
        let values = Values::Words(Codes::new(codes, words.len()), words);
        Self::new(name, values, Spelling::Typed, times)
    }

    /// Marks the column as a sample of a column that is not in memory. `nulls` is the number of
    /// rows of that column without a value.
    pub(super) fn make_sample(&mut self, nulls: usize) {
        self.nulls = nulls;
        self.is_sample = true;
    }

    /// Returns true if the rows of the table are not in memory, so that the column has only a
    /// sample of its values: the least and the greatest one, or each different text once. But
    /// [`nulls`](Self::nulls) counts all rows of the table.
    pub fn is_sample(&self) -> bool {
        self.is_sample
    }

    /// The column's name in the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the column's values.
    pub fn kind(&self) -> ColumnKind {
        self.kind
    }

    /// The number of rows, which is the number of points of the index.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(all) => all.len(),
            Values::Whole(all) | Values::Times(all) => all.len(),
            Values::Bools(all) => all.len(),
            Values::Words(codes, _) => codes.len(),
        }
    }

    /// The number of rows without a value.
    pub fn nulls(&self) -> usize {
        self.nulls
    }

    /// Returns true if no row has a value.
    pub fn is_empty(&self) -> bool {
        self.nulls == self.len()
    }

    /// The memory that the column takes, in bytes.
    pub fn bytes(&self) -> usize {
        match &self.values {
            Values::Numbers(all) => 8 * all.capacity(),
            Values::Whole(all) | Values::Times(all) => 8 * all.capacity(),
            Values::Bools(all) => all.capacity(),
            Values::Words(codes, words) => {
                let texts: usize = words.iter().map(DictionaryEntry::bytes).sum();
                codes.bytes() + texts + size_of_val::<[DictionaryEntry]>(words)
            }
        }
    }

    /// A row's value as a number. A time is in milliseconds since 1970 in UTC, false is 0, and true
    /// is 1. A whole number beyond ±2⁵³ is rounded to the nearest `f64`. `None` for null, and for
    /// every text in a column of texts.
    pub fn number(&self, row: usize) -> Option<f64> {
        self.reading(&self.value(row))
    }

    /// A value as a number, by the rules of [`number`](Self::number); `None` if it is null or no
    /// number.
    fn reading(&self, value: &Value<'_>) -> Option<f64> {
        match (value, self.kind) {
            (Value::Number(number), _) => Some(number.float()),
            (Value::Time(time), _) => Some(*time as f64 / 1000.0),
            (Value::Bool(truth), _) => Some(f64::from(u8::from(*truth))),
            (Value::Text(text), ColumnKind::Number) => {
                Number::parse(text.as_bytes()).map(Number::float)
            }
            (Value::Text(text), ColumnKind::Time) => {
                self.times.read(text).map(|t| t as f64 / 1000.0)
            }
            _ => None,
        }
    }

    /// A row's value as a time, in microseconds since 1970, UTC, as filters read it: a text in one
    /// of the formats of times, or a number that counts from 1970 or has the digits of a date.
    /// `None` for null, and for a value that is no time.
    pub fn time(&self, row: usize) -> Option<i64> {
        match self.value(row) {
            Value::Time(time) => Some(time),
            Value::Text(text) => self.times.read(&text),
            // A custom format may read the digits of a text in another way than those of a number.
            Value::Number(number)
                if self.written != Spelling::Typed && !self.times.are_common() =>
            {
                let text = self.text(row).map(Cow::into_owned);
                text.map_or_else(
                    || self.times.of_number(number),
                    |text| self.times.read(&text),
                )
            }
            Value::Number(number) => self.times.of_number(number),
            Value::Bool(_) | Value::Null => None,
        }
    }

    /// A row's value as text; `None` for null. A text of the source is returned without the spaces
    /// around it. A value that has no text of its own is written anew: a number in its shortest
    /// form, a time like `2010-03-01T00:00:00Z`. That is the case:
    ///
    /// * if the source has typed values and no texts;
    /// * if a column has more than 65,536 different texts of numbers or times, in several
    ///   spellings.
    pub fn text(&self, row: usize) -> Option<Cow<'_, str>> {
        if let Values::Words(codes, words) = &self.values {
            return words.get(codes.at(row)?).map(DictionaryEntry::text);
        }
        Some(match self.value(row) {
            Value::Text(text) => text,
            Value::Number(Number::Float(number)) => self.written.number(number).into(),
            Value::Number(number) => number.text().into(),
            Value::Time(time) => self.written.time(time).into(),
            Value::Bool(truth) => truth.to_string().into(),
            Value::Null => return None,
        })
    }

    /// The smallest and the greatest value of a column of numbers or times, as text. `None` for a
    /// column of another kind, and for a column without values.
    pub fn range(&self) -> Option<(String, String)> {
        fn ends<T: Copy>(
            all: impl Iterator<Item = T>,
            order: impl Fn(&T, &T) -> bool,
        ) -> Option<(T, T)> {
            all.fold(None, |range, value| {
                let (low, high) = range.unwrap_or((value, value));
                let low = if order(&value, &low) { value } else { low };
                Some((low, if order(&high, &value) { value } else { high }))
            })
        }
        let numbers = |(a, b): (f64, f64)| (number_text(a), number_text(b));
        let times = |(a, b): (i64, i64)| (time_text(a), time_text(b));
        match &self.values {
            Values::Numbers(all) => {
                let there = all.iter().copied().filter(|n| !n.is_nan());
                ends(there, |a, b| a < b).map(numbers)
            }
            Values::Whole(all) => {
                let there = all.iter().copied().filter(|&n| n != NULL_WHOLE);
                ends(there, |a, b| a < b).map(|(a, b)| (a.to_string(), b.to_string()))
            }
            Values::Times(all) => {
                let there = all.iter().copied().filter(|&t| t != NULL_TIME);
                ends(there, |a, b| a < b).map(times)
            }
            Values::Words(_, words) if self.kind == ColumnKind::Number => {
                let there = words.iter().filter_map(|word| number_of(&word.value()));
                let range = ends(there, |a, b| a.compare(*b).is_some_and(|o| o.is_lt()));
                range.map(|(a, b)| (a.text(), b.text()))
            }
            Values::Words(_, words) if self.kind == ColumnKind::Time => {
                let there = words
                    .iter()
                    .filter_map(|word| time_of(&word.value(), &self.times));
                ends(there, |a, b| a < b).map(times)
            }
            Values::Bools(_) | Values::Words(..) => None,
        }
    }

    /// The most frequent values as text, each with the number of rows that have it. There are at
    /// most `most` values. The value with the most rows comes first, and values with equally many
    /// rows are sorted by their text.
    ///
    /// This is meant for columns of texts. In a column of numbers or times every row may have
    /// another value, and this method keeps a count for each value in memory.
    pub fn frequent(&self, most: usize) -> Vec<(String, usize)> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        match &self.values {
            Values::Words(codes, words) => {
                for (word, rows) in words.iter().zip(self::counts(codes, words.len())) {
                    *counts.entry(word.text().into_owned()).or_default() += rows;
                }
            }
            _ => {
                let mut rows: HashMap<u64, (usize, usize)> = HashMap::new();
                for row in 0..self.len() {
                    if let Some(bits) = self.bits(row) {
                        rows.entry(bits).or_insert((row, 0)).1 += 1;
                    }
                }
                for (row, count) in rows.into_values() {
                    let text = self.text(row).map(Cow::into_owned).unwrap_or_default();
                    counts.insert(text, count);
                }
            }
        }
        let mut counted: Vec<_> = counts.into_iter().filter(|c| c.1 > 0).collect();
        counted.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        counted.truncate(most);
        counted
    }

    /// The value of a row as 64 bits. The bits of two rows of the column are equal exactly if the
    /// values are equal, so rows can be counted by value without making a text for each. `None` for
    /// null and for texts. Texts are only in columns with a dictionary, whose entries are counted
    /// instead.
    fn bits(&self, row: usize) -> Option<u64> {
        match self.value(row) {
            Value::Number(Number::Float(number)) => Some(number.to_bits()),
            Value::Number(number) => Some(number.whole()? as u64),
            Value::Time(time) => Some(time as u64),
            Value::Bool(truth) => Some(truth.into()),
            Value::Null | Value::Text(_) => None,
        }
    }

    /// Returns true if some of the column's values are texts in the source.
    pub(super) fn has_texts(&self) -> bool {
        match &self.values {
            Values::Words(_, words) => words
                .iter()
                .any(|word| matches!(word, DictionaryEntry::Text(_))),
            _ => self.written != Spelling::Typed,
        }
    }

    /// Computes a result from all values of the column, on all cores. `tell(result, value, rows)`
    /// returns the result so far with one more value, which `rows` rows have. It is called once for
    /// each entry of a dictionary, with the number of its rows; in any other column once for each
    /// row that has a value, with 1. `join` combines the results of two parts of the values, in
    /// their order.
    pub(super) fn gather<T: Default + Send>(
        &self,
        tell: impl Fn(T, &Value<'_>, usize) -> T + Sync + Send,
        join: impl Fn(T, T) -> T + Sync + Send,
    ) -> T {
        if let Values::Words(codes, words) = &self.values {
            let rows = counts(codes, words.len());
            let words = words.par_iter().zip(rows);
            let parts = words.fold(T::default, |all, (word, rows)| {
                tell(all, &word.value(), rows)
            });
            return parts.reduce(T::default, join);
        }
        let rows = (0..self.len()).into_par_iter();
        let parts = rows.fold(T::default, |all, row| match self.value(row) {
            Value::Null => all,
            value => tell(all, &value, 1),
        });
        parts.reduce(T::default, join)
    }

    /// A row's value as it is stored. A text that is stored as a number or a time is returned as
    /// that number or time.
    #[inline]
    pub(super) fn value(&self, row: usize) -> Value<'_> {
        let value = match &self.values {
            Values::Numbers(all) => all
                .get(row)
                .filter(|n| n.to_bits() != NULL_NUMBER.to_bits())
                .map(|&n| Value::Number(Number::Float(n))),
            Values::Whole(all) => all
                .get(row)
                .filter(|&&n| n != NULL_WHOLE)
                .map(|&n| Value::Number(Number::Whole(n.into()))),
            Values::Times(all) => all
                .get(row)
                .filter(|&&t| t != NULL_TIME)
                .map(|&t| Value::Time(t)),
            Values::Bools(all) => all
                .get(row)
                .filter(|&&b| b != NULL_BOOL)
                .map(|&b| Value::Bool(b == 1)),
            Values::Words(codes, words) => codes
                .at(row)
                .and_then(|code| words.get(code))
                .map(DictionaryEntry::value),
        };
        value.unwrap_or(Value::Null)
    }
}

/// The number of rows that have each entry of a dictionary, in the order of the entries. `words` is
/// the number of entries.
fn counts(codes: &Codes, words: usize) -> Vec<usize> {
    let mut rows = vec![0; words];
    for row in 0..codes.len() {
        if let Some(count) = codes.at(row).and_then(|code| rows.get_mut(code)) {
            *count += 1;
        }
    }
    rows
}

fn number_of(value: &Value<'_>) -> Option<Number> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => Number::parse(text.as_bytes()),
        _ => None,
    }
}

fn time_of(value: &Value<'_>, times: &Times) -> Option<i64> {
    match value {
        Value::Time(time) => Some(*time),
        Value::Text(text) => times.read(text),
        _ => None,
    }
}

/// The type of a column with a dictionary: numbers if all entries can be read as numbers, else
/// times if all can be read as times, else texts.
fn kind_of(words: &[DictionaryEntry], times: &Times) -> ColumnKind {
    let all = |is: &dyn Fn(&DictionaryEntry) -> bool| !words.is_empty() && words.iter().all(is);
    if all(&|word| number_of(&word.value()).is_some()) {
        return ColumnKind::Number;
    }
    if all(&|word| time_of(&word.value(), times).is_some()) {
        return ColumnKind::Time;
    }
    ColumnKind::Text
}

/// The values of all rows, whose codes are `codes`, as numbers or as times. `None` unless all
/// entries of the dictionary, `words`, are texts of numbers, or all are texts of times.
pub(super) fn read_as(codes: &[u32], words: &[DictionaryEntry], times: &Times) -> Option<Values> {
    fn each<T: Copy>(codes: &[u32], words: &[T], null: T) -> Vec<T> {
        let value = |&code: &u32| words.get(code as usize).copied().unwrap_or(null);
        codes.iter().map(value).collect()
    }
    fn text(word: &DictionaryEntry) -> Option<Value<'_>> {
        matches!(word, DictionaryEntry::Text(_)).then(|| word.value())
    }
    let float = |word: &DictionaryEntry| match number_of(&text(word)?)? {
        Number::Float(number) => Some(number),
        Number::Whole(number) => i64::try_from(number)
            .ok()
            .and_then(crate::number::exact::as_float),
    };
    if let Some(read) = words.iter().map(float).collect::<Option<Vec<_>>>() {
        return Some(Values::Numbers(each(codes, &read, NULL_NUMBER)));
    }
    let whole = |word: &DictionaryEntry| {
        number_of(&text(word)?)?
            .whole()
            .filter(|n| *n != NULL_WHOLE)
    };
    if let Some(read) = words.iter().map(whole).collect::<Option<Vec<_>>>() {
        return Some(Values::Whole(each(codes, &read, NULL_WHOLE)));
    }
    let time = |word: &DictionaryEntry| time_of(&text(word)?, times).filter(|t| *t != NULL_TIME);
    let read = words.iter().map(time).collect::<Option<Vec<_>>>()?;
    Some(Values::Times(each(codes, &read, NULL_TIME)))
}
