//! Splitting of delimiter-separated text into blocks of whole records, and parsing of the blocks
//! into points.

use super::record::{CsvDialect, Quotes, Quoting, RecordEnd};
use crate::batch::{Batch, Weight};
use crate::columns::selection::RowSelection;
use crate::encoding::decoded;
use crate::error::LoadError;
use crate::messages::shown;
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

/// A parser of records into points. Columns are given by their numbers, counted from 0.
pub(crate) struct CsvParser {
    pub(crate) dialect: CsvDialect,
    pub(crate) lon: usize,
    pub(crate) lat: usize,
    pub(crate) weight: Option<usize>,
    /// The filter of rows, and the columns whose values are kept.
    pub(crate) selection: RowSelection,
    /// The numbers of the columns that the filter uses or whose values are kept.
    pub(crate) places: Vec<usize>,
    /// The texts of the longitude and latitude columns in the header; `None` if the file has no
    /// header.
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
    /// report of `batch`, as skipped or as filtered out. `quoted` is set if the record contains
    /// quotes. `line` returns the number of the line on which the record begins.
    #[inline]
    fn row(&self, record: &[u8], quoted: bool, batch: &mut Batch, mut line: impl FnMut() -> u64) {
        let fields: Vec<&[u8]> = if self.selection.is_empty() {
            Vec::new()
        } else {
            self.dialect.fields(record, quoted).collect()
        };
        let is_utf8 = |at: &usize| fields.get(*at).is_none_or(|f| str::from_utf8(f).is_ok());
        if !fields.is_empty() && !self.places.iter().all(is_utf8) {
            batch.report.notes.recoded(&mut line);
        }
        if !self
            .selection
            .selects(|at| self.value(&fields, at), &mut batch.report)
        {
            return;
        }
        let PositionFields {
            lon: Some(lon),
            lat: Some(lat),
            weight,
        } = self.pick(record, quoted)
        else {
            let found = || format!("row {}", shown(record));
            return batch
                .report
                .skip(SkipReason::Malformed, || (line(), found()));
        };
        let text = |field| {
            if quoted {
                self.dialect.text(field)
            } else {
                Cow::Borrowed(field)
            }
        };
        let (lon, lat) = (text(lon), text(lat));
        let weight = weight.map(text);
        let weight = match (self.weight, &weight) {
            (None, _) => Weight::Unused,
            (Some(_), weight) => Weight::Text(weight.as_deref().unwrap_or_default()),
        };
        if let Err(refused) = batch.keep(&lon, &lat, weight) {
            if self.is_header(&lon, &lat) {
                let found = || format!("repeated header {}", shown(record));
                batch
                    .report
                    .skip(SkipReason::Malformed, || (line(), found()));
            } else {
                batch
                    .report
                    .skip(refused.skip, || (line(), refused.found()));
            }
        }
        batch.keep_values(|i| {
            let at = self.selection.keep.get(i).copied();
            at.map_or(Value::Null, |at| self.value(&fields, at))
        });
    }

    /// Returns whether a rejected row repeats the header. Files that were concatenated have such
    /// rows. `lon` and `lat` are the row's texts in the columns of longitude and latitude.
    fn is_header(&self, lon: &[u8], lat: &[u8]) -> bool {
        let header = self.header.as_ref();
        header.is_some_and(|[a, b]| a == lon && b == lat)
    }

    /// A record's value in the column with the number `at`. An empty field is null, and so is a
    /// field that the record is too short to have.
    fn value<'a>(&self, fields: &[&'a [u8]], at: usize) -> Value<'a> {
        match fields.get(at).map(|field| self.dialect.text(field)) {
            None => Value::Null,
            Some(text) if text.trim_ascii().is_empty() => Value::Null,
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
                self.row(record, quotes != Quotes::Absent, batch, line);
            }
            rest = behind;
        }
        Ok(())
    }
}
