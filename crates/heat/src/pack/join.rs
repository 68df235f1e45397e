//! The joining of columns: a column that has different types or different texts in several runs
//! gets one type and one list of texts for all of them.

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

/// Rules by which a column is joined if it has different types, or different texts, in several
/// runs.
pub trait ColumnRules: fmt::Debug + Send {
    /// Joins a column. `parts` has, for each run, the column's description and its texts there. The
    /// result must not depend on the order of the runs. `distinct` is called with the number of a
    /// run, counted from 0, and returns the different values of the column in that run, without
    /// null.
    ///
    /// # Errors
    /// An error of `distinct`, or an error of the rules if a description is not known to them.
    fn join(
        &self,
        parts: &[(&ColumnForm, &[Box<[u8]>])],
        distinct: &mut dyn FnMut(usize) -> io::Result<HashSet<u64>>,
    ) -> io::Result<JoinedForm>;
}

/// A joined column: its description and texts, and how the values of the runs become its values.
#[derive(Debug)]
pub struct JoinedForm {
    /// The description of the whole column.
    pub form: ColumnForm,
    /// The different texts of the whole column: value 1 stands for the first one, 2 for the second
    /// one, and so on.
    pub words: Vec<Box<[u8]>>,
    /// For each run, a map from the column's values there to the values of the whole column; `None`
    /// if the values stay as they are.
    pub maps: Vec<Option<HashMap<u64, u64>>>,
}

/// A run whose values are translated to those of the joined columns while they are read.
#[derive(Debug)]
pub(super) struct MappedRun<'a> {
    run: &'a dyn SortedPoints,
    maps: Vec<Option<HashMap<u64, u64>>>,
    /// True if the translated values of each column sort in the same order as the values in the
    /// run.
    pub(super) is_ordered: bool,
}

/// The columns that the finished file gets, and the runs with their translated values.
pub(super) type Joined<'a> = (Vec<NewColumn>, Vec<MappedRun<'a>>);

/// Joins the columns of all runs by `rules`. `names` are the columns' names, in the order that the
/// columns have in each run. Without rules there are no columns.
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

/// An error of joining: of reading the run with the number, counted from 0; or of a column that
/// can't be joined.
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
