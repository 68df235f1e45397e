//! Rows of a table that are not in memory, read one part after the other: those that a filter and a
//! box choose, with their values in some columns.

use super::within::pages_within;
use super::{Candidate, Failure, PAGES, PagedColumn, PagedTable, Prepared, REMOTE_PAGES};
use crate::filter::Filter;
use crate::table::column::{Column, Values};
use crate::table::select::WordResults;
use crate::table::stored::StoredColumn;
use crate::table::{Table, TableBuilder};
use crate::value::Value;
use heatsplat_points::{LonLatBox, Point, ReadError, mercator};
use rayon::prelude::*;

/// The number of parts, of [`PAGES`] pages each, that are read before their points are handed over:
/// a choice.
const PARTS: usize = 4;

/// Rows of a table that is not in memory: those that a filter and a box choose.
pub(crate) struct ChosenRows {
    table: Table,
    filter: Option<Filter>,
    /// The results of the filter's conditions on columns with a dictionary.
    known: Vec<WordResults>,
    within: Option<LonLatBox>,
    /// The indexes in the table of the columns whose values are read.
    kept: Vec<usize>,
    /// The pages that may have chosen rows, in ascending order.
    candidates: Vec<Candidate>,
    /// The number of candidates that were read already.
    done: usize,
    /// The number of rows that were left out so far. Rows on pages that are no candidates count
    /// from the beginning.
    left_out: u64,
}

/// Some chosen rows: their points, and their values in the kept columns.
pub(crate) type RowsPart = (Vec<Point>, TableBuilder);

impl ChosenRows {
    /// Chooses the rows of a table that fulfil `filter` and lie in the box `within`; without both
    /// they are all rows. `kept` are the indexes of the columns whose values are read. No rows are
    /// read here.
    ///
    /// # Errors
    /// The filter doesn't fit the values of the columns, or the box's pages can't be found.
    pub(crate) fn new(
        table: Table,
        filter: Option<&Filter>,
        within: Option<LonLatBox>,
        kept: Vec<usize>,
    ) -> Result<Self, Failure> {
        let mut rows = Self {
            table,
            filter: None,
            known: Vec::new(),
            within,
            kept,
            candidates: Vec::new(),
            done: 0,
            left_out: 0,
        };
        let Some(paged) = &rows.table.paged else {
            return Ok(rows);
        };
        let mut candidates = match filter {
            None => paged.all_pages(),
            Some(filter) => {
                let fitting = rows.table.fitting(filter).map_err(Failure::Refused)?;
                let prepared = rows.table.prepare(&fitting.0, &fitting.1);
                let candidates = paged.candidates(&prepared);
                rows.known = prepared.known;
                rows.filter = Some(fitting.0);
                candidates
            }
        };
        if let Some(within) = within {
            let pages = pages_within(&*paged.rows, within)?;
            candidates.retain(|at| {
                let next = pages.partition_point(|range| range.end <= at.page);
                pages
                    .get(next)
                    .is_some_and(|range| range.contains(&at.page))
            });
        }
        rows.left_out = paged.rows.rows() - paged.rows_on(candidates.iter().map(|at| at.page));
        rows.candidates = candidates;
        Ok(rows)
    }

    /// Reads the next rows. The result has several parts, each in the order of the table; `None` if
    /// no rows are left.
    ///
    /// # Errors
    /// Values of a column don't fit the filter, or a page can't be read.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<RowsPart>>, Failure> {
        let rest = self.candidates.get(self.done..).unwrap_or_default();
        let (Some(paged), false) = (&self.table.paged, rest.is_empty()) else {
            return Ok(None);
        };
        let (pages, parts) = match paged.rows.is_remote() {
            true => (REMOTE_PAGES, 1),
            false => (PAGES, PARTS * rayon::current_num_threads()),
        };
        let some = rest.get(..rest.len().min(pages * parts)).unwrap_or(rest);
        let samples = self.samples();
        let prepared = self
            .filter
            .as_ref()
            .map(|filter| self.prepared(filter, &samples));
        let parts = some
            .par_chunks(pages)
            .map(|part| self.read(paged, part, prepared.as_ref()))
            .collect::<Result<Vec<RowsPart>, Failure>>()?;
        let chosen: usize = parts.iter().map(|(points, _)| points.len()).sum();
        self.left_out += paged.rows_on(some.iter().map(|at| at.page)) - chosen as u64;
        self.done += some.len();
        Ok(Some(parts))
    }

    fn prepared<'t>(&'t self, filter: &'t Filter, samples: &'t [&'t Column]) -> Prepared<'t> {
        let names = filter.columns().iter();
        Prepared {
            filter,
            samples,
            places: names.filter_map(|name| self.table.place(name)).collect(),
            known: self.known.clone(),
            times: &self.table.times,
        }
    }

    /// The number of rows that were left out so far.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The fraction of the pages with chosen rows that was read already.
    pub(crate) fn progress(&self) -> f64 {
        match self.candidates.len() {
            0 => 1.0,
            all => self.done as f64 / all as f64,
        }
    }

    /// Reads the chosen rows on some pages.
    fn read(
        &self,
        paged: &PagedTable,
        some: &[Candidate],
        prepared: Option<&Prepared<'_>>,
    ) -> Result<RowsPart, Failure> {
        let (pages, mut wanted) = paged.wanted_on(some, prepared, &|_| true)?;
        let mut points = paged.points_on(&pages, wanted.len())?;
        if let Some(within) = self.within {
            for (point, wanted) in points.iter().zip(&mut wanted) {
                *wanted = *wanted && is_within(within, point);
            }
        }
        let mut values = TableBuilder::new(self.kept.len(), &self.table.times);
        if wanted.contains(&true) && !self.kept.is_empty() {
            self.fill(&mut values, paged, &pages, &wanted)?;
        }
        let mut wanted = wanted.into_iter();
        points.retain(|_| wanted.next() == Some(true));
        Ok((points, values))
    }

    /// Appends the values of the rows of some pages to `builder`, of those rows that are `wanted`.
    fn fill(
        &self,
        builder: &mut TableBuilder,
        paged: &PagedTable,
        pages: &[u64],
        wanted: &[bool],
    ) -> Result<(), ReadError> {
        let missing = || ReadError::new("a column is missing");
        let mut columns = Vec::new();
        for place in &self.kept {
            let column = paged.columns.get(*place).ok_or_else(missing)?;
            let sample = self.table.columns.get(*place).ok_or_else(missing)?;
            columns.push((column, sample, paged.rows.values(*place, pages)?));
        }
        let rows = wanted.iter().enumerate().filter(|(_, wanted)| **wanted);
        for (number, (row, _)) in (1..).zip(rows) {
            builder.fill(number, |at| match columns.get(at) {
                Some((column, sample, values)) => {
                    column.value(sample, values.get(row).copied().unwrap_or_default())
                }
                None => Value::Null,
            });
        }
        Ok(())
    }

    /// The samples of the filter's columns.
    fn samples(&self) -> Vec<&Column> {
        let names = self.filter.iter().flat_map(Filter::columns);
        names.filter_map(|name| self.table.column(name)).collect()
    }
}

impl PagedTable {
    /// All pages. Each of their rows is wanted.
    fn all_pages(&self) -> Vec<Candidate> {
        let pages = 0..self.rows.rows().div_ceil(self.rows.page_rows().max(1));
        let candidate = |page| Candidate {
            page,
            is_certain: true,
        };
        pages.map(candidate).collect()
    }
}

impl PagedColumn {
    /// The value that a row has in the source of which the table was made. `value` is the integer
    /// that stands for it, and `sample` is the sample of the column.
    fn value<'t>(&self, sample: &'t Column, value: u64) -> Value<'t> {
        let Some(before) = value.checked_sub(1) else {
            return Value::Null;
        };
        match &sample.values {
            Values::Words(_, words) => {
                let word = usize::try_from(before).ok().and_then(|at| words.get(at));
                word.map_or(Value::Null, |word| word.value())
            }
            _ => StoredColumn::entry(self.form, value).into_value(),
        }
    }
}

/// Tests whether a point lies in a box. The point's position is the middle of the square of the
/// world grid that it lies in.
fn is_within(within: LonLatBox, point: &Point) -> bool {
    let lon = mercator::longitude(f64::from(point.x) + 0.5);
    let lat = mercator::latitude(f64::from(point.y) + 0.5);
    within.contains(lon, lat)
}
