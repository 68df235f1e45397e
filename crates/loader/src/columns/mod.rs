//! The columns that hold longitude, latitude and weight, which are found by their names.
//!
//! Names are compared without regard to case. Spaces and the characters `_`, `-`, `.` and `"` are
//! left out, so `Point_X` equals `pointx`.

pub(crate) mod axes;
pub(crate) mod likelihood;
mod names;
pub(crate) mod resolve;
pub(crate) mod selection;
pub(crate) mod weight_check;

#[cfg(feature = "postgis")]
pub(crate) use axes::{latitude, longitude};

use crate::error::LoadError;
use crate::messages::shown;
use crate::parameter::Parameter;
use names::WEIGHT;

/// The part of a source from which the positions of its rows are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Two columns, one of longitudes and one of latitudes in degrees.
    LonLat {
        /// The name of the longitude column.
        lon: String,
        /// The name of the latitude column.
        lat: String,
    },
    /// A geometry in each row, such as a point in WKB, which gives both coordinates.
    Geometry,
}

/// The columns of a source: all of them, those that are used, and the reason for this choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The names of all columns, in the order of the file. In a file without a header a column's
    /// name is its number, counted from 1. In GeoJSON these are the names of the properties of the
    /// first features.
    pub seen: Vec<String>,
    /// The columns or geometries from which positions are read.
    pub position: Position,
    /// The name of the column of whole positions, in which one field gives both coordinates. `None`
    /// if positions are in two columns, or in no column, as in a Shapefile.
    pub geometry: Option<String>,
    /// The name of the column of weights; `None`: every row counts 1.
    pub weight: Option<String>,
    /// The names of the kept columns, whose values are read for each point.
    pub kept: Vec<String>,
    /// The columns that were chosen and the reason for it, as one line of text for people.
    pub why: String,
    /// A mark that the column of weights was chosen by its name alone. `None` if an option names
    /// the column, or if there is no such column.
    pub(crate) guess: Option<WeightGuess>,
}

impl Columns {
    /// The columns of a packed file, which has positions and weights only. `weight` is the name
    /// that the column of weights had in the source of the file, and `why` a line about the file.
    pub fn of_packed(weight: Option<String>, why: String) -> Self {
        Self {
            seen: Vec::new(),
            position: Position::Geometry,
            geometry: None,
            weight,
            kept: Vec::new(),
            why,
            guess: None,
        }
    }
}

/// A mark that the column of weights was chosen by its name alone. The choice is dropped if the
/// column's first values are no numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WeightGuess {
    /// The part of [`Columns::why`] that explains the choice of the position columns. It remains if
    /// the column of weights turns out to hold no numbers and is dropped.
    pub(crate) positions: String,
}

impl WeightGuess {
    /// The mark for the column in `choice`; `None` if an option names the column, or if there is no
    /// such column. `positions` is the part of [`Columns::why`] about positions.
    pub(crate) fn new(choice: &WeightChoice, positions: &str) -> Option<Self> {
        choice.is_guess.then(|| Self {
            positions: positions.to_owned(),
        })
    }
}

/// The names of a source's columns, and the source's name for errors.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    pub(crate) names: &'a [String],
    /// The source's name in messages.
    pub(crate) file: &'a str,
}

impl Schema<'_> {
    /// Finds the column that the option `parameter` names, and returns its index.
    ///
    /// # Errors
    /// [`LoadError::NoSuchColumn`] if the source has no such column.
    pub(crate) fn find(self, parameter: Parameter, name: &str) -> Result<usize, LoadError> {
        named(self.names, name).ok_or_else(|| self.no_such_column(parameter, name))
    }

    /// The error for an option that names a column which the source doesn't have.
    pub(crate) fn no_such_column(self, parameter: Parameter, name: &str) -> LoadError {
        LoadError::NoSuchColumn {
            file: self.file.to_owned(),
            parameter,
            name: name.to_owned(),
            seen: self.names.to_vec(),
        }
    }
}

/// A column's name as this module compares names: in small letters, without spaces and `_`, `-`,
/// `.` or `"`. So `Point_X` becomes `pointx`.
pub(crate) fn normalised(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | '.' | '"' | '\u{feff}') && !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns the index of the column with the name `name` among `seen`; `None` if there is none. A
/// column with exactly this name is preferred to one whose name differs in the case of letters, in
/// spaces, or in `_`, `-`, `.` and `"`.
pub fn named(seen: &[String], name: &str) -> Option<usize> {
    let alike = normalised(name);
    let exact = seen.iter().position(|s| s == name);
    exact.or_else(|| seen.iter().position(|s| normalised(s) == alike))
}

/// The choice of the column of weights, and the reason for it. `column` is the index of the column,
/// counted from 0; with `None` every row counts 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WeightChoice {
    pub(crate) column: Option<usize>,
    pub(crate) why: String,
    /// True if the column was chosen by its name alone, since no option names one.
    pub(crate) is_guess: bool,
}

/// Chooses the column of weights among the columns `seen`. `asked` is the option's value: a
/// column's name, or `none` if every row shall count 1. Without `asked` a column whose name looks
/// like a weight is chosen, if it is the only one. `taken` are the indexes of the columns of
/// positions, which can't be the weight.
///
/// # Errors
/// The name in `asked`, if no column has this name.
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

/// The name of the column with the index `at` (counted from 0), in quotes for messages: `"lon"`.
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
        // A column with exactly this name is preferred to a column with a similar name before it.
        assert_eq!(named(&names("A B,ab"), "ab"), Some(1));
    }
}
