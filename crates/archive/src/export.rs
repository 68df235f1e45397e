//! From a layer to a finished file: who draws, who writes, and what they tell meanwhile.

use crate::area::Area;
use crate::error::ExportError;
use crate::journal::Part;
use crate::quad_walk::Quad;
use crate::render::{Brush, Drawn, Paint};
use crate::target::{Kind, Target};
use crate::{cog, mbtiles, pmtiles, xyz_folder};
use heatsplat_points::{Focus, MAX_ZOOM, Points, bounds};
use heatsplat_render::{Layer, TileSize};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Quads that are drawn before their tiles are written: some megabytes.
const BATCH: usize = 128;
/// Batches that may wait to be written.
const WAITING: usize = 2;

/// What becomes of files that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Begin {
    /// They are left alone, and the export is refused.
    #[default]
    New,
    /// The target is replaced once the new one is whole; what a broken-off export left goes.
    Overwrite,
    /// What a broken-off export of the same left is finished.
    Resume,
}

/// What is to be exported. `new` says what, the others how.
#[derive(Clone, Debug)]
pub struct Export<'a> {
    layer: &'a Layer,
    zooms: RangeInclusive<u8>,
    area: Option<Area>,
    size: TileSize,
    paint: Option<Paint>,
    attribution: Option<String>,
    begin: Begin,
    threads: usize,
    drawn_by: String,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Quads of tiles that have been drawn by this run.
    pub quads: u64,
    /// How many this run has to draw, once they are counted.
    pub of: Option<u64>,
    /// Tiles that are stored, by earlier runs too.
    pub tiles: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Made {
    /// Tiles that show something.
    pub tiles: u64,
    /// Tiles that are no other's twin.
    pub distinct: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Tiles of them that an earlier run had drawn.
    pub resumed: u64,
}

impl<'a> Export<'a> {
    /// All tiles of some zooms: 256 pixels a side, PNG with a palette, on all cores.
    pub fn new(layer: &'a Layer, zooms: RangeInclusive<u8>) -> Self {
        Self {
            layer,
            zooms,
            area: None,
            size: TileSize::NORMAL,
            paint: None,
            attribution: None,
            begin: Begin::New,
            threads: thread::available_parallelism().map_or(1, usize::from),
            drawn_by: String::new(),
        }
    }

    /// Only tiles that a box touches.
    pub fn area(mut self, area: Option<Area>) -> Self {
        self.area = area;
        self
    }

    /// Tiles of another size.
    pub fn size(mut self, size: TileSize) -> Self {
        self.size = size;
        self
    }

    /// What tiles hold; else what the format is best for: densities in a raster, PNG elsewhere.
    pub fn paint(mut self, paint: Option<Paint>) -> Self {
        self.paint = paint;
        self
    }

    /// Who the data come from, for maps to show.
    pub fn attribution(mut self, attribution: Option<String>) -> Self {
        self.attribution = attribution;
        self
    }

    /// What becomes of files that are there already.
    pub fn begin(mut self, begin: Begin) -> Self {
        self.begin = begin;
        self
    }

    /// Threads that draw: more than there are cores where they wait for a GPU.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// The layer's backend by its name. Two backends may differ by a colour step, so a part that
    /// one has drawn is not finished by another.
    pub fn drawn_by(mut self, backend: &str) -> Self {
        self.drawn_by = backend.to_owned();
        self
    }

    /// Draws and writes; `None` where there is nothing to resume, since the target is whole.
    /// `progress` is told after every batch.
    ///
    /// # Errors
    /// See [`ExportError`]; the target is as it was then.
    pub fn write(
        &self,
        target: &Target,
        mut progress: impl FnMut(Progress),
    ) -> Result<Option<Made>, ExportError> {
        let brush = self.brush(target)?;
        let about = About::of(self, brush.paint);
        let layout = brush.raster.then(|| self.layout(&brush)).transpose()?;
        let reserved = match (target.kind, &layout) {
            (Kind::PmTiles, _) => pmtiles::RESERVED,
            (_, Some(layout)) => layout.reserved(),
            (_, None) => 0,
        };
        let settings = self.settings(target, &brush);
        let Some(mut part) = Part::begin(&target.path, settings, reserved, self.begin)? else {
            return Ok(None);
        };
        let resumed = part.tiles;
        self.draw(&brush, &mut part, &mut progress)?;
        let (start, end) = part.span();
        let made = Made {
            tiles: part.tiles,
            distinct: part.distinct,
            bytes: end - start,
            resumed,
        };
        match (target.kind, &layout) {
            (Kind::PmTiles, _) => pmtiles::finish(part, &target.path, &about)?,
            (Kind::MbTiles, _) => mbtiles::finish(part, &target.path, &about)?,
            (_, Some(layout)) => cog::finish(part, &target.path, layout)?,
            (_, None) => xyz_folder::finish(part, &target.path, &about)?,
        }
        Ok(Some(made))
    }

    /// Checks that the wishes go together.
    pub(crate) fn brush(&self, target: &Target) -> Result<Brush<'a>, ExportError> {
        let raster = target.is_raster();
        let paint = self
            .paint
            .unwrap_or(if raster { Paint::Density } else { Paint::Png });
        let fits = match paint {
            Paint::Density => raster,
            Paint::Rgba => true,
            Paint::Png | Paint::WebP => !raster,
        };
        if !fits {
            let legal = if raster {
                "f32 or rgba"
            } else {
                "png, rgba or webp"
            };
            return Err(ExportError::Impossible(format!(
                "{} holds tiles as {legal}",
                target.path.display()
            )));
        }
        if self.zooms.is_empty() || *self.zooms.end() > MAX_ZOOM {
            let why = format!("zooms go from 0 to {MAX_ZOOM}, the first before the last");
            return Err(ExportError::Impossible(why));
        }
        Ok(Brush {
            layer: self.layer,
            area: self.area,
            size: self.size,
            paint,
            raster,
        })
    }

    /// What a raster of these tiles would be.
    fn layout(&self, brush: &Brush<'_>) -> Result<cog::Layout, ExportError> {
        let nature = self.layer.data().value_kind(self.layer.style().measure());
        let nothing = if nature.zero_is_nothing() { "0" } else { "nan" };
        cog::Layout::new(brush, self.zooms(), nothing)
    }

    pub(crate) fn thread_count(&self) -> usize {
        self.threads
    }

    pub(crate) fn zooms(&self) -> RangeInclusive<u8> {
        self.zooms.clone()
    }

    /// All that the bytes of an export depend on, as a digest.
    fn settings(&self, target: &Target, brush: &Brush<'_>) -> [u8; 32] {
        let paint = brush.paint;
        let words = format!(
            "{}\n{:?}\n{}\n{}\n{:?}\n{:?}\n{:?}\n{paint:?}\n{:?}\n{}\n",
            env!("CARGO_PKG_VERSION"),
            target.kind,
            self.layer.name(),
            self.layer.style(),
            self.zooms,
            self.area,
            self.size,
            self.attribution,
            self.drawn_by,
        );
        let mut digest = Sha256::new_with_prefix(words);
        for (what, points) in self.layer.data().parts() {
            digest.update(format!("{what:?} {}\n", points.as_slice().len()));
            digest_points(points, &mut digest);
        }
        digest.finalize().into()
    }

    /// Draws all that is missing, on all cores; this thread writes.
    fn draw(
        &self,
        brush: &Brush<'a>,
        part: &mut Part,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), ExportError> {
        let from = part.next;
        let walk = || self.zooms().flat_map(|z| brush.walk(z, from));
        // Whoever waits for statistics must not be one who draws them.
        let pool = ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = pool.map_err(|e| ExportError::Impossible(e.to_string()))?;
        let (of, over) = (AtomicU64::new(u64::MAX), AtomicBool::new(false));
        let (sender, drawn) = sync_channel::<Result<Vec<Drawn>, ExportError>>(WAITING);
        thread::scope(|scope| {
            scope.spawn(|| {
                let quads = walk().take_while(|_| !over.load(Ordering::Relaxed)).count();
                of.store(quads as u64, Ordering::Relaxed);
            });
            scope.spawn(|| {
                let sender = sender;
                pool.install(|| {
                    let mut quads = walk();
                    let mut now: Vec<Quad> = quads.by_ref().take(BATCH).collect();
                    while !now.is_empty() {
                        let (drawn, next) = rayon::join(
                            || now.par_iter().map(|&quad| brush.draw(quad)).collect(),
                            || quads.by_ref().take(BATCH).collect(),
                        );
                        now = next;
                        // nobody takes it where nothing can be written any more
                        if sender.send(drawn).is_err() {
                            return;
                        }
                    }
                });
            });
            let mut quads = 0;
            let mut write = |batch: Result<Vec<Drawn>, ExportError>| {
                let batch = batch?;
                part.add(&batch)?;
                quads += batch.len() as u64;
                let (start, end) = part.span();
                let of = of.load(Ordering::Relaxed);
                progress(Progress {
                    quads,
                    of: (of < u64::MAX).then_some(of),
                    tiles: part.tiles,
                    bytes: end - start,
                });
                Ok(())
            };
            let outcome = drawn.into_iter().try_for_each(&mut write);
            over.store(true, Ordering::Relaxed);
            outcome
        })
    }
}

fn digest_points(points: &Points, digest: &mut Sha256) {
    let mut bytes = Vec::new();
    for some in points.as_slice().chunks(4096) {
        bytes.clear();
        for point in some {
            bytes.extend(point.x.to_le_bytes());
            bytes.extend(point.y.to_le_bytes());
            bytes.extend(point.weight.to_le_bytes());
        }
        digest.update(&bytes);
    }
}

/// What an archive says about itself.
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) attribution: Option<String>,
    /// West, south, east, north of what its tiles show, with no east beyond 180: archives know none.
    pub(crate) bounds: [f64; 4],
    /// West, south, east, north of the points.
    pub(crate) data_bounds: Option<[f64; 4]>,
    /// Longitude and latitude of the densest place, and a zoom to begin with.
    pub(crate) center: (f64, f64, u8),
    pub(crate) zooms: RangeInclusive<u8>,
    pub(crate) paint: Paint,
    /// CSS pixels a side, and pixels to each.
    pub(crate) size: TileSize,
    pub(crate) style: Vec<(&'static str, String)>,
}

impl About {
    fn of(export: &Export<'_>, paint: Paint) -> Self {
        let layer = export.layer;
        let data_bounds = layer.data_bounds();
        let area = export.area.map(|area| area.degrees());
        let heat = || layer.heat_bounds(layer.style(), export.zooms(), export.size);
        let bounds = area.or_else(heat).unwrap_or(bounds::WORLD);
        let shown = area.or(data_bounds);
        let focus = shown.and_then(|shown| Focus::of(layer.points(), shown));
        let (first, last) = (*export.zooms.start(), *export.zooms.end());
        let center = focus.map_or_else(
            || {
                let [lon, lat, zoom] = bounds::middle(bounds, f64::from(first));
                (lon, lat, zoom as u8)
            },
            |focus| (focus.lon, focus.lat, focus.zoom.clamp(first, last)),
        );
        Self {
            name: layer.name().to_owned(),
            attribution: export.attribution.clone(),
            bounds: bounds::within_180(bounds),
            data_bounds,
            center,
            zooms: export.zooms(),
            paint,
            size: export.size,
            style: layer.style().parameters(),
        }
    }
}
