//! Recognition of the form of positions by the first rows of a file: a column that holds both
//! coordinates and their order, columns of hemispheres, or degrees and minutes as GPS units write
//! them.

use super::places::PlaceForm;
use super::sample::SampleRows;
use crate::columns::{Schema, normalised, quoted};
use crate::error::LoadError;
use crate::messages::list;
use crate::number;
use crate::number::format::NumberFormat;
use crate::options::{AxisOrder, LoadOptions};
use crate::parameter::Parameter;
use crate::position_text::angle::{self, AngleAxis};
use crate::position_text::cell::{CellCode, UtmLetter, shown_size};
use crate::position_text::geometry::geometry;
use crate::position_text::pair::{CoordinatePair, coordinates, may_be_number};

/// The number of rows at the beginning of a file that are examined to find the form of its
/// positions: a choice.
const EXAMINED: usize = 1000;

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
pub(super) struct PlaceColumn {
    pub(super) at: usize,
    pub(super) form: PlaceForm,
    /// The EPSG number that the column's first geometry states; 0 if it states none.
    pub(super) srid: u32,
    /// The text for reports that states where positions come from, such as `positions from the
    /// geometries in "geom"`.
    pub(super) why: String,
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
        let may_be_utm = is_asked || name.contains("utm") || NAMES.contains(&name.as_str());
        let utm = CellCode::UTM.into_iter().filter(|_| may_be_utm);
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
    fn short_code_error(&self, asked: bool, name: &str, file: &str) -> Option<LoadError> {
        let example = self.short_code.as_ref()?;
        self.are(self.short_codes, asked)
            .then(|| LoadError::Unsupported {
                file: file.to_owned(),
                message: format!(
                    "column {name} has short plus codes such as {example}, which mean a place only \
                     with the position of a place near it: write full codes such as 8FVC9G8F+6X, \
                     or degrees"
                ),
            })
    }
}

impl PlaceColumn {
    /// Finds the column that holds whole positions. `None` if there is none. If the option `geom`
    /// names a column whose values are no positions, that is an error.
    pub(super) fn find(
        rows: &SampleRows<'_>,
        seen: &[String],
        options: &LoadOptions,
        file: &str,
    ) -> Result<Option<Self>, LoadError> {
        let asked = match &options.geom {
            Some(asked) => Some(Schema { names: seen, file }.find(Parameter::Geom, asked)?),
            None => None,
        };
        let columns = seen.iter().enumerate();
        let mut contents: Vec<PlaceCounts> = columns
            .map(|(at, name)| PlaceCounts::new(name, asked == Some(at)))
            .collect();
        for (_, record) in rows.records().take(EXAMINED) {
            let fields = rows.dialect.fields(record, true);
            for (field, contents) in fields.zip(&mut contents) {
                contents.note(&rows.dialect.text(field));
            }
        }
        let refused = |message: String| LoadError::BadOption {
            file: file.to_owned(),
            parameter: Parameter::Geom,
            message,
        };
        let name = |at: usize| quoted(seen, at);
        if let Some(at) = asked {
            let found = contents.get(at).cloned().unwrap_or_default();
            if let Some(error) = found.short_code_error(true, &name(at), file) {
                return Err(error);
            }
            let holds = match &found.example {
                Some(example) => format!("it holds {example}"),
                None => "it is empty at first".to_owned(),
            };
            let column = Self::of(at, found, seen, options);
            return column.map(Some).ok_or_else(|| {
                refused(format!(
                    "the values of column {} are no positions: expected well-known text, \
                     well-known binary in hexadecimal digits, GeoJSON, two numbers, or codes of \
                     cells (H3, plus codes, MGRS, UTM; geohashes and quadkeys where the column is \
                     called so); {holds}",
                    name(at)
                ))
            });
        }
        let known = |at: usize| is_known(seen, at);
        let mut all = contents.iter().enumerate();
        let short = all.find_map(|(at, found)| found.short_code_error(false, &name(at), file));
        let all = contents.into_iter().enumerate();
        let mut found: Vec<Self> = all
            .filter_map(|(at, contents)| Self::of(at, contents, seen, options))
            .collect();
        if found.len() > 1 && found.iter().any(|column| known(column.at)) {
            found.retain(|column| known(column.at));
        }
        if found.len() > 1 {
            let names: Vec<&String> = found.iter().filter_map(|c| seen.get(c.at)).collect();
            return Err(refused(format!(
                "several columns hold positions; name one of them: {}",
                list(&names)
            )));
        }
        match (found.pop(), short) {
            (None, Some(error)) => Err(error),
            (found, _) => Ok(found),
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
                form: PlaceForm::Code(known.code),
                srid: 0,
                why: format!("positions from {name}: {kind}, {means}"),
            });
        }
        if contents.are(contents.geometries, asked) {
            return Some(Self {
                at,
                form: PlaceForm::Geometry,
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
            form: PlaceForm::Pair(order),
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
        return (AxisOrder::LatLon, "unless the letters say otherwise");
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

/// The form of positions in two columns of degrees: columns of hemispheres beside them, degrees and
/// minutes, or both. `None` if the two columns hold plain numbers of degrees.
pub(super) fn of_columns(
    rows: &SampleRows<'_>,
    [lon, lat]: [usize; 2],
    numbers: NumberFormat,
    file: &str,
) -> Result<Option<PlaceForm>, LoadError> {
    let hemispheres = hemispheres(rows, [lon, lat]);
    let minutes = minutes(rows, [lon, lat], numbers, file, hemispheres.is_some())?;
    let form = PlaceForm::Columns {
        hemispheres,
        minutes,
    };
    Ok((hemispheres.is_some() || minutes).then_some(form))
}

/// The indexes of the columns that state hemispheres, the longitude's first. `None` unless a column
/// of E and W follows directly after the longitudes, and one of N and S after the latitudes.
fn hemispheres(rows: &SampleRows<'_>, [lon, lat]: [usize; 2]) -> Option<[usize; 2]> {
    let (east, north) = (lon + 1, lat + 1);
    if east == lat || north == lon {
        return None;
    }
    let (mut easts, mut norths) = (false, false);
    for (_, record) in rows.records().take(EXAMINED) {
        for (at, field) in rows.dialect.fields(record, true).enumerate() {
            let axis = match at {
                _ if at == east => AngleAxis::EastWest,
                _ if at == north => AngleAxis::NorthSouth,
                _ => continue,
            };
            let text = rows.dialect.text(field);
            if text.trim_ascii().is_empty() {
                continue;
            }
            let text = std::str::from_utf8(&text).ok()?;
            let (of, _) = angle::hemisphere(text)?;
            if of != axis {
                return None;
            }
            match axis {
                AngleAxis::EastWest => easts = true,
                AngleAxis::NorthSouth => norths = true,
            }
        }
    }
    (easts && norths).then_some([east, north])
}

/// The absolute value, in degrees, from which a number can be neither a latitude nor a longitude.
const FULL_TURN: f64 = 360.0;

/// Returns whether the numbers are degrees and minutes as GPS units write them: `dddmm.mmmm` for
/// longitudes and `ddmm.mmmm` for latitudes. All of this must hold:
///
/// * There are at least two numbers. In each, the minutes are below 60, and the degrees are at most
///   180 (longitudes) or 90 (latitudes).
/// * More than a quarter of all numbers in the two columns are latitudes beyond 360, which can't be
///   degrees.
/// * All longitudes have five digits before the point, and all latitudes four.
/// * Some number begins with 0, or there are columns of hemispheres (`has_hemispheres`).
///
/// # Errors
/// [`LoadError::BadOption`], for the parameter `srid`, if the first two conditions hold but not the
/// others: such numbers could be minutes, and they could also be metres of a projection.
fn minutes(
    rows: &SampleRows<'_>,
    [lon, lat]: [usize; 2],
    numbers: NumberFormat,
    file: &str,
    has_hemispheres: bool,
) -> Result<bool, LoadError> {
    let (mut seen, mut beyond, mut padded, mut zeros) = (0usize, 0usize, true, false);
    let mut example = None;
    for (at, record) in rows.records().take(EXAMINED) {
        for (column, field) in rows.dialect.fields(record, true).enumerate() {
            let (digits, most) = match column {
                _ if column == lon => (5, 180.0),
                _ if column == lat => (4, 90.0),
                _ => continue,
            };
            let text = rows.dialect.text(field);
            let Some(number) = numbers.parse(&text) else {
                continue;
            };
            let size = number.abs();
            if size % 100.0 >= 60.0 || (size / 100.0).floor() > most {
                return Ok(false);
            }
            seen += 1;
            let text = text.trim_ascii();
            let text = text.strip_prefix(b"-").unwrap_or(text);
            let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            padded &= whole == digits;
            zeros |= text.starts_with(b"0") && whole == digits;
            if column == lat && size > FULL_TURN {
                beyond += 1;
                example.get_or_insert_with(|| (rows.line(at), crate::messages::shown(text)));
            }
        }
    }
    match example {
        Some((line, text)) if seen >= 2 && beyond * 4 > seen => {
            if padded && (zeros || has_hemispheres) {
                return Ok(true);
            }
            Err(LoadError::BadOption {
                file: file.to_owned(),
                parameter: Parameter::Srid,
                message: format!(
                    "line {line}: latitude {text} may be degrees and minutes as GPS units write \
                     them (ddmm.mmmm), or metres of a projection: write degrees, put N or S and E \
                     or W behind the numbers, or name the coordinate system"
                ),
            })
        }
        _ => Ok(false),
    }
}
