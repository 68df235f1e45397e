//! Records and fields in bytes: RFC 4180 as lenient as programs read it.
//!
//! A field that *begins* with a quote is quoted: delimiters and newlines in it
//! are text, and `""` is a quote. A quote anywhere else is an ordinary byte.
//! Text behind a closing quote belongs to the field.

use memchr::{memchr, memchr2};
use std::borrow::Cow;

pub(crate) const QUOTE: u8 = b'"';

/// What tells fields and records apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// `\n`; `\r` in the manner of old Macs.
    pub(crate) newline: u8,
}

/// Where a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// So many bytes, its newline included.
    At(usize),
    /// Not in these bytes.
    Beyond {
        /// Whether a quote is still open at their end.
        quoted: bool,
    },
}

impl Dialect {
    /// Where the record at the beginning of `bytes` ends.
    #[inline]
    pub(crate) fn record_end(self, bytes: &[u8]) -> End {
        match memchr2(QUOTE, self.newline, bytes) {
            None => End::Beyond { quoted: false },
            Some(at) if bytes.get(at) == Some(&self.newline) => End::At(at + 1),
            Some(_) => self.quoted_record_end(bytes),
        }
    }

    fn quoted_record_end(self, bytes: &[u8]) -> End {
        let mut at = 0;
        loop {
            let Some(field) = bytes.get(at..).filter(|f| !f.is_empty()) else {
                return End::Beyond { quoted: false };
            };
            let Some(opened) = past_quotes(field) else {
                return End::Beyond { quoted: true };
            };
            at += opened;
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(end) = memchr2(self.delimiter, self.newline, rest) else {
                return End::Beyond { quoted: false };
            };
            at += end + 1;
            if rest.get(end) == Some(&self.newline) {
                return End::At(at);
            }
        }
    }

    /// The record without its newline.
    #[inline]
    pub(crate) fn trim(self, record: &[u8]) -> &[u8] {
        let record = record.strip_suffix(&[self.newline]).unwrap_or(record);
        record.strip_suffix(b"\r").unwrap_or(record)
    }

    /// The fields of a trimmed record.
    pub(crate) fn fields(self, record: &[u8]) -> Fields<'_> {
        Fields {
            delimiter: self.delimiter,
            rest: Some(record),
        }
    }
}

/// The length of the quoted part at the beginning of a field, 0 if there is
/// none; `None` if it is not closed.
#[inline]
fn past_quotes(field: &[u8]) -> Option<usize> {
    if field.first() != Some(&QUOTE) {
        return Some(0);
    }
    let mut at = 1;
    loop {
        at += memchr(QUOTE, field.get(at..)?)? + 1;
        if field.get(at) != Some(&QUOTE) {
            return Some(at);
        }
        at += 1;
    }
}

/// The fields of one record, still in their quotes.
pub(crate) struct Fields<'a> {
    delimiter: u8,
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        // An unclosed quote takes all that is left.
        let quotes = past_quotes(rest).unwrap_or(rest.len());
        let end = rest.get(quotes..).and_then(|r| memchr(self.delimiter, r));
        match end.and_then(|end| rest.split_at_checked(quotes + end)) {
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

/// A field's text, out of its quotes.
#[inline]
pub(crate) fn text(field: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = field.strip_prefix(&[QUOTE]) else {
        return Cow::Borrowed(field);
    };
    match inner.strip_suffix(&[QUOTE]) {
        Some(plain) if memchr(QUOTE, plain).is_none() => Cow::Borrowed(plain),
        _ => Cow::Owned(unquoted(inner)),
    }
}

/// Takes the quotes out of what follows an opening quote.
fn unquoted(inner: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, behind)) = memchr(QUOTE, rest).and_then(|q| rest.split_at_checked(q)) {
        out.extend_from_slice(plain);
        match behind {
            [QUOTE, QUOTE, more @ ..] => {
                out.push(QUOTE);
                rest = more;
            }
            // Closed: what follows is ordinary text, quotes and all.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMA: Dialect = Dialect {
        delimiter: b',',
        newline: b'\n',
    };

    /// All records of a text, blank lines left out; `None` if a quote is not closed.
    fn records(mut bytes: &[u8]) -> Option<Vec<Vec<Vec<u8>>>> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let end = match COMMA.record_end(bytes) {
                End::At(end) => end,
                End::Beyond { quoted: true } => return None,
                End::Beyond { quoted: false } => bytes.len(),
            };
            let record = COMMA.trim(&bytes[..end]);
            if !record.is_empty() {
                out.push(COMMA.fields(record).map(|f| text(f).into_owned()).collect());
            }
            bytes = &bytes[end..];
        }
        Some(out)
    }

    fn csv_crate(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(bytes);
        reader
            .byte_records()
            .map(|r| r.unwrap().iter().map(<[u8]>::to_vec).collect())
            .collect()
    }

    #[test]
    fn quotes_as_programs_write_them() {
        let fields = |line: &str| -> Vec<String> {
            let record = COMMA.trim(line.as_bytes());
            let texts = COMMA
                .fields(record)
                .map(|f| String::from_utf8(text(f).into()).unwrap());
            texts.collect()
        };
        assert_eq!(fields("a,\"b,c\",d\r\n"), ["a", "b,c", "d"]);
        assert_eq!(fields("\"x\"\"y\",\"\",z"), ["x\"y", "", "z"]);
        assert_eq!(fields("5\" nail,\"a\"b\"c,"), ["5\" nail", "ab\"c", ""]);
        assert_eq!(COMMA.record_end(b"a,\"x\ny\",b\nc"), End::At(10));
        assert_eq!(COMMA.record_end(b"a,\"x\ny"), End::Beyond { quoted: true });
        assert_eq!(COMMA.record_end(b"a,5\" x\nb"), End::At(7));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn records_are_those_of_the_csv_crate(text in "[\",\na1]{0,40}") {
            if let Some(records) = records(text.as_bytes()) {
                prop_assert_eq!(records, csv_crate(text.as_bytes()));
            }
        }
    }
}
