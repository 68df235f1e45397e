//! Packs as sources of a pack: their points are sorted already.

use crate::cli::error::BoxError;
use crate::cli::packed::{PackedSource, is_named_packed, is_packed};
use crate::cli::source_name::redact;
use heatsplat_heat::{HeatFile, PageCache};
use indicatif::HumanCount;
use serde_json::{Value, json};
use std::sync::Arc;

/// The bytes of memory for the pages of each pack that is read. Its points are read in order, so
/// few pages are needed twice. A choice.
const CACHE: u64 = 16 << 20;

/// A pack, a `.heat` file, that is a source.
pub(super) struct OpenPack {
    pub(super) name: String,
    pub(super) file: Arc<HeatFile>,
}

impl OpenPack {
    /// Tests whether a source is a pack. If there is no such file, a name that ends in `.heat`
    /// counts as a pack, so that the error is that the pack is missing.
    pub(super) fn is_pack(source: &str) -> bool {
        is_named_packed(source) || is_packed(source)
    }

    pub(super) fn open(source: &str) -> Result<Self, BoxError> {
        let cache = Arc::new(PageCache::new(CACHE));
        Ok(Self {
            name: redact(source),
            file: PackedSource::open_with(source, &cache)?.file,
        })
    }

    /// The names of the pack's columns, in the order of the file.
    pub(super) fn columns(&self) -> Vec<String> {
        let columns = self.file.columns().iter();
        columns.map(|column| column.name().to_owned()).collect()
    }

    /// The number of each of the columns `names`, counted from 0 in the order of the file.
    pub(super) fn find(&self, names: &[String]) -> Result<Vec<usize>, BoxError> {
        let columns = self.columns();
        let find = |name: &String| {
            let found = columns.iter().position(|column| column == name);
            found.ok_or_else(|| match &*columns {
                [] => format!("{}: has no columns", self.name).into(),
                _ => format!(
                    "{}: has no column \"{name}\"; there are: {}",
                    self.name,
                    columns.join(", ")
                )
                .into(),
            })
        };
        names.iter().map(find).collect()
    }

    /// The report on the source as JSON, if all of its points are taken. Its member `text` is a
    /// line for people.
    pub(super) fn report(&self) -> Value {
        let points = self.file.summary().count;
        json!({
            "name": self.name,
            "rows": points,
            "kept": points,
            "text": format!("{}: {} points, sorted already", self.name, HumanCount(points as u64)),
        })
    }
}
