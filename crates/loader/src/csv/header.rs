//! The first record of a file, which is a header or a row of data, and the choice of columns by it.

use super::dialect::{names, sample_weights};
use super::parser::CsvParser;
use super::record::{CsvDialect, RecordEnd, RowShape};
use crate::columns::Columns;
use crate::columns::resolve::{Names, PositionColumns, resolve};
use crate::error::LoadError;
use crate::input::Input;
use crate::number;
use crate::options::LoadOptions;
use crate::text::chunker::TextPosition;

/// The first record of a file that is not a blank line. It is in the input's sample, which holds
/// the first bytes of the file.
pub(super) struct FirstRecord {
    dialect: CsvDialect,
    /// The offset in the sample at which the record begins.
    pub(super) start: usize,
    /// The offset in the sample after the record and its line end.
    pub(super) end: usize,
    fields: Vec<Vec<u8>>,
    names: Vec<String>,
}

impl FirstRecord {
    /// Reads the first record of an input's sample.
    pub(super) fn read(input: &Input, dialect: CsvDialect) -> Result<Self, LoadError> {
        let sample = input.sample.as_slice();
        let blank = |b: &&u8| matches!(b, b'\n' | b'\r');
        let start = sample.iter().take_while(blank).count();
        let rest = sample.get(start..).unwrap_or_default();
        let file = || input.origin.file();
        let line = TextPosition::START
            .after(sample.get(..start).unwrap_or_default(), dialect.newline)
            .line;
        let length = match dialect.record_end(rest, input.whole) {
            RecordEnd::At(length, _) => length,
            RecordEnd::Beyond { quoted: true } if input.whole => {
                return Err(LoadError::UnclosedQuote { file: file(), line });
            }
            RecordEnd::Beyond { .. } if input.whole => rest.len(),
            RecordEnd::Beyond { .. } => {
                return Err(LoadError::TooLong {
                    file: file(),
                    line,
                    limit: sample.len(),
                });
            }
        };
        let record = dialect.trim(rest.get(..length).unwrap_or(rest));
        Ok(Self {
            dialect,
            start,
            end: start + length,
            fields: dialect
                .fields(record, true)
                .map(|f| dialect.text(f).into_owned())
                .collect(),
            names: names(record, dialect),
        })
    }

    /// Chooses the columns to read. If the first record is a header, they are chosen by the names
    /// in it, else by their numbers.
    pub(super) fn choose(
        &self,
        input: &Input,
        options: &LoadOptions,
    ) -> Result<(CsvParser, Columns), LoadError> {
        let (seen, names) = if self.is_data(options) {
            let numbers = (1..=self.names.len()).map(|n| n.to_string());
            (numbers.collect(), Names::Numbers)
        } else {
            (self.names.clone(), Names::Header)
        };
        let found = resolve(seen, names, options, None, &input.origin.name)?;
        let (lon, lat) = match found.position {
            PositionColumns::LonLat(lon, lat) => (lon, lat),
            // This case can't happen, since `resolve` was called without geometries.
            PositionColumns::Geometry(_) => (0, 1),
        };
        let dialect = CsvDialect {
            row: RowShape {
                delimiters: Some(self.fields.len() - 1),
                place: Some([lon, lat]),
            },
            ..self.dialect
        };
        let (mut columns, mut weight) = (found.columns, found.weight);
        if let (Some(at), Some(_)) = (weight, &columns.guess) {
            let body = match names {
                Names::Header => self.end,
                _ => self.start,
            };
            let body = input.sample.get(body..).unwrap_or_default();
            columns.settle(&sample_weights(body, input.whole, dialect, at));
            weight = weight.filter(|_| columns.weight.is_some());
        }
        let field = |at: usize| self.fields.get(at).cloned().unwrap_or_default();
        let header = (names == Names::Header).then(|| [field(lon), field(lat)]);
        let parser = CsvParser {
            dialect,
            lon,
            lat,
            weight,
            places: found.selection.places(),
            selection: found.selection,
            header,
        };
        Ok((parser, columns))
    }

    /// Returns whether the first record is a row of data and no header. In a row of data the fields
    /// of the position hold numbers.
    fn is_data(&self, options: &LoadOptions) -> bool {
        let field = |at: usize| self.fields.get(at).map_or(&b""[..], Vec::as_slice);
        let number = |at: usize| number::parse(field(at)).is_some();
        let by_number = |asked: &Option<String>| {
            let at = asked
                .as_ref()?
                .trim()
                .parse::<usize>()
                .ok()?
                .checked_sub(1)?;
            (at < self.fields.len()).then_some(at)
        };
        match (&options.lon, &options.lat) {
            // No option names a column. Then two or three fields that are all numbers can only be a
            // position and, as the third, a weight.
            (None, None) => {
                matches!(self.fields.len(), 2 | 3) && (0..self.fields.len()).all(number)
            }
            (lon, lat) => match (by_number(lon), by_number(lat)) {
                // The options name the columns by numbers. In a row of data one coordinate may be
                // malformed, or both may be empty.
                (Some(lon), Some(lat)) => {
                    number(lon) || number(lat) || (field(lon).is_empty() && field(lat).is_empty())
                }
                _ => false,
            },
        }
    }
}
