//! Which rows are wanted: `offense = 'theft' and time >= 2010-03-01`.
//!
//! A filter is parsed into a small tree once, with bounds on its length and depth, and then
//! asked row by row. As in SQL, a comparison with nothing is neither true nor false, and only
//! rows for which the whole is true are wanted. What can't be compared, a text with a number,
//! is unequal, and neither is less.

mod parse;
mod value;

pub use parse::FilterError;
pub(crate) use value::{Literal, Reads, Value, time};

use crate::columns;
use crate::error::LoadError;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use value::Standing;

/// A condition on a row's columns.
///
/// ```
/// use heatsplat_loader::Filter;
/// let filter: Filter = "mag >= 6 and not place in ('Fiji', 'Tonga')".parse()?;
/// assert_eq!(filter.columns(), ["mag", "place"]);
/// assert!("mag >= ".parse::<Filter>().is_err());
/// # Ok::<(), heatsplat_loader::FilterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    text: String,
    columns: Vec<String>,
    tree: Tree,
}

/// A condition; columns are places in [`Filter::columns`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Compare(usize, Comparison, Literal),
    In(usize, Vec<Literal>),
    IsNull(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, standing: Standing) -> Option<bool> {
        let ordering = match standing {
            Standing::Unknown => return None,
            Standing::Different => return Some(self == Self::Unequal),
            Standing::Is(ordering) => ordering,
        };
        Some(match self {
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        })
    }
}

impl Filter {
    /// The columns that it asks for, each once.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The condition itself; columns are places in [`columns`](Self::columns).
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Where the columns are among those of a source.
    pub(crate) fn find(self, seen: &[String], file: &str) -> Result<Found, LoadError> {
        let place = |name: &String| {
            columns::named(seen, name).ok_or_else(|| LoadError::NoSuchColumn {
                file: file.to_owned(),
                parameter: "--filter",
                name: name.clone(),
                seen: seen.to_vec(),
            })
        };
        let places = self.columns.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Found {
            filter: self,
            places,
        })
    }

    /// Whether a row is wanted; `value` gives what it has in one of [`columns`](Self::columns).
    pub(crate) fn wants<'v>(&self, value: impl Fn(usize) -> Value<'v>) -> bool {
        self.tree.holds(&value) == Some(true)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (tree, columns) = parse::parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            columns,
            tree,
        })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A filter whose columns are found in a source.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    filter: Filter,
    /// Where each of the filter's columns is in the source.
    pub(crate) places: Vec<usize>,
}

impl Found {
    /// Whether a row is wanted; `value` gives what it has in a column of the source.
    pub(crate) fn wants<'v>(&self, value: impl FnMut(usize) -> Value<'v>) -> bool {
        let values: Vec<Value<'v>> = self.places.iter().copied().map(value).collect();
        self.filter
            .wants(|at| values.get(at).cloned().unwrap_or(Value::Null))
    }
}

/// The filter of a load, its columns found.
pub(crate) fn found(
    filter: Option<&Filter>,
    seen: &[String],
    file: &str,
) -> Result<Option<Found>, LoadError> {
    filter.map(|f| f.clone().find(seen, file)).transpose()
}

impl Tree {
    /// True, false, or `None`: unknown, since something it asks for is not there.
    pub(crate) fn holds<'v>(&self, value: &impl Fn(usize) -> Value<'v>) -> Option<bool> {
        match self {
            Self::And(all) => fold(all, value, false),
            Self::Or(any) => fold(any, value, true),
            Self::Not(inner) => inner.holds(value).map(|holds| !holds),
            Self::Compare(column, comparison, literal) => {
                comparison.holds(value(*column).stands_to(literal))
            }
            Self::In(column, literals) => {
                let value = value(*column);
                let equal = |literal| value.stands_to(literal) == Standing::Is(Ordering::Equal);
                (value != Value::Null).then(|| literals.iter().any(equal))
            }
            Self::IsNull(column) => Some(value(*column) == Value::Null),
        }
    }
}

/// `and` (a false decides) or `or` (a true decides) over parts that may be unknown.
fn fold<'v>(parts: &[Tree], value: &impl Fn(usize) -> Value<'v>, decisive: bool) -> Option<bool> {
    let mut outcome = Some(!decisive);
    for part in parts {
        match part.holds(value) {
            Some(holds) if holds == decisive => return Some(decisive),
            None => outcome = None,
            Some(_) => (),
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(filter: &str, row: &[(&str, Value<'_>)]) -> bool {
        let filter: Filter = filter.parse().unwrap();
        let names = filter.columns().to_vec();
        filter.wants(|at| {
            let found = row.iter().find(|(name, _)| *name == names[at]);
            found.map_or(Value::Null, |(_, value)| value.clone())
        })
    }

    #[test]
    fn rows_are_chosen_as_sql_would() {
        let row = [
            ("kind", Value::Text("theft".into())),
            ("n", Value::Number(3.0)),
            ("when", Value::Text("2010-03-01 12:30".into())),
            ("gone", Value::Null),
            ("night", Value::Text("true".into())),
            ("five", Value::Text("5".into())),
            ("seven", Value::Text("007".into())),
            ("flag", Value::Bool(true)),
        ];
        for (filter, expected) in [
            ("kind = 'theft'", true),
            ("kind <> 'theft'", false),
            ("kind in ('a', 'theft')", true),
            ("not kind in ('a', 'theft')", false),
            ("kind not in ('a', 'b')", true),
            ("n between 1 and 3", true),
            ("n not between 1 and 3", false),
            ("n = '3'", true),
            ("n > 3 or kind = 'theft' and n >= 3", true),
            ("(n > 3 or kind = 'theft') and n > 3", false),
            ("when >= 2010-03-01", true),
            ("when < 2010-03-01T12:30:01", true),
            ("when < 2010-03-01T12:30:00Z", false),
            ("when = 2010-03-01T13:30+01:00", true),
            ("night = true", true),
            ("night = false", false),
            ("gone is null", true),
            ("gone is not null", false),
            ("n is not null and kind is not null", true),
            // nothing is neither equal nor unequal to anything
            ("gone = 1", false),
            ("gone <> 1", false),
            ("not gone = 1", false),
            ("gone in (1)", false),
            ("not gone in (1)", false),
            ("gone = 1 or n = 3", true),
            ("gone = 1 and n = 4", false),
            ("not (gone = 1 and n = 4)", true),
            // kinds that can't be compared
            ("kind > 5", false),
            ("kind <= 5", false),
            ("kind <> 5", true),
            ("n <> 'theft'", true),
            ("when > 'theft' or when < 'theft' or when = 5", false),
            // texts are compared by what they read as
            ("when = '2010-03-01T13:30+01:00'", true),
            ("when >= '2010-03' and when < 2010-04", true),
            ("five = 5 and five = '5.0' and five > '4'", true),
            ("seven = '7' and seven <> '07.5'", true),
            ("flag = true and flag = 'yes' and flag = 1", true),
            ("flag <> 'maybe'", true),
        ] {
            assert_eq!(wants(filter, &row), expected, "{filter}");
        }
    }

    #[test]
    fn names_are_found_as_columns_are() {
        let seen = ["Offense Type", "n"].map(str::to_owned);
        let filter: Filter = "\"offense type\" = 'x' and n = 1 and N = 2"
            .parse()
            .unwrap();
        assert_eq!(filter.clone().find(&seen, "a").unwrap().places, [0, 1, 1]);
        let other: Filter = "place = 'x'".parse().unwrap();
        let message = other.find(&seen, "a.csv").unwrap_err().to_string();
        assert!(
            message.contains("--filter") && message.contains("\"Offense Type\""),
            "{message}"
        );
    }
}
