//! What a filter may ask of a table: comparisons that have an answer.
//!
//! While a file is loaded, what can't be compared is left out and counted. A request has nobody to
//! tell: it is refused where values that may mean something would be left out.

use super::column::{Column, Kind};
use super::spelling::Written;
use crate::filter::{Filter, Literal, Tree, Unlike};
use crate::report::{Uncompared, shown};
use crate::time::Times;

/// Why a filter or a column doesn't fit a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TableError {
    message: String,
}

impl TableError {
    pub(super) fn new(message: String) -> Self {
        Self { message }
    }
}

/// Whether all comparisons can be; the columns are those that the filter counts.
pub(super) fn check(filter: &Filter, columns: &[&Column], times: &Times) -> Result<(), TableError> {
    if let Some(message) = filter.ambiguous() {
        return Err(TableError::new(message));
    }
    parts(filter.tree(), columns, times)
}

fn parts(tree: &Tree, columns: &[&Column], times: &Times) -> Result<(), TableError> {
    match tree {
        Tree::And(all) | Tree::Or(all) => {
            all.iter().try_for_each(|part| parts(part, columns, times))
        }
        Tree::Not(inner) => parts(inner, columns, times),
        Tree::Of(at, condition) => {
            let Some(column) = columns.get(*at) else {
                return Ok(());
            };
            let mut literals = condition.literals().iter();
            literals.try_for_each(|literal| fits(column, literal, times))
        }
    }
}

/// Whether a column's values can be compared with a literal.
fn fits(column: &Column, literal: &Literal, times: &Times) -> Result<(), TableError> {
    let possible = match (column.kind(), literal) {
        (Kind::Text, _) => return texts_fit(column, literal, times),
        (Kind::Number, Literal::Time(_)) => return texts_fit(column, literal, times),
        (Kind::Number, Literal::Text(text)) => {
            if text.number().is_some() && column.written == Written::Variously {
                return Err(TableError::new(format!(
                    "column {} holds numbers that are written in several ways; compare with \
                     {literal} without quotes",
                    shown(column.name().as_bytes()),
                )));
            }
            text.number().is_some()
        }
        (Kind::Number, _) => true,
        (Kind::Time, Literal::Text(text)) => text.time().is_some() && !column.has_texts(),
        (Kind::Time, literal) => matches!(literal, Literal::Time(_)),
        (Kind::Bool, Literal::Text(text)) => text.truth().is_some(),
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
    Err(TableError::new(format!(
        "column {} holds {holds}; {literal} can't be compared with them",
        shown(column.name().as_bytes()),
    )))
}

/// Whether values that may be anything can be compared with a literal: at least one can, and
/// those that can't have no digits, as `unknown` or `n/a`.
fn texts_fit(column: &Column, literal: &Literal, times: &Times) -> Result<(), TableError> {
    let mut found: Option<(Unlike, String)> = None;
    let (mut alike, mut unlike) = (0, 0);
    let mut wrong = false;
    column.each(|value, rows| match value.unlike(literal, times) {
        None => alike += rows,
        Some(why) => {
            unlike += rows;
            let text = || value.shown();
            let has_digits = !wrong && text().bytes().any(|b| b.is_ascii_digit());
            if has_digits || found.is_none() {
                found = Some((why, text()));
            }
            wrong |= has_digits;
        }
    });
    match found {
        Some((why, example)) if wrong || alike == 0 => {
            let values = Uncompared {
                column: column.name().to_owned(),
                unlike: why,
                count: unlike as u64,
                example,
            };
            Err(TableError::new(values.to_string()))
        }
        _ => Ok(()),
    }
}
