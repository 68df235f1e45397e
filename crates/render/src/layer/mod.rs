//! Points with a style: what answers tiles, maps, values and legends.

pub(crate) mod categories;
pub mod evaluate;
mod heat_bounds;
pub(crate) mod isolines;
pub(crate) mod local_equalize;
pub(crate) mod nearest;
pub(crate) mod point_query;
pub(crate) mod point_set;
pub(crate) mod view;

use crate::encode::{self, Effort, EncodeError, Format};
use crate::layer::evaluate::Field;
use crate::layer::local_equalize::LocalScales;
use crate::layer::point_query::Value;
use crate::layer::point_set::PointSet;
use crate::legend::Legend;
use crate::scale::histogram::{self, Statistics};
use crate::scale::level::Level;
use crate::scale::{Normalizer, Transform};
use crate::splat::Backend;
use crate::splat::cpu::CpuBackend;
use crate::splat::density::{Density, Picture};
use crate::style::measure::{Comparison, Nature};
use crate::style::{NormalizerKey, StatisticsKey, Style};
use heatsplat_points::{Points, TileId, Window, WorldCoord};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How large a tile is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileSize {
    /// CSS pixels a side: 256 or 512.
    css: u32,
    /// Pixels to a CSS pixel: 1 or 2.
    ratio: u32,
}

impl TileSize {
    /// 256 × 256 pixels.
    pub const NORMAL: Self = Self { css: 256, ratio: 1 };
    /// 512 × 512 pixels of the same map as [`NORMAL`](Self::NORMAL), for screens with small pixels.
    pub const RETINA: Self = Self { css: 256, ratio: 2 };

    /// A tile of 256 or 512 CSS pixels at 1 or 2 pixels to each; `None` for others.
    pub fn new(css: u32, ratio: u32) -> Option<Self> {
        (matches!(css, 256 | 512) && matches!(ratio, 1 | 2)).then_some(Self { css, ratio })
    }

    /// Pixels a side.
    pub fn pixels(self) -> u32 {
        self.css * self.ratio
    }

    /// Pixels to a CSS pixel.
    pub fn ratio(self) -> u32 {
        self.ratio
    }

    /// The level at which CSS pixels of a zoom lie: what statistics belong to.
    fn css_level(self, z: u8) -> u8 {
        z + self.css.ilog2() as u8
    }
}

/// How many (zoom, kernel) pairs a layer remembers statistics and scales of.
const REMEMBERED: usize = 512;

/// Points, how they look, and what is known of their densities.
#[derive(Debug)]
pub struct Layer {
    name: String,
    set: Arc<PointSet>,
    style: Style,
    epoch: u64,
    backend: Arc<dyn Backend>,
    statistics: Remembered<(u8, StatisticsKey), Statistics>,
    normalizers: Remembered<(u8, NormalizerKey), Normalizer>,
    local: Box<LocalScales>,
}

impl Layer {
    /// A layer that is drawn by a backend.
    pub fn new(
        name: &str,
        points: impl Into<Arc<Points>>,
        style: Style,
        backend: Arc<dyn Backend>,
    ) -> Self {
        Self::of(name, Arc::new(PointSet::new(points)), style, backend)
    }

    /// A layer that is drawn on the processor.
    pub fn on_cpu(name: &str, points: impl Into<Arc<Points>>, style: Style) -> Self {
        Self::new(name, points, style, Arc::new(CpuBackend::new()))
    }

    /// A layer of points, or of a comparison of two sets of them.
    pub fn of(name: &str, set: Arc<PointSet>, style: Style, backend: Arc<dyn Backend>) -> Self {
        let nature = set.nature(style.measure);
        let style = style.suited_to(nature);
        Self {
            name: name.to_owned(),
            set,
            style,
            epoch: 1,
            backend,
            statistics: Remembered::default(),
            normalizers: Remembered::default(),
            local: Box::default(),
        }
    }

    /// This layer set against another; a style's parts that nobody has chosen suit what comes
    /// of it.
    pub fn against(&self, how: Comparison, other: &Self, name: &str, style: Style) -> Self {
        let set = PointSet::comparing(&self.set, how, Arc::clone(&other.set));
        Self::of(name, Arc::new(set), style, Arc::clone(&self.backend))
    }

    /// What the layer is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its points; of a comparison, the first set's.
    pub fn points(&self) -> &Points {
        self.set.points()
    }

    /// What it draws.
    pub fn set(&self) -> &Arc<PointSet> {
        &self.set
    }

    /// How it looks unless a request says otherwise.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// A style with what nobody has chosen suited to the layer's numbers.
    pub fn suited(&self, style: Style) -> Style {
        let nature = self.set.nature(style.measure);
        style.suited_to(nature)
    }

    /// Who draws it.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Grows with every change of the data.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The same layer, as that many changes of its data have made it.
    pub fn at_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// How far around a window points matter to the layer's own style, in the window's pixels:
    /// those with a radius of their own too.
    pub fn reach_in(&self, window: &Window, ratio: u32) -> f64 {
        self.reach_of(&self.style, window, ratio)
    }

    /// The same of any style.
    pub(crate) fn reach_of(&self, style: &Style, window: &Window, ratio: u32) -> f64 {
        let other = self.set.versus().and_then(|(_, other)| other.widest());
        let widest = self.set.widest().into_iter().chain(other);
        let own = widest.map(|radius| style.shape.reach_of(radius * f64::from(ratio)));
        own.fold(style.reach_in(window, ratio), f64::max)
    }

    /// A tile as colour indices of the style's ramp.
    pub fn tile(&self, tile: TileId, size: TileSize, style: &Style) -> Picture {
        let window = Window::tile(tile, size.pixels());
        let level = Level::from(size.css_level(tile.z()));
        self.picture(window, size.ratio(), style, level)
    }

    /// A tile's numbers.
    pub fn tile_density(&self, tile: TileId, size: TileSize, style: &Style) -> Density {
        self.density(Window::tile(tile, size.pixels()), size.ratio(), style)
    }

    /// A picture of any window, `ratio` pixels to a CSS pixel; its scale is that of its own zoom,
    /// which may lie between two: see [`normalizer_at`](Self::normalizer_at).
    pub fn map(&self, window: Window, ratio: u32, style: &Style) -> Picture {
        let level = Level::of(&window, ratio);
        self.picture(window, ratio, style, level)
    }

    /// The numbers of any window, `ratio` pixels to a CSS pixel: what the style measures, NaN
    /// where it has no value.
    pub fn density(&self, window: Window, ratio: u32, style: &Style) -> Density {
        evaluate::density(&self.set, style, window, ratio, self.backend.as_ref())
    }

    fn picture(&self, window: Window, ratio: u32, style: &Style, level: Level) -> Picture {
        let level = style.level_in(&window, level);
        if self.is_local(style) {
            let mut picture = None;
            let mut color = |numbers: &[f32]| {
                picture = Some(self.by_neighbourhood(numbers, &window, level, style));
            };
            let by = self.backend.as_ref();
            evaluate::show(&self.set, style, window, ratio, by, &mut color);
            return picture.unwrap_or_else(|| Picture::empty(window.width(), window.height()));
        }
        let scale = self.normalizer_at(level, style);
        let backend = self.backend.as_ref();
        evaluate::picture(&self.set, style, window, ratio, &scale, backend)
    }

    /// The colour indices of numbers that [`density`](Self::density) has given.
    pub fn colorize(
        &self,
        numbers: &Density,
        window: &Window,
        level: impl Into<Level>,
        style: &Style,
    ) -> Picture {
        let level = style.level_in(window, level.into());
        if self.is_local(style) {
            return self.by_neighbourhood(&numbers.values, window, level, style);
        }
        let nature = self.set.nature(style.measure);
        evaluate::colored(numbers, &self.normalizer_at(level, style), nature)
    }

    /// The colour indices of numbers by what is around them; between two whole levels, those of
    /// both, mixed as near as each is.
    fn by_neighbourhood(
        &self,
        numbers: &[f32],
        window: &Window,
        level: Level,
        style: &Style,
    ) -> Picture {
        let colorize = |level| self.local.colorize(self, numbers, window, level, style);
        let mut picture = colorize(level.below());
        if let Some((above, share)) = level.above() {
            let other = colorize(above);
            for (index, other) in picture.indices.iter_mut().zip(other.indices) {
                let (below, above) = (f64::from(*index), f64::from(other));
                *index = (below + (above - below) * share).round() as u8;
            }
        }
        picture
    }

    /// Whether colours follow the neighbourhood; only amounts do.
    pub fn is_local(&self, style: &Style) -> bool {
        let nature = self.set.nature(style.measure);
        style.scale.transform == Transform::Local && nature == Nature::Amount
    }

    /// A tile as an image file.
    ///
    /// # Errors
    /// What the encoder can't write; none is known for tiles.
    pub fn tile_bytes(
        &self,
        tile: TileId,
        size: TileSize,
        style: &Style,
        format: Format,
    ) -> Result<Arc<[u8]>, EncodeError> {
        let window = Window::tile(tile, size.pixels());
        let level = size.css_level(tile.z()).into();
        self.bytes(window, size.ratio(), style, level, format)
    }

    /// A picture of any window as an image file; see [`map`](Self::map).
    ///
    /// # Errors
    /// A size that the format can't have.
    pub fn map_bytes(
        &self,
        window: Window,
        ratio: u32,
        style: &Style,
        format: Format,
    ) -> Result<Arc<[u8]>, EncodeError> {
        let level = Level::of(&window, ratio);
        self.bytes(window, ratio, style, level, format)
    }

    fn bytes(
        &self,
        window: Window,
        ratio: u32,
        style: &Style,
        level: Level,
        format: Format,
    ) -> Result<Arc<[u8]>, EncodeError> {
        if format.is_density() {
            let density = self.density(window, ratio, style);
            return Ok(encode::densities(format, &density, &window)?.into());
        }
        let (drawn, pixels) = self.drawn(window, ratio, style, level);
        let (width, height) = (drawn.width, drawn.height);
        match pixels {
            Some(pixels) => encode::pixels(format, &pixels, width, height, Effort::Live),
            None => {
                let (ramp, effort) = (style.ramp(), Effort::Live);
                encode::picture(format, &drawn.indices, width, height, ramp, effort)
            }
        }
    }

    /// Whether pictures have more colours than the ramp: those of categories, or isolines.
    pub fn is_mixed(&self, style: &Style) -> bool {
        let lines = style.isolines().is_some() && !self.is_local(style);
        lines || !self.set.categories().is_empty()
    }

    /// A picture of any window as straight RGBA pixels; see [`map`](Self::map).
    pub fn map_pixels(&self, window: Window, ratio: u32, style: &Style) -> Vec<u8> {
        let level = Level::of(&window, ratio);
        let (drawn, pixels) = self.drawn(window, ratio, style, level);
        pixels.unwrap_or_else(|| encode::rgba(&drawn.indices, style.ramp()))
    }

    /// A picture's colour indices, and its straight RGBA pixels where those say more.
    fn drawn(
        &self,
        window: Window,
        ratio: u32,
        style: &Style,
        level: Level,
    ) -> (Picture, Option<Vec<u8>>) {
        let categories = self.set.categories();
        if categories.is_empty() && self.is_mixed(style) {
            return self.with_isolines(window, ratio, style, level);
        }
        let drawn = self.picture(window, ratio, style, level);
        let mixed = !categories.is_empty() && !drawn.is_empty();
        let pixels = mixed.then(|| {
            let by = self.backend.as_ref();
            categories::mixed(categories, &drawn, style, window, ratio, by)
        });
        (drawn, pixels)
    }

    fn with_isolines(
        &self,
        window: Window,
        ratio: u32,
        style: &Style,
        level: Level,
    ) -> (Picture, Option<Vec<u8>>) {
        // how steep it is at the edge, the pixel beyond it says
        let numbers = self.density(window.grown(1), ratio, style);
        let drawn = self.colorize(&numbers.without_rim(), &window, level, style);
        if drawn.is_empty() {
            return (drawn, None);
        }
        let (scale, lines) = (
            self.normalizer_at(style.level_in(&window, level), style),
            style.isolines().unwrap_or(0),
        );
        let pixels = isolines::drawn(&numbers, &drawn, &scale, lines, ratio, style.ramp());
        (drawn, Some(pixels))
    }

    /// What the style measures at a coordinate as zoom `z` sees it, and how many points make
    /// it up.
    pub fn value(&self, at: WorldCoord, z: u8, style: &Style) -> Value {
        Value::at(&self.set, at, f64::from(z), style)
    }

    /// What the colours of zoom `z` mean.
    pub fn legend(&self, z: u8, style: &Style) -> Legend {
        let scale = self.normalizer(TileSize::NORMAL.css_level(z), style);
        self.legend_of(&scale, style)
    }

    /// What the colours of one of the layer's scales mean.
    pub fn legend_of(&self, scale: &Normalizer, style: &Style) -> Legend {
        let legend = Legend::of(scale, style);
        if !self.set.categories().is_empty() {
            // a colour says of which kind, and no number
            return legend.in_categories(self.set.categories());
        }
        if self.is_local(style) {
            return legend.of_neighbourhoods();
        }
        legend.in_unit(style.unit())
    }

    /// The scale of a picture at any level. Between two whole ones it lies between their scales:
    /// the end of the ramp goes from the one to the other by factors, as densities do, those of means
    /// on a straight line; equalised positions so, density by density.
    pub fn normalizer_at(&self, level: Level, style: &Style) -> Arc<Normalizer> {
        let below = self.normalizer(level.below(), style);
        let Some((above, _)) = level.above() else {
            return below;
        };
        let above = self.normalizer(above, style);
        let nature = self.set.nature(style.measure);
        Arc::new(style.scale.between(&below, &above, nature, level))
    }

    /// The scale of a style at a level: the same for every picture of that level.
    pub fn normalizer(&self, level: u8, style: &Style) -> Arc<Normalizer> {
        let make = || {
            let nature = self.set.nature(style.measure);
            Arc::new(if style.scale.needs_statistics() {
                let statistics = self.statistics(style.scale.level(level), style);
                style.scale.resolve(&statistics, nature, level)
            } else {
                style.scale.resolve(&Statistics::default(), nature, level)
            })
        };
        self.normalizers
            .get_or_make((level, style.normalizer_key(level)), make)
    }

    /// The numbers that the layer has at a level, measured once however many ask.
    pub fn statistics(&self, level: u8, style: &Style) -> Arc<Statistics> {
        let make = || {
            let field = |window: Window| Field::new(style, window, 1.0);
            Arc::new(histogram::measure(
                &self.set,
                level,
                field,
                self.backend.as_ref(),
            ))
        };
        self.statistics
            .get_or_make((level, style.statistics_key(level)), make)
    }
}

/// Things that are made once per key, however many ask at the same time.
#[derive(Debug)]
pub(crate) struct Remembered<K, V>(Mutex<HashMap<K, Arc<OnceLock<Arc<V>>>>>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    pub(crate) fn get_or_make(&self, key: K, make: impl FnOnce() -> Arc<V>) -> Arc<V> {
        let place = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= REMEMBERED && !known.contains_key(&key) {
                known.clear();
            }
            known.entry(key).or_default().clone()
        };
        // outside the lock: others may ask for other keys meanwhile
        place.get_or_init(make).clone()
    }
}
