//! Reading of the attributes of a Shapefile, which are in its `.dbf`. The formats from dBase III to
//! dBase 7 and the formats of FoxPro are read.
//!
//! Attributes are decoded here and not by a library. The library that could be used refuses files
//! for their code page or for a decimal comma, reads numbers of type F in single precision, and
//! trusts the sizes in the header.

use super::super::buffered_seek::BufferedSeek;
use super::super::damaged;
use super::code_page::CodePage;
use super::field::{ByteOrder, Field, FieldKind};
use crate::error::LoadError;
use crate::input::Origin;
use crate::value::Value;
use encoding_rs::Encoding;
use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The size, in bytes, of the part of a header before the descriptions of the fields.
const HEADER: usize = 32;

/// The byte that marks the end of the descriptions of fields.
const END: u8 = 0x0d;

/// The table of a Shapefile's attributes, read row by row.
pub(super) struct AttributeTable {
    file: BufferedSeek<File>,
    fields: Vec<Field>,
    texts: CodePage,
    /// A phrase for messages about a code page that is stated but not known. `None` if the stated
    /// code page is known, or if none is stated.
    unknown: Option<String>,
    /// The offset of the first row in the file, in bytes.
    start: u64,
    /// The number of rows that the file has by its real size.
    pub(super) rows: u64,
    /// The number of rows that the header states, which may be wrong.
    pub(super) stated: u64,
    /// The bytes of the row that was read last.
    row: Vec<u8>,
    has_row: bool,
}

/// The statement, outside of a `.dbf`, of the code page of its texts.
pub(super) enum CodePageSource {
    /// The encoding that the option `encoding` names.
    Requested(&'static Encoding),
    /// The text of the `.cpg`, which names the code page; `None` if there is no such file.
    Beside(Option<String>),
}

/// The state of the row that belongs to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowState {
    Here,
    Missing,
    /// A row that is marked as deleted, so that the record is left out.
    Deleted,
}

/// The header of a `.dbf`.
struct DbfHeader {
    fields: Vec<Field>,
    start: u64,
    /// The size of a row in bytes.
    length: usize,
    stated: u64,
    language: u8,
}

impl AttributeTable {
    /// Opens a table. A known `code_page` is preferred to the language driver in the table's
    /// header.
    pub(super) fn open(
        path: &Path,
        code_page: CodePageSource,
        origin: &Origin,
    ) -> Result<Self, LoadError> {
        let failed = |source| LoadError::Open {
            file: path.display().to_string(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let mut file = BufferedSeek::new(file);
        let header = DbfHeader::read(&mut file, size)
            .map_err(|error| damaged(origin, "the .dbf beside it", error))?;
        let by_language = CodePage::from_language(header.language);
        let (by_name, unknown) = match code_page {
            CodePageSource::Requested(encoding) => (Some(CodePage::Web(encoding)), None),
            CodePageSource::Beside(Some(name)) => {
                let shown = crate::messages::shown(name.trim().as_bytes());
                let unknown = format!("the .cpg names the code page {shown}, which is not known");
                (CodePage::from_cpg(&name), Some(unknown))
            }
            CodePageSource::Beside(None) => (None, None),
        };
        let unknown = match (&by_name, &by_language) {
            (Some(_), _) => None,
            (None, None) => unknown.or_else(|| {
                Some(format!(
                    "the .dbf has the language driver {:#04x}, which is not known",
                    header.language
                ))
            }),
            (None, Some(_)) => unknown,
        };
        let texts = by_name.or(by_language);
        Ok(Self {
            file,
            texts: texts.unwrap_or(CodePage::Unsaid),
            unknown,
            start: header.start,
            rows: size.saturating_sub(header.start) / header.length as u64,
            stated: header.stated,
            row: vec![0; header.length],
            has_row: false,
            fields: header.fields,
        })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let name = |field: &Field| self.texts.decode(&field.name).trim().to_owned();
        self.fields.iter().map(name)
    }

    /// The reason why the values of a column can't be read; `None` if they can be read.
    pub(super) fn unread(&self, column: usize) -> Option<&'static str> {
        match self.fields.get(column)?.kind {
            FieldKind::Unread(why) => Some(why),
            FieldKind::Flags => Some("it holds flags of FoxPro's own"),
            _ => None,
        }
    }

    /// A note for the report that the stated code page is not known. `None` if the code page is
    /// known, or if no text depends on it: none of the columns with the indexes `columns` holds
    /// texts, and the names of all columns are ASCII.
    pub(super) fn doubt(&self, columns: &[usize]) -> Option<String> {
        let is_text =
            |column: &usize| self.fields.get(*column).map(|f| f.kind) == Some(FieldKind::Text);
        let is_wanted =
            columns.iter().any(is_text) || self.fields.iter().any(|f| !f.name.is_ascii());
        let unknown = self.unknown.as_ref().filter(|_| is_wanted)?;
        let instead = match self.texts {
            CodePage::Unsaid => "UTF-8 where they can be, else windows-1252",
            _ => "the .dbf's language driver says",
        };
        Some(format!("{unknown}: texts are read as {instead}"))
    }

    /// A note for the report that the number of rows in the file differs from `records`, the number
    /// of the Shapefile's records, or from the number of rows that the header states; `None` if it
    /// differs from neither.
    pub(super) fn notes(&self, records: u64) -> Option<String> {
        let Self { rows, stated, .. } = *self;
        // Rows beyond the number in the header count only if there are as many records.
        let known = rows.min(stated.max(records));
        if stated > rows || stated < records.min(rows) {
            return Some(format!(
                "the .dbf has {stated} rows by its header and {rows} in truth, for {records} \
                 records: {} were read",
                known.min(records)
            ));
        }
        match known.cmp(&records) {
            Ordering::Less => Some(format!(
                "the .dbf has {known} rows for {records} records: the others have no values"
            )),
            Ordering::Greater => Some(format!(
                "the .dbf has {known} rows for {records} records: the others have no shape"
            )),
            Ordering::Equal => None,
        }
    }

    /// Reads the row that belongs to a record, by the record's number, counted from 0.
    pub(super) fn go_to(&mut self, record: u64) -> io::Result<RowState> {
        self.has_row = false;
        if record >= self.rows {
            return Ok(RowState::Missing);
        }
        let at = self.start + record * self.row.len() as u64;
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut self.row)?;
        match self.row.first() {
            Some(b'*') => return Ok(RowState::Deleted),
            // After the number of rows that the header states, the file may hold any bytes. Only a
            // row that begins with a space is taken as one.
            Some(mark) if record >= self.stated && *mark != b' ' => return Ok(RowState::Missing),
            _ => (),
        }
        self.has_row = true;
        Ok(RowState::Here)
    }

    /// The value in a column of the row that was read last; null if that record has no row.
    pub(super) fn value(&self, column: usize) -> Value<'static> {
        match self.fields.get(column) {
            Some(field) if self.has_row && !self.is_null(field) => {
                field.value(&self.row, &self.texts)
            }
            _ => Value::Null,
        }
    }

    fn is_null(&self, field: &Field) -> bool {
        let Some(bit) = field.null else { return false };
        let flags = self.fields.iter().find(|f| f.kind == FieldKind::Flags);
        let byte = flags.and_then(|f| self.row.get(f.at + bit / 8).filter(|_| bit / 8 < f.width));
        byte.is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
    }
}

impl DbfHeader {
    fn read(file: &mut impl Read, size: u64) -> io::Result<Self> {
        let mut head = [0; HEADER];
        file.read_exact(&mut head)?;
        let short = |at: usize| {
            let bytes = head.get(at..).and_then(|bytes| bytes.first_chunk());
            bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
        };
        let [version, ..] = head;
        let stated = u64::from(short(4)) | u64::from(short(6)) << 16;
        let (start, stated_length) = (short(8), usize::from(short(10)));
        let language = head.get(29).copied().unwrap_or(0);
        let mut rest = vec![0; usize::from(start).saturating_sub(HEADER)];
        file.read_exact(&mut rest)?;
        if usize::from(start) <= HEADER || stated_length == 0 {
            return bad(format!(
                "its header can't have {start} bytes, nor a row {stated_length}"
            ));
        }
        let fields = fields(&rest, version);
        let room = size.saturating_sub(u64::from(start));
        let length = |fields: &[Field]| fields.last().map_or(1, |last| last.at + last.width);
        let short_fields = placed(&fields, false);
        let long_fields = placed(&fields, true);
        let needed = length(&short_fields);
        // A row may be longer than its fields. The bytes that belong to no field are skipped. A row
        // length that is too short for the fields is wrong. It is replaced by the length of the
        // fields, if the size of the file confirms this length.
        let (fields, length) = if stated_length == length(&long_fields) {
            (long_fields, stated_length)
        } else if stated_length >= needed {
            (short_fields, stated_length)
        } else if room.abs_diff(stated * needed as u64) <= 1 {
            (short_fields, needed)
        } else {
            return bad(format!(
                "a row can't have {stated_length} bytes: its fields have {needed}"
            ));
        };
        Ok(Self {
            fields,
            start: u64::from(start),
            length,
            stated,
            language,
        })
    }
}

/// The fields that a header describes. Their offsets in a row are set later by [`placed`]. `header`
/// is the header without its first 32 bytes.
fn fields(header: &[u8], version: u8) -> Vec<Field> {
    // In dBase 7 the names of fields are longer, and the descriptions begin after the name of the
    // language driver. Byte 11 distinguishes the formats. In other formats it is the type of the
    // first field, which is always a letter. In dBase 7 it is after the letters of the driver's
    // name.
    let is_seven = version & 7 == 4 && header.get(11).is_none_or(|b| !b.is_ascii_alphabetic());
    let is_fox = matches!(version, 0x30..=0x32);
    let (first, size, name_length) = if is_seven { (36, 48, 32) } else { (0, 32, 11) };
    let order = if is_seven {
        ByteOrder::Sorted
    } else {
        ByteOrder::Little
    };
    let rest = header.get(first..).unwrap_or_default();
    let mut flags = 0;
    let field = |described: &[u8]| {
        let byte = |at: usize| described.get(at).copied().unwrap_or(0);
        // The name is followed by the type, the width and the number of decimals. In dBase III an
        // offset is between type and width.
        let about = if is_seven { [32, 33, 34] } else { [11, 16, 17] };
        let [letter, width, decimals] = about.map(byte);
        let width = usize::from(width);
        let mut flag = |has: bool| {
            flags += usize::from(has);
            has.then(|| flags - 1)
        };
        let _length = flag(is_fox && matches!(letter, b'V' | b'Q'));
        let name = described.get(..name_length).unwrap_or_default();
        Field {
            name: name.split(|b| *b == 0).next().unwrap_or_default().to_vec(),
            kind: FieldKind::from_letter(letter, width, order),
            at: 0,
            width,
            decimals,
            null: flag(is_fox && byte(18) & 2 != 0),
        }
    };
    let described = rest.chunks_exact(size);
    described
        .take_while(|d| d.first() != Some(&END))
        .map(field)
        .collect()
}

/// The fields with their offsets in a row. The first byte of a row marks deletion, and the fields
/// follow it without gaps. If `long` is true, the length of a text field has two bytes: the high
/// byte is stored where fields of numbers state their decimals. Clipper and FoxPro describe text
/// fields of over 255 bytes in this way.
fn placed(fields: &[Field], long: bool) -> Vec<Field> {
    let mut at = 1;
    let place = |field: &Field| {
        let more = usize::from(field.decimals) << 8;
        let width = match field.kind {
            FieldKind::Text if long => field.width + more,
            _ => field.width,
        };
        let placed = Field {
            at,
            width,
            ..field.clone()
        };
        at += width;
        placed
    };
    fields.iter().map(place).collect()
}

fn bad<T>(what: String) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}
