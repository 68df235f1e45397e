//! Layers that are read anew for every picture: what they need of a source, and their scales.

use crate::cost;
use heatsplat_points::{Focus, MAX_ZOOM, Point, Points, TileId, TileWeight, Window, bounds};
use heatsplat_render::{
    Backend, Domain, Level, Measure, NEGATIVE_SHARE, Normalizer, PointSet, Shape, Statistics,
    StatisticsKey, Style, ValueKind, View, evaluate, sample,
};
use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::OnceCell;

/// What a source will give.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

/// Rows that are somewhere else: in a database, say.
pub trait Rows: Send + Sync + Debug {
    /// The points that matter to a picture: all of them, or an error. Dropping the future
    /// stops the work.
    fn fetch(&self, want: Want) -> Answer<'_, Fetched>;

    /// West, south, east, north of about all points, where that is known without looking at
    /// them: for a first look only, since rows come and go.
    fn bounds(&self) -> Option<[f64; 4]> {
        None
    }

    /// Whether the source answered when it was asked last.
    fn is_there(&self) -> bool {
        true
    }
}

/// Which points are wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Want {
    /// The picture.
    pub window: Window,
    /// Pixels around it that matter too.
    pub margin: u32,
    /// How large cells may be that stand for several points, in pixels; `None`: each point.
    pub cell: Option<f64>,
    /// Whether it is for a scale, which is measured once, and may take longer than a picture.
    pub patient: bool,
}

/// Points of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetched {
    /// Points, or cells.
    pub points: Vec<Point>,
    /// How many points each stands for; empty: one each.
    pub counts: Vec<u32>,
}

/// Why there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The source doesn't answer.
    #[error("away")]
    Away,
    /// It is asked too much at once.
    #[error("busy")]
    Busy,
    /// It took longer than it may.
    #[error("too slow")]
    Deadline,
    /// There are more points than may be read for a picture.
    #[error("too much")]
    TooMuch,
    /// It answers, but can't do what it is asked.
    #[error("broken")]
    Broken,
}

/// The first look at a layer: the world in so many cells a side.
const OVERVIEW_ZOOM: u8 = 9;
/// Tiles that a scale is measured in: the densest, and as many again from dense to sparse.
const DENSEST: usize = 4;
const SPREAD: usize = 4;
/// Dense tiles that are looked into to find those of deeper zooms.
const LOOKED_INTO: usize = 2;

/// What a first look at a layer has seen.
#[derive(Debug)]
struct Overview {
    /// Tiles of [`OVERVIEW_ZOOM`] that hold points.
    tiles: Vec<TileWeight>,
    /// The middles of those.
    middles: Points,
}

impl Overview {
    fn of(tiles: Vec<TileWeight>) -> Self {
        let middle = |t: &TileWeight| {
            let window = Window::tile(t.tile, 2);
            Point {
                x: (window.left() + window.pixel()) as u32,
                y: (window.top() + window.pixel()) as u32,
                weight: t.mass as f32,
            }
        };
        let middles: Vec<Point> = tiles.iter().map(middle).collect();
        Self {
            middles: Points::from_slice(&middles),
            tiles,
        }
    }

    /// West and east of the tiles, where the smallest interval reaches across ±180°.
    fn across_180(&self) -> Option<[f64; 2]> {
        let [west, _, east, _] = self.middles.summary().bounds?;
        let half = 180.0 / f64::from(1u32 << OVERVIEW_ZOOM);
        (east > 180.0 && east - west + 2.0 * half < 360.0).then_some([west - half, east + half])
    }
}

/// A level and what else the statistics of a style depend on.
type ScaleKey = (u8, StatisticsKey);

/// A live layer.
#[derive(Debug)]
pub struct Live {
    name: String,
    style: Style,
    rows: Arc<dyn Rows>,
    backend: Arc<dyn Backend>,
    epoch: u64,
    overview: OnceCell<Overview>,
    statistics: Mutex<HashMap<ScaleKey, Arc<OnceCell<Arc<Statistics>>>>>,
    /// Whether so much of the weight is below zero that colours lie to both sides of it: decided
    /// once, by the first look at all rows.
    signed: OnceLock<bool>,
}

impl Live {
    /// A layer of rows that is drawn by a backend; nothing is read before it is asked for.
    pub fn new(name: &str, style: Style, rows: Arc<dyn Rows>, backend: Arc<dyn Backend>) -> Self {
        Self {
            name: name.to_owned(),
            style: suited(style),
            rows,
            backend,
            epoch: 1,
            overview: OnceCell::new(),
            statistics: Mutex::default(),
            signed: OnceLock::new(),
        }
    }

    /// The same layer, its scales to be measured anew: for rows that have changed.
    pub(crate) fn renewed(&self) -> Self {
        let (rows, backend) = (Arc::clone(&self.rows), Arc::clone(&self.backend));
        Self {
            signed: self.signed.clone(),
            ..Self::new(&self.name, self.style.clone(), rows, backend).at_epoch(self.epoch + 1)
        }
    }

    pub(crate) fn at_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// What the layer is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it looks unless a request says otherwise.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// Grows with every change that is known.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn rows(&self) -> &dyn Rows {
        &*self.rows
    }

    pub(crate) fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// West, south, east, north of about all points, where that is known. What a database says of
    /// points on both sides of ±180° is all longitudes; a first look at them knows better.
    pub(crate) fn bounds(&self) -> Option<[f64; 4]> {
        let [west, south, east, north] = self.rows.bounds()?;
        let across = self.overview.get().and_then(Overview::across_180);
        let [west, east] = across.unwrap_or([west, east]);
        Some(bounds::on_the_map([west, south, east, north]))
    }

    /// Where maps begin, once there was a first look at the points.
    pub(crate) fn focus(&self) -> Option<Focus> {
        self.overview.get()?.middles.focus()
    }

    /// The points of a picture, as cells no coarser than its kernel allows.
    pub(crate) async fn points(
        &self,
        window: Window,
        ratio: u32,
        style: &Style,
    ) -> Result<Fetched, Trouble> {
        self.rows.fetch(want(window, ratio, style, false)).await
    }

    /// What numbers a style has here, as far as is known: enough weight below zero has been seen,
    /// or the domain says that there is.
    pub(crate) fn value_kind(&self, style: &Style) -> ValueKind {
        if style.measure() == Measure::Mean {
            return ValueKind::Level;
        }
        if style.measure().weighs() && self.is_signed(style) {
            return ValueKind::Signed;
        }
        ValueKind::Amount
    }

    /// Whether weights may be below zero.
    pub(crate) fn is_signed(&self, style: &Style) -> bool {
        let given = matches!(style.scale().domain, Domain::Fixed(low, _) if low < 0.0);
        given || self.signed.get() == Some(&true)
    }

    /// The scale of a style at a level, between those of two whole ones where it lies between.
    pub(crate) async fn normalizer(
        &self,
        level: Level,
        style: &Style,
    ) -> Result<Arc<Normalizer>, Trouble> {
        let below = self.scale(level.below(), style).await?;
        let Some((above, _)) = level.above() else {
            return Ok(below);
        };
        let above = self.scale(above, style).await?;
        let kind = self.value_kind(style);
        Ok(Arc::new(style.scale().between(&below, &above, kind, level)))
    }

    /// The scale of a style at a whole level. It is measured once, however many ask, from a few
    /// pictures that follow from the data alone.
    async fn scale(&self, level: u8, style: &Style) -> Result<Arc<Normalizer>, Trouble> {
        if !style.scale().needs_statistics() {
            let kind = self.value_kind(style);
            let none = Statistics::default();
            return Ok(Arc::new(style.scale().resolve(&none, kind, level)));
        }
        let statistics = self.statistics(style.scale().level(level), style).await?;
        let kind = self.value_kind(style);
        Ok(Arc::new(style.scale().resolve(&statistics, kind, level)))
    }

    /// What numbers a style has at a level, measured once.
    pub(crate) async fn statistics(
        &self,
        level: u8,
        style: &Style,
    ) -> Result<Arc<Statistics>, Trouble> {
        let key = (level, style.statistics_key(level));
        let place = {
            let mut known = self
                .statistics
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if known.len() >= 512 && !known.contains_key(&key) {
                known.clear();
            }
            Arc::clone(known.entry(key).or_default())
        };
        // One measures; who waits takes over if its client goes away. Errors are not kept.
        let statistics = place
            .get_or_try_init(|| async { Ok(Arc::new(self.measure(level, style).await?)) })
            .await?;
        Ok(Arc::clone(statistics))
    }

    async fn measure(&self, level: u8, style: &Style) -> Result<Statistics, Trouble> {
        let z = level.saturating_sub(8).min(MAX_ZOOM);
        let side = 1u32 << (level - z).min(9);
        let mut statistics = Statistics::default();
        let other_splats = cost::has_other_splats(&self.style, style);
        for (tile, times) in sample(self.occupied(z).await?, DENSEST, SPREAD) {
            let window = Window::tile(tile, side);
            let fetched = self.rows.fetch(want(window, 1, style, true)).await?;
            if other_splats && cost::is_too_much(&fetched.points, style, &window) {
                return Err(Trouble::TooMuch);
            }
            let (backend, style_now) = (Arc::clone(&self.backend), style.clone());
            let draw = move || {
                let set = PointSet::with_counts(&fetched.points, &fetched.counts);
                evaluate::density(&set, &style_now, &window.into(), &*backend)
            };
            let density = tokio::task::spawn_blocking(draw).await;
            let density = density.map_err(|_| Trouble::Broken)?;
            statistics.add(self.value_kind(style), &density.values, times);
        }
        Ok(statistics)
    }

    /// Tiles of a zoom that hold points. Those of deep zooms are looked for where it is dense.
    async fn occupied(&self, z: u8) -> Result<Vec<TileWeight>, Trouble> {
        let world = TileId::new(0, 0, 0).map_err(|_| Trouble::Broken)?;
        let overview = self
            .overview
            .get_or_try_init(|| async { Ok(Overview::of(self.look_into(world).await?)) })
            .await?;
        if z <= OVERVIEW_ZOOM {
            return Ok(merged(&overview.tiles, z));
        }
        let mut tiles = overview.tiles.clone();
        let mut depth = OVERVIEW_ZOOM;
        while depth < z {
            tiles.sort_unstable_by(|a, b| b.mass.total_cmp(&a.mass).then(a.tile.cmp(&b.tile)));
            tiles.truncate(LOOKED_INTO);
            let mut deeper = Vec::new();
            for dense in &tiles {
                deeper.extend(self.look_into(dense.tile).await?);
            }
            depth = (depth + OVERVIEW_ZOOM).min(MAX_ZOOM);
            tiles = deeper;
        }
        Ok(merged(&tiles, z))
    }

    /// The tiles within a tile that hold points, [`OVERVIEW_ZOOM`] zooms deeper.
    async fn look_into(&self, tile: TileId) -> Result<Vec<TileWeight>, Trouble> {
        let want = Want {
            window: Window::tile(tile, 1 << OVERVIEW_ZOOM),
            margin: 0,
            cell: Some(1.0),
            patient: true,
        };
        let points = Points::from_slice(&self.rows.fetch(want).await?.points);
        if tile.z() == 0 && points.summary().mass > 0.0 {
            let share = points.summary().negative_share();
            self.signed.get_or_init(|| share >= NEGATIVE_SHARE);
        }
        let deeper = (tile.z() + OVERVIEW_ZOOM).min(MAX_ZOOM);
        let within = |t: &TileWeight| ancestor(t.tile, tile.z()) == Some(tile);
        let mut tiles = points.occupied_tiles(deeper);
        tiles.retain(within);
        Ok(tiles)
    }
}

/// A style with what nobody has chosen suited to means, where it shows them. That weights have
/// signs is learnt too late for colours to follow it.
pub(crate) fn suited(style: Style) -> Style {
    if style.measure() == Measure::Mean {
        return style.suited_to(ValueKind::Level);
    }
    style
}

/// What a picture needs: all that its kernel reaches, in cells that it can't tell from points.
fn want(window: Window, ratio: u32, style: &Style, patient: bool) -> Want {
    // a cell may lie across an edge of pixels that are no zoom's, where points count in their own
    let grouped = style.shape() != Shape::Pixel || window.is_on_grid();
    let cell = style.finest_cell_in(View::new(window, ratio)).min(0.5);
    Want {
        window,
        margin: style.reach_in(View::new(window, ratio)).ceil() as u32 + 2,
        cell: Some(cell).filter(|cell| *cell > 0.0 && grouped),
        patient,
    }
}

fn ancestor(tile: TileId, z: u8) -> Option<TileId> {
    let up = tile.z().checked_sub(z)?;
    TileId::new(z, tile.x() >> up, tile.y() >> up).ok()
}

/// Tiles in Z-order as tiles of a zoom above.
fn merged(tiles: &[TileWeight], z: u8) -> Vec<TileWeight> {
    let mut merged: Vec<TileWeight> = Vec::new();
    for deep in tiles {
        let Some(tile) = ancestor(deep.tile, z.min(deep.tile.z())) else {
            continue;
        };
        match merged.last_mut() {
            Some(last) if last.tile == tile => last.mass += deep.mass,
            _ => merged.push(TileWeight {
                tile,
                mass: deep.mass,
            }),
        }
    }
    merged
}
