//! Projection methods: translation of the names of methods and parameters that OGC, GDAL, Esri and
//! EPSG use to PROJ parameters.

use super::definition::{Axes, Base, Projection};
use super::registry::plain;
use super::{RADIUS, new_zealand};
use std::collections::BTreeMap;

/// The formula by which a projection is computed.
#[derive(Debug, PartialEq)]
pub(super) enum ProjDefinition {
    /// Web Mercator, EPSG:3857.
    WebMercator,
    /// Any other projection, as a PROJ string without `+`: PROJ's name of the projection, and its
    /// parameters. For example, `tmerc lat_0=0 lon_0=9 k=0.9996 x_0=500000`.
    Words(String),
}

/// Translates a projection to PROJ parameters. `None` in each of these cases:
///
/// * The method, one of its parameters or the direction of an axis is not known or not supported.
/// * The PROJ string that the file states beside the projection contradicts it.
pub(super) fn words(projection: &Projection, base: &Base) -> Option<ProjDefinition> {
    let mut given = ProjectionValues::new(projection, base)?;
    let method = plain(&projection.method);
    let sphere = base.ellipsoid.1 == 0.0 && (base.ellipsoid.0 - RADIUS).abs() < 0.5;
    let said = projection.words.as_deref();
    if said.is_some_and(|words| !agrees(words, &given, projection.unit, base)) {
        return None;
    }
    let pseudo = method == "mercatorauxiliarysphere"
        || method == "popularvisualisationpseudomercator"
        || said
            .is_some_and(|words| words.contains("+proj=merc") && words.contains("+nadgrids=@null"));
    if pseudo || (sphere && method.starts_with("mercator")) {
        let plain = given.values.iter().all(|(key, value)| neutral(key, *value));
        let metres = projection.unit == 1.0 && (base.ellipsoid.0 - RADIUS).abs() < 0.5;
        return (plain && metres && base.meridian == 0.0).then_some(ProjDefinition::WebMercator);
    }
    let template = template(&method, &mut given)?;
    // If the axes go south and west, the template must have them, too. Otherwise their meaning is
    // not known.
    let turned = projection.axes == Axes::SouthAndWest;
    if turned && !template.contains(" axis=") {
        return None;
    }
    let words = given.fill(&template, projection.unit)?;
    Some(ProjDefinition::Words(words))
}

/// Returns whether `words`, the PROJ string that a file states beside a projection, has the
/// projection's origin, scale, ellipsoid and unit. `given` are the values of the projection's
/// parameters, and `unit` is the size in metres of the unit of its coordinates.
fn agrees(words: &str, given: &ProjectionValues, unit: f64, base: &Base) -> bool {
    let words = words.split_whitespace();
    let mut words = words.filter_map(|word| word.trim_start_matches('+').split_once('='));
    words.all(|(key, value)| {
        let is = |other: f64, near| {
            let value = value.parse::<f64>();
            value.is_ok_and(|value| (value - other).abs() < near)
        };
        match key {
            "lon_0" | "x_0" | "y_0" | "k" => is(given.get(key), 1e-6),
            "k_0" => is(given.get("k"), 1e-6),
            "lat_ts" => is(0.0, 1e-6) || given.values.values().any(|given| is(*given, 1e-6)),
            "a" | "R" => is(base.ellipsoid.0, 0.5),
            "units" => (value == "m") == (unit == 1.0),
            _ => true,
        }
    })
}

/// The template of a method, such as `merc lon_0 lat_ts:lat_1`, from which
/// [`ProjectionValues::fill`] makes a PROJ string. It begins with PROJ's name of the projection.
/// Then come PROJ's names of the parameters whose values are filled in. For `lat_ts:lat_1`, PROJ's
/// parameter `lat_ts` gets the value that `given` has for `lat_1`. `None` if the method is unknown
/// or its values are not supported.
fn template(method: &str, given: &mut ProjectionValues) -> Option<String> {
    let words = match method {
        "transversemercator" | "gausskruger" | "transversemercatorcomplex" => {
            match given.get("k") < 0.0 {
                true => given.south_orientated()?,
                false => "tmerc lat_0 lon_0 k",
            }
        }
        "transversemercatorsouthorientated" => "tmerc axis=wsu lat_0 lon_0 k",
        "lambertconformalconic" if given.has("lat_1") => "lcc lat_0 lon_0 lat_1 lat_2 k_0:k",
        "lambertconformalconic2sp"
        | "lambertconicconformal2sp"
        | "lambertconicconformal2spmichigan" => "lcc lat_0 lon_0 lat_1 lat_2 k_0:k",
        "lambertconformalconic" | "lambertconformalconic1sp" | "lambertconicconformal1sp" => {
            "lcc lat_0 lon_0 lat_1:lat_0 k_0:k"
        }
        "albers" | "albersconicequalarea" | "albersequalarea" => "aea lat_0 lon_0 lat_1 lat_2",
        "equidistantconic" => "eqdc lat_0 lon_0 lat_1 lat_2",
        "doublestereographic" | "obliquestereographic" => "sterea lat_0 lon_0 k",
        "stereographic" => "stere lat_0 lon_0 k",
        "stereographicnorthpole" | "stereographicsouthpole" => {
            let north = method == "stereographicnorthpole";
            given.insert("pole", if north { 90.0 } else { -90.0 });
            "stere lat_0:pole lat_ts:lat_1 lon_0 k"
        }
        "polarstereographic" | "polarstereographicvarianta" | "polarstereographicvariantb" => {
            given.polar()?
        }
        "mercator1sp" | "mercatorvarianta" => "merc lon_0 k",
        "mercator2sp" | "mercatorvariantb" | "mercator" => "merc lon_0 lat_ts:lat_1",
        "hotineobliquemercator"
        | "hotineobliquemercatorvarianta"
        | "hotineobliquemercatorazimuthnaturalorigin"
        | "rectifiedskeworthomorphicnaturalorigin" => {
            "omerc lat_0 lonc:lon_0 alpha gamma k no_uoff"
        }
        "hotineobliquemercatorazimuthcenter"
        | "hotineobliquemercatorvariantb"
        | "obliquemercator"
        | "rectifiedskeworthomorphiccenter" => given.oblique(),
        "swissobliquecylindrical" | "swissobliquemercator" => "somerc lat_0 lon_0 k",
        "krovak" | "krovaknorthorientated" => given.krovak(method)?,
        "cassini" | "cassinisoldner" => "cass lat_0 lon_0",
        "lambertazimuthalequalarea" => "laea lat_0 lon_0",
        "azimuthalequidistant" | "modifiedazimuthalequidistant" => "aeqd lat_0 lon_0",
        "guamprojection" => "aeqd guam lat_0 lon_0",
        "cylindricalequalarea" | "lambertcylindricalequalarea" => "cea lat_ts:lat_1 lon_0",
        "behrmann" => {
            given.insert("lat_1", 30.0);
            "cea lat_ts:lat_1 lon_0"
        }
        "equidistantcylindricalspherical" | "equirectangular" | "platecarree" => {
            "eqc lat_ts:lat_1 lon_0"
        }
        "polyconic" | "americanpolyconic" => "poly lat_0 lon_0",
        "sinusoidal" => "sinu lon_0",
        "mollweide" => "moll lon_0",
        "robinson" => "robin lon_0",
        // `R_A` replaces an ellipsoid by the sphere with the same surface area, as PROJ does for
        // this method.
        "millercylindrical" => "mill R_A lon_0",
        "equalearth" => "eqearth lon_0",
        "newzealandmapgrid" => given.new_zealand()?,
        _ => return None,
    };
    Some(words.to_owned())
}

/// The values of a projection's parameters, by PROJ's names of the parameters: angles in degrees,
/// lengths in metres.
struct ProjectionValues {
    values: BTreeMap<&'static str, f64>,
    axes: Axes,
}

/// Returns whether a parameter with this value has no effect. `key` is PROJ's name of the
/// parameter.
fn neutral(key: &str, value: f64) -> bool {
    match key {
        "k" | "x_scale" | "y_scale" => (value - 1.0).abs() < 1e-12,
        _ => value == 0.0,
    }
}

impl ProjectionValues {
    /// Converts the parameters of a projection to PROJ's names and units. `None` if a parameter has
    /// an unknown name and its value is not 0.
    fn new(projection: &Projection, base: &Base) -> Option<Self> {
        let mut values = BTreeMap::new();
        for parameter in &projection.parameters {
            let key = match &*plain(&parameter.name) {
                "latitudeoforigin"
                | "latitudeofcenter"
                | "latitudeofcentre"
                | "latitudeofnaturalorigin"
                | "latitudeofprojectioncentre"
                | "latitudeoffalseorigin" => "lat_0",
                "centralmeridian"
                | "longitudeofcenter"
                | "longitudeofcentre"
                | "longitudeoforigin"
                | "longitudeofnaturalorigin"
                | "longitudeofprojectioncentre"
                | "longitudeoffalseorigin" => "lon_0",
                "standardparallel1" | "latitudeof1ststandardparallel" => "lat_1",
                "standardparallel2" | "latitudeof2ndstandardparallel" => "lat_2",
                "latitudeofstandardparallel" => "lat_ts",
                "scalefactor"
                | "scalefactoratnaturalorigin"
                | "scalefactoratprojectioncentre"
                | "scalefactoronpseudostandardparallel"
                | "ellipsoidscalingfactor" => "k",
                "falseeasting" | "eastingatfalseorigin" | "eastingatprojectioncentre" => "x_0",
                "falsenorthing" | "northingatfalseorigin" | "northingatprojectioncentre" => "y_0",
                "azimuth" | "azimuthatprojectioncentre" | "colatitudeofconeaxis" => "alpha",
                "rectifiedgridangle" | "anglefromrectifiedtoskewgrid" | "xyplanerotation" => {
                    "gamma"
                }
                "pseudostandardparallel1" | "latitudeofpseudostandardparallel" => "pseudo",
                "xscale" => "x_scale",
                "yscale" => "y_scale",
                _ if parameter.value == 0.0 => continue,
                _ => return None,
            };
            let factor = match (key, parameter.unit) {
                ("k" | "x_scale" | "y_scale", unit) => unit.unwrap_or(1.0),
                ("x_0" | "y_0", unit) => unit.unwrap_or(projection.unit),
                (_, Some(unit)) => unit.to_degrees(),
                (_, None) => base.unit,
            };
            values.insert(key, parameter.value * factor);
        }
        Some(Self {
            values,
            axes: projection.axes,
        })
    }

    fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The value of the parameter that PROJ names `key`: an angle in degrees, a length in metres,
    /// or a factor. For a parameter that is missing, this is the value that has no effect.
    fn get(&self, key: &str) -> f64 {
        let nothing = if key == "k" { 1.0 } else { 0.0 };
        self.values.get(key).copied().unwrap_or(nothing)
    }

    fn insert(&mut self, key: &'static str, value: f64) {
        self.values.insert(key, value);
    }

    fn is(&self, key: &str, value: f64) -> bool {
        (self.get(key) - value).abs() < 1e-6
    }

    /// The template of the PROJ string for a transverse Mercator with a negative scale factor, by
    /// which Esri means axes that go south and west. The scale factor becomes positive. `None` if
    /// the projection has a false easting or northing, since the direction in which these count is
    /// not known.
    fn south_orientated(&mut self) -> Option<&'static str> {
        self.insert("k", -self.get("k"));
        let at_origin = self.get("x_0") == 0.0 && self.get("y_0") == 0.0;
        at_origin.then_some("tmerc axis=wsu lat_0 lon_0 k")
    }

    /// The template of the PROJ string for a polar stereographic projection. A file states one
    /// latitude: the standard parallel (`lat_ts`) or, without one, the latitude of origin
    /// (`lat_0`). Its sign chooses the pole: north if it is positive. A latitude of ±90° is the
    /// pole itself, and then the scale factor there (`k`) is used. Any other latitude is the
    /// standard parallel, at which the scale is true. `None` if this parallel is the equator, or if
    /// there is a scale factor besides it.
    fn polar(&mut self) -> Option<&'static str> {
        let latitude = match self.has("lat_ts") {
            true => self.get("lat_ts"),
            false => self.get("lat_0"),
        };
        self.insert("pole", 90f64.copysign(latitude));
        self.values.remove("lat_0");
        self.values.remove("lat_ts");
        if (latitude.abs() - 90.0).abs() < 1e-9 {
            return Some("stere lat_0:pole lon_0 k");
        }
        self.insert("lat_ts", latitude);
        (latitude != 0.0 && self.is("k", 1.0)).then_some("stere lat_0:pole lat_ts lon_0 k")
    }

    /// The template of the PROJ string for an oblique Mercator whose origin is the map's centre. If
    /// its azimuth is 90°, and the angle of its grid is 90° or not stated, PROJ has a projection of
    /// its own for it: `somerc`. Switzerland and Hungary use such projections.
    fn oblique(&mut self) -> &'static str {
        let square = self.is("alpha", 90.0) && (self.is("gamma", 90.0) || !self.has("gamma"));
        if !square {
            return "omerc lat_0 lonc:lon_0 alpha gamma k";
        }
        self.values.remove("alpha");
        self.values.remove("gamma");
        "somerc lat_0 lon_0 k"
    }

    /// The template of the PROJ string for New Zealand's map grid. `None` if a parameter differs
    /// from the value that is fixed for this grid.
    fn new_zealand(&mut self) -> Option<&'static str> {
        let numbers = [("lat_0", -41.0), ("lon_0", 173.0)];
        let plane = [("x_0", 2_510_000.0), ("y_0", 6_023_150.0)];
        let usual = numbers
            .iter()
            .chain(&plane)
            .all(|(key, value)| self.is(key, *value));
        self.values.clear();
        usual.then_some(new_zealand::WORDS)
    }

    /// The template of the PROJ string for Krovak's projection. Its axes go east and north or, as
    /// they were first defined, south and west. `None` if the parameters of its cone differ from
    /// the fixed ones.
    fn krovak(&mut self, method: &str) -> Option<&'static str> {
        let turned = self.is("x_scale", -1.0) && self.is("gamma", 90.0);
        let east = self.axes == Axes::EastAndNorth;
        let east = method == "krovaknorthorientated" || turned || east;
        let usual = self.is("pseudo", 78.5) && (self.get("alpha") - 30.288).abs() < 1e-3;
        let straight = turned || (self.is("gamma", 0.0) && !self.is("x_scale", -1.0));
        for key in ["pseudo", "alpha", "gamma", "x_scale"] {
            self.values.remove(key);
        }
        let words = match east {
            true => "krovak lat_0 lon_0 k",
            false => "krovak axis=swu lat_0 lon_0 k",
        };
        (usual && straight).then_some(words)
    }

    /// Makes a PROJ string: fills the values into a template, and adds the false origin and the
    /// unit. `unit` is the size in metres of the unit of easting and northing. `None` if the
    /// template has no place for a value that would have an effect.
    fn fill(mut self, template: &str, unit: f64) -> Option<String> {
        let mut words = String::new();
        for (at, word) in template.split(' ').enumerate() {
            let (word, key) = word.split_once(':').unwrap_or((word, word));
            if at == 0 || word.contains('=') || matches!(word, "no_uoff" | "guam" | "R_A") {
                if at > 0 {
                    words.push(' ');
                }
                words.push_str(word);
            } else if let Some(value) = self.values.get(key) {
                words.push_str(&format!(" {word}={value}"));
            }
        }
        for key in ["x_0", "y_0"] {
            if let Some(value) = self.values.get(key) {
                words.push_str(&format!(" {key}={value}"));
            }
        }
        if unit != 1.0 {
            words.push_str(&format!(" to_meter={unit}"));
        }
        let taken = template.split([' ', ':']).chain(["x_0", "y_0"]);
        for key in taken {
            self.values.remove(key);
        }
        let nothing_left = self.values.iter().all(|(key, value)| neutral(key, *value));
        nothing_left.then_some(words)
    }
}
