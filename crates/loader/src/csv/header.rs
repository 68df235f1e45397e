//! The beginning of a file: its delimiter, its header, the columns to use.

use super::record::{Dialect, End, text};
use super::rows::Rows;
use crate::blocks::{self, Place};
use crate::columns::{self, Columns, Position};
use crate::error::LoadError;
use crate::format::Format;
use crate::input::Input;
use crate::number;
use crate::open::Options;
use crate::pipeline::{Pipeline, width};
use crate::report::Report;
use crate::source::Source;
use std::io::{Cursor, Read};

/// The delimiters that are looked for; the earlier wins where two explain a file equally well.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// Records that are looked at to find it.
const LOOKED_AT: usize = 20;

/// What to do where positions are not found.
const HINT: &str = "name them with --lon and --lat (by their numbers, such as --lon 1 --lat 2, \
                    where the first row is data; a single column of WKT cannot be read)";

/// A source that reads an input as delimiter-separated text.
pub(crate) fn source(
    mut input: Input,
    format: Format,
    options: &Options,
) -> Result<Box<dyn Source>, LoadError> {
    let delimiter = match format {
        Format::Tsv => options.delimiter.or(Some(b'\t')),
        _ => options.delimiter,
    };
    let dialect = dialect(&input, delimiter, options)?;
    let head = Head::read(&input, dialect)?;
    let (rows, columns) = head.choose(&input, options)?;
    let body = if rows.header.is_some() {
        head.end
    } else {
        head.start
    };
    let before = input.sample.get(..body).unwrap_or_default();
    let place = Place::START.after(before, dialect.newline);
    let reader = Cursor::new(input.sample.split_off(body)).chain(input.rest);
    let blocks = blocks::start(reader, input.origin.clone(), dialect, place, width())?;
    Ok(Box::new(Pipeline {
        origin: input.origin,
        columns,
        parser: rows,
        strict: options.strict,
        first: None,
        blocks,
        report: Report::default(),
        ended: false,
    }))
}

/// What tells fields and records apart in this input.
fn dialect(input: &Input, asked: Option<u8>, options: &Options) -> Result<Dialect, LoadError> {
    let sample = input.sample.as_slice();
    let old_mac =
        memchr::memchr(b'\n', sample).is_none() && memchr::memchr(b'\r', sample).is_some();
    let newline = if old_mac { b'\r' } else { b'\n' };
    let with = |delimiter| Dialect { delimiter, newline };
    match asked {
        Some(delimiter @ (b'"' | b'\n' | b'\r')) => Err(LoadError::BadOption {
            file: input.origin.file(),
            parameter: "--delimiter",
            message: format!(
                "{:?} cannot part fields; try one of , ; tab |",
                char::from(delimiter)
            ),
        }),
        Some(delimiter) => Ok(with(delimiter)),
        None => {
            let score = |d: &u8| evidence(sample, input.whole, with(*d), options);
            // Of equals `max_by_key` takes the last, hence the order.
            let best = DELIMITERS.into_iter().rev().max_by_key(score);
            Ok(with(best.unwrap_or(b',')))
        }
    }
}

/// How well a delimiter explains a sample: whether it parts the first record at
/// all, whether the columns are found, how many records have as many
/// fields as the first, and how many fields that is.
fn evidence(
    sample: &[u8],
    whole: bool,
    dialect: Dialect,
    options: &Options,
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
    let has = |asked: &Option<String>, found: Option<usize>| {
        asked
            .as_ref()
            .map_or(found, |name| columns::named(&names, name))
            .is_some()
    };
    let found = has(&options.lon, columns::longitude(&names))
        && has(&options.lat, columns::latitude(&names));
    let width = names.len();
    let alike = records
        .take(LOOKED_AT)
        .filter(|r| dialect.fields(r).count() == width)
        .count();
    (width > 1, found, alike, width)
}

/// The records of a sample, blank lines and a cut-off last one left out.
struct Records<'a> {
    rest: &'a [u8],
    whole: bool,
    dialect: Dialect,
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = match self.dialect.record_end(self.rest) {
                End::At(end) => end,
                End::Beyond { .. } if self.whole => self.rest.len(),
                End::Beyond { .. } => return None,
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

fn names(record: &[u8], dialect: Dialect) -> Vec<String> {
    let name = |field| String::from_utf8_lossy(&text(field)).trim().to_owned();
    dialect.fields(record).map(name).collect()
}

/// The first record of a file.
struct Head {
    dialect: Dialect,
    /// Where it begins and ends in the sample.
    start: usize,
    end: usize,
    fields: Vec<Vec<u8>>,
    names: Vec<String>,
}

impl Head {
    fn read(input: &Input, dialect: Dialect) -> Result<Self, LoadError> {
        let sample = input.sample.as_slice();
        let blank = |b: &&u8| matches!(b, b'\n' | b'\r');
        let start = sample.iter().take_while(blank).count();
        let rest = sample.get(start..).unwrap_or_default();
        let file = || input.origin.file();
        let line = Place::START
            .after(sample.get(..start).unwrap_or_default(), dialect.newline)
            .line;
        let length = match dialect.record_end(rest) {
            End::At(length) => length,
            End::Beyond { quoted: true } if input.whole => {
                return Err(LoadError::UnclosedQuote { file: file(), line });
            }
            End::Beyond { .. } if input.whole => rest.len(),
            End::Beyond { .. } => {
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
                .fields(record)
                .map(|f| text(f).into_owned())
                .collect(),
            names: names(record, dialect),
        })
    }

    /// Whether there is a header, and which columns to use.
    fn choose(&self, input: &Input, options: &Options) -> Result<(Rows, Columns), LoadError> {
        let numbers: Vec<String> = (1..=self.names.len()).map(|n| n.to_string()).collect();
        let (seen, has_header) = if self.is_data(options) {
            (numbers, false)
        } else {
            (self.names.clone(), true)
        };
        let by_name = |parameter, asked: &Option<String>, found: Option<usize>| match asked {
            None => Ok(found),
            Some(name) => match columns::named(&seen, name) {
                Some(at) => Ok(Some(at)),
                None => Err(LoadError::NoSuchColumn {
                    file: input.origin.file(),
                    parameter,
                    name: name.clone(),
                    seen: seen.clone(),
                }),
            },
        };
        let assumed = !has_header && options.lon.is_none() && options.lat.is_none();
        let (lon, lat) = if assumed {
            (Some(0), Some(1))
        } else {
            (columns::longitude(&seen), columns::latitude(&seen))
        };
        let lon = by_name("--lon", &options.lon, lon)?;
        let lat = by_name("--lat", &options.lat, lat)?;
        let (Some(lon), Some(lat)) = (lon, lat) else {
            return Err(LoadError::NoPositionColumns {
                file: input.origin.file(),
                missing: match (lon, lat) {
                    (None, None) => "longitude and no latitude",
                    (None, _) => "longitude",
                    _ => "latitude",
                },
                hint: HINT,
                seen,
            });
        };
        let asked = options.weight.as_deref();
        let choice = if assumed && seen.len() == 3 && asked.is_none() {
            columns::WeightChoice {
                column: Some(2),
                why: "weight from column 3 (--weight none counts rows)".into(),
            }
        } else {
            columns::weight(&seen, asked, &[lon, lat]).map_err(|name| LoadError::NoSuchColumn {
                file: input.origin.file(),
                parameter: "--weight",
                name: name.to_owned(),
                seen: seen.clone(),
            })?
        };
        let position = if assumed {
            "longitude from column 1, latitude from column 2 (assumed: there is no header)".into()
        } else {
            let (lon, lat) = (columns::quoted(&seen, lon), columns::quoted(&seen, lat));
            format!("longitude from {lon}, latitude from {lat}")
        };
        let name = |at: usize| seen.get(at).cloned().unwrap_or_default();
        let columns = Columns {
            position: Position::LonLat {
                lon: name(lon),
                lat: name(lat),
            },
            weight: choice.column.map(name),
            why: format!("{position}, {}", choice.why),
            seen,
        };
        let field = |at: usize| self.fields.get(at).cloned().unwrap_or_default();
        let header = has_header.then(|| [field(lon), field(lat)]);
        let rows = Rows {
            dialect: self.dialect,
            lon,
            lat,
            weight: choice.column,
            header,
        };
        Ok((rows, columns))
    }

    /// Whether the first record is a row of data: the fields where the position
    /// would be are numbers.
    fn is_data(&self, options: &Options) -> bool {
        let number = |at: usize| {
            self.fields
                .get(at)
                .is_some_and(|f| number::parse(f).is_some())
        };
        let by_number = |asked: &Option<String>| {
            let at = asked
                .as_ref()?
                .trim()
                .parse::<usize>()
                .ok()?
                .checked_sub(1)?;
            (at < self.names.len()).then_some(at)
        };
        match (&options.lon, &options.lat) {
            // Two or three numbers can only be a position and a weight.
            (None, None) => {
                matches!(self.fields.len(), 2 | 3)
                    && (0..3).all(|at| at >= self.fields.len() || number(at))
            }
            (lon, lat) => match (by_number(lon), by_number(lat)) {
                (Some(lon), Some(lat)) => number(lon) && number(lat),
                _ => false,
            },
        }
    }
}
