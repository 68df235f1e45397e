//! `?filter=`: those of a layer's points that fulfil a condition on the columns kept beside
//! them, as a layer of their own.
//!
//! The condition is parsed into a small tree and compared with typed columns in memory; it
//! never comes near a database.

use crate::http::error::{Refused, shown};
use crate::http::etag::Fingerprint;
use crate::http::query::Query;
use crate::layers::entry::{Data, Look, Served};
use heatsplat_loader::{Column, ColumnKind, Filter, Table, TableError};
use heatsplat_render::{Category, Layer, PointSet};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// How many conditions a layer has points ready for.
const MOST: usize = 32;
/// How many bytes those may take in all: as many as the layer itself, but so many at least.
const ROOM: usize = 64 << 20;
/// Values of a column that are listed.
const LISTED: usize = 20;

/// The points of a layer that fulfil a condition, found when they are first drawn.
#[derive(Debug)]
pub(crate) struct Part {
    whole: Whole,
    filter: Filter,
    found: OnceLock<Result<Layer, Refused>>,
    /// Those it is one of.
    beside: Weak<Parts>,
}

/// Parts by their conditions; those asked for last are last.
type Parts = Mutex<Vec<(String, Arc<Served>)>>;

/// What a part needs of its layer; not the layer, which holds its parts.
#[derive(Clone, Debug)]
struct Whole {
    layer: Arc<Layer>,
    table: Arc<Table>,
}

impl Whole {
    /// Bytes that its parts may take in all.
    fn room(&self) -> usize {
        bytes(&self.layer).max(ROOM)
    }

    /// The points that fulfil a condition, in categories where the layer is: those keep their
    /// names and colours, even if nothing is left of one.
    fn select(&self, filter: &Filter) -> Result<PointSet, TableError> {
        let (points, table) = (self.layer.points(), &self.table);
        let set = PointSet::new(table.select(points, filter)?);
        let categories = self.layer.data().categories();
        let Some(by) = table.by().filter(|_| !categories.is_empty()) else {
            return Ok(set);
        };
        let names: Vec<&str> = categories.iter().map(|c| c.name.as_str()).collect();
        let parts = table.select_parts(points, filter, by, &names)?;
        let parts = categories.iter().zip(parts);
        let parts = parts.map(|(whole, part)| Category::new(&whole.name, part, whole.color));
        Ok(set.in_categories(parts.collect()))
    }
}

/// Bytes of all that a layer draws.
fn bytes(layer: &Layer) -> usize {
    let parts = layer.data().parts();
    parts.iter().map(|(_, points)| points.bytes()).sum()
}

impl Part {
    /// The whole layer.
    pub(crate) fn of(&self) -> &Layer {
        &self.whole.layer
    }

    /// The layer of these points: found once, however many ask.
    pub(crate) fn layer(&self) -> Result<&Layer, Refused> {
        let mut now = false;
        let found = self.found.get_or_init(|| {
            now = true;
            self.find()
        });
        // what it takes is known now: many may be asked for before one is found
        if now && let Some(parts) = self.beside.upgrade() {
            make_room(
                &mut parts.lock().unwrap_or_else(PoisonError::into_inner),
                self.whole.room(),
            );
        }
        found.as_ref().map_err(Refused::clone)
    }

    fn find(&self) -> Result<Layer, Refused> {
        let layer = &self.whole.layer;
        let selected = self.whole.select(&self.filter);
        let mut set = selected.map_err(|e| Refused::bad(e.to_string()))?;
        // the same scales and ramps as for all of them
        set.set_signed(layer.data().is_signed());
        let backend = Arc::clone(layer.backend());
        let part = Layer::new(layer.name(), Arc::new(set), layer.style().clone(), backend);
        Ok(part.at_epoch(layer.epoch()))
    }

    fn bytes(&self) -> usize {
        match self.found.get() {
            Some(Ok(layer)) => bytes(layer),
            _ => 0,
        }
    }
}

/// The columns that are kept beside a layer's points, and the parts that were asked for.
#[derive(Debug)]
pub(crate) struct Filterable {
    table: Arc<Table>,
    pub(crate) attributes: Vec<Attribute>,
    parts: Arc<Parts>,
}

impl Filterable {
    pub(crate) fn new(table: Arc<Table>) -> Self {
        Self {
            attributes: table.columns().iter().map(Attribute::of).collect(),
            table,
            parts: Arc::default(),
        }
    }

    /// Whether the columns say all of a layer that makes its picture.
    fn fits(&self, layer: &Layer) -> bool {
        let set = layer.data();
        let shown = set.categories().is_empty() || self.table.by().is_some();
        set.versus().is_none() && set.widest().is_none() && shown
    }

    fn part(&self, whole: &Arc<Layer>, own: &Served, text: &str) -> Result<Arc<Served>, Refused> {
        if let Some(part) = known(&mut self.lock(), text) {
            return Ok(part);
        }
        let filter: Filter = text
            .parse()
            .map_err(|e| Refused::bad(format!("filter can't be `{}`: {e}", shown(text))))?;
        // all values may have to be looked at: nobody waits for that who asks for something else
        self.table
            .check(&filter)
            .map_err(|e| Refused::bad(format!("filter: {e}")))?;
        let whole = Whole {
            layer: Arc::clone(whole),
            table: Arc::clone(&self.table),
        };
        let room = whole.room();
        let part = Part {
            whole,
            filter,
            found: OnceLock::new(),
            beside: Arc::downgrade(&self.parts),
        };
        let fingerprint = own.fingerprint.then(Fingerprint::new().text(text));
        let look = Arc::clone(&own.own);
        let part = Arc::new(Served::part(part, fingerprint, look));
        let mut parts = self.lock();
        // another may have asked for the same meanwhile
        if let Some(part) = known(&mut parts, text) {
            return Ok(part);
        }
        parts.push((text.to_owned(), Arc::clone(&part)));
        make_room(&mut parts, room);
        Ok(part)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Arc<Served>)>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a condition that was asked for before: now it is the last.
fn known(parts: &mut Vec<(String, Arc<Served>)>, text: &str) -> Option<Arc<Served>> {
    let at = parts.iter().position(|(known, _)| known == text)?;
    let found = parts.remove(at);
    let part = Arc::clone(&found.1);
    parts.push(found);
    Some(part)
}

/// Lets go of the parts that were asked for longest ago: who still draws them keeps them.
fn make_room(parts: &mut Vec<(String, Arc<Served>)>, room: usize) {
    let bytes = |part: &(String, Arc<Served>)| match &part.1.data {
        Data::Part(part) => part.bytes(),
        _ => 0,
    };
    let mut all: usize = parts.iter().map(bytes).sum();
    let mut gone = 0;
    while let Some(oldest) = parts.get(gone)
        && (parts.len() - gone > MOST || all > room)
        && gone + 1 < parts.len()
    {
        all -= bytes(oldest).min(all);
        gone += 1;
    }
    parts.drain(..gone);
}

impl Served {
    fn part(part: Part, fingerprint: Fingerprint, own: Arc<Look>) -> Self {
        Self::ready(Data::Part(part), fingerprint, own, None)
    }

    /// The points that a request's `filter` wants; all without one.
    pub(crate) fn filtered(self: Arc<Self>, query: &Query) -> Result<Arc<Self>, Refused> {
        let Some(text) = query.filter() else {
            return Ok(self);
        };
        match (&self.data, &self.kept) {
            (Data::Here(layer), Some(kept)) if kept.fits(layer) => {
                kept.part(layer, &self, text.trim())
            }
            (Data::Live(_), _) => Err(Refused::bad(
                "filter: this layer is read from its database for every picture, which keeps no \
                 columns here; the condition belongs into its query",
            )),
            (Data::Here(layer), _) if layer.data().versus().is_some() => Err(Refused::bad(
                "filter: a comparison can't be filtered; filter the layers that it compares",
            )),
            (Data::Here(layer), _) if !layer.data().categories().is_empty() => Err(Refused::bad(
                "filter: this layer shows its points by category, and no column is kept that says \
                 which",
            )),
            _ => Err(Refused::bad(
                "filter: no columns are kept for this layer; whoever serves it can keep some \
                 with --keep",
            )),
        }
    }
}

/// A column that requests can filter by.
#[derive(Debug, Serialize)]
pub(crate) struct Attribute {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// How many points have no value.
    nulls: usize,
    /// The least and the greatest number or time.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[Value; 2]>,
    /// The most frequent texts or truths, and how many points have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Value>>,
}

impl Attribute {
    fn of(column: &Column) -> Self {
        let kind = column.kind();
        let written = |text: String| match kind {
            ColumnKind::Number => number(&text),
            _ => text.into(),
        };
        let values = || {
            let frequent = column.frequent(LISTED).into_iter();
            let each = frequent.map(|(value, count)| json!({ "value": value, "count": count }));
            each.collect()
        };
        Self {
            name: column.name().to_owned(),
            kind: kind.name(),
            nulls: column.nulls(),
            range: column.range().map(|(a, b)| [written(a), written(b)]),
            values: matches!(kind, ColumnKind::Text | ColumnKind::Bool).then(values),
        }
    }
}

/// A number as JSON has it; long whole ones keep their digits.
fn number(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) if whole.unsigned_abs() > 1 << 53 => whole.into(),
        (_, number) => number.map_or(Value::Null, Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_loader::{LoadOptions, load_table, read};
    use heatsplat_points::Points;
    use heatsplat_render::Style;

    fn served(rows: usize) -> Arc<Served> {
        let rows: String = (0..rows)
            .map(|i| format!("{}.{i:06},{},{i}\n", i % 90, i % 60))
            .collect();
        let options = LoadOptions {
            keep: vec!["n".into()],
            ..LoadOptions::default()
        };
        let csv = std::io::Cursor::new(format!("lon,lat,n\n{rows}").into_bytes());
        let mut source = read(csv, "a.csv", &options).unwrap();
        let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
        let layer = Layer::on_cpu("a", points, Style::default());
        Arc::new(Served::new(
            Data::Here(Arc::new(layer)),
            Some(Arc::new(table)),
        ))
    }

    fn ask(served: &Arc<Served>, filter: &str) -> Arc<Served> {
        let text: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let query = Query::parse(Some(&format!("filter={text}")), &["filter"]).unwrap();
        Arc::clone(served).filtered(&query).unwrap()
    }

    fn points(part: &Served) -> usize {
        match &part.data {
            Data::Part(part) => part.layer().unwrap().points().summary().count,
            _ => 0,
        }
    }

    #[test]
    fn points_are_found_once_however_many_ask() {
        let served = served(50_000);
        let parts: Vec<_> = (0..8).map(|_| ask(&served, "n < 25000")).collect();
        std::thread::scope(|scope| {
            for part in &parts {
                scope.spawn(|| assert_eq!(points(part), 25_000));
            }
        });
        let layer = |part: &Arc<Served>| match &part.data {
            Data::Part(part) => std::ptr::from_ref(part.layer().unwrap()),
            _ => std::ptr::null(),
        };
        assert!(parts.iter().all(|part| layer(part) == layer(&parts[0])));
        let other = ask(&served, "n < 25001").fingerprint;
        assert_ne!(parts[0].fingerprint, other);
        assert_ne!(served.fingerprint, other);
    }

    #[test]
    fn conditions_and_their_memory_are_bounded() {
        let served = served(1000);
        for i in 0..200 {
            assert_eq!(points(&ask(&served, &format!("n < {i}"))), i);
        }
        let parts = || served.kept.as_ref().unwrap().parts.lock().unwrap();
        assert_eq!(parts().len(), MOST);
        // those asked for again stay
        for i in 0..100 {
            ask(&served, "n < 199");
            ask(&served, &format!("n > {i}"));
        }
        assert!(parts().iter().any(|(text, _)| text == "n < 199"));
        for i in 0..10 {
            points(&ask(&served, &format!("n >= {i}")));
        }
        let mut some = std::mem::take(&mut *parts());
        let each = match &some.last().unwrap().1.data {
            Data::Part(part) => part.bytes(),
            _ => 0,
        };
        assert!(each > 0);
        make_room(&mut some, each * 3);
        assert!((2..=3).contains(&some.len()), "{}", some.len());
        make_room(&mut some, 0);
        assert_eq!(some.len(), 1);
    }

    #[test]
    fn categories_keep_their_colours_and_count_as_memory() {
        let csv = "lon,lat,kind,n\n1,2,a,1\n3,4,a,2\n5,6,b,3\n7,8,other,4\n9,9,,5\n9,8,c,6\n";
        let options = LoadOptions {
            keep: vec!["kind".into(), "n".into()],
            ..LoadOptions::default()
        };
        let mut source = read(csv.as_bytes(), "a.csv", &options).unwrap();
        let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
        let parts = table.split(&points, "kind", 4).unwrap();
        let set = PointSet::new(points).in_categories(Category::with_palette(parts));
        let none = Layer::on_cpu("a", Points::from_slice(&[]), Style::default());
        let backend = Arc::clone(none.backend());
        let layer = Arc::new(Layer::new("a", Arc::new(set), Style::default(), backend));
        let whole = Whole {
            layer: Arc::clone(&layer),
            table: Arc::new(table.shown_by("kind")),
        };
        let shown = |set: &PointSet| -> Vec<_> {
            let all = set.categories().iter();
            let one = |c: &Category| (c.name.clone(), c.color, c.points().summary().count);
            all.map(one).collect()
        };
        let all = shown(layer.data());
        assert_eq!(
            all.iter().map(|c| c.2).collect::<Vec<_>>(),
            [2, 1, 1, 1, 1],
            "{all:?}"
        );
        for (filter, counts) in [
            ("n >= 2", [1, 1, 1, 1, 1]),
            ("n >= 5", [0, 0, 1, 0, 1]),
            ("kind = 'other'", [0, 0, 0, 1, 0]),
            ("n < 0", [0; 5]),
        ] {
            let part = whole.select(&filter.parse().unwrap()).unwrap();
            let expected = all.iter().zip(counts);
            let expected: Vec<_> = expected.map(|((n, c, _), k)| (n.clone(), *c, k)).collect();
            assert_eq!(shown(&part), expected, "{filter}");
        }
        // a value that is called like the rest is none of it, and its points are there twice
        assert!(bytes(&layer) > layer.points().bytes() * 3 / 2);
    }

    /// Many are asked for at once, and found after the last was: their room is no larger for that.
    #[test]
    fn parts_that_are_found_later_are_bounded_too() {
        let served = served(400_000);
        let whole = match &served.data {
            Data::Here(layer) => layer.points().bytes(),
            _ => 0,
        };
        let asked: Vec<_> = (0..20)
            .map(|i| ask(&served, &format!("n >= {i}")))
            .collect();
        let kept = || {
            let parts = served.kept.as_ref().unwrap().parts.lock().unwrap();
            let bytes = |part: &(String, Arc<Served>)| match &part.1.data {
                Data::Part(part) => part.bytes(),
                _ => 0,
            };
            parts.iter().map(bytes).sum::<usize>()
        };
        assert_eq!(kept(), 0);
        for part in &asked {
            points(part);
        }
        let room = whole.max(ROOM);
        assert!(20 * whole > room + whole, "{whole}");
        assert!((whole..=room).contains(&kept()), "{} of {room}", kept());
    }
}
