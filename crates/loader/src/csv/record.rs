//! Records of CSV and the ends of records, by RFC 4180 with more lenient rules for quotes.
//!
//! A field that *begins* with a quote is quoted: delimiters and newlines in it are text, and `""`
//! stands for one quote. A quote at any other place in a field is an ordinary byte. Text between a
//! closing quote and the next delimiter belongs to the field. A quote that is not closed in its
//! record is text. A quote is also text if the module [`quotes`](super::quotes) finds it to be
//! stray.

use super::fields::past_quotes;
use memchr::{memchr, memchr2};

pub(crate) const QUOTE: u8 = b'"';

/// The bytes that separate fields and records, and the meaning of quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CsvDialect {
    pub(crate) delimiter: u8,
    /// The byte that ends a record: `\n`, or `\r` in files of old Macs, which have no `\n`.
    pub(crate) newline: u8,
    pub(crate) quoting: Quoting,
    /// The number of delimiters and the position columns that all rows of the file share. Both are
    /// `None` until the first record was read and the columns were chosen.
    pub(crate) row: RowShape,
}

/// The rule by which a quote encloses a field or is ordinary text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// No quotes: a quote is ordinary text.
    Never,
    /// Quotes by the rules of RFC 4180 with this byte, even if a quoted field then includes lines
    /// that look like rows.
    Strict(u8),
    /// Quotes with the byte `"`. But a quote is text if its field would include lines that are rows
    /// by themselves.
    Lenient,
    /// Tab-separated text: a line is a row, and a quote is text. There are two exceptions. Quotes
    /// around a whole field are removed. Quotes may enclose tabs and line ends if only that gives
    /// the row the right number of fields.
    Tabs,
}

/// The number of delimiters and the columns of positions that all rows of a file have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowShape {
    /// The number of delimiters in the file's first record; `None` before that record is read.
    pub(crate) delimiters: Option<usize>,
    /// The indexes of the longitude and the latitude column, in this order, counted from 0; `None`
    /// before the columns are chosen.
    pub(crate) place: Option<[usize; 2]>,
}

/// The result of a search for the end of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordEnd {
    /// The record ends after this number of bytes, its newline included. Also states the role of
    /// its quotes.
    At(usize, Quotes),
    /// The record doesn't end within the bytes that were searched.
    Beyond {
        /// True if a quote is still open at the end of the bytes.
        quoted: bool,
    },
}

/// The role that quotes had in finding the end of a record. It decides whether the record's fields
/// have to be searched for quotes that are ordinary text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// The record has no quotes.
    Absent,
    /// The record has quotes, and they alone determine its end, as
    /// [`apparent_end`](CsvDialect::apparent_end) finds it.
    Plain,
    /// The record has quotes, and the lines after it were needed to find its end. So
    /// `apparent_end`, which looks at the record alone, may find another end.
    Judged,
}

impl Quoting {
    /// The byte that quotes fields; `None` if no byte does.
    pub(crate) fn byte(self) -> Option<u8> {
        match self {
            Self::Never => None,
            Self::Strict(byte) => Some(byte),
            Self::Lenient | Self::Tabs => Some(QUOTE),
        }
    }
}

impl CsvDialect {
    /// Returns whether `byte` is the quote of this dialect.
    pub(crate) fn quotes_by(&self, byte: u8) -> bool {
        self.quoting.byte() == Some(byte)
    }

    /// Finds the end of the first record in `bytes`, as the quotes in this record determine it. The
    /// lines after the record are not examined.
    #[inline]
    pub(crate) fn apparent_end(&self, bytes: &[u8]) -> RecordEnd {
        let at = |found: Option<usize>, quotes| match found {
            Some(at) => RecordEnd::At(at + 1, quotes),
            None => RecordEnd::Beyond { quoted: false },
        };
        let Some(quote) = self.quoting.byte() else {
            return at(memchr(self.newline, bytes), Quotes::Absent);
        };
        match memchr2(quote, self.newline, bytes) {
            None => RecordEnd::Beyond { quoted: false },
            Some(end) if bytes.get(end) == Some(&self.newline) => {
                RecordEnd::At(end + 1, Quotes::Absent)
            }
            Some(_) if self.quoting == Quoting::Tabs => {
                at(memchr(self.newline, bytes), Quotes::Plain)
            }
            Some(_) => self.walk(bytes, |_, field| past_quotes(field, quote)),
        }
    }

    /// Finds the end of the first record in `bytes`, field by field. `quoted` is called for each
    /// field, with the field's offset in `bytes` and the bytes from this offset on. `quoted` must
    /// return the length of the quoted part with which the field begins, or `None` if the end of
    /// this part is not known.
    #[inline]
    pub(super) fn walk(
        &self,
        bytes: &[u8],
        mut quoted: impl FnMut(usize, &[u8]) -> Option<usize>,
    ) -> RecordEnd {
        let mut at = 0;
        loop {
            let Some(field) = bytes.get(at..).filter(|f| !f.is_empty()) else {
                return RecordEnd::Beyond { quoted: false };
            };
            let Some(length) = quoted(at, field) else {
                return RecordEnd::Beyond { quoted: true };
            };
            at += length;
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(end) = memchr2(self.delimiter, self.newline, rest) else {
                return RecordEnd::Beyond { quoted: false };
            };
            at += end + 1;
            if rest.get(end) == Some(&self.newline) {
                return RecordEnd::At(at, Quotes::Plain);
            }
        }
    }

    /// The record without the line end after it, which is `\n`, `\r` or `\r\n`.
    #[inline]
    pub(crate) fn trim<'a>(&self, record: &'a [u8]) -> &'a [u8] {
        let record = record.strip_suffix(&[self.newline]).unwrap_or(record);
        record.strip_suffix(b"\r").unwrap_or(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMA: CsvDialect = CsvDialect {
        delimiter: b',',
        newline: b'\n',
        quoting: Quoting::Strict(QUOTE),
        row: RowShape {
            delimiters: None,
            place: None,
        },
    };

    /// All records of a text but the blank lines; `None` if a quote is not closed.
    fn records(mut bytes: &[u8]) -> Option<Vec<Vec<Vec<u8>>>> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let end = match COMMA.apparent_end(bytes) {
                RecordEnd::At(end, _) => end,
                RecordEnd::Beyond { quoted: true } => return None,
                RecordEnd::Beyond { quoted: false } => bytes.len(),
            };
            let record = COMMA.trim(&bytes[..end]);
            if !record.is_empty() {
                let fields = COMMA.fields(record, true);
                out.push(fields.map(|f| COMMA.text(f).into_owned()).collect());
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

    fn texts(dialect: CsvDialect, line: &str) -> Vec<String> {
        let record = dialect.trim(line.as_bytes());
        let texts = dialect
            .fields(record, true)
            .map(|f| String::from_utf8(dialect.text(f).into()).unwrap());
        texts.collect()
    }

    #[test]
    fn quotes_as_programs_write_them() {
        let fields = |line: &str| texts(COMMA, line);
        assert_eq!(fields("a,\"b,c\",d\r\n"), ["a", "b,c", "d"]);
        assert_eq!(fields("\"x\"\"y\",\"\",z"), ["x\"y", "", "z"]);
        assert_eq!(fields("5\" nail,\"a\"b\"c,"), ["5\" nail", "ab\"c", ""]);
        let plain = |at| RecordEnd::At(at, Quotes::Plain);
        assert_eq!(COMMA.apparent_end(b"a,\"x\ny\",b\nc"), plain(10));
        let open = RecordEnd::Beyond { quoted: true };
        assert_eq!(COMMA.apparent_end(b"a,\"x\ny"), open);
        assert_eq!(COMMA.apparent_end(b"a,5\" x\nb"), plain(7));
    }

    #[test]
    fn quotes_that_are_text() {
        assert_eq!(texts(COMMA, "a,\"b,c"), ["a", "\"b", "c"]);
        let other = CsvDialect {
            quoting: Quoting::Strict(b'\''),
            ..COMMA
        };
        assert_eq!(texts(other, "'a,b',\"c,d"), ["a,b", "\"c", "d"]);
        let never = CsvDialect {
            quoting: Quoting::Never,
            ..COMMA
        };
        assert_eq!(texts(never, "\"a,b\",c"), ["\"a", "b\"", "c"]);
        let tabs = |delimiters| CsvDialect {
            delimiter: b'\t',
            quoting: Quoting::Tabs,
            row: RowShape {
                delimiters: Some(delimiters),
                place: None,
            },
            ..COMMA
        };
        assert_eq!(
            texts(tabs(3), "\"a\"\t\"b\" c\t\"d\te\""),
            ["a", "\"b\" c", "\"d", "e\""]
        );
        assert_eq!(
            texts(tabs(2), "\"a\"\"\"\t\"b\" c\t\"d\te\""),
            ["a\"", "\"b\" c", "d\te"]
        );
        assert_eq!(
            texts(tabs(2), "\"\t\"a\" or \"b\"\t"),
            ["\"", "\"a\" or \"b\"", ""]
        );
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
