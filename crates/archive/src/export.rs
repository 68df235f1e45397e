//! The export of a layer's tiles. Worker threads draw the tiles, and the calling thread writes
//! them.

use crate::error::ExportError;
use crate::if_exists::IfExists;
use crate::journal::Journal;
use crate::metadata::ExportMetadata;
use crate::quad_walk::TileQuad;
use crate::render::TileRenderer;
use crate::settings::Settings;
use crate::target::{Target, TargetFormat};
use crate::tile::{RenderedQuad, TileContent};
use crate::{cog, mbtiles, pmtiles, xyz_folder};
use heatsplat_points::cancel::{self, InheritedToken};
use heatsplat_points::{Focus, LonLatBox, MAX_ZOOM, Window};
use heatsplat_render::{Layer, TileSize};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// The number of quads (squares of neighbouring tiles) in a batch: a choice. All quads of a batch
/// are drawn before its tiles are written, so the batch must fit into memory: it takes some
/// megabytes.
const BATCH: usize = 128;
/// The largest number of drawn batches that wait to be written: a choice.
const QUEUED_BATCHES: usize = 2;

/// The builder of an export of a layer's tiles, with the range of zooms and options.
#[derive(Clone, Debug)]
pub struct Export<'a> {
    layer: &'a Layer,
    zooms: RangeInclusive<u8>,
    area: Option<LonLatBox>,
    size: TileSize,
    content: Option<TileContent>,
    attribution: Option<String>,
    if_exists: IfExists,
    threads: usize,
    backend_name: String,
}

/// The progress of a running export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportProgress {
    /// The number of quads (squares of neighbouring tiles) that were drawn since [`Export::write`]
    /// was called.
    pub quads: u64,
    /// The number of quads (squares of neighbouring tiles) that the call of [`Export::write`] has
    /// to draw in all; `None` until they are counted.
    pub total: Option<u64>,
    /// The number of tiles that are stored so far, equal ones included. If an interrupted export is
    /// resumed, the tiles that it had stored count too.
    pub tiles: u64,
    /// The number of bytes of the stored tiles. Equal tiles are stored, and counted, only once.
    pub bytes: u64,
}

/// The numbers of tiles and bytes of a finished export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportSummary {
    /// The number of tiles of the export: those that show something.
    pub tiles: u64,
    /// The number of different tiles. Equal tiles are stored only once.
    pub distinct: u64,
    /// The number of bytes of all different tiles together.
    pub bytes: u64,
    /// The number of tiles that an interrupted export had already stored, and that were not drawn
    /// again.
    pub resumed: u64,
}

impl<'a> Export<'a> {
    /// Makes an export of all tiles of the given zooms. By default a tile is 256 pixels wide, all
    /// cores draw, and the [`content`](Self::content) follows from the format of the target.
    pub fn new(layer: &'a Layer, zooms: RangeInclusive<u8>) -> Self {
        Self {
            layer,
            zooms,
            area: None,
            size: TileSize::NORMAL,
            content: None,
            attribution: None,
            if_exists: IfExists::Fail,
            threads: thread::available_parallelism().map_or(1, usize::from),
            backend_name: String::new(),
        }
    }

    /// Restricts the export to the tiles that a box touches; `None` means no restriction.
    pub fn area(mut self, area: Option<LonLatBox>) -> Self {
        self.area = area;
        self
    }

    /// Sets the size of the tiles in pixels.
    pub fn size(mut self, size: TileSize) -> Self {
        self.size = size;
        self
    }

    /// Sets the content of the tiles. With `None`, the default, it follows from the target:
    /// densities for a raster, and PNG pictures otherwise.
    pub fn content(mut self, content: Option<TileContent>) -> Self {
        self.content = content;
        self
    }

    /// Sets the attribution: the text with which maps name the source of the data.
    pub fn attribution(mut self, attribution: Option<String>) -> Self {
        self.attribution = attribution;
        self
    }

    /// Sets the rule for the case that the target, or files of an interrupted export, already
    /// exist.
    pub fn if_exists(mut self, if_exists: IfExists) -> Self {
        self.if_exists = if_exists;
        self
    }

    /// Sets the number of threads that draw. With a GPU the number may be larger than the number of
    /// cores, since the threads mostly wait for the GPU.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Sets the name of the layer's backend, the CPU or a GPU. Pictures of two backends may differ
    /// by one colour index, so an interrupted export can't be resumed with a backend of another
    /// name.
    pub fn backend_name(mut self, backend: &str) -> Self {
        self.backend_name = backend.to_owned();
        self
    }

    /// Draws and writes the tiles. Calls `progress` after each batch of tiles. Returns `None` if
    /// there is nothing to do: the rule is [`IfExists::Resume`], and the target is already
    /// complete.
    ///
    /// Work under a [`CancelToken`](heatsplat_points::cancel::CancelToken) ends early with the
    /// token. The batches that were written until then are left, so that
    /// [`IfExists::Resume`] goes on from there.
    ///
    /// # Errors
    /// An [`ExportError`] if the export can't be finished. The target is then unchanged.
    pub fn write(
        &self,
        target: &Target,
        mut progress: impl FnMut(ExportProgress),
    ) -> Result<Option<ExportSummary>, ExportError> {
        let renderer = self.renderer(target)?;
        let metadata = self.metadata(renderer.content);
        let layout = renderer
            .raster
            .then(|| self.cog_layout(&renderer))
            .transpose()?;
        let reserved = match (target.format, &layout) {
            (TargetFormat::PmTiles, _) => pmtiles::RESERVED,
            (_, Some(layout)) => layout.reserved(),
            (_, None) => 0,
        };
        let settings = self.settings(target, &renderer).digest();
        let journal = Journal::open(&target.path, settings, reserved, self.if_exists)?;
        let Some(mut journal) = journal else {
            return Ok(None);
        };
        let resumed = journal.tiles;
        self.draw(&renderer, &mut journal, &mut progress)?;
        let (start, end) = journal.span();
        let summary = ExportSummary {
            tiles: journal.tiles,
            distinct: journal.distinct,
            bytes: end - start,
            resumed,
        };
        match (target.format, &layout) {
            (TargetFormat::PmTiles, _) => pmtiles::finish(journal, &target.path, &metadata)?,
            (TargetFormat::MbTiles, _) => mbtiles::finish(journal, &target.path, &metadata)?,
            (_, Some(layout)) => cog::finish(journal, &target.path, layout)?,
            (_, None) => xyz_folder::finish(journal, &target.path, &metadata)?,
        }
        Ok(Some(summary))
    }

    /// Makes the renderer of the tiles. Checks first that the options don't contradict each other.
    pub(crate) fn renderer(&self, target: &Target) -> Result<TileRenderer<'a>, ExportError> {
        let raster = target.is_raster();
        let content = self.content.unwrap_or(if raster {
            TileContent::Density
        } else {
            TileContent::Png
        });
        let fits = match content {
            TileContent::Density => raster,
            TileContent::Rgba => true,
            TileContent::Png | TileContent::WebP => !raster,
        };
        if !fits {
            return Err(ExportError::Content {
                path: target.path.clone(),
                legal: if raster {
                    "f32 or rgba"
                } else {
                    "png, rgba or webp"
                },
            });
        }
        if self.zooms.is_empty() || *self.zooms.end() > MAX_ZOOM {
            return Err(ExportError::Zooms);
        }
        if let Some(area) = self.area {
            Window::around(area, 1, 1)?;
        }
        Ok(TileRenderer {
            layer: self.layer,
            area: self.area,
            size: self.size,
            content,
            raster,
        })
    }

    fn cog_layout(&self, renderer: &TileRenderer<'_>) -> Result<cog::CogLayout, ExportError> {
        let kind = self.layer.value_kind(self.layer.style());
        let no_data = if kind.zero_is_nothing() { "0" } else { "nan" };
        cog::CogLayout::new(renderer, self.zooms(), no_data)
    }

    pub(crate) fn thread_count(&self) -> usize {
        self.threads
    }

    pub(crate) fn zooms(&self) -> RangeInclusive<u8> {
        self.zooms.clone()
    }

    fn settings<'s>(&'s self, target: &'s Target, renderer: &TileRenderer<'_>) -> Settings<'s> {
        Settings {
            target,
            layer: self.layer,
            zooms: self.zooms(),
            area: self.area,
            size: self.size,
            content: renderer.content,
            attribution: self.attribution.as_deref(),
            backend_name: &self.backend_name,
        }
    }

    fn metadata(&self, content: TileContent) -> ExportMetadata {
        let layer = self.layer;
        let data_bounds = layer.data_bounds();
        let heat = || layer.heat_bounds(layer.style(), self.zooms(), self.size);
        let bounds = self.area.or_else(heat).unwrap_or(LonLatBox::WORLD);
        let shown = self.area.or(data_bounds);
        let focus = shown.and_then(|shown| Focus::find(layer.points(), shown));
        let (first, last) = (*self.zooms.start(), *self.zooms.end());
        let center = focus.map_or_else(
            || {
                let (lon, lat) = bounds.center();
                (lon, lat, first)
            },
            |focus| (focus.lon, focus.lat, focus.zoom.clamp(first, last)),
        );
        ExportMetadata {
            name: layer.name().to_owned(),
            attribution: self.attribution.clone(),
            bounds: bounds.within_180(),
            data_bounds,
            center,
            zooms: self.zooms(),
            content,
            size: self.size,
            style: layer.style().parameters(),
            legends: match content {
                TileContent::Density => Map::new(),
                _ => self.zooms().filter_map(|z| self.legend(z)).collect(),
            },
        }
    }

    /// The legend of a zoom's tiles, as a member of a JSON object: the name is the zoom as text,
    /// the value is the legend. `None` if the legend can't be written as JSON.
    fn legend(&self, zoom: u8) -> Option<(String, Value)> {
        // Legends count zooms of tiles of 256 CSS pixels.
        let larger = self.size.pixels() / self.size.ratio() > 256;
        let z = zoom + u8::from(larger);
        let legend = self.layer.legend(z, self.layer.style());
        let legend = serde_json::to_value(legend.titled(self.layer.name())).ok()?;
        Some((zoom.to_string(), legend))
    }

    /// Draws all quads (squares of neighbouring tiles) that the journal doesn't contain yet, on a
    /// pool of threads, and appends them to the journal.
    fn draw(
        &self,
        renderer: &TileRenderer<'a>,
        journal: &mut Journal,
        progress: &mut impl FnMut(ExportProgress),
    ) -> Result<(), ExportError> {
        let from = journal.next;
        let walk = || self.zooms().flat_map(|z| renderer.walk(z, from));
        // The export has its own pool of threads. The global pool must stay free: it measures
        // statistics while the threads of this pool wait for them.
        let pool = ThreadPoolBuilder::new().num_threads(self.threads).build()?;
        let (total, over) = (AtomicU64::new(u64::MAX), AtomicBool::new(false));
        let token = cancel::inherit();
        let (sender, batches) = sync_channel(QUEUED_BATCHES);
        thread::scope(|scope| {
            let counting = scope.spawn(|| {
                let quads = walk().take_while(|_| !over.load(Ordering::Relaxed)).count();
                total.store(quads as u64, Ordering::Relaxed);
            });
            let drawing = scope.spawn(|| {
                pool.install(|| draw_batches(renderer, walk(), &token, sender));
            });
            // The count ends with the writing, also if `progress` panics.
            let writing = SetOnDrop(&over);
            let mut quads = 0;
            let mut write = |batch: DrawnBatch| {
                let batch = batch?;
                journal.append(&batch)?;
                quads += batch.len() as u64;
                let (start, end) = journal.span();
                let total = total.load(Ordering::Relaxed);
                progress(ExportProgress {
                    quads,
                    total: (total < u64::MAX).then_some(total),
                    tiles: journal.tiles,
                    bytes: end - start,
                });
                Ok(())
            };
            let outcome = batches.into_iter().try_for_each(&mut write);
            drop(writing);
            // A thread that was cancelled, or that needs points which can't be read, has unwound
            // its stack. The reason goes on to the caller.
            match drawing.join().and(counting.join()) {
                Ok(()) => outcome,
                Err(reason) => resume_unwind(reason),
            }
        })
    }
}

/// The tiles of a batch of quads (squares of neighbouring tiles), or the error of one of them.
type DrawnBatch = Result<Vec<RenderedQuad>, ExportError>;

/// Draws quads (squares of neighbouring tiles) batch by batch, and sends each batch to the thread
/// that writes it. It ends early if that thread has dropped the receiver.
fn draw_batches(
    renderer: &TileRenderer<'_>,
    mut quads: impl Iterator<Item = TileQuad> + Send,
    token: &InheritedToken,
    sender: SyncSender<DrawnBatch>,
) {
    let mut now: Vec<TileQuad> = quads.by_ref().take(BATCH).collect();
    while !now.is_empty() {
        let (batch, next) = rayon::join(
            || {
                let draw = |&quad: &TileQuad| token.run(|| renderer.render(quad));
                now.par_iter().map(draw).collect()
            },
            || quads.by_ref().take(BATCH).collect(),
        );
        now = next;
        if sender.send(batch).is_err() {
            return;
        }
    }
}

/// A flag that is set at the end of the block, however the block ends.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::{Point, Points};
    use heatsplat_render::{Category, Comparison, CpuBackend, PointSet, Style};
    use std::sync::Arc;

    /// The expected digests were computed by earlier builds of the current version. They must not
    /// change, or the `.partial` files of those builds couldn't be resumed. Since the version is
    /// part of a digest, each release has new digests.
    #[test]
    fn digests_of_settings_never_change() {
        let places = [(142.37, 38.32), (-72.9, -36.1)];
        let points = places.map(|(lon, lat)| Point::from_lon_lat(lon, lat, 9.1).unwrap());
        let mut style = Style::default();
        style.set("radius", "12km").unwrap();
        let layer = |set: PointSet| {
            let backend = Arc::new(CpuBackend::new());
            Layer::new("Quakes \"2\"", set, style.clone(), backend)
        };
        let plain = || PointSet::new(Points::from_slice(&points));
        let radii = layer(PointSet::with_radii(&points, &[3.0, 4.5]));
        let ratio = PointSet::from_comparison(&plain(), Comparison::Over, Arc::new(plain()));
        let categories = ["a", "b"].map(|name| {
            let points = Points::from_slice(&points);
            Category::new(name, points, [1, 2, 3])
        });
        let categories = layer(plain().in_categories(categories.into()));
        let (plain, ratio) = (layer(plain()), layer(ratio));
        let area = LonLatBox::new(-10.0, 35.5, 30.25, 60.0).unwrap();
        let parts = Export::new(&plain, 3..=8)
            .area(Some(area))
            .size(TileSize::RETINA)
            .content(Some(TileContent::WebP))
            .attribution(Some("© \"me\"\n".to_owned()));
        let rgba = Export::new(&radii, 2..=3).content(Some(TileContent::Rgba));
        let cpu = Export::new(&plain, 0..=8).backend_name("cpu");
        for (export, name, expected) in [
            (
                cpu,
                "a.pmtiles",
                "bc441789c4a9a0c3633ee42e0aeabc29be57858c179595046c5452cb60171ecc",
            ),
            (
                parts,
                "a.mbtiles",
                "782d0d738e9ac818a47114e8d7933db070754808a104fd04e99ad7e88c47a4b4",
            ),
            (
                Export::new(&radii, 2..=3),
                "a.tif",
                "8f8183b16fc123d85fff93a8393f83a5e4fc7cebbd4523526752a5081f07f2ec",
            ),
            (
                rgba,
                "a/{z}/{x}/{y}.png",
                "4e59d24e1ffa6ad0c27513415a09ab5c8f944edaca273d25a3da8f4d3a11d582",
            ),
            (
                Export::new(&ratio, 0..=0),
                "a.pmtiles",
                "9a01ac71740728f37343adaf497012800aad336ce6873c689c099256c1680657",
            ),
            (
                Export::new(&categories, 0..=0),
                "a.pmtiles",
                "91d51b8dfcd95d10181c6074c6ba42a57b5645b1d88a601b439f42c65e905f5b",
            ),
        ] {
            let target = Target::from_path(name.as_ref()).unwrap();
            let renderer = export.renderer(&target).unwrap();
            let digest = export.settings(&target, &renderer).digest();
            let hex = digest.map(|byte| format!("{byte:02x}")).concat();
            assert_eq!(hex, expected, "{name}");
        }
    }
}
