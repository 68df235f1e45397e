//! The layers that are served: announced at once, drawn as soon as their points are there.

use crate::http::error::Refused;
use crate::layers::archived::Stored;
use crate::layers::derived::{DeriveError, Derived};
use crate::layers::entry::{Data, Served};
use crate::layers::live::Live;
use heatsplat_loader::Table;
use heatsplat_render::Layer;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

/// Words at the beginning of a path that are no layer.
const RESERVED: [&str; 8] = [
    "catalog", "health", "layers", "metrics", "ready", "viewer", "wms", "wmts",
];

/// The longest name of a layer in an address.
const LONGEST: usize = 64;

/// Deeper zooms show few points in few tiles: measured in no time when they are asked for.
const WARM_ZOOM: u8 = 14;

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
    shelf: Arc<RwLock<Shelf>>,
}

#[derive(Debug, Default)]
struct Shelf {
    entries: Vec<Entry>,
    /// No epoch of a layer that is gone was higher: one that comes under its name begins above,
    /// so that nobody takes its pictures for those of the other.
    gone: u64,
}

/// A layer on its way to its place.
#[derive(Debug)]
pub enum Arrived {
    /// Its points are here, and columns of them which requests may filter by.
    Here(Layer, Table),
    /// Its points are fetched for every picture.
    Live(Live),
    /// Its tiles were drawn before.
    Stored(Arc<dyn Stored>),
}

impl Arrived {
    fn served(self, epoch: u64) -> Served {
        match self {
            Self::Here(layer, table) => {
                let table = (!table.is_empty()).then(|| Arc::new(table));
                Served::new(Data::here(layer.at_epoch(epoch)), table)
            }
            Self::Live(live) => Served::new(Data::Live(live.at_epoch(epoch)), None),
            Self::Stored(stored) => Served::new(Data::Stored(stored), None),
        }
    }
}

#[derive(Debug)]
struct Entry {
    id: LayerId,
    served: Option<Arc<Served>>,
    /// What it is made of, if of others.
    derived: Option<Derived>,
    /// When it goes, if it does.
    until: Option<SystemTime>,
}

impl Entry {
    fn is_over(&self, now: SystemTime) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Layers {
    fn read(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a layer whose points are still to come, and says what it is called in
    /// addresses. A name that is taken or has another meaning gets a number.
    pub fn announce(&self, name: &str) -> LayerId {
        let mut shelf = self.write();
        let id = free(name, |id| shelf.entries.iter().any(|entry| entry.id == *id));
        shelf.entries.push(Entry {
            id: id.clone(),
            served: None,
            derived: None,
            until: None,
        });
        id
    }

    /// What layers of these names are called in addresses where there are no others: the same
    /// names in the same order are called the same.
    pub fn ids_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<LayerId> {
        let mut ids = Vec::new();
        for name in names {
            ids.push(free(name, |id| ids.contains(id)));
        }
        ids
    }

    /// Serves these layers and no others (but posted and derived ones) from one moment to the next: those that
    /// have arrived in their place, the others as they were; those that are new and have not arrived are
    /// still loading.
    pub fn arrange(&self, ids: &[LayerId], arrived: Vec<(LayerId, Arrived)>) {
        let before = |id: &LayerId| match self.get(id.as_str()) {
            Ok(served) => served.epoch(),
            Err(_) => self.read().gone,
        };
        let changed: Vec<LayerId> = arrived.iter().map(|(id, _)| id.clone()).collect();
        // What takes time before anybody waits.
        let mut arrived: Vec<_> = arrived
            .into_iter()
            .map(|(id, layer)| {
                let served = layer.served(before(&id) + 1);
                (id, Arc::new(served))
            })
            .collect();
        let mut shelf = self.write();
        let mut old = std::mem::take(&mut shelf.entries);
        for id in ids {
            let new = arrived.iter().position(|(new, _)| new == id);
            let new = new.map(|at| arrived.swap_remove(at).1);
            let known = old.iter().position(|entry| entry.id == *id);
            let known = known.and_then(|at| old.remove(at).served);
            shelf.entries.push(Entry {
                id: id.clone(),
                served: new.or(known),
                derived: None,
                until: None,
            });
        }
        let others = |entry: &Entry| entry.until.is_some() || entry.derived.is_some();
        let (others, gone) = old.into_iter().partition(others);
        shelf.entries.extend::<Vec<_>>(others);
        let gone: Vec<Entry> = gone;
        let epochs = gone
            .iter()
            .filter_map(|entry| Some(entry.served.as_ref()?.epoch()));
        shelf.gone = epochs.fold(shelf.gone, u64::max);
        drop(shelf);
        changed.iter().for_each(|id| self.follow(id));
    }

    /// Puts a layer in its place; one that was there before is served to its last request.
    pub fn put(&self, id: &LayerId, layer: Layer) {
        self.put_with(id, layer, Table::default());
    }

    /// The same with columns of its points, which requests may filter by: `?filter=`.
    pub fn put_with(&self, id: &LayerId, layer: Layer, table: Table) {
        self.place(id, |epoch| Arrived::Here(layer, table).served(epoch));
    }

    /// Puts a layer in its place whose points are fetched for every picture.
    pub fn put_live(&self, id: &LayerId, live: Live) {
        self.place(id, |epoch| {
            Served::new(Data::Live(live.at_epoch(epoch)), None)
        });
    }

    /// Makes a layer of two others, which are there, and makes it anew whenever one of them
    /// changes.
    ///
    /// # Errors
    /// When there is no such layer, or one that has no points of its own.
    pub fn derive(&self, name: &str, derived: Derived) -> Result<LayerId, DeriveError> {
        let made = self.made(name, &derived)?;
        let id = self.announce(name);
        let mut shelf = self.write();
        let mut entries = shelf.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.id == id) {
            entry.derived = Some(derived);
        }
        drop(shelf);
        self.put(&id, made);
        Ok(id)
    }

    fn made(&self, name: &str, derived: &Derived) -> Result<Layer, DeriveError> {
        let refuse = |id: &str, why| DeriveError {
            layer: id.to_owned(),
            why,
        };
        let find = |id: &str| {
            let served = self.get(id).map_err(|_| refuse(id, "is no layer here"))?;
            match &served.data {
                Data::Here(layer) if layer.data().versus().is_none() => Ok(served),
                Data::Here(_) => Err(refuse(id, "is itself made of others")),
                _ => Err(refuse(id, "has no points here: it is live, or an archive")),
            }
        };
        let (first, second) = (find(&derived.first)?, find(&derived.second)?);
        match (&first.data, &second.data) {
            (Data::Here(a), Data::Here(b)) => {
                Ok(a.against(derived.how, b, name, derived.style.clone()))
            }
            _ => Err(refuse(&derived.first, "has no points here")),
        }
    }

    /// Makes those anew that are made of a layer.
    fn follow(&self, id: &LayerId) {
        let shelf = self.read();
        let of = |d: &Derived| d.first == id.0 || d.second == id.0;
        let followers: Vec<(LayerId, Derived)> = shelf
            .entries
            .iter()
            .filter_map(|entry| Some((entry.id.clone(), entry.derived.clone()?)))
            .filter(|(_, derived)| of(derived))
            .collect();
        drop(shelf);
        for (id, derived) in followers {
            let name = self.get(id.as_str()).map(|served| served.name().to_owned());
            if let Ok(made) = self.made(name.as_deref().unwrap_or(id.as_str()), &derived) {
                self.put(&id, made);
            }
        }
    }

    /// Puts a layer in its place whose tiles were drawn before.
    pub fn put_stored(&self, id: &LayerId, stored: Arc<dyn Stored>) {
        self.place(id, |_| Served::new(Data::Stored(stored), None));
    }

    /// Puts a layer in its place; it is told its epoch.
    fn place(&self, id: &LayerId, make: impl FnOnce(u64) -> Served) {
        let before = self.get(id.as_str()).map_or(0, |served| served.epoch());
        let served = Arc::new(make(before + 1));
        let mut shelf = self.write();
        if let Some(entry) = shelf.entries.iter_mut().find(|entry| entry.id == *id) {
            entry.served = Some(served);
        }
        drop(shelf);
        self.follow(id);
    }

    /// All layers that were announced, in that order.
    pub fn ids(&self) -> Vec<LayerId> {
        let shelf = self.read();
        shelf.entries.iter().map(|entry| entry.id.clone()).collect()
    }

    /// Lets a live layer's scales be measured anew, since its rows have changed.
    pub fn renew(&self, id: &LayerId) {
        let known = self.get(id.as_str()).ok();
        if let Some(Data::Live(live)) = known.as_deref().map(|served| &served.data) {
            self.put_live(id, live.renewed());
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
        let mut shelf = self.write();
        let entries = &mut shelf.entries;
        let now = SystemTime::now();
        entries.retain(|entry| !entry.is_over(now));
        if let Some(entry) = entries.iter_mut().find(|entry| entry.id.0 == id) {
            entry.until = entry.until.map(|before| before.max(until));
            return Some(());
        }
        let posted = entries.iter().filter(|entry| entry.until.is_some());
        if posted.count() >= most {
            return None;
        }
        entries.push(Entry {
            id: LayerId(id.to_owned()),
            served: Some(Arc::new(Served::new(data?, None))),
            derived: None,
            until: Some(until),
        });
        Some(())
    }

    /// When a layer goes, if it does.
    pub(crate) fn until(&self, id: &LayerId) -> Option<SystemTime> {
        let shelf = self.read();
        shelf.entries.iter().find(|entry| entry.id == *id)?.until
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
        let shelf = self.read();
        shelf.entries.iter().all(|entry| entry.served.is_some())
    }

    pub(crate) fn get(&self, id: &str) -> Result<Arc<Served>, Refused> {
        let shelf = self.read();
        let found = shelf.entries.iter().find(|entry| entry.id.0 == id);
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
        let shelf = self.read();
        let (mut there, mut loading) = (Vec::new(), Vec::new());
        let now = SystemTime::now();
        let entries = shelf.entries.iter().filter(|entry| !entry.is_over(now));
        for Entry { id, served, .. } in entries {
            match served {
                Some(served) => there.push((id.clone(), Arc::clone(served))),
                None => loading.push(id.clone()),
            }
        }
        (there, loading)
    }
}

/// A name fit for addresses that neither has another meaning nor is taken.
fn free(name: &str, taken: impl Fn(&LayerId) -> bool) -> LayerId {
    let wanted = LayerId::of(name);
    let numbered = (2..).map(|number| wanted.numbered(number));
    let mut all = std::iter::once(wanted.clone()).chain(numbered);
    let free = all.find(|id| !RESERVED.contains(&id.as_str()) && !taken(id));
    free.unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::Points;

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
        assert_eq!(Layers::ids_of(names), ids);
    }

    fn arrived(id: &LayerId) -> (LayerId, Arrived) {
        let points = Points::from_lon_lat([(1.0, 2.0, 1.0)]).unwrap();
        let layer = Layer::on_cpu(id.as_str(), points, heatsplat_render::Style::default());
        (id.clone(), Arrived::Here(layer, Table::default()))
    }

    #[test]
    fn layers_are_arranged_at_once_and_epochs_never_fall() {
        let layers = Layers::default();
        let ids = Layers::ids_of(["a", "b"]);
        layers.arrange(&ids, vec![arrived(&ids[0])]);
        assert!(!layers.ready());
        layers.arrange(&ids, vec![arrived(&ids[1])]);
        layers.arrange(&ids, vec![arrived(&ids[1])]);
        let epochs = |layers: &Layers| -> Vec<_> {
            let (there, _) = layers.all();
            there
                .iter()
                .map(|(id, s)| (id.to_string(), s.epoch()))
                .collect()
        };
        assert_eq!(epochs(&layers), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
        layers.arrange(&ids[..1], vec![]);
        assert!(layers.get("b").is_err() && layers.ready());
        layers.arrange(&[ids[1].clone(), ids[0].clone()], vec![arrived(&ids[1])]);
        assert_eq!(epochs(&layers), [("b".to_owned(), 3), ("a".to_owned(), 1)]);
    }
}
