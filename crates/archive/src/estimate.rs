//! Estimate of an export. The quads, squares of neighbouring tiles, are counted, and a sample of
//! them is drawn.

use crate::error::ExportError;
use crate::export::Export;
use crate::target::Target;
use std::time::{Duration, Instant};

/// Largest number of quads of a zoom that are drawn to estimate the others. A choice.
const SAMPLE: usize = 96;

/// Estimate of one zoom.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ZoomEstimate {
    /// The zoom.
    pub z: u8,
    /// Number of tiles that show something.
    pub tiles: u64,
    /// Bytes of these tiles.
    pub bytes: u64,
    /// Time to draw these tiles on one core.
    pub time: Duration,
    /// True if all tiles were drawn, so that the numbers are exact.
    pub exact: bool,
}

/// Estimate of an export.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// Estimates of the zooms, the lowest zoom first.
    pub zooms: Vec<ZoomEstimate>,
    /// Number of threads that would draw.
    pub threads: usize,
}

impl Estimate {
    /// Number of tiles of all zooms.
    pub fn tiles(&self) -> u64 {
        self.zooms.iter().map(|zoom| zoom.tiles).sum()
    }

    /// Bytes of the tiles of all zooms.
    pub fn bytes(&self) -> u64 {
        self.zooms.iter().map(|zoom| zoom.bytes).sum()
    }

    /// Time of the export with all threads drawing.
    pub fn time(&self) -> Duration {
        let all: Duration = self.zooms.iter().map(|zoom| zoom.time).sum();
        all.div_f64(self.threads as f64)
    }
}

impl Export<'_> {
    /// Counts the quads of each zoom, and draws a sample of them, which is always the same. Writes
    /// nothing.
    ///
    /// # Errors
    /// An [`ExportError`] if options contradict each other, or a tile can't be encoded.
    pub fn estimate(&self, target: &Target) -> Result<Estimate, ExportError> {
        let renderer = self.renderer(target)?;
        let mut zooms = Vec::new();
        for z in self.zooms() {
            let quads = renderer.walk(z, 0).count();
            let step = quads.div_ceil(SAMPLE).max(1);
            // The statistics belong to the whole zoom, so they must not count as time of the first
            // quad.
            renderer.prepare(z);
            let (mut drawn, mut tiles, mut bytes) = (0, 0, 0);
            let start = Instant::now();
            for quad in renderer.walk(z, 0).step_by(step) {
                let quad = renderer.render(quad)?;
                drawn += 1;
                tiles += quad.tiles.len();
                bytes += quad
                    .tiles
                    .iter()
                    .map(|tile| tile.bytes.len())
                    .sum::<usize>();
            }
            let share = quads as f64 / f64::from(drawn.max(1));
            zooms.push(ZoomEstimate {
                z,
                tiles: (tiles as f64 * share).round() as u64,
                bytes: (bytes as f64 * share).round() as u64,
                time: start.elapsed().mul_f64(share),
                exact: step == 1,
            });
        }
        let threads = self.thread_count();
        Ok(Estimate { zooms, threads })
    }
}
