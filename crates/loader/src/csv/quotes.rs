//! Decisions about doubtful quotes: a stray quote must not swallow the rows after it.
//!
//! * A quoted field that spans several lines is doubtful. If at least nine in ten of the lines from
//!   the record's first line to the field's end are rows by themselves, the quote is text. A line
//!   is a row if it has numbers in the fields of longitude and latitude. A line is also a row if
//!   these two fields hold no other text and the line has as many delimiters as the first record.
//!   At most [`AHEAD`] lines are examined. Blank lines don't count.
//! * In tab-separated text every line is a row, since the type text/tab-separated-values has no
//!   quotes. There is one exception: a line with a wrong number of tabs continues on the next lines
//!   if one of its quotes is closed at the end of a field within the first [`REACH`] bytes, if the
//!   whole row then has the right number of tabs, and if its lines are no rows by themselves.
//!
//! Quotes that an option prescribes ([`Strict`](Quoting::Strict)) are never doubted.

use super::fields::past_quotes;
use super::record::{CsvDialect, QUOTE, Quotes, Quoting, RecordEnd};
use crate::number;
use memchr::{memchr, memchr_iter, memchr2};

/// The most lines that are examined to judge one quote: a choice.
const AHEAD: usize = 100;

/// The most bytes that a row may have in tab-separated text if it spans several lines: a choice.
const REACH: usize = 64 << 10;

/// The meaning of a quote at the beginning of a field.
enum QuoteVerdict {
    /// The quote opens a quoted part of this many bytes, both quotes included.
    Quotes(usize),
    /// The quote is ordinary text.
    Text,
    /// More bytes of the file are needed to decide.
    Unsure,
}

impl CsvDialect {
    /// Finds the end of the first record in `bytes`, and judges the doubtful quotes in it. `ended`
    /// is true if the file ends with `bytes`.
    #[inline]
    pub(crate) fn record_end(&self, bytes: &[u8], ended: bool) -> RecordEnd {
        let quote = match self.quoting {
            Quoting::Never | Quoting::Strict(_) => return self.apparent_end(bytes),
            Quoting::Lenient | Quoting::Tabs => QUOTE,
        };
        match memchr2(quote, self.newline, bytes) {
            None => RecordEnd::Beyond { quoted: false },
            Some(end) if bytes.get(end) == Some(&self.newline) => {
                RecordEnd::At(end + 1, Quotes::Absent)
            }
            Some(_) if self.quoting == Quoting::Tabs => self.tabbed_end(bytes, quote, ended),
            Some(_) => match self.apparent_end(bytes) {
                // A record that ends with its first line includes no other line, so its quotes are
                // not doubtful.
                end @ RecordEnd::At(length, _)
                    if memchr(self.newline, bytes).is_some_and(|at| at + 1 == length) =>
                {
                    end
                }
                _ => self.resolved_end(bytes, quote, ended),
            },
        }
    }

    /// The length of the part of `bytes` that consists of whole records, if each of them is a
    /// single line; 0 if one of them spans several lines. The records' ends are found by
    /// [`apparent_end`](Self::apparent_end).
    pub(crate) fn plain_lines(&self, bytes: &[u8]) -> usize {
        let (mut end, mut records) = (0, 0);
        while let RecordEnd::At(length, _) = self.apparent_end(bytes.get(end..).unwrap_or_default())
        {
            end += length;
            records += 1;
        }
        let passed = bytes.get(..end).unwrap_or_default();
        let lines = memchr_iter(self.newline, passed).count();
        if lines == records { end } else { 0 }
    }

    fn resolved_end(&self, bytes: &[u8], quote: u8, ended: bool) -> RecordEnd {
        let mut quotes = Quotes::Plain;
        let end = self.walk(bytes, |at, field| {
            match self.verdict(bytes, at, past_quotes(field, quote), ended) {
                QuoteVerdict::Quotes(length) => Some(length),
                QuoteVerdict::Text => {
                    quotes = Quotes::Judged;
                    Some(0)
                }
                QuoteVerdict::Unsure => None,
            }
        });
        match end {
            RecordEnd::At(length, _) => RecordEnd::At(length, quotes),
            beyond => beyond,
        }
    }

    /// Judges the quote at offset `at` of the record with which `bytes` begin. `closed` is the
    /// length of the quoted part in bytes, both quotes included; `None` if no quote closes it.
    /// `ended` is true if the file ends with `bytes`.
    fn verdict(&self, bytes: &[u8], at: usize, closed: Option<usize>, ended: bool) -> QuoteVerdict {
        let closes = closed.map(|length| at + length);
        let within = bytes.get(at..closes.unwrap_or(bytes.len()));
        if let Some(length) = closed
            && memchr(self.newline, within.unwrap_or_default()).is_none()
        {
            return QuoteVerdict::Quotes(length);
        }
        match self.are_rows(bytes, at, closes, ended) {
            Some(true) => QuoteVerdict::Text,
            Some(false) => closed.map_or(QuoteVerdict::Unsure, QuoteVerdict::Quotes),
            None => QuoteVerdict::Unsure,
        }
    }

    /// Returns whether at least nine in ten of a record's lines are rows by themselves; `None` if
    /// more bytes are needed. `at` is the offset of the doubtful quote in `bytes`, and `closes` is
    /// the offset at which its quoted field ends. Lines that begin before `closes` are examined;
    /// without `closes`, all lines in `bytes`. At most [`AHEAD`] lines are examined in either case.
    /// `ended` is true if the file ends with `bytes`.
    fn are_rows(
        &self,
        bytes: &[u8],
        at: usize,
        closes: Option<usize>,
        ended: bool,
    ) -> Option<bool> {
        let (mut start, mut from) = (0, at);
        let (mut lines, mut rows, mut first) = (0, 0, 0);
        let mut wanted = self.row.delimiters;
        while lines < AHEAD && closes.is_none_or(|closes| start < closes) {
            let rest = bytes.get(from..).filter(|rest| !rest.is_empty());
            let end = rest.and_then(|rest| memchr(self.newline, rest));
            let end = match end {
                Some(end) => from + end + 1,
                None if !ended => return None,
                None if rest.is_none() => break,
                None => bytes.len(),
            };
            let line = self.trim(bytes.get(start..end).unwrap_or_default());
            if !line.is_empty() {
                let wanted = *wanted.get_or_insert_with(|| self.fields(line, true).count() - 1);
                rows += usize::from(self.is_row(line, wanted));
                if lines == 0 {
                    first = rows;
                }
                lines += 1;
            }
            (start, from) = (end, end);
        }
        let are = |rows, lines| rows * 10 >= lines * 9;
        // If no quote closes the field, the doubtful quote itself may be the reason why its own
        // line is no row. Then the other lines may decide without this line.
        let others = closes.is_none() && lines > 1 && lines < AHEAD;
        Some(are(rows, lines) || (others && are(rows - first, lines - 1)))
    }

    /// Returns whether a line could be a row by itself. It could in two cases:
    ///
    /// * The fields of longitude and latitude both hold numbers.
    /// * The line has `delimiters` delimiters, and each of the two fields is empty or holds a
    ///   number or a word for a missing value.
    fn is_row(&self, line: &[u8], delimiters: usize) -> bool {
        let (mut count, mut numbers) = (0, 0);
        for field in self.fields(line, true) {
            if self.row.place.is_some_and(|place| place.contains(&count)) {
                let text = self.text(field);
                let is_number = number::parse(&text).is_some();
                if !is_number && !number::is_missing(&text) {
                    return false;
                }
                numbers += usize::from(is_number);
            }
            count += 1;
        }
        count == delimiters + 1 || numbers == 2
    }

    fn tabbed_end(&self, bytes: &[u8], quote: u8, ended: bool) -> RecordEnd {
        let Some(wanted) = self.row.delimiters else {
            return self.resolved_end(bytes, quote, ended);
        };
        let Some(end) = memchr(self.newline, bytes) else {
            return RecordEnd::Beyond { quoted: false };
        };
        let line = bytes.get(..end).unwrap_or_default();
        let by_itself = RecordEnd::At(end + 1, Quotes::Plain);
        if memchr_iter(self.delimiter, line).count() == wanted {
            return by_itself;
        }
        match self.spanning(bytes, quote, wanted, ended) {
            LineSpan::No => by_itself,
            LineSpan::Over(length) => RecordEnd::At(length, Quotes::Judged),
            LineSpan::Unsure => RecordEnd::Beyond { quoted: false },
        }
    }

    /// Judges whether the row with which `bytes` begin, a row of tab-separated text, goes on past
    /// its first line. It does if quotes in it enclose line ends, and if only several lines
    /// together have the right number of tabs, `wanted`. `ended` is true if the file ends with
    /// `bytes`.
    fn spanning(&self, bytes: &[u8], quote: u8, wanted: usize, ended: bool) -> LineSpan {
        let all = bytes.get(..bytes.len().min(REACH)).unwrap_or_default();
        let beyond = bytes.len() > REACH;
        let unsure = || {
            if ended || beyond {
                LineSpan::No
            } else {
                LineSpan::Unsure
            }
        };
        let ended = ended && !beyond;
        let (mut at, mut tabs, mut spans) = (0, 0, None);
        loop {
            let field = all.get(at..).unwrap_or_default();
            let Some(closed) = past_quotes(field, quote) else {
                return unsure();
            };
            let quoted = field.get(..closed).unwrap_or_default();
            let behind = field.get(closed).copied();
            let ends = [Some(self.delimiter), Some(self.newline), Some(b'\r')].contains(&behind)
                || (behind.is_none() && ended);
            if closed > 0 && behind.is_none() && !ended {
                return unsure();
            }
            if closed > 0 && ends {
                if spans.is_none() && memchr(self.newline, quoted).is_some() {
                    spans = Some((at, at + closed));
                }
                at += closed;
            }
            let rest = all.get(at..).unwrap_or_default();
            let end = match memchr2(self.delimiter, self.newline, rest) {
                None if !ended => return unsure(),
                None => rest.len(),
                Some(end) if rest.get(end) == Some(&self.delimiter) => {
                    tabs += 1;
                    at += end + 1;
                    continue;
                }
                Some(end) => end + 1,
            };
            let Some((opened, closes)) = spans.filter(|_| tabs == wanted) else {
                return LineSpan::No;
            };
            return match self.are_rows(all, opened, Some(closes), ended) {
                Some(false) => LineSpan::Over(at + end),
                Some(true) => LineSpan::No,
                None => unsure(),
            };
        }
    }
}

/// The answer to the question whether a row of tab-separated text goes on past its first line:
/// see [`spanning`](CsvDialect::spanning).
enum LineSpan {
    /// The line doesn't continue: it is a row by itself.
    No,
    /// The line continues: the row has this many bytes, its line end included.
    Over(usize),
    /// More bytes of the file are needed to decide.
    Unsure,
}
