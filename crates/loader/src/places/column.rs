//! Recognition of the column that holds whole positions, both coordinates in one value, by the
//! first rows of a source.

use super::text_form::TextForm;
use crate::columns::axes::{self, NamedAxes};
use crate::columns::resolve::Geometries;
use crate::columns::{Schema, normalised, quoted};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::messages::list;
use crate::number;
use crate::options::{AxisOrder, LoadOptions};
use crate::parameter::Parameter;
use crate::position_text::cell::{CellCode, UtmLetter, shown_size};
use crate::position_text::geometry::geometry;
use crate::position_text::pair::{CoordinatePair, coordinates, may_be_number};
use crate::value::Value;

/// The number of rows at the beginning of a source that are examined to find the form of its
/// positions: a choice.
pub(crate) const EXAMINED: usize = 1000;

/// Names of columns that usually hold whole positions, both coordinates in one field, as
/// [`normalised`] returns them. If the values of several columns could be positions, a column with
/// one of these names is chosen.
const NAMES: [&str; 24] = [
    "geometry",
    "geom",
    "thegeom",
    "wkt",
    "wkb",
    "ewkt",
    "ewkb",
    "wktgeom",
    "shape",
    "point",
    "location",
    "georeference",
    "geopoint2d",
    "geopoint",
    "geoloc",
    "geolocation",
    "coordinates",
    "coordinate",
    "coords",
    "latlon",
    "latlng",
    "latlong",
    "lonlat",
    "position",
];

/// A column that holds whole positions, both coordinates in one field.
#[derive(Clone, Debug)]
pub(crate) struct PlaceColumn {
    pub(crate) at: usize,
    pub(crate) form: TextForm,
    /// The EPSG number that the column's first geometry states; 0 if it states none.
    pub(crate) srid: u32,
    /// The text for reports that states where positions come from, such as `positions from the
    /// geometries in "geom"`.
    pub(crate) why: String,
}

/// Counts of one column's values by kind: geometries, pairs of coordinates, and codes of areas
/// (geohash, MGRS and others).
#[derive(Clone, Debug, Default)]
struct PlaceCounts {
    values: usize,
    geometries: usize,
    pairs: Vec<CoordinatePair>,
    /// The number of the values in `pairs` that may also be one number, for example a price like
    /// `12,50`.
    doubtful: usize,
    srid: u32,
    /// Counts for each kind of code (geohash, MGRS and others) that is looked for.
    codes: Vec<CodeCount>,
    example: Option<String>,
    /// The number of values that are short plus codes, and the first of them.
    short_codes: usize,
    short_code: Option<String>,
}

/// The number of a column's values that are codes of one kind, such as geohash. A code stands for
/// an area of a world-wide grid.
#[derive(Clone, Debug)]
struct CodeCount {
    code: CellCode,
    values: usize,
    /// The size of the largest area that a value stands for: the square root of the area, in
    /// metres.
    largest: f64,
}

impl PlaceCounts {
    /// Makes empty counts for a column with the name `name`. `is_asked` is true if an option names
    /// the column. Both decide which kinds of codes are looked for.
    fn new(name: &str, is_asked: bool) -> Self {
        let name = normalised(name);
        let named = CellCode::of_name(&name);
        let others = CellCode::UNMISTAKABLE.into_iter().filter(|_| is_asked);
        let is_utm = is_asked || may_be_utm(&name);
        let utm = CellCode::UTM.into_iter().filter(|_| is_utm);
        let count = |code| CodeCount {
            code,
            values: 0,
            largest: 0.0,
        };
        Self {
            codes: named
                .into_iter()
                .chain(others)
                .chain(utm)
                .map(count)
                .collect(),
            ..Self::default()
        }
    }

    fn note(&mut self, text: &[u8]) {
        if text.trim_ascii().is_empty() || number::is_missing(text) {
            return;
        }
        self.values += 1;
        self.example
            .get_or_insert_with(|| crate::messages::shown(text));
        for known in &mut self.codes {
            if let Some(cell) = known.code.cell(text) {
                known.values += 1;
                known.largest = known.largest.max(cell.size);
            }
        }
        if CellCode::is_short_plus_code(text) {
            self.short_codes += 1;
            self.short_code
                .get_or_insert_with(|| crate::messages::shown(text));
        }
        if let Some(geometry) = geometry(text) {
            self.geometries += 1;
            if self.srid == 0 {
                self.srid = geometry.srid;
            }
        } else if let Some(pair) = coordinates(text) {
            self.pairs.push(pair);
            self.doubtful += usize::from(may_be_number(text));
        }
    }

    /// Counts a value that is no text. H3 indexes may be whole numbers. A quadkey that became a
    /// number may have lost zeros at its beginning, so it is none.
    fn note_other(&mut self, value: &Value<'_>) {
        self.values += 1;
        self.example.get_or_insert_with(|| value.shown());
        let Some(text) = TextForm::number_text(value) else {
            return;
        };
        let h3 = self.codes.iter_mut().find(|c| c.code == CellCode::H3);
        if let Some((known, cell)) = h3.zip(CellCode::H3.cell(text.as_bytes())) {
            known.values += 1;
            known.largest = known.largest.max(cell.size);
        }
    }

    /// Returns true if `count`, the number of a column's values of one kind, is at least 95 in 100
    /// of all its values. Half of them is enough if an option names the column (`asked`).
    fn are(&self, count: usize, asked: bool) -> bool {
        let wanted = match asked {
            true => self.values.div_ceil(2),
            false => (self.values * 19).div_ceil(20),
        };
        count > 0 && count >= wanted
    }

    /// The error for a column called `name` whose values are short plus codes; `None` if they are
    /// not. `asked` is true if an option names the column.
    fn short_code_error(&self, asked: bool, name: &str) -> Option<PlaceColumnError> {
        let example = self.short_code.as_ref()?;
        self.are(self.short_codes, asked).then(|| {
            PlaceColumnError::ShortCodes(format!(
                "column {name} has short plus codes such as {example}, which mean a place only \
                 with the position of a place near it: write full codes such as 8FVC9G8F+6X, or \
                 degrees"
            ))
        })
    }
}

/// The first values of a source's columns, from which the column that holds whole positions is
/// found.
pub(crate) struct PlaceSample<'a> {
    seen: &'a [String],
    options: &'a LoadOptions,
    /// The index of the column that the option `geom` names.
    asked: Option<usize>,
    counts: Vec<PlaceCounts>,
}

/// The reason why the column of whole positions is not certain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PlaceColumnError {
    /// The source doesn't have the column with this name, which the option `geom` states.
    NoColumn(String),
    /// The values of the only column with positions are short plus codes. The text is a message.
    ShortCodes(String),
    /// The values of the column that the option `geom` names are no positions. The text is a
    /// message.
    NoPositions(String),
    /// Several columns hold positions. The list has their names.
    Several(Vec<String>),
}

impl PlaceColumnError {
    /// The error for a source with the columns of `schema`.
    pub(crate) fn into_load_error(self, schema: Schema<'_>) -> LoadError {
        let file = schema.file.to_owned();
        let parameter = Parameter::Geom;
        match self {
            Self::NoColumn(name) => schema.no_such_column(parameter, &name),
            Self::ShortCodes(message) => LoadError::Unsupported { file, message },
            Self::NoPositions(message) => LoadError::BadOption {
                file,
                parameter,
                message,
            },
            Self::Several(names) => LoadError::BadOption {
                file,
                parameter,
                message: format!(
                    "several columns hold positions; name one of them: {}",
                    list(&names)
                ),
            },
        }
    }
}

/// Returns whether a column of whole positions is looked for in a source with the columns `seen`.
/// It is if the option `geom` is set; otherwise, if no names look like longitude and latitude. It
/// isn't if options name columns of degrees.
pub(crate) fn is_wanted(seen: &[String], options: &LoadOptions) -> bool {
    let by_degrees = options.lon.is_some() || options.lat.is_some();
    let are_named = || {
        let found = axes::find(seen, options.srid.is_some());
        !matches!(found, NamedAxes::Missing(..))
    };
    !by_degrees && (options.geom.is_some() || !are_named())
}

/// Returns whether `text`, in a column called `name`, is a whole position that is recognised by the
/// column's name and the text alone.
pub(crate) fn is_place(name: &str, text: &[u8]) -> bool {
    let name = normalised(name);
    let is_code = |code: CellCode| code.cell(text).is_some();
    let named = CellCode::of_name(&name);
    let is_usual = NAMES.contains(&name.as_str());
    named.is_some_and(is_code)
        || named == Some(CellCode::PlusCode) && CellCode::is_short_plus_code(text)
        || may_be_utm(&name) && CellCode::UTM.into_iter().any(is_code)
        || is_usual && (geometry(text).is_some() || coordinates(text).is_some())
}

/// Returns whether a column may hold references in UTM. `name` is its name as [`normalised`]
/// returns it.
fn may_be_utm(name: &str) -> bool {
    name.contains("utm") || NAMES.contains(&name)
}

impl<'a> PlaceSample<'a> {
    /// A sample without values, of a source with the columns `seen`.
    pub(crate) fn new(
        seen: &'a [String],
        options: &'a LoadOptions,
    ) -> Result<Self, PlaceColumnError> {
        Self::of_paths(seen, seen, options)
    }

    /// A sample without values, of a source whose columns are paths such as `place.geohash`. `seen`
    /// are the paths, and `names` their last parts, which show what the columns hold.
    pub(crate) fn of_paths(
        seen: &'a [String],
        names: &[String],
        options: &'a LoadOptions,
    ) -> Result<Self, PlaceColumnError> {
        let asked = match &options.geom {
            Some(asked) => Some(
                crate::columns::named(seen, asked)
                    .ok_or_else(|| PlaceColumnError::NoColumn(asked.clone()))?,
            ),
            None => None,
        };
        let columns = names.iter().enumerate();
        let counts = columns.map(|(at, name)| PlaceCounts::new(name, asked == Some(at)));
        Ok(Self {
            seen,
            options,
            asked,
            counts: counts.collect(),
        })
    }

    /// Adds a row's text in the column with the index `at`.
    pub(crate) fn note(&mut self, at: usize, text: &[u8]) {
        if let Some(counts) = self.counts.get_mut(at) {
            counts.note(text);
        }
    }

    /// Adds a row's value in the column with the index `at`.
    pub(crate) fn note_value(&mut self, at: usize, value: &Value<'_>) {
        match value {
            Value::Null => (),
            Value::Text(text) => self.note(at, text.as_bytes()),
            other => {
                if let Some(counts) = self.counts.get_mut(at) {
                    counts.note_other(other);
                }
            }
        }
    }

    /// Forgets all values but codes, for a source whose other texts are read in another way.
    pub(crate) fn keep_codes(&mut self) {
        for counts in &mut self.counts {
            counts.geometries = 0;
            counts.pairs.clear();
        }
    }

    /// The column that holds whole positions. `None` if there is none.
    ///
    /// # Errors
    /// The option `geom` names a column whose values are no positions, several columns have
    /// positions, or the only ones are short plus codes.
    pub(crate) fn find(self) -> Result<Option<PlaceColumn>, PlaceColumnError> {
        let Self {
            seen,
            options,
            asked,
            counts,
        } = self;
        let name = |at: usize| quoted(seen, at);
        if let Some(at) = asked {
            let found = counts.get(at).cloned().unwrap_or_default();
            if let Some(error) = found.short_code_error(true, &name(at)) {
                return Err(error);
            }
            let holds = match &found.example {
                Some(example) => format!("it holds {example}"),
                None => "it is empty at first".to_owned(),
            };
            let column = PlaceColumn::of(at, found, seen, options);
            return column.map(Some).ok_or_else(|| {
                PlaceColumnError::NoPositions(format!(
                    "the values of column {} are no positions: expected well-known text, \
                     well-known binary in hexadecimal digits, GeoJSON, two numbers, or codes of \
                     cells (H3, plus codes, MGRS, UTM; geohashes and quadkeys where the column is \
                     called so); {holds}",
                    name(at)
                ))
            });
        }
        let known = |at: usize| is_known(seen, at);
        let mut all = counts.iter().enumerate();
        let short = all.find_map(|(at, found)| found.short_code_error(false, &name(at)));
        let all = counts.into_iter().enumerate();
        let mut found: Vec<PlaceColumn> = all
            .filter_map(|(at, counts)| PlaceColumn::of(at, counts, seen, options))
            .collect();
        if found.len() > 1 && found.iter().any(|column| known(column.at)) {
            found.retain(|column| known(column.at));
        }
        if found.len() > 1 {
            let names = found.iter().filter_map(|c| seen.get(c.at).cloned());
            return Err(PlaceColumnError::Several(names.collect()));
        }
        match (found.pop(), short) {
            (None, Some(error)) => Err(error),
            (found, _) => Ok(found),
        }
    }
}

impl PlaceColumn {
    /// This column as the geometries of a source, from which positions are read.
    pub(crate) fn geometries(&self) -> Geometries {
        Geometries {
            column: Some(self.at),
            why: self.why.clone(),
        }
    }

    /// Returns whether the column is recognised by its name too, and not by its values alone.
    /// `seen` are the names of all columns.
    pub(crate) fn has_usual_name(&self, seen: &[String]) -> bool {
        is_known(seen, self.at) || matches!(self.form, TextForm::Code(_))
    }

    /// The coordinate system of the positions: that of the option `srid`, else the one that the
    /// column's geometries state, else longitude and latitude. The number is the system's EPSG
    /// number, 0 if none is stated.
    ///
    /// # Errors
    /// * [`LoadError::BadOption`] if the option `srid` is set, but positions are codes, which need
    ///   no coordinate system
    /// * [`LoadError::UnknownCrs`] if the coordinate system is not known
    pub(crate) fn crs(&self, options: &LoadOptions, file: &str) -> Result<(Crs, u32), LoadError> {
        if let (TextForm::Code(code), Some(_)) = (self.form, options.srid) {
            return Err(LoadError::BadOption {
                file: file.to_owned(),
                parameter: Parameter::Srid,
                message: format!("codes of {} state their places; leave it out", code.name()),
            });
        }
        match options.srid.unwrap_or(self.srid) {
            0 => Ok((Crs::LonLat, 0)),
            srid => Ok((Crs::from_epsg(srid, file)?, srid)),
        }
    }

    /// The column with the index `at`, if its values are whole positions; otherwise `None`.
    /// `contents` are the counts of its values.
    fn of(
        at: usize,
        contents: PlaceCounts,
        seen: &[String],
        options: &LoadOptions,
    ) -> Option<Self> {
        let name = quoted(seen, at);
        let asked = options.geom.is_some();
        // Of kinds that fit as many values the first one is meant, which `max_by_key` takes last.
        let codes = contents.codes.iter().rev();
        let codes = codes.filter(|known| contents.are(known.values, asked));
        if let Some(known) = codes.max_by_key(|known| known.values) {
            let (kind, size) = (known.code.name(), shown_size(known.largest));
            let means = match known.code {
                CellCode::Utm(UtmLetter::Band) => "letters are bands of latitude".to_owned(),
                CellCode::Utm(UtmLetter::Hemisphere) => "N and S are hemispheres".to_owned(),
                _ => format!("cells of about {size}: points at their middles"),
            };
            return Some(Self {
                at,
                form: TextForm::Code(known.code),
                srid: 0,
                why: format!("positions from {name}: {kind}, {means}"),
            });
        }
        if contents.are(contents.geometries, asked) {
            return Some(Self {
                at,
                form: TextForm::Geometry,
                srid: contents.srid,
                why: format!("positions from the geometries in {name}"),
            });
        }
        if !contents.are(contents.pairs.len(), asked) {
            return None;
        }
        let is_certain = contents.doubtful * 2 <= contents.pairs.len();
        if !(is_certain || asked || is_known(seen, at)) {
            return None;
        }
        let named = normalised(seen.get(at).map_or("", String::as_str));
        let (order, because) = order(&contents.pairs, &named, options.pair.as_deref());
        let order_named = match order {
            AxisOrder::LatLon => "the latitude first",
            AxisOrder::LonLat => "the longitude first",
        };
        Some(Self {
            at,
            form: TextForm::Pair(order),
            srid: 0,
            why: format!("positions from {name} ({order_named}: {because})"),
        })
    }
}

/// Returns true if the name of the column with the index `at` is one of [`NAMES`].
fn is_known(seen: &[String], at: usize) -> bool {
    let name = normalised(seen.get(at).map_or("", String::as_str));
    NAMES.contains(&name.as_str())
}

/// The largest absolute value, in degrees, that a longitude may have. Larger numbers are metres.
const LARGEST: f64 = 540.0;

/// The order of the two coordinates in a column's fields, and the reason for it as text for
/// reports. `pairs` are the coordinates in the first rows, and `name` is the column's name as
/// [`normalised`] returns it. `asked` is the value of the option `pair`, such as `lat,lon`.
fn order(pairs: &[CoordinatePair], name: &str, asked: Option<&str>) -> (AxisOrder, &'static str) {
    match asked.map(normalised).as_deref() {
        Some("lon,lat" | "lonlat" | "lng,lat" | "lnglat" | "x,y" | "xy") => {
            return (AxisOrder::LonLat, "`pair` says so");
        }
        Some("lat,lon" | "latlon" | "lat,lng" | "latlng" | "y,x" | "yx") => {
            return (AxisOrder::LatLon, "`pair` says so");
        }
        _ => (),
    }
    if pairs.iter().all(|pair| pair.stated.is_some()) {
        return (AxisOrder::LatLon, "unless a value says otherwise");
    }
    let largest = |of: fn(&CoordinatePair) -> f64| {
        let sizes = pairs.iter().map(|pair| of(pair).abs());
        sizes.fold(0.0, f64::max)
    };
    let (first, second) = (largest(|pair| pair.first), largest(|pair| pair.second));
    if first.max(second) > LARGEST {
        let why = "as usual for metres; `pair` lat,lon for the other order";
        return (AxisOrder::LonLat, why);
    }
    match (first > 90.0, second > 90.0) {
        (true, false) => return (AxisOrder::LonLat, "the first numbers are beyond 90°"),
        (false, true) => return (AxisOrder::LatLon, "the second numbers are beyond 90°"),
        _ => (),
    }
    const LON_FIRST: [&str; 5] = [
        "lonlat",
        "lnglat",
        "longlat",
        "longitudelatitude",
        "lon,lat",
    ];
    if LON_FIRST.iter().any(|known| name.contains(known)) {
        return (AxisOrder::LonLat, "its name says so");
    }
    if pairs.iter().all(|pair| pair.in_square) {
        let why = "as usual in square brackets; `pair` lat,lon for the other order";
        return (AxisOrder::LonLat, why);
    }
    let why = "as usual in one column; `pair` lon,lat for the other order";
    (AxisOrder::LatLon, why)
}
