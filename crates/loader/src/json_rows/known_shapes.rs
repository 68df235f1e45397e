//! Recognition of rows that well-known programs write: with several positions in a row, with a
//! coordinate system, or with further columns in an object inside the row.

use super::judgement::{Judgement, RowForm};
use super::path::{PathStep, dotted, members, members_path};
use super::placing::{PlaceRule, Placing};
use crate::options::{AxisOrder, LoadOptions};
use crate::parameter::Parameter;
use std::collections::HashSet;

/// Recognises rows that a well-known program writes. Sets their rules for positions (`placing`) and
/// `is_known`, and for Esri JSON the coordinate system; leaves other rows as they are. `path` leads
/// to the array of rows in the JSON, and `around` is the JSON text of the object that has this
/// array.
pub(super) fn adapt(
    judgement: &mut Judgement<'_>,
    path: &[PathStep],
    around: Option<&[u8]>,
    options: &LoadOptions,
) {
    let is_asked = options.lon.is_some() || options.lat.is_some() || options.geom.is_some();
    if judgement.form != RowForm::Objects || is_asked {
        return;
    }
    let found = esri(judgement, around)
        .or_else(|| overpass(judgement, path))
        .or_else(|| semantic_history(judgement, path))
        .or_else(|| timeline(judgement));
    if let Some(placing) = found {
        judgement.placing = Ok(placing.without(options, &[Parameter::Order, Parameter::Pair]));
        judgement.is_known = true;
    }
}

fn pair(lon: &[&str], lat: &[&str], is_e7: bool) -> PlaceRule {
    PlaceRule::Pair {
        lon: members_path(lon),
        lat: members_path(lat),
        is_e7,
        assumed: None,
    }
}

fn text(path: &[&str]) -> PlaceRule {
    PlaceRule::Text {
        path: members_path(path),
        order: AxisOrder::LatLon,
        is_assumed: false,
    }
}

fn placing(rules: Vec<PlaceRule>, is_each: bool, why: &str) -> Placing {
    Placing {
        rules,
        is_each,
        why: why.to_owned(),
        weight: None,
        unused: None,
    }
}

/// Recognises features of Esri JSON, as ArcGIS servers answer. Returns the rules for their
/// positions; `None` for other rows.
fn esri(judgement: &mut Judgement<'_>, around: Option<&[u8]>) -> Option<Placing> {
    let has = |names: &[&str]| judgement.columns.at(&members_path(names)).is_some();
    let is_point = has(&["geometry", "x"]) && has(&["geometry", "y"]);
    let is_points = has(&["geometry", "points"]);
    if !is_point && !is_points {
        return None;
    }
    judgement.columns.lift("attributes");
    let mut all = members(around.unwrap_or_default());
    let reference = all.find(|(key, value)| key == "spatialReference" && value.is_whole);
    judgement.reference = Some(reference.map_or(Vec::new(), |(_, value)| value.json.to_vec()));
    let rules = vec![
        pair(&["geometry", "x"], &["geometry", "y"], false),
        PlaceRule::Points {
            path: members_path(&["geometry", "points"]),
        },
    ];
    Some(placing(
        rules,
        false,
        "read as Esri JSON: positions from the geometries",
    ))
}

/// Recognises elements of OpenStreetMap, as the Overpass API answers. Returns the rules for their
/// positions; `None` for other rows.
fn overpass(judgement: &mut Judgement<'_>, path: &[PathStep]) -> Option<Placing> {
    let has = |names: &[&str]| judgement.columns.at(&members_path(names)).is_some();
    let is_element = has(&["type"]) && has(&["id"]) && (has(&["lat"]) || has(&["center", "lat"]));
    if !is_element || path.last() != Some(&PathStep::Member("elements".to_owned())) {
        return None;
    }
    judgement.columns.lift("tags");
    let rules = vec![
        pair(&["lon"], &["lat"], false),
        pair(&["center", "lon"], &["center", "lat"], false),
    ];
    let why = "read as Overpass JSON: positions of nodes, and centers of ways and relations";
    Some(placing(rules, false, why))
}

/// Recognises rows of Google's Semantic Location History, which has a file for each month. Returns
/// the rules for their positions; `None` for other rows.
fn semantic_history(judgement: &Judgement<'_>, path: &[PathStep]) -> Option<Placing> {
    if path.last() != Some(&PathStep::Member("timelineObjects".to_owned())) {
        return None;
    }
    let begins = |names: &[&str]| judgement.columns.begins(&members_path(names));
    if !begins(&["placeVisit", "location"]) && !begins(&["activitySegment", "startLocation"]) {
        return None;
    }
    let place = |outer: &str, inner: &str| {
        let (lon, lat) = ([outer, inner, "longitudeE7"], [outer, inner, "latitudeE7"]);
        pair(&lon, &lat, true)
    };
    let rules = vec![
        place("placeVisit", "location"),
        place("activitySegment", "startLocation"),
        place("activitySegment", "endLocation"),
    ];
    let why = "read as Google's Semantic Location History: places, and starts and ends of \
               activities (paths are left out)";
    Some(placing(rules, true, why))
}

/// Recognises rows of Google's timeline, as telephones export it. Returns the rules for their
/// positions; `None` for other rows.
fn timeline(judgement: &Judgement<'_>) -> Option<Placing> {
    let begins = |names: &[&str]| judgement.columns.begins(&members_path(names));
    let visit = ["visit", "topCandidate", "placeLocation"];
    let any = begins(&visit) || begins(&["activity", "start"]) || begins(&["timelinePath"]);
    if !begins(&["startTime"]) || !any {
        return None;
    }
    let rules = vec![
        text(&["visit", "topCandidate", "placeLocation", "latLng"]),
        text(&visit),
        text(&["activity", "start", "latLng"]),
        text(&["activity", "start"]),
        text(&["activity", "end", "latLng"]),
        text(&["activity", "end"]),
        PlaceRule::TextsIn {
            path: members_path(&["timelinePath"]),
            member: "point".to_owned(),
        },
    ];
    let why = "read as Google's timeline: places, starts and ends of activities, and paths";
    Some(placing(rules, true, why))
}

impl super::row_columns::JsonColumns {
    /// Returns true if a column has this JSON path, or lies inside the object or array there.
    fn begins(&self, path: &[PathStep]) -> bool {
        self.all.iter().any(|column| column.path.starts_with(path))
    }

    /// Shortens the names of columns inside the object `name` of each row: `name.color` becomes
    /// `color`, unless another column has that name.
    fn lift(&mut self, name: &str) {
        let prefix = members_path(&[name]);
        let mut taken: HashSet<String> = self.names().into_iter().collect();
        for column in &mut self.all {
            let Some(rest) = column.path.strip_prefix(prefix.as_slice()) else {
                continue;
            };
            let short = dotted(rest);
            if !rest.is_empty() && taken.insert(short.clone()) {
                column.name = short;
            }
        }
    }
}
