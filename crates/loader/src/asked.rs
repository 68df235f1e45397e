//! What is asked of a row beside position and weight: to fulfil a condition, to be kept.

use crate::columns;
use crate::error::LoadError;
use crate::filter::{self, Found, Value};
use crate::open::Options;

/// A filter and the columns to keep, found among those of a source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    filter: Option<Found>,
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
        Ok(Self {
            filter: filter::found(options.filter.as_ref(), seen, file)?,
            keep,
        })
    }

    /// The names of the columns that are kept.
    pub(crate) fn names(&self, seen: &[String]) -> Vec<String> {
        let name = |at: &usize| seen.get(*at).cloned();
        self.keep.iter().filter_map(name).collect()
    }

    /// Where all columns are that a row is asked for; some may be there twice.
    pub(crate) fn places(&self) -> Vec<usize> {
        let filter = self.filter.iter().flat_map(|found| &found.places);
        filter.chain(&self.keep).copied().collect()
    }

    /// Whether nothing is asked of a row.
    pub(crate) fn is_nothing(&self) -> bool {
        self.filter.is_none() && self.keep.is_empty()
    }

    /// Whether the filter wants a row; `value` gives what it has in a column of the source.
    pub(crate) fn wants<'v>(&self, value: impl FnMut(usize) -> Value<'v>) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.wants(value))
    }
}
