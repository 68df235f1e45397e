//! Layers. A layer is a set of points with a style. Tiles, maps, values and legends are made from
//! it.

pub(crate) mod category;
pub mod evaluate;
mod heat_bounds;
mod isolines;
mod local_equalize;
mod mix_colors;
pub(crate) mod nearest;
pub(crate) mod paged_counts;
pub(crate) mod point_query;
pub(crate) mod point_set;
pub(crate) mod projected;
pub(crate) mod quantity;
pub(crate) mod request;
pub(crate) mod sampling;
pub(crate) mod shared_statistics;

use crate::layer::evaluate::MeasureEval;
use crate::layer::local_equalize::LocalScales;
use crate::layer::point_query::{PointQuery, PointValue};
use crate::layer::point_set::PointSet;
use crate::layer::request::PictureRequest;
use crate::layer::sampling::SampledTile;
use crate::layer::shared_statistics::SharedStatistics;
use crate::legend::Legend;
use crate::memo::Memo;
use crate::memo::budget::MemoryBudget;
use crate::scale::histogram::Statistics;
use crate::scale::level::Level;
use crate::scale::normalizer::Normalizer;
use crate::scale::transform::Transform;
use crate::scale::value_kind::ValueKind;
use crate::splat::Backend;
use crate::splat::cpu::CpuBackend;
use crate::splat::view::{TileSize, View};
use crate::style::Style;
use crate::style::keys::{NormalizerKey, ValuesKey};
use crate::style::measure::Comparison;
use heatsplat_points::{Points, TileId, Window, WorldCoord, cancel};
use std::sync::Arc;

/// The most entries in each of a layer's five caches. The caches are for statistics, the tiles in
/// which they are measured, scales, local histograms, and look-up tables made from local
/// histograms. The number is a choice.
const CACHED: usize = 512;

/// A named set of points, with the style and the backend that draw it. It caches statistics of the
/// densities, which scales are made from.
///
/// A picture is described by a chain of calls. Nothing is drawn before the chain's last call, here
/// `png`:
///
/// ```
/// use heatsplat_points::{Points, TileId};
/// use heatsplat_render::{Layer, Style, TileSize};
///
/// let points = Points::from_lon_lat([(142.37, 38.32, 9.1), (143.9, 41.8, 8.3)])?;
/// let layer = Layer::on_cpu("quakes", points, Style::default());
/// let png = layer.tile(TileId::WORLD).size(TileSize::RETINA).png()?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Layer {
    name: String,
    data: Arc<PointSet>,
    style: Style,
    epoch: u64,
    /// True if statistics of the layer's own style are measured to the end even if the request that
    /// needs them is cancelled. False for a layer that is made for one request.
    measures_to_the_end: bool,
    backend: Arc<dyn Backend>,
    /// Statistics that this layer shares with other layers, and from which its scales are made.
    /// `None` if its scales are made from statistics of its own points.
    shared: Option<Arc<SharedStatistics>>,
    /// The layer whose scales this one has; `None` if it has its own.
    scales: Option<Arc<Self>>,
    statistics: Memo<(u8, ValuesKey), Statistics>,
    /// The tiles in which statistics are measured, by the level.
    sampled: Memo<u8, Vec<SampledTile>>,
    normalizers: Memo<(u8, NormalizerKey), Normalizer>,
    local: Box<LocalScales>,
    budget: Arc<MemoryBudget>,
}

impl Layer {
    /// Makes a layer of points or of a [`PointSet`], drawn by `backend`. If `style` sets no
    /// transform or no ramp, one is chosen that suits the [kind of the values](ValueKind).
    pub fn new(
        name: &str,
        data: impl Into<PointSet>,
        style: Style,
        backend: Arc<dyn Backend>,
    ) -> Self {
        let data = data.into();
        let kind = data.value_kind(style.measure());
        Self {
            name: name.to_owned(),
            data: Arc::new(data),
            style: style.suited_to(kind),
            epoch: 1,
            measures_to_the_end: true,
            backend,
            shared: None,
            scales: None,
            statistics: Memo::new(CACHED),
            sampled: Memo::new(CACHED),
            normalizers: Memo::new(CACHED),
            local: Box::new(LocalScales::new(CACHED, &Arc::default())),
            budget: Arc::default(),
        }
    }

    /// Empties the layer's caches, and from then on counts the bytes of what they contain in
    /// `budget`, which other layers may share.
    pub fn within(mut self, budget: &Arc<MemoryBudget>) -> Self {
        self.statistics = Memo::counted(CACHED, budget, |(_, key), statistics| {
            key.text_bytes() + statistics.heap_bytes()
        });
        self.sampled = Memo::counted(CACHED, budget, |_, tiles| size_of_val(&**tiles));
        self.normalizers = Memo::counted(CACHED, budget, |(_, key), scale| {
            key.text_bytes() + scale.heap_bytes()
        });
        *self.local = LocalScales::new(CACHED, budget);
        self.budget = Arc::clone(budget);
        self
    }

    /// The budget in which the layer's caches are counted.
    pub fn budget(&self) -> &Arc<MemoryBudget> {
        &self.budget
    }

    /// Makes a layer of points or of a [`PointSet`], drawn on the CPU. See [`new`](Self::new).
    pub fn on_cpu(name: &str, data: impl Into<PointSet>, style: Style) -> Self {
        Self::new(name, data, style, Arc::new(CpuBackend::new()))
    }

    /// Makes a layer named `name` that shows this layer minus `other`, or this layer divided by
    /// `other`, as `how` says. It is drawn by this layer's backend. If `style` sets no transform or
    /// no ramp, one is chosen that suits differences or quotients.
    pub fn against(&self, how: Comparison, other: &Self, name: &str, style: Style) -> Self {
        let set = PointSet::from_comparison(&self.data, how, Arc::clone(&other.data));
        Self::new(name, set, style, Arc::clone(&self.backend))
    }

    /// The layer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layer's points. If the layer compares two sets, these are the points of the first set.
    pub fn points(&self) -> &Points {
        self.data.points()
    }

    /// The set that is drawn: the points, with their categories, own radii, and the set that they
    /// are compared with.
    pub fn data(&self) -> &Arc<PointSet> {
        &self.data
    }

    /// The layer's own style. Pictures have it unless the request sets another style.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// Returns `style`, completed for this layer: if it sets no transform or no ramp, it gets one
    /// that suits the kind of the layer's values.
    pub fn suited(&self, style: Style) -> Style {
        let kind = self.value_kind(&style);
        style.suited_to(kind)
    }

    /// The backend that draws the layer.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// The version of the data: 1, or a number that the layer's owner has set and raises with every
    /// change of the points.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Sets the version of the data, which [`epoch`](Self::epoch) returns.
    pub fn at_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// Marks the layer as made for one request. The statistics of its own style are then measured
    /// under the request's cancel token, like the statistics of any other style: see
    /// [`statistics`](Self::statistics).
    pub fn measured_for_requests(mut self) -> Self {
        self.measures_to_the_end = false;
        self
    }

    /// Replaces the layer's own statistics, from which scales are made, by statistics that several
    /// layers share. Scales of the style `scale=local` stay the layer's own.
    pub fn sharing(mut self, statistics: Arc<SharedStatistics>) -> Self {
        self.shared = Some(statistics);
        self
    }

    /// The kind of the values that `style`'s measure has for this layer's points: amounts, means,
    /// signed numbers or quotients.
    pub fn value_kind(&self, style: &Style) -> ValueKind {
        self.data.value_kind(style.measure())
    }

    /// The greatest distance, in the view's pixels, at which any point adds to a pixel under the
    /// layer's own style. Points with their own radii are taken into account.
    pub fn reach_in(&self, view: impl Into<View>) -> f64 {
        self.reach_of(&self.style, view.into())
    }

    /// The greatest distance, in the view's pixels, at which any point adds to a pixel under
    /// `style`. Points with their own radii are taken into account.
    pub(crate) fn reach_of(&self, style: &Style, view: View) -> f64 {
        let other = self.data.versus().and_then(|(_, other)| other.widest());
        let widest = self.data.widest().into_iter().chain(other);
        let ratio = f64::from(view.ratio());
        let own = widest.map(|radius| style.shape().reach_of(radius * ratio));
        own.fold(style.reach_in(view), f64::max)
    }

    /// Begins the description of a tile's picture. The picture has 256 × 256 pixels unless
    /// [`size`](PictureRequest::size) sets another size.
    pub fn tile(&self, tile: TileId) -> PictureRequest<'_, TileId> {
        PictureRequest::new(self, View::tile(tile, TileSize::NORMAL), tile)
    }

    /// Begins the description of a picture of any part of the map. A `Window` stands for a view
    /// with one pixel per CSS pixel. The picture may lie between two whole zooms: then its scale
    /// lies between theirs, as [`normalizer_at`](Self::normalizer_at) describes.
    pub fn map(&self, view: impl Into<View>) -> PictureRequest<'_> {
        PictureRequest::new(self, view.into(), ())
    }

    /// True if a value's colour depends on the values around it: the style has `scale=local`, and
    /// its values are amounts. For other kinds of values `scale=local` does what `scale=eq_hist`
    /// does.
    pub fn is_local(&self, style: &Style) -> bool {
        let amount = self.value_kind(style) == ValueKind::Amount;
        amount && style.scale().transform == Transform::Local
    }

    /// True if pictures can have colours beyond the ramp's 256, because the layer has categories or
    /// the style has isolines.
    pub fn is_mixed(&self, style: &Style) -> bool {
        let lines = style.isolines().is_some() && !self.is_local(style);
        lines || !self.data.categories().is_empty()
    }

    /// Returns the value at a coordinate as drawn at zoom `z`, and the number and the mean weight
    /// of the points whose kernels reach the coordinate.
    pub fn value(&self, at: WorldCoord, z: u8, style: &Style) -> PointValue {
        PointQuery::new(at, f64::from(z), style).run(&self.data)
    }

    /// Makes the legend for tiles of 256 CSS pixels at zoom `z`.
    pub fn legend(&self, z: u8, style: &Style) -> Legend {
        let scale = self.normalizer(TileSize::NORMAL.css_level(z), style);
        self.legend_of(&scale, style)
    }

    /// Makes the legend for `scale`, a scale of this layer under `style`.
    pub fn legend_of(&self, scale: &Normalizer, style: &Style) -> Legend {
        let legend = Legend::for_style(scale, style);
        let categories = self.data.categories();
        if !categories.is_empty() {
            // The colours of categories stand for kinds of points, not for values.
            return legend.in_categories(categories.iter().map(|c| (&*c.name, c.color)));
        }
        if self.is_local(style) {
            return legend.of_neighbourhoods();
        }
        let quantity = self.data.quantity();
        let legend = match quantity.title() {
            Some(title) => legend.titled(title),
            None => legend,
        };
        legend.in_unit(quantity.unit(style))
    }

    /// The unit, in words, of the values that this layer has under `style`, for example `people per
    /// km²`.
    pub fn unit(&self, style: &Style) -> String {
        self.data.quantity().unit(style)
    }

    /// Returns the scale of pictures at a whole or fractional level.
    ///
    /// Between two whole levels the two ends of the domain are interpolated between those levels'
    /// ends: geometrically, because densities change by a factor from level to level, or linearly
    /// if the values are means. The curves of equalised scales are interpolated in the same way,
    /// geometrically or linearly. An end that the style's domain sets is not interpolated.
    pub fn normalizer_at(&self, level: Level, style: &Style) -> Arc<Normalizer> {
        let below = self.normalizer(level.below(), style);
        let Some((above, _)) = level.above() else {
            return below;
        };
        let above = self.normalizer(above, style);
        let kind = self.value_kind(style);
        Arc::new(style.scale().between(&below, &above, kind, level))
    }

    /// Returns the scale of all pictures at an integer level. At `level` the world is 2^`level` CSS
    /// pixels wide.
    pub fn normalizer(&self, level: u8, style: &Style) -> Arc<Normalizer> {
        if let Some(scales) = &self.scales {
            return scales.normalizer(level, style);
        }
        let resolve = || {
            let (scale, kind) = (style.scale(), self.value_kind(style));
            if scale.needs_statistics() {
                let statistics = self.statistics(scale.level(level), style);
                scale.resolve(&statistics, kind, level)
            } else {
                scale.resolve(&Statistics::default(), kind, level)
            }
        };
        let key = (level, style.normalizer_key(level));
        self.normalizers.get_or_compute(&key, resolve)
    }

    /// Returns true if the scale of a level is cached, so that pictures at this level are drawn
    /// without measuring statistics.
    pub fn has_normalizer(&self, level: Level, style: &Style) -> bool {
        if let Some(scales) = &self.scales {
            return scales.has_normalizer(level, style);
        }
        let mut levels = level.wholes();
        levels.all(|level| {
            let key = (level, style.normalizer_key(level));
            self.normalizers.has(&key)
        })
    }

    /// Returns true if another thread is measuring the scale of a level, so that a caller that
    /// needs it would wait for that thread.
    pub fn is_measuring(&self, level: Level, style: &Style) -> bool {
        if let Some(scales) = &self.scales {
            return scales.is_measuring(level, style);
        }
        let mut levels = level.wholes();
        levels.any(|level| {
            let measured = style.scale().level(level);
            let statistics = (measured, style.statistics_key(measured));
            self.normalizers
                .is_pending(&(level, style.normalizer_key(level)))
                || self.statistics.is_pending(&statistics)
                || self
                    .shared
                    .as_ref()
                    .is_some_and(|s| s.is_pending(&statistics))
        })
    }

    /// Returns statistics of the values that pictures at `level` have, where the world is 2^`level`
    /// CSS pixels wide. They are measured at the first call, by the CPU, and cached.
    ///
    /// The statistics of the layer's own style are measured to the end even if the caller's work
    /// must end (see [`cancel`]), since every picture needs them. A layer that one request has made
    /// is an exception: see [`measured_for_requests`](Self::measured_for_requests).
    ///
    /// The radius is rounded for the measurement, as [`Style::for_statistics`] says, so styles with
    /// nearly equal radii share statistics.
    pub fn statistics(&self, level: u8, style: &Style) -> Arc<Statistics> {
        let measure = |set: &PointSet, tiles: &dyn Fn() -> Arc<Vec<SampledTile>>| {
            let measured = style.for_statistics(level);
            let evaluation = |window: Window| MeasureEval::new(&measured, window, 1.0);
            let backend = self.backend.measurer();
            let measure = || sampling::measure(set, &tiles(), level, evaluation, backend);
            let is_own = style.statistics_key(level) == self.style.statistics_key(level);
            let shared = self.shared.as_ref();
            let to_the_end = shared.map_or(self.measures_to_the_end, |s| s.measures_to_the_end());
            if is_own && to_the_end {
                cancel::shielded(measure)
            } else {
                measure()
            }
        };
        let key = (level, style.statistics_key(level));
        match &self.shared {
            Some(shared) => shared.get(&key, measure),
            None => self.statistics.get_or_compute(&key, || {
                let tiles = || sampling::sampled_tiles(&self.data, level);
                measure(&self.data, &|| self.sampled.get_or_compute(&level, tiles))
            }),
        }
    }
}
