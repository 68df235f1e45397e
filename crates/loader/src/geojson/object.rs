//! One GeoJSON object, its members still text.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The members of a GeoJSON object that matter here. Those that are null are
/// taken for missing. All others are passed over.
#[derive(Deserialize)]
#[serde(expecting = "a GeoJSON object")]
pub(crate) struct Object<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) coordinates: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) geometry: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) geometries: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(crate) features: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(crate) properties: Option<&'a RawValue>,
}

/// What an object calls itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    FeatureCollection,
    Feature,
    Point,
    MultiPoint,
    GeometryCollection,
    /// Lines and polygons.
    Extended(String),
    /// Nothing that GeoJSON knows.
    Unknown(String),
}

impl<'a> Object<'a> {
    /// Reads an object. serde would take an array for one, too, by position: refused.
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        if text.first() == Some(&b'{') {
            serde_json::from_slice(text)
        } else {
            serde_json::from_slice::<IgnoredAny>(text)?;
            Err(serde::de::Error::custom("this is not a GeoJSON object"))
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        let text = self.kind.map_or("null", RawValue::get);
        match serde_json::from_str::<String>(text).as_deref() {
            Ok("FeatureCollection") => Kind::FeatureCollection,
            Ok("Feature") => Kind::Feature,
            Ok("Point") => Kind::Point,
            Ok("MultiPoint") => Kind::MultiPoint,
            Ok("GeometryCollection") => Kind::GeometryCollection,
            Ok(name @ ("LineString" | "MultiLineString" | "Polygon" | "MultiPolygon")) => {
                Kind::Extended(name.to_owned())
            }
            Ok(name) => Kind::Unknown(name.to_owned()),
            Err(_) => Kind::Unknown(text.to_owned()),
        }
    }
}

/// The text of one property, as it stands in the JSON; `None` if it is missing or null.
pub(crate) fn property<'a>(properties: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let mut json = serde_json::Deserializer::from_str(properties.get());
    // `properties` is well-formed; if it is no object, nothing is in it.
    json.deserialize_map(Find { name }).ok().flatten()
}

/// The names of all properties.
pub(crate) fn property_names(properties: &RawValue) -> Vec<String> {
    let mut json = serde_json::Deserializer::from_str(properties.get());
    json.deserialize_map(Names).unwrap_or_default()
}

struct Find<'n> {
    name: &'n str,
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(self.name))? {
            if is_it {
                found = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Compares a key without keeping it.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<bool, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = map.next_entry()? {
            names.push(name);
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_in_any_order_and_no_others() {
        let text =
            br#"{"properties":{"a":"x","mag":1.5e999,"b":[{}]},"x":[[]],"type":"Po\u0069nt"}"#;
        let object = Object::read(text).unwrap();
        assert_eq!(object.kind(), Kind::Point);
        assert!(object.geometry.is_none() && object.coordinates.is_none());
        let properties = object.properties.unwrap();
        assert_eq!(property(properties, "mag").unwrap().get(), "1.5e999");
        assert!(property(properties, "none").is_none());
        assert_eq!(property_names(properties), ["a", "mag", "b"]);
    }

    #[test]
    fn arrays_and_scalars_are_no_objects() {
        for text in ["[\"Point\",[1,2]]", "7", "null"] {
            let error = Object::read(text.as_bytes()).err().unwrap();
            assert!(error.is_data(), "{text}");
        }
        assert!(Object::read(b"[1").err().unwrap().is_eof());
        assert_eq!(
            Object::read(b"{}").unwrap().kind(),
            Kind::Unknown("null".into())
        );
    }
}
