//! What is asked of a row beside position and weight: to fulfil a condition, to be kept.

use crate::columns;
use crate::error::LoadError;
use crate::filter::{Found, Value};
use crate::open::Options;
use crate::report::Report;
use crate::time::Times;
use std::collections::BTreeSet;

/// A filter and the columns to keep, found among those of a source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    filter: Option<Found>,
    /// How times are written.
    pub(crate) times: Times,
    /// Where the columns are whose values are kept.
    pub(crate) keep: Vec<usize>,
}

impl Asked {
    /// Finds the columns that options name.
    pub(crate) fn find(options: &Options, seen: &[String], file: &str) -> Result<Self, LoadError> {
        let place = |name: &String| {
            columns::named(seen, name).ok_or_else(|| LoadError::NoSuchColumn {
                file: file.to_owned(),
                parameter: "--keep",
                name: name.clone(),
                seen: seen.to_vec(),
            })
        };
        let mut keep = Vec::new();
        for name in &options.keep {
            let at = place(name)?;
            if !keep.contains(&at) {
                keep.push(at);
            }
        }
        let times = Times::new(&options.time_formats);
        let filter = options.filter.clone();
        let filter = filter.map(|filter| filter.find(seen, file, &times));
        Ok(Self {
            filter: filter.transpose()?,
            times,
            keep,
        })
    }

    /// The names of the columns that are kept.
    pub(crate) fn names(&self, seen: &[String]) -> Vec<String> {
        let name = |at: &usize| seen.get(*at).cloned();
        self.keep.iter().filter_map(name).collect()
    }

    /// Positions of all columns that are read from a row, each once.
    pub(crate) fn places(&self) -> Vec<usize> {
        let filter = self.filter.iter().flat_map(|found| &found.places);
        let all: BTreeSet<usize> = filter.chain(&self.keep).copied().collect();
        all.into_iter().collect()
    }

    /// Whether nothing is asked of a row.
    pub(crate) fn is_nothing(&self) -> bool {
        self.filter.is_none() && self.keep.is_empty()
    }

    /// Whether the filter wants a row; `value` gives what it has in a column of the source. One
    /// that it doesn't want is counted.
    #[inline]
    pub(crate) fn wants<'v>(
        &self,
        value: impl FnMut(usize) -> Value<'v>,
        report: &mut Report,
    ) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| filter.wants(value, report))
    }
}
