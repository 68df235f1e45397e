//! Columns while rows come in: what kind they are shows by and by.
//!
//! A column is numbers, times or truths as long as all of its values are; else it is texts. A
//! text that reads as a number or a time is taken for one, so what a file has no types for gets
//! some; only what looks like a name (`007`, numbers of over 15 digits) makes a column of texts.
//! In one of those, numbers and times are written in one way whatever they were written like.

use super::column::{Codes, Column, NULL_BOOL, NULL_NUMBER, NULL_TIME, Values};
use crate::filter::{Reads, Value};
use jiff::Timestamp;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;

/// Values of kept columns on their way into a [`Table`](super::Table): those of some points, in
/// the order in which a source gave them.
#[derive(Debug, Default)]
pub struct Kept {
    columns: Vec<Growing>,
    points: usize,
}

impl Kept {
    /// Nothing yet, of so many columns.
    pub(crate) fn of(columns: usize) -> Self {
        let nothing = || Growing::Nulls(0);
        Self {
            columns: std::iter::repeat_with(nothing).take(columns).collect(),
            points: 0,
        }
    }

    /// Fills the columns up to a count of points with a row's values.
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
                column.push(value.clone());
            }
            column.push(value);
        }
    }

    /// Adds the values of the points that follow.
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

    pub(crate) fn into_columns(self) -> Vec<Growing> {
        self.columns
    }
}

/// A column that grows.
#[derive(Debug)]
pub(crate) enum Growing {
    /// So many rows, none with a value.
    Nulls(usize),
    Numbers(Vec<f64>),
    Times(Vec<i64>),
    Bools(Vec<u8>),
    Texts(Texts),
}

/// A value of a certain kind.
enum Sorted<'a> {
    Number(f64),
    Time(i64),
    Bool(bool),
    /// A text that is kept as one.
    Text(Cow<'a, str>),
}

impl<'a> Sorted<'a> {
    fn of(value: Value<'a>) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            // any other NaN would be taken for a null
            Value::Number(number) if number.is_nan() => Self::Number(f64::NAN),
            Value::Number(number) => Self::Number(number),
            Value::Time(time) => Self::Time(time.max(NULL_TIME + 1)),
            Value::Bool(truth) => Self::Bool(truth),
            Value::Text(text) => match Reads::of(&text) {
                Reads::Number(number) if !is_name(&text) => Self::Number(number),
                Reads::Time(time) => Self::Time(time),
                _ => Self::Text(text),
            },
        })
    }

    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Number(number) => number_text(number).into(),
            Self::Time(time) => time_text(time).into(),
            Self::Bool(truth) => truth.to_string().into(),
            Self::Text(Cow::Borrowed(text)) => text.trim().into(),
            Self::Text(Cow::Owned(text)) => text.trim().to_owned().into(),
        }
    }
}

/// Whether digits are a name: a leading zero would be lost, or some of many digits.
fn is_name(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let leading_zero = matches!(digits, [b'0', b'0'..=b'9', ..]);
    leading_zero || digits.iter().filter(|b| b.is_ascii_digit()).count() > 15
}

/// A number as it is read again: `5`, `0.1`, `1e300`.
pub(super) fn number_text(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-5..1e16).contains(&size) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// A time as it is read again; what no calendar has is a number.
pub(super) fn time_text(time: i64) -> String {
    Timestamp::from_millisecond(time).map_or_else(|_| time.to_string(), |t| t.to_string())
}

impl Growing {
    fn push(&mut self, value: Value<'_>) {
        if let (Self::Texts(texts), Value::Text(text)) = (&mut *self, &value) {
            return texts.push_raw(text);
        }
        let Some(value) = Sorted::of(value) else {
            return self.push_nulls(1);
        };
        match (&mut *self, value) {
            (Self::Numbers(all), Sorted::Number(number)) => all.push(number),
            (Self::Times(all), Sorted::Time(time)) => all.push(time),
            (Self::Bools(all), Sorted::Bool(truth)) => all.push(u8::from(truth)),
            (Self::Texts(texts), value) => texts.push(&value.into_text()),
            (Self::Nulls(rows), value) => {
                *self = Self::first(*rows, value);
            }
            (_, value) => self.add_to_texts(|texts| texts.push(&value.into_text())),
        }
    }

    /// A column of one value behind some rows without.
    fn first(nulls: usize, value: Sorted<'_>) -> Self {
        fn behind<T: Clone>(nulls: usize, null: T, value: T) -> Vec<T> {
            let mut all = vec![null; nulls];
            all.push(value);
            all
        }
        match value {
            Sorted::Number(number) => Self::Numbers(behind(nulls, NULL_NUMBER, number)),
            Sorted::Time(time) => Self::Times(behind(nulls, NULL_TIME, time)),
            Sorted::Bool(truth) => Self::Bools(behind(nulls, NULL_BOOL, u8::from(truth))),
            text @ Sorted::Text(_) => {
                let mut texts = Texts::default();
                texts.codes.resize(nulls, Texts::NULL);
                texts.push(&text.into_text());
                Self::Texts(texts)
            }
        }
    }

    fn push_nulls(&mut self, count: usize) {
        match self {
            Self::Nulls(rows) => *rows += count,
            Self::Numbers(all) => all.resize(all.len() + count, NULL_NUMBER),
            Self::Times(all) => all.resize(all.len() + count, NULL_TIME),
            Self::Bools(all) => all.resize(all.len() + count, NULL_BOOL),
            Self::Texts(texts) => texts.codes.resize(texts.codes.len() + count, Texts::NULL),
        }
    }

    fn append(&mut self, more: Self) {
        match (&mut *self, more) {
            (_, Self::Nulls(count)) => self.push_nulls(count),
            (Self::Nulls(count), mut more) => {
                more.push_nulls_before(*count);
                *self = more;
            }
            (Self::Numbers(all), Self::Numbers(more)) => all.extend(more),
            (Self::Times(all), Self::Times(more)) => all.extend(more),
            (Self::Bools(all), Self::Bools(more)) => all.extend(more),
            (_, more) => self.add_to_texts(|texts| texts.append(more.into_texts())),
        }
    }

    fn push_nulls_before(&mut self, count: usize) {
        fn before<T: Clone>(all: &mut Vec<T>, count: usize, null: T) {
            all.splice(..0, std::iter::repeat_n(null, count));
        }
        match self {
            Self::Nulls(rows) => *rows += count,
            Self::Numbers(all) => before(all, count, NULL_NUMBER),
            Self::Times(all) => before(all, count, NULL_TIME),
            Self::Bools(all) => before(all, count, NULL_BOOL),
            Self::Texts(texts) => before(&mut texts.codes, count, Texts::NULL),
        }
    }

    /// Makes it a column of texts and adds to that.
    fn add_to_texts(&mut self, add: impl FnOnce(&mut Texts)) {
        let mut texts = std::mem::replace(self, Self::Nulls(0)).into_texts();
        add(&mut texts);
        *self = Self::Texts(texts);
    }

    fn into_texts(self) -> Texts {
        let mut texts = Texts::default();
        let mut add = |is_null, value: Sorted<'_>| {
            if is_null {
                texts.codes.push(Texts::NULL);
            } else {
                texts.push(&value.into_text());
            }
        };
        match self {
            Self::Texts(texts) => return texts,
            Self::Nulls(rows) => texts.codes.resize(rows, Texts::NULL),
            Self::Numbers(all) => all
                .into_iter()
                .for_each(|n| add(n.to_bits() == NULL_NUMBER.to_bits(), Sorted::Number(n))),
            Self::Times(all) => all
                .into_iter()
                .for_each(|t| add(t == NULL_TIME, Sorted::Time(t))),
            Self::Bools(all) => all
                .into_iter()
                .for_each(|b| add(b == NULL_BOOL, Sorted::Bool(b == 1))),
        }
        texts
    }

    /// The column under its name, its rows in an order.
    pub(super) fn finish(self, name: String, order: &[u32]) -> Column {
        fn gathered<T: Copy + Send + Sync>(all: &[T], order: &[u32], null: T) -> Vec<T> {
            let value = |&at: &u32| all.get(at as usize).copied().unwrap_or(null);
            order.par_iter().map(value).collect()
        }
        let values = match self {
            Self::Nulls(_) => Values::Texts(Codes::of(vec![0; order.len()], 0), Vec::new()),
            Self::Numbers(all) => Values::Numbers(gathered(&all, order, NULL_NUMBER)),
            Self::Times(all) => Values::Times(gathered(&all, order, NULL_TIME)),
            Self::Bools(all) => Values::Bools(gathered(&all, order, NULL_BOOL)),
            Self::Texts(Texts {
                codes,
                words,
                known,
            }) => {
                drop(known);
                let null = words.len() as u32;
                let mut codes = gathered(&codes, order, Texts::NULL);
                for code in &mut codes {
                    *code = (*code).min(null);
                }
                Values::Texts(Codes::of(codes, words.len()), words)
            }
        };
        Column::new(name, values)
    }
}

/// Texts, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    codes: Vec<u32>,
    words: Vec<Box<str>>,
    /// The codes of words, and of texts that stand for them.
    known: HashMap<Box<str>, u32>,
}

impl Texts {
    const NULL: u32 = u32::MAX;

    fn push(&mut self, word: &str) {
        let code = self.code(word);
        self.codes.push(code);
    }

    /// Adds a text as it is in a file.
    fn push_raw(&mut self, text: &str) {
        if let Some(&code) = self.known.get(text) {
            return self.codes.push(code);
        }
        let word = Sorted::of(Value::Text(text.into())).map(Sorted::into_text);
        let code = self.code(word.as_deref().unwrap_or(text));
        self.known.insert(text.into(), code);
        self.codes.push(code);
    }

    fn code(&mut self, word: &str) -> u32 {
        if let Some(&code) = self.known.get(word) {
            return code;
        }
        let code = u32::try_from(self.words.len()).unwrap_or(Self::NULL);
        self.words.push(word.into());
        self.known.insert(word.into(), code);
        code
    }

    fn append(&mut self, more: Self) {
        let codes: Vec<u32> = more.words.iter().map(|word| self.code(word)).collect();
        let code = |code: u32| codes.get(code as usize).copied().unwrap_or(Self::NULL);
        self.codes.extend(more.codes.into_iter().map(code));
    }
}
