//! Choice of the columns that hold positions and weights, by options, by names and by defaults.

use super::axes::{self, NamedAxes, latitude, longitude};
use super::selection::RowSelection;
use super::{Columns, Position, Schema, WeightChoice, WeightGuess};
use super::{normalised, quoted, weight};
use crate::error::LoadError;
use crate::options::LoadOptions;
use crate::parameter::Parameter;

/// The columns to read from a source. `weight` is the index of the column of weights, counted from
/// 0; with `None` every row counts 1.
pub(crate) struct ResolvedColumns {
    pub(crate) columns: Columns,
    pub(crate) position: PositionColumns,
    pub(crate) weight: Option<usize>,
    pub(crate) selection: RowSelection,
}

/// The columns that hold the positions, by their indexes among the source's columns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PositionColumns {
    /// The index of the column of longitudes, then the index of the column of latitudes.
    LonLat(usize, usize),
    /// The index of the column of geometries; `None` if geometries are in no column, as in a
    /// Shapefile.
    Geometry(Option<usize>),
}

/// The geometries of a source: the column that holds them, and their description for reports.
pub(crate) struct Geometries {
    /// The index of the column of geometries; `None` if geometries are in no column. A column of
    /// geometries is used only if no option names columns of degrees. Geometries in no column are
    /// always used.
    pub(crate) column: Option<usize>,
    /// The text for reports that states where positions come from: `positions from the shapes`.
    pub(crate) why: String,
}

/// The kind of names that a source's columns have. Defaults and messages depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Names from the header of a text file.
    Header,
    /// Numbers of the columns, counted from 1, which are the names in a text file without a header.
    Numbers,
    /// Names in the schema of a format with typed columns. Some of these columns may hold
    /// geometries.
    Typed,
}

impl Names {
    /// Advice for messages on how options name columns, for a source without columns of positions.
    fn hint(self) -> &'static str {
        match self {
            Self::Typed => {
                "name them with `lon` and `lat`, or the column that holds whole positions with \
                 `geom`"
            }
            Self::Header | Self::Numbers => {
                "name them with `lon` and `lat` (by their numbers, such as `lon` 1 `lat` 2, where \
                 the first row is data), or the column that holds whole positions with `geom`"
            }
        }
    }

    fn missing(self, lon: Option<usize>, lat: Option<usize>) -> &'static str {
        match (lon, lat) {
            (None, None) if self == Self::Typed => "longitude, latitude or geometry",
            (None, None) => "longitude and no latitude",
            (None, _) => "longitude",
            _ => "latitude",
        }
    }
}

/// Chooses the columns of positions, the column of weights, and the columns that the options
/// `filter` and `keep` name.
///
/// Positions come from the first of these that the source has:
///
/// * geometries that are in no column, as in a Shapefile
/// * two columns of degrees, if options name at least one of them
/// * a column of geometries
/// * in a text file without a header, the first two columns
/// * two columns whose names look like longitude and latitude
///
/// # Errors
/// A column that an option names doesn't exist, or no columns of positions are found.
pub(crate) fn resolve(
    seen: Vec<String>,
    names: Names,
    options: &LoadOptions,
    geometries: Option<Geometries>,
    file: &str,
) -> Result<ResolvedColumns, LoadError> {
    let schema = Schema { names: &seen, file };
    let by_degrees = options.lon.is_some() || options.lat.is_some();
    let geometries = geometries.filter(|found| found.column.is_none() || !by_degrees);
    let is_assumed = names == Names::Numbers && !by_degrees;
    let (position, why) = match geometries {
        Some(found) => (PositionColumns::Geometry(found.column), found.why),
        None => degrees(schema, names, options)?,
    };
    let taken: Vec<usize> = match position {
        PositionColumns::LonLat(lon, lat) => vec![lon, lat],
        PositionColumns::Geometry(column) => column.into_iter().collect(),
    };
    let asked = options.weight.as_deref();
    let choice = if is_assumed && seen.len() == 3 && asked.is_none() {
        WeightChoice {
            column: Some(2),
            is_guess: true,
            why: "weight from column 3 (`weight` none counts rows)".into(),
        }
    } else {
        let missing = |name| schema.no_such_column(Parameter::Weight, name);
        weight(&seen, asked, &taken).map_err(missing)?
    };
    let selection = RowSelection::resolve(options, schema)?;
    let name = |at: usize| seen.get(at).cloned().unwrap_or_default();
    let columns = Columns {
        position: match position {
            PositionColumns::LonLat(lon, lat) => Position::LonLat {
                lon: name(lon),
                lat: name(lat),
            },
            PositionColumns::Geometry(_) => Position::Geometry,
        },
        geometry: match position {
            PositionColumns::LonLat(..) => None,
            PositionColumns::Geometry(column) => column.map(name),
        },
        weight: choice.column.map(name),
        kept: selection.names(&seen),
        guess: WeightGuess::new(&choice, &why),
        why: format!("{why}, {}", choice.why),
        seen,
    };
    Ok(ResolvedColumns {
        columns,
        position,
        weight: choice.column,
        selection,
    })
}

/// Chooses the columns of longitudes and latitudes, and states the choice as text for reports:
/// `longitude from "x", latitude from "y"`.
fn degrees(
    schema: Schema<'_>,
    names: Names,
    options: &LoadOptions,
) -> Result<(PositionColumns, String), LoadError> {
    let seen = schema.names;
    let asked = |parameter, name: &Option<String>| {
        let found = name.as_ref().map(|name| schema.find(parameter, name));
        found.transpose()
    };
    let lon = asked(Parameter::Lon, &options.lon)?;
    let lat = asked(Parameter::Lat, &options.lat)?;
    if names == Names::Numbers && options.lon.is_none() && options.lat.is_none() {
        let why = "longitude from column 1, latitude from column 2 (assumed: there is no header)";
        return Ok((PositionColumns::LonLat(0, 1), why.to_owned()));
    }
    let (lon, lat) = match (lon, lat) {
        (None, None) => by_name(schema, options)?,
        (lon, lat) => (
            lon.or_else(|| longitude(seen)),
            lat.or_else(|| latitude(seen)),
        ),
    };
    let (Some(lon), Some(lat)) = (lon, lat) else {
        return Err(LoadError::NoPositionColumns {
            file: schema.file.to_owned(),
            missing: names.missing(lon, lat),
            seen: seen.to_vec(),
            hint: if axes::are_metres(seen) {
                "eastings and northings are metres of a projection: name its coordinate system \
                 with `srid` (an EPSG number)"
            } else {
                names.hint()
            },
        });
    };
    if lon == lat && names != Names::Typed {
        return Err(LoadError::BadOption {
            file: schema.file.to_owned(),
            parameter: Parameter::Lat,
            message: "longitude and latitude cannot be the same column".into(),
        });
    }
    let why = format!(
        "longitude from {}, latitude from {}",
        quoted(seen, lon),
        quoted(seen, lat)
    );
    Ok((PositionColumns::LonLat(lon, lat), why))
}

/// Chooses the columns of longitudes and latitudes by their names, and by the option `pair` if
/// there are several pairs of such columns. Returns the indexes of the two columns; `None` stands
/// for a column that was not found.
fn by_name(
    schema: Schema<'_>,
    options: &LoadOptions,
) -> Result<(Option<usize>, Option<usize>), LoadError> {
    let seen = schema.names;
    let refused = |message| LoadError::BadOption {
        file: schema.file.to_owned(),
        parameter: Parameter::Pair,
        message,
    };
    let shown = |pairs: &[axes::AxisPair]| -> Vec<String> {
        pairs.iter().map(|pair| pair.shown(seen)).collect()
    };
    if let Some(asked) = &options.pair {
        let pairs = axes::pairs(seen);
        let key = normalised(asked);
        if let Some(pair) = pairs.iter().find(|pair| normalised(&pair.key) == key) {
            return Ok((Some(pair.lon), Some(pair.lat)));
        }
        let there = match shown(&pairs) {
            none if none.is_empty() => "no columns whose names differ only in it".to_owned(),
            some => format!("these: {}", some.join(", ")),
        };
        return Err(refused(format!(
            "there are no columns of longitude and latitude called {}; there are {there}",
            crate::messages::shown(asked.as_bytes())
        )));
    }
    match axes::find(seen, options.srid.is_some()) {
        NamedAxes::Found(lon, lat) => Ok((Some(lon), Some(lat))),
        NamedAxes::Missing(lon, lat) => Ok((lon, lat)),
        NamedAxes::Several(pairs) => Err(refused(format!(
            "there are several pairs of longitude and latitude; choose one: {}",
            shown(&pairs).join(", ")
        ))),
    }
}
