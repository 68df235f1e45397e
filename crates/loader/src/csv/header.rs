//! The first record of a file, which is a header or a row of data, and the choice of columns by it.

use super::dialect::names;
use super::gps_columns;
use super::parser::CsvParser;
use super::places::{PlaceForm, PlaceReader};
use super::record::{CsvDialect, RecordEnd, RowShape};
use super::sample::{SampleRows, WantedColumns, is_any_number};
use crate::columns::resolve::{Names, PositionColumns, resolve};
use crate::columns::{Columns, Schema};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Input;
use crate::number::format::NumberFormat;
use crate::options::LoadOptions;
use crate::places::{EXAMINED, PlaceColumn, PlaceColumnError, PlaceSample, is_wanted};
use crate::text::chunker::TextPosition;

/// The first record of a file: the first one after the lines above the header (comments and titles)
/// and after blank lines. It is found in the input's sample, which is the first 256 KiB of the file
/// without the lines above the header.
pub(super) struct FirstRecord {
    dialect: CsvDialect,
    /// The line and column in the file at which the input's sample begins.
    pub(super) position: TextPosition,
    /// The offset in the input's sample at which the first record begins.
    pub(super) start: usize,
    /// The offset in the input's sample after the first record and its line end.
    pub(super) end: usize,
    fields: Vec<Vec<u8>>,
    names: Vec<String>,
}

impl FirstRecord {
    /// Reads the first record of an input's sample.
    pub(super) fn read(
        input: &Input,
        dialect: CsvDialect,
        position: TextPosition,
    ) -> Result<Self, LoadError> {
        let sample = input.sample.as_slice();
        let blank = |b: &&u8| matches!(b, b'\n' | b'\r');
        let start = sample.iter().take_while(blank).count();
        let rest = sample.get(start..).unwrap_or_default();
        let file = || input.origin.file();
        let line = position
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
            position,
            start,
            end: start + length,
            fields: dialect
                .fields(record, true)
                .map(|f| dialect.text(f).into_owned())
                .collect(),
            names: names(record, dialect),
        })
    }

    /// Chooses the columns to read: by the names in the first record if it is a header, otherwise
    /// by the columns' numbers.
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
        let file = input.origin.file();
        let body = match names {
            Names::Header => self.end,
            _ => self.start,
        };
        let (before, body) = input.sample.split_at_checked(body).unwrap_or_default();
        let mut rows = SampleRows {
            body,
            whole: input.whole,
            dialect: CsvDialect {
                row: RowShape {
                    delimiters: Some(self.fields.len() - 1),
                    place: None,
                },
                ..self.dialect
            },
            start: self.position.after(before, self.dialect.newline),
        };
        let column = self.place_column(&rows, &seen, options, &file)?;
        let geometries = column.as_ref().map(PlaceColumn::geometries);
        let found = resolve(seen, names, options, geometries, &file)?;
        let (lon, lat) = match found.position {
            PositionColumns::LonLat(lon, lat) => (lon, lat),
            PositionColumns::Geometry(column) => (column.unwrap_or(0), column.unwrap_or(0)),
        };
        let (mut columns, mut weight) = (found.columns, found.weight);
        let places = found.selection.places();
        let wanted = WantedColumns {
            positions: [lon, lat],
            degrees: options.srid.is_none(),
            weight: weight.map(|at| (at, columns.guess.is_some())),
            others: &places,
        };
        let source = (&*columns.seen, &*input.origin.name);
        let mut numbers = rows.notations(&wanted, options.decimal, source)?;
        let form = match &column {
            Some(column) => Some(PlaceForm::Whole(column.form)),
            None if options.srid.is_none() => {
                gps_columns::of_columns(&rows, [lon, lat], numbers.positions, &file)?
            }
            None => None,
        };
        if column.is_some() {
            numbers.positions = NumberFormat::Point;
        } else if matches!(numbers.positions, NumberFormat::Point | NumberFormat::Whole) {
            // The search for stray quotes knows numbers with points only.
            rows.dialect.row.place = Some([lon, lat]);
        }
        let (crs, srid) = match &column {
            Some(column) => column.crs(options, &file)?,
            None => (Crs::unstated(options, &file)?, options.srid.unwrap_or(0)),
        };
        let reader = reader(form, crs.accepting(options.datum_error, &file)?, srid);
        let dialect = rows.dialect;
        if let (Some(at), Some(_)) = (weight, &columns.guess) {
            columns.settle(&rows.weights(at, numbers.weights));
            weight = weight.filter(|_| columns.weight.is_some());
        }
        if let Some(reader) = &reader {
            columns.why.push_str(&reader.why());
        }
        columns.why.push_str(&numbers.why());
        let field = |at: usize| self.fields.get(at).cloned().unwrap_or_default();
        let header = (names == Names::Header).then(|| [field(lon), field(lat)]);
        let parser = CsvParser {
            dialect,
            lon,
            lat,
            weight,
            places,
            numbers,
            reader,
            file,
            selection: found.selection,
            header,
        };
        Ok((parser, columns))
    }

    /// The column whose fields hold whole positions, both coordinates in one field. `None` in each
    /// of these cases:
    ///
    /// * Options name columns of degrees.
    /// * No option names a column of positions, and columns of degrees are found by the names in
    ///   the header, or by a first row of numbers.
    /// * No column has such fields.
    fn place_column(
        &self,
        rows: &SampleRows<'_>,
        seen: &[String],
        options: &LoadOptions,
        file: &str,
    ) -> Result<Option<PlaceColumn>, LoadError> {
        let is_assumed = options.geom.is_none() && self.is_data(options);
        if is_assumed || !is_wanted(seen, options) {
            return Ok(None);
        }
        let refused = |error: PlaceColumnError| error.into_load_error(Schema { names: seen, file });
        let mut sample = PlaceSample::new(seen, options).map_err(refused)?;
        for (_, record) in rows.records().take(EXAMINED) {
            for (at, field) in rows.dialect.fields(record, true).enumerate() {
                sample.note(at, &rows.dialect.text(field));
            }
        }
        sample.find().map_err(refused)
    }

    /// Returns whether the first record is a row of data and no header. It is a row in two cases:
    ///
    /// * No option names a column, and the record has two or three fields, which are all numbers.
    /// * Options name the columns of longitude and latitude by numbers. One of these two fields of
    ///   the record holds a number, or both are empty.
    fn is_data(&self, options: &LoadOptions) -> bool {
        let field = |at: usize| self.fields.get(at).map_or(&b""[..], Vec::as_slice);
        let number = |at: usize| is_any_number(field(at));
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

/// Makes the reader that turns a row's texts into its position. `None` if rows have two columns of
/// numbers in degrees, which the parser reads itself.
///
/// `form` is the way in which rows write positions; `None` stands for two columns of numbers. `crs`
/// is their coordinate system, and `srid` its EPSG number, 0 if none is stated.
fn reader(form: Option<PlaceForm>, crs: Crs, srid: u32) -> Option<PlaceReader> {
    let plain = PlaceForm::Columns {
        hemispheres: None,
        minutes: false,
    };
    let is_plain = form.is_none() && srid == 0;
    (!is_plain).then(|| PlaceReader {
        form: form.unwrap_or(plain),
        crs,
        srid,
    })
}
