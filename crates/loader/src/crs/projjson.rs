//! Parsing of coordinate systems in PROJJSON, which is WKT 2 (well-known text) in the form of JSON.

use super::definition::{
    self, Axes, Base, Definition, Projection, ProjectionParameter, degrees, one_unit,
};
use crate::messages::shown;
use serde_json::Value;

/// The greatest depth to which PROJJSON objects may be nested: a choice.
const DEPTH: usize = 8;

/// Keys of PROJJSON of which each full definition of a coordinate system has at least one. An
/// object without them has only the name and the number of a system.
const DEFINING: [&str; 5] = [
    "base_crs",
    "source_crs",
    "components",
    "datum",
    "datum_ensemble",
];

/// The error text for a coordinate system with a unit that is not known; "it" is the system.
const NO_UNIT: &str = "a unit of it can't be read";

/// Reads the definition of a coordinate system from a PROJJSON object. If it can't be read, the
/// error is the text by which messages name the system.
pub(super) fn definition(crs: &Value) -> Result<Definition, String> {
    of_object(crs, DEPTH).map_err(|why| {
        let name = text(crs, "name").unwrap_or("one without a name");
        let name = shown(name.as_bytes());
        match why {
            "" => name,
            why => format!("{name} ({why})"),
        }
    })
}

fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// The code of an object in the register of an authority such as EPSG, from the object's `id` or
/// one of its `ids`. `None` if the object states no code of this authority.
pub(super) fn code_by(object: &Value, authority: &str) -> Option<String> {
    let several = object.get("ids").and_then(Value::as_array);
    let mut ids = object
        .get("id")
        .into_iter()
        .chain(several.into_iter().flatten());
    let by =
        |id: &&Value| text(id, "authority").is_some_and(|by| by.eq_ignore_ascii_case(authority));
    match ids.find(by)?.get("code")? {
        Value::Number(code) => Some(code.to_string()),
        Value::String(code) => Some(code.clone()),
        _ => None,
    }
}

/// The EPSG number that a PROJJSON object states; `None` if it states none.
fn code(object: &Value) -> Option<u32> {
    code_by(object, "EPSG")?.parse().ok()
}

fn of_object(crs: &Value, depth: usize) -> Result<Definition, &'static str> {
    let depth = depth.checked_sub(1).ok_or("")?;
    if let Some(code) = code(crs)
        && DEFINING.iter().all(|key| crs.get(key).is_none())
    {
        return Ok(Definition {
            name: format!("EPSG:{code}"),
            code: Some(code),
            ..Definition::default()
        });
    }
    let name = text(crs, "name").unwrap_or_default().to_owned();
    match text(crs, "type").unwrap_or_default() {
        "GeographicCRS" => Ok(Definition {
            name,
            code: code(crs),
            base: base(crs)?,
            projection: None,
        }),
        "GeodeticCRS" => Err("it is geocentric"),
        "ProjectedCRS" => Ok(Definition {
            name,
            code: code(crs),
            base: base(crs.get("base_crs").ok_or("it has no degrees below")?)?,
            projection: Some(projection(crs)?),
        }),
        // The heights of a compound system are ignored, since only its positions are used.
        "CompoundCRS" => {
            let horizontal = crs.get("components").and_then(|all| all.get(0));
            of_object(horizontal.ok_or("")?, depth)
        }
        "BoundCRS" => {
            let from = of_object(crs.get("source_crs").ok_or("")?, depth)?;
            let to = crs
                .get("target_crs")
                .and_then(|to| of_object(to, depth).ok());
            let way = crs.get("transformation");
            from.bound(way.map_or(Ok(None), shift)?, to)
        }
        "EngineeringCRS" => Err("it is a local one"),
        "VerticalCRS" => Err("it has heights only"),
        "DerivedGeographicCRS" => Err("its degrees are turned about the earth"),
        _ => Err(""),
    }
}

fn base(crs: &Value) -> Result<Base, &'static str> {
    let datum = crs.get("datum").or_else(|| crs.get("datum_ensemble"));
    let datum = datum.ok_or("it has no datum")?;
    let ellipsoid = datum.get("ellipsoid").ok_or("it has no ellipsoid")?;
    directions(crs)?.of_degrees()?;
    let unit = unit(crs)?.map_or(1.0, degrees);
    let meridian = match datum.get("prime_meridian") {
        None => 0.0,
        Some(meridian) => {
            let longitude = meridian.get("longitude").and_then(amount);
            let (value, unit) = longitude.ok_or("its meridian is no number")?;
            value * unit.map_or(1.0, degrees)
        }
    };
    Ok(Base {
        name: text(crs, "name").unwrap_or_default().to_owned(),
        code: code(crs),
        datum: text(datum, "name").unwrap_or_default().to_owned(),
        ellipsoid: shape(ellipsoid).ok_or("its ellipsoid is none")?,
        meridian,
        unit,
        shift: None,
    })
}

/// The semi-major axis of an ellipsoid in metres, and its inverse flattening (0 for a sphere).
/// `None` if they can't be read.
fn shape(ellipsoid: &Value) -> Option<(f64, f64)> {
    let length = |key| {
        let (value, unit) = amount(ellipsoid.get(key)?)?;
        Some(value * unit.unwrap_or(1.0)).filter(|length| *length > 0.0)
    };
    if let Some(radius) = length("radius") {
        return Some((radius, 0.0));
    }
    let axis = length("semi_major_axis")?;
    let flattening = match length("semi_minor_axis") {
        Some(minor) if minor == axis => 0.0,
        Some(minor) => axis / (axis - minor),
        None => ellipsoid.get("inverse_flattening")?.as_f64()?,
    };
    (flattening == 0.0 || flattening > 2.0).then_some((axis, flattening))
}

fn projection(crs: &Value) -> Result<Projection, &'static str> {
    let conversion = crs.get("conversion").ok_or("it has no projection")?;
    let method = conversion.get("method").and_then(|m| text(m, "name"));
    Ok(Projection {
        method: method.ok_or("it has no projection")?.to_owned(),
        parameters: parameters(conversion)?,
        unit: unit(crs)?.ok_or("it has no unit")?,
        axes: directions(crs)?,
        words: None,
    })
}

fn parameters(way: &Value) -> Result<Vec<ProjectionParameter>, &'static str> {
    let parameters = way.get("parameters").and_then(Value::as_array);
    let parameter = |parameter| {
        let (value, unit) = amount(parameter).ok_or("a parameter is no number")?;
        Ok(ProjectionParameter {
            name: text(parameter, "name").unwrap_or_default().to_owned(),
            value,
            unit,
        })
    };
    parameters.into_iter().flatten().map(parameter).collect()
}

fn axes(crs: &Value) -> impl Iterator<Item = &Value> {
    let axes = crs
        .get("coordinate_system")
        .and_then(|system| system.get("axis"));
    // A third axis is the height, which is ignored.
    axes.and_then(Value::as_array).into_iter().flatten().take(2)
}

fn directions(crs: &Value) -> Result<Axes, &'static str> {
    Axes::from_directions(axes(crs).filter_map(|axis| text(axis, "direction")))
}

/// The size of the unit that all axes of a system have in common, in radians or metres; `None` if
/// the axes state no unit. An error if their units differ or can't be read.
fn unit(crs: &Value) -> Result<Option<f64>, &'static str> {
    one_unit(axes(crs).map(|axis| {
        let unit = axis.get("unit").map(|unit| factor(unit).ok_or(NO_UNIT));
        unit.transpose()
    }))
}

/// The size of a unit: of an angle in radians, of a length in metres, or of a scale as a factor. A
/// unit is stated by its name or by an object with its size. `None` if it can't be read.
fn factor(unit: &Value) -> Option<f64> {
    match unit.as_str() {
        Some("degree") => Some(1f64.to_radians()),
        Some("metre" | "unity") => Some(1.0),
        Some(_) => None,
        None => unit.get("conversion_factor")?.as_f64().filter(|f| *f > 0.0),
    }
}

/// Reads a PROJJSON value: a number, and the size of its unit as [`factor`] returns it. The size is
/// `None` if the value states no unit.
fn amount(value: &Value) -> Option<(f64, Option<f64>)> {
    match value {
        Value::Number(number) => Some((number.as_f64()?, None)),
        _ => {
            let number = value.get("value")?.as_f64()?;
            match value.get("unit") {
                Some(unit) => Some((number, Some(factor(unit)?))),
                None => Some((number, None)),
            }
        }
    }
}

/// The shift to WGS 84 that a transformation describes: three translations in metres, three
/// rotations in seconds of arc, and the scale difference in parts per million. `None` if its method
/// is not a shift.
///
/// # Errors
/// The parameters of the shift can't be read.
fn shift(way: &Value) -> Result<Option<[f64; 7]>, &'static str> {
    let method = way.get("method").and_then(|method| text(method, "name"));
    definition::shift(method.unwrap_or_default(), || parameters(way))
}
