//! The row of names of a sheet, which may be below titles and notes.

use super::sheet::SheetReader;
use super::workbook::{Sheet, Workbook};
use crate::columns::resolve::{Names, PositionColumns, ResolvedColumns, resolve};
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::value::Value;

/// The number of rows among which the names are looked for: a choice.
const ROWS: usize = 50;

/// The columns that are found in a sheet.
pub(super) struct SheetTable {
    /// The number of the row of names, counted from 1.
    pub(super) row: u32,
    pub(super) found: ResolvedColumns,
}

impl SheetTable {
    /// Finds the row of names: the first one that has names of columns of positions.
    ///
    /// # Errors
    /// There is no such row. The error is that for the row with the most texts.
    pub(super) fn find(
        workbook: &Workbook,
        sheet: &Sheet,
        origin: &Origin,
        options: &LoadOptions,
    ) -> Result<Self, LoadError> {
        let mut cells = SheetReader::open(workbook, sheet, origin)?;
        let mut best: Option<(usize, LoadError)> = None;
        for _ in 0..ROWS {
            let Some(row) = cells.next_row()? else {
                break;
            };
            let names = names(&cells);
            let texts = names.iter().filter(|name| !name.is_empty()).count();
            if texts == 0 {
                continue;
            }
            match resolve(names, Names::Typed, options, None, &origin.name) {
                Ok(found) if matches!(found.position, PositionColumns::LonLat(..)) => {
                    return Ok(Self { row, found });
                }
                Ok(_) => (),
                Err(error) if best.as_ref().is_none_or(|(most, _)| texts > *most) => {
                    best = Some((texts, error));
                }
                Err(_) => (),
            }
        }
        let file = origin.file();
        Err(best.map_or(LoadError::NoRows { file }, |(_, error)| error))
    }
}

/// The texts of a row, which may be names. Cells that are no texts are empty.
fn names(cells: &SheetReader<'_>) -> Vec<String> {
    let name = |column| match cells.value(column) {
        Value::Text(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    (0..cells.width()).map(name).collect()
}
