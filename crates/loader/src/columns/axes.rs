//! Choice of the columns of longitude and latitude by their names.

use super::names::{AxisNames, LATITUDE, LONGITUDE};
use super::{normalised, quoted};
use std::collections::HashMap;

/// The columns of longitude and latitude that the names of a source's columns suggest. Columns are
/// given by their indexes, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NamedAxes {
    /// The index of the column of longitudes, then the index of the column of latitudes.
    Found(usize, usize),
    /// Several pairs of columns, for example the start and the end of trips.
    Several(Vec<AxisPair>),
    /// No pair of columns. The fields are the column of longitudes and the column of latitudes; at
    /// least one of them was not found and is `None`.
    Missing(Option<usize>, Option<usize>),
}

/// Two columns whose names differ only in the word for the axis, such as `start_lng` and
/// `start_lat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AxisPair {
    /// The part that the two column names share: `start` for `start_lng` and `start_lat`.
    pub(crate) key: String,
    pub(crate) lon: usize,
    pub(crate) lat: usize,
}

impl AxisPair {
    /// The pair as text for messages: `start ("start_lng" and "start_lat")`. `seen` are the names
    /// of all columns.
    pub(crate) fn shown(&self, seen: &[String]) -> String {
        let [lon, lat] = [self.lon, self.lat].map(|at| quoted(seen, at));
        format!("{} ({lon} and {lat})", self.key)
    }
}

/// Finds the columns of longitude and latitude by their names. The kinds of names are tried in this
/// order, until one has a column for each axis:
///
/// * names that mean degrees, like `longitude`
/// * pairs of names like `stop_lon` and `stop_lat`
/// * names that may mean degrees or metres, like `x`
/// * for each axis by itself, the column that [`longitude`] or [`latitude`] finds
///
/// If the coordinates may be metres of a projection (`metres`), names like `easting` are tried
/// before all of these, and then names like `x`.
pub(crate) fn find(seen: &[String], metres: bool) -> NamedAxes {
    let names: Vec<String> = seen.iter().map(|name| normalised(name)).collect();
    let both = |of: fn(&AxisNames) -> &'static [&'static str]| {
        let lon = first_of(&names, of(&LONGITUDE));
        let lat = first_of(&names, of(&LATITUDE));
        lon.zip(lat)
    };
    let [degrees, either, plane] = [both(|n| n.degrees), both(|n| n.either), both(|n| n.metres)];
    let found = if metres {
        plane.or(either).or(degrees)
    } else {
        degrees
    };
    if let Some((lon, lat)) = found {
        return NamedAxes::Found(lon, lat);
    }
    let mut pairs = pairs(seen);
    match pairs.len() {
        0 => (),
        1 => {
            let pair = pairs.swap_remove(0);
            return NamedAxes::Found(pair.lon, pair.lat);
        }
        _ => return NamedAxes::Several(pairs),
    }
    if let Some((lon, lat)) = either {
        return NamedAxes::Found(lon, lat);
    }
    match (longitude(seen), latitude(seen)) {
        // A name with both words is one of a column of whole positions, or a title.
        (Some(lon), Some(lat)) if lon == lat => NamedAxes::Missing(None, None),
        (Some(lon), Some(lat)) => NamedAxes::Found(lon, lat),
        (lon, lat) => NamedAxes::Missing(lon, lat),
    }
}

/// Returns whether a source has columns with names like `easting` and `northing`, which mean metres
/// of a projection, for both axes.
pub(crate) fn are_metres(seen: &[String]) -> bool {
    let names: Vec<String> = seen.iter().map(|name| normalised(name)).collect();
    let has = |axis: &AxisNames| first_of(&names, axis.metres).is_some();
    has(&LONGITUDE) && has(&LATITUDE)
}

/// The index of the column whose name looks like a longitude; `None` if there is none.
pub(crate) fn longitude(seen: &[String]) -> Option<usize> {
    by_priority(seen, &LONGITUDE, "longitude")
}

/// The index of the column whose name looks like a latitude; `None` if there is none.
pub(crate) fn latitude(seen: &[String]) -> Option<usize> {
    by_priority(seen, &LATITUDE, "latitude")
}

/// The index of an axis's column, by the first of these rules that gives one; `None` if none does:
///
/// * the column whose name comes first in the list `degrees` of `axis`
/// * the column whose name comes first in the list `either` of `axis`
/// * the only column whose name contains `word`, like `Longitude (°E)`
fn by_priority(seen: &[String], axis: &AxisNames, word: &str) -> Option<usize> {
    let names: Vec<String> = seen.iter().map(|s| normalised(s)).collect();
    let known = first_of(&names, axis.degrees).or_else(|| first_of(&names, axis.either));
    known.or_else(|| {
        let mut loose = (0..).zip(&names).filter(|(_, n)| n.contains(word));
        match (loose.next(), loose.next()) {
            (Some((at, _)), None) => Some(at),
            _ => None,
        }
    })
}

fn first_of(names: &[String], list: &[&str]) -> Option<usize> {
    list.iter()
        .find_map(|known| names.iter().position(|name| name == known))
}

/// All pairs of a longitude and a latitude column whose names differ only in the word for the axis,
/// in the order of the columns.
pub(crate) fn pairs(seen: &[String]) -> Vec<AxisPair> {
    let keys = |axis: &AxisNames| -> Vec<(usize, String)> {
        let all = (0..).zip(seen);
        all.filter_map(|(at, name)| Some((at, key(name, axis.words)?)))
            .collect()
    };
    let mut lats = HashMap::new();
    for (lat, key) in keys(&LATITUDE) {
        lats.entry(key).or_insert(lat);
    }
    // A key that is taken out gives no second pair.
    let pair = |(lon, key): (usize, String)| {
        let (key, lat) = lats.remove_entry(&key)?;
        Some(AxisPair { key, lon, lat })
    };
    keys(&LONGITUDE).into_iter().filter_map(pair).collect()
}

/// The part of a column's name beside the word for an axis: `start` for `start_lng`, `Start
/// Longitude` and `startLng`. `axis` are the words for the axis. `None` if the name has none of
/// these words, or nothing beside the word.
fn key(name: &str, axis: &[&str]) -> Option<String> {
    let mut words = words(name);
    let key = match words.iter().position(|word| axis.contains(&word.as_str())) {
        Some(at) => {
            words.remove(at);
            words.join("_")
        }
        // The words may be written as one: `stoplat`.
        None => {
            let name = normalised(name);
            let ends = axis.iter().filter_map(|word| name.strip_suffix(word));
            ends.min_by_key(|rest| rest.len())?.to_owned()
        }
    };
    Some(key).filter(|key| !key.is_empty())
}

/// The words of a name in small letters. A word ends at any character that is no letter or digit,
/// and before a capital letter that follows a small one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let is_start = c.is_uppercase() && before.is_lowercase();
        if is_start || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<String> {
        line.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn positions_are_found_by_name() {
        for (header, lon, lat) in [
            ("id,lon,lat,weight", Some(1), Some(2)),
            ("name,Latitude,LONGITUDE", Some(2), Some(1)),
            (",lat,long,depth,mag", Some(2), Some(1)),
            ("X,Y,Lat/Long", Some(0), Some(1)),
            ("x,y,lng,lat", Some(2), Some(3)),
            ("id,reclat,reclong,GeoLocation", Some(2), Some(1)),
            ("POINT_X,point-y", Some(0), Some(1)),
            (" lon dd ,lat.dd", Some(0), Some(1)),
            ("\u{feff}longitude,latitude", Some(0), Some(1)),
            ("start_longitude,start_latitude", Some(0), Some(1)),
            (
                "start_longitude,end_longitude,latitude (deg)",
                None,
                Some(2),
            ),
            ("stop_id,stop_lat,stop_lon", Some(2), Some(1)),
            ("shape_pt_lat,shape_pt_lon", Some(1), Some(0)),
            ("USPS,INTPTLAT,INTPTLONG   ", Some(2), Some(1)),
            ("gbifID,decimalLatitude,decimalLongitude", Some(2), Some(1)),
            ("nombre,latitud,longitud", Some(2), Some(1)),
            ("Breitengrad,Längengrad", Some(1), Some(0)),
            ("Breite,Länge", Some(1), Some(0)),
            ("latitudine,longitudine", Some(1), Some(0)),
            ("Breedtegraad,Lengtegraad", Some(1), Some(0)),
            (
                "Szerokość geograficzna,Długość geograficzna",
                Some(1),
                Some(0),
            ),
            ("широта,долгота", Some(1), Some(0)),
            ("Широта,Довгота", Some(1), Some(0)),
            ("緯度,経度", Some(1), Some(0)),
            ("緯度,經度", Some(1), Some(0)),
            ("纬度,经度", Some(1), Some(0)),
            ("위도,경도", Some(1), Some(0)),
            ("Enlem,Boylam", Some(1), Some(0)),
            ("Zeměpisná šířka,Zeměpisná délka", Some(1), Some(0)),
            ("lat_wgs84,lon_wgs84", Some(1), Some(0)),
            ("y_coord,x_coord", Some(1), Some(0)),
            ("x_lon,y_lat", Some(0), Some(1)),
            ("locationLat,locationLng", Some(1), Some(0)),
            ("stoplat,stoplng", Some(1), Some(0)),
            ("Start Latitude,Start Longitude,x,y", Some(1), Some(0)),
            ("platform,balloon", None, None),
            ("id,Latitude and longitude", None, None),
            ("easting,northing", None, None),
            ("a,b,c", None, None),
        ] {
            let found = match find(&names(header), false) {
                NamedAxes::Found(lon, lat) => (Some(lon), Some(lat)),
                NamedAxes::Missing(lon, lat) => (lon, lat),
                several => panic!("{header}: {several:?}"),
            };
            assert_eq!(found, (lon, lat), "{header}");
        }
    }

    #[test]
    fn several_pairs_are_no_choice() {
        let seen = names("id,pickup_longitude,pickup_latitude,dropoffLat,dropoffLng");
        let NamedAxes::Several(pairs) = find(&seen, false) else {
            panic!("one pair")
        };
        let keys: Vec<_> = pairs.iter().map(|p| (&*p.key, p.lon, p.lat)).collect();
        assert_eq!(keys, [("pickup", 1, 2), ("dropoff", 4, 3)]);
        assert_eq!(
            pairs[0].shown(&seen),
            "pickup (\"pickup_longitude\" and \"pickup_latitude\")"
        );
        // A column that is a latitude by itself is preferred to one of several.
        let seen = names("lat,lon,start_lat,start_lon,end_lat,end_lon");
        assert_eq!(find(&seen, false), NamedAxes::Found(1, 0));
    }

    #[test]
    fn names_of_metres_count_only_where_metres_may_be() {
        for (header, lon, lat) in [
            ("id,Easting,Northing", 1, 2),
            ("Hochwert,Rechtswert", 1, 0),
            ("lon,lat,x,y", 2, 3),
            ("UTM_Y,UTM_X", 1, 0),
            ("N,E", 1, 0),
        ] {
            assert_eq!(find(&names(header), true), NamedAxes::Found(lon, lat));
        }
        assert!(are_metres(&names("Easting,Northing")) && !are_metres(&names("x,y")));
    }
}
