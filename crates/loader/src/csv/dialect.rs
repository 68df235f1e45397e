//! Detection of a text's dialect, above all of its delimiter: each candidate is tried on the first
//! records.

use super::record::{CsvDialect, Quoting, RecordEnd, RowShape};
use crate::columns;
use crate::columns::axes::{self, NamedAxes};
use crate::columns::weight_check::WeightSample;
use crate::encoding::decoded;
use crate::error::LoadError;
use crate::input::Input;
use crate::options::{LoadOptions, Quote};
use crate::parameter::Parameter;

/// The delimiters that are tried. If two of them explain a file equally well, the one that comes
/// first in this list is chosen.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// The number of records that are examined after the first record: a choice.
const LOOKED_AT: usize = 20;

/// Finds the dialect of an input. `asked` is the delimiter that an option or the format TSV
/// prescribes; without it the delimiter is detected. A prescribed delimiter that is a line end or
/// also the quote is an error.
pub(super) fn find(
    input: &Input,
    asked: Option<u8>,
    options: &LoadOptions,
) -> Result<CsvDialect, LoadError> {
    let sample = input.sample.as_slice();
    let old_mac =
        memchr::memchr(b'\n', sample).is_none() && memchr::memchr(b'\r', sample).is_some();
    let newline = if old_mac { b'\r' } else { b'\n' };
    let with = |delimiter| CsvDialect {
        delimiter,
        newline,
        quoting: match options.quote {
            Some(Quote::None) => Quoting::Never,
            Some(Quote::Byte(byte)) => Quoting::Strict(byte),
            None if delimiter == b'\t' => Quoting::Tabs,
            None => Quoting::Lenient,
        },
        row: RowShape::default(),
    };
    match asked {
        Some(delimiter)
            if matches!(delimiter, b'\n' | b'\r') || with(delimiter).quotes_by(delimiter) =>
        {
            let byte = char::from(delimiter);
            let (parameter, message) = if options.delimiter.is_none() {
                (Parameter::Quote, format!("{byte:?} parts the fields here"))
            } else {
                let message = format!("{byte:?} cannot part fields; try one of , ; tab |");
                (Parameter::Delimiter, message)
            };
            Err(LoadError::BadOption {
                file: input.origin.file(),
                parameter,
                message,
            })
        }
        Some(delimiter) => Ok(with(delimiter)),
        None => {
            let score = |d: &u8| evidence(sample, input.whole, with(*d), options);
            // If scores are equal, `max_by_key` returns the last item, so the list is searched from
            // its end.
            let may = |d: &u8| !with(*d).quotes_by(*d);
            let best = DELIMITERS.into_iter().rev().filter(may).max_by_key(score);
            Ok(with(best.unwrap_or(b',')))
        }
    }
}

/// A score of how well a delimiter explains a sample. Scores are compared part by part, in this
/// order: the first record has more than one field (true or false); the columns of longitude and
/// latitude are found in it (true or false); the number of later records with as many fields as the
/// first; the number of fields of the first record.
fn evidence(
    sample: &[u8],
    whole: bool,
    dialect: CsvDialect,
    options: &LoadOptions,
) -> (bool, bool, usize, usize) {
    let mut records = Records {
        rest: sample,
        whole,
        dialect,
    };
    let Some(first) = records.next() else {
        return (false, false, 0, 0);
    };
    let names = names(first, dialect);
    records.dialect.row.delimiters = Some(names.len() - 1);
    let has = |asked: &Option<String>| {
        let named = |name: &String| columns::named(&names, name).is_some();
        asked.as_ref().map(named)
    };
    let found = match (has(&options.lon), has(&options.lat)) {
        (None, None) => !matches!(axes::find(&names, true), NamedAxes::Missing(..)),
        (lon, lat) => {
            lon.unwrap_or_else(|| axes::longitude(&names).is_some())
                && lat.unwrap_or_else(|| axes::latitude(&names).is_some())
        }
    };
    let width = names.len();
    let dialect = records.dialect;
    let alike = records
        .take(LOOKED_AT)
        .filter(|r| dialect.fields(r, true).count() == width)
        .count();
    (width > 1, found, alike, width)
}

/// An iterator over a sample's records. It leaves out blank lines. If the file goes on after the
/// sample (`whole` is false), it also leaves out the last record, which may be incomplete.
struct Records<'a> {
    rest: &'a [u8],
    whole: bool,
    dialect: CsvDialect,
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = match self.dialect.record_end(self.rest, self.whole) {
                RecordEnd::At(end, _) => end,
                RecordEnd::Beyond { .. } if self.whole => self.rest.len(),
                RecordEnd::Beyond { .. } => return None,
            };
            let (record, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            let record = self.dialect.trim(record);
            if !record.is_empty() {
                return Some(record);
            }
        }
        None
    }
}

/// The fields of a record as column names: decoded text, without the quotes and spaces around it.
pub(super) fn names(record: &[u8], dialect: CsvDialect) -> Vec<String> {
    let name = |field| decoded(&dialect.text(field)).trim().to_owned();
    dialect.fields(record, true).map(name).collect()
}

/// Counts how many of the first values of a column are numbers. `body` begins at the first row of
/// data; `whole` is set if the file ends with `body`. `column` is counted from 0.
pub(super) fn sample_weights(
    body: &[u8],
    whole: bool,
    dialect: CsvDialect,
    column: usize,
) -> WeightSample {
    let records = Records {
        rest: body,
        whole,
        dialect,
    };
    let mut sample_weights = WeightSample::default();
    for record in records {
        if let Some(field) = dialect.fields(record, true).nth(column) {
            sample_weights.note(&dialect.text(field));
        }
        if sample_weights.is_enough() {
            break;
        }
    }
    sample_weights
}
