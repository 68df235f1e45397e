//! The joining of the columns of several runs: each column gets one form and one set of texts for
//! all runs.

use super::error::PackError;
use super::row_run::distinct;
use super::run::SortedPoints;
use crate::NewColumn;
use crate::columns::{ColumnForm, MOST_TEXT, join_words};
use heatsplat_points::{Point, Quad};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::ops::Range;

/// Rules by which a column is joined if its values have different types, or different texts, in
/// different runs.
pub trait ColumnRules: fmt::Debug + Send {
    /// Joins the parts of a column; a part is the column's form and texts in one run. The result
    /// must not depend on the order of the parts. `distinct` reads the different values, without
    /// null, of the part with a number.
    ///
    /// # Errors
    /// An error of `distinct`, or an error of its own if a part has a form that is not known.
    fn join(
        &self,
        parts: &[(&ColumnForm, &[Box<[u8]>])],
        distinct: &mut dyn FnMut(usize) -> io::Result<HashSet<u64>>,
    ) -> io::Result<JoinedForm>;
}

/// The form and texts of a column that was joined.
#[derive(Debug)]
pub struct JoinedForm {
    /// The form of the whole column.
    pub form: ColumnForm,
    /// The texts of the whole column, in order.
    pub words: Vec<Box<[u8]>>,
    /// For each part, a map from the part's values to those of the whole column; `None` if they are
    /// equal.
    pub maps: Vec<Option<HashMap<u64, u64>>>,
}

/// A run whose values are translated, while they are read, to those of the joined columns.
#[derive(Debug)]
pub(super) struct MappedRun<'a> {
    run: &'a dyn SortedPoints,
    maps: Vec<Option<HashMap<u64, u64>>>,
    /// True if the translated values sort as the run's own values do.
    pub(super) is_ordered: bool,
}

/// The columns of a file, and the runs with their translated values.
pub(super) type Joined<'a> = (Vec<NewColumn>, Vec<MappedRun<'a>>);

/// Joins the columns of all runs, which have the given names. The error of a run comes with the
/// run's number.
pub(super) fn join<'a>(
    names: &[String],
    rules: Option<&dyn ColumnRules>,
    runs: &[&'a dyn SortedPoints],
) -> Result<Joined<'a>, JoinError> {
    let mut columns = Vec::new();
    let mut mapped: Vec<MappedRun<'a>> = runs
        .iter()
        .map(|run| MappedRun {
            run: *run,
            maps: Vec::new(),
            is_ordered: true,
        })
        .collect();
    let Some(rules) = rules else {
        return Ok((columns, mapped));
    };
    for (at, name) in names.iter().enumerate() {
        let mut parts = Vec::new();
        for (number, run) in runs.iter().enumerate() {
            parts.push(
                run.column(at)
                    .map_err(|error| JoinError::Run(number, error))?,
            );
        }
        let mut failed = 0;
        let mut of_run = |number: usize| {
            failed = number;
            let run = runs.get(number).ok_or(io::ErrorKind::InvalidInput)?;
            distinct(run.points(), names.len(), at, &|range, values| {
                run.read_columns(range, values)
            })
        };
        let joined = rules.join(&parts, &mut of_run);
        let joined = joined.map_err(|error| JoinError::Run(failed, error))?;
        if join_words(&joined.words).len() > MOST_TEXT {
            return Err(JoinError::Column(PackError::TooManyTexts {
                column: name.clone(),
            }));
        }
        for (run, map) in mapped.iter_mut().zip(joined.maps) {
            run.is_ordered &= map.as_ref().is_none_or(is_ordered);
            run.maps.push(map);
        }
        columns.push(NewColumn {
            name: name.clone(),
            form: joined.form,
            words: joined.words,
        });
    }
    Ok((columns, mapped))
}

/// An error of joining: of the run with a number, or of a column.
#[derive(Debug)]
pub(super) enum JoinError {
    Run(usize, io::Error),
    Column(PackError),
}

fn is_ordered(map: &HashMap<u64, u64>) -> bool {
    let mut pairs: Vec<(&u64, &u64)> = map.iter().collect();
    pairs.sort_unstable();
    pairs.is_sorted_by(|a, b| a.1 < b.1)
}

impl SortedPoints for MappedRun<'_> {
    fn points(&self) -> u64 {
        self.run.points()
    }

    fn end_of(&self, quad: Quad) -> io::Result<u64> {
        self.run.end_of(quad)
    }

    fn read(&self, range: Range<u64>, points: &mut Vec<Point>) -> io::Result<()> {
        self.run.read(range, points)
    }

    fn column(&self, number: usize) -> io::Result<(&ColumnForm, &[Box<[u8]>])> {
        self.run.column(number)
    }

    fn read_columns(&self, range: Range<u64>, values: &mut [Vec<u64>]) -> io::Result<()> {
        let before: Vec<usize> = values.iter().map(Vec::len).collect();
        self.run.read_columns(range, values)?;
        for ((values, map), before) in values.iter_mut().zip(&self.maps).zip(before) {
            let Some(map) = map else {
                continue;
            };
            for value in values.iter_mut().skip(before) {
                *value = map.get(value).copied().unwrap_or(0);
            }
        }
        Ok(())
    }
}
