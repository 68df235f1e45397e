//! The estimate of an export, made before anything is written. A quad is a square of neighbouring
//! tiles: the quads of each zoom are counted, and some of them are drawn.

use crate::error::ExportError;
use crate::export::Export;
use crate::target::Target;
use std::time::{Duration, Instant};

/// The largest number of quads (squares of tiles) of a zoom that are drawn: a choice. The tiles,
/// bytes and time of all quads are estimated from these.
const SAMPLE: usize = 96;

/// The estimate of one zoom.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ZoomEstimate {
    /// The zoom that this estimate is for.
    pub z: u8,
    /// The number of tiles of the zoom that show something.
    pub tiles: u64,
    /// The number of bytes of all tiles of the zoom that show something, encoded. Equal tiles are
    /// counted one by one, although an export stores them only once.
    pub bytes: u64,
    /// The time that one core takes to draw all tiles of the zoom that show something.
    pub time: Duration,
    /// `true` if all quads (squares of tiles) of the zoom were drawn for the estimate, so that its
    /// numbers of tiles and bytes are exact.
    pub exact: bool,
}

/// The estimate of an export.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// The estimates of the zooms, in ascending order.
    pub zooms: Vec<ZoomEstimate>,
    /// The number of threads that the export would draw with.
    pub threads: usize,
}

impl Estimate {
    /// The number of tiles of all zooms.
    pub fn tiles(&self) -> u64 {
        self.zooms.iter().map(|zoom| zoom.tiles).sum()
    }

    /// The number of bytes of the encoded tiles of all zooms. Equal tiles are counted one by one,
    /// although an export stores them only once.
    pub fn bytes(&self) -> u64 {
        self.zooms.iter().map(|zoom| zoom.bytes).sum()
    }

    /// The time that the export would take to draw, if its threads share the drawing evenly.
    pub fn time(&self) -> Duration {
        let all: Duration = self.zooms.iter().map(|zoom| zoom.time).sum();
        all.div_f64(self.threads as f64)
    }
}

impl Export<'_> {
    /// Estimates the export: counts the quads (squares of neighbouring tiles) of each zoom, and
    /// draws some of them, always the same ones. Writes nothing.
    ///
    /// # Errors
    /// An [`ExportError`] if options contradict each other, or if a tile can't be encoded.
    pub fn estimate(&self, target: &Target) -> Result<Estimate, ExportError> {
        let renderer = self.renderer(target)?;
        let mut zooms = Vec::new();
        for z in self.zooms() {
            let quads = renderer.walk(z, 0).count();
            let step = quads.div_ceil(SAMPLE).max(1);
            // The statistics for the colours belong to the whole zoom. They are measured before the
            // clock starts, so that their time doesn't count as the time of the first quad.
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
