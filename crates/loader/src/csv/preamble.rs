//! Lines above the header, like Excel's `sep=;`, comments and titles. Also text whose fields are
//! separated by runs of blanks.

use super::dialect::{DELIMITERS, names};
use super::record::{CsvDialect, Quoting, RowShape};
use super::sample::is_any_number;
use crate::columns::axes::{self, NamedAxes};
use crate::columns::named;
use crate::input::Input;
use crate::options::LoadOptions;
use std::io::{self, Read};

/// The most lines that are left out above a header: a choice.
const MOST_LINES: usize = 40;

/// The number of bytes that are read from the file at a time by [`BlankParted`]: 64 KiB, a choice.
const CHUNK: usize = 64 << 10;

/// The lines above a file's header.
#[derive(Debug, Default)]
pub(super) struct Preamble {
    /// The number of bytes before the header or, in a file without a header, before the first row.
    pub(super) length: usize,
    /// The delimiter that a line such as `sep=;` above the header states; `None` without such a
    /// line.
    pub(super) delimiter: Option<u8>,
    /// The number of lines above the header (comments and titles) that are left out.
    pub(super) left_out: usize,
    /// True if runs of blanks separate the fields of the file's rows.
    pub(super) by_blanks: bool,
}

impl Preamble {
    /// Finds the lines above the header in an input's sample.
    pub(super) fn find(input: &Input, options: &LoadOptions) -> Self {
        let sample = input.sample.as_slice();
        let mut found = Self::default();
        let mut lines = lines(sample);
        let mut next = lines.next();
        if let Some((_, line)) = next
            && let Some(delimiter) = stated_delimiter(line)
        {
            found.delimiter = Some(delimiter);
            next = lines.next();
            found.length = next.map_or(sample.len(), |(at, _)| at);
        }
        // The lines that are neither blank nor comments, and the number of lines before each.
        let mut candidates = Vec::new();
        let all = next.into_iter().chain(lines).take(MOST_LINES);
        for (passed, (at, line)) in all.enumerate() {
            match comment(line) {
                Some(0) => candidates.push((at, line, passed)),
                // A comment may be the header: `#lon,lat`.
                Some(mark) => {
                    let inner = line.get(mark..).unwrap_or_default();
                    if is_header(inner, options) {
                        candidates.push((at + mark, inner, passed));
                        break;
                    }
                }
                None => (),
            }
        }
        let is_data = |line: &[u8]| {
            by_any(line, |names| {
                matches!(names.len(), 2 | 3) && names.iter().all(|n| is_any_number(n.as_bytes()))
            })
        };
        let Some(first) = candidates.first().copied() else {
            return found;
        };
        let header = match first {
            (_, line, _) if is_data(line) || is_header(line, options) => first,
            // Quotes may enclose the end of the line.
            (_, line, _) if memchr::memchr_iter(b'"', line).count() % 2 == 1 => first,
            _ if by_number(options) => first,
            _ => {
                let mut later = candidates.iter().copied();
                later
                    .find(|(_, line, _)| is_header(line, options))
                    .unwrap_or(first)
            }
        };
        found.length = header.0;
        found.left_out = header.2;
        let parted = [header.1].into_iter().chain(
            candidates
                .iter()
                .filter(|(at, ..)| *at > header.0)
                .map(|(_, line, _)| *line),
        );
        found.by_blanks = options.delimiter.is_none()
            && found.delimiter.is_none()
            && are_by_blanks(&parted.take(4).collect::<Vec<_>>(), options);
        found
    }

    /// A description, for reports, of the lines that are left out and of fields that blanks
    /// separate. Empty if there is neither.
    pub(super) fn why(&self) -> String {
        let mut why = match self.left_out {
            0 => String::new(),
            1 => ", without the line above the header".to_owned(),
            count => format!(", without the {count} lines above the header"),
        };
        if self.by_blanks {
            why.push_str(", fields parted by blanks");
        }
        why
    }
}

/// The lines of a text that are not blank, and their offsets. The last line may be incomplete.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let newline = match memchr::memchr(b'\n', text) {
        Some(_) => b'\n',
        None => b'\r',
    };
    let mut at = 0;
    let all = text.split(move |byte| *byte == newline);
    all.map(move |line| {
        let start = at;
        at += line.len() + 1;
        (start, line.trim_ascii_end())
    })
    .filter(|(_, line)| !line.trim_ascii().is_empty())
}

/// The delimiter that a line such as `sep=;` names, as Excel writes it: here `;`. `None` for any
/// other line.
fn stated_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (head, rest) = line.split_at_checked(4)?;
    if !head.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    match rest {
        // A tab at the end of the line is cut off with other blanks.
        [] => Some(b'\t'),
        [delimiter] | [delimiter, b'"'] => Some(*delimiter),
        b"\\t" => Some(b'\t'),
        _ => None,
    }
}

/// The number of bytes before the text of a comment line: its mark (`#`, several of them, or `//`)
/// and the blanks after it. 0 if the line is no comment, `None` if nothing follows the mark.
fn comment(line: &[u8]) -> Option<usize> {
    let marks = line.iter().take_while(|byte| **byte == b'#').count();
    let marks = if marks == 0 && line.starts_with(b"//") {
        2
    } else {
        marks
    };
    let rest = line.get(marks..).unwrap_or_default();
    // The name of a column may be `#`.
    if marks == 0 || (marks == 1 && rest.first().is_some_and(|b| DELIMITERS.contains(b))) {
        return Some(0);
    }
    let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    (blanks < rest.len()).then_some(marks + blanks)
}

/// Splits a line at each of the [`DELIMITERS`] in turn, or at runs of blanks if it has none of
/// them, and calls `test` with the fields that each way gives. Returns true if one of these calls
/// does.
fn by_any(line: &[u8], test: impl Fn(&[String]) -> bool) -> bool {
    let of = |delimiter| {
        let dialect = CsvDialect {
            delimiter,
            newline: b'\n',
            quoting: Quoting::Lenient,
            row: RowShape::default(),
        };
        names(line, dialect)
    };
    let has_delimiter = line.iter().any(|byte| DELIMITERS.contains(byte));
    DELIMITERS.iter().any(|delimiter| test(&of(*delimiter)))
        || (!has_delimiter && test(&blank_parted(line)))
}

/// Splits a line into the fields between its runs of blanks.
fn blank_parted(line: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    let fields = text.split_ascii_whitespace();
    fields
        .map(|field| field.trim_matches('"').to_owned())
        .collect()
}

/// Returns true if an option names a column of positions by its number, counted from 1.
fn by_number(options: &LoadOptions) -> bool {
    let asked = [&options.lon, &options.lat, &options.geom];
    let is_number = |name: &&String| name.trim().parse::<usize>().is_ok();
    asked.into_iter().flatten().any(|name| is_number(&name))
}

/// Returns true if the fields of a line, split at one of the delimiters or at runs of blanks, are
/// names that include the columns of positions.
fn is_header(line: &[u8], options: &LoadOptions) -> bool {
    by_any(line, |names| are_named(names, options))
}

fn are_named(names: &[String], options: &LoadOptions) -> bool {
    let has = |asked: &Option<String>| asked.as_ref().map(|name| named(names, name).is_some());
    if names.len() < 2 {
        return false;
    }
    match (has(&options.lon), has(&options.lat), has(&options.geom)) {
        // Objects in a row have names too.
        (None, None, None) => {
            !names.iter().any(|name| name.contains('{'))
                && matches!(
                    axes::find(names, options.srid.is_some()),
                    NamedAxes::Found(..) | NamedAxes::Several(_)
                )
        }
        (lon, lat, geom) => [lon, lat, geom].into_iter().flatten().all(|found| found),
    }
}

/// Returns true if runs of blanks separate the fields of a file that begins with `lines`. All of
/// this must hold:
///
/// * The first line has no delimiter.
/// * Its fields are a header with the columns of positions, or two or three numbers.
/// * None of the other lines has fewer fields.
fn are_by_blanks(lines: &[&[u8]], options: &LoadOptions) -> bool {
    let Some((first, rest)) = lines.split_first() else {
        return false;
    };
    if DELIMITERS
        .iter()
        .any(|mark| memchr::memchr(*mark, first).is_some())
    {
        return false;
    }
    let fields = blank_parted(first);
    let is_header = are_named(&fields, options);
    let are_numbers = |fields: &[String]| fields.iter().all(|f| is_any_number(f.as_bytes()));
    let is_data = matches!(fields.len(), 2 | 3) && are_numbers(&fields);
    (is_header || is_data)
        && rest
            .iter()
            .all(|line| blank_parted(line).len() >= fields.len())
}

/// A reader that replaces each run of blanks between fields by one tab.
pub(super) struct BlankParted<R> {
    reader: R,
    text: Vec<u8>,
    /// The number of bytes of `text`, the converted bytes, that the caller has read already.
    given: usize,
    /// True if the next byte is the first of a line.
    at_start: bool,
    /// True if blanks were read after a field, and the next field has not begun yet.
    pending: bool,
    in_quotes: bool,
}

impl<R: Read> BlankParted<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            text: Vec::new(),
            given: 0,
            at_start: true,
            pending: false,
            in_quotes: false,
        }
    }

    fn replace(&mut self, raw: &[u8]) {
        for &byte in raw {
            match byte {
                b'\n' | b'\r' => {
                    (self.at_start, self.pending, self.in_quotes) = (true, false, false);
                }
                b' ' | b'\t' if !self.in_quotes => {
                    self.pending = true;
                    continue;
                }
                _ => {
                    if self.pending && !self.at_start {
                        self.text.push(b'\t');
                    }
                    (self.at_start, self.pending) = (false, false);
                    self.in_quotes ^= byte == b'"';
                }
            }
            self.text.push(byte);
        }
    }
}

impl<R: Read> Read for BlankParted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            let mut raw = vec![0; CHUNK];
            let count = self.reader.read(&mut raw)?;
            if count == 0 {
                return Ok(0);
            }
            self.text.clear();
            self.given = 0;
            self.replace(raw.get(..count).unwrap_or_default());
        }
        let rest = self.text.get(self.given..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_blanks_become_tabs_at_any_cut() {
        let text = b"  a  b\t c \n\"x  y\"   2\r\n\n3 4";
        for step in 1..text.len() {
            let mut reader = BlankParted::new(io::empty());
            for part in text.chunks(step) {
                reader.replace(part);
            }
            assert_eq!(reader.text, b"a\tb\tc\n\"x  y\"\t2\r\n\n3\t4");
        }
    }

    #[test]
    fn marks_of_comments() {
        for (line, length) in [
            ("# a", Some(2)),
            ("## a", Some(3)),
            ("//a", Some(2)),
            ("#", None),
            ("#,a", Some(0)),
            ("a", Some(0)),
            ("/a", Some(0)),
        ] {
            assert_eq!(comment(line.as_bytes()), length, "{line}");
        }
    }
}
