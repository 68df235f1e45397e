//! The row of names of a sheet, which may be below titles and notes.

use super::sheet::SheetReader;
use super::workbook::{Sheet, Workbook};
use crate::columns::Schema;
use crate::columns::likelihood::{LikeliestError, Likelihood, UnreadableTable};
use crate::columns::resolve::{Names, PositionColumns, ResolvedColumns, resolve};
use crate::error::LoadError;
use crate::input::Origin;
use crate::messages::shown;
use crate::options::LoadOptions;
use crate::places::{EXAMINED, PlaceColumn, PlaceColumnError, PlaceSample, is_wanted};
use crate::value::Value;

/// The number of rows at the beginning of a sheet in which the names of columns are looked for: a
/// choice.
const ROWS: usize = 50;

/// The most bytes of values that are held while a column of whole positions is looked for: a
/// choice.
const BYTES: usize = 8 << 20;

/// The row of a sheet that has the names of columns, and the columns to read.
pub(super) struct SheetTable {
    /// The number of the row that has the names, counted from 1.
    pub(super) row: u32,
    pub(super) found: ResolvedColumns,
    /// The column of whole positions; `None` if positions are in two columns.
    pub(super) place: Option<PlaceColumn>,
}

/// The first rows of a sheet: for each, its number and its values that may be positions, with their
/// columns.
type FirstRows = Vec<(u32, Vec<(usize, Value<'static>)>)>;

/// The rows that may have the names of columns, each as its index among the first rows and its
/// names.
type Candidates = Vec<(usize, Vec<String>)>;

impl SheetTable {
    /// Finds the row of names: the first one that has names of columns of positions, else the first
    /// one with a column below it that holds whole positions.
    ///
    /// # Errors
    /// There is no such row. Of the errors of all rows, the error of the row that most likely has
    /// the names is returned.
    pub(super) fn find(
        workbook: &Workbook,
        sheet: &Sheet,
        origin: &Origin,
        options: &LoadOptions,
    ) -> Result<Self, UnreadableTable> {
        let mut cells = SheetReader::open(workbook, sheet, None, origin)?;
        let file = match workbook.sheets.len() {
            1 => origin.file(),
            _ => format!("{}: sheet {}", origin.name, shown(sheet.name.as_bytes())),
        };
        let mut refused = LikeliestError::default();
        // A column that the option `geom` names is looked for by its values too.
        let most = if options.geom.is_some() { 0 } else { ROWS };
        for _ in 0..most {
            let Some(row) = cells.next_row()? else {
                break;
            };
            // Rows of numbers alone hold values.
            if !cells.has_text() {
                continue;
            }
            let names = names(&cells);
            let likelihood = Likelihood::new(&names, options);
            match resolve(names, Names::Typed, options, None, &file) {
                Ok(found) if matches!(found.position, PositionColumns::LonLat(..)) => {
                    return Ok(Self {
                        row,
                        found,
                        place: None,
                    });
                }
                Ok(_) => (),
                Err(error) => refused.note(UnreadableTable { likelihood, error })?,
            }
        }
        if let Some(found) =
            Self::with_whole(workbook, sheet, (origin, &file), options, &mut refused)?
        {
            return Ok(found);
        }
        let none = || LoadError::NoRows { file }.into();
        Err(refused.into_error().unwrap_or_else(none))
    }
}

impl SheetTable {
    /// Finds a row of names with a column below it that holds whole positions. A column with a
    /// usual name for them is preferred, since a title may be above the names.
    fn with_whole(
        workbook: &Workbook,
        sheet: &Sheet,
        (origin, file): (&Origin, &str),
        options: &LoadOptions,
        refused: &mut LikeliestError,
    ) -> Result<Option<Self>, UnreadableTable> {
        if options.lon.is_some() || options.lat.is_some() {
            return Ok(None);
        }
        let mut cells = SheetReader::open(workbook, sheet, None, origin)?;
        let (candidates, rows) = first_rows(&mut cells)?;
        let mut unusual = None;
        for (at, seen) in candidates {
            if !is_wanted(&seen, options) {
                continue;
            }
            let likelihood = Likelihood::new(&seen, options);
            let schema = Schema { names: &seen, file };
            let found = whole_column(&seen, rows.get(at + 1..).unwrap_or_default(), options);
            let place = match found.map_err(|error| error.into_load_error(schema)) {
                Ok(place) => place,
                Err(error) => {
                    let likelihood = match options.geom {
                        None => likelihood.with_geometries(),
                        Some(_) => likelihood,
                    };
                    refused.note(UnreadableTable { likelihood, error })?;
                    continue;
                }
            };
            let named = |place: &PlaceColumn| seen.get(place.at).is_some_and(|n| !n.is_empty());
            let Some(place) = place.filter(named) else {
                continue;
            };
            let is_usual = options.geom.is_some() || place.has_usual_name(&seen);
            let row = rows.get(at).map_or(1, |row| row.0);
            let geometries = Some(place.geometries());
            let found = resolve(seen, Names::Typed, options, geometries, file);
            let found = found.map_err(|error| UnreadableTable { likelihood, error })?;
            let place = Some(place);
            let table = Self { row, found, place };
            if is_usual {
                return Ok(Some(table));
            }
            unusual = unusual.or(Some(table));
        }
        Ok(unusual)
    }
}

/// The rows that may have the names of columns, and the first rows.
fn first_rows(cells: &mut SheetReader<'_>) -> Result<(Candidates, FirstRows), LoadError> {
    let (mut candidates, mut rows, mut bytes) = (Candidates::new(), FirstRows::new(), 0);
    while rows.len() < ROWS + EXAMINED && bytes < BYTES {
        let Some(number) = cells.next_row()? else {
            break;
        };
        if cells.has_text() && rows.len() < ROWS {
            candidates.push((rows.len(), names(cells)));
        }
        let mut values = Vec::new();
        for column in 0..cells.width() {
            match cells.value(column) {
                Value::Null => (),
                value => {
                    bytes += size_of::<Value<'_>>();
                    if let Value::Text(text) = &value {
                        bytes += text.len();
                    }
                    values.push((column, value));
                }
            }
        }
        rows.push((number, values));
    }
    Ok((candidates, rows))
}

/// The column of whole positions in a table with the names `seen` above `rows`.
fn whole_column(
    seen: &[String],
    rows: &[(u32, Vec<(usize, Value<'static>)>)],
    options: &LoadOptions,
) -> Result<Option<PlaceColumn>, PlaceColumnError> {
    let mut sample = PlaceSample::new(seen, options)?;
    for (_, values) in rows.iter().take(EXAMINED) {
        for (column, value) in values {
            sample.note_value(*column, value);
        }
    }
    sample.find()
}

/// The texts of a row, which may be the names of columns. A number, such as that of a year, becomes
/// its text, and an empty cell an empty text.
fn names(cells: &SheetReader<'_>) -> Vec<String> {
    let name = |column| match cells.value(column) {
        Value::Null => String::new(),
        Value::Text(text) => text.trim().to_owned(),
        other => other.shown(),
    };
    (0..cells.width()).map(name).collect()
}
