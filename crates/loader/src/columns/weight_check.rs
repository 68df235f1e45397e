//! Check of a column of weights that was chosen by its name alone: its values decide if it is used.
//!
//! At least 95 in 100 of the first [`ENOUGH`] values must be numbers. Empty values don't count, nor
//! do words for a missing value (`NA`, `null`, `-`).

use crate::columns::{Columns, quoted};
use crate::messages::shown;
use crate::number::{self, exact::Number};
use crate::value::Value;
use std::sync::{Arc, OnceLock};

/// The number of values by which the decision is made: a choice.
pub(crate) const ENOUGH: u64 = 1000;

/// Counts of the first values of a column, by whether they are numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WeightSample {
    numbers: u64,
    others: u64,
    /// The first value that is no number, as messages show it.
    example: Option<String>,
}

impl WeightSample {
    pub(crate) fn is_enough(&self) -> bool {
        self.numbers + self.others >= ENOUGH
    }

    /// Counts the text of a value.
    pub(crate) fn note(&mut self, text: &[u8]) {
        if self.is_enough() || number::is_missing(text) {
            return;
        }
        if number::parse_weight(text).is_some() {
            self.numbers += 1;
        } else {
            self.other(|| shown(text));
        }
    }

    /// Counts a typed value.
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

    /// Returns whether the column holds numbers; a column without any value doesn't.
    pub(crate) fn are_numbers(&self) -> bool {
        self.numbers > 0 && self.numbers * 20 >= (self.numbers + self.others) * 19
    }
}

impl Columns {
    /// Drops the column of weights, if it was chosen by its name alone and its first values are no
    /// numbers.
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

/// The decision whether a column holds weights, which the first of several readers of a source
/// makes for all of them.
pub(crate) struct WeightDecision {
    looks: WeightSample,
    /// Set for the reader that decides; the others wait for it.
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

    /// Counts a record's weight, if this reader decides.
    pub(crate) fn note(&mut self, value: &Value<'_>) {
        if self.decides {
            self.looks.note_value(value);
        }
    }

    /// Returns whether the weights are numbers. Waits for the reader that decides.
    pub(crate) fn are_numbers(self) -> bool {
        let verdict = Arc::clone(&self.verdict);
        drop(self);
        verdict.wait().are_numbers()
    }
}

/// Makes the decision when the deciding reader ends, even if it ends early, since the other readers
/// wait for it.
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
