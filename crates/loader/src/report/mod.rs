//! Reports: the numbers of rows that were kept (they became points) or skipped, and the reasons for
//! skipping.

pub(crate) mod notes;

use crate::report::notes::Notes;
use std::fmt;

/// The largest number of skipped rows that a report shows as examples for one reason. It is a
/// choice.
const PER_REASON: usize = 5;
/// The largest number of skipped rows that a report shows as examples for all reasons together. It
/// is a choice.
const IN_ALL: usize = 20;

/// The report has a note about swapped axes if at least 1 in `SWAPPED` of its skipped rows would be
/// valid with longitude and latitude swapped: a choice.
const SWAPPED: u64 = 10;

/// The reason why a row is skipped, so that it gives no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// An empty longitude or latitude, or a geometry that is null or empty.
    NoPosition,
    /// A longitude or a latitude that is no number, is not finite, or is too large: |latitude| is
    /// over 90°, or |longitude| is over 540°.
    BadPosition,
    /// A latitude that is valid but lies beyond the edge of the Web-Mercator square, ±85.0511°.
    Outside,
    /// A weight that is not a finite number.
    BadWeight,
    /// A row that can't be read: a comment, a repeated header, a malformed line of
    /// newline-delimited GeoJSON, or a row with too few columns for a position, for example.
    Malformed,
    /// A geometry that is neither a Point nor a MultiPoint, and of a kind from which the options
    /// make no points.
    NotAPoint,
    /// An area that encloses nothing, so that no point stands for it.
    BadShape,
}

impl SkipReason {
    /// Every reason, in the order in which reports list them.
    pub const ALL: [SkipReason; 7] = [
        SkipReason::NoPosition,
        SkipReason::BadPosition,
        SkipReason::Outside,
        SkipReason::BadWeight,
        SkipReason::Malformed,
        SkipReason::NotAPoint,
        SkipReason::BadShape,
    ];

    /// The reason's name in metrics and reports.
    pub fn name(self) -> &'static str {
        match self {
            SkipReason::NoPosition => "no position",
            SkipReason::BadPosition => "bad position",
            SkipReason::Outside => "outside",
            SkipReason::BadWeight => "bad weight",
            SkipReason::Malformed => "malformed",
            SkipReason::NotAPoint => "not a point",
            SkipReason::BadShape => "bad shape",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The unit in which a format counts its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowUnit {
    /// Lines of text. A row's number is the number of the line on which it begins.
    #[default]
    Line,
    /// Records, for formats that have no lines.
    Record,
}

impl fmt::Display for RowUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RowUnit::Line => "line",
            RowUnit::Record => "record",
        })
    }
}

/// A row that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedRow {
    /// The number of the line or record in the file, counted from 1. It is 0 for the rows of a
    /// database, which have no order.
    pub line: u64,
    /// The unit of [`line`](Self::line): lines or records.
    pub unit: RowUnit,
    /// The reason why the row was skipped.
    pub skip: SkipReason,
    /// The value that caused the skip, shortened and with control characters escaped, so that it
    /// fits on one line.
    pub found: String,
}

impl fmt::Display for SkippedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{} {}: ", self.unit, self.line)?;
        }
        write!(f, "{}: {}", self.skip, self.found)
    }
}

/// The reason why a value can't be compared with a literal, that is, with a constant in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MismatchReason {
    /// The filter compares with a number, and the value is no number.
    NoNumber,
    /// The filter compares with a date or time, and the value can't be read as one.
    NoDate,
    /// The filter compares with true or false, and the value is neither of the two.
    NoTruth,
    /// The value is a number, and the filter compares with something else.
    Number,
    /// The value is a date or time, and the filter compares with text that can't be read as one.
    Date,
    /// The value is true or false, and the filter compares with something else.
    Truth,
}

impl MismatchReason {
    /// The reason's short name, for machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoNumber => "no number",
            Self::NoDate => "no date",
            Self::NoTruth => "no truth",
            Self::Number => "number",
            Self::Date => "date",
            Self::Truth => "truth",
        }
    }

    /// The reason as the predicate of a sentence about a value, such as `is no number`. If
    /// `several` is true, the sentence is about several values: `are no numbers`.
    pub(crate) fn says(self, several: bool) -> &'static str {
        match (self, several) {
            (Self::NoNumber, false) => "is no number",
            (Self::NoNumber, true) => "are no numbers",
            (Self::NoDate, false) => "is no date that is understood",
            (Self::NoDate, true) => "are no dates that are understood",
            (Self::NoTruth, false) => "is neither true nor false",
            (Self::NoTruth, true) => "are neither true nor false",
            (Self::Number, false) => "is a number, and what it is compared with is none",
            (Self::Number, true) => "are numbers, and what they are compared with is none",
            (Self::Date, false) => "is a date, and what it is compared with is none",
            (Self::Date, true) => "are dates, and what they are compared with is none",
            (Self::Truth, false) => "is true or false, and what it is compared with is neither",
            (Self::Truth, true) => "are true or false, and what they are compared with is neither",
        }
    }
}

/// Values of one column that a filter can't compare, all for the same reason. The rows with these
/// values don't become points.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The name of the column as the filter writes it.
    pub column: String,
    /// The reason why the values can't be compared.
    pub reason: MismatchReason,
    /// The number of values that can't be compared.
    pub count: u64,
    /// The first of the values, shortened and with control characters escaped, so that it fits on
    /// one line.
    pub example: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = self.count > 1;
        let (values, says) = (
            if several { "values" } else { "value" },
            self.reason.says(several),
        );
        let (count, column) = (self.count, &self.column);
        write!(
            f,
            "{count} {values} of {column} {says}, e.g. {}",
            self.example
        )?;
        if self.reason == MismatchReason::NoDate {
            f.write_str(" (`time_format` tells how dates are written)")?;
        }
        Ok(())
    }
}

/// The counts of a source's rows. `rows` always equals `kept` +
/// [`skipped_total`](Report::skipped_total).
///
/// A report depends only on the data: not on the size of the pieces in which they are read, and not
/// on the number of threads. Only `bytes` depends on the compression too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The number of rows that were read. A blank line is no row, and each position of a MultiPoint
    /// counts as a row. Rows in `filtered` and `deleted` are not included.
    pub rows: u64,
    /// The number of rows that became points.
    pub kept: u64,
    skipped: [u64; SkipReason::ALL.len()],
    /// The number of rows that were left out by the filter or by the box
    /// [`within`](crate::LoadOptions::within). They are not included in [`rows`](Self::rows).
    pub filtered: u64,
    /// The values that the filter can't compare, by column and reason. Rows with such values were
    /// left out.
    pub mismatches: Vec<Mismatch>,
    /// The number of records that the file marks as deleted. They are not included in
    /// [`rows`](Self::rows).
    pub deleted: u64,
    /// The unit of the row numbers in `examples`.
    pub(crate) unit: RowUnit,
    /// The first skipped rows in the order of the file: at most 5 rows for each reason, and at most
    /// 20 rows for all reasons together.
    pub examples: Vec<SkippedRow>,
    /// The number of kept rows whose weight is empty or null. Such a weight adds nothing to a sum,
    /// a mean or a count of values, as in SQL's SUM, AVG and COUNT.
    pub weights_missing: u64,
    /// The number of kept rows at exactly longitude 0 and latitude 0. Such rows often have no known
    /// position.
    pub at_null_island: u64,
    pub(crate) notes: Notes,
    /// The largest error, in metres, that may remain in a position after its shift from another
    /// datum to WGS 84. 0 if there is no error to report: an error of at most 10 m is reported only
    /// if [`LoadOptions::datum_error`](crate::LoadOptions::datum_error) was needed to accept it.
    pub datum_error: u32,
    /// The number of bytes that were read, counted before decompression.
    pub bytes: u64,
}

impl Report {
    /// The number of rows that were skipped for one reason.
    pub fn skipped(&self, reason: SkipReason) -> u64 {
        self.skipped.get(reason as usize).copied().unwrap_or(0)
    }

    /// The number of rows that were skipped for any reason.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.iter().sum()
    }

    /// Notes about decisions that the counts and examples of skipped rows don't show, for example
    /// about quotes that were read as text. Each note is one line.
    pub fn notes(&self) -> Vec<String> {
        let mut lines = self.notes.lines();
        let (swapped, skipped) = (self.notes.swapped, self.skipped_total());
        if swapped > 0 && swapped * SWAPPED >= skipped {
            lines.push(format!(
                "{swapped} of the {skipped} skipped rows would have a position with longitude and \
                 latitude swapped"
            ));
        }
        lines
    }

    /// Counts a skipped row. `describe` returns the number of the row's line or record and the
    /// value that caused the skip. It is called only while more examples are needed, so that files
    /// with many skipped rows are read fast.
    pub(crate) fn skip(&mut self, skip: SkipReason, describe: impl FnOnce() -> (u64, String)) {
        self.rows += 1;
        if let Some(count) = self.skipped.get_mut(skip as usize) {
            *count += 1;
        }
        if self.wants_example(skip) {
            let (line, found) = describe();
            self.examples.push(SkippedRow {
                line,
                unit: self.unit,
                skip,
                found,
            });
        }
    }

    /// Counts a value that a filter can't compare. `example` returns the value as text. It is
    /// called only for the first such value of a column with this reason.
    pub(crate) fn count_mismatch(
        &mut self,
        column: &str,
        reason: MismatchReason,
        example: impl FnOnce() -> String,
    ) {
        match self.mismatch(column, reason) {
            Some(known) => known.count += 1,
            None => self.mismatches.push(Mismatch {
                column: column.to_owned(),
                reason,
                count: 1,
                example: example(),
            }),
        }
    }

    /// The mismatches of a column for a reason; `None` if no value was counted for them yet.
    fn mismatch(&mut self, column: &str, reason: MismatchReason) -> Option<&mut Mismatch> {
        let mut known = self.mismatches.iter_mut();
        known.find(|known| known.reason == reason && known.column == column)
    }

    /// Records that a position may be wrong by `metres`. The report states the largest of these
    /// errors, rounded up to whole metres.
    pub(crate) fn place_off_by(&mut self, metres: f64) {
        if metres > 0.0 {
            self.datum_error = self.datum_error.max(metres.ceil() as u32);
        }
    }

    /// Adds the report `part`, whose rows follow the rows of `self` in the source.
    ///
    /// However the rows of a source are divided into parts, adding the parts in order gives the
    /// report of all rows. That holds for the examples too: an example that `part` has no room for
    /// would have no room in the report of all rows.
    pub(crate) fn add(&mut self, part: Report) {
        self.rows += part.rows;
        self.kept += part.kept;
        self.filtered += part.filtered;
        for more in part.mismatches {
            match self.mismatch(&more.column, more.reason) {
                Some(known) => known.count += more.count,
                None => self.mismatches.push(more),
            }
        }
        self.deleted += part.deleted;
        for (sum, n) in self.skipped.iter_mut().zip(part.skipped) {
            *sum += n;
        }
        self.weights_missing += part.weights_missing;
        self.at_null_island += part.at_null_island;
        self.notes.add(part.notes);
        self.datum_error = self.datum_error.max(part.datum_error);
        for example in part.examples {
            if self.wants_example(example.skip) {
                self.examples.push(example);
            }
        }
    }

    fn wants_example(&self, skip: SkipReason) -> bool {
        let alike = self.examples.iter().filter(|e| e.skip == skip).count();
        alike < PER_REASON && self.examples.len() < IN_ALL
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = self.skipped_total();
        write!(f, "{} rows: {} kept", self.rows, self.kept)?;
        if skipped > 0 {
            let reasons: Vec<String> = SkipReason::ALL
                .into_iter()
                .filter(|&s| self.skipped(s) > 0)
                .map(|s| match s {
                    SkipReason::Outside => format!("{} outside ±85.05°", self.skipped(s)),
                    _ => format!("{} {s}", self.skipped(s)),
                })
                .collect();
            write!(f, ", {skipped} skipped ({})", reasons.join(", "))?;
        }
        for example in &self.examples {
            write!(f, "\n  {example}")?;
        }
        if skipped > self.examples.len() as u64 && !self.examples.is_empty() {
            write!(f, "\n  … and {} more", skipped - self.examples.len() as u64)?;
        }
        if self.filtered > 0 {
            write!(f, "\n  {} more that the filter left out", self.filtered)?;
        }
        for values in &self.mismatches {
            write!(f, "\n  {values}")?;
        }
        if self.deleted > 0 {
            write!(f, "\n  {} more that are marked as deleted", self.deleted)?;
        }
        if self.weights_missing > 0 {
            write!(
                f,
                "\n  {} kept without a weight: 0 in a sum, no part of a mean or a count",
                self.weights_missing
            )?;
        }
        if self.at_null_island > 0 {
            write!(f, "\n  {} lie at exactly 0,0", self.at_null_island)?;
        }
        for note in self.notes() {
            write!(f, "\n  {note}")?;
        }
        if self.datum_error > 0 {
            write!(
                f,
                "\n  places may be off by {} m: the datum's shift is known no better",
                self.datum_error
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skips(reasons: &[(u64, SkipReason)]) -> Report {
        let mut report = Report::default();
        for &(line, skip) in reasons {
            report.skip(skip, || (line, format!("row {line}")));
        }
        report
    }

    #[test]
    fn a_report_reads_well() {
        let mut report = skips(&[
            (7, SkipReason::BadPosition),
            (9, SkipReason::NoPosition),
            (12, SkipReason::Outside),
        ]);
        report.rows += 3;
        report.kept += 3;
        report.weights_missing = 1;
        report.at_null_island = 2;
        report.deleted = 4;
        report.notes.note("the parts disagree".to_owned());
        report.notes.note("the parts disagree".to_owned());
        assert_eq!(
            report.to_string(),
            "6 rows: 3 kept, 3 skipped (1 no position, 1 bad position, 1 outside ±85.05°)\n  \
             line 7: bad position: row 7\n  line 9: no position: row 9\n  \
             line 12: outside: row 12\n  \
             4 more that are marked as deleted\n  \
             1 kept without a weight: 0 in a sum, no part of a mean or a count\n  \
             2 lie at exactly 0,0\n  \
             the parts disagree"
        );
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(
            rows in proptest::collection::vec(0usize..6, 0..120),
            cuts in proptest::collection::vec(0usize..120, 0..6),
        ) {
            let rows: Vec<(u64, SkipReason)> =
                rows.iter().enumerate().map(|(i, &r)| (i as u64, SkipReason::ALL[r])).collect();
            let mut sum = Report::default();
            let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (rows.len() + 1)).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                sum.add(skips(&rows[pair[0]..pair[1]]));
            }
            prop_assert_eq!(sum, skips(&rows));
        }
    }
}
