//! Parsing of coordinate systems in well-known text (WKT). WKT 1 is read in the dialects of OGC,
//! GDAL and Esri, WKT 2 as ISO 19162 defines it.

use super::definition::{
    self, Axes, Base, Definition, Projection, ProjectionParameter, degrees, one_unit,
};
use super::registry::starts_with;
use crate::messages::shown;

/// The greatest depth to which nodes of well-known text may be nested: a choice.
const DEPTH: usize = 24;

/// Parses well-known text to the definition in it. If it can't be read, the error is the text by
/// which messages name the system.
pub(super) fn definition(text: &str) -> Result<Definition, String> {
    // Some files have a byte-order mark before the text, or NUL bytes or a comma after it. Text
    // after the first node is ignored.
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\0'));
    let named = || {
        let quoted = text.split('"').nth(1).unwrap_or(text);
        shown(quoted.as_bytes())
    };
    let node = WktReader { rest: text }.node(DEPTH).ok_or_else(named)?;
    of_node(&node, DEPTH).map_err(|why| match why {
        "" => named(),
        why => format!("{} ({why})", named()),
    })
}

/// A node of well-known text: a keyword, and values in brackets after it.
#[derive(Debug)]
struct WktNode {
    word: String,
    values: Vec<WktValue>,
}

#[derive(Debug)]
enum WktValue {
    Text(String),
    Number(f64),
    Node(WktNode),
}

struct WktReader<'a> {
    rest: &'a str,
}

impl WktReader<'_> {
    fn skip(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(c)?.trim_start();
        Some(())
    }

    /// Reads the text up to the next white space, bracket, comma or quote, and moves past it.
    fn word(&mut self) -> &str {
        let ends = |c: char| c.is_whitespace() || "[](),\"".contains(c);
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn node(&mut self, depth: usize) -> Option<WktNode> {
        let word = self.word().to_ascii_uppercase();
        self.values(word, depth)
    }

    /// Reads the values in brackets after a node's keyword `word`, and moves past them. `depth` is
    /// the depth to which brackets may still be nested. `None` if the brackets or their contents
    /// are malformed.
    fn values(&mut self, word: String, depth: usize) -> Option<WktNode> {
        let depth = depth.checked_sub(1)?;
        let close = match self.rest.chars().next()? {
            '[' => ']',
            '(' => ')',
            _ => return None,
        };
        self.rest = self.rest.get(1..)?.trim_start();
        let mut values = Vec::new();
        loop {
            values.push(self.value(depth)?);
            if self.skip(close).is_some() {
                return Some(WktNode { word, values });
            }
            self.skip(',')?;
        }
    }

    fn value(&mut self, depth: usize) -> Option<WktValue> {
        if self.rest.starts_with('"') {
            return self.quoted().map(WktValue::Text);
        }
        let word = self.word().to_owned();
        match self.rest.chars().next() {
            Some('[' | '(') if !word.is_empty() => {
                let word = word.to_ascii_uppercase();
                self.values(word, depth).map(WktValue::Node)
            }
            _ => Some(match word.parse::<f64>() {
                Ok(number) if number.is_finite() => WktValue::Number(number),
                _ => WktValue::Text(word),
            }),
        }
    }

    /// Reads a text in double quotes, and moves past it. Two quotes in the text stand for one.
    /// `None` if no such text comes next.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut rest = self.rest.strip_prefix('"')?;
        loop {
            let (before, after) = rest.split_once('"')?;
            text.push_str(before);
            match after.strip_prefix('"') {
                Some(more) => {
                    text.push('"');
                    rest = more;
                }
                None => {
                    self.rest = after.trim_start();
                    return Some(text);
                }
            }
        }
    }
}

impl WktNode {
    /// The first child node whose keyword is one of `words`; `None` if there is none.
    fn find(&self, words: &[&str]) -> Option<&WktNode> {
        self.nodes().find(|node| words.contains(&&*node.word))
    }

    fn nodes(&self) -> impl Iterator<Item = &WktNode> {
        self.values.iter().filter_map(|value| match value {
            WktValue::Node(node) => Some(node),
            _ => None,
        })
    }

    fn name(&self) -> &str {
        match self.values.first() {
            Some(WktValue::Text(name)) => name,
            _ => "",
        }
    }

    /// The node's value with the index `at`, counted from 0, as a number; `None` if the value is
    /// missing or is no number.
    fn number(&self, at: usize) -> Option<f64> {
        match self.values.get(at)? {
            WktValue::Number(number) => Some(*number),
            // Some writers put numbers in quotes.
            WktValue::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            WktValue::Node(_) => None,
        }
    }

    /// The EPSG number that this node of well-known text states; `None` if it states none.
    fn code(&self) -> Option<u32> {
        let id = self.find(&["ID", "AUTHORITY"])?;
        let ours = id.name().eq_ignore_ascii_case("EPSG");
        id.number(1).filter(|_| ours).map(|code| code as u32)
    }

    /// The size of the unit that the node states by a child with one of the keywords `words`: of an
    /// angle in radians, of a length in metres, or of a scale as a factor. `None` if there is no
    /// such child.
    fn unit(&self, words: &[&str]) -> Result<Option<f64>, &'static str> {
        let unit = self.find(words).map(|unit| {
            let factor = unit.number(1).filter(|factor| *factor > 0.0);
            factor.ok_or("a unit of it can't be read")
        });
        unit.transpose()
    }

    fn axes(&self) -> impl Iterator<Item = &WktNode> {
        // A third axis is the height, which is ignored.
        self.nodes().filter(|node| node.word == "AXIS").take(2)
    }

    /// The size of the unit, in radians or metres, that a system states once for all axes or at
    /// each axis; `None` if it states none.
    fn unit_of_all(&self, words: &[&str]) -> Result<Option<f64>, &'static str> {
        let of_axes = one_unit(self.axes().map(|axis| axis.unit(words)))?;
        Ok(self.unit(words)?.or(of_axes))
    }

    fn directions(&self) -> Result<Axes, &'static str> {
        Axes::from_directions(self.axes().filter_map(|axis| match axis.values.get(1)? {
            WktValue::Text(direction) => Some(direction.as_str()),
            _ => None,
        }))
    }

    fn parameters(&self) -> Result<Vec<ProjectionParameter>, &'static str> {
        let parameters = self.nodes().filter(|node| node.word == "PARAMETER");
        let parameter = |node: &WktNode| {
            Ok(ProjectionParameter {
                name: node.name().to_owned(),
                value: node.number(1).ok_or("a parameter is no number")?,
                unit: node.unit(&ANY)?,
            })
        };
        parameters.map(parameter).collect()
    }
}

const ANGLES: [&str; 2] = ["ANGLEUNIT", "UNIT"];
const LENGTHS: [&str; 2] = ["LENGTHUNIT", "UNIT"];
const ANY: [&str; 4] = ["ANGLEUNIT", "LENGTHUNIT", "SCALEUNIT", "UNIT"];

/// Reads the definition of a coordinate system from a node. `depth` is the depth to which systems
/// may still be nested in this node. The error is the reason why the definition can't be read; an
/// empty reason adds nothing to the system's name in messages.
fn of_node(node: &WktNode, depth: usize) -> Result<Definition, &'static str> {
    let depth = depth.checked_sub(1).ok_or("")?;
    match &*node.word {
        "PROJCS" | "PROJCRS" | "PROJECTEDCRS" => projected(node),
        "GEOGCS" | "GEOGCRS" | "GEODCRS" | "GEOGRAPHICCRS" | "GEODETICCRS" => {
            let turned = node.find(&["DERIVINGCONVERSION"]).is_some();
            let system = node.find(&["CS"]).map(WktNode::name);
            let ellipsoidal = system.is_none_or(|name| starts_with(name, "ellipsoidal"));
            match (ellipsoidal, turned) {
                (false, _) => Err("it is geocentric"),
                (_, true) => Err("its degrees are turned about the earth"),
                _ => Ok(Definition {
                    name: node.name().to_owned(),
                    code: node.code(),
                    base: base(node)?,
                    projection: None,
                }),
            }
        }
        // The heights of a compound system are ignored, since only its positions are used.
        "COMPD_CS" | "COMPOUNDCRS" => {
            let horizontal = node.nodes().next().ok_or("")?;
            of_node(horizontal, depth)
        }
        "BOUNDCRS" => {
            let system = |word| node.find(&[word]).and_then(|s| s.nodes().next());
            let from = of_node(system("SOURCECRS").ok_or("")?, depth)?;
            let to = system("TARGETCRS").and_then(|to| of_node(to, depth).ok());
            let way = node.find(&["ABRIDGEDTRANSFORMATION"]);
            from.bound(way.map_or(Ok(None), shift)?, to)
        }
        "GEOCCS" => Err("it is geocentric"),
        "LOCAL_CS" | "ENGCRS" | "ENGINEERINGCRS" => Err("it is a local one"),
        "VERT_CS" | "VERTCRS" | "VERTICALCRS" => Err("it has heights only"),
        _ => Err(""),
    }
}

fn projected(node: &WktNode) -> Result<Definition, &'static str> {
    let below = ["GEOGCS", "BASEGEOGCRS", "BASEGEODCRS", "GEOGCRS", "GEODCRS"];
    let below = node.find(&below).ok_or("it has no degrees below")?;
    let base = base(below)?;
    // In the second version the method and the parameters are in a node of their own.
    let conversion = node.find(&["CONVERSION"]).unwrap_or(node);
    let method = conversion.find(&["METHOD", "PROJECTION"]);
    let method = method.ok_or("it has no projection")?;
    let words = node.nodes().find(|node| node.word == "EXTENSION");
    let words = words.filter(|extension| extension.name() == "PROJ4");
    Ok(Definition {
        name: node.name().to_owned(),
        code: node.code(),
        base,
        projection: Some(Projection {
            method: method.name().to_owned(),
            parameters: conversion.parameters()?,
            unit: node.unit_of_all(&LENGTHS)?.ok_or("it has no unit")?,
            axes: node.directions()?,
            words: words.and_then(|words| match words.values.get(1) {
                Some(WktValue::Text(words)) => Some(words.clone()),
                _ => None,
            }),
        }),
    })
}

fn base(node: &WktNode) -> Result<Base, &'static str> {
    let datum = ["DATUM", "ENSEMBLE", "TRF", "GEODETICDATUM"];
    let datum = node.find(&datum).ok_or("it has no datum")?;
    let ellipsoid = datum.find(&["SPHEROID", "ELLIPSOID"]);
    let ellipsoid = ellipsoid.ok_or("it has no ellipsoid")?;
    let metres = ellipsoid.unit(&LENGTHS)?.unwrap_or(1.0);
    let axis = ellipsoid.number(1).filter(|axis| *axis > 0.0);
    let flattening = ellipsoid.number(2).filter(|f| *f == 0.0 || *f > 2.0);
    node.directions()?.of_degrees()?;
    let unit = node.unit_of_all(&ANGLES)?.map_or(1.0, degrees);
    Ok(Base {
        name: node.name().to_owned(),
        code: node.code(),
        datum: datum.name().to_owned(),
        ellipsoid: axis
            .map(|axis| axis * metres)
            .zip(flattening)
            .ok_or("its ellipsoid is none")?,
        meridian: node.find(&["PRIMEM"]).map_or(Ok(0.0), |meridian| {
            let value = meridian.number(1).ok_or("its meridian is no number")?;
            let own = meridian.unit(&ANGLES)?.map(degrees);
            // GDAL and Esri write the meridian of Paris in degrees, even if the system's unit is
            // the grad.
            let degrees = starts_with(meridian.name(), "Paris") && (2.33..2.34).contains(&value);
            Ok::<_, &str>(value * own.unwrap_or(if degrees { 1.0 } else { unit }))
        })?,
        unit,
        shift: datum.find(&["TOWGS84"]).map(to_wgs84).transpose()?,
    })
}

/// The shift in a node `TOWGS84`, as [`shift`] returns it. The node has three to seven numbers;
/// numbers that are missing after the third are 0.
///
/// # Errors
/// One of the first three numbers is missing, or a value is no number.
fn to_wgs84(node: &WktNode) -> Result<[f64; 7], &'static str> {
    let mut seven = [0.0; 7];
    let said = node.values.len();
    for (at, number) in seven.iter_mut().enumerate().take(said.max(3)) {
        *number = node.number(at).ok_or("its shift to WGS 84 can't be read")?;
    }
    Ok(seven)
}

/// The shift to WGS 84 that a transformation describes: three translations in metres, three
/// rotations in seconds of arc, and the scale difference in parts per million. `None` if its method
/// is not a shift.
///
/// # Errors
/// The parameters of the shift can't be read.
fn shift(way: &WktNode) -> Result<Option<[f64; 7]>, &'static str> {
    let method = way.find(&["METHOD"]).map_or("", WktNode::name);
    definition::shift(method, || way.parameters())
}
