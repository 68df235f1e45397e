//! The ids of layers in URLs.

use std::borrow::Borrow;
use std::fmt;

/// Words that can't be ids of layers, since URLs that begin with them belong to other routes, or
/// may do so in later versions.
const RESERVED: [&str; 11] = [
    "catalog",
    "collections",
    "conformance",
    "health",
    "layers",
    "metrics",
    "openapi",
    "ready",
    "viewer",
    "wms",
    "wmts",
];

/// The largest length of a layer's id in characters. A choice.
const MAX_ID_LENGTH: usize = 64;

/// A layer's id in URLs: 1 to 64 of the characters `a-z`, `0-9`, `_`, `.` and `-`. It is never a
/// word that begins the path of another route, like `catalog`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayerId(String);

impl LayerId {
    /// Makes an id from a name: `Cities of 2024` becomes `cities-of-2024`. The id may be reserved
    /// or taken.
    fn from_name(name: &str) -> Self {
        let mut id = String::new();
        for c in name.chars().map(|c| c.to_ascii_lowercase()) {
            match c {
                'a'..='z' | '0'..='9' | '_' => id.push(c),
                _ if id.is_empty() || id.ends_with(['-', '.']) => {}
                '.' => id.push('.'),
                _ => id.push('-'),
            }
            if id.len() == MAX_ID_LENGTH {
                break;
            }
        }
        // A `.json` at the end is removed, since a path that ends in it is the TileJSON of a layer.
        while let Some(short) = id.strip_suffix(".json").or(id.strip_suffix(['-', '.'])) {
            id.truncate(short.len());
        }
        if id.is_empty() {
            Self("layer".to_owned())
        } else {
            Self(id)
        }
    }

    /// Makes the id of a posted layer from `id`, a digest as text, all of whose characters are
    /// legal in an id.
    pub(super) fn of_posted(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// Makes an id from a name. If the id is reserved or taken, the first number from 2 on with
    /// which it is free is appended, like `cities-2`.
    pub(super) fn free(name: &str, is_taken: impl Fn(&Self) -> bool) -> Self {
        let plain = Self::from_name(name);
        let numbered = (2..).map(|number| plain.numbered(number));
        let mut all = std::iter::once(plain.clone()).chain(numbered);
        let free = all.find(|id| !RESERVED.contains(&id.as_str()) && !is_taken(id));
        free.unwrap_or(plain)
    }

    /// Appends `-` and a number to the id. A long id is cut before, so that the result has at most
    /// [`MAX_ID_LENGTH`] characters.
    fn numbered(&self, number: usize) -> Self {
        let number = format!("-{number}");
        let kept = self.0.get(..MAX_ID_LENGTH - number.len());
        Self(format!("{}{number}", kept.unwrap_or(&self.0)))
    }

    /// The id as text, as URLs contain it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for LayerId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_fit_for_addresses() {
        for (name, id) in [
            ("cities", "cities"),
            ("Cities of 2024", "cities-of-2024"),
            ("../../etc/passwd", "etc-passwd"),
            ("Zürich--Köln!", "z-rich-k-ln"),
            ("日本", "layer"),
            ("", "layer"),
            ("-", "layer"),
            ("a_b", "a_b"),
            ("public.quakes", "public.quakes"),
            ("x.json", "x"),
            ("a..b.", "a.b"),
        ] {
            assert_eq!(LayerId::from_name(name).as_str(), id, "{name}");
        }
        assert_eq!(LayerId::from_name(&"x".repeat(1000)).as_str().len(), 64);
    }
}
