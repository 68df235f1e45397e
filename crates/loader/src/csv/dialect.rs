//! Detection of a text's dialect: its delimiter, the byte that ends its lines, and its rule for
//! quotes. Each delimiter is tried on the first records.

use super::record::{CsvDialect, Quoting, RowShape};
use super::sample::{Records, is_any_number};
use crate::columns;
use crate::columns::axes::{self, NamedAxes};
use crate::encoding::decoded;
use crate::error::LoadError;
use crate::input::Input;
use crate::options::{LoadOptions, Quote};
use crate::parameter::Parameter;

/// The delimiters that are tried. If two of them explain a file equally well, the one that comes
/// first here is chosen.
pub(super) const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// The number of records after the first one that are examined to find the delimiter: a choice.
const LOOKED_AT: usize = 20;

/// Finds the dialect of an input. `asked` is the delimiter that an option or the format TSV
/// prescribes; without it the delimiter is detected. A line end or the quote as the prescribed
/// delimiter is an error.
pub(super) fn find(
    input: &Input,
    asked: Option<u8>,
    options: &LoadOptions,
) -> Result<CsvDialect, LoadError> {
    let sample = input.sample.as_slice();
    let newline = newline(sample);
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

/// The byte that ends the lines of a text: `\n`, or `\r` in files of old Macs.
pub(super) fn newline(sample: &[u8]) -> u8 {
    let old_mac =
        memchr::memchr(b'\n', sample).is_none() && memchr::memchr(b'\r', sample).is_some();
    if old_mac { b'\r' } else { b'\n' }
}

/// A score of how well a delimiter explains a sample. `whole` is true if the sample is the whole
/// file. Scores are compared part by part, in this order:
///
/// * true if the first record has more than one field
/// * true if the columns of longitude and latitude are found in the first record, or if the record
///   consists of two or three numbers
/// * the number of records, among the [`LOOKED_AT`] after the first, that have as many fields as
///   the first
/// * the number of fields of the first record
fn evidence(
    sample: &[u8],
    whole: bool,
    dialect: CsvDialect,
    options: &LoadOptions,
) -> (bool, bool, usize, usize) {
    let mut records = Records::new(sample, whole, dialect);
    let Some((_, first)) = records.next() else {
        return (false, false, 0, 0);
    };
    let names = names(first, dialect);
    records.dialect.row.delimiters = Some(names.len() - 1);
    let is_number = |name: &String| is_any_number(name.as_bytes());
    let has = |asked: &Option<String>| {
        let named = |name: &String| columns::named(&names, name).is_some();
        asked.as_ref().map(named)
    };
    let found = match (has(&options.lon), has(&options.lat)) {
        (None, None) => {
            !matches!(axes::find(&names, true), NamedAxes::Missing(..))
                || (matches!(names.len(), 2 | 3) && names.iter().all(is_number))
        }
        (lon, lat) => {
            lon.unwrap_or_else(|| axes::longitude(&names).is_some())
                && lat.unwrap_or_else(|| axes::latitude(&names).is_some())
        }
    };
    let width = names.len();
    let dialect = records.dialect;
    let alike = records
        .take(LOOKED_AT)
        .filter(|(_, r)| dialect.fields(r, true).count() == width)
        .count();
    (width > 1, found, alike, width)
}

/// The fields of a record as column names: decoded text, without the quotes and spaces around it.
pub(super) fn names(record: &[u8], dialect: CsvDialect) -> Vec<String> {
    let name = |field| decoded(&dialect.text(field)).trim().to_owned();
    dialect.fields(record, true).map(name).collect()
}
