//! The columns of a pack: their names, and how the values of several sources become one column.

use super::open_pack::OpenPack;
use crate::cli::error::{BoxError, UsageError};
use heatsplat::Point;
use heatsplat_heat::ColumnForm;
use heatsplat_heat::pack::{ColumnRules, JoinedForm, PackError, Packer, RowColumn};
use heatsplat_loader::{StoredColumn, StoredForm, TableBuilder, TimeFormat, join_stored};
use std::collections::HashSet;
use std::io;

/// The names of the columns of a pack:
///
/// * If `keep`, the value of `--keep`, names columns, the pack has these.
/// * Otherwise it has the columns of `packs`, the sources that are packs. If these have different
///   columns, or if one has columns and there are sources that are no packs too (`has_others`), it
///   is an error.
///
/// A name that `keep` has twice is an error.
pub(super) fn names(
    keep: &[String],
    packs: &[OpenPack],
    has_others: bool,
) -> Result<Vec<String>, BoxError> {
    let mut names = keep.to_vec();
    if let ([first, rest @ ..], true) = (packs, keep.is_empty()) {
        let alike = rest.iter().all(|pack| pack.columns() == first.columns());
        let has_columns = packs.iter().any(|pack| !pack.columns().is_empty());
        if has_columns && (has_others || !alike) {
            let message = "not all sources have the same columns: name those to keep by --keep";
            return Err(UsageError::new("pack", message).into());
        }
        names = first.columns();
    }
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|other| other == name) {
            let message = format!("--keep: \"{name}\" is named twice");
            return Err(UsageError::new("pack", message).into());
        }
    }
    Ok(names)
}

/// The loader's rules, by which the columns that several sources have under one name become one
/// column. The joined column has the type and the texts that it would have if all sources were read
/// into memory.
#[derive(Debug)]
pub(super) struct LoaderRules {
    pub(super) time_formats: Vec<TimeFormat>,
}

impl ColumnRules for LoaderRules {
    fn join(
        &self,
        parts: &[(&ColumnForm, &[Box<[u8]>])],
        distinct: &mut dyn FnMut(usize) -> io::Result<HashSet<u64>>,
    ) -> io::Result<JoinedForm> {
        let part = |(form, words): &(&ColumnForm, &'_ [Box<[u8]>])| {
            let form = StoredForm::from_parts(&form.kind, &form.written);
            let unknown = || io::Error::other("a column has a type that is not known");
            Ok::<_, io::Error>((form.ok_or_else(unknown)?, words.to_vec()))
        };
        let parts: Vec<(StoredForm, Vec<Box<[u8]>>)> =
            parts.iter().map(part).collect::<Result<_, _>>()?;
        let borrowed: Vec<_> = parts
            .iter()
            .map(|(form, words)| (*form, &**words))
            .collect();
        let joined = join_stored(&borrowed, &self.time_formats, distinct)?;
        Ok(JoinedForm {
            form: form_of(joined.form),
            words: joined.words,
            maps: joined.maps,
        })
    }
}

fn form_of(form: StoredForm) -> ColumnForm {
    ColumnForm {
        kind: form.kind().to_owned(),
        floats: form.is_floats(),
        written: form.written(),
    }
}

/// Rows that wait for a call of [`Packer::add_rows`], until there are enough:
/// [`Packer::rows_at_a_time`].
#[derive(Default)]
pub(super) struct WaitingRows {
    points: Vec<Point>,
    kept: TableBuilder,
}

impl WaitingRows {
    /// Adds rows: points, and the values of their columns in `kept`. If enough rows wait then, all
    /// of them go to the packer.
    pub(super) fn add(
        &mut self,
        points: Vec<Point>,
        kept: TableBuilder,
        packer: &mut Packer,
    ) -> Result<(), PackError> {
        self.points.extend(points);
        self.kept.add(kept);
        match self.points.len() as u64 >= packer.rows_at_a_time() {
            true => self.finish(packer),
            false => Ok(()),
        }
    }

    /// Hands all waiting rows to the packer.
    pub(super) fn finish(&mut self, packer: &mut Packer) -> Result<(), PackError> {
        let (points, kept) = (
            std::mem::take(&mut self.points),
            std::mem::take(&mut self.kept),
        );
        if points.is_empty() {
            return Ok(());
        }
        let column = |column: StoredColumn| RowColumn {
            form: form_of(column.form),
            words: column.words,
            values: column.values,
        };
        packer.add_rows(points, kept.into_stored().into_iter().map(column).collect())
    }
}
