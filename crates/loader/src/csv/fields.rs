//! Splitting of a record into fields, and the text of a field without its quotes.

use super::record::{CsvDialect, Quotes, Quoting};
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;

impl CsvDialect {
    /// An iterator over the fields of a record, whose line end must have been removed. `quoted`
    /// must be true if the record may contain quotes.
    #[inline]
    pub(crate) fn fields<'a>(&self, record: &'a [u8], quoted: bool) -> Fields<'a> {
        let quoted = quoted && (self.quoting != Quoting::Tabs || self.are_quotes(record));
        self.split(record, quoted)
    }

    #[inline]
    fn split<'a>(&self, record: &'a [u8], quoted: bool) -> Fields<'a> {
        Fields {
            delimiter: self.delimiter,
            quote: self.quoting.byte().filter(|_| quoted),
            around: self.quoting == Quoting::Tabs,
            rest: Some(record),
        }
    }

    /// Returns whether the quotes in a record of tab-separated text may enclose tabs. They may if
    /// the record has the right number of fields, as many as the first record, only when quotes
    /// enclose fields. They also may if the right number is not known yet.
    fn are_quotes(&self, record: &[u8]) -> bool {
        let Some(wanted) = self.row.delimiters else {
            return true;
        };
        let tabs = memchr_iter(self.delimiter, record).count();
        tabs != wanted && self.split(record, true).count() == wanted + 1
    }

    /// A field's text without the quotes around it. A stray quote at the beginning
    /// ([`is_stray`](Self::is_stray)) is part of the text.
    #[inline]
    pub(crate) fn text<'a>(&self, field: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(quote) = self.quoting.byte() else {
            return Cow::Borrowed(field);
        };
        let Some(inner) = field.strip_prefix(&[quote]) else {
            return Cow::Borrowed(field);
        };
        match inner.strip_suffix(&[quote]) {
            Some(plain) if memchr(quote, plain).is_none() => Cow::Borrowed(plain),
            _ if self.is_stray(field) => Cow::Borrowed(field),
            _ => Cow::Owned(unquoted(inner, quote)),
        }
    }

    /// Returns whether fields of a record may begin with stray quotes, which are ordinary text.
    /// `quotes` is the role that the record's quotes had in finding its end.
    #[inline]
    pub(crate) fn may_be_stray(&self, quotes: Quotes) -> bool {
        match quotes {
            Quotes::Absent => false,
            Quotes::Plain => self.quoting == Quoting::Tabs,
            Quotes::Judged => true,
        }
    }

    /// Returns whether a field begins with a stray quote, which is ordinary text. A quote that is
    /// not closed is stray. In tab-separated text a quote that is closed before the end of the
    /// field is stray too.
    pub(crate) fn is_stray(&self, field: &[u8]) -> bool {
        let Some(quote) = self.quoting.byte() else {
            return false;
        };
        match past_quotes(field, quote) {
            Some(0) => false,
            Some(closed) => self.quoting == Quoting::Tabs && closed < field.len(),
            None => true,
        }
    }
}

/// The length, in bytes, of the quoted part at the beginning of a field, both quotes included. It
/// is 0 if the field doesn't begin with a quote, and `None` if the quote is not closed.
#[inline]
pub(super) fn past_quotes(field: &[u8], quote: u8) -> Option<usize> {
    if field.first() != Some(&quote) {
        return Some(0);
    }
    let mut at = 1;
    loop {
        at += memchr(quote, field.get(at..)?)? + 1;
        if field.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

/// An iterator over the fields of one record. Each field still has the quotes around it.
pub(crate) struct Fields<'a> {
    delimiter: u8,
    quote: Option<u8>,
    /// True for tab-separated text, where quotes have a meaning only if they enclose a whole field.
    around: bool,
    rest: Option<&'a [u8]>,
}

impl Fields<'_> {
    /// The length, in bytes, of the quoted part with which `rest` begins, both quotes included.
    /// `rest` must begin with a quote. The result is 0 if this quote is ordinary text.
    #[inline]
    fn quoted(&self, rest: &[u8], quote: u8) -> usize {
        let closed = past_quotes(rest, quote).unwrap_or(0);
        match rest.get(closed) {
            Some(behind) if self.around && *behind != self.delimiter => 0,
            _ => closed,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let quoted = match self.quote {
            Some(quote) if rest.first() == Some(&quote) => self.quoted(rest, quote),
            _ => 0,
        };
        let end = rest.get(quoted..).and_then(|r| memchr(self.delimiter, r));
        match end.and_then(|end| rest.split_at_checked(quoted + end)) {
            Some((field, behind)) => {
                self.rest = behind.get(1..);
                Some(field)
            }
            None => {
                self.rest = None;
                Some(rest)
            }
        }
    }
}

/// The text of a quoted field. `inner` is the field without its opening quote. A doubled quote
/// becomes one quote. The closing quote is removed, and the text after it is kept unchanged.
fn unquoted(inner: &[u8], quote: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, behind)) = memchr(quote, rest).and_then(|q| rest.split_at_checked(q)) {
        out.extend_from_slice(plain);
        match behind {
            [_, second, more @ ..] if *second == quote => {
                out.push(quote);
                rest = more;
            }
            // This quote closes the quoted part. Text after it is kept unchanged, with its quotes.
            [_, more @ ..] => {
                out.extend_from_slice(more);
                return out;
            }
            [] => break,
        }
    }
    out.extend_from_slice(rest);
    out
}
