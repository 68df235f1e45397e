//! Selections of points by a table: the points that fulfil a filter, or the points that have one
//! value in a column.

use super::Table;
use super::cell::Cell;
use super::check::{TableError, check};
use super::column::{Codes, Column, Values};
use super::dictionary::DictionaryEntry;
use crate::filter::{Condition, Filter, ParsedValue, Tree};
use crate::messages::shown;
use crate::time::Times;
use crate::value::Value;
use heatsplat_points::{Point, Points, cancel};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// The number of rows that a thread handles in one step: a choice.
const ROWS: usize = 1 << 16;

/// The number of rows after which the evaluation of a filter reports its work and looks whether it
/// is cancelled: see [`heatsplat_points::cancel`].
const REPORTED_ROWS: usize = 64;

/// The estimated work of evaluating one condition for one row, in nanoseconds. Measured: 20 to 50.
const CONDITION: u64 = 30;

/// The name of the last part when points are divided by a column: the part of all points whose
/// values have no part of their own.
const OTHER: &str = "other";

impl Table {
    /// Checks that the columns of a filter exist, and that their values can be compared with the
    /// filter's literals. A text without digits, for example, can't be compared with a number or a
    /// date.
    ///
    /// # Errors
    /// The reason why the filter can't be used. If a column doesn't exist, the message lists the
    /// columns that do.
    pub fn check(&self, filter: &Filter) -> Result<(), TableError> {
        self.fitting(filter).map(|_| ())
    }

    /// A new index of the points that fulfil a filter. It equals the index of a source that was
    /// loaded with this filter. `points` must be the index that the table was made for.
    ///
    /// # Errors
    /// The errors of [`check`](Self::check), and:
    ///
    /// * if the table's rows are in memory: an error if the points are not in memory;
    /// * if the table's rows are not in memory ([`from_paged`](Self::from_paged)): an error if the
    ///   filter selects more points than the table allows. If rows can't be read, the stack is
    ///   unwound as [`Points::from_paged`] explains.
    pub fn select(&self, points: &Points, filter: &Filter) -> Result<Points, TableError> {
        self.select_among(points, filter, |_| true)
    }

    /// A new index of the points that fulfil a filter and for which `among` returns true. `among`
    /// is called with a point's number in the index, counted from 0. See [`select`](Self::select).
    ///
    /// # Errors
    /// The errors of [`select`](Self::select).
    pub fn select_among(
        &self,
        points: &Points,
        filter: &Filter,
        among: impl Fn(usize) -> bool + Sync,
    ) -> Result<Points, TableError> {
        let (filter, columns) = self.fitting(filter)?;
        if let Some(paged) = &self.paged {
            return self.select_paged(paged, (&filter, &columns), &among);
        }
        let test = FilterEval::new(filter.tree(), &columns, &self.times);
        let chunks = in_memory(points)?.par_chunks(ROWS).enumerate();
        let work = cancel::inherit();
        let parts: Vec<Vec<Point>> = chunks
            .map(|(chunk, points)| {
                let mut verdict = test.verdict();
                let rows = (chunk * ROWS..).zip(points);
                let wanted = rows.filter(|(row, _)| among(*row) && verdict(*row) == Some(true));
                work.run(|| wanted.map(|(_, point)| *point).collect())
            })
            .collect();
        Ok(Points::from_sorted(parts.concat()))
    }

    /// Divides the points by their values in a column. Each of the `most` most frequent values has
    /// an index, whose name is the value's text. The last index has the name `other`: it has the
    /// points with all other values, and the points without a value. An index without points is
    /// left out.
    ///
    /// # Errors
    /// There is no column of this name, or the points are not in memory.
    pub fn split(
        &self,
        points: &Points,
        column: &str,
        most: usize,
    ) -> Result<Vec<(String, Points)>, TableError> {
        let column = self.column(column).ok_or_else(|| self.missing(column))?;
        let frequent = column.frequent(most).into_iter().map(|c| c.0);
        let names: Vec<String> = frequent.chain([OTHER.to_owned()]).collect();
        let parts = parted(in_memory(points)?, column, &names, |_| true).into_iter();
        let parts = names.into_iter().zip(parts);
        Ok(parts.filter(|(_, p)| p.summary().count > 0).collect())
    }

    /// The points that fulfil a filter, divided by their values in a column. `names` are the names
    /// of the parts, as [`split`](Self::split) returned them for all points; the result has one
    /// index for each name, in this order. An index may have no points.
    ///
    /// # Errors
    /// The errors of [`check`](Self::check) and of [`split`](Self::split).
    pub fn select_parts(
        &self,
        points: &Points,
        filter: &Filter,
        column: &str,
        names: &[impl AsRef<str>],
    ) -> Result<Vec<Points>, TableError> {
        self.select_parts_among(points, filter, (column, names), |_| true)
    }

    /// The points that fulfil a filter and for which `among` returns true, divided by their values
    /// in a column into parts with these names. `among` is called with a point's number in the
    /// index, counted from 0. See [`select_parts`](Self::select_parts).
    ///
    /// # Errors
    /// The errors of [`select_parts`](Self::select_parts).
    pub fn select_parts_among(
        &self,
        points: &Points,
        filter: &Filter,
        (column, names): (&str, &[impl AsRef<str>]),
        among: impl Fn(usize) -> bool,
    ) -> Result<Vec<Points>, TableError> {
        let (filter, columns) = self.fitting(filter)?;
        let column = self.column(column).ok_or_else(|| self.missing(column))?;
        let test = FilterEval::new(filter.tree(), &columns, &self.times);
        let mut verdict = test.verdict();
        let wanted = |row| among(row) && verdict(row) == Some(true);
        Ok(parted(in_memory(points)?, column, names, wanted))
    }

    /// The points for which `among` returns true, divided as [`select_parts`](Self::select_parts)
    /// divides the points of a filter. `among` is called with a point's number in the index,
    /// counted from 0.
    ///
    /// # Errors
    /// The errors of [`split`](Self::split).
    pub fn parts_among(
        &self,
        points: &Points,
        column: &str,
        names: &[impl AsRef<str>],
        among: impl Fn(usize) -> bool,
    ) -> Result<Vec<Points>, TableError> {
        let column = self.column(column).ok_or_else(|| self.missing(column))?;
        Ok(parted(in_memory(points)?, column, names, among))
    }

    /// Returns the filter with its dates parsed by the source's formats, and the table's column for
    /// each column that the filter names. Checks that the filter's literals can be compared with
    /// the values of these columns.
    ///
    /// # Errors
    /// A column is missing, or its values don't fit the filter.
    pub(super) fn fitting(&self, filter: &Filter) -> Result<(Filter, Vec<&Column>), TableError> {
        let filter = filter.clone().with_times(&self.times);
        let column = |name: &String| self.column(name).ok_or_else(|| self.missing(name));
        let columns: Vec<&Column> = filter
            .columns()
            .iter()
            .map(column)
            .collect::<Result<_, _>>()?;
        check(&filter, &columns)?;
        Ok((filter, columns))
    }

    fn missing(&self, name: &str) -> TableError {
        let kept = self.columns.iter().map(|c| shown(c.name().as_bytes()));
        let kept: Vec<String> = kept.collect();
        TableError::new(format!(
            "no column {} is kept; there are: {}",
            shown(name.as_bytes()),
            if kept.is_empty() {
                "none".to_owned()
            } else {
                kept.join(", ")
            }
        ))
    }
}

/// The points of an index that is in memory. They are in the order of the table's rows.
fn in_memory(points: &Points) -> Result<&[Point], TableError> {
    let error = || TableError::new("points that are not in memory have no columns".to_owned());
    points.as_slice().ok_or_else(error)
}

/// Divides the points for whose row `wanted` returns true by their values in a column. Returns one
/// index for each of `names`, in this order. If the last name is `other`, its index also has the
/// points whose values are not among the names.
fn parted(
    points: &[Point],
    column: &Column,
    names: &[impl AsRef<str>],
    mut wanted: impl FnMut(usize) -> bool,
) -> Vec<Points> {
    let mut place = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        // The text of a value may itself be `other`. Its points are in the first part of that name.
        place.entry(name.as_ref()).or_insert(at);
    }
    let rest = names.iter().enumerate().next_back();
    let rest = rest.filter(|(_, name)| name.as_ref() == OTHER);
    let rest = rest.map(|(at, _)| at);
    let mut parts: Vec<Vec<Point>> = vec![Vec::new(); names.len()];
    let rows = points.iter().enumerate();
    let reported = rows.inspect(|(row, _)| {
        if row.is_multiple_of(ROWS) {
            cancel::check(ROWS as u64);
        }
    });
    for (row, point) in reported.filter(|(row, _)| wanted(*row)) {
        let text = column.text(row);
        let at = text.and_then(|text| place.get(&*text).copied()).or(rest);
        if let Some(part) = at.and_then(|at| parts.get_mut(at)) {
            part.push(*point);
        }
    }
    parts.into_iter().map(Points::from_sorted).collect()
}

/// A filter that is prepared for evaluation on the rows of a table.
pub(super) struct FilterEval<'t> {
    part: EvalNode<'t>,
    /// The columns whose values are compared anew for each row. Columns with a dictionary are not
    /// among them, since each of their entries is compared only once.
    columns: Vec<&'t Column>,
    times: &'t Times,
}

/// The results of a condition for each entry of a dictionary. A last result is for null.
pub(super) type WordResults = Arc<[Option<bool>]>;

/// A node in the tree of a filter's conditions.
enum EvalNode<'t> {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// A condition on a column with a dictionary: the code of each row, the condition's result for
    /// each entry of the dictionary, and behind these results the result for null. A result is
    /// `None` if it is unknown, as in SQL.
    Words(&'t Codes, WordResults),
    /// A condition on a column without a dictionary. The number is the column's index in
    /// `FilterEval::columns`.
    Values(usize, &'t Condition),
    /// A condition on a column that the table doesn't have, so its result is unknown.
    Unknown,
}

impl<'t> FilterEval<'t> {
    pub(super) fn new(tree: &'t Tree, columns: &[&'t Column], times: &'t Times) -> Self {
        Self::with_results(tree, columns, times, &mut std::iter::empty())
    }

    /// Makes what [`new`](Self::new) makes, with known results of the conditions on columns with a
    /// dictionary, in the order of the tree.
    pub(super) fn with_results(
        tree: &'t Tree,
        columns: &[&'t Column],
        times: &'t Times,
        known: &mut dyn Iterator<Item = WordResults>,
    ) -> Self {
        let mut compared = Vec::new();
        Self {
            part: EvalNode::new(tree, columns, &mut compared, times, known),
            columns: compared,
            times,
        }
    }

    /// Returns a function from a row's index to the filter's result for the row. The result is
    /// `None` if it is unknown, as in SQL.
    pub(super) fn verdict(&self) -> impl FnMut(usize) -> Option<bool> {
        let mut cells = Vec::with_capacity(self.columns.len());
        let units = REPORTED_ROWS as u64 * CONDITION * self.part.conditions();
        move |row| {
            if row % REPORTED_ROWS == 0 {
                cancel::check(units);
            }
            cells.clear();
            cells.extend(self.columns.iter().map(|column| column.cell(row)));
            self.part.holds(row, &cells, self.times)
        }
    }
}

impl FilterEval<'_> {
    /// The results of all conditions on columns with a dictionary, in the order of the tree.
    pub(super) fn word_results(&self) -> Vec<WordResults> {
        let mut all = Vec::new();
        self.part.add_word_results(&mut all);
        all
    }
}

impl<'t> EvalNode<'t> {
    fn new(
        tree: &'t Tree,
        columns: &[&'t Column],
        compared: &mut Vec<&'t Column>,
        times: &'t Times,
        known: &mut dyn Iterator<Item = WordResults>,
    ) -> Self {
        let mut all = |parts: &'t [Tree]| {
            let parts = parts.iter();
            parts
                .map(|part| Self::new(part, columns, compared, times, known))
                .collect()
        };
        let (place, condition) = match tree {
            Tree::And(parts) => return Self::And(all(parts)),
            Tree::Or(parts) => return Self::Or(all(parts)),
            Tree::Not(inner) => {
                return Self::Not(Box::new(Self::new(inner, columns, compared, times, known)));
            }
            Tree::Of(column, condition) => (*column, condition),
        };
        let Some(column) = columns.get(place) else {
            return Self::Unknown;
        };
        match &column.values {
            Values::Words(codes, words) => {
                let values = words
                    .iter()
                    .map(DictionaryEntry::value)
                    .chain([Value::Null]);
                let verdict = |value| condition.holds(&ParsedValue::new(value), times);
                let known = known.next();
                Self::Words(
                    codes,
                    known.unwrap_or_else(|| values.map(verdict).collect()),
                )
            }
            _ => {
                let known = compared.iter().position(|c| std::ptr::eq(*c, *column));
                let at = known.unwrap_or_else(|| {
                    compared.push(column);
                    compared.len() - 1
                });
                Self::Values(at, condition)
            }
        }
    }

    fn add_word_results(&self, all: &mut Vec<WordResults>) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|part| part.add_word_results(all));
            }
            Self::Not(inner) => inner.add_word_results(all),
            Self::Words(_, results) => all.push(Arc::clone(results)),
            Self::Values(..) | Self::Unknown => {}
        }
    }

    /// The number of conditions in this node and the nodes inside it.
    fn conditions(&self) -> u64 {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::conditions).sum(),
            Self::Not(inner) => inner.conditions(),
            Self::Words(..) | Self::Values(..) | Self::Unknown => 1,
        }
    }

    fn holds(&self, row: usize, cells: &[Cell<'_>], times: &Times) -> Option<bool> {
        match self {
            Self::And(parts) => decided(parts, row, cells, times, false),
            Self::Or(parts) => decided(parts, row, cells, times, true),
            Self::Not(inner) => inner.holds(row, cells, times).map(|holds| !holds),
            Self::Words(codes, verdicts) => verdicts.get(codes.at(row)?).copied().flatten(),
            Self::Values(at, condition) => condition.holds(cells.get(*at)?, times),
            Self::Unknown => None,
        }
    }
}

/// The result of joining `parts` by `and` or `or` for one row; `None` if it is unknown, as in SQL.
/// `decisive` is the result that decides as soon as one part has it: false for `and`, true for
/// `or`. `cells` are the row's values in `FilterEval::columns`.
fn decided(
    parts: &[EvalNode<'_>],
    row: usize,
    cells: &[Cell<'_>],
    times: &Times,
    decisive: bool,
) -> Option<bool> {
    let mut outcome = Some(!decisive);
    for part in parts {
        match part.holds(row, cells, times) {
            Some(holds) if holds == decisive => return Some(decisive),
            None => outcome = None,
            Some(_) => (),
        }
    }
    outcome
}

#[cfg(test)]
mod proptests {
    use super::super::builder::TableBuilder;
    use super::*;
    use crate::number::exact::Number;
    use proptest::prelude::*;

    /// Makes texts as they occur in files without types: numbers, dates and words, and texts that
    /// are nearly numbers or dates.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[0-9]{1,2}([.][05]{1,2})?",
            2 => "2010-0[1-4]-0[1-5]([T ]1[0-2]:30(:0[0-9]([.][05]{1,3})?)?(Z|[+]00| UTC)?)?",
            1 => "86732204000000000[0-3]([.]0)?",
            1 => "[+-]?[0-9]{1,19}",
            1 => "2010[/-]0[1-4]",
            1 => "[ab5/ ]{0,3}",
            1 => prop_oneof![
                Just("007"), Just("5."), Just("1e1"), Just("true"), Just("no"), Just("20100301"),
                Just("1267401600"), Just("Mar 1, 2010"), Just("03/01/2010"), Just("01.03.2010 12:30"),
                Just("-0"), Just("-0.0"), Just("9223372036854775808"), Just("-9223372036854775808"),
            ].prop_map(str::to_owned),
        ]
    }

    fn value() -> impl Strategy<Value = Value<'static>> {
        prop_oneof![
            1 => Just(Value::Null),
            8 => text().prop_map(|text| Value::Text(text.into())),
        ]
    }

    /// Makes values as they occur in typed columns, mostly numbers.
    fn typed() -> impl Strategy<Value = Value<'static>> {
        let number = |number| Value::Number(Number::Float(number));
        let whole = prop_oneof![
            Just(867_322_040_000_000_001_i128),
            Just(867_322_040_000_000_002),
            Just(i128::from(u64::MAX)),
            Just(i128::from(i64::MIN)),
        ];
        prop_oneof![
            2 => Just(Value::Null),
            8 => (-9..9i8).prop_map(move |n| number(f64::from(n))),
            2 => (-9..9i8).prop_map(move |n| number(f64::from(n) / 2.0)),
            2 => whole.prop_map(|n| Value::Number(Number::Whole(n))),
            1 => Just(number(1_267_401_600_000.0)),
            1 => Just(number(f64::NAN)),
            1 => value(),
            1 => any::<bool>().prop_map(Value::Bool),
            1 => (0..9i64).prop_map(|n| Value::Time(1_267_401_600_000_000 + n)),
        ]
    }

    fn literal() -> impl Strategy<Value = String> {
        prop_oneof![
            text().prop_map(|text| format!("'{text}'")),
            "-?[0-9]{1,2}([.]5)?",
            "86732204000000000[0-3]",
            "2010-0[1-4](-0[1-5])?",
            Just("true".to_owned()),
        ]
    }

    fn condition() -> impl Strategy<Value = String> {
        let sign = prop_oneof!["=", "<>", "<", "<=", ">", ">="];
        let one = (sign, literal(), any::<bool>()).prop_map(|(sign, literal, not)| {
            format!("{}v {sign} {literal}", if not { "not " } else { "" })
        });
        let some = proptest::collection::vec(literal(), 1..7);
        let some = some.prop_map(|all| format!("v in ({})", all.join(", ")));
        let one = prop_oneof![8 => one, 4 => some, 1 => Just("v is null".to_owned())];
        proptest::collection::vec((one, any::<bool>()), 1..4).prop_map(|all| {
            let parts = all.iter().enumerate().map(|(i, (one, or))| match (i, or) {
                (0, _) => one.clone(),
                (_, true) => format!(" or {one}"),
                (_, false) => format!(" and {one}"),
            });
            parts.collect()
        })
    }

    /// Makes a kept column of `values` as a load does: from parts of `stretch` rows each, which are
    /// joined.
    fn kept(values: &[Value<'static>], stretch: usize, times: &Times) -> Column {
        let mut all = TableBuilder::new(1, times);
        for values in values.chunks(stretch) {
            let mut some = TableBuilder::new(1, times);
            for (at, value) in values.iter().enumerate() {
                some.fill(at + 1, |_| value.clone());
            }
            all.append(some);
        }
        let order: Vec<u32> = (0..values.len() as u32).collect();
        let growing = all.into_columns().swap_remove(0);
        growing.finish("v".to_owned(), &order, times)
    }

    fn check(values: &[Value<'static>], stretch: usize, filter: &str, formats: &[&str]) {
        let formats: Vec<_> = formats.iter().map(|f| f.parse().unwrap()).collect();
        let times = Times::new(&formats);
        let column = kept(values, stretch, &times);
        let filter = filter.parse::<Filter>().unwrap().with_times(&times);
        let columns = [&column];
        let test = FilterEval::new(filter.tree(), &columns, &times);
        let mut verdict = test.verdict();
        for (row, value) in values.iter().enumerate() {
            let at_load = filter.tree().holds(std::slice::from_ref(value), &times);
            assert_eq!(verdict(row), at_load, "{filter}: {value:?} in {column:?}");
        }
        assert_eq!(column.len(), values.len());
        for (row, value) in values.iter().enumerate() {
            match value {
                Value::Text(text) => assert_eq!(column.text(row).as_deref(), Some(text.trim())),
                Value::Null => assert_eq!(column.text(row), None),
                _ => (),
            }
        }
        let nulls = values.iter().filter(|value| **value == Value::Null).count();
        assert_eq!(column.nulls(), nulls);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Tests that a filter has the same result for a value of a kept column as for its text in
        /// the source, and that the column returns each text unchanged.
        #[test]
        fn kept_texts_answer_as_texts(
            same in value(),
            values in proptest::collection::vec(value(), 1..12),
            alike in 0..4usize,
            stretch in 1..12usize,
            filter in condition(),
            told in 0..4usize,
        ) {
            let values: Vec<_> = match alike {
                0 => vec![same; values.len()],
                _ => values,
            };
            let formats: &[&str] = match told {
                0 => &["%d.%m.%Y", "%m/%d/%Y"],
                1 => &["seconds"],
                2 => &["%Y-%d-%m"],
                _ => &[],
            };
            check(&values, stretch, &filter, formats);
        }

        /// Tests that `in` with a list of literals has the result of comparing the value by `=`
        /// with each of them, joined by `or`.
        #[test]
        fn what_is_listed_is_what_equals(
            value in prop_oneof![value(), typed()],
            literals in proptest::collection::vec(literal(), 1..9),
            told in 0..3usize,
        ) {
            let formats = [&[][..], &["seconds"], &["%Y-%d-%m"]][told];
            let formats: Vec<_> = formats.iter().map(|f| f.parse().unwrap()).collect();
            let times = Times::new(&formats);
            let holds = |filter: String| {
                let filter = filter.parse::<Filter>().unwrap().with_times(&times);
                filter.tree().holds(std::slice::from_ref(&value), &times)
            };
            let each: Vec<String> = literals.iter().map(|l| format!("v = {l}")).collect();
            let list = format!("v in ({})", literals.join(", "));
            prop_assert_eq!(holds(list), holds(each.join(" or ")), "{:?}", literals);
        }

        #[test]
        fn kept_values_answer_as_values(
            values in proptest::collection::vec(typed(), 1..12),
            stretch in 1..12usize,
            filter in condition(),
        ) {
            check(&values, stretch, &filter, &[]);
        }
    }
}
