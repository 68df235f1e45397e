//! Well-known text: as OGC's first version, GDAL and Esri write it, and the second (ISO 19162).

use super::definition::{Base, Definition, Parameter, Projection, starts_with};
use crate::report::shown;

/// Nodes in nodes that are followed.
const DEPTH: usize = 24;

/// The definition in a text, or what messages call it.
pub(super) fn definition(text: &str) -> Result<Definition, String> {
    // some have a mark of byte order, noughts or a comma behind them
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\0'));
    let named = || {
        let quoted = text.split('"').nth(1).unwrap_or(text);
        shown(quoted.as_bytes())
    };
    let node = Reader { rest: text }.node(DEPTH).ok_or_else(named)?;
    of_node(&node, DEPTH).map_err(|why| match why {
        "" => named(),
        why => format!("{} ({why})", named()),
    })
}

/// A word with values in brackets.
#[derive(Debug)]
struct Node {
    word: String,
    values: Vec<Value>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Number(f64),
    Node(Node),
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(c)?.trim_start();
        Some(())
    }

    /// A word up to what ends one.
    fn word(&mut self) -> &str {
        let ends = |c: char| c.is_whitespace() || "[](),\"".contains(c);
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        let word = self.word().to_ascii_uppercase();
        self.values(word, depth)
    }

    /// The values of a node, behind its word.
    fn values(&mut self, word: String, depth: usize) -> Option<Node> {
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
                return Some(Node { word, values });
            }
            self.skip(',')?;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if self.rest.starts_with('"') {
            return self.quoted().map(Value::Text);
        }
        let word = self.word().to_owned();
        match self.rest.chars().next() {
            Some('[' | '(') if !word.is_empty() => {
                let word = word.to_ascii_uppercase();
                self.values(word, depth).map(Value::Node)
            }
            _ => Some(match word.parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Number(number),
                _ => Value::Text(word),
            }),
        }
    }

    /// A text in quotes; two of them stand for one.
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

impl Node {
    /// The first node with one of some words.
    fn find(&self, words: &[&str]) -> Option<&Node> {
        self.nodes().find(|node| words.contains(&&*node.word))
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.values.iter().filter_map(|value| match value {
            Value::Node(node) => Some(node),
            _ => None,
        })
    }

    fn name(&self) -> &str {
        match self.values.first() {
            Some(Value::Text(name)) => name,
            _ => "",
        }
    }

    /// The number at a place.
    fn number(&self, at: usize) -> Option<f64> {
        match self.values.get(at)? {
            Value::Number(number) => Some(*number),
            // some quote them
            Value::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            Value::Node(_) => None,
        }
    }

    /// The EPSG number of the whole node.
    fn code(&self) -> Option<u32> {
        let id = self.find(&["ID", "AUTHORITY"])?;
        let ours = id.name().eq_ignore_ascii_case("EPSG");
        id.number(1).filter(|_| ours).map(|code| code as u32)
    }

    /// Radians or metres to its unit.
    fn unit(&self, words: &[&str]) -> Option<f64> {
        self.find(words)?.number(1).filter(|unit| *unit > 0.0)
    }
}

const ANGLES: [&str; 2] = ["ANGLEUNIT", "UNIT"];
const LENGTHS: [&str; 2] = ["LENGTHUNIT", "UNIT"];

/// The definition of a node, or why it is none that is known.
fn of_node(node: &Node, depth: usize) -> Result<Definition, &'static str> {
    let depth = depth.checked_sub(1).ok_or("")?;
    match &*node.word {
        "PROJCS" | "PROJCRS" | "PROJECTEDCRS" => projected(node),
        "GEOGCS" | "GEOGCRS" | "GEODCRS" | "GEOGRAPHICCRS" | "GEODETICCRS" => {
            let turned = node.find(&["DERIVINGCONVERSION"]).is_some();
            let system = node.find(&["CS"]).map(Node::name);
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
        // only where things are counts, not how high they are
        "COMPD_CS" | "COMPOUNDCRS" => {
            let horizontal = node.nodes().next().ok_or("")?;
            of_node(horizontal, depth)
        }
        "BOUNDCRS" => {
            let source = node.find(&["SOURCECRS"]).and_then(|s| s.nodes().next());
            let mut found = of_node(source.ok_or("")?, depth)?;
            let way = node.find(&["ABRIDGEDTRANSFORMATION"]);
            found.base.shift = way.and_then(shift).or(found.base.shift);
            Ok(found)
        }
        "GEOCCS" => Err("it is geocentric"),
        "LOCAL_CS" | "ENGCRS" | "ENGINEERINGCRS" => Err("it is a local one"),
        "VERT_CS" | "VERTCRS" | "VERTICALCRS" => Err("it has heights only"),
        _ => Err(""),
    }
}

fn projected(node: &Node) -> Result<Definition, &'static str> {
    let below = ["GEOGCS", "BASEGEOGCRS", "BASEGEODCRS", "GEOGCRS", "GEODCRS"];
    let below = node.find(&below).ok_or("it has no degrees below")?;
    let base = base(below)?;
    // the second version has method and parameters in a node of their own
    let conversion = node.find(&["CONVERSION"]).unwrap_or(node);
    let method = conversion.find(&["METHOD", "PROJECTION"]);
    let method = method.ok_or("it has no projection")?;
    let axes: Vec<&Node> = node.nodes().filter(|node| node.word == "AXIS").collect();
    let of_axis = axes.first().and_then(|axis| axis.unit(&LENGTHS));
    let unit = node.unit(&LENGTHS).or(of_axis).ok_or("it has no unit")?;
    let direction = axes.first().and_then(|axis| match axis.values.get(1) {
        Some(Value::Text(direction)) => Some(direction),
        _ => None,
    });
    let parameters = conversion.nodes().filter(|node| node.word == "PARAMETER");
    let parameters = parameters.map(|parameter| {
        let own = parameter.unit(&["ANGLEUNIT", "LENGTHUNIT", "SCALEUNIT", "UNIT"]);
        Ok(Parameter {
            name: parameter.name().to_owned(),
            value: parameter.number(1).ok_or("a parameter is no number")?,
            unit: own,
        })
    });
    let words = node.nodes().find(|node| node.word == "EXTENSION");
    let words = words.filter(|extension| extension.name() == "PROJ4");
    Ok(Definition {
        name: node.name().to_owned(),
        code: node.code(),
        base,
        projection: Some(Projection {
            method: method.name().to_owned(),
            parameters: parameters.collect::<Result<_, &str>>()?,
            unit,
            east: direction.is_some_and(|d| d.eq_ignore_ascii_case("east")),
            words: words.and_then(|words| match words.values.get(1) {
                Some(Value::Text(words)) => Some(words.clone()),
                _ => None,
            }),
        }),
    })
}

fn base(node: &Node) -> Result<Base, &'static str> {
    let datum = ["DATUM", "ENSEMBLE", "TRF", "GEODETICDATUM"];
    let datum = node.find(&datum).ok_or("it has no datum")?;
    let ellipsoid = datum.find(&["SPHEROID", "ELLIPSOID"]);
    let ellipsoid = ellipsoid.ok_or("it has no ellipsoid")?;
    let metres = ellipsoid.unit(&LENGTHS).unwrap_or(1.0);
    let axis = ellipsoid.number(1).filter(|axis| *axis > 0.0);
    let flattening = ellipsoid.number(2).filter(|f| *f == 0.0 || *f > 2.0);
    let axes = node.find(&["AXIS"]);
    let of_axis = axes.and_then(|axis| axis.unit(&ANGLES));
    let unit = node.unit(&ANGLES).or(of_axis).map_or(1.0, degrees);
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
            let own = meridian.unit(&ANGLES).map(degrees);
            // GDAL and Esri write that of Paris in degrees, even beside grads
            let degrees = starts_with(meridian.name(), "Paris") && (2.33..2.34).contains(&value);
            Ok::<_, &str>(value * own.unwrap_or(if degrees { 1.0 } else { unit }))
        })?,
        unit,
        shift: datum.find(&["TOWGS84"]).and_then(|shift| {
            let at = |at| shift.number(at);
            let rest = |place| at(place).unwrap_or(0.0);
            Some([at(0)?, at(1)?, at(2)?, rest(3), rest(4), rest(5), rest(6)])
        }),
    })
}

/// Degrees to a unit of so many radians; those that are rounded degrees are degrees.
pub(super) fn degrees(radians: f64) -> f64 {
    let degrees = radians.to_degrees();
    if (degrees - 1.0).abs() < 1e-8 {
        1.0
    } else {
        degrees
    }
}

/// The shift to WGS 84 that a definition is bound to.
fn shift(way: &Node) -> Option<[f64; 7]> {
    let method = way.find(&["METHOD"])?.name();
    let parameters = way.nodes().filter(|node| node.word == "PARAMETER");
    let parameters = parameters.map(|node| Some((node.name(), node.number(1)?)));
    seven(method, parameters.collect::<Option<Vec<_>>>()?)
}

/// The numbers of a shift by the names of its method and parameters.
pub(super) fn seven(method: &str, parameters: Vec<(&str, f64)>) -> Option<[f64; 7]> {
    const NAMES: [&str; 7] = [
        "X-axis translation",
        "Y-axis translation",
        "Z-axis translation",
        "X-axis rotation",
        "Y-axis rotation",
        "Z-axis rotation",
        "Scale difference",
    ];
    let frame = starts_with(method, "Coordinate Frame");
    let known = ["Geocentric translations", "Position Vector"];
    if !frame && !known.iter().any(|known| starts_with(method, known)) {
        return None;
    }
    let mut seven = [0.0; 7];
    for (name, value) in parameters {
        let at = NAMES.iter().position(|known| starts_with(name, known))?;
        let turned = frame && (3..6).contains(&at);
        // a stretch may be the factor itself
        let value = if at == 6 && (0.9..1.1).contains(&value) {
            (value - 1.0) * 1e6
        } else {
            value
        };
        *seven.get_mut(at)? = if turned { -value } else { value };
    }
    Some(seven)
}
