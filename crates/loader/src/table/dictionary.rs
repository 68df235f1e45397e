//! Columns whose values are of many kinds, or texts: each different one once.

use crate::filter::Value;
use crate::number::exact::Number;
use crate::time::time_text;
use std::borrow::Cow;
use std::collections::HashMap;

/// A value that is kept once, however many rows have it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Text(Box<str>),
    Other(Box<Other>),
}

/// A value of another kind, in a column that has texts too, or numbers of any length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Other {
    Number(Number),
    Time(i64),
    Bool(bool),
}

impl Word {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Other(other) => match **other {
                Other::Number(number) => Value::Number(number),
                Other::Time(time) => Value::Time(time),
                Other::Bool(truth) => Value::Bool(truth),
            },
        }
    }

    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Other(other) => Cow::Owned(match **other {
                Other::Number(number) => number.text(),
                Other::Time(time) => time_text(time),
                Other::Bool(truth) => truth.to_string(),
            }),
        }
    }

    /// Bytes that it holds beside its own.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Other(_) => size_of::<Other>(),
        }
    }
}

/// Words while rows come in.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(super) codes: Vec<u32>,
    pub(super) words: Vec<Word>,
    texts: HashMap<Box<str>, u32>,
    others: HashMap<(u8, i128), u32>,
}

impl Words {
    pub(super) const NULL: u32 = u32::MAX;

    /// So many rows without a value.
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

    pub(super) fn push_other(&mut self, other: Other) {
        let code = self.code_of_other(other);
        self.codes.push(code);
    }

    fn code_of(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.texts.get(text) {
            return code;
        }
        let code = self.add(Word::Text(text.into()));
        self.texts.insert(text.into(), code);
        code
    }

    fn code_of_other(&mut self, other: Other) -> u32 {
        let key = match other {
            Other::Number(Number::Whole(number)) => (0, number),
            Other::Number(Number::Float(number)) => (1, i128::from(number.to_bits())),
            Other::Time(time) => (2, i128::from(time)),
            Other::Bool(truth) => (3, i128::from(truth)),
        };
        if let Some(&code) = self.others.get(&key) {
            return code;
        }
        let code = self.add(Word::Other(Box::new(other)));
        self.others.insert(key, code);
        code
    }

    fn add(&mut self, word: Word) -> u32 {
        let code = u32::try_from(self.words.len()).unwrap_or(Self::NULL);
        self.words.push(word);
        code
    }

    /// Adds the rows that follow.
    pub(super) fn append(&mut self, more: Self) {
        let code = |word: &Word| match word {
            Word::Text(text) => self.code_of(text),
            Word::Other(other) => self.code_of_other(**other),
        };
        let codes: Vec<u32> = more.words.iter().map(code).collect();
        let code = |code: u32| codes.get(code as usize).copied().unwrap_or(Self::NULL);
        self.codes.extend(more.codes.into_iter().map(code));
    }
}
