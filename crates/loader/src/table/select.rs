//! Parts of an index, by what its table says: what fulfils a filter, what has one value.

use super::column::{Codes, Column, Values};
use super::{Kind, Table};
use crate::filter::{Filter, Literal, Reads, Tree, Value};
use crate::report::shown;
use heatsplat_points::{Point, Points};
use rayon::prelude::*;
use std::collections::HashMap;

/// Rows that a thread looks at in one go.
const ROWS: usize = 1 << 16;

/// What the part is called that holds all lesser ones.
const OTHER: &str = "other";

/// Why a filter or a column doesn't fit a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TableError {
    message: String,
}

impl Table {
    /// Whether a filter asks for columns that are there, and for nothing that can't be: a
    /// number that is greater than a word, say.
    ///
    /// # Errors
    /// What is wrong, and what there is.
    pub fn check(&self, filter: &Filter) -> Result<(), TableError> {
        let columns = self.columns_of(filter)?;
        check(filter.tree(), &columns)
    }

    /// The points that fulfil a filter, as an index of their own: the one that loading the
    /// same source with that filter gives. `points` are those that the table belongs to.
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    pub fn select(&self, points: &Points, filter: &Filter) -> Result<Points, TableError> {
        let columns = self.columns_of(filter)?;
        check(filter.tree(), &columns)?;
        let test = Test::of(filter.tree(), &columns);
        let chunks = points.as_slice().par_chunks(ROWS).enumerate();
        let parts: Vec<Vec<Point>> = chunks
            .map(|(chunk, points)| {
                let rows = (chunk * ROWS..).zip(points);
                let wanted = rows.filter(|(row, _)| test.holds(*row) == Some(true));
                wanted.map(|(_, point)| *point).collect()
            })
            .collect();
        Ok(Points::from_sorted(parts.concat()))
    }

    /// The points parted by their values in a column: an index for each of the `most` most
    /// frequent ones, under the value's text, then one for all others and those without a
    /// value, under `other`, if there are any.
    ///
    /// # Errors
    /// There is no such column.
    pub fn split(
        &self,
        points: &Points,
        column: &str,
        most: usize,
    ) -> Result<Vec<(String, Points)>, TableError> {
        let column = self.column(column).ok_or_else(|| self.missing(column))?;
        let frequent = column.frequent(most).into_iter().map(|c| c.0);
        let names: Vec<String> = frequent.chain([OTHER.to_owned()]).collect();
        let parts = parted(points, column, &names, |_| true).into_iter();
        let parts = names.into_iter().zip(parts);
        Ok(parts.filter(|(_, p)| p.summary().count > 0).collect())
    }

    /// The points that fulfil a filter, parted as all of them were: `names` are those of the parts
    /// that [`split`](Self::split) gave. A part may be empty.
    ///
    /// # Errors
    /// Those of [`check`](Self::check) and of [`split`](Self::split).
    pub fn select_parts(
        &self,
        points: &Points,
        filter: &Filter,
        column: &str,
        names: &[impl AsRef<str>],
    ) -> Result<Vec<Points>, TableError> {
        let columns = self.columns_of(filter)?;
        check(filter.tree(), &columns)?;
        let column = self.column(column).ok_or_else(|| self.missing(column))?;
        let test = Test::of(filter.tree(), &columns);
        let wanted = |row| test.holds(row) == Some(true);
        Ok(parted(points, column, names, wanted))
    }

    fn columns_of(&self, filter: &Filter) -> Result<Vec<&Column>, TableError> {
        let names = filter.columns().iter();
        names
            .map(|name| self.column(name).ok_or_else(|| self.missing(name)))
            .collect()
    }

    fn missing(&self, name: &str) -> TableError {
        let kept = self.columns.iter().map(|c| shown(c.name().as_bytes()));
        let kept: Vec<String> = kept.collect();
        TableError {
            message: format!(
                "no column {} is kept; there are: {}",
                shown(name.as_bytes()),
                if kept.is_empty() {
                    "none".to_owned()
                } else {
                    kept.join(", ")
                }
            ),
        }
    }
}

/// Those points whose rows are wanted, by their values in a column: one part a name. The last one
/// has all that have none of the names, if it is called so.
fn parted(
    points: &Points,
    column: &Column,
    names: &[impl AsRef<str>],
    wanted: impl Fn(usize) -> bool,
) -> Vec<Points> {
    let mut place = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        // a value may be called like the rest; it comes first
        place.entry(name.as_ref()).or_insert(at);
    }
    let rest = names.iter().enumerate().next_back();
    let rest = rest.filter(|(_, name)| name.as_ref() == OTHER);
    let rest = rest.map(|(at, _)| at);
    let mut parts: Vec<Vec<Point>> = vec![Vec::new(); names.len()];
    let rows = points.as_slice().iter().enumerate();
    for (row, point) in rows.filter(|(row, _)| wanted(*row)) {
        let text = column.text(row);
        let at = text.and_then(|text| place.get(&*text).copied()).or(rest);
        if let Some(part) = at.and_then(|at| parts.get_mut(at)) {
            part.push(*point);
        }
    }
    parts.into_iter().map(Points::from_sorted).collect()
}

/// Whether all comparisons can be; the columns are those that the tree counts.
fn check(tree: &Tree, columns: &[&Column]) -> Result<(), TableError> {
    let fits = |column: usize, literal: &Literal| match columns.get(column) {
        Some(column) => fits(column, literal),
        None => Ok(()),
    };
    match tree {
        Tree::And(all) | Tree::Or(all) => all.iter().try_for_each(|part| check(part, columns)),
        Tree::Not(inner) => check(inner, columns),
        Tree::Compare(column, _, literal) => fits(*column, literal),
        Tree::In(column, literals) => literals.iter().try_for_each(|l| fits(*column, l)),
        Tree::IsNull(_) => Ok(()),
    }
}

fn fits(column: &Column, literal: &Literal) -> Result<(), TableError> {
    let possible = match (column.kind(), literal) {
        (Kind::Text, _) => true,
        (Kind::Number, Literal::Text(text)) => matches!(text.reads, Reads::Number(_)),
        (Kind::Number, _) => true,
        (Kind::Time, Literal::Text(text)) => matches!(text.reads, Reads::Time(_)),
        (Kind::Time, literal) => matches!(literal, Literal::Time(_)),
        (Kind::Bool, literal) => !matches!(literal, Literal::Time(_)),
    };
    if possible {
        return Ok(());
    }
    let holds = match column.kind() {
        Kind::Number => "numbers",
        Kind::Text => "texts",
        Kind::Time => "times, like 2010-03-01 or 2010-03-01T12:30:00Z",
        Kind::Bool => "true or false",
    };
    let given = match literal {
        Literal::Text(text) => format!("'{}'", shown(text.text.as_bytes()).trim_matches('"')),
        Literal::Number(number) => number.to_string(),
        Literal::Bool(truth) => truth.to_string(),
        Literal::Time(_) => "a time".to_owned(),
    };
    Err(TableError {
        message: format!(
            "column {} holds {holds}; {given} can't be compared with them",
            shown(column.name().as_bytes())
        ),
    })
}

/// A condition on rows of a table.
enum Test<'t> {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// What is true of each text of a column, and last of rows without one.
    Texts(&'t Codes, Vec<Option<bool>>),
    /// One comparison with a column's values.
    Values(&'t Column, &'t Tree),
    Unknown,
}

impl<'t> Test<'t> {
    fn of(tree: &'t Tree, columns: &[&'t Column]) -> Self {
        let all = |parts: &'t [Tree]| parts.iter().map(|part| Self::of(part, columns)).collect();
        let place = match tree {
            Tree::And(parts) => return Self::And(all(parts)),
            Tree::Or(parts) => return Self::Or(all(parts)),
            Tree::Not(inner) => return Self::Not(Box::new(Self::of(inner, columns))),
            Tree::Compare(column, ..) | Tree::In(column, _) | Tree::IsNull(column) => *column,
        };
        let Some(column) = columns.get(place) else {
            return Self::Unknown;
        };
        match &column.values {
            Values::Texts(codes, words) => {
                let words = words.iter().map(|word| Value::Text((&**word).into()));
                let values = words.chain([Value::Null]);
                let verdict = |value: Value<'_>| tree.holds(&|_| value.clone());
                Self::Texts(codes, values.map(verdict).collect())
            }
            _ => Self::Values(column, tree),
        }
    }

    fn holds(&self, row: usize) -> Option<bool> {
        match self {
            Self::And(parts) => decided(parts, row, false),
            Self::Or(parts) => decided(parts, row, true),
            Self::Not(inner) => inner.holds(row).map(|holds| !holds),
            Self::Texts(codes, verdicts) => verdicts.get(codes.at(row)?).copied().flatten(),
            Self::Values(column, tree) => tree.holds(&|_| column.value(row)),
            Self::Unknown => None,
        }
    }
}

/// `and` (a false decides) or `or` (a true decides).
fn decided(parts: &[Test<'_>], row: usize, decisive: bool) -> Option<bool> {
    let mut outcome = Some(!decisive);
    for part in parts {
        match part.holds(row) {
            Some(holds) if holds == decisive => return Some(decisive),
            None => outcome = None,
            Some(_) => (),
        }
    }
    outcome
}
