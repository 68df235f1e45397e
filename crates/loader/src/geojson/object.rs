//! One GeoJSON object, whose members stay JSON text until they are needed.
//!
//! The parser of features checks that the text is valid JSON. Here only the ends of values are
//! searched for, since of a feature only the type, the position and a few properties are read.

use super::skip_value;
use crate::encoding::decoded;
use crate::number::exact::Number;
use crate::value::Value;
use std::borrow::Cow;
use std::collections::HashSet;

/// The members of a GeoJSON object that this crate uses, as JSON text. A member that is null counts
/// as missing. If two members have one name, the last counts.
#[derive(Default)]
pub(crate) struct Object<'a> {
    kind: Option<&'a [u8]>,
    pub(crate) coordinates: Option<&'a [u8]>,
    pub(crate) geometry: Option<&'a [u8]>,
    pub(crate) geometries: Option<&'a [u8]>,
    pub(crate) features: Option<&'a [u8]>,
    pub(crate) properties: Option<&'a [u8]>,
    /// The coordinate system, which only files older than RFC 7946 state.
    pub(crate) crs: Option<&'a [u8]>,
}

/// The type of a GeoJSON object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ObjectKind<'a> {
    FeatureCollection,
    Feature,
    Point,
    MultiPoint,
    GeometryCollection,
    /// A line or polygon, or a set of them, such as `MultiPolygon`. The text is the name of the
    /// type.
    Extended(Cow<'a, str>),
    /// A type that GeoJSON doesn't know; the text is its name.
    Unknown(Cow<'a, str>),
}

impl<'a> Object<'a> {
    /// Reads the members of an object. JSON that is no object has no members.
    pub(crate) fn parse(json: &'a [u8]) -> Self {
        let mut object = Self::default();
        for (key, value) in skip_value::members(json) {
            let member = match &*string(key) {
                "type" => &mut object.kind,
                "coordinates" => &mut object.coordinates,
                "geometry" => &mut object.geometry,
                "geometries" => &mut object.geometries,
                "features" => &mut object.features,
                "properties" => &mut object.properties,
                "crs" => &mut object.crs,
                _ => continue,
            };
            *member = not_null(value);
        }
        object
    }

    pub(crate) fn kind(&self) -> ObjectKind<'a> {
        let name = string(self.kind.unwrap_or(b"null"));
        match &*name {
            "FeatureCollection" => ObjectKind::FeatureCollection,
            "Feature" => ObjectKind::Feature,
            "Point" => ObjectKind::Point,
            "MultiPoint" => ObjectKind::MultiPoint,
            "GeometryCollection" => ObjectKind::GeometryCollection,
            "LineString" | "MultiLineString" | "Polygon" | "MultiPolygon" => {
                ObjectKind::Extended(name)
            }
            _ => ObjectKind::Unknown(name),
        }
    }
}

/// Returns the JSON text of a value, or `None` if it is `null`.
pub(crate) fn not_null(value: &[u8]) -> Option<&[u8]> {
    (value != b"null").then_some(value)
}

/// The JSON text of the property `name`; `None` if the property is missing or null.
pub(crate) fn property<'a>(properties: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut named = skip_value::members(properties).filter(|(key, _)| string(key) == name);
    // If two properties have one name, the first counts, so that the others need not be searched.
    named.next().and_then(|(_, value)| not_null(value))
}

/// The names of all properties of an object, in their order.
pub(crate) fn property_names(properties: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    skip_value::members(properties).map(|(key, _)| string(key))
}

/// Names, each once, in the order in which they were added.
#[derive(Default)]
pub(crate) struct DistinctNames {
    all: Vec<String>,
    known: HashSet<String>,
}

impl DistinctNames {
    pub(crate) fn add(&mut self, name: Cow<'_, str>) {
        if !self.known.contains(&*name) {
            self.known.insert(name.clone().into_owned());
            self.all.push(name.into_owned());
        }
    }

    pub(crate) fn into_vec(self) -> Vec<String> {
        self.all
    }
}

/// The text that a JSON string stands for, without its quotes and escapes. For any other value this
/// is its JSON text.
pub(crate) fn string(json: &[u8]) -> Cow<'_, str> {
    let inner = json.strip_prefix(b"\"").and_then(|s| s.strip_suffix(b"\""));
    match inner {
        Some(plain) if memchr::memchr(b'\\', plain).is_none() => decoded(plain),
        // An escape may stand for no character, as half of a surrogate pair does. Then the text
        // stays as it is written, with its quotes.
        Some(_) => {
            let text = decoded(json);
            serde_json::from_str(&text).map_or(text, Cow::<str>::Owned)
        }
        None => decoded(json),
    }
}

/// The value that a JSON text stands for. A list, an object or a number beyond the range of `f64`
/// becomes a text: its JSON.
pub(crate) fn typed(value: &[u8]) -> Value<'_> {
    match value {
        b"null" => Value::Null,
        b"true" => Value::Bool(true),
        b"false" => Value::Bool(false),
        [b'"', ..] => Value::Text(string(value)),
        _ => Number::parse(value).map_or_else(|| Value::Text(string(value)), Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_in_any_order_and_no_others() {
        let text =
            br#" {"properties" : {"a":"x","m\u0061g":1.5e999 ,"b":[{}]},"x":[[]],"type":"Po\u0069nt", "geometry":null}"#;
        let object = Object::parse(text.trim_ascii());
        assert_eq!(object.kind(), ObjectKind::Point);
        assert!(object.geometry.is_none() && object.coordinates.is_none());
        let properties = object.properties.unwrap();
        assert_eq!(property(properties, "mag"), Some(&b"1.5e999"[..]));
        assert_eq!(property(properties, "none"), None);
        assert_eq!(
            property_names(properties).collect::<Vec<_>>(),
            ["a", "mag", "b"]
        );
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in [&b"[\"Point\",[1,2]]"[..], b"7", b"{}", b"\"{}\""] {
            assert_eq!(
                Object::parse(text).kind(),
                ObjectKind::Unknown("null".into())
            );
        }
        assert_eq!(string(br#""\ud800""#), "\"\\ud800\"");
        assert_eq!(string(b"\"a\xff\""), "aÿ");
        assert_eq!(string(b"\"\\\"a\xff\""), "\"aÿ");
    }
}
