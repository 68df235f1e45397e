//! The columns that hold longitude, latitude and weight, found by their names.
//!
//! Names are compared without regard to case, and without spaces and the characters `_`, `-`, `.`
//! and `"`: `Point_X` is `pointx`.

pub(crate) mod resolve;
pub(crate) mod selection;
pub(crate) mod weight_check;

use crate::error::LoadError;
use crate::messages::shown;
use crate::parameter::Parameter;

/// Names of longitude columns, the best first: the first name of this list that a file has is
/// taken.
const LONGITUDE: &[&str] = &[
    "longitude",
    "lon",
    "lng",
    "long",
    "longitudedeg",
    "londeg",
    "longdeg",
    "lngdeg",
    "longitudedd",
    "londd",
    "longdd",
    "decimallongitude",
    "declongitude",
    "declon",
    "declong",
    "longitudedecimal",
    "longitudewgs84",
    "lonwgs84",
    "wgs84lon",
    "wgs84longitude",
    "reclong",
    "reclon",
    "geolongitude",
    "geolon",
    "geolong",
    "geolng",
    "gpslongitude",
    "gpslon",
    "gpslong",
    "gpslng",
    "loclon",
    "loclong",
    "loclng",
    "centroidlon",
    "centroidlongitude",
    "lond",
    "pointx",
    "coordx",
    "xcoord",
    "geox",
    "x",
];

/// Names of latitude columns, the best first.
const LATITUDE: &[&str] = &[
    "latitude",
    "lat",
    "latitudedeg",
    "latdeg",
    "latitudedd",
    "latdd",
    "decimallatitude",
    "declatitude",
    "declat",
    "latitudedecimal",
    "latitudewgs84",
    "latwgs84",
    "wgs84lat",
    "wgs84latitude",
    "reclat",
    "geolatitude",
    "geolat",
    "gpslatitude",
    "gpslat",
    "loclat",
    "centroidlat",
    "centroidlatitude",
    "latd",
    "pointy",
    "coordy",
    "ycoord",
    "geoy",
    "y",
];

/// Names of columns that are taken for the weight if no option names a column. No name is better
/// than another: if a file has two of them, neither is taken.
const WEIGHT: &[&str] = &[
    "weight",
    "weights",
    "wt",
    "w",
    "value",
    "count",
    "counts",
    "cnt",
    "mag",
    "magnitude",
    "population",
    "pop",
    "intensity",
    "amount",
    "total",
    "num",
    "quantity",
    "qty",
    "strength",
];

/// The origin of a source's positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Two columns of degrees.
    LonLat {
        /// The longitude's column.
        lon: String,
        /// The latitude's column.
        lat: String,
    },
    /// The rows' geometries.
    Geometry,
}

/// All columns of a source, the columns among them that are used, and the reason for this choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The names of all columns, in the order of the file. Without a header a column's name is its
    /// number, counted from 1. For GeoJSON these are the properties of the first features.
    pub seen: Vec<String>,
    /// The origin of positions.
    pub position: Position,
    /// The column of weights; `None`: every row counts 1.
    pub weight: Option<String>,
    /// The columns whose values are kept for each point.
    pub kept: Vec<String>,
    /// The choice and its reason, in one line for people.
    pub why: String,
    /// Set if the weight was chosen by its name alone and not by an option.
    pub(crate) guess: Option<WeightGuess>,
}

/// A column of weights that was chosen by its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WeightGuess {
    /// The part of [`Columns::why`] about positions.
    pub(crate) positions: String,
}

impl WeightGuess {
    /// The guess that a choice of a column is, if no option named the column; else `None`.
    pub(crate) fn new(choice: &WeightChoice, positions: &str) -> Option<Self> {
        choice.is_guess.then(|| Self {
            positions: positions.to_owned(),
        })
    }
}

/// The names of a source's columns.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    pub(crate) names: &'a [String],
    /// The source, as messages name it.
    pub(crate) file: &'a str,
}

impl Schema<'_> {
    /// The index of the column `name`, which is the value of `parameter`.
    ///
    /// # Errors
    /// [`LoadError::NoSuchColumn`]
    pub(crate) fn find(self, parameter: Parameter, name: &str) -> Result<usize, LoadError> {
        named(self.names, name).ok_or_else(|| self.no_such_column(parameter, name))
    }

    /// The error for a column that a parameter names and that is not there.
    pub(crate) fn no_such_column(self, parameter: Parameter, name: &str) -> LoadError {
        LoadError::NoSuchColumn {
            file: self.file.to_owned(),
            parameter,
            name: name.to_owned(),
            seen: self.names.to_vec(),
        }
    }
}

/// A name in the form in which names are compared.
pub(crate) fn normalised(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | '.' | '"' | '\u{feff}') && !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The index of the column with a name: exactly this name, or else one that is equal by the
/// comparison of this module.
pub(crate) fn named(seen: &[String], name: &str) -> Option<usize> {
    let alike = normalised(name);
    let exact = seen.iter().position(|s| s == name);
    exact.or_else(|| seen.iter().position(|s| normalised(s) == alike))
}

/// The index of the column whose name looks like the longitude.
pub(crate) fn longitude(seen: &[String]) -> Option<usize> {
    by_priority(seen, LONGITUDE, "longitude")
}

/// The index of the column whose name looks like the latitude.
pub(crate) fn latitude(seen: &[String]) -> Option<usize> {
    by_priority(seen, LATITUDE, "latitude")
}

/// The index of the column with the best name of `list`; without such a column, of the only column
/// with `word` in its name (`start_longitude`, `Longitude (°E)`).
fn by_priority(seen: &[String], list: &[&str], word: &str) -> Option<usize> {
    let names: Vec<String> = seen.iter().map(|s| normalised(s)).collect();
    let well_known = list
        .iter()
        .find_map(|known| names.iter().position(|n| n == known));
    well_known.or_else(|| {
        let mut loose = (0..).zip(&names).filter(|(_, n)| n.contains(word));
        match (loose.next(), loose.next()) {
            (Some((at, _)), None) => Some(at),
            _ => None,
        }
    })
}

/// The choice of the column of weights, and the reason. The column is an index; `None`: every row
/// counts 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WeightChoice {
    pub(crate) column: Option<usize>,
    pub(crate) why: String,
    /// Set if there is a column and no option named it.
    pub(crate) is_guess: bool,
}

/// Finds the column of weights among `seen`. `asked` is its name, or `none` if every row counts 1;
/// without `asked` the only column whose name looks like a weight is taken. `taken` are the columns
/// of positions, which can't be the weight.
///
/// # Errors
/// The name that `asked` holds, if there is no such column.
pub(crate) fn weight<'a>(
    seen: &[String],
    asked: Option<&'a str>,
    taken: &[usize],
) -> Result<WeightChoice, &'a str> {
    let said = |column: Option<usize>, why: String| {
        Ok(WeightChoice {
            is_guess: column.is_some() && asked.is_none(),
            column,
            why,
        })
    };
    if let Some(name) = asked {
        if name.eq_ignore_ascii_case("none") {
            return said(None, "every row counts 1 (weight none)".into());
        }
        let at = named(seen, name).ok_or(name)?;
        return said(Some(at), format!("weight from {}", quoted(seen, at)));
    }
    let likely: Vec<usize> = (0..seen.len())
        .filter(|at| !taken.contains(at))
        .filter(|&at| {
            seen.get(at)
                .is_some_and(|s| WEIGHT.contains(&&*normalised(s)))
        })
        .collect();
    match likely.as_slice() {
        [] => said(
            None,
            "every row counts 1 (no column looks like a weight)".into(),
        ),
        [at] => said(
            Some(*at),
            format!(
                "weight from {} (the only column that looks like one; `weight` none counts rows)",
                quoted(seen, *at)
            ),
        ),
        several => {
            let names: Vec<String> = several.iter().map(|&at| quoted(seen, at)).collect();
            let why = format!(
                "every row counts 1 ({} all look like weights; choose one with `weight` NAME)",
                names.join(", ")
            );
            said(None, why)
        }
    }
}

/// A column's name as messages show it.
pub(crate) fn quoted(seen: &[String], at: usize) -> String {
    shown(seen.get(at).map_or("", String::as_str).as_bytes())
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
            ("a,b,c", None, None),
        ] {
            let seen = names(header);
            assert_eq!((longitude(&seen), latitude(&seen)), (lon, lat), "{header}");
        }
    }

    #[test]
    fn a_weight_only_where_it_is_unambiguous() {
        let auto = |line: &str| weight(&names(line), None, &[]).unwrap();
        assert_eq!(auto("lon,lat,Population").column, Some(2));
        assert!(auto("lon,lat,Population").why.contains("`weight` none"));
        assert_eq!(auto("lon,lat,mass (g)").column, None);
        let two = auto("lon,lat,count,value");
        assert_eq!(two.column, None);
        assert!(two.why.contains("\"count\", \"value\""), "{}", two.why);
        // A column that is already the position is not also the weight.
        assert_eq!(weight(&names("w,lat"), None, &[0]).unwrap().column, None);
    }

    #[test]
    fn a_weight_that_is_asked_for() {
        let seen = names("lon,lat,mass (g),count");
        assert_eq!(
            weight(&seen, Some("mass (g)"), &[]).unwrap().column,
            Some(2)
        );
        assert_eq!(weight(&seen, Some("MASS(G)"), &[]).unwrap().column, Some(2));
        assert_eq!(weight(&seen, Some("none"), &[]).unwrap().column, None);
        assert_eq!(weight(&seen, Some("mass"), &[]), Err("mass"));
        // The exact name is preferred to a similar one that stands before it.
        assert_eq!(named(&names("A B,ab"), "ab"), Some(1));
    }
}
