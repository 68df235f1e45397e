//! The first record of a file: names or data, and the columns to use.

use super::dialect::{looks, names};
use super::parser::Rows;
use super::record::{Dialect, End, Row};
use crate::columns::selection::Asked;
use crate::columns::{self, Columns, Guess, Position};
use crate::error::LoadError;
use crate::input::Input;
use crate::number;
use crate::open::Options;
use crate::text::chunker::Place;

/// What to do where positions are not found.
const HINT: &str = "name them with --lon and --lat (by their numbers, such as --lon 1 --lat 2, \
                    where the first row is data; a single column of WKT cannot be read)";

/// The first record of a file.
pub(super) struct Head {
    dialect: Dialect,
    /// Where it begins and ends in the sample.
    pub(super) start: usize,
    pub(super) end: usize,
    fields: Vec<Vec<u8>>,
    names: Vec<String>,
}

impl Head {
    /// Reads it from an input's sample.
    pub(super) fn read(input: &Input, dialect: Dialect) -> Result<Self, LoadError> {
        let sample = input.sample.as_slice();
        let blank = |b: &&u8| matches!(b, b'\n' | b'\r');
        let start = sample.iter().take_while(blank).count();
        let rest = sample.get(start..).unwrap_or_default();
        let file = || input.origin.file();
        let line = Place::START
            .after(sample.get(..start).unwrap_or_default(), dialect.newline)
            .line;
        let length = match dialect.record_end(rest, input.whole) {
            End::At(length, _) => length,
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
                .fields(record, true)
                .map(|f| dialect.text(f).into_owned())
                .collect(),
            names: names(record, dialect),
        })
    }

    /// Whether there is a header, and which columns to use.
    pub(super) fn choose(
        &self,
        input: &Input,
        options: &Options,
    ) -> Result<(Rows, Columns), LoadError> {
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
        if lon == lat {
            return Err(LoadError::BadOption {
                file: input.origin.file(),
                parameter: "--lat",
                message: "longitude and latitude cannot be the same column".into(),
            });
        }
        let asked = options.weight.as_deref();
        let choice = if assumed && seen.len() == 3 && asked.is_none() {
            columns::WeightChoice {
                column: Some(2),
                is_guess: true,
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
        let asked = Asked::find(options, &seen, &input.origin.name)?;
        let name = |at: usize| seen.get(at).cloned().unwrap_or_default();
        let row = Row {
            delimiters: Some(self.fields.len() - 1),
            place: Some([lon, lat]),
        };
        let dialect = Dialect {
            row,
            ..self.dialect
        };
        let mut columns = Columns {
            position: Position::LonLat {
                lon: name(lon),
                lat: name(lat),
            },
            weight: choice.column.map(name),
            kept: asked.names(&seen),
            why: format!("{position}, {}", choice.why),
            guess: Guess::of(&choice, &position),
            seen,
        };
        let mut weight = choice.column;
        if let (Some(at), Some(_)) = (weight, &columns.guess) {
            let body = if has_header { self.end } else { self.start };
            let body = input.sample.get(body..).unwrap_or_default();
            columns.settle(&looks(body, input.whole, dialect, at));
            weight = weight.filter(|_| columns.weight.is_some());
        }
        let field = |at: usize| self.fields.get(at).cloned().unwrap_or_default();
        let header = has_header.then(|| [field(lon), field(lat)]);
        let rows = Rows {
            dialect,
            lon,
            lat,
            weight,
            places: asked.places(),
            asked,
            header,
        };
        Ok((rows, columns))
    }

    /// Whether the first record is a row of data: there are numbers where the
    /// position would be.
    fn is_data(&self, options: &Options) -> bool {
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
            // Two or three numbers can only be a position and a weight.
            (None, None) => {
                matches!(self.fields.len(), 2 | 3) && (0..self.fields.len()).all(number)
            }
            (lon, lat) => match (by_number(lon), by_number(lat)) {
                // One may be bad in the first row, or both missing: it is a row all the same.
                (Some(lon), Some(lat)) => {
                    number(lon) || number(lat) || (field(lon).is_empty() && field(lat).is_empty())
                }
                _ => false,
            },
        }
    }
}
