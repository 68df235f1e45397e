//! Rows of a table that are not in memory as a source: those that a filter and a box choose.

use crate::columns::{Columns, Schema};
use crate::error::LoadError;
use crate::options::LoadOptions;
use crate::parameter::Parameter;
use crate::report::Report;
use crate::source::{LoadProgress, Source};
use crate::table::{ChosenRows, Failure, Table, TableBuilder};
use heatsplat_points::PointSink;
use std::io;

/// Chosen rows of a table that is not in memory.
struct PagedSource {
    name: String,
    columns: Columns,
    rows: ChosenRows,
    kept: TableBuilder,
    report: Report,
    /// The size of the file with the rows, in bytes.
    bytes: u64,
}

/// Makes a source of the rows of a table that are not in memory
/// ([`Table::from_paged`](crate::Table::from_paged)). `name` is its name in messages, `columns`
/// describes it, and `bytes` is the size of the file with the rows.
///
/// Of `options`, the filter, the box and the kept columns count. Pages that can't have chosen rows
/// are not read. Values of kept columns are those of the source of which the table was made, so
/// their types are found anew, as if that source were read with the same options.
///
/// # Errors
/// The table has no column with a name in `options`, the filter doesn't fit the values, or a part
/// of the table can't be read.
pub fn read_paged(
    table: Table,
    name: &str,
    columns: Columns,
    options: &LoadOptions,
    bytes: u64,
) -> Result<Box<dyn Source>, LoadError> {
    let seen: Vec<String> = table
        .columns()
        .iter()
        .map(|c| c.name().to_owned())
        .collect();
    let find = |parameter, column: &String| {
        let schema = Schema {
            names: &seen,
            file: name,
        };
        schema.find(parameter, column)
    };
    let filter = options.filter.as_ref();
    for column in filter.into_iter().flat_map(|filter| filter.columns()) {
        find(Parameter::Filter, column)?;
    }
    let kept = options.keep.iter();
    let kept = kept.map(|column| find(Parameter::Keep, column));
    let kept = kept.collect::<Result<Vec<usize>, _>>()?;
    let names = kept.iter().filter_map(|at| seen.get(*at));
    let names = names.cloned().collect();
    let rows = ChosenRows::new(table, filter, options.within, kept);
    Ok(Box::new(PagedSource {
        name: name.to_owned(),
        columns: Columns {
            kept: names,
            seen,
            ..columns
        },
        rows: rows.map_err(|failure| failed(name, failure))?,
        kept: TableBuilder::default(),
        report: Report::default(),
        bytes,
    }))
}

fn failed(file: &str, failure: Failure) -> LoadError {
    let file = file.to_owned();
    match failure {
        Failure::Refused(error) => LoadError::BadOption {
            file,
            parameter: Parameter::Filter,
            message: error.to_string(),
        },
        Failure::Unreadable(error) => LoadError::Read {
            file,
            source: io::Error::other(error),
        },
    }
}

impl Source for PagedSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        let next = self.rows.next();
        let next = next.map_err(|failure| failed(&self.name, failure))?;
        let more = next.is_some();
        for (points, values) in next.into_iter().flatten() {
            let missing = points.iter().filter(|point| !point.has_weight());
            self.report.weights_missing += missing.count() as u64;
            self.report.rows += points.len() as u64;
            self.kept.append(values);
            sink.push(&points);
        }
        self.report.kept = self.report.rows;
        self.report.filtered = self.rows.left_out();
        self.report.bytes = (self.bytes as f64 * self.rows.progress()) as u64;
        Ok(more)
    }

    fn take_kept(&mut self) -> TableBuilder {
        std::mem::take(&mut self.kept)
    }

    fn report(&self) -> &Report {
        &self.report
    }

    fn progress(&self) -> LoadProgress {
        LoadProgress {
            rows: self.report.rows + self.report.filtered,
            bytes_read: self.report.bytes,
            bytes_total: Some(self.bytes),
        }
    }
}
