//! Columns that are kept beside a spatial index of points, so that the points can be filtered and
//! divided into parts later.

mod arrow_column;
mod builder;
mod cell;
mod check;
mod column;
mod dictionary;
mod divide;
mod paged;
mod select;
mod spelling;
mod stored;
mod zones;

pub use builder::TableBuilder;
pub use check::TableError;
pub use column::{Column, ColumnKind};
pub(crate) use paged::{ChosenRows, Failure};
pub use paged::{PagedRows, UnreadColumn};
pub use stored::{JoinedColumn, StoredColumn, StoredForm, join_stored};
pub use zones::RowZone;

use crate::columns;
use crate::time::Times;

/// The values of some columns for each point of a spatial index, in the order of the index.
///
/// [`load_table`](crate::load_table) makes a table of the columns that
/// [`LoadOptions::keep`](crate::LoadOptions::keep) names. For each point, a column of numbers or
/// times takes 8 bytes, and a column of Booleans takes 1 byte. A column of texts takes 1, 2 or 4
/// bytes for each point, and stores each different text once. The points' positions are not in the
/// table, but in the index.
///
/// ```
/// use heatsplat_loader::{ColumnKind, LoadOptions, load_table, read};
///
/// let csv = "lon,lat,offense,when\n1,2,theft,2010-03-01\n3,4,fraud,\n5,6,theft,2010-04-01\n";
/// let keep = vec!["offense".into(), "when".into()];
/// let options = LoadOptions { keep, ..LoadOptions::default() };
/// let mut source = read(csv.as_bytes(), "crimes.csv", &options)?;
/// let (points, table, _) = load_table(&mut *source, |_| ())?;
///
/// assert_eq!(table.column("when").map(|column| column.kind()), Some(ColumnKind::Time));
/// let some = table.select(&points, &"when >= 2010-03-15".parse()?)?;
/// assert_eq!(some.summary().count, 1);
/// let parts = table.split(&points, "offense", 1)?;
/// assert_eq!(parts[0].0, "theft");
/// assert_eq!((parts[0].1.summary().count, parts[1].1.summary().count), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    /// The column by whose values the points are divided; `None` unless
    /// [`shown_by`](Self::shown_by) was called.
    by: Option<String>,
    /// The formats of times in the source.
    times: Times,
    /// The rows, if they are not in memory: then each column has only a sample of its values.
    paged: Option<paged::PagedTable>,
}

impl Table {
    /// A table of the columns in `kept`, whose names are `names`. `order` has, for each point of
    /// the spatial index, the number of its row in the source, counted from 0.
    pub(crate) fn new(names: Vec<String>, kept: TableBuilder, order: &[u32]) -> Self {
        let times = kept.times.clone();
        let columns = names.into_iter().zip(kept.into_columns());
        let columns = columns.map(|(name, growing)| growing.finish(name, order, &times));
        Self {
            columns: columns.collect(),
            by: None,
            times,
            paged: None,
        }
    }

    /// Sets the column by whose values the points should be divided where they are shown, as
    /// [`split`](Self::split) divides them.
    #[must_use]
    pub fn shown_by(mut self, column: impl Into<String>) -> Self {
        self.by = Some(column.into());
        self
    }

    /// The column that was passed to [`shown_by`](Self::shown_by); `None` if it was not called.
    pub fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// The columns, in the order of [`LoadOptions::keep`](crate::LoadOptions::keep).
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column with a name. An exact match is preferred; otherwise case, spaces, `_`, `-` and
    /// `.` are ignored. `None` if there is no such column.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(self.place(name)?)
    }

    /// Removes the column with a name, if there is one.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        if let Some(place) = self.place(name) {
            self.columns.remove(place);
        }
        self
    }

    /// Returns true if the table has no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The memory that all columns take together, in bytes.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }

    fn place(&self, name: &str) -> Option<usize> {
        let names: Vec<String> = self.columns.iter().map(|c| c.name().to_owned()).collect();
        columns::named(&names, name)
    }
}
