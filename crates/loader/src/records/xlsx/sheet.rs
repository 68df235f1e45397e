//! The rows of a sheet.

use super::workbook::{PartReader, Sheet, Workbook};
use crate::error::LoadError;
use crate::input::Origin;
use crate::number;
use crate::records::xml::{XmlEvent, XmlTag, append};
use crate::value::Value;
use std::borrow::Cow;

/// The most columns of a sheet, a limit of the format.
const COLUMNS: usize = 1 << 14;

/// The most bytes that the texts of a row may have together; texts in the workbook's table of
/// shared texts don't count. A choice: a thousand texts of 4 KiB, the length at which the reader
/// cuts a text off.
const ROW_TEXTS: usize = 4 << 20;

/// The value of a cell of the sheet. A text is stored elsewhere, and the cell refers to it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum SheetCell {
    Empty,
    Number(f64),
    /// A time in microseconds since 1970, UTC.
    Time(i64),
    Bool(bool),
    /// A text that cells share. The field is its index among the workbook's shared texts.
    Shared(usize),
    /// A text of a single cell: its start and its end, in bytes of the row's field `texts`.
    Own(usize, usize),
}

/// The type of a cell, by its attribute `t`.
#[derive(Clone, Copy, PartialEq)]
enum CellType {
    Number,
    Shared,
    Text,
    Bool,
    /// A date or time as a text in ISO 8601.
    Date,
    /// An error such as `#N/A`, which is no value.
    Error,
}

/// A reader of a sheet's rows.
pub(super) struct SheetReader<'w> {
    part: PartReader,
    workbook: &'w Workbook,
    file: String,
    /// For each column, by its index: true if the column's values are read. `None` if the values of
    /// all columns are read.
    wanted: Option<Vec<bool>>,
    /// The number of the current row, counted from 1.
    number: u32,
    row: RowCells,
    /// The cell whose opening tag was read last.
    open: UnfinishedCell,
}

/// The cells of the row that is being read.
#[derive(Default)]
struct RowCells {
    cells: Vec<SheetCell>,
    /// The texts of the row's cells that are not shared with other cells, one after the other.
    texts: String,
    /// True if the row has a value in a column whose values are not read.
    has_others: bool,
}

/// A cell whose end was not read yet.
struct UnfinishedCell {
    column: usize,
    /// True if the cell is in a column whose values are to be read.
    is_wanted: bool,
    kind: CellType,
    is_date: bool,
    /// True while the XML element with the cell's value is open.
    in_value: bool,
    /// True while the XML element of a phonetic hint is open, whose text is no part of the cell's
    /// text.
    in_hint: bool,
    text: String,
}

impl<'w> SheetReader<'w> {
    /// A reader of a sheet's rows. Only the values in `columns` are read; `None` stands for all
    /// columns.
    pub(super) fn open(
        workbook: &'w Workbook,
        sheet: &Sheet,
        columns: Option<Vec<usize>>,
        origin: &Origin,
    ) -> Result<Self, LoadError> {
        let part = workbook.part(&sheet.part, origin)?;
        let part = part.ok_or_else(|| LoadError::Damaged {
            file: origin.file(),
            place: format!("sheet {}", crate::messages::shown(sheet.name.as_bytes())),
            message: "its part of the archive is missing".to_owned(),
        })?;
        Ok(Self {
            part,
            workbook,
            file: origin.file(),
            wanted: columns.map(|columns| {
                let end = columns.iter().max().map_or(0, |last| last + 1);
                (0..end).map(|column| columns.contains(&column)).collect()
            }),
            number: 0,
            row: RowCells::default(),
            open: UnfinishedCell {
                column: COLUMNS,
                is_wanted: false,
                kind: CellType::Number,
                is_date: false,
                in_value: false,
                in_hint: false,
                text: String::new(),
            },
        })
    }

    /// Reads the next row, and returns its number, counted from 1. `None` at the end.
    pub(super) fn next_row(&mut self) -> Result<Option<u32>, LoadError> {
        loop {
            match self.part.next()? {
                XmlEvent::Start(tag) if tag.local_name() == "row" => {
                    let number = row_number(&tag);
                    // Rows without a number follow each other.
                    self.number = number.unwrap_or(self.number.saturating_add(1));
                    break;
                }
                XmlEvent::Empty(tag) if tag.local_name() == "row" => {
                    let number = row_number(&tag);
                    self.number = number.unwrap_or(self.number.saturating_add(1));
                }
                XmlEvent::Eof => return Ok(None),
                _ => (),
            }
        }
        self.row.cells.clear();
        self.row.texts.clear();
        self.row.has_others = false;
        self.read_cells()?;
        Ok(Some(self.number))
    }

    fn read_cells(&mut self) -> Result<(), LoadError> {
        let mut next = 0;
        let open = &mut self.open;
        open.clear();
        loop {
            match self.part.next()? {
                XmlEvent::Start(tag) => match tag.local_name() {
                    "c" => {
                        open.begin(&tag, next, &self.workbook.dates);
                        next = open.column.saturating_add(1);
                        let is_wanted = |wanted: &Vec<bool>| wanted.get(open.column) == Some(&true);
                        open.is_wanted = self.wanted.as_ref().is_none_or(is_wanted);
                    }
                    "v" | "t" => open.in_value = !open.in_hint,
                    "rPh" => open.in_hint = true,
                    _ => (),
                },
                // A cell without a value, but with a style.
                XmlEvent::Empty(tag) if tag.local_name() == "c" => {
                    open.begin(&tag, next, &[]);
                    next = open.column.saturating_add(1);
                }
                XmlEvent::Text(text) if open.in_value && open.is_wanted => {
                    append(&mut open.text, &text);
                }
                XmlEvent::Text(_) if open.in_value => {
                    self.row.has_others |= open.kind != CellType::Error;
                }
                XmlEvent::End(name) => match name {
                    "v" | "t" => open.in_value = false,
                    "rPh" => open.in_hint = false,
                    "c" => {
                        self.row.finish(open, self.workbook.from_1904);
                        if self.row.texts.len() > ROW_TEXTS {
                            return Err(self.too_long());
                        }
                    }
                    "row" => return Ok(()),
                    _ => (),
                },
                XmlEvent::Eof => return Ok(()),
                _ => (),
            }
        }
    }

    /// The error for a row with texts beyond [`ROW_TEXTS`].
    fn too_long(&self) -> LoadError {
        LoadError::Damaged {
            file: self.file.clone(),
            place: format!("row {}", self.number),
            message: format!("its texts have over {ROW_TEXTS} bytes"),
        }
    }

    /// Returns whether at least one cell of the row is a text.
    pub(super) fn has_text(&self) -> bool {
        let is_text = |cell: &SheetCell| matches!(cell, SheetCell::Shared(_) | SheetCell::Own(..));
        self.row.cells.iter().any(is_text)
    }

    /// The number of columns from the first one to the last cell that isn't empty.
    pub(super) fn width(&self) -> usize {
        self.row.cells.len()
    }

    /// Returns whether all cells of the row are empty.
    pub(super) fn is_blank(&self) -> bool {
        !self.row.has_others && self.row.cells.iter().all(|cell| *cell == SheetCell::Empty)
    }

    /// The value of the row in a column, counted from 0; null if the cell is empty.
    pub(super) fn value(&self, column: usize) -> Value<'static> {
        let text = |text: Option<&str>| {
            text.map_or(Value::Null, |text| Value::Text(Cow::Owned(text.to_owned())))
        };
        match self
            .row
            .cells
            .get(column)
            .copied()
            .unwrap_or(SheetCell::Empty)
        {
            SheetCell::Empty => Value::Null,
            SheetCell::Number(number) => Value::float(number),
            SheetCell::Time(time) => Value::Time(time),
            SheetCell::Bool(truth) => Value::Bool(truth),
            SheetCell::Shared(at) => text(self.workbook.texts.get(at).map(|text| &**text)),
            SheetCell::Own(start, end) => text(self.row.texts.get(start..end)),
        }
    }
}

impl RowCells {
    /// Stores the value of the cell `open`, whose end was read. If several cells are in one column,
    /// the first counts. `from_1904` is true if numbers of days count from 1904.
    fn finish(&mut self, open: &UnfinishedCell, from_1904: bool) {
        let is_taken = self
            .cells
            .get(open.column)
            .is_some_and(|cell| *cell != SheetCell::Empty);
        let text = open.text.as_str();
        if is_taken || open.column >= COLUMNS || text.is_empty() {
            return;
        }
        let cell = match open.kind {
            CellType::Error => SheetCell::Empty,
            CellType::Number => match number::parse(text.as_bytes()) {
                Some(days) if open.is_date => {
                    let time = time(days, from_1904);
                    time.map_or(SheetCell::Number(days), SheetCell::Time)
                }
                Some(number) => SheetCell::Number(number),
                None => self.own(text),
            },
            CellType::Shared => match text.trim().parse() {
                Ok(number) => SheetCell::Shared(number),
                Err(_) => SheetCell::Empty,
            },
            CellType::Bool => SheetCell::Bool(text.trim() == "1"),
            CellType::Text => self.own(text),
            CellType::Date => match crate::time::time(text) {
                Some(time) => SheetCell::Time(time),
                None => self.own(text),
            },
        };
        if cell == SheetCell::Empty {
            return;
        }
        if self.cells.len() <= open.column {
            self.cells.resize(open.column + 1, SheetCell::Empty);
        }
        if let Some(place) = self.cells.get_mut(open.column) {
            *place = cell;
        }
    }

    fn own(&mut self, text: &str) -> SheetCell {
        let start = self.texts.len();
        self.texts.push_str(text);
        SheetCell::Own(start, self.texts.len())
    }
}

impl UnfinishedCell {
    /// Sets all fields as for a cell that is in no column.
    fn clear(&mut self) {
        self.text.clear();
        (self.column, self.kind) = (COLUMNS, CellType::Number);
        (self.is_wanted, self.is_date) = (false, false);
        (self.in_value, self.in_hint) = (false, false);
    }

    /// Begins a cell. Its column has the index `next` if the tag names none. `dates` has true for
    /// each style that shows numbers as dates or times, by the style's index.
    fn begin(&mut self, tag: &XmlTag<'_>, next: usize, dates: &[bool]) {
        // Whether its values are read is decided by its column.
        let is_wanted = self.is_wanted;
        self.clear();
        (self.column, self.is_wanted) = (next, is_wanted);
        for (name, value) in tag.attributes() {
            match (name, &*value) {
                ("r", reference) => self.column = column(reference).unwrap_or(next),
                ("s", style) => {
                    let style = style.parse::<usize>().ok();
                    let is_date = style.and_then(|style| dates.get(style));
                    self.is_date = is_date.is_some_and(|is_date| *is_date);
                }
                ("t", kind) => {
                    self.kind = match kind {
                        "s" => CellType::Shared,
                        "str" | "inlineStr" => CellType::Text,
                        "b" => CellType::Bool,
                        "d" => CellType::Date,
                        "e" => CellType::Error,
                        _ => CellType::Number,
                    };
                }
                _ => (),
            }
        }
    }
}

fn row_number(tag: &XmlTag<'_>) -> Option<u32> {
    tag.attribute("r")?.parse().ok()
}

/// The index, counted from 0, of the column in a reference to a cell, such as `AB12`: here 27.
/// `None` if the text is no reference.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters.take(4).fold(0, |number, letter| {
        number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    number.checked_sub(1)
}

/// The time, in microseconds since 1970, that a number of days in a workbook means; `None` if the
/// number means no date. `from_1904` is true if days are counted from 1904 and not from 1900.
fn time(days: f64, from_1904: bool) -> Option<i64> {
    /// The number of days from Excel's day 0 to 1970. Day 0 is 1899-12-30 for dates after February
    /// 1900.
    const TO_1970: f64 = 25_569.0;
    /// The first number of days that is no date, since it is after 9999-12-31.
    const END: f64 = 2_958_466.0;
    let days = match (from_1904, days) {
        (true, days) => days + 1462.0,
        // Excel has a 29th of February 1900, which did not exist.
        (false, days) if days < 60.0 => days + 1.0,
        (false, days) => days,
    };
    // Days are binary fractions, so that milliseconds are not exact.
    let milliseconds = ((days - TO_1970) * 86_400_000.0).round();
    (0.0..END)
        .contains(&days)
        .then_some(milliseconds as i64 * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::time_text;

    #[test]
    fn references_are_columns() {
        let of = |text: &str| column(text);
        assert_eq!(
            [of("A1"), of("Z9"), of("AA10"), of("XFD1")],
            [Some(0), Some(25), Some(26), Some(16_383)]
        );
        assert_eq!([of("12"), of("")], [None, None]);
        assert!(of("ZZZZZZZZZZZZZ1").is_some_and(|column| column >= COLUMNS));
    }

    #[test]
    fn days_are_dates() {
        let text = |days, from_1904| time_text(time(days, from_1904).unwrap());
        assert!(
            text(45_413.5, false).starts_with("2024-05-01T12:00"),
            "{}",
            text(45_413.5, false)
        );
        assert_eq!(text(45_413.0 - 1462.0, true), text(45_413.0, false));
        assert!(text(1.0, false).starts_with("1900-01-01"));
        assert!(text(61.0, false).starts_with("1900-03-01"));
        assert_eq!(time(-1.5, false), None);
        assert_eq!(time(1e9, false), None);
    }
}
