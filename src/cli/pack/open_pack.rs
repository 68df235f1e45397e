//! Packs as sources of a pack: their points are sorted already.

use crate::cli::error::BoxError;
use crate::cli::packed::{is_named_packed, is_packed};
use heatsplat_heat::{HeatFile, PageCache};
use indicatif::HumanCount;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Bytes of pages in memory for each pack that is read: a choice. Its points are read in order, so
/// few pages are needed twice.
const CACHE: u64 = 16 << 20;

/// Pack that is a source.
pub(super) struct OpenPack {
    pub(super) name: String,
    pub(super) file: Arc<HeatFile>,
}

impl OpenPack {
    /// Tests whether a source is a pack. One that is absent or at an address is one by its name, so
    /// that the error about it says what is wrong.
    pub(super) fn is_pack(source: &str) -> bool {
        is_named_packed(source) || is_packed(source)
    }

    pub(super) fn open(source: &str) -> Result<Self, BoxError> {
        if heatsplat_loader::is_remote(source) {
            return Err(format!("{source}: download the file first, and pack the copy").into());
        }
        let cache = Arc::new(PageCache::new(CACHE));
        Ok(Self {
            name: source.to_owned(),
            file: Arc::new(HeatFile::open(Path::new(source), &cache)?),
        })
    }

    /// Report on the source as JSON; `text` is the one for people.
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
