//! Validation of a filter for a table: every comparison of a column with a literal (a constant in
//! the filter) must be possible.
//!
//! While a file is loaded, rows whose values can't be compared are left out and counted in a
//! report. A filter that is applied to a table later has no such report. So it is refused if it
//! would leave out values that may have a meaning.

use super::column::{Column, ColumnKind, Values};
use super::spelling::Spelling;
use crate::filter::{Filter, Literal, Tree, mismatch};
use crate::messages::shown;
use crate::report::{Mismatch, MismatchReason};
use crate::value::Value;
use std::sync::OnceLock;

/// The reason why a filter or a column name can't be used with a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TableError {
    message: String,
    is_too_many: bool,
}

impl TableError {
    pub(super) fn new(message: String) -> Self {
        Self {
            message,
            is_too_many: false,
        }
    }

    pub(super) fn too_many(most: u64) -> Self {
        Self {
            message: format!("the condition selects more than {most} points of a packed file"),
            is_too_many: true,
        }
    }

    /// Returns true if a filter selects more points of rows that are not in memory than the table
    /// allows.
    pub fn is_too_many(&self) -> bool {
        self.is_too_many
    }
}

/// Checks that all comparisons of a filter are possible. `columns` has, for each column that the
/// filter names, the table's column.
pub(super) fn check(filter: &Filter, columns: &[&Column]) -> Result<(), TableError> {
    if let Some(message) = filter.ambiguous_date() {
        return Err(TableError::new(message));
    }
    parts(filter.tree(), columns)
}

fn parts(tree: &Tree, columns: &[&Column]) -> Result<(), TableError> {
    match tree {
        Tree::And(all) | Tree::Or(all) => all.iter().try_for_each(|part| parts(part, columns)),
        Tree::Not(inner) => parts(inner, columns),
        Tree::Of(at, condition) => {
            let Some(column) = columns.get(*at) else {
                return Ok(());
            };
            let mut literals = condition.literals().iter();
            literals.try_for_each(|literal| fits(column, literal))
        }
    }
}

/// Checks that a literal can be compared with the values of a column. The column's type decides it;
/// if the values are texts, the texts themselves decide it (see [`texts_fit`]).
fn fits(column: &Column, literal: &Literal) -> Result<(), TableError> {
    let possible = match (column.kind(), literal) {
        (ColumnKind::Text, _) | (ColumnKind::Number, Literal::Time(_)) => {
            return column.fits.known(literal, || texts_fit(column, literal));
        }
        (ColumnKind::Number, Literal::Text(text)) => {
            if text.number.is_some() && column.written == Spelling::Variously {
                return Err(TableError::new(format!(
                    "column {} holds numbers that are written in several ways; compare with \
                     {literal} without quotes",
                    shown(column.name().as_bytes()),
                )));
            }
            text.number.is_some()
        }
        (ColumnKind::Number, _) => true,
        (ColumnKind::Time, Literal::Text(text)) => text.time.is_some() && !column.has_texts(),
        (ColumnKind::Time, literal) => matches!(literal, Literal::Time(_)),
        (ColumnKind::Bool, Literal::Text(text)) => text.truth.is_some(),
        (ColumnKind::Bool, literal) => !matches!(literal, Literal::Time(_)),
    };
    if possible {
        return Ok(());
    }
    let holds = match column.kind() {
        ColumnKind::Number => "numbers",
        ColumnKind::Text => "texts",
        ColumnKind::Time => "times, like 2010-03-01 or 2010-03-01T12:30:00Z",
        ColumnKind::Bool => "true or false",
    };
    Err(TableError::new(format!(
        "column {} holds {holds}; {literal} can't be compared with them",
        shown(column.name().as_bytes()),
    )))
}

/// Checks the dates with which a filter compares columns of numbers. `columns` have the values of
/// pages that were just read from a table that is not in memory. Before, [`check`] had only a
/// sample of each column; the least and the greatest number of a column don't show that all numbers
/// between them stand for times. Everything else was checked by the samples.
pub(super) fn check_dates(tree: &Tree, columns: &[&Column]) -> Result<(), TableError> {
    match tree {
        Tree::And(all) | Tree::Or(all) => {
            all.iter().try_for_each(|part| check_dates(part, columns))
        }
        Tree::Not(inner) => check_dates(inner, columns),
        Tree::Of(at, condition) => {
            let column = columns.get(*at).filter(|column| {
                column.kind() == ColumnKind::Number && !matches!(column.values, Values::Words(..))
            });
            let dates = condition.literals().iter();
            let mut dates = dates.filter(|literal| matches!(literal, Literal::Time(_)));
            column.map_or(Ok(()), |column| {
                dates.try_for_each(|date| fits(column, date))
            })
        }
    }
}

/// Results of checking that a column's values can be compared with a literal: one for each of the
/// 11 kinds of literals ([`kind`]), empty until a filter needs it. `None` in a result means that
/// the values can be compared.
#[derive(Debug, Default)]
pub(super) struct FitCache([OnceLock<Option<TableError>>; 11]);

impl FitCache {
    /// Returns the stored result of the check for the kind of `literal`. If there is none yet, it
    /// is computed by `find`, which goes through all values of the column.
    fn known(
        &self,
        literal: &Literal,
        find: impl FnOnce() -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        let known = self.0.get(kind(literal));
        let error = known.map(|known| known.get_or_init(|| find().err()));
        error
            .and_then(Option::as_ref)
            .map_or(Ok(()), |error| Err(error.clone()))
    }
}

/// The number of a literal's kind, from 0 to 10. Literals are of one kind if they can be compared
/// with exactly the same values.
fn kind(literal: &Literal) -> usize {
    match literal {
        Literal::Number(_) => 0,
        Literal::Time(_) => 1,
        Literal::Bool(_) => 2,
        Literal::Text(text) => {
            let reads = [
                text.number.is_some(),
                text.time.is_some(),
                text.truth.is_some(),
            ];
            reads
                .iter()
                .fold(0, |bits, reads| bits * 2 + usize::from(*reads))
                + 3
        }
    }
}

/// Counts of a column's rows: `alike` counts the rows whose value can be compared with a literal,
/// `unlike` the rows whose value can't.
#[derive(Default)]
struct FitCounts {
    alike: usize,
    unlike: usize,
    /// An example of a value that can't be compared, and the reason; `None` if all can be. It is
    /// the first such value that has digits; if none has digits, it is the first such value.
    example: Option<(MismatchReason, String)>,
    /// True if the value in `example` has digits.
    has_digits: bool,
}

impl FitCounts {
    fn add(mut self, unlike: Option<MismatchReason>, value: &Value<'_>, rows: usize) -> Self {
        let Some(unlike) = unlike else {
            self.alike += rows;
            return self;
        };
        self.unlike += rows;
        if !self.has_digits {
            let text = value.shown();
            self.has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
            if self.has_digits || self.example.is_none() {
                self.example = Some((unlike, text));
            }
        }
        self
    }

    /// The sum of the counts of two parts of a column. The part of `other` comes after the part of
    /// `self`.
    fn and(self, other: Self) -> Self {
        let first = self.has_digits || (self.example.is_some() && !other.has_digits);
        Self {
            alike: self.alike + other.alike,
            unlike: self.unlike + other.unlike,
            example: if first { self.example } else { other.example },
            has_digits: self.has_digits || other.has_digits,
        }
    }
}

/// Checks that the texts of a column can be compared with a literal. At least one text must be
/// comparable. Texts that are not comparable must have no digits, as `unknown` and `n/a` have none.
fn texts_fit(column: &Column, literal: &Literal) -> Result<(), TableError> {
    let tell = |found: FitCounts, value: &Value<'_>, rows| {
        found.add(mismatch(value, literal, &column.times), value, rows)
    };
    let found = column.gather(tell, FitCounts::and);
    match found.example {
        Some((reason, example)) if found.has_digits || found.alike == 0 => {
            let values = Mismatch {
                column: column.name().to_owned(),
                reason,
                count: found.unlike as u64,
                example,
            };
            Err(TableError::new(values.to_string()))
        }
        _ => Ok(()),
    }
}
