//! A layer as requests find it: its points or where they are, its styles ready to draw with.

use crate::cost;
use crate::http::error::Refused;
use crate::http::etag::Fingerprint;
use crate::http::query::Query;
use crate::layers::archived::Stored;
use crate::layers::filtered::{Attribute, Filterable, Part};
use crate::layers::live::{self, Live};
use heatsplat_loader::Table;
use heatsplat_points::bounds::{self, WORLD};
use heatsplat_points::{Focus, MAX_ZOOM, Points};
use heatsplat_render::{Layer, Style, TileSize};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many asked-for styles a layer keeps ready.
const LOOKS: usize = 256;

/// Layers and changes of layers that there have been.
static VERSIONS: AtomicU64 = AtomicU64::new(0);

/// Where a layer's points are.
#[derive(Debug)]
pub(crate) enum Data {
    Here(Arc<Layer>),
    /// Some of a layer's points.
    Part(Part),
    Live(Live),
    /// Tiles that were drawn before.
    Stored(Arc<dyn Stored>),
}

impl Data {
    /// A layer's points.
    pub(crate) fn here(layer: Layer) -> Self {
        Self::Here(Arc::new(layer))
    }
}

/// A layer, and what is worth knowing of it before each request.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) data: Data,
    /// No other layer of this process has it, nor this one before or after a change.
    pub(crate) version: u64,
    /// Follows from the layer's data.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) own: Arc<Look>,
    /// What requests may filter by.
    pub(crate) kept: Option<Filterable>,
    looks: Mutex<HashMap<String, Arc<Look>>>,
}

/// A style that can be drawn with at once.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) style: Style,
    /// All of the style's parameters.
    pub(crate) text: String,
    /// Follows from the text.
    pub(crate) fingerprint: Fingerprint,
    /// Whether its splats are others than those of the layer's own style.
    pub(crate) other_splats: bool,
    /// Nanoseconds that measuring the numbers of levels takes, where that was estimated.
    pub(crate) scales: Mutex<BTreeMap<u8, f64>>,
}

impl Look {
    fn new(style: Style, other_splats: bool) -> Self {
        let text = style.to_string();
        let fingerprint = Fingerprint::new().text(&text);
        Self {
            style,
            text,
            fingerprint,
            other_splats,
            scales: Mutex::default(),
        }
    }
}

impl Served {
    pub(crate) fn new(data: Data, table: Option<Arc<Table>>) -> Self {
        let plain = Style::default();
        let (fingerprint, style) = match &data {
            Data::Here(layer) => {
                let named = Fingerprint::new().text(layer.name()).number(layer.epoch());
                let all = layer.data().parts().into_iter();
                let add = |tag: Fingerprint, (what, points): (String, &Points)| {
                    tag.text(&what).points(points)
                };
                (all.fold(named, add), layer.style())
            }
            Data::Part(part) => (Fingerprint::new(), part.of().style()),
            Data::Live(live) => {
                let named = Fingerprint::new().text(live.name()).number(live.epoch());
                (named, live.style())
            }
            Data::Stored(stored) => (Fingerprint::new().text(&stored.about().name), &plain),
        };
        let own = Arc::new(Look::new(style.clone(), false));
        Self::ready(data, fingerprint, own, table.map(Filterable::new))
    }

    pub(crate) fn ready(
        data: Data,
        fingerprint: Fingerprint,
        own: Arc<Look>,
        kept: Option<Filterable>,
    ) -> Self {
        Self {
            data,
            version: VERSIONS.fetch_add(1, Ordering::Relaxed),
            fingerprint,
            own,
            kept,
            looks: Mutex::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.data {
            Data::Here(layer) => layer.name(),
            Data::Part(part) => part.of().name(),
            Data::Live(live) => live.name(),
            Data::Stored(stored) => &stored.about().name,
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        match &self.data {
            Data::Here(layer) => layer.epoch(),
            Data::Part(part) => part.of().epoch(),
            Data::Live(live) => live.epoch(),
            Data::Stored(_) => 1,
        }
    }

    /// The points, where they are here.
    pub(crate) fn points(&self) -> Option<&Points> {
        match &self.data {
            Data::Here(layer) => Some(layer.points()),
            Data::Part(part) => Some(part.of().points()),
            Data::Live(_) | Data::Stored(_) => None,
        }
    }

    /// Whether its data may change without a word.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.data, Data::Live(_))
    }

    /// The ending of its tiles, where those were drawn before.
    pub(crate) fn stored(&self) -> Option<&'static str> {
        match &self.data {
            Data::Stored(stored) => Some(stored.about().extension),
            Data::Here(_) | Data::Part(_) | Data::Live(_) => None,
        }
    }

    /// The columns that requests may filter by, if any are kept.
    pub(crate) fn attributes(&self) -> Option<&[Attribute]> {
        self.kept.as_ref().map(|kept| kept.attributes.as_slice())
    }

    /// Whether its database did not answer when it was asked last; `None` without one.
    pub(crate) fn is_away(&self) -> Option<bool> {
        match &self.data {
            Data::Here(_) | Data::Part(_) | Data::Stored(_) => None,
            Data::Live(live) => Some(!live.rows().is_there()),
        }
    }

    /// The layer's own style.
    pub(crate) fn style(&self) -> &Style {
        &self.own.style
    }

    /// The layer's style with what a request changes of it. Mixing a ramp's colours takes
    /// longer than finding them again, and a map asks for many tiles of one style.
    pub(crate) fn look(&self, query: &Query) -> Result<Arc<Look>, Refused> {
        if query.style().is_empty() {
            return Ok(Arc::clone(&self.own));
        }
        let key = query.style_suffix();
        let looks = || self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = looks().get(&key) {
            return Ok(Arc::clone(look));
        }
        let mut style = self.own.style.clone();
        let asked = query.style().iter();
        style
            .set_all(asked.map(|(name, value)| (*name, value.as_str())))
            .map_err(|e| Refused::bad(e.to_string()))?;
        cost::refuse_endless(&self.own.style, &style)?;
        let other_splats = cost::has_other_splats(&self.own.style, &style);
        match &self.data {
            Data::Here(layer) => style = layer.suited(style),
            Data::Live(_) => style = live::suited(style),
            Data::Part(_) | Data::Stored(_) => {}
        }
        let look = Arc::new(Look::new(style, other_splats));
        let mut looks = looks();
        if looks.len() >= LOOKS {
            looks.clear();
        }
        looks.insert(key, Arc::clone(&look));
        Ok(look)
    }

    /// West, south, east, north of the points, or of the whole map where there are none. Its east
    /// is beyond 180 where it reaches across ±180°.
    pub(crate) fn bounds(&self) -> [f64; 4] {
        let stored = || match &self.data {
            Data::Stored(stored) => Some(stored.about().bounds),
            _ => None,
        };
        self.data_bounds().or_else(stored).unwrap_or(WORLD)
    }

    /// Where tiles show something, as TileJSON has it, with no east beyond 180: the points with all
    /// that their kernels reach at any zoom; anywhere, where rows may come in while we serve.
    pub(crate) fn tile_bounds(&self, style: &Style, size: TileSize) -> [f64; 4] {
        let heat = |layer: &Layer| layer.heat_bounds(style, 0..=MAX_ZOOM, size);
        let bounds = match &self.data {
            Data::Here(layer) => heat(layer),
            Data::Part(part) => heat(part.of()),
            Data::Live(_) => None,
            Data::Stored(stored) => Some(stored.about().bounds),
        };
        bounds.map_or(WORLD, bounds::within_180)
    }

    /// A box that shows all points.
    pub(crate) fn frame(&self) -> [f64; 4] {
        match (self.data_bounds(), &self.data) {
            (Some(bounds), _) => bounds::with_room(bounds),
            (None, Data::Stored(stored)) => stored.about().bounds,
            (None, _) => WORLD,
        }
    }

    /// West, south, east, north of the points, where they are known.
    pub(crate) fn data_bounds(&self) -> Option<[f64; 4]> {
        match &self.data {
            Data::Here(layer) => layer.data_bounds(),
            Data::Part(part) => part.of().data_bounds(),
            Data::Live(live) => live.bounds(),
            Data::Stored(stored) => stored.about().data_bounds,
        }
    }

    /// Where maps begin, as TileJSON has it: the longitude and latitude of the densest place, and
    /// the zoom that shows nearly all weight around it; the middle where nothing weighs anything.
    pub(crate) fn center(&self) -> [f64; 3] {
        let focus = match &self.data {
            Data::Here(layer) => layer.points().focus(),
            Data::Part(part) => part.of().points().focus(),
            Data::Live(live) => live.focus(),
            Data::Stored(stored) => return stored.about().center,
        };
        focus.map_or_else(
            || bounds::middle(self.bounds(), f64::from(self.zoom())),
            |Focus { lon, lat, zoom, .. }| [lon, lat, f64::from(zoom)],
        )
    }

    /// The zoom that shows all points on a screen of common size.
    pub(crate) fn zoom(&self) -> u8 {
        let zoom = heatsplat_points::Window::around(self.frame(), 1024, 768).map(|w| w.zoom());
        zoom.map_or(0.0, |zoom| zoom.floor().clamp(0.0, 14.0)) as u8
    }
}
