//! Decision about doubtful quotes: a stray quote must not swallow the rows behind it.
//!
//! * A quoted field that seems to span lines is not quoted, and its quote is text, if at least nine
//!   in ten of the lines up to its end are rows by themselves. A line is a row if it has numbers
//!   where longitude and latitude are, or if it has no other text there and as many delimiters as
//!   the first record. At most [`AHEAD`] lines are examined. Blank lines don't count.
//! * In tab-separated text every line is a row, since the type text/tab-separated-values has no
//!   quotes. Only a line with too few or too many tabs may continue on the next lines, and only if
//!   a quote in it closes at the end of a field, within [`REACH`] bytes, and makes the number of
//!   tabs right.
//!
//! [`Strict`](Quoting::Strict) quotes, which an option names, are never doubted.

use super::fields::past_quotes;
use super::record::{Dialect, QUOTE, Quotes, Quoting, RecordEnd};
use crate::number;
use memchr::{memchr, memchr_iter, memchr2};

/// The most lines that are examined before a quote is accepted: a choice.
const AHEAD: usize = 100;

/// The most bytes of a row that spans lines in tab-separated text: a choice.
const REACH: usize = 64 << 10;

/// The meaning of a quote that is not closed on its line.
enum QuoteVerdict {
    /// It opens a quoted part of this many bytes, its quotes included.
    Quotes(usize),
    /// It is ordinary text.
    Text,
    /// More bytes are needed to decide.
    Unsure,
}

impl Dialect {
    /// Finds the end of the record that begins `bytes`, and decides about doubtful quotes on the
    /// way. `ended` is set if the file ends with `bytes`.
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
                // A record that ends with its first line swallows no other line.
                end @ RecordEnd::At(length, _)
                    if memchr(self.newline, bytes).is_some_and(|at| at + 1 == length) =>
                {
                    end
                }
                _ => self.resolved_end(bytes, quote, ended),
            },
        }
    }

    /// The length of the whole records in `bytes` if each of them is one line; 0 if one spans
    /// several lines. The ends are those of [`apparent_end`](Self::apparent_end).
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

    /// Decides about the quote at byte `at` of a record. `closed` is the length of the part in
    /// quotes; `None` if nothing closes the quote.
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

    /// Returns whether the lines of a record are rows by themselves; `None` if more bytes are
    /// needed. The lines up to byte `closes` count, where the quoted field ends that begins at byte
    /// `at`; without `closes` all lines in `bytes` count.
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
        // A quote that nothing closes may itself be why its own line is no row: the other lines may
        // decide.
        let others = closes.is_none() && lines > 1 && lines < AHEAD;
        Some(are(rows, lines) || (others && are(rows - first, lines - 1)))
    }

    /// Returns whether a line could be a row: it has numbers where longitude and latitude are, or
    /// it has the right number of delimiters and no other text in these two fields.
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

    /// Returns whether the first line of tab-separated text continues on the next lines: with the
    /// line ends that its quotes enclose, it must be a row of `wanted` tabs.
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

/// The answer to the question whether a line of tab-separated text continues on the next lines.
enum LineSpan {
    /// It doesn't: the line is a row by itself.
    No,
    /// It does: the row has this many bytes, its line end included.
    Over(usize),
    /// More bytes are needed to decide.
    Unsure,
}
