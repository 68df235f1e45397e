//! Filters of rows: `offense = 'theft' and time >= 2010-03-01`.
//!
//! A filter is parsed once into a small tree, and evaluated for each row. Its length and depth are
//! limited. As in SQL, a comparison with null is neither true nor false, but unknown. A row is
//! selected only if the whole filter is true for it. A comparison of values that don't fit is
//! unknown too, for example of a word with a number. If rows are left out because of such values,
//! reports count the values.

mod compare;
mod condition;
mod list;
mod literal;
mod parse;

pub(crate) use compare::{Comparable, CompareResult, ParsedValue, mismatch};
pub(crate) use condition::Condition;
pub(crate) use literal::Literal;
pub use parse::FilterError;

use crate::report::{MismatchReason, Report};
use crate::time::{AmbiguousDate, Times};
use crate::value::Value;
use std::fmt;
use std::str::FromStr;

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

/// A condition as a tree. Columns are numbers: indexes into [`Filter::columns`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    /// A condition on the value of one column. The number is the column's index in
    /// [`Filter::columns`].
    Of(usize, Condition),
}

impl Filter {
    /// The names of the columns that the filter uses, each once, in the order in which they first
    /// occur.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The condition as a tree. Its columns are indexes into [`columns`](Self::columns).
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The filter with its dates read again, this time also in the formats that an option adds
    /// (`times`).
    pub(crate) fn with_times(mut self, times: &Times) -> Self {
        if !times.are_common() {
            self.tree.apply_times(times);
        }
        self
    }

    /// A message about a literal that looks like a date and can't be read as one, if it stands in a
    /// comparison by `<`, `<=`, `>` or `>=`. Such a comparison would compare texts instead of
    /// dates. `None` if there is no such literal.
    pub(crate) fn ambiguous_date(&self) -> Option<String> {
        let (literal, why) = self.tree.ambiguous_date()?;
        let why = match why {
            AmbiguousDate::DayOrMonthFirst => "may have the day or the month first",
            AmbiguousDate::Unknown => "looks like a date, and none that is understood",
        };
        Some(format!(
            "{literal} {why}; write it like '2024-06-15', or say with `time_format` how the source's \
             dates are written"
        ))
    }

    /// Returns whether the filter selects a row. `row` holds the row's values in the columns
    /// [`columns`](Self::columns), in that order, and `times` are the formats of times in the
    /// source. A row that is left out is counted in `report`, and so are its values that can't be
    /// compared.
    #[inline]
    pub(crate) fn selects(&self, row: &[Value<'_>], times: &Times, report: &mut Report) -> bool {
        let verdict = self.tree.holds(row, times);
        if verdict == Some(true) {
            return true;
        }
        report.filtered += 1;
        if verdict.is_none() {
            self.count_mismatches(row, times, report);
        }
        false
    }

    /// Counts in `report` the values of a row that can't be compared, if the filter's result for
    /// the row is unknown because of them. At most one value is counted for each column.
    #[cold]
    fn count_mismatches(&self, row: &[Value<'_>], times: &Times, report: &mut Report) {
        for (at, (name, value)) in self.columns.iter().zip(row).enumerate() {
            if let Some(reason) = self.tree.mismatch(at, row, times) {
                report.count_mismatch(name, reason, || value.shown());
            }
        }
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

/// A filter for one source, with the indexes of its columns in the source and the source's formats
/// of times.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedFilter {
    filter: Filter,
    /// The index in the source of each column in [`Filter::columns`].
    pub(crate) places: Vec<usize>,
    times: Times,
}

impl ResolvedFilter {
    /// A filter for a source in which its columns have the indexes `places`. `times` are the
    /// formats of times there.
    pub(crate) fn new(filter: Filter, places: Vec<usize>, times: &Times) -> Self {
        Self {
            filter,
            places,
            times: times.clone(),
        }
    }

    /// Returns whether a row is selected. `value` returns the row's value in a column by the
    /// column's index in the source. A row that is left out is counted in `report`.
    #[inline]
    pub(crate) fn selects<'v>(
        &self,
        mut value: impl FnMut(usize) -> Value<'v>,
        report: &mut Report,
    ) -> bool {
        let mut selects = |row: &[Value<'v>]| self.filter.selects(row, &self.times, report);
        // Most filters use at most three columns. Then the values are in an array, which needs no
        // allocation.
        match *self.places {
            [a] => selects(&[value(a)]),
            [a, b] => selects(&[value(a), value(b)]),
            [a, b, c] => selects(&[value(a), value(b), value(c)]),
            ref more => selects(&more.iter().copied().map(value).collect::<Vec<_>>()),
        }
    }
}

impl Tree {
    /// Evaluates the condition for a row. `row` holds the row's values in the columns
    /// [`Filter::columns`], in that order. `None` means unknown: a value on which the result
    /// depends is null or can't be compared.
    #[inline]
    pub(crate) fn holds(&self, row: &[Value<'_>], times: &Times) -> Option<bool> {
        match self {
            Self::And(all) => fold(all, row, times, false),
            Self::Or(any) => fold(any, row, times, true),
            Self::Not(inner) => inner.holds(row, times).map(|holds| !holds),
            Self::Of(column, condition) => {
                let value = row.get(*column)?;
                condition.holds(&ParsedValue::new(value.borrowed()), times)
            }
        }
    }

    /// The reason why the value in the column with the index `column` can't be compared, if a part
    /// of the condition is unknown for this reason; else `None`.
    fn mismatch(&self, column: usize, row: &[Value<'_>], times: &Times) -> Option<MismatchReason> {
        if self.holds(row, times).is_some() {
            return None;
        }
        match self {
            Self::And(parts) | Self::Or(parts) => {
                let mut parts = parts.iter();
                parts.find_map(|part| part.mismatch(column, row, times))
            }
            Self::Not(inner) => inner.mismatch(column, row, times),
            Self::Of(of, condition) => {
                let value = row.get(*of).filter(|_| *of == column)?;
                condition.mismatch(value, times)
            }
        }
    }

    /// The first literal in a comparison by `<`, `<=`, `>` or `>=` that looks like a date and can't
    /// be read as one; `None` if there is none. The second value is the reason why it can't be
    /// read.
    fn ambiguous_date(&self) -> Option<(&Literal, AmbiguousDate)> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().find_map(Self::ambiguous_date),
            Self::Not(inner) => inner.ambiguous_date(),
            Self::Of(_, condition) => condition.ambiguous_date(),
        }
    }

    /// Reads all dates in this condition again, this time also in the formats that an option adds
    /// (`times`).
    fn apply_times(&mut self, times: &Times) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter_mut().for_each(|p| p.apply_times(times))
            }
            Self::Not(inner) => inner.apply_times(times),
            Self::Of(_, condition) => condition.apply_times(times),
        }
    }
}

/// The result of `and` or `or` for parts of which some may be unknown. One part with the result
/// `decisive` decides alone: false in `and`, true in `or`. `None` if the result is unknown.
fn fold(parts: &[Tree], row: &[Value<'_>], times: &Times, decisive: bool) -> Option<bool> {
    let mut outcome = Some(!decisive);
    for part in parts {
        match part.holds(row, times) {
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
    use crate::number::exact::Number;

    type Row<'a> = [(&'a str, Value<'a>)];

    fn selects(filter: &str, row: &Row<'_>, report: &mut Report) -> bool {
        let filter: Filter = filter.parse().unwrap();
        let value = |name: &String| {
            let found = row.iter().find(|(column, _)| column == name);
            found.map_or(Value::Null, |(_, value)| value.clone())
        };
        let values: Vec<_> = filter.columns().iter().map(value).collect();
        filter.selects(&values, &Times::default(), report)
    }

    fn number(number: f64) -> Value<'static> {
        Value::Number(Number::Float(number))
    }

    #[test]
    fn rows_are_chosen_as_sql_would() {
        let row = [
            ("kind", Value::Text("theft".into())),
            ("n", number(3.0)),
            ("when", Value::Text("2010-03-01 12:30".into())),
            ("at", Value::Time(1_267_401_600_000_000)),
            ("gone", Value::Null),
            ("night", Value::Text("true".into())),
            ("five", Value::Text("5".into())),
            ("seven", Value::Text("007".into())),
            ("version", Value::Text("1.10".into())),
            ("flag", Value::Bool(true)),
            ("key", Value::Number(Number::Whole(867_322_040_000_000_001))),
            ("digits", Value::Text("867322040000000001".into())),
            ("ms", number(1_267_401_600_000.0)),
        ];
        for (filter, expected) in [
            ("kind = 'theft'", true),
            ("kind <> 'theft'", false),
            ("kind in ('a', 'theft')", true),
            ("not kind in ('a', 'theft')", false),
            ("kind not in ('a', 'b')", true),
            ("kind in ('u', ' theft ', 'a', 'zebra', 'b')", true),
            ("n in (5, 3, 4.5, 1e300, -2) and n not in (5, 4, 2)", true),
            ("n in ('10', '3.0', '4')", true),
            ("at in (2010-03-02, 2010-03-01, 1999-01-01)", true),
            (
                "key in (5, 867322040000000001, 1e18, 867322040000000000)",
                true,
            ),
            ("flag in (false, 'maybe', 'yes')", true),
            ("five in (2010-03-01, 7, '6', '5')", true),
            ("five in (2010-03-01, 5)", true),
            ("n not in (7, 4)", true),
            ("kind > 'm' and kind < 'z'", true),
            ("n between 1 and 3", true),
            ("n not between 1 and 3", false),
            ("n = '3' and n = '3.0'", true),
            ("n > 3 or kind = 'theft' and n >= 3", true),
            ("(n > 3 or kind = 'theft') and n > 3", false),
            ("when >= 2010-03-01", true),
            ("when < 2010-03-01T12:30:01", true),
            ("when < 2010-03-01T12:30:00Z", false),
            ("when = 2010-03-01T13:30+01:00", true),
            ("when = '2010-03-01T13:30+01:00'", true),
            ("when >= '2010-03' and when < 2010-04", true),
            ("when >= 2010/03/01 and when < '2010/03/02'", true),
            (
                "at = 2010-03-01 and at >= '2010-03-01' and at = '20100301'",
                true,
            ),
            (
                "ms = 2010-03-01 and ms > '2010-02-28 23:59:59.999999'",
                true,
            ),
            ("night = true and night <> false", true),
            ("night = false", false),
            ("gone is null", true),
            ("gone is not null", false),
            ("n is not null and kind is not null", true),
            // A comparison of null with any literal is unknown.
            ("gone = 1", false),
            ("gone <> 1", false),
            ("not gone = 1", false),
            ("gone in (1)", false),
            ("not gone in (1)", false),
            ("gone = 1 or n = 3", true),
            ("gone = 1 and n = 4", false),
            ("not (gone = 1 and n = 4)", true),
            // Whole numbers of up to 38 digits are compared exactly.
            (
                "key = 867322040000000001 and key = '867322040000000001'",
                true,
            ),
            (
                "key = 867322040000000002 or key = 867322040000000000",
                false,
            ),
            (
                "key > 867322040000000000 and key < 867322040000000002",
                true,
            ),
            (
                "digits = 867322040000000001 and digits <> 867322040000000000",
                true,
            ),
            // A text is compared with a text literal as a text, and with a number literal as a
            // number.
            ("digits = '867322040000000001'", true),
            ("digits = '867322040000000000'", false),
            ("five = 5 and five = 5.0 and five > 4 and five = '5'", true),
            ("five = '5.0'", false),
            ("five > '10'", true),
            ("seven = 7 and seven = '007'", true),
            ("seven = '7'", false),
            ("version = '1.1'", false),
            ("version = 1.1 and version = '1.10'", true),
            ("when = '2010'", false),
            ("flag = true and flag = 'yes' and flag = 1", true),
            ("five = true and seven <> false", true),
        ] {
            let mut report = Report::default();
            assert_eq!(selects(filter, &row, &mut report), expected, "{filter}");
            assert_eq!(report.filtered, u64::from(!expected), "{filter}");
            assert!(report.mismatches.is_empty(), "{filter}: {report}");
        }
    }

    #[test]
    fn what_can_not_be_compared_is_counted() {
        let row = [
            ("kind", Value::Text("theft".into())),
            ("n", number(3.0)),
            ("nan", number(f64::NAN)),
            ("day", Value::Text("06/15/2024".into())),
            ("at", Value::Time(0)),
            ("flag", Value::Bool(true)),
            ("gone", Value::Null),
        ];
        for (filter, column, unlike, example) in [
            ("kind > 5", "kind", MismatchReason::NoNumber, "\"theft\""),
            ("kind <> 5", "kind", MismatchReason::NoNumber, "\"theft\""),
            (
                "not kind = 5",
                "kind",
                MismatchReason::NoNumber,
                "\"theft\"",
            ),
            (
                "kind not in ('x', 5)",
                "kind",
                MismatchReason::NoNumber,
                "\"theft\"",
            ),
            (
                "day >= 2024-06-01",
                "day",
                MismatchReason::NoDate,
                "\"06/15/2024\"",
            ),
            (
                "day <> '2024-06-01'",
                "day",
                MismatchReason::NoDate,
                "\"06/15/2024\"",
            ),
            ("kind = true", "kind", MismatchReason::NoTruth, "\"theft\""),
            ("n <> 'theft'", "n", MismatchReason::Number, "3"),
            ("n < 2024-06-01", "n", MismatchReason::NoDate, "3"),
            ("nan <> 5", "nan", MismatchReason::NoNumber, "NaN"),
            ("at < 5", "at", MismatchReason::Date, "1970-01-01T00:00:00Z"),
            (
                "at < 'soon'",
                "at",
                MismatchReason::Date,
                "1970-01-01T00:00:00Z",
            ),
            ("flag = 'maybe'", "flag", MismatchReason::Truth, "true"),
            ("flag < 2024-06-01", "flag", MismatchReason::Truth, "true"),
            (
                "kind > 5 and n > 1",
                "kind",
                MismatchReason::NoNumber,
                "\"theft\"",
            ),
            (
                "kind > 5 or gone = 1",
                "kind",
                MismatchReason::NoNumber,
                "\"theft\"",
            ),
        ] {
            let mut report = Report::default();
            assert!(!selects(filter, &row, &mut report), "{filter}");
            let [found] = &*report.mismatches else {
                panic!("{filter}: {report}");
            };
            assert_eq!(
                (&*found.column, found.reason, found.count),
                (column, unlike, 1)
            );
            assert_eq!(found.example, example, "{filter}");
        }
        // A value that can't be compared is not counted if the result doesn't depend on it.
        for (filter, expected) in [
            ("kind > 5 or n = 3", true),
            ("kind > 5 and n = 4", false),
            ("kind = 'theft' or kind > 5", true),
            ("kind in (5, 'theft')", true),
            ("kind is not null", true),
            ("gone > 5", false),
        ] {
            let mut report = Report::default();
            assert_eq!(selects(filter, &row, &mut report), expected, "{filter}");
            assert!(report.mismatches.is_empty(), "{filter}: {report}");
        }
    }
}
