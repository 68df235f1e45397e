//! Dictionaries: the storage for columns of texts and for columns whose values have several types.
//! Each different value is stored once, and each row has the value's code.

use crate::number::exact::Number;
use crate::time::time_text;
use crate::value::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// A value that a dictionary stores once for all rows that have it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum DictionaryEntry {
    Text(Box<str>),
    Other(Box<TypedEntry>),
}

/// A value of a dictionary that is no text in the source. Dictionaries have such values if the
/// values of a column have several types, or if a whole number is too large for a column of
/// numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TypedEntry {
    Number(Number),
    Time(i64),
    Bool(bool),
}

impl DictionaryEntry {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Other(other) => match **other {
                TypedEntry::Number(number) => Value::Number(number),
                TypedEntry::Time(time) => Value::Time(time),
                TypedEntry::Bool(truth) => Value::Bool(truth),
            },
        }
    }

    /// The value, as the source has it.
    pub(super) fn into_value(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::text(text),
            Self::Other(other) => match *other {
                TypedEntry::Number(number) => Value::Number(number),
                TypedEntry::Time(time) => Value::Time(time),
                TypedEntry::Bool(truth) => Value::Bool(truth),
            },
        }
    }

    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Other(other) => Cow::Owned(match **other {
                TypedEntry::Number(number) => number.text(),
                TypedEntry::Time(time) => time_text(time),
                TypedEntry::Bool(truth) => truth.to_string(),
            }),
        }
    }

    /// The memory, in bytes, that the entry takes outside of the list of entries.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Other(_) => size_of::<TypedEntry>(),
        }
    }
}

/// A dictionary under construction: the code of each row, and the values by their codes.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    pub(super) codes: Vec<u32>,
    pub(super) words: Vec<DictionaryEntry>,
    texts: HashMap<Box<str>, u32>,
    others: HashMap<(u8, i128), u32>,
}

impl Dictionary {
    pub(super) const NULL: u32 = u32::MAX;

    /// A dictionary of `count` rows, none of which has a value.
    pub(super) fn nulls(count: usize) -> Self {
        Self {
            codes: vec![Self::NULL; count],
            ..Self::default()
        }
    }

    pub(super) fn push_nulls(&mut self, count: usize) {
        self.codes.resize(self.codes.len() + count, Self::NULL);
    }

    pub(super) fn push_text(&mut self, text: &str) {
        let code = self.code_of(text);
        self.codes.push(code);
    }

    pub(super) fn push_other(&mut self, other: TypedEntry) {
        let code = self.code_of_other(other);
        self.codes.push(code);
    }

    fn code_of(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.texts.get(text) {
            return code;
        }
        let code = self.add(DictionaryEntry::Text(text.into()));
        self.texts.insert(text.into(), code);
        code
    }

    fn code_of_other(&mut self, other: TypedEntry) -> u32 {
        let key = match other {
            TypedEntry::Number(Number::Whole(number)) => (0, number),
            TypedEntry::Number(Number::Float(number)) => (1, i128::from(number.to_bits())),
            TypedEntry::Time(time) => (2, i128::from(time)),
            TypedEntry::Bool(truth) => (3, i128::from(truth)),
        };
        if let Some(&code) = self.others.get(&key) {
            return code;
        }
        let code = self.add(DictionaryEntry::Other(Box::new(other)));
        self.others.insert(key, code);
        code
    }

    fn add(&mut self, word: DictionaryEntry) -> u32 {
        let code = u32::try_from(self.words.len()).unwrap_or(Self::NULL);
        self.words.push(word);
        code
    }

    /// Appends the rows of `more`, which come later in the source. Their codes are replaced by the
    /// codes that their values have in this dictionary.
    pub(super) fn append(&mut self, more: Self) {
        let code = |word: &DictionaryEntry| match word {
            DictionaryEntry::Text(text) => self.code_of(text),
            DictionaryEntry::Other(other) => self.code_of_other(**other),
        };
        let codes: Vec<u32> = more.words.iter().map(code).collect();
        let code = |code: u32| codes.get(code as usize).copied().unwrap_or(Self::NULL);
        self.codes.extend(more.codes.into_iter().map(code));
    }
}
