//! The layers that are served: announced at once, drawn as soon as their points are there.

use crate::caching::Fingerprint;
use crate::error::Refused;
use crate::live::Live;
use crate::query::Query;
use heatsplat_points::Points;
use heatsplat_points::mercator::MAX_LATITUDE;
use heatsplat_render::{Layer, Style};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

/// Words at the beginning of a path that are no layer.
const RESERVED: [&str; 8] = [
    "catalog", "health", "layers", "metrics", "ready", "viewer", "wms", "wmts",
];

/// The longest name of a layer in an address.
const LONGEST: usize = 64;

/// The whole map.
const WORLD: [f64; 4] = [-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE];

/// Deeper zooms show few points in few tiles: measured in no time when they are asked for.
const WARM_ZOOM: u8 = 14;

/// How many asked-for styles a layer keeps ready.
const LOOKS: usize = 256;

/// A layer's name in addresses: 1 to 64 of `a-z`, `0-9`, `_`, `.` and `-`, and no word with
/// another meaning there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayerId(String);

impl LayerId {
    /// The name made fit for an address: `Cities of 2024` becomes `cities-of-2024`.
    fn of(name: &str) -> Self {
        let mut id = String::new();
        for c in name.chars().map(|c| c.to_ascii_lowercase()) {
            match c {
                'a'..='z' | '0'..='9' | '_' => id.push(c),
                _ if id.is_empty() || id.ends_with(['-', '.']) => {}
                '.' => id.push('.'),
                _ => id.push('-'),
            }
            if id.len() == LONGEST {
                break;
            }
        }
        // An address that ends so is that of a TileJSON.
        while let Some(short) = id.strip_suffix(".json").or(id.strip_suffix(['-', '.'])) {
            id.truncate(short.len());
        }
        if id.is_empty() {
            Self("layer".to_owned())
        } else {
            Self(id)
        }
    }

    /// The same with a number at its end.
    fn numbered(&self, number: usize) -> Self {
        let number = format!("-{number}");
        let kept = self.0.get(..LONGEST - number.len()).unwrap_or(&self.0);
        Self(format!("{kept}{number}"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All layers of a server, shared between it and who loads them.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    shelf: Arc<RwLock<Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    id: LayerId,
    served: Option<Arc<Served>>,
    /// When it goes, if it does.
    until: Option<SystemTime>,
}

impl Entry {
    fn is_over(&self, now: SystemTime) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Layers {
    /// Makes room for a layer whose points are still to come, and says what it is called in
    /// addresses. A name that is taken or has another meaning gets a number.
    pub fn announce(&self, name: &str) -> LayerId {
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        let taken = |id: &LayerId| {
            RESERVED.contains(&id.as_str()) || shelf.iter().any(|entry| entry.id == *id)
        };
        let wanted = LayerId::of(name);
        let numbered = (2..).map(|number| wanted.numbered(number));
        let free = std::iter::once(wanted.clone())
            .chain(numbered)
            .find(|id| !taken(id));
        let id = free.unwrap_or(wanted);
        shelf.push(Entry {
            id: id.clone(),
            served: None,
            until: None,
        });
        id
    }

    /// Puts a layer in its place; one that was there before is served to its last request.
    pub fn put(&self, id: &LayerId, layer: Layer) {
        self.place(id, Data::Here(layer));
    }

    /// Puts a layer in its place whose points are fetched for every picture.
    pub fn put_live(&self, id: &LayerId, live: Live) {
        self.place(id, Data::Live(live));
    }

    fn place(&self, id: &LayerId, data: Data) {
        let before = self.get(id.as_str()).map_or(0, |served| served.epoch());
        let served = Arc::new(Served::new(data.at_epoch(before + 1)));
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = shelf.iter_mut().find(|entry| entry.id == *id) {
            entry.served = Some(served);
        }
    }

    /// Lets a live layer's scales be measured anew, since its rows have changed.
    pub fn renew(&self, id: &LayerId) {
        let known = self.get(id.as_str()).ok();
        if let Some(Data::Live(live)) = known.as_deref().map(|served| &served.data) {
            self.place(id, Data::Live(live.renewed()));
        }
    }

    /// Keeps a layer that was posted until a time, and longer if it is kept already. At most
    /// `most` are; `None` where there is no more room.
    pub(crate) fn keep(
        &self,
        id: &str,
        until: SystemTime,
        most: usize,
        data: Option<Data>,
    ) -> Option<()> {
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        shelf.retain(|entry| !entry.is_over(now));
        if let Some(entry) = shelf.iter_mut().find(|entry| entry.id.0 == id) {
            entry.until = entry.until.map(|before| before.max(until));
            return Some(());
        }
        let posted = shelf.iter().filter(|entry| entry.until.is_some()).count();
        if posted >= most {
            return None;
        }
        shelf.push(Entry {
            id: LayerId(id.to_owned()),
            served: Some(Arc::new(Served::new(data?))),
            until: Some(until),
        });
        Some(())
    }

    /// When a layer goes, if it does.
    pub(crate) fn until(&self, id: &LayerId) -> Option<SystemTime> {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        shelf.iter().find(|entry| entry.id == *id)?.until
    }

    /// Measures the scales of the zooms that maps begin with, so that not even the first
    /// tile of a zoom is waited for. For a thread of its own: it takes a while, and is not needed.
    pub fn warm(&self) {
        for z in 0..=WARM_ZOOM {
            for (_, served) in self.all().0 {
                if let Data::Here(layer) = &served.data {
                    layer.normalizer(z + 8, &served.own.style);
                }
            }
        }
    }

    /// Whether every announced layer is there.
    pub fn ready(&self) -> bool {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        shelf.iter().all(|entry| entry.served.is_some())
    }

    pub(crate) fn get(&self, id: &str) -> Result<Arc<Served>, Refused> {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let found = shelf.iter().find(|entry| entry.id.0 == id);
        match found.filter(|entry| entry.until.is_none() || !entry.is_over(SystemTime::now())) {
            None => Err(Refused::not_found(
                "there is no such layer; /catalog lists those there are",
            )),
            Some(Entry { served: None, .. }) => Err(Refused::later("this layer is still loading")),
            Some(Entry {
                served: Some(served),
                ..
            }) => Ok(Arc::clone(served)),
        }
    }

    /// Those that are there, and the names of those that are not yet.
    pub(crate) fn all(&self) -> (Vec<(LayerId, Arc<Served>)>, Vec<LayerId>) {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let (mut there, mut loading) = (Vec::new(), Vec::new());
        let now = SystemTime::now();
        for Entry { id, served, .. } in shelf.iter().filter(|entry| !entry.is_over(now)) {
            match served {
                Some(served) => there.push((id.clone(), Arc::clone(served))),
                None => loading.push(id.clone()),
            }
        }
        (there, loading)
    }
}

/// Where a layer's points are.
#[derive(Debug)]
pub(crate) enum Data {
    Here(Layer),
    Live(Live),
}

impl Data {
    fn at_epoch(self, epoch: u64) -> Self {
        match self {
            Self::Here(layer) => Self::Here(layer.at_epoch(epoch)),
            Self::Live(live) => Self::Live(live.at_epoch(epoch)),
        }
    }
}

/// A layer, and what is worth knowing of it before each request.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) data: Data,
    /// Follows from the layer's data.
    pub(crate) fingerprint: Fingerprint,
    own: Arc<Look>,
    looks: Mutex<HashMap<String, Arc<Look>>>,
}

/// A style that can be drawn with at once.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) style: Style,
    /// Follows from all of the style's parameters.
    pub(crate) fingerprint: Fingerprint,
}

impl Look {
    fn new(style: Style) -> Self {
        let fingerprint = Fingerprint::new().text(&style.to_string());
        Self { style, fingerprint }
    }
}

impl Served {
    fn new(data: Data) -> Self {
        let (fingerprint, style) = match &data {
            Data::Here(layer) => {
                let named = Fingerprint::new().text(layer.name()).number(layer.epoch());
                (named.points(layer.points()), layer.style())
            }
            Data::Live(live) => {
                let named = Fingerprint::new().text(live.name()).number(live.epoch());
                (named, live.style())
            }
        };
        let own = Arc::new(Look::new(style.clone()));
        Self {
            data,
            fingerprint,
            own,
            looks: Mutex::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.data {
            Data::Here(layer) => layer.name(),
            Data::Live(live) => live.name(),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        match &self.data {
            Data::Here(layer) => layer.epoch(),
            Data::Live(live) => live.epoch(),
        }
    }

    /// The points, where they are here.
    pub(crate) fn points(&self) -> Option<&Points> {
        match &self.data {
            Data::Here(layer) => Some(layer.points()),
            Data::Live(_) => None,
        }
    }

    /// Whether its data may change without a word.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.data, Data::Live(_))
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
        for (name, value) in query.style() {
            style
                .set(name, value)
                .map_err(|e| Refused::bad(e.to_string()))?;
        }
        let look = Arc::new(Look::new(style));
        let mut looks = looks();
        if looks.len() >= LOOKS {
            looks.clear();
        }
        looks.insert(key, Arc::clone(&look));
        Ok(look)
    }

    /// West, south, east, north of the points, or of the whole map where there are none.
    pub(crate) fn bounds(&self) -> [f64; 4] {
        let known = match &self.data {
            Data::Here(layer) => layer.points().summary().bounds,
            Data::Live(live) => live.rows().bounds(),
        };
        known.unwrap_or(WORLD)
    }

    /// A box that shows all points.
    pub(crate) fn frame(&self) -> [f64; 4] {
        match &self.data {
            Data::Here(layer) => frame(layer.points()),
            Data::Live(live) => live.rows().bounds().map_or(WORLD, with_room),
        }
    }

    /// The zoom that shows all points on a screen of common size.
    pub(crate) fn zoom(&self) -> u8 {
        let zoom = heatsplat_points::Window::around(self.frame(), 1024, 768).map(|w| w.zoom());
        zoom.map_or(0.0, |zoom| zoom.floor().clamp(0.0, 14.0)) as u8
    }
}

/// A box that shows all points: their bounds with room around them, so that it has an area
/// and no splat is cut off. The whole map where there are no points.
pub fn frame(points: &Points) -> [f64; 4] {
    points.summary().bounds.map_or(WORLD, with_room)
}

fn with_room([west, south, east, north]: [f64; 4]) -> [f64; 4] {
    let room = |low: f64, high: f64| ((high - low) * 0.05).max(0.01);
    let (x, y) = (room(west, east), room(south, north));
    let lat = |lat: f64| lat.clamp(-MAX_LATITUDE, MAX_LATITUDE);
    [
        (west - x).max(-180.0),
        lat(south - y),
        (east + x).min(180.0),
        lat(north + y),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_fit_for_addresses() {
        for (name, id) in [
            ("cities", "cities"),
            ("Cities of 2024", "cities-of-2024"),
            ("../../etc/passwd", "etc-passwd"),
            ("Zürich--Köln!", "z-rich-k-ln"),
            ("日本", "layer"),
            ("", "layer"),
            ("-", "layer"),
            ("a_b", "a_b"),
            ("public.quakes", "public.quakes"),
            ("x.json", "x"),
            ("a..b.", "a.b"),
        ] {
            assert_eq!(LayerId::of(name).as_str(), id, "{name}");
        }
        assert_eq!(LayerId::of(&"x".repeat(1000)).as_str().len(), 64);
    }

    #[test]
    fn no_two_layers_share_a_name_and_none_hides_a_route() {
        let layers = Layers::default();
        let mut names = vec!["a", "A", "a-2", "a", "health", "viewer"];
        let long = "y".repeat(100);
        names.extend([long.as_str(), long.as_str()]);
        let ids: Vec<_> = names.iter().map(|name| layers.announce(name)).collect();
        let text: Vec<_> = ids.iter().map(LayerId::as_str).collect();
        assert_eq!(
            text[..6],
            ["a", "a-2", "a-2-2", "a-3", "health-2", "viewer-2"]
        );
        assert_eq!((text[6].len(), text[7].len()), (64, 64));
        assert_ne!(text[6], text[7]);
    }
}
