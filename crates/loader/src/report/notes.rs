//! Notes about decisions that were made while a source was read, and that the counts and examples
//! of skipped rows don't show.

use crate::shape::ShapeKind;
use std::fmt;

/// The largest number of notes in [`Notes::of_parts`]; further ones are dropped. It is a choice.
const OF_PARTS: usize = 20;

/// The notes about a source as a whole, or about a part of its rows: counts from which notes are
/// made, and notes as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// The quotes that were read as text: how many, and in how many rows.
    strays: NoteCount,
    /// The number of rows that became points although their weight is no number. It is counted only
    /// if the column of weights was chosen by its name.
    no_weight: u64,
    /// The first weight that is no number, as text for messages; `None` if there is none.
    weight_shown: Option<String>,
    /// The number of rows whose latitude is over 90°, and whose position would be valid with
    /// longitude and latitude swapped.
    pub(crate) swapped: u64,
    /// The number of rows whose coordinates are far larger than degrees can be, as metres are.
    pub(crate) metres: u64,
    /// The texts that are not UTF-8, in columns that the filter uses or in kept columns. Each row
    /// with such texts counts once.
    recoded: NoteCount,
    pub(crate) shapes: ShapeNotes,
    /// Notes about parts of the file, in the order in which they were added. No note is in the list
    /// twice.
    of_parts: Vec<String>,
    /// Notes about the input's bytes, for example about their encoding, one line each.
    pub(crate) of_bytes: Vec<String>,
    /// True if one of the notes in `of_bytes` is about the encoding of text.
    pub(crate) tells_text: bool,
}

/// Counts of lines and areas, for notes about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShapeNotes {
    /// The number of areas that are skipped since the options make no points of them.
    skipped_areas: u64,
    /// The number of lines that are skipped since the options make no points of them.
    skipped_lines: u64,
    /// The number of collections that are skipped since the options make no points of lines or
    /// areas.
    skipped_collections: u64,
    /// The number of areas of which positions were made. Whether these became points is counted by
    /// the rows.
    pub(crate) taken_areas: u64,
    /// The number of lines of which positions were made.
    pub(crate) taken_lines: u64,
    /// The number of areas with a ring whose last position doesn't repeat its first.
    pub(crate) unclosed: u64,
    /// The number of areas with a ring that crosses itself.
    pub(crate) crossing: u64,
}

impl ShapeNotes {
    /// Counts a geometry that is skipped since the options make no points of geometries of its
    /// kind. The kinds of the members of a collection are not known.
    pub(crate) fn count_skipped(&mut self, kind: ShapeKind) {
        match kind {
            ShapeKind::Area => self.skipped_areas += 1,
            ShapeKind::Line => self.skipped_lines += 1,
            ShapeKind::Collection => self.skipped_collections += 1,
        }
    }

    /// Returns whether other options for areas or lines would make points of skipped geometries.
    pub(crate) fn may_be_points(&self) -> bool {
        self.skipped_areas + self.skipped_lines + self.skipped_collections > 0
    }

    fn add(&mut self, part: &Self) {
        self.skipped_collections += part.skipped_collections;
        self.skipped_areas += part.skipped_areas;
        self.skipped_lines += part.skipped_lines;
        self.taken_areas += part.taken_areas;
        self.taken_lines += part.taken_lines;
        self.unclosed += part.unclosed;
        self.crossing += part.crossing;
    }

    fn lines(&self) -> Vec<String> {
        let some = |count: u64, one: &str, several: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {several}"),
        };
        let mut lines = Vec::new();
        if self.taken_areas > 0 {
            let areas = some(self.taken_areas, "area is", "areas are");
            lines.push(format!("{areas} read as points (`areas`)"));
        }
        if self.taken_lines > 0 {
            let found = some(self.taken_lines, "line is", "lines are");
            lines.push(format!("{found} read as points (`lines`)"));
        }
        if self.skipped_areas > 0 {
            let areas = some(self.skipped_areas, "area is", "areas are");
            lines.push(format!(
                "{areas} skipped (`areas` centroid takes each as a point; surface, vertices)"
            ));
        }
        if self.skipped_lines > 0 {
            let found = some(self.skipped_lines, "line is", "lines are");
            lines.push(format!(
                "{found} skipped (`lines` vertices takes their vertices as points)"
            ));
        }
        if self.unclosed > 0 {
            let areas = some(self.unclosed, "area has", "areas have");
            lines.push(format!(
                "{areas} a ring that doesn't end where it begins; it is closed by a straight side"
            ));
        }
        if self.crossing > 0 {
            let areas = some(self.crossing, "area has", "areas have");
            lines.push(format!(
                "{areas} a ring that crosses itself; a centroid counts its parts by the direction \
                 in which it runs around them"
            ));
        }
        lines
    }
}

/// A count of one kind of finding in rows: the number of findings (`count`), the number of rows
/// that have any (`rows`), and the line number of the first such row (`first`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct NoteCount {
    count: u64,
    rows: u64,
    first: u64,
}

impl NoteCount {
    /// Adds the findings of one row, of which there are `count`. `line` returns the number of the
    /// row's line, and is called only for the first row that has any.
    fn add_row(&mut self, count: u64, line: impl FnOnce() -> u64) {
        if count == 0 {
            return;
        }
        if self.count == 0 {
            self.first = line();
        }
        self.count += count;
        self.rows += 1;
    }

    /// Adds `part`, the count of later rows of the same source.
    fn add(&mut self, part: &Self) {
        if self.count == 0 {
            self.first = part.first;
        }
        self.count += part.count;
        self.rows += part.rows;
    }
}

/// Prints, for example, "in 3 rows, the first on line 7".
impl fmt::Display for NoteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            1 => write!(f, "in 1 row, on line {}", self.first),
            rows => write!(f, "in {rows} rows, the first on line {}", self.first),
        }
    }
}

impl Notes {
    /// Counts `count` quotes of one row that are read as text. `line` returns the number of the
    /// row's line.
    pub(crate) fn stray_quotes(&mut self, count: u64, line: impl FnOnce() -> u64) {
        self.strays.add_row(count, line);
    }

    /// Counts a row that became a point although its weight is no number. `shown` returns the
    /// weight as text for messages.
    pub(crate) fn no_weight(&mut self, shown: impl FnOnce() -> String) {
        self.no_weight += 1;
        self.weight_shown.get_or_insert_with(shown);
    }

    /// Counts a row that has a text that is not UTF-8. `line` returns the number of the row's line.
    pub(crate) fn recoded(&mut self, line: impl FnOnce() -> u64) {
        self.recoded.add_row(1, line);
    }

    /// Sets the count of weights that are no numbers to 0.
    pub(crate) fn forget_weights(&mut self) {
        self.no_weight = 0;
        self.weight_shown = None;
    }

    /// Adds the notes about later rows of the source.
    pub(crate) fn add(&mut self, part: Self) {
        self.strays.add(&part.strays);
        self.no_weight += part.no_weight;
        self.weight_shown = self.weight_shown.take().or(part.weight_shown);
        self.swapped += part.swapped;
        self.metres += part.metres;
        self.recoded.add(&part.recoded);
        self.shapes.add(&part.shapes);
        for note in part.of_parts {
            self.note(note);
        }
    }

    /// Adds a note about a part of the file. Does nothing if the note is in the list or if the list
    /// is full.
    pub(crate) fn note(&mut self, note: String) {
        if self.of_parts.len() < OF_PARTS && !self.of_parts.contains(&note) {
            self.of_parts.push(note);
        }
    }

    /// All notes, one line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.strays.count > 0 {
            let quotes = match self.strays.count {
                1 => "1 stray quote",
                _ => &format!("{} stray quotes", self.strays.count),
            };
            lines.push(format!(
                "{quotes} taken as text {} (`quote` none: all of them are; `quote` '\"': none)",
                self.strays
            ));
        }
        if let Some(shown) = &self.weight_shown {
            lines.push(format!(
                "{} of them have a weight that is no number, like {shown} (its column was chosen by \
                 its name; `weight` none counts rows)",
                self.no_weight
            ));
        }
        if self.recoded.rows > 0 && !self.tells_text {
            lines.push(format!(
                "text that is no UTF-8 {}, read as windows-1252 (`encoding` NAME reads all text as \
                 another)",
                self.recoded
            ));
        }
        lines.extend(self.shapes.lines());
        lines.extend(self.of_parts.iter().cloned());
        lines.extend(self.of_bytes.iter().cloned());
        lines
    }
}
