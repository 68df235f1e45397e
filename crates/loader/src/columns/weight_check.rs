//! Check of a column of weights that was chosen by its name alone. It is used only if its first
//! values are numbers.
//!
//! At least 95 in 100 of the first [`ENOUGH`] values must be numbers. Empty values don't count, and
//! neither do words for a missing value (`NA`, `null` or `-`).

use crate::columns::{Columns, quoted};
use crate::messages::shown;
use crate::number::format::NumberFormat;
use crate::number::{self, exact::Number};
use crate::value::Value;
use std::sync::{Arc, OnceLock};

/// The most values of a column that are examined to decide whether it holds weights: a choice.
pub(crate) const ENOUGH: u64 = 1000;

/// Counts of the numbers and of other values among a column's first values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WeightSample {
    numbers: u64,
    others: u64,
    /// The first value that is no number, as [`shown`] quotes it for messages; `None` if all are
    /// numbers.
    example: Option<String>,
}

impl WeightSample {
    pub(crate) fn is_enough(&self) -> bool {
        self.numbers + self.others >= ENOUGH
    }

    /// Counts a text as a number with a decimal point or as another value. An empty text or a word
    /// for a missing value is not counted.
    pub(crate) fn note(&mut self, text: &[u8]) {
        self.note_as(text, NumberFormat::Point);
    }

    /// Counts a text as a number in the notation `format` or as another value. An empty text or a
    /// word for a missing value is not counted.
    pub(crate) fn note_as(&mut self, text: &[u8], format: NumberFormat) {
        if self.is_enough() || number::is_missing(text) {
            return;
        }
        if format.parse_weight(text).is_some() {
            self.numbers += 1;
        } else {
            self.other(|| shown(text));
        }
    }

    /// Counts a value of a format with typed values, which may be a number, a text, a time, a
    /// Boolean or null.
    pub(crate) fn note_value(&mut self, value: &Value<'_>) {
        match value {
            _ if self.is_enough() => (),
            Value::Null => (),
            Value::Text(text) => self.note(text.as_bytes()),
            Value::Number(Number::Float(n)) if n.is_nan() => (),
            Value::Number(Number::Float(n)) if !(*n as f32).is_finite() => {
                self.other(|| n.to_string());
            }
            Value::Number(_) | Value::Bool(_) => self.numbers += 1,
            Value::Time(_) => self.other(|| "a date or time".to_owned()),
        }
    }

    fn other(&mut self, shown: impl FnOnce() -> String) {
        self.others += 1;
        self.example.get_or_insert_with(shown);
    }

    /// Returns true if at least 95 in 100 of the counted values are numbers; false if none was
    /// counted.
    pub(crate) fn are_numbers(&self) -> bool {
        self.numbers > 0 && self.numbers * 20 >= (self.numbers + self.others) * 19
    }
}

impl Columns {
    /// Drops the column of weights if it was chosen by its name alone and fewer than 95 in 100 of
    /// its first values, which `looks` counts, are numbers. [`Columns::why`] then states why every
    /// row counts 1.
    pub(crate) fn settle(&mut self, looks: &WeightSample) {
        let Some(guess) = self.guess.take_if(|_| !looks.are_numbers()) else {
            return;
        };
        let name = self.weight.take().unwrap_or_default();
        let name = quoted(&[name], 0);
        let holds = match &looks.example {
            Some(example) => format!("holds {example}"),
            None => "has no values at first".to_owned(),
        };
        self.why = format!(
            "{}, every row counts 1 ({name} is called like a weight and {holds}; `weight` NAME \
             takes it all the same)",
            guess.positions
        );
    }
}

/// The decision whether a column holds weights, for several readers of one source. One of the
/// readers decides for all, so that all of them treat the column alike.
pub(crate) struct WeightDecision {
    looks: WeightSample,
    /// True for the one reader that decides whether the column holds weights. The others wait for
    /// it.
    decides: bool,
    verdict: Arc<OnceLock<WeightSample>>,
}

impl WeightDecision {
    pub(crate) fn new(decides: bool, verdict: &Arc<OnceLock<WeightSample>>) -> Self {
        Self {
            looks: WeightSample::default(),
            decides,
            verdict: Arc::clone(verdict),
        }
    }

    /// Counts the value that a record has in the column of weights, towards the decision. Does
    /// nothing in a reader that waits for another reader's decision.
    pub(crate) fn note(&mut self, value: &Value<'_>) {
        if self.decides {
            self.looks.note_value(value);
        }
    }

    /// Returns true if the column's values are numbers, so that they are used as weights. A reader
    /// that doesn't decide this itself waits for the reader that does.
    pub(crate) fn are_numbers(self) -> bool {
        let verdict = Arc::clone(&self.verdict);
        drop(self);
        verdict.wait().are_numbers()
    }
}

/// Publishes the decision when the deciding reader ends. This happens even if the reader ends
/// early, since the other readers wait for it.
impl Drop for WeightDecision {
    fn drop(&mut self) {
        if self.decides {
            let _ = self.verdict.set(std::mem::take(&mut self.looks));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(values: &[&str]) -> WeightSample {
        let mut looks = WeightSample::default();
        values.iter().for_each(|value| looks.note(value.as_bytes()));
        looks
    }

    #[test]
    fn nineteen_in_twenty_are_numbers() {
        let numbers = vec!["1.5"; 19];
        let of = |more: &[&str]| looks(&[&numbers[..], more].concat()).are_numbers();
        assert!(of(&["x"]) && of(&["", "NA", "-", "n/a", "x"]));
        assert!(!of(&["x", "y"]) && !looks(&[]).are_numbers() && !looks(&["NA"]).are_numbers());
        assert_eq!(looks(&["1", "3A", "7bis"]).example.unwrap(), "\"3A\"");
    }

    #[test]
    fn only_the_first_values_decide() {
        let mut values = vec!["1"; ENOUGH as usize];
        values.extend(["x"; 5000]);
        assert!(looks(&values).are_numbers());
    }
}
