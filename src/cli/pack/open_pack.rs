//! Packs as sources of a pack: their points are sorted already.

use crate::cli::error::BoxError;
use crate::cli::packed::{is_named_packed, is_packed};
use heatsplat::Point;
use heatsplat::points::paged::PagedIndex as _;
use heatsplat::points::{LonLatBox, PointSink as _, mercator};
use heatsplat_heat::pack::Packer;
use heatsplat_heat::{HeatFile, PageCache};
use indicatif::HumanCount;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Bytes of pages in memory for each pack that is read: a choice. Its points are read in order, so
/// few pages are needed twice.
const CACHE: u64 = 16 << 20;

/// Number of points that are read at a time from a pack: a choice.
const BATCH: u64 = 1 << 16;

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

    /// Pushes the points in a part of the world into a pack. Returns a report on all points.
    pub(super) fn read_into_pack(
        &self,
        within: LonLatBox,
        packer: &mut Packer,
    ) -> Result<Value, BoxError> {
        self.visit_within(within, &mut |points| {
            packer.push(points);
            !packer.has_failed()
        })
        .and_then(|report| {
            packer.check()?;
            Ok(report)
        })
    }

    /// Counts the points in a part of the world.
    pub(super) fn count_within(&self, within: LonLatBox) -> Result<Value, BoxError> {
        self.visit_within(within, &mut |_| true)
    }

    /// Calls `visit` with all points in a part of the world, as long as it returns true.
    fn visit_within(
        &self,
        within: LonLatBox,
        visit: &mut dyn FnMut(&[Point]) -> bool,
    ) -> Result<Value, BoxError> {
        let total = self.file.summary().count as u64;
        let mut kept = 0;
        for first in (0..total).step_by(BATCH as usize) {
            let mut points = self.file.read(first..(first + BATCH).min(total))?;
            points.retain(|point| {
                // The middle of the square that the point's position is known to.
                let lon = mercator::longitude(f64::from(point.x) + 0.5);
                let lat = mercator::latitude(f64::from(point.y) + 0.5);
                within.contains(lon, lat)
            });
            kept += points.len() as u64;
            if !visit(&points) {
                break;
            }
        }
        let text = format!(
            "{}: {} of {} points, the others are left out by --within",
            self.name,
            HumanCount(kept),
            HumanCount(total)
        );
        Ok(json!({
            "name": self.name,
            "rows": total,
            "kept": kept,
            "filtered": total - kept,
            "text": text,
        }))
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
