//! Reading of logs of NMEA 0183, the sentences that GPS receivers send.
//!
//! A receiver repeats each position in sentences of several kinds. Only sentences of one kind are
//! read: GGA, or RMC if the beginning of the log (its first 256 KiB) has no GGA, or GLL if it has
//! neither. If a sentence has a checksum, the checksum must be right. Other sentences are skipped,
//! and so is other text between them.

use super::whole::whole;
use super::{Geometry, ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, unreadable};
use crate::columns::resolve::{Geometries, Names, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::messages::shown;
use crate::number;
use crate::options::LoadOptions;
use crate::source::Source;
use crate::value::Value;
use std::io::{self, BufRead};

/// The most bytes of a line that are read, a choice. A sentence has 82 bytes at most.
const LINE: usize = 1 << 10;

/// A kind of sentence that states a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SentenceKind {
    Gga,
    Rmc,
    Gll,
}

impl SentenceKind {
    /// The kinds of sentences that have positions, the best first.
    const ALL: [Self; 3] = [Self::Gga, Self::Rmc, Self::Gll];

    fn name(self) -> &'static str {
        match self {
            Self::Gga => "GGA",
            Self::Rmc => "RMC",
            Self::Gll => "GLL",
        }
    }

    /// The columns that a kind of sentence gives, each with the index of its field in the sentence.
    /// Field 0 is the sentence's name. The first column is the time.
    fn columns(self) -> &'static [(&'static str, usize)] {
        match self {
            Self::Gga => &[
                ("time", 1),
                ("quality", 6),
                ("satellites", 7),
                ("hdop", 8),
                ("altitude", 9),
            ],
            Self::Rmc => &[("time", 1), ("speed", 7), ("course", 8)],
            Self::Gll => &[("time", 5)],
        }
    }

    /// The index of the field with the latitude; field 0 is the sentence's name. The next three
    /// fields are the latitude's letter, the longitude, and the longitude's letter.
    fn latitude(self) -> usize {
        match self {
            Self::Gga => 2,
            Self::Rmc => 3,
            Self::Gll => 1,
        }
    }

    /// Returns true if the receiver states in the sentence that it has a position.
    fn has_fix(self, sentence: &Sentence<'_>) -> bool {
        match self {
            Self::Gga => !matches!(sentence.field(6), b"" | b"0"),
            Self::Rmc => sentence.field(2) == b"A",
            // Old receivers send no status.
            Self::Gll => matches!(sentence.field(6), b"" | b"A"),
        }
    }
}

/// A source that reads an input as NMEA.
pub(crate) fn source(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let has = |kind: &SentenceKind| {
        let mut lines = sample.split(|byte| matches!(byte, b'\n' | b'\r'));
        lines.any(|line| sentences(line).any(|found| found.kind() == Some(*kind)))
    };
    let Some(kind) = SentenceKind::ALL.into_iter().find(has) else {
        return Err(LoadError::Unsupported {
            file: origin.file(),
            message: "this is NMEA without positions: there is no GGA, RMC or GLL at its beginning"
                .to_owned(),
        });
    };
    let names = kind.columns().iter().map(|column| column.0.to_owned());
    let geometries = Geometries {
        column: None,
        why: format!("read as NMEA: positions from {} sentences", kind.name()),
    };
    let seen = names.collect();
    let found = resolve(seen, Names::Typed, options, Some(geometries), &origin.name)?;
    let weight = found.weight;
    let errors = origin.clone();
    let lines = whole(sample, rest);
    let reader: RecordReader = Box::new(move |sink| {
        let mut log = Log {
            kind,
            weight,
            date: None,
        };
        log.read(lines, &errors, sink)
    });
    RecordSourceBuilder::new(origin, found, Crs::LonLat, options).start(vec![reader])
}

/// The state of reading an NMEA log: the kind of sentences that give positions, and the last date.
struct Log {
    kind: SentenceKind,
    /// The index of the column of weights; `None` if every position counts 1.
    weight: Option<usize>,
    /// The date in the last RMC sentence, in the form `2020-05-01`; `None` before the first.
    /// Sentences of other kinds have no date.
    date: Option<String>,
}

impl Log {
    fn read(
        &mut self,
        mut lines: impl BufRead,
        origin: &Origin,
        sink: &mut RecordSink,
    ) -> Result<(), ReadFailure> {
        let (mut line, mut number) = (Vec::new(), 0_u64);
        loop {
            let place = || format!("line {}", number + 1);
            let has_line = next_line(&mut lines, &mut line);
            if !has_line.map_err(|error| unreadable(origin, place(), error))? {
                return Ok(());
            }
            for sentence in sentences(&line) {
                let is_right = sentence.is_right();
                if is_right && sentence.kind() == Some(SentenceKind::Rmc) {
                    self.date = date(sentence.field(9)).or_else(|| self.date.take());
                }
                if sentence.kind() != Some(self.kind) {
                    continue;
                }
                // Reports count records as lines of the log.
                sink.at_record(number);
                if is_right {
                    self.send(&sentence, sink)?;
                } else {
                    sink.malformed(format!("wrong checksum {}", shown(line.trim_ascii())));
                }
            }
            number += 1;
        }
    }

    fn send(&self, sentence: &Sentence<'_>, sink: &mut RecordSink) -> Result<(), ReadFailure> {
        let value = |column: usize| match self.kind.columns().get(column) {
            Some(("time", at)) => self.time(sentence.field(*at)),
            Some((_, at)) => match number::parse(sentence.field(*at)) {
                Some(number) => Value::float(number),
                None => Value::Null,
            },
            None => Value::Null,
        };
        if !sink.selects(value)? {
            return Ok(());
        }
        let weight = self.weight.map(value);
        if !self.kind.has_fix(sentence) {
            return Ok(sink.record(Geometry::Nothing("receiver without fix"), weight.as_ref())?);
        }
        let at = self.kind.latitude();
        let [lat, south, lon, east] = [at, at + 1, at + 2, at + 3].map(|at| sentence.field(at));
        match (degrees(lon, east, b"EW"), degrees(lat, south, b"NS")) {
            (Some(lon), Some(lat)) => sink.record(Geometry::Point(lon, lat), weight.as_ref())?,
            _ => {
                let text = [lat, south, lon, east].join(&b',');
                sink.malformed(format!("position {}", shown(&text)));
            }
        }
        Ok(())
    }

    /// The time of a field such as `101530.25`, on the date of the last RMC sentence. Before the
    /// first RMC sentence it is a text, the time of day alone.
    fn time(&self, field: &[u8]) -> Value<'static> {
        let text = std::str::from_utf8(field).unwrap_or_default();
        let (Some(hour), Some(minute), Some(second)) =
            (text.get(..2), text.get(2..4), text.get(4..))
        else {
            return Value::Null;
        };
        let time = format!("{hour}:{minute}:{second}");
        let Some(date) = &self.date else {
            return Value::text(time);
        };
        crate::time::time(&format!("{date}T{time}Z")).map_or(Value::Text(time.into()), Value::Time)
    }
}

/// Reads the next line, which ends with CR LF, LF or CR. The first [`LINE`] bytes are stored in
/// `line`. Returns false at the end of the log.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let buffer = lines.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = memchr::memchr2(b'\n', b'\r', buffer);
        let part = buffer.get(..end.unwrap_or(buffer.len()));
        let part = part.unwrap_or(buffer);
        let room = LINE.saturating_sub(line.len());
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        let is_return = end.and_then(|end| buffer.get(end)) == Some(&b'\r');
        let passed = part.len() + usize::from(end.is_some());
        lines.consume(passed);
        if is_return && lines.fill_buf()?.first() == Some(&b'\n') {
            lines.consume(1);
        }
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// The sentences in a line. There may be other text before them, for example a time. There are
/// several if a line end is damaged or missing.
fn sentences(line: &[u8]) -> impl Iterator<Item = Sentence<'_>> {
    let parts = line.split(|byte| *byte == b'$').skip(1);
    parts.map(Sentence::new)
}

/// A sentence: the text between `$` and `*`, and the checksum after it.
struct Sentence<'l> {
    text: &'l [u8],
    checksum: Option<&'l [u8]>,
}

impl<'l> Sentence<'l> {
    /// Splits a sentence into its text and its checksum. `text` is the part of the line after `$`.
    fn new(text: &'l [u8]) -> Self {
        let text = text.trim_ascii_end();
        let (text, checksum) = match memchr::memchr(b'*', text) {
            Some(at) => text.split_at(at),
            None => (text, &[][..]),
        };
        Self {
            text,
            checksum: checksum.get(1..),
        }
    }

    /// The kind of the sentence, which its name states after two letters for the type of device.
    /// `None` for sentences without a position.
    fn kind(&self) -> Option<SentenceKind> {
        let name = self.field(0);
        let is_it = |kind: &SentenceKind| name.get(2..) == Some(kind.name().as_bytes());
        SentenceKind::ALL.into_iter().find(is_it)
    }

    /// The text of a field, counted from 0; field 0 is the sentence's name. Empty if there are
    /// fewer fields.
    fn field(&self, at: usize) -> &'l [u8] {
        let mut fields = self.text.split(|byte| *byte == b',');
        fields.nth(at).unwrap_or_default()
    }

    /// Returns true if the checksum is right, or if there is none.
    fn is_right(&self) -> bool {
        let Some(checksum) = self.checksum else {
            return true;
        };
        let sum = self.text.iter().fold(0, |sum, byte| sum ^ byte);
        let digits = checksum
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) == Some(sum)
    }
}

/// The degrees of a field such as `4807.038` (48° 7.038′), with the sign of the field after it,
/// `letter`. `letters` are the letter of positive degrees and then the letter of negative degrees,
/// for example `N` and `S`. `None` if a field is malformed.
fn degrees(field: &[u8], letter: &[u8], letters: &[u8; 2]) -> Option<f64> {
    let number = number::parse(field).filter(|number| *number >= 0.0)?;
    let whole = (number / 100.0).floor();
    let minutes = number - whole * 100.0;
    let degrees = whole + minutes / 60.0;
    let [positive, negative] = letters;
    match letter {
        [letter] if letter == positive && minutes < 60.0 => Some(degrees),
        [letter] if letter == negative && minutes < 60.0 => Some(-degrees),
        _ => None,
    }
}

/// The date of a field such as `010520`, the 1st of May 2020, in the form `2020-05-01`. Years from
/// 80 on are in the 20th century, before which there were no receivers. `None` if it is no date.
fn date(field: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(field)
        .ok()
        .filter(|text| text.len() == 6)?;
    let number = |at: usize| text.get(at..at + 2)?.parse::<u32>().ok();
    let (day, month, year) = (number(0)?, number(2)?, number(4)?);
    let century = if year < 80 { 2000 } else { 1900 };
    Some(format!("{}-{month:02}-{day:02}", century + year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_degrees_and_dates() {
        let lat = degrees(b"4807.038", b"N", b"NS").unwrap();
        assert!((lat - 48.1173).abs() < 1e-9, "{lat}");
        assert_eq!(degrees(b"01130.000", b"W", b"EW"), Some(-11.5));
        assert_eq!(degrees(b"0060.0", b"N", b"NS"), None);
        assert_eq!(degrees(b"4807.038", b"", b"NS"), None);
        assert_eq!(date(b"230394").as_deref(), Some("1994-03-23"));
        assert_eq!(date(b"010520").as_deref(), Some("2020-05-01"));
        assert_eq!(date(b""), None);
    }
}
