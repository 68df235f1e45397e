//! Layers: points with a style, the source of tiles, maps, values and legends.

pub(crate) mod category;
pub mod evaluate;
mod heat_bounds;
mod isolines;
mod local_equalize;
mod mix_colors;
pub(crate) mod nearest;
pub(crate) mod point_query;
pub(crate) mod point_set;
pub(crate) mod request;
pub(crate) mod sampling;

use crate::layer::evaluate::MeasureEval;
use crate::layer::local_equalize::LocalScales;
use crate::layer::point_query::{PointQuery, PointValue};
use crate::layer::point_set::PointSet;
use crate::layer::request::PictureRequest;
use crate::legend::Legend;
use crate::memo::Memo;
use crate::scale::histogram::Statistics;
use crate::scale::level::Level;
use crate::scale::normalizer::Normalizer;
use crate::scale::transform::Transform;
use crate::scale::value_kind::ValueKind;
use crate::splat::Backend;
use crate::splat::cpu::CpuBackend;
use crate::splat::view::{TileSize, View};
use crate::style::Style;
use crate::style::keys::{NormalizerKey, StatisticsKey};
use crate::style::measure::Comparison;
use heatsplat_points::{Points, TileId, Window, WorldCoord};
use std::sync::Arc;

/// The capacity of each of a layer's caches: statistics, scales, local histograms and their tables.
const CACHED: usize = 512;

/// Points with a style and a backend, and the cached statistics of their densities.
///
/// A picture is described step by step and drawn by the last step:
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
    backend: Arc<dyn Backend>,
    statistics: Memo<(u8, StatisticsKey), Statistics>,
    normalizers: Memo<(u8, NormalizerKey), Normalizer>,
    local: Box<LocalScales>,
}

impl Layer {
    /// A layer of points or of a [`PointSet`], drawn by `backend`. A transform or a ramp that is
    /// not set in `style` is chosen to suit the values.
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
            backend,
            statistics: Memo::new(CACHED),
            normalizers: Memo::new(CACHED),
            local: Box::new(LocalScales::new(CACHED)),
        }
    }

    /// A layer of points or of a [`PointSet`], drawn on the CPU.
    pub fn on_cpu(name: &str, data: impl Into<PointSet>, style: Style) -> Self {
        Self::new(name, data, style, Arc::new(CpuBackend::new()))
    }

    /// A layer that compares this layer with another, drawn by this layer's backend. A transform or
    /// a ramp that is not set in `style` is chosen to suit the compared values.
    pub fn against(&self, how: Comparison, other: &Self, name: &str, style: Style) -> Self {
        let set = PointSet::from_comparison(&self.data, how, Arc::clone(&other.data));
        Self::new(name, set, style, Arc::clone(&self.backend))
    }

    /// The layer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The points; in a comparison, those of the first set.
    pub fn points(&self) -> &Points {
        self.data.points()
    }

    /// The set of points that is drawn.
    pub fn data(&self) -> &Arc<PointSet> {
        &self.data
    }

    /// The style of pictures for which no other is set.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// Returns `style` with a transform and a ramp that suit the layer's values, unless they are
    /// set in it.
    pub fn suited(&self, style: Style) -> Style {
        let kind = self.value_kind(&style);
        style.suited_to(kind)
    }

    /// The backend that draws the layer.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// The version of the data: a number that grows with every change.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Sets the version of the data.
    pub fn at_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// The kind of the values that a style shows of this layer.
    pub fn value_kind(&self, style: &Style) -> ValueKind {
        self.data.value_kind(style.measure())
    }

    /// The greatest reach of any point's kernel under the layer's own style, in the view's pixels,
    /// with the points' own radii taken into account.
    pub fn reach_in(&self, view: impl Into<View>) -> f64 {
        self.reach_of(&self.style, view.into())
    }

    /// The greatest reach of any point's kernel under a style, in the view's pixels.
    pub(crate) fn reach_of(&self, style: &Style, view: View) -> f64 {
        let other = self.data.versus().and_then(|(_, other)| other.widest());
        let widest = self.data.widest().into_iter().chain(other);
        let ratio = f64::from(view.ratio());
        let own = widest.map(|radius| style.shape().reach_of(radius * ratio));
        own.fold(style.reach_in(view), f64::max)
    }

    /// Describes the picture of a tile. It has 256 × 256 pixels unless another size is set.
    pub fn tile(&self, tile: TileId) -> PictureRequest<'_, TileId> {
        PictureRequest::new(self, View::tile(tile, TileSize::NORMAL), tile)
    }

    /// Describes the picture of any view, or of a window with one pixel per CSS pixel. Its scale is
    /// the one of the picture's own zoom, which may be fractional: see
    /// [`normalizer_at`](Self::normalizer_at).
    pub fn map(&self, view: impl Into<View>) -> PictureRequest<'_> {
        PictureRequest::new(self, view.into(), ())
    }

    /// True where the scale follows the density in the neighbourhood (`scale=local`). Only amounts
    /// can have such a scale.
    pub fn is_local(&self, style: &Style) -> bool {
        let amount = self.value_kind(style) == ValueKind::Amount;
        amount && style.scale().transform == Transform::Local
    }

    /// True where pictures have more colours than the ramp's 256, because of categories or
    /// isolines.
    pub fn is_mixed(&self, style: &Style) -> bool {
        let lines = style.isolines().is_some() && !self.is_local(style);
        lines || !self.data.categories().is_empty()
    }

    /// The value at a coordinate as drawn at zoom `z`, and the number of points in reach.
    pub fn value(&self, at: WorldCoord, z: u8, style: &Style) -> PointValue {
        PointQuery::new(at, f64::from(z), style).run(&self.data)
    }

    /// The legend of a zoom of tiles with 256 CSS pixels.
    pub fn legend(&self, z: u8, style: &Style) -> Legend {
        let scale = self.normalizer(TileSize::NORMAL.css_level(z), style);
        self.legend_of(&scale, style)
    }

    /// The legend of one of the layer's scales, for a style.
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
        legend.in_unit(style.unit())
    }

    /// The scale of a whole or fractional level. Between two whole levels the ends of the domain
    /// are interpolated geometrically, as densities grow from level to level; the ends for means,
    /// linearly. Equalised scales are interpolated likewise, density by density.
    pub fn normalizer_at(&self, level: Level, style: &Style) -> Arc<Normalizer> {
        let below = self.normalizer(level.below(), style);
        let Some((above, _)) = level.above() else {
            return below;
        };
        let above = self.normalizer(above, style);
        let kind = self.value_kind(style);
        Arc::new(style.scale().between(&below, &above, kind, level))
    }

    /// The scale of a whole level, which all pictures of that level share.
    pub fn normalizer(&self, level: u8, style: &Style) -> Arc<Normalizer> {
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

    /// The statistics of a level's values. They are measured at the first call and cached.
    pub fn statistics(&self, level: u8, style: &Style) -> Arc<Statistics> {
        let measure = || {
            let evaluation = |window: Window| MeasureEval::new(style, window, 1.0);
            sampling::measure(&self.data, level, evaluation, self.backend.as_ref())
        };
        let key = (level, style.statistics_key(level));
        self.statistics.get_or_compute(&key, measure)
    }
}
