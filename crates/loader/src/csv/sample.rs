//! Examination of the rows in a file's sample (its first MiB): the notation of numbers in each
//! column that is read, and a check of the column of weights.

use super::record::{CsvDialect, RecordEnd};
use crate::columns::quoted;
use crate::columns::weight_check::WeightSample;
use crate::error::LoadError;
use crate::messages::shown;
use crate::number;
use crate::number::evidence::{DecimalEvidence, DoubtfulNumber, NotationDoubt};
use crate::number::format::NumberFormat;
use crate::number::mark::DecimalMark;
use crate::parameter::Parameter;
use crate::text::chunker::TextPosition;

/// The number of rows that are examined for the notation of numbers if no field of the sample can
/// have a comma: a choice.
const FEW: usize = 1000;

/// An iterator over a sample's records and their offsets. It leaves out blank lines. If the file
/// goes on after the sample (`whole` is false), it also leaves out the last record, which may be
/// incomplete.
pub(super) struct Records<'a> {
    sample: &'a [u8],
    at: usize,
    whole: bool,
    pub(super) dialect: CsvDialect,
}

impl<'a> Records<'a> {
    pub(super) fn new(sample: &'a [u8], whole: bool, dialect: CsvDialect) -> Self {
        Self {
            sample,
            at: 0,
            whole,
            dialect,
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        while let Some(rest) = self.sample.get(self.at..).filter(|r| !r.is_empty()) {
            let end = match self.dialect.record_end(rest, self.whole) {
                RecordEnd::At(end, _) => end,
                RecordEnd::Beyond { .. } if self.whole => rest.len(),
                RecordEnd::Beyond { .. } => return None,
            };
            let at = self.at;
            self.at += end;
            let record = self.dialect.trim(rest.get(..end)?);
            if !record.is_empty() {
                return Some((at, record));
            }
        }
        None
    }
}

/// Returns whether a field is a number with a decimal point or a decimal comma.
pub(super) fn is_any_number(field: &[u8]) -> bool {
    number::parse(field).is_some() || NumberFormat::Comma.parse(field).is_some()
}

/// The rows of data in a file's sample.
pub(super) struct SampleRows<'a> {
    /// The bytes from the first row of data on.
    pub(super) body: &'a [u8],
    /// True if `body` reaches to the end of the file.
    pub(super) whole: bool,
    pub(super) dialect: CsvDialect,
    /// The position in the file at which `body` begins.
    pub(super) start: TextPosition,
}

/// The notations of the numbers in a file's columns: decimal marks, and marks between thousands.
#[derive(Clone, Debug, Default)]
pub(super) struct Notations {
    pub(super) positions: NumberFormat,
    pub(super) weights: NumberFormat,
    /// The notations in other columns: those that the filter uses, and the kept columns, each by
    /// its index, counted from 0. Only those with a decimal comma or marks between thousands are
    /// listed.
    pub(super) others: Vec<(usize, NumberFormat)>,
    /// True if an option names the decimal mark. Rows with another mark are then skipped.
    pub(super) asked: bool,
}

/// The columns whose notation of numbers is looked for, by their indexes, counted from 0.
pub(super) struct WantedColumns<'a> {
    pub(super) positions: [usize; 2],
    /// True if positions must be degrees, since no option names another coordinate system.
    pub(super) degrees: bool,
    /// The index of the column of weights, and true if it was chosen by its name alone; `None` if
    /// every row counts 1.
    pub(super) weight: Option<(usize, bool)>,
    pub(super) others: &'a [usize],
}

impl<'a> SampleRows<'a> {
    pub(super) fn records(&self) -> Records<'a> {
        Records::new(self.body, self.whole, self.dialect)
    }

    /// The number, counted from 1, of the file's line at the offset `at` in `body`.
    pub(super) fn line(&self, at: usize) -> u64 {
        let passed = self.body.get(..at).unwrap_or_default();
        self.start.after(passed, self.dialect.newline).line
    }

    /// Counts how many of the first values of a column are numbers in the notation `format`, and
    /// how many are not. `column` is the column's index, counted from 0.
    pub(super) fn weights(&self, column: usize, format: NumberFormat) -> WeightSample {
        let mut weights = WeightSample::default();
        for (_, record) in self.records() {
            if let Some(field) = self.dialect.fields(record, true).nth(column) {
                weights.note_as(&self.dialect.text(field), format);
            }
            if weights.is_enough() {
                break;
            }
        }
        weights
    }

    /// Returns true if a field of the sample may contain a comma, which may be a decimal mark.
    fn may_have_commas(&self) -> bool {
        let mark = match self.dialect.delimiter {
            b',' => self.dialect.quoting.byte(),
            _ => Some(b','),
        };
        mark.is_some_and(|mark| memchr::memchr(mark, self.body).is_some())
    }

    /// Chooses the notation of the numbers in each column. `seen` are the names of all columns, and
    /// `asked` is the decimal mark that an option names.
    ///
    /// # Errors
    /// [`LoadError::BadOption`] if the values of a column don't show which notation it has.
    pub(super) fn notations(
        &self,
        wanted: &WantedColumns<'_>,
        asked: Option<DecimalMark>,
        (seen, file): (&[String], &str),
    ) -> Result<Notations, LoadError> {
        let mut positions = DecimalEvidence::default();
        let mut weights = DecimalEvidence::default();
        let mut others = vec![DecimalEvidence::default(); wanted.others.len()];
        let most = if self.may_have_commas() {
            usize::MAX
        } else {
            FEW
        };
        for (at, record) in self.records().take(most) {
            for (i, field) in self.dialect.fields(record, true).enumerate() {
                let of_weight = wanted.weight.is_some_and(|(weight, _)| weight == i);
                let other = wanted.others.iter().position(|other| *other == i);
                let is_position = wanted.positions.contains(&i);
                if !is_position && !of_weight && other.is_none() {
                    continue;
                }
                let text = self.dialect.text(field);
                if is_position {
                    positions.note(&text, || self.line(at));
                }
                if of_weight {
                    weights.note(&text, || self.line(at));
                }
                if let Some(evidence) = other.and_then(|other| others.get_mut(other)) {
                    evidence.note(&text, || self.line(at));
                }
            }
        }
        let doubt = |at: usize| move |doubt| unsure(&doubt, &quoted(seen, at), file);
        let [lon, _] = wanted.positions;
        let weights = match wanted.weight {
            None => NumberFormat::Point,
            // A column that was chosen by its name alone is only used if its values leave no doubt.
            Some((_, true)) => weights.format(asked, false).unwrap_or_default(),
            Some((at, false)) => weights.format(asked, false).map_err(doubt(at))?,
        };
        let others = wanted
            .others
            .iter()
            .zip(others)
            .filter_map(|(at, evidence)| {
                // Values whose notation is in doubt stay texts.
                let format = evidence.format(asked, false).unwrap_or_default();
                (!matches!(format, NumberFormat::Point | NumberFormat::Whole))
                    .then_some((*at, format))
            });
        Ok(Notations {
            positions: positions
                .format(asked, wanted.degrees)
                .map_err(doubt(lon))?,
            weights,
            others: others.collect(),
            asked: asked.is_some(),
        })
    }
}

impl Notations {
    /// The notation of the numbers in a column that the filter uses, or in a kept column. `column`
    /// is its index, counted from 0.
    pub(super) fn other(&self, column: usize) -> NumberFormat {
        let mut others = self.others.iter();
        let found = others.find(|(at, _)| *at == column);
        found.map_or(NumberFormat::Point, |(_, format)| *format)
    }

    /// The text for reports that mentions decimal commas or commas between thousands; empty if the
    /// columns that are read have neither.
    pub(super) fn why(&self) -> String {
        let all = [self.positions, self.weights];
        let mut all = all.into_iter().chain(self.others.iter().map(|(_, f)| *f));
        let found = match self.asked {
            true => "",
            false => ", as the first rows have them",
        };
        if all.clone().any(NumberFormat::has_comma) {
            format!(", decimal commas{found}")
        } else if all.any(|format| format == NumberFormat::GroupedPoint) && !self.asked {
            format!(", commas between thousands{found}")
        } else {
            String::new()
        }
    }
}

/// The error for a column whose values don't show the notation of its numbers.
fn unsure(doubt: &NotationDoubt, column: &str, file: &str) -> LoadError {
    let text = |doubtful: &DoubtfulNumber| shown(doubtful.text.as_bytes());
    let message = match doubt {
        NotationDoubt::Thousands(number) => {
            let plain = number.text.trim();
            format!(
                "line {}: {} in column {column} may be {} or {}; say what its decimal mark is",
                number.line,
                text(number),
                plain.replace(',', "."),
                plain.replace([',', '.'], ""),
            )
        }
        NotationDoubt::Both(comma, point) => format!(
            "column {column} has decimal commas and decimal points, {} on line {} and {} on line \
             {}; say which mark is right, and rows with the other are skipped",
            text(comma),
            comma.line,
            text(point),
            point.line
        ),
    };
    LoadError::BadOption {
        file: file.to_owned(),
        parameter: Parameter::Decimal,
        message,
    }
}
