//! Use of a file as an index of points, which is drawn like points in memory.

use crate::error::HeatError;
use crate::file::HeatFile;
use heatsplat_points::paged::{PagedCells, PagedIndex};
use heatsplat_points::{Focus, Point, Quad, ReadError, Summary, Window};
use std::ops::Range;
use std::sync::Arc;

impl From<HeatError> for ReadError {
    fn from(error: HeatError) -> Self {
        Self::new(error.to_string())
    }
}

impl PagedIndex for HeatFile {
    fn summary(&self) -> &Summary {
        &self.root.summary
    }

    fn content_identity(&self) -> [u8; 32] {
        self.identity()
    }

    fn search(&self, level: u32, window: &Window) -> Result<PagedCells, ReadError> {
        Ok(self.unpack(&self.find(level, window)?)?)
    }

    fn count(&self, level: u32, window: &Window) -> Result<usize, ReadError> {
        Ok(self.find(level, window)?.estimate() as usize)
    }

    fn quad_range(&self, quad: Quad) -> Result<Range<u64>, ReadError> {
        Ok(self.range_of(quad)?)
    }

    fn read(&self, numbers: Range<u64>) -> Result<Vec<Point>, ReadError> {
        Ok(self.points_in(numbers)?)
    }

    fn occupied(&self, level: u32) -> u64 {
        self.root.occupied.get(level as usize).copied().unwrap_or(0)
    }

    fn remaining(&self, level: u32) -> f64 {
        let share = self.root.remaining.get(level as usize);
        share.copied().unwrap_or(1.0)
    }

    fn counted(&self) -> Option<Arc<dyn PagedIndex>> {
        Self::counted(self)
    }

    fn focus(&self) -> Option<Focus> {
        self.root.focus
    }

    fn is_remote(&self) -> bool {
        self.pages.source().costs().are_high()
    }
}
