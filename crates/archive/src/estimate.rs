//! What an export would come to: counted where counting is cheap, drawn where it takes a sample.

use crate::error::ExportError;
use crate::export::Export;
use crate::target::Target;
use std::time::{Duration, Instant};

/// Quads of a zoom that are drawn to know about the others.
const SAMPLE: usize = 96;

/// What a zoom would come to.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ZoomEstimate {
    /// The zoom.
    pub z: u8,
    /// Tiles that show something.
    pub tiles: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The time to draw them, on one core.
    pub time: Duration,
    /// Whether all of them were drawn to say so.
    pub exact: bool,
}

/// What an export would come to, zoom by zoom.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// One for each zoom.
    pub zooms: Vec<ZoomEstimate>,
    /// Threads that would draw.
    pub threads: usize,
}

impl Estimate {
    /// Tiles of all zooms.
    pub fn tiles(&self) -> u64 {
        self.zooms.iter().map(|zoom| zoom.tiles).sum()
    }

    /// Bytes of all zooms.
    pub fn bytes(&self) -> u64 {
        self.zooms.iter().map(|zoom| zoom.bytes).sum()
    }

    /// Time on all threads.
    pub fn time(&self) -> Duration {
        let all: Duration = self.zooms.iter().map(|zoom| zoom.time).sum();
        all.div_f64(self.threads as f64)
    }
}

impl Export<'_> {
    /// Counts quads and draws a sample of each zoom, the same ones every time; writes nothing.
    ///
    /// # Errors
    /// Wishes that don't go together, and tiles that can't be encoded.
    pub fn estimate(&self, target: &Target) -> Result<Estimate, ExportError> {
        let brush = self.brush(target)?;
        let mut zooms = Vec::new();
        for z in self.zooms() {
            let quads = brush.walk(z, 0).count();
            let step = quads.div_ceil(SAMPLE).max(1);
            // the scale belongs to the zoom, not to the first quad
            brush.prepare(z);
            let (mut drawn, mut tiles, mut bytes) = (0, 0, 0);
            let start = Instant::now();
            for quad in brush.walk(z, 0).step_by(step) {
                let quad = brush.draw(quad)?;
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
