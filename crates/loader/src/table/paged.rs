//! Tables whose rows are not in memory, but in pages that are read when a filter needs them. Each
//! page has a zone map, by which pages are left out if none of their rows can fulfil the filter.

mod chosen;
mod within;

pub(crate) use chosen::ChosenRows;

use super::Table;
use super::check::{TableError, check_dates};
use super::column::{Codes, Column, Values};
use super::select::{FilterEval, WordResults};
use super::stored::{StoredColumn, StoredForm};
use super::zones::{RowZone, ZoneFilter};
use crate::filter::Filter;
use crate::time::{TimeFormat, Times};
use heatsplat_points::{Point, Points, Quad, ReadError, cancel};
use rayon::prelude::*;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of pages of a column that a thread reads in one step: a choice.
const PAGES: usize = 16;

/// The number of pages of a column that are requested together from another machine: a choice. Each
/// request takes at least the time of one answer.
const REMOTE_PAGES: usize = 256;

/// The rows of a table that are not in memory. Their points are in Z-order, as in an index.
pub trait PagedRows: fmt::Debug + Send + Sync {
    /// Returns the number of rows.
    fn rows(&self) -> u64;

    /// Returns the number of rows in each page but the last, which may have fewer.
    fn page_rows(&self) -> u64;

    /// Reads the zone maps of a column, one for each page. `column` is its number, from 0.
    ///
    /// # Errors
    /// The file can't be read there, or is damaged.
    fn zones(&self, column: usize) -> Result<Vec<RowZone>, ReadError>;

    /// Reads the values of a column on some pages, one page behind the other: the integers of a
    /// [`StoredColumn`]. Pages are counted from 0.
    ///
    /// # Errors
    /// The file can't be read there, or is damaged.
    fn values(&self, column: usize, pages: &[u64]) -> Result<Vec<u64>, ReadError>;

    /// Reads the points of some pages, one page behind the other.
    ///
    /// # Errors
    /// The file can't be read there, or is damaged.
    fn points(&self, pages: &[u64]) -> Result<Vec<Point>, ReadError>;

    /// Returns the numbers in Z-order, counted from 0, of the rows whose points lie in a quad.
    ///
    /// # Errors
    /// The file can't be read there, or is damaged.
    fn quad_rows(&self, quad: Quad) -> Result<Range<u64>, ReadError>;

    /// Returns true if pages are read from another machine, so that it is better to read many at a
    /// time than to read on all processor cores.
    fn is_remote(&self) -> bool;
}

/// The description of a column whose values are not in memory.
#[derive(Clone, Debug, Default)]
pub struct UnreadColumn {
    /// The name of the column.
    pub name: String,
    /// The type and the spelling of the values.
    pub form: StoredForm,
    /// The entries of the dictionary as bytes, in ascending order, as [`StoredColumn::words`] has
    /// them; empty if the column has no dictionary.
    pub words: Vec<Box<[u8]>>,
}

/// The rows of a table that are not in memory, with what is in memory about its columns.
#[derive(Debug)]
pub(super) struct PagedTable {
    rows: Arc<dyn PagedRows>,
    columns: Vec<PagedColumn>,
    /// The greatest number of points that a filter may select.
    most: u64,
}

#[derive(Debug)]
struct PagedColumn {
    form: StoredForm,
    /// The number of entries of the dictionary; 0 if there is none.
    words: usize,
    zones: Vec<RowZone>,
}

/// A page that may have rows which fulfil a filter.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    page: u64,
    /// True if the filter holds for all rows of the page, so that they needn't be compared.
    is_certain: bool,
}

/// The reason why a filter's points are not selected.
pub(crate) enum Failure {
    Refused(TableError),
    Unreadable(ReadError),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error)
    }
}

/// A filter with all that is known before rows are read.
struct Prepared<'t> {
    filter: &'t Filter,
    /// The samples of the columns that the filter names. The next field has the indexes of these
    /// columns in the table.
    samples: &'t [&'t Column],
    places: Vec<usize>,
    /// The results of the conditions on columns with a dictionary, in the order of the tree.
    known: Vec<WordResults>,
    times: &'t Times,
}

impl Table {
    /// A table of rows that are not in memory. [`select`](Self::select) reads those pages that may
    /// have rows for a filter, and selects at most `most` points. `times` are the formats of times
    /// in filters.
    ///
    /// # Errors
    /// The zone maps can't be read, or a dictionary is damaged.
    pub fn from_paged(
        columns: Vec<UnreadColumn>,
        rows: Arc<dyn PagedRows>,
        times: &[TimeFormat],
        most: u64,
    ) -> Result<Self, ReadError> {
        let (mut samples, mut paged, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
        for (at, UnreadColumn { name, form, words }) in columns.into_iter().enumerate() {
            let zones = rows.zones(at)?;
            nulls.push(zones.iter().map(|zone| zone.nulls as usize).sum());
            // Each entry of a dictionary, or else the least and the greatest value, is all that
            // checking a filter needs.
            let values = match words.len() as u64 {
                0 => ends(&zones),
                words => (1..=words).collect(),
            };
            paged.push(PagedColumn {
                form,
                words: words.len(),
                zones,
            });
            let sample = StoredColumn {
                form,
                words,
                values,
            };
            samples.push((name, sample));
        }
        let damaged = || ReadError::new("the texts of a column are damaged");
        let mut table = Self::from_stored(samples, times).ok_or_else(damaged)?;
        for (column, nulls) in table.columns.iter_mut().zip(nulls) {
            column.make_sample(nulls);
        }
        table.paged = Some(PagedTable {
            rows,
            columns: paged,
            most,
        });
        Ok(table)
    }

    /// The number of rows that [`select`](Self::select) looks at for a filter. If the table's rows
    /// are not in memory, these are the rows of the pages that it reads; else all rows.
    ///
    /// # Errors
    /// The errors of [`check`](Self::check).
    pub fn rows_for(&self, filter: &Filter) -> Result<u64, TableError> {
        let Some(paged) = &self.paged else {
            let rows = self.columns.first().map_or(0, Column::len);
            return Ok(rows as u64);
        };
        let (filter, samples) = self.fitting(filter)?;
        let candidates = paged.candidates(&self.prepare(&filter, &samples));
        Ok(paged.rows_on(candidates.iter().map(|at| at.page)))
    }

    /// Returns true if the table's rows are not in memory.
    pub fn is_paged(&self) -> bool {
        self.paged.is_some()
    }

    /// A text about the spellings of the values in the source, by which tables that are not in
    /// memory are compared. If two such tables have equal values and equal texts, then equal
    /// filters select equal rows of both.
    pub fn spellings(&self) -> String {
        let columns = self.columns.iter();
        let written: Vec<String> = columns.map(|c| format!("{:?}", c.written)).collect();
        format!("{written:?} {:?}", self.times)
    }

    fn prepare<'t>(&'t self, filter: &'t Filter, samples: &'t [&'t Column]) -> Prepared<'t> {
        let places = filter.columns().iter().filter_map(|name| self.place(name));
        Prepared {
            filter,
            samples,
            places: places.collect(),
            known: FilterEval::new(filter.tree(), samples, &self.times).word_results(),
            times: &self.times,
        }
    }

    /// The points of the rows that fulfil a filter and that `among` selects. `samples` are the
    /// samples of the columns that the filter names. `among` is called with the number of a row,
    /// counted from 0.
    pub(super) fn select_paged(
        &self,
        paged: &PagedTable,
        (filter, samples): (&Filter, &[&Column]),
        among: &(impl Fn(usize) -> bool + Sync),
    ) -> Result<Points, TableError> {
        let prepared = self.prepare(filter, samples);
        match paged.select(&prepared, among) {
            Ok(points) => Ok(Points::from_sorted(points)),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Unreadable(error)) => cancel::unreadable(error),
        }
    }
}

/// The least and the greatest value of a column, by the zone maps of all its pages; an empty list
/// if the column has no values.
fn ends(zones: &[RowZone]) -> Vec<u64> {
    let some = zones.iter().filter(|zone| zone.least <= zone.greatest);
    let least = some.clone().map(|zone| zone.least).min();
    let greatest = some.map(|zone| zone.greatest).max();
    least.into_iter().chain(greatest).collect()
}

impl PagedTable {
    fn rows_of(&self, page: u64) -> Range<u64> {
        let (len, rows) = (self.rows.page_rows(), self.rows.rows());
        page.saturating_mul(len)..(page + 1).saturating_mul(len).min(rows)
    }

    /// The pages that may have rows for a filter.
    fn candidates(&self, prepared: &Prepared<'_>) -> Vec<Candidate> {
        let Prepared {
            filter,
            samples,
            places,
            known,
            ..
        } = prepared;
        let filter = ZoneFilter::new(filter.tree(), samples, known);
        let columns: Vec<&[RowZone]> = places
            .iter()
            .filter_map(|place| self.columns.get(*place))
            .map(|column| column.zones.as_slice())
            .collect();
        let candidate = |page: u64| {
            let rows = self.rows_of(page);
            let zones = columns.iter().filter_map(|zones| zones.get(page as usize));
            let zones: Vec<&RowZone> = zones.collect();
            let outcomes = filter.outcomes(&zones, rows.end - rows.start);
            outcomes.holds.then(|| Candidate {
                page,
                is_certain: outcomes.is_certain(),
            })
        };
        let pages = 0..self.rows.rows().div_ceil(self.rows.page_rows().max(1));
        let looked = pages.inspect(|_| cancel::check(100));
        looked.filter_map(candidate).collect()
    }

    fn select(
        &self,
        prepared: &Prepared<'_>,
        among: &(impl Fn(usize) -> bool + Sync),
    ) -> Result<Vec<Point>, Failure> {
        let candidates = self.candidates(prepared);
        if self.are_too_many(&candidates, among) {
            return Err(Failure::Refused(TableError::too_many(self.most)));
        }
        let selected = AtomicU64::new(0);
        let select = |some: &[Candidate]| -> Result<Vec<Point>, Failure> {
            let points = self.select_on(some, prepared, among)?;
            let before = selected.fetch_add(points.len() as u64, Ordering::Relaxed);
            match before + points.len() as u64 > self.most {
                true => Err(Failure::Refused(TableError::too_many(self.most))),
                false => Ok(points),
            }
        };
        let work = cancel::inherit();
        let select = |some: &[Candidate]| work.run(|| select(some));
        let parts: Vec<Vec<Point>> = match self.rows.is_remote() {
            true => candidates
                .chunks(REMOTE_PAGES)
                .map(select)
                .collect::<Result<_, _>>(),
            false => candidates
                .par_chunks(PAGES)
                .map(select)
                .collect::<Result<_, _>>(),
        }?;
        let mut points = Vec::with_capacity(parts.iter().map(Vec::len).sum());
        // Each part is freed as soon as it is copied.
        parts.into_iter().for_each(|part| points.extend(part));
        Ok(points)
    }

    /// Returns true if the pages whose rows all fulfil the filter already have more points than a
    /// filter may select. Nothing is read for that.
    fn are_too_many(&self, candidates: &[Candidate], among: &impl Fn(usize) -> bool) -> bool {
        let certain = candidates.iter().filter(|at| at.is_certain);
        let rows = certain.flat_map(|at| self.rows_of(at.page));
        let mut selected = rows.filter(|row| among(*row as usize));
        usize::try_from(self.most).is_ok_and(|most| selected.nth(most).is_some())
    }

    /// The points on some pages that fulfil a filter and that `among` selects.
    fn select_on(
        &self,
        candidates: &[Candidate],
        prepared: &Prepared<'_>,
        among: &(impl Fn(usize) -> bool + Sync),
    ) -> Result<Vec<Point>, Failure> {
        let (pages, wanted) = self.wanted_on(candidates, Some(prepared), among)?;
        let points = self.points_on(&pages, wanted.len())?;
        let chosen = points.into_iter().zip(wanted).filter(|(_, wanted)| *wanted);
        Ok(chosen.map(|(point, _)| point).collect())
    }

    /// Compares the rows of some pages with a filter. Returns the pages with rows that fulfil it
    /// and that `among` selects, and for each row of these pages whether it is such a row. Without
    /// a filter (`None`) all candidates must be certain.
    fn wanted_on(
        &self,
        candidates: &[Candidate],
        prepared: Option<&Prepared<'_>>,
        among: &(impl Fn(usize) -> bool + Sync),
    ) -> Result<(Vec<u64>, Vec<bool>), Failure> {
        let compared = candidates.iter().filter(|at| !at.is_certain);
        let compared: Vec<u64> = compared.map(|at| at.page).collect();
        let held = prepared.map(|prepared| self.compare(&compared, prepared));
        let mut held = held.transpose()?.unwrap_or_default().into_iter();
        // Pages without any wanted row are left out: their points needn't be read.
        let (mut pages, mut wanted) = (Vec::new(), Vec::new());
        for at in candidates {
            let rows = self.rows_of(at.page);
            let before = wanted.len();
            for row in rows {
                let holds = at.is_certain || held.next() == Some(true);
                wanted.push(holds && among(row as usize));
            }
            match wanted
                .get(before..)
                .is_some_and(|rows| rows.contains(&true))
            {
                true => pages.push(at.page),
                false => wanted.truncate(before),
            }
        }
        Ok((pages, wanted))
    }

    /// Reads the points of some pages, which have `rows` rows together.
    fn points_on(&self, pages: &[u64], rows: usize) -> Result<Vec<Point>, ReadError> {
        if pages.is_empty() {
            return Ok(Vec::new());
        }
        let points = self.rows.points(pages)?;
        match points.len() == rows {
            true => Ok(points),
            false => Err(ReadError::new("pages have fewer points than rows")),
        }
    }

    /// The number of rows on some pages.
    fn rows_on(&self, pages: impl Iterator<Item = u64>) -> u64 {
        let rows = pages.map(|page| self.rows_of(page));
        rows.map(|rows| rows.end - rows.start).sum()
    }

    /// Compares the rows of some pages with the filter. Returns, for each row, true if the filter
    /// holds.
    fn compare(&self, pages: &[u64], prepared: &Prepared<'_>) -> Result<Vec<bool>, Failure> {
        if pages.is_empty() {
            return Ok(Vec::new());
        }
        let (filter, times) = (prepared.filter, prepared.times);
        let mut columns = Vec::new();
        for (place, sample) in prepared.places.iter().zip(prepared.samples) {
            let missing = || ReadError::new("a column is missing");
            let column = self.columns.get(*place).ok_or_else(missing)?;
            let values = self.rows.values(*place, pages)?;
            columns.push(column.read(sample, values, times).ok_or_else(missing)?);
        }
        let columns: Vec<&Column> = columns.iter().collect();
        check_dates(filter.tree(), &columns).map_err(Failure::Refused)?;
        let mut known = prepared.known.iter().cloned();
        let eval = FilterEval::with_results(filter.tree(), &columns, times, &mut known);
        let mut verdict = eval.verdict();
        let rows = self.rows_on(pages.iter().copied());
        Ok((0..rows as usize)
            .map(|row| verdict(row) == Some(true))
            .collect())
    }
}

impl PagedColumn {
    /// Makes the column of some rows from their stored values. `sample` is the sample of the
    /// column. `None` if the values are damaged.
    fn read(&self, sample: &Column, values: Vec<u64>, times: &Times) -> Option<Column> {
        let name = sample.name().to_owned();
        if matches!(sample.values, Values::Words(..)) {
            // The entries of the dictionary were compared already, so the codes are enough.
            let null = self.words as u32;
            let code = |value: u64| match value.checked_sub(1) {
                Some(code) if code < u64::from(null) => code as u32,
                _ => null,
            };
            let codes = values.into_iter().map(code).collect();
            let values = Values::Words(Codes::new(codes, self.words), Vec::new());
            return Some(Column::new(name, values, sample.written, times));
        }
        let stored = StoredColumn {
            form: self.form,
            words: Vec::new(),
            values,
        };
        stored.into_column(name, times)
    }
}

#[cfg(test)]
mod tests;
