//! A column that is whole: its values in an index's order.

use super::growing::{number_text, time_text};
use crate::filter::Value;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

/// What stands for nothing among numbers: a NaN that no other is.
pub(super) const NULL_NUMBER: f64 = f64::from_bits(0x7ff8_6e75_6c6c_0001);
/// What stands for nothing among times.
pub(super) const NULL_TIME: i64 = i64::MIN;
/// What stands for nothing among truths.
pub(super) const NULL_BOOL: u8 = 2;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Numbers of 64 bits.
    Number,
    /// Texts.
    Text,
    /// Milliseconds since 1970, UTC.
    Time,
    /// True or false.
    Bool,
}

impl Kind {
    /// The kind's name: `number`, `text`, `time` or `bool`.
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
    /// How many rows have no value.
    nulls: usize,
}

#[derive(Debug)]
pub(super) enum Values {
    Numbers(Vec<f64>),
    Times(Vec<i64>),
    Bools(Vec<u8>),
    /// Which of the texts each row has; one more than there are stands for nothing.
    Texts(Codes, Vec<Box<str>>),
}

/// Whole numbers in as few bytes as they need.
#[derive(Debug)]
pub(super) enum Codes {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Codes {
    /// Numbers of at most `most`.
    pub(super) fn of(codes: Vec<u32>, most: usize) -> Self {
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
    pub(super) fn new(name: String, values: Values) -> Self {
        let mut column = Self {
            name,
            values,
            nulls: 0,
        };
        let null = |row: &usize| column.value(*row) == Value::Null;
        column.nulls = (0..column.len()).filter(null).count();
        column
    }

    /// The name that the source gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values are.
    pub fn kind(&self) -> Kind {
        match self.values {
            Values::Numbers(_) => Kind::Number,
            Values::Times(_) => Kind::Time,
            Values::Bools(_) => Kind::Bool,
            Values::Texts(..) => Kind::Text,
        }
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(all) => all.len(),
            Values::Times(all) => all.len(),
            Values::Bools(all) => all.len(),
            Values::Texts(codes, _) => codes.len(),
        }
    }

    /// How many rows have no value.
    pub fn nulls(&self) -> usize {
        self.nulls
    }

    /// Whether no row has a value.
    pub fn is_empty(&self) -> bool {
        self.nulls == self.len()
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        match &self.values {
            Values::Numbers(all) => 8 * all.capacity(),
            Values::Times(all) => 8 * all.capacity(),
            Values::Bools(all) => all.capacity(),
            Values::Texts(codes, words) => {
                let texts: usize = words.iter().map(|word| word.len()).sum();
                codes.bytes() + texts + size_of_val::<[Box<str>]>(words)
            }
        }
    }

    /// A row's number, or its time in milliseconds since 1970, or 0 or 1 of a truth.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self.value(row) {
            Value::Number(number) => Some(number),
            Value::Time(time) => Some(time as f64),
            Value::Bool(truth) => Some(f64::from(u8::from(truth))),
            Value::Null | Value::Text(_) => None,
        }
    }

    /// A row's value as text: numbers in their shortest form, times as `2010-03-01T00:00:00Z`.
    pub fn text(&self, row: usize) -> Option<Cow<'_, str>> {
        Some(match self.value(row) {
            Value::Text(text) => text,
            Value::Number(number) => number_text(number).into(),
            Value::Time(time) => time_text(time).into(),
            Value::Bool(truth) => truth.to_string().into(),
            Value::Null => return None,
        })
    }

    /// The least and the greatest of numbers or times, as text; `None` for other kinds.
    pub fn range(&self) -> Option<(String, String)> {
        match &self.values {
            Values::Numbers(all) => {
                let there = || all.iter().copied().filter(|n| !n.is_nan());
                let (low, high) = (there().reduce(f64::min)?, there().reduce(f64::max)?);
                Some((number_text(low), number_text(high)))
            }
            Values::Times(all) => {
                let there = || all.iter().copied().filter(|&t| t != NULL_TIME);
                Some((time_text(there().min()?), time_text(there().max()?)))
            }
            _ => None,
        }
    }

    /// The most frequent values and how many rows have them, the most frequent first and of
    /// equally frequent ones the lesser text; at most `most`.
    ///
    /// Of numbers and times there may be as many as there are rows: meant for columns of texts.
    pub fn frequent(&self, most: usize) -> Vec<(String, usize)> {
        let counted: Vec<(String, usize)> = match &self.values {
            Values::Texts(codes, words) => {
                let mut counts = vec![0; words.len()];
                for row in 0..codes.len() {
                    if let Some(count) = codes.at(row).and_then(|code| counts.get_mut(code)) {
                        *count += 1;
                    }
                }
                let words = words.iter().map(|word| word.to_string());
                words.zip(counts).collect()
            }
            _ => {
                let mut counts: HashMap<u64, (usize, usize)> = HashMap::new();
                for row in 0..self.len() {
                    if let Some(bits) = self.number(row).map(f64::to_bits) {
                        counts.entry(bits).or_insert((row, 0)).1 += 1;
                    }
                }
                let text = |row| self.text(row).map(Cow::into_owned).unwrap_or_default();
                counts
                    .into_values()
                    .map(|(row, n)| (text(row), n))
                    .collect()
            }
        };
        let mut counted: Vec<_> = counted.into_iter().filter(|c| c.1 > 0).collect();
        counted.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        counted.truncate(most);
        counted
    }

    /// What a row has.
    #[inline]
    pub(super) fn value(&self, row: usize) -> Value<'_> {
        let value = match &self.values {
            Values::Numbers(all) => all
                .get(row)
                .filter(|n| n.to_bits() != NULL_NUMBER.to_bits())
                .map(|&n| Value::Number(n)),
            Values::Times(all) => all
                .get(row)
                .filter(|&&t| t != NULL_TIME)
                .map(|&t| Value::Time(t)),
            Values::Bools(all) => all
                .get(row)
                .filter(|&&b| b != NULL_BOOL)
                .map(|&b| Value::Bool(b == 1)),
            Values::Texts(codes, words) => codes
                .at(row)
                .and_then(|code| words.get(code))
                .map(|word| Value::Text(Cow::Borrowed(word))),
        };
        value.unwrap_or(Value::Null)
    }
}
