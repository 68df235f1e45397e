//! Builders of columns. They infer a column's type from its values.
//!
//! A column has the type of its values if all of them are numbers, times or Booleans. Otherwise it
//! is a dictionary. Texts that read as numbers or times are stored as numbers or times, if all
//! texts of the column have one spelling, such as two digits after the point. So a column of a file
//! without types takes no more memory than a typed one, and each text can still be written as it
//! was in the file.

use super::column::{Column, NULL_BOOL, NULL_NUMBER, NULL_TIME, NULL_WHOLE, Values};
use super::dictionary::{Dictionary, TypedEntry};
use super::spelling::{NumberSpelling, Spelling, TimeSpelling};
use crate::number;
use crate::number::exact::{Number, as_float};
use crate::time::Times;
use crate::value::Value;
use std::borrow::Cow;

/// The builder of a [`Table`](super::Table). It has the values of the kept columns for some points,
/// in the order of the source.
#[derive(Debug, Default)]
pub struct TableBuilder {
    pub(super) columns: Vec<ColumnBuilder>,
    /// The number of rows.
    pub(super) points: usize,
    /// The formats of times in the source.
    pub(super) times: Times,
}

impl TableBuilder {
    /// A builder of `columns` columns, which have no rows yet.
    pub(crate) fn new(columns: usize, times: &Times) -> Self {
        let nothing = || ColumnBuilder::Nulls(0);
        Self {
            columns: std::iter::repeat_with(nothing).take(columns).collect(),
            points: 0,
            times: times.clone(),
        }
    }

    /// Appends the values of one row, once for each point that the row gave: none, one or several.
    /// `points` is the number of points of this and all earlier rows; afterwards every column has
    /// as many values. `value(i)` returns the row's value in column `i`, counted from 0.
    #[inline]
    pub(crate) fn fill<'v>(&mut self, points: usize, mut value: impl FnMut(usize) -> Value<'v>) {
        let missing = points.saturating_sub(self.points);
        self.points = points;
        if missing == 0 {
            return;
        }
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = value(at);
            for _ in 1..missing {
                column.push(value.borrowed(), &self.times);
            }
            column.push(value, &self.times);
        }
    }

    /// Appends the values of `more`, whose points come later in the source.
    pub(crate) fn append(&mut self, more: Self) {
        if self.columns.is_empty() {
            *self = more;
            return;
        }
        self.points += more.points;
        for (column, more) in self.columns.iter_mut().zip(more.columns) {
            column.append(more);
        }
    }

    /// Returns, for each column, true if the column has a value in at least one row.
    pub(crate) fn has_values(&self) -> impl Iterator<Item = bool> + '_ {
        let columns = self.columns.iter();
        columns.map(|column| !matches!(column, ColumnBuilder::Nulls(_)))
    }

    /// Appends the values of `more`, whose points come later in the source.
    pub fn add(&mut self, more: Self) {
        self.append(more);
    }

    pub(crate) fn into_columns(self) -> Vec<ColumnBuilder> {
        self.columns
    }
}

/// A column under construction. Numbers and times have a spelling, the form in which all texts of
/// the column are written in the source. It is `None` if the source has typed values and no texts.
#[derive(Debug)]
pub(crate) enum ColumnBuilder {
    /// Rows without a value. The field is their count.
    Nulls(usize),
    /// Whole numbers, some of which `f64` can't represent. The flag is true if the source has them
    /// as texts, and false if it has them as numbers.
    Whole(Vec<i64>, bool),
    Numbers(Vec<f64>, Option<NumberSpelling>),
    Times(Vec<i64>, Option<TimeSpelling>),
    Bools(Vec<u8>),
    Words(Dictionary),
}

/// A value with its inferred type. Numbers and times have a spelling, the form in which the value's
/// text is written in the source. It is `None` if the source has a typed value and no text.
enum TypedValue<'a> {
    /// A whole number that `f64` can't represent. The flag is true if the source has it as text,
    /// and false if it has it as a number.
    Whole(i64, bool),
    Number(f64, Option<NumberSpelling>),
    Time(i64, Option<TimeSpelling>),
    Bool(bool),
    Text(Cow<'a, str>),
    /// A whole number that a column of `i64` can't store, so that only a dictionary can.
    Other(Number),
}

impl<'a> TypedValue<'a> {
    fn from_value(value: Value<'a>, times: &Times) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            // Every NaN is replaced by this NaN, since another NaN might have the bits that stand
            // for null.
            Value::Number(Number::Float(number)) if number.is_nan() => Self::Number(f64::NAN, None),
            Value::Number(Number::Float(number)) => Self::Number(number, None),
            Value::Number(number) => match number.whole().filter(|n| *n != NULL_WHOLE) {
                Some(whole) => match as_float(whole) {
                    Some(float) => Self::Number(float, None),
                    None => Self::Whole(whole, false),
                },
                None => Self::Other(number),
            },
            Value::Time(time) => Self::Time(time.max(NULL_TIME + 1), None),
            Value::Bool(truth) => Self::Bool(truth),
            Value::Text(text) => Self::from_text(text, times),
        })
    }

    fn from_text(text: Cow<'a, str>, times: &Times) -> Self {
        let trimmed = text.trim();
        if let Some(spelling) = NumberSpelling::detect(trimmed)
            && let Some(number) = number::parse(trimmed.as_bytes())
        {
            return Self::Number(number, Some(spelling));
        }
        let whole = trimmed.parse::<i64>().ok().filter(|n| *n != NULL_WHOLE);
        if let Some(whole) = whole.filter(|_| is_plain(trimmed)) {
            return Self::Whole(whole, true);
        }
        let is_date = matches!(trimmed.as_bytes(), [b'0'..=b'9', _, _, _, b'-' | b'/', ..]);
        if is_date
            && let Some(time) = times.read(trimmed)
            && let Some(spelling) = TimeSpelling::detect(trimmed, time)
        {
            return Self::Time(time, Some(spelling));
        }
        Self::Text(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(_) => Cow::Owned(trimmed.to_owned()),
        })
    }

    fn into_words(self, words: &mut Dictionary) {
        match self {
            Self::Whole(number, true) => words.push_text(&number.to_string()),
            Self::Number(number, Some(spelling)) => words.push_text(&spelling.write(number)),
            Self::Time(time, Some(spelling)) => words.push_text(&spelling.write(time)),
            Self::Text(text) => words.push_text(&text),
            Self::Whole(number, false) => {
                words.push_other(TypedEntry::Number(Number::Whole(number.into())));
            }
            Self::Number(number, None) => {
                words.push_other(TypedEntry::Number(Number::Float(number)))
            }
            Self::Other(number) => words.push_other(TypedEntry::Number(number)),
            Self::Time(time, None) => words.push_other(TypedEntry::Time(time)),
            Self::Bool(truth) => words.push_other(TypedEntry::Bool(truth)),
        }
    }
}

/// Returns true if a whole number other than 0 is written as programs print it: without a plus sign
/// and without leading zeros.
fn is_plain(digits: &str) -> bool {
    matches!(
        digits.as_bytes(),
        [b'1'..=b'9', ..] | [b'-', b'1'..=b'9', ..]
    )
}

/// The spelling (form of texts) that fits two parts of one column. `a` and `b` are the spellings of
/// the parts, `None` for a part without texts. `and` returns the spelling that fits the texts of
/// both of its arguments; `None` if there is none. Returns:
///
/// - `Some(None)` if neither part has texts;
/// - `Some` of the spelling that fits both parts;
/// - `None` if no spelling fits both parts, or if only one part has texts: then the column can't be
///   stored as numbers or times.
pub(super) fn both<T>(
    a: Option<T>,
    b: Option<T>,
    and: impl FnOnce(T, T) -> Option<T>,
) -> Option<Option<T>> {
    match (a, b) {
        (None, None) => Some(None),
        (Some(a), Some(b)) => and(a, b).map(Some),
        _ => None,
    }
}

/// A list of `nulls` copies of `null`, followed by `value`.
fn behind<T: Clone>(nulls: usize, null: T, value: T) -> Vec<T> {
    let mut all = vec![null; nulls];
    all.push(value);
    all
}

impl ColumnBuilder {
    fn push(&mut self, value: Value<'_>, times: &Times) {
        if let (Self::Words(words), Value::Text(text)) = (&mut *self, &value) {
            return words.push_text(text.trim());
        }
        match TypedValue::from_value(value, times) {
            None => self.push_nulls(1),
            Some(value) => self.push_typed(value),
        }
    }

    fn push_typed(&mut self, value: TypedValue<'_>) {
        match (&mut *self, value) {
            (Self::Nulls(rows), value) => *self = Self::first(*rows, value),
            (Self::Words(words), value) => value.into_words(words),
            (Self::Bools(all), TypedValue::Bool(truth)) => all.push(u8::from(truth)),
            (Self::Whole(all, texts), TypedValue::Whole(number, text)) if *texts == text => {
                all.push(number);
            }
            (Self::Numbers(all, known), TypedValue::Number(number, new)) => {
                match both(*known, new, NumberSpelling::and) {
                    Some(spelling) => {
                        all.push(number);
                        *known = spelling;
                    }
                    None => self.push_word(TypedValue::Number(number, new)),
                }
            }
            (Self::Times(all, known), TypedValue::Time(time, new)) => {
                match both(*known, new, TimeSpelling::and) {
                    Some(spelling) => {
                        all.push(time);
                        *known = spelling;
                    }
                    None => self.push_word(TypedValue::Time(time, new)),
                }
            }
            (
                Self::Whole(..) | Self::Numbers(..),
                value @ (TypedValue::Whole(..) | TypedValue::Number(..)),
            ) => {
                self.append(Self::first(0, value));
            }
            (_, value) => self.push_word(value),
        }
    }

    /// A column whose first `nulls` rows have no value, and whose next and last row has `value`.
    fn first(nulls: usize, value: TypedValue<'_>) -> Self {
        match value {
            TypedValue::Whole(number, text) => Self::Whole(behind(nulls, NULL_WHOLE, number), text),
            TypedValue::Number(number, spelling) => {
                Self::Numbers(behind(nulls, NULL_NUMBER, number), spelling)
            }
            TypedValue::Time(time, spelling) => {
                Self::Times(behind(nulls, NULL_TIME, time), spelling)
            }
            TypedValue::Bool(truth) => Self::Bools(behind(nulls, NULL_BOOL, u8::from(truth))),
            word @ (TypedValue::Text(_) | TypedValue::Other(_)) => {
                let mut words = Dictionary::nulls(nulls);
                word.into_words(&mut words);
                Self::Words(words)
            }
        }
    }

    fn push_nulls(&mut self, count: usize) {
        match self {
            Self::Nulls(rows) => *rows += count,
            Self::Whole(all, _) => all.resize(all.len() + count, NULL_WHOLE),
            Self::Numbers(all, _) => all.resize(all.len() + count, NULL_NUMBER),
            Self::Times(all, _) => all.resize(all.len() + count, NULL_TIME),
            Self::Bools(all) => all.resize(all.len() + count, NULL_BOOL),
            Self::Words(words) => words.push_nulls(count),
        }
    }

    fn push_nulls_before(&mut self, count: usize) {
        fn before<T: Clone>(all: &mut Vec<T>, count: usize, null: T) {
            all.splice(..0, std::iter::repeat_n(null, count));
        }
        match self {
            Self::Nulls(rows) => *rows += count,
            Self::Whole(all, _) => before(all, count, NULL_WHOLE),
            Self::Numbers(all, _) => before(all, count, NULL_NUMBER),
            Self::Times(all, _) => before(all, count, NULL_TIME),
            Self::Bools(all) => before(all, count, NULL_BOOL),
            Self::Words(words) => before(&mut words.codes, count, Dictionary::NULL),
        }
    }

    /// Appends the rows of `more`, which come later in the source.
    fn append(&mut self, mut more: Self) {
        match (&mut *self, &mut more) {
            (_, Self::Nulls(count)) => return self.push_nulls(*count),
            (Self::Nulls(count), more) => {
                more.push_nulls_before(*count);
                std::mem::swap(self, more);
                return;
            }
            (Self::Whole(all, texts), Self::Whole(more, text)) if texts == text => {
                return all.append(more);
            }
            (Self::Numbers(all, known), Self::Numbers(more, new)) => {
                if let Some(spelling) = both(*known, *new, NumberSpelling::and) {
                    *known = spelling;
                    return all.append(more);
                }
            }
            (Self::Times(all, known), Self::Times(more, new)) => {
                if let Some(spelling) = both(*known, *new, TimeSpelling::and) {
                    *known = spelling;
                    return all.append(more);
                }
            }
            (Self::Bools(all), Self::Bools(more)) => return all.append(more),
            (Self::Whole(..), Self::Numbers(..)) | (Self::Numbers(..), Self::Whole(..)) => {
                if self.make_whole() && more.make_whole() {
                    return self.append(more);
                }
                if self.make_numbers() && more.make_numbers() {
                    return self.append(more);
                }
            }
            _ => (),
        }
        self.add_words(|words| words.append(more.into_words()));
    }

    /// Converts floating-point numbers to whole numbers, if all of them are whole. Returns true if
    /// the column has whole numbers after this call.
    fn make_whole(&mut self) -> bool {
        let Self::Numbers(all, spelling) = self else {
            return matches!(self, Self::Whole(..));
        };
        let texts = spelling.is_some();
        if spelling.is_some_and(|spelling| !spelling.is_whole()) {
            return false;
        }
        let whole = |&number: &f64| {
            if number.to_bits() == NULL_NUMBER.to_bits() {
                return Some(NULL_WHOLE);
            }
            Number::Float(number).whole()
        };
        let whole: Option<Vec<i64>> = all.iter().map(whole).collect();
        let Some(whole) = whole else {
            return false;
        };
        *self = Self::Whole(whole, texts);
        true
    }

    /// Converts whole numbers to floating-point numbers, if that changes no number and if the
    /// numbers are no texts in the source. Returns true if the column has floating-point numbers
    /// after this call.
    fn make_numbers(&mut self) -> bool {
        let Self::Whole(all, false) = self else {
            return matches!(self, Self::Numbers(..));
        };
        let float = |&number: &i64| {
            if number == NULL_WHOLE {
                return Some(NULL_NUMBER);
            }
            as_float(number)
        };
        let floats: Option<Vec<f64>> = all.iter().map(float).collect();
        let Some(floats) = floats else {
            return false;
        };
        *self = Self::Numbers(floats, None);
        true
    }

    fn push_word(&mut self, value: TypedValue<'_>) {
        self.add_words(|words| value.into_words(words));
    }

    /// Converts the column to a dictionary, and calls `add` to append to it.
    fn add_words(&mut self, add: impl FnOnce(&mut Dictionary)) {
        let mut words = std::mem::replace(self, Self::Nulls(0)).into_words();
        add(&mut words);
        *self = Self::Words(words);
    }

    fn into_words(self) -> Dictionary {
        let mut words = Dictionary::default();
        let mut add = |is_null, value: TypedValue<'_>| {
            if is_null {
                words.push_nulls(1);
            } else {
                value.into_words(&mut words);
            }
        };
        match self {
            Self::Words(known) => return known,
            Self::Nulls(rows) => words.push_nulls(rows),
            Self::Whole(all, texts) => all
                .into_iter()
                .for_each(|n| add(n == NULL_WHOLE, TypedValue::Whole(n, texts))),
            Self::Numbers(all, spelling) => all.into_iter().for_each(|n| {
                let is_null = n.to_bits() == NULL_NUMBER.to_bits();
                add(is_null, TypedValue::Number(n, spelling));
            }),
            Self::Times(all, spelling) => all
                .into_iter()
                .for_each(|t| add(t == NULL_TIME, TypedValue::Time(t, spelling))),
            Self::Bools(all) => all
                .into_iter()
                .for_each(|b| add(b == NULL_BOOL, TypedValue::Bool(b == 1))),
        }
        words
    }

    /// Finishes the column. `order` has, for each point of the spatial index, the number of its row
    /// in the source, counted from 0.
    pub(super) fn finish(self, name: String, order: &[u32], times: &Times) -> Column {
        let (values, written) = match self {
            Self::Nulls(_) => {
                return Column::from_dictionary(name, Dictionary::nulls(order.len()), order, times);
            }
            Self::Words(words) => return Column::from_dictionary(name, words, order, times),
            Self::Whole(all, false) => (Values::Whole(all), Spelling::Typed),
            Self::Whole(all, true) => (Values::Whole(all), Spelling::Whole),
            Self::Numbers(all, spelling) => (
                Values::Numbers(all),
                spelling.map_or(Spelling::Typed, Spelling::Number),
            ),
            Self::Times(all, spelling) => (
                Values::Times(all),
                spelling.map_or(Spelling::Typed, Spelling::Time),
            ),
            Self::Bools(all) => (Values::Bools(all), Spelling::Typed),
        };
        Column::new(name, values.in_order(order), written, times)
    }
}
