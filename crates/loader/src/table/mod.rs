//! Columns that are kept beside an index of points, to filter the points and to divide them.

mod builder;
mod cell;
mod check;
mod column;
mod dictionary;
mod select;
mod spelling;

pub use builder::TableBuilder;
pub use check::TableError;
pub use column::{Column, ColumnKind};

use crate::columns;
use crate::time::Times;

/// Values of columns for each point of an index, in the index's order.
///
/// [`load_table`](crate::load_table) makes a table of the columns in
/// [`LoadOptions::keep`](crate::LoadOptions::keep). For each point it takes 8 bytes in a column of
/// numbers or times, 1 byte in a column of Booleans, and 1, 2 or 4 bytes in a column of texts,
/// where each different text is stored once. Positions are not in the table, but in the index.
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
    /// The column by whose values the points are divided; see [`shown_by`](Self::shown_by).
    by: Option<String>,
    /// The spellings of times in the source.
    times: Times,
}

impl Table {
    /// A table of the columns in `kept`. `order` has the number of the source's row for each point
    /// of the index.
    pub(crate) fn new(names: Vec<String>, kept: TableBuilder, order: &[u32]) -> Self {
        let times = kept.times.clone();
        let columns = names.into_iter().zip(kept.into_columns());
        let columns = columns.map(|(name, growing)| growing.finish(name, order, &times));
        Self {
            columns: columns.collect(),
            by: None,
            times,
        }
    }

    /// The table, marked with a column by whose values its points are shown, divided as
    /// [`split`](Self::split) divides them.
    #[must_use]
    pub fn shown_by(mut self, column: impl Into<String>) -> Self {
        self.by = Some(column.into());
        self
    }

    /// The column that [`shown_by`](Self::shown_by) has set; `None` if it was not called.
    pub fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// The columns, in the order of [`LoadOptions::keep`](crate::LoadOptions::keep).
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column with a name. If no column has exactly this name, case, spaces, `_`, `-` and `.`
    /// are ignored.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(self.place(name)?)
    }

    /// Returns whether the table has no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The memory that all columns take, in bytes.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }

    fn place(&self, name: &str) -> Option<usize> {
        let names: Vec<String> = self.columns.iter().map(|c| c.name().to_owned()).collect();
        columns::named(&names, name)
    }
}
