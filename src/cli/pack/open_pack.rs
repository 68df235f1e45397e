//! Packs as sources of a pack: their points are sorted already.

use crate::cli::error::BoxError;
use crate::cli::packed::{PackedSource, is_named_packed, is_packed};
use crate::cli::source_name::redact;
use heatsplat::Point;
use heatsplat::points::paged::PagedIndex as _;
use heatsplat::points::{LonLatBox, PointSink as _, mercator};
use heatsplat_heat::pack::{Packer, RowColumn};
use heatsplat_heat::{HeatFile, PageCache};
use indicatif::HumanCount;
use serde_json::{Value, json};
use std::sync::Arc;

/// The bytes of memory for the pages of each pack that is read. Its points are read in order, so
/// few pages are needed twice. A choice.
const CACHE: u64 = 16 << 20;

/// The number of points that one read gets from a pack: a choice.
const BATCH: u64 = 1 << 16;

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

    /// Pushes the points of this pack that lie in the box `within` into another pack, with their
    /// values in the columns `names`. Returns a report with two counts: of all points of this pack,
    /// and of those in the box.
    pub(super) fn read_into_pack(
        &self,
        within: LonLatBox,
        names: &[String],
        packer: &mut Packer,
    ) -> Result<Value, BoxError> {
        let columns = self.find(names)?;
        if !columns.is_empty() {
            return self.read_rows_into_pack(within, &columns, packer);
        }
        self.visit_within(within, &mut |points| {
            packer.push(points);
            !packer.has_failed()
        })
        .and_then(|report| {
            packer.check()?;
            Ok(report)
        })
    }

    fn read_rows_into_pack(
        &self,
        within: LonLatBox,
        numbers: &[usize],
        packer: &mut Packer,
    ) -> Result<Value, BoxError> {
        let mut columns = Vec::new();
        for column in numbers.iter().filter_map(|at| self.file.columns().get(*at)) {
            columns.push(RowColumn {
                form: column.form().clone(),
                words: self.file.column_words(column)?.to_vec(),
                values: Vec::new(),
            });
        }
        let total = self.file.summary().count as u64;
        let (mut points, mut kept) = (Vec::new(), 0);
        let mut waiting = columns.clone();
        for first in (0..total).step_by(BATCH as usize) {
            let range = first..(first + BATCH).min(total);
            let read = self.file.read(range.clone())?;
            let inside: Vec<bool> = read.iter().map(|point| is_within(within, point)).collect();
            let chosen = read.iter().zip(&inside).filter(|(_, inside)| **inside);
            points.extend(chosen.map(|(point, _)| *point));
            for (at, to) in numbers.iter().zip(&mut waiting) {
                let mut values = Vec::new();
                if let Some(column) = self.file.columns().get(*at) {
                    self.file
                        .column_values(column, range.clone(), &mut values)?;
                }
                let chosen = values.iter().zip(&inside).filter(|(_, inside)| **inside);
                to.values.extend(chosen.map(|(value, _)| *value));
            }
            let is_last = range.end == total;
            if points.len() as u64 >= packer.rows_at_a_time() || is_last && !points.is_empty() {
                kept += points.len() as u64;
                let rows = std::mem::replace(&mut waiting, columns.clone());
                packer.add_rows(std::mem::take(&mut points), rows)?;
            }
        }
        Ok(self.report_on(total, kept))
    }

    /// Counts the points in a box. Returns a report with two counts: of all points of this pack,
    /// and of those in the box.
    pub(super) fn count_within(&self, within: LonLatBox) -> Result<Value, BoxError> {
        self.visit_within(within, &mut |_| true)
    }

    /// Reads the points of this pack in batches, and calls `visit` with the points of each batch
    /// that lie in a box, until `visit` returns false. Returns a report with two counts: of all
    /// points of this pack, and of those that `visit` got.
    fn visit_within(
        &self,
        within: LonLatBox,
        visit: &mut dyn FnMut(&[Point]) -> bool,
    ) -> Result<Value, BoxError> {
        let total = self.file.summary().count as u64;
        let mut kept = 0;
        for first in (0..total).step_by(BATCH as usize) {
            let mut points = self.file.read(first..(first + BATCH).min(total))?;
            points.retain(|point| is_within(within, point));
            kept += points.len() as u64;
            if !visit(&points) {
                break;
            }
        }
        Ok(self.report_on(total, kept))
    }

    fn report_on(&self, total: u64, kept: u64) -> Value {
        let text = format!(
            "{}: {} of {} points, the others are left out by --within",
            self.name,
            HumanCount(kept),
            HumanCount(total)
        );
        json!({
            "name": self.name,
            "rows": total,
            "kept": kept,
            "filtered": total - kept,
            "text": text,
        })
    }

    /// The report on this pack as JSON, for a pack of which all points are taken. Its member `text`
    /// is a line for people.
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

/// Tests whether a point lies in a box. A point is a square of the world grid; the middle of the
/// square decides.
fn is_within(within: LonLatBox, point: &Point) -> bool {
    let lon = mercator::longitude(f64::from(point.x) + 0.5);
    let lat = mercator::latitude(f64::from(point.y) + 0.5);
    within.contains(lon, lat)
}
