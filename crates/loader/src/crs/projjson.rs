//! PROJJSON: well-known text's second version as JSON.

use super::definition::{Base, Definition, Parameter, Projection};
use super::wkt::{degrees, seven};
use crate::report::shown;
use serde_json::Value;

/// Objects in objects that are followed.
const DEPTH: usize = 8;

/// The definition in an object, or what messages call it.
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

/// The EPSG number of an object.
fn code(object: &Value) -> Option<u32> {
    let id = object.get("id").or_else(|| object.get("ids")?.get(0))?;
    let ours = text(id, "authority").is_some_and(|owner| owner.eq_ignore_ascii_case("EPSG"));
    let code = match id.get("code")? {
        Value::Number(code) => code.as_u64()?.try_into().ok(),
        Value::String(code) => code.parse().ok(),
        _ => None,
    };
    code.filter(|_| ours)
}

fn of_object(crs: &Value, depth: usize) -> Result<Definition, &'static str> {
    let depth = depth.checked_sub(1).ok_or("")?;
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
        // only where things are counts, not how high they are
        "CompoundCRS" => {
            let horizontal = crs.get("components").and_then(|all| all.get(0));
            of_object(horizontal.ok_or("")?, depth)
        }
        "BoundCRS" => {
            let mut found = of_object(crs.get("source_crs").ok_or("")?, depth)?;
            let way = crs.get("transformation");
            found.base.shift = way.and_then(shift).or(found.base.shift);
            Ok(found)
        }
        "EngineeringCRS" => Err("it is a local one"),
        "VerticalCRS" => Err("it has heights only"),
        "DerivedGeographicCRS" => Err("its degrees are turned about the earth"),
        // the least that may be: a number and nothing else
        _ => match code(crs) {
            Some(code) => Ok(Definition {
                name: format!("EPSG:{code}"),
                code: Some(code),
                ..Definition::default()
            }),
            None => Err(""),
        },
    }
}

fn base(crs: &Value) -> Result<Base, &'static str> {
    let datum = crs.get("datum").or_else(|| crs.get("datum_ensemble"));
    let datum = datum.ok_or("it has no datum")?;
    let ellipsoid = datum.get("ellipsoid").ok_or("it has no ellipsoid")?;
    let unit = unit(crs).map_or(1.0, degrees);
    let meridian = datum.get("prime_meridian").and_then(|m| m.get("longitude"));
    let meridian = match meridian {
        None => 0.0,
        Some(longitude) => {
            let (value, unit) = amount(longitude).ok_or("its meridian is no number")?;
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

/// An ellipsoid's half axis in metres, and 1 through its flattening or 0.
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
    let parameters = conversion.get("parameters").and_then(Value::as_array);
    let parameters = parameters.into_iter().flatten().map(|parameter| {
        let (value, unit) = amount(parameter).ok_or("a parameter is no number")?;
        Ok(Parameter {
            name: text(parameter, "name").unwrap_or_default().to_owned(),
            value,
            unit,
        })
    });
    let axis = axis(crs);
    Ok(Projection {
        method: method.ok_or("it has no projection")?.to_owned(),
        parameters: parameters.collect::<Result<_, &str>>()?,
        unit: unit(crs).ok_or("it has no unit")?,
        east: axis.and_then(|axis| text(axis, "direction")) == Some("east"),
        words: None,
    })
}

fn axis(crs: &Value) -> Option<&Value> {
    crs.get("coordinate_system")?.get("axis")?.get(0)
}

/// Radians or metres to the unit of the first axis.
fn unit(crs: &Value) -> Option<f64> {
    factor(axis(crs)?.get("unit")?)
}

/// Radians or metres to a unit, by its name or with its factor.
fn factor(unit: &Value) -> Option<f64> {
    match unit.as_str() {
        Some("degree") => Some(1f64.to_radians()),
        Some("metre" | "unity") => Some(1.0),
        Some(_) => None,
        None => unit.get("conversion_factor")?.as_f64().filter(|f| *f > 0.0),
    }
}

/// A number, alone or with a unit.
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

/// The shift to WGS 84 that a definition is bound to.
fn shift(way: &Value) -> Option<[f64; 7]> {
    let method = way.get("method").and_then(|method| text(method, "name"))?;
    let parameters = way.get("parameters")?.as_array()?.iter();
    let parameters = parameters.map(|p| Some((text(p, "name")?, p.get("value")?.as_f64()?)));
    seven(method, parameters.collect::<Option<Vec<_>>>()?)
}
