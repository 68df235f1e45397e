//! Splitting of delimiter-separated text into blocks, and parsing of blocks into points. A block
//! ([`TextBlock`]) is a piece of some 256 KiB that consists of whole records.

use super::places::{PlaceForm, PlaceReader, PlaceTexts};
use super::record::{CsvDialect, Quotes, Quoting, RecordEnd};
use super::sample::Notations;
use crate::batch::{Batch, Rejection, Weight};
use crate::columns::selection::RowSelection;
use crate::encoding::decoded;
use crate::error::LoadError;
use crate::messages::shown;
use crate::number::exact::number_text;
use crate::number::format::NumberFormat;
use crate::parameter::Parameter;
use crate::places::{SkippedPlace, angles};
use crate::report::SkipReason;
use crate::text::chunker::{Split, SplitError, Splitter, TextBlock};
use crate::text::pipeline::BlockParser;
use crate::value::Value;
use std::borrow::Cow;

impl Splitter for CsvDialect {
    const LIMIT: usize = 16 << 20;

    fn newline(&self) -> u8 {
        self.newline
    }

    fn split(&mut self, buffer: &[u8], ended: bool) -> Split {
        let (mut end, mut error, mut items) = (0, None, Vec::new());
        let quote = self.quoting.byte();
        if quote.is_none_or(|quote| memchr::memchr(quote, buffer).is_none()) {
            // Without quotes in the buffer every newline ends a record, so the last newline ends
            // the last whole record.
            end = memchr::memrchr(self.newline, buffer).map_or(0, |at| at + 1);
            if ended {
                end = buffer.len();
            }
        }
        // If every record of the buffer is one line, no quoted field reaches into a second line,
        // and no quote is doubtful.
        if self.quoting == Quoting::Lenient && end == 0 {
            end = self.plain_lines(buffer);
        }
        while let Some(rest) = buffer.get(end..).filter(|r| !r.is_empty()) {
            match self.record_end(rest, ended) {
                RecordEnd::At(length, quotes) => {
                    if quotes == Quotes::Judged {
                        items.push(end..end + length);
                    }
                    end += length;
                }
                RecordEnd::Beyond { quoted: true } if ended => {
                    error = Some(SplitError::Quote);
                    break;
                }
                RecordEnd::Beyond { .. } if ended => end = buffer.len(),
                RecordEnd::Beyond { .. } => break,
            }
        }
        Split { end, items, error }
    }
}

/// A parser of records into points. Columns are given by their indexes, counted from 0.
pub(crate) struct CsvParser {
    pub(crate) dialect: CsvDialect,
    pub(crate) lon: usize,
    pub(crate) lat: usize,
    pub(crate) weight: Option<usize>,
    /// The filter that rows must pass, and the kept columns, whose values are read for each point.
    pub(crate) selection: RowSelection,
    /// The indexes, counted from 0, of the columns that the filter uses and of the kept columns.
    pub(crate) places: Vec<usize>,
    /// The notation of numbers in each column: the decimal mark, and marks between thousands.
    pub(super) numbers: Notations,
    /// The reader of positions in another form than two columns of plain degrees; `None` for two
    /// such columns.
    pub(super) reader: Option<PlaceReader>,
    /// The file's name for errors.
    pub(crate) file: String,
    /// The header's texts in the columns of longitude and latitude, by which a repeated header is
    /// recognised; `None` if the file has no header.
    pub(crate) header: Option<[Vec<u8>; 2]>,
}

/// The fields of one record that hold longitude, latitude and weight. A field is `None` if the
/// record is too short to have it.
#[derive(Default)]
struct PositionFields<'a> {
    lon: Option<&'a [u8]>,
    lat: Option<&'a [u8]>,
    weight: Option<&'a [u8]>,
}

impl CsvParser {
    #[inline]
    fn pick<'a>(&self, record: &'a [u8], quoted: bool) -> PositionFields<'a> {
        let mut wanted = PositionFields::default();
        let last = self.lon.max(self.lat).max(self.weight.unwrap_or(0));
        for (i, field) in self.dialect.fields(record, quoted).enumerate() {
            if i == self.lon {
                wanted.lon = Some(field);
            }
            if i == self.lat {
                wanted.lat = Some(field);
            }
            if Some(i) == self.weight {
                wanted.weight = Some(field);
            }
            if i == last {
                break;
            }
        }
        wanted
    }

    /// Checks one record, and adds its point to `batch`. A record without a point is counted in the
    /// report of `batch`, as skipped or as filtered out. `quoted` is true if the record contains
    /// quotes. `line` returns the number of the line on which the record begins.
    #[inline]
    fn row(
        &self,
        record: &[u8],
        quoted: bool,
        batch: &mut Batch,
        mut line: impl FnMut() -> u64,
    ) -> Result<(), LoadError> {
        let fields: Vec<&[u8]> = if self.selection.is_empty() {
            Vec::new()
        } else {
            self.dialect.fields(record, quoted).collect()
        };
        let is_utf8 = |at: &usize| fields.get(*at).is_none_or(|f| str::from_utf8(f).is_ok());
        if !fields.is_empty() && !self.places.iter().all(is_utf8) {
            batch.report.notes.recoded(&mut line);
        }
        for (at, format) in &self.numbers.others {
            let text = fields.get(*at).map(|field| self.dialect.text(field));
            self.check(*format, text.as_deref(), &mut line)?;
        }
        if !self
            .selection
            .selects(|at| self.value(&fields, at), &mut batch.report)
        {
            return Ok(());
        }
        let PositionFields {
            lon: Some(lon),
            lat: Some(lat),
            weight,
        } = self.pick(record, quoted)
        else {
            let found = || format!("row {}", shown(record));
            batch
                .report
                .skip(SkipReason::Malformed, || (line(), found()));
            return Ok(());
        };
        let text = |field| {
            if quoted {
                self.dialect.text(field)
            } else {
                Cow::Borrowed(field)
            }
        };
        let (lon, lat) = (text(lon), text(lat));
        let weight_text = weight.map(text);
        let weight = match (self.weight, &weight_text) {
            (None, _) => Weight::Unused,
            (Some(_), weight) => Weight::Text(weight.as_deref().unwrap_or_default()),
        };
        let judged = match &self.reader {
            None => match batch.keep(&lon, &lat, weight) {
                Ok(()) => Ok(()),
                Err(refused) => self.reconsider(&lon, &lat, weight, batch, &refused),
            },
            Some(reader) => {
                let [east, north] = self.hemispheres(reader, record, quoted);
                let texts = PlaceTexts {
                    lon: &lon,
                    lat: &lat,
                    hemispheres: [&east, &north],
                };
                let of = (&mut *batch, &*self.file);
                reader.read(texts, self.numbers.positions, weight, of, &mut line)?
            }
        };
        if let Err((skip, found)) = judged {
            if self.is_header(&lon, &lat) {
                let found = || format!("repeated header {}", shown(record));
                batch
                    .report
                    .skip(SkipReason::Malformed, || (line(), found()));
            } else {
                let Notations {
                    positions, weights, ..
                } = self.numbers;
                self.check(positions, Some(&lon), &mut line)?;
                self.check(positions, Some(&lat), &mut line)?;
                self.check(weights, weight_text.as_deref(), &mut line)?;
                batch.report.skip(skip, || (line(), found));
            }
        }
        batch.keep_values(|i| {
            let at = self.selection.keep.get(i).copied();
            at.map_or(Value::Null, |at| self.value(&fields, at))
        });
        Ok(())
    }

    /// Reads the fields `lon` and `lat` as angles in another notation, such as `12°30'E`, and adds
    /// their point. `refused` is the rejection of these fields as plain numbers. If the row is
    /// skipped, returns the reason and the value that caused it: those of `refused` if the fields
    /// are no angles, otherwise those for which the angles give no point.
    #[cold]
    fn reconsider<'a>(
        &self,
        lon: &'a [u8],
        lat: &'a [u8],
        weight: Weight<'a>,
        batch: &mut Batch,
        refused: &Rejection<'_>,
    ) -> Result<(), SkippedPlace> {
        let first = || Err((refused.skip, refused.found()));
        let numbers = self.numbers.positions;
        let are_numbers = numbers.parse(lon).is_some() && numbers.parse(lat).is_some();
        if refused.skip != SkipReason::BadPosition || are_numbers {
            return first();
        }
        match angles(lon, lat, numbers) {
            None => first(),
            Some(pair) if pair.swapped => {
                batch.count_swapped();
                first()
            }
            Some(pair) => {
                let kept = batch.keep_record(pair.lon, pair.lat, weight);
                kept.map_err(|refused| (refused.skip, refused.found()))
            }
        }
    }

    /// A record's fields that state the hemispheres of its longitude and its latitude, such as `E`
    /// and `N`; empty if the file has no columns for them.
    fn hemispheres<'a>(
        &self,
        reader: &PlaceReader,
        record: &'a [u8],
        quoted: bool,
    ) -> [Cow<'a, [u8]>; 2] {
        let PlaceForm::Columns {
            hemispheres: Some(columns),
            ..
        } = reader.form
        else {
            return Default::default();
        };
        columns.map(|at| {
            let field = self.dialect.fields(record, quoted).nth(at);
            field
                .map(|field| self.dialect.text(field))
                .unwrap_or_default()
        })
    }

    /// Returns an error if the number in `field` contradicts the notation `format`, which the first
    /// rows showed for its column. If an option names the decimal mark, there is no error.
    fn check(
        &self,
        format: NumberFormat,
        field: Option<&[u8]>,
        line: impl FnOnce() -> u64,
    ) -> Result<(), LoadError> {
        match field {
            Some(field) if !self.numbers.asked && format.is_contradicted(field) => {
                Err(self.contradiction(format, field, line()))
            }
            _ => Ok(()),
        }
    }

    #[cold]
    fn contradiction(&self, format: NumberFormat, field: &[u8], line: u64) -> LoadError {
        let (has, others) = match format.has_comma() {
            true => ("a decimal point", "have decimal commas"),
            false => ("a decimal comma", "are whole numbers"),
        };
        LoadError::BadOption {
            file: self.file.clone(),
            parameter: Parameter::Decimal,
            message: format!(
                "line {line}: {} has {has}, and the first values of its column {others}; say what \
                 the decimal mark is, and rows with another are skipped",
                shown(field)
            ),
        }
    }

    /// Returns whether a rejected row repeats the header, as happens where files were concatenated.
    /// `lon` and `lat` are the row's texts in the columns of longitude and latitude.
    fn is_header(&self, lon: &[u8], lat: &[u8]) -> bool {
        let header = self.header.as_ref();
        header.is_some_and(|[a, b]| a == lon && b == lat)
    }

    /// A record's value in the column with the index `at`, counted from 0. `fields` are all fields
    /// of the record. An empty field is null, and so is a field that the record is too short to
    /// have.
    fn value<'a>(&self, fields: &[&'a [u8]], at: usize) -> Value<'a> {
        match fields.get(at).map(|field| self.dialect.text(field)) {
            None => Value::Null,
            Some(text) if text.trim_ascii().is_empty() => Value::Null,
            Some(text)
                if let format = self.numbers.other(at)
                    && !matches!(format, NumberFormat::Point)
                    && !text.iter().all(u8::is_ascii_digit)
                    && let Some(number) = format.parse(&text) =>
            {
                // The text that a file with decimal points would have.
                Value::Text(number_text(number).into())
            }
            Some(Cow::Borrowed(text)) => Value::Text(decoded(text)),
            Some(Cow::Owned(text)) => Value::Text(decoded(&text).into_owned().into()),
        }
    }

    /// Counts the quotes in those fields of a record that begin with a stray quote. All of these
    /// quotes are text.
    fn strays(&self, record: &[u8]) -> u64 {
        let quote = self.dialect.quoting.byte().unwrap_or_default();
        let fields = self.dialect.fields(record, true);
        let stray = fields.filter(|field| self.dialect.is_stray(field));
        stray
            .map(|field| memchr::memchr_iter(quote, field).count() as u64)
            .sum()
    }
}

impl BlockParser for CsvParser {
    fn parse(&self, block: &TextBlock, batch: &mut Batch) -> Result<(), LoadError> {
        batch.set_notations(self.numbers.positions, self.numbers.weights);
        let mut rest = block.bytes.as_slice();
        // Counting lines takes time. Therefore lines are counted only up to a record whose line
        // number is needed, and the next count continues there.
        let (mut counted, mut place) = (0, block.start);
        let mut judged = block.items.iter().peekable();
        while !rest.is_empty() {
            let at = block.bytes.len() - rest.len();
            let (length, quotes) = match judged.next_if(|range| range.start == at) {
                Some(range) => (range.len(), Quotes::Judged),
                None => match self.dialect.apparent_end(rest) {
                    RecordEnd::At(length, quotes) => (length, quotes),
                    RecordEnd::Beyond { .. } => (rest.len(), Quotes::Judged),
                },
            };
            let (record, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            let record = self.dialect.trim(record);
            if !record.is_empty() {
                let mut line = || {
                    let passed = block.bytes.get(counted..at).unwrap_or_default();
                    place = place.after(passed, self.dialect.newline);
                    counted = at;
                    place.line
                };
                if self.dialect.may_be_stray(quotes) {
                    let strays = self.strays(record);
                    batch.report.notes.stray_quotes(strays, &mut line);
                }
                self.row(record, quotes != Quotes::Absent, batch, line)?;
            }
            rest = behind;
        }
        Ok(())
    }
}
