//! The options `filter` and `keep` for one source: the columns that they name are looked up and
//! replaced by indexes.

use super::Schema;
use crate::error::LoadError;
use crate::filter::{Filter, ResolvedFilter};
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::report::Report;
use crate::time::Times;
use crate::value::Value;
use std::collections::BTreeSet;

/// A filter of rows, and the kept columns (those that the option `keep` names), by their indexes
/// among the source's columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowSelection {
    filter: Option<ResolvedFilter>,
    /// The formats in which dates and times of the source are read.
    pub(crate) times: Times,
    /// The indexes of the kept columns, whose values are read for each point.
    pub(crate) keep: Vec<usize>,
}

impl RowSelection {
    /// Finds the columns that the options `filter` and `keep` name.
    pub(crate) fn resolve(options: &LoadOptions, schema: Schema<'_>) -> Result<Self, LoadError> {
        let mut keep = Vec::new();
        for name in &options.keep {
            let at = schema.find(Parameter::Keep, name)?;
            if !keep.contains(&at) {
                keep.push(at);
            }
        }
        let times = Times::new(&options.time_formats);
        let filter = options.filter.clone().map(|filter| {
            let columns = filter.columns().iter();
            let places = columns.map(|name| schema.find(Parameter::Filter, name));
            let places = places.collect::<Result<_, _>>()?;
            let filter = filter_with_times(filter, &times, schema.file)?;
            Ok(ResolvedFilter::new(filter, places, &times))
        });
        Ok(Self {
            filter: filter.transpose()?,
            times,
            keep,
        })
    }

    /// The names of the kept columns. `seen` are the names of all columns.
    pub(crate) fn names(&self, seen: &[String]) -> Vec<String> {
        let name = |at: &usize| seen.get(*at).cloned();
        self.keep.iter().filter_map(name).collect()
    }

    /// The indexes of the columns that the filter uses and of the kept ones, each once, in
    /// ascending order.
    pub(crate) fn places(&self) -> Vec<usize> {
        let filter = self.filter.iter().flat_map(|filter| &filter.places);
        let all: BTreeSet<usize> = filter.chain(&self.keep).copied().collect();
        all.into_iter().collect()
    }

    /// Returns whether this selection does nothing: it has no filter and no kept columns.
    pub(crate) fn is_empty(&self) -> bool {
        self.filter.is_none() && self.keep.is_empty()
    }

    /// Returns whether the filter selects a row, and counts the row in the report if not. `value`
    /// returns the row's value in a column by the column's index in the source.
    #[inline]
    pub(crate) fn selects<'v>(
        &self,
        value: impl FnMut(usize) -> Value<'v>,
        report: &mut Report,
    ) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| filter.selects(value, report))
    }
}

/// Returns `filter` with the dates in it read again: they may be written in the source's own
/// formats, `times`, which were not known when the filter was parsed.
///
/// # Errors
/// [`LoadError::BadOption`] for a literal after `<`, `<=`, `>` or `>=` that looks like a date and
/// can't be read as one. Without this error the filter would compare texts instead of dates.
pub(crate) fn filter_with_times(
    filter: Filter,
    times: &Times,
    file: &str,
) -> Result<Filter, LoadError> {
    let filter = filter.with_times(times);
    match filter.ambiguous_date() {
        None => Ok(filter),
        Some(message) => Err(LoadError::BadOption {
            file: file.to_owned(),
            parameter: Parameter::Filter,
            message,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_filter_are_found_by_name() {
        let seen = ["Offense Type", "n"].map(str::to_owned);
        let schema = Schema {
            names: &seen,
            file: "a.csv",
        };
        let options = |filter: &str| LoadOptions {
            filter: Some(filter.parse().unwrap()),
            ..LoadOptions::default()
        };
        let known = options("\"offense type\" = 'x' and n = 1 and N = 2");
        let selection = RowSelection::resolve(&known, schema).unwrap();
        assert_eq!(selection.filter.unwrap().places, [0, 1, 1]);
        let unknown = RowSelection::resolve(&options("place = 'x'"), schema);
        let message = unknown.unwrap_err().to_string();
        assert!(
            message.contains("`filter`") && message.contains("\"Offense Type\""),
            "{message}"
        );
    }
}
