//! The attributes of a Shapefile, in its `.dbf`.

use super::super::damaged;
use super::super::nearby::Nearby;
use super::text;
use crate::batch::Amount;
use crate::error::LoadError;
use crate::input::Origin;
use crate::time::time;
use dbase::encoding::DynEncoding;
use dbase::{FieldIndex, FieldValue};
use std::fs::File;
use std::path::Path;

/// The attributes: only the fields that are asked for are ever read.
pub(super) struct Table {
    file: dbase::File<Nearby<File>>,
}

impl Table {
    pub(super) fn open(dbf: &Path, shp: &Path, origin: &Origin) -> Result<Self, LoadError> {
        let name = dbf.display().to_string();
        let opened = File::open(dbf).map_err(|source| LoadError::Open { file: name, source })?;
        let nearby = Nearby::new(opened);
        // what encoding the names and texts are in
        let encoding = text(shp, "cpg", origin)?;
        let encoding = encoding.and_then(|name| DynEncoding::from_name(name.trim()));
        let file = match encoding {
            Some(encoding) => dbase::File::open_with_encoding(nearby, encoding),
            None => dbase::File::open(nearby),
        };
        let file = file.map_err(|error| damaged(origin, "the .dbf beside it", error))?;
        Ok(Self { file })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.file
            .fields()
            .iter()
            .map(|f| f.name().to_owned())
            .collect()
    }

    /// What a record has in a field; one that the table lacks has nothing.
    pub(super) fn value(&mut self, record: usize, column: usize) -> Amount {
        let Some(mut record) = self.file.record(record) else {
            return Amount::Missing;
        };
        match record.read_field(FieldIndex(column)) {
            Ok(value) => amount(value),
            Err(error) => Amount::Text(error.to_string()),
        }
    }
}

fn amount(value: FieldValue) -> Amount {
    let number = |n: Option<f64>| n.map_or(Amount::Missing, Amount::Number);
    match value {
        FieldValue::Numeric(n) => number(n),
        FieldValue::Float(n) => number(n.map(f64::from)),
        FieldValue::Integer(n) => Amount::Number(f64::from(n)),
        FieldValue::Currency(n) | FieldValue::Double(n) => Amount::Number(n),
        FieldValue::Character(text) => text.map_or(Amount::Missing, Amount::Text),
        FieldValue::Logical(truth) => truth.map_or(Amount::Missing, Amount::Bool),
        FieldValue::Date(date) => date.map_or(Amount::Missing, |date| {
            let (year, month, day) = (date.year(), date.month(), date.day());
            let text = format!("{year:04}-{month:02}-{day:02}");
            time(&text).map_or(Amount::Text(text), Amount::Time)
        }),
        other => Amount::Text(format!("{other:?}")),
    }
}
