//! Paths to parts of a JSON document, and the values in a JSON text that may end within a value.

use crate::geojson::object::string;
use crate::geojson::skip_value;
use std::borrow::Cow;

/// The largest depth of nested objects and arrays that is searched for positions: a choice.
pub(super) const DEPTH: usize = 64;

/// A step from a JSON value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum PathStep {
    /// The member of an object with this name.
    Member(String),
    /// The element of an array with this index, counted from 0.
    Element(usize),
}

/// The text of a path: its steps with dots between them, such as `data.rows`. Elements are counted
/// from 1. The empty path, which is the whole document, is `$`.
pub(super) fn dotted(path: &[PathStep]) -> String {
    if path.is_empty() {
        return "$".to_owned();
    }
    let step = |step: &PathStep| match step {
        PathStep::Member(name) => name.clone(),
        PathStep::Element(at) => (at + 1).to_string(),
    };
    path.iter().map(step).collect::<Vec<_>>().join(".")
}

/// The path that goes through members with these names, one inside the other.
pub(super) fn members_path(names: &[&str]) -> Vec<PathStep> {
    names
        .iter()
        .map(|name| PathStep::Member((*name).to_owned()))
        .collect()
}

/// A JSON value, or only its beginning if the text ends within it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartialValue<'a> {
    /// The value's JSON text, or its beginning if the whole text ends within the value.
    pub(super) json: &'a [u8],
    /// True if `json` is the complete value, and false if it is only its beginning.
    pub(super) is_whole: bool,
}

/// Splits a text into the JSON value at its beginning and the text after that value. Before the
/// value, white space and the byte `between`, such as a comma, are skipped. `None` if there is no
/// value.
fn take(rest: &[u8], between: u8) -> Option<(PartialValue<'_>, &[u8])> {
    let skip = rest
        .iter()
        .take_while(|b| b.is_ascii_whitespace() || **b == between)
        .count();
    let begun = rest.get(skip..).filter(|rest| !rest.is_empty())?;
    match skip_value::value(begun) {
        Some(0) => None,
        Some(length) => {
            let (json, behind) = begun.split_at_checked(length)?;
            let is_whole = true;
            Some((PartialValue { json, is_whole }, behind))
        }
        None => {
            let is_whole = false;
            let json = begun;
            Some((PartialValue { json, is_whole }, &[]))
        }
    }
}

/// The elements of an array. `array` may be cut off; its last element then has only its beginning.
pub(super) fn elements(array: &[u8]) -> impl Iterator<Item = PartialValue<'_>> {
    let mut rest = array.strip_prefix(b"[").unwrap_or_default();
    std::iter::from_fn(move || {
        let (value, behind) = take(rest, b',')?;
        rest = behind;
        Some(value)
    })
}

/// The members of an object. `object` may be cut off; its last value then has only its beginning. A
/// name without a value is left out.
pub(super) fn members(object: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, PartialValue<'_>)> {
    let mut rest = object.strip_prefix(b"{").unwrap_or_default();
    std::iter::from_fn(move || {
        let (key, behind) = take(rest, b',')?;
        let (value, behind) = take(behind, b':')?;
        rest = behind;
        Some((string(key.json), value))
    })
}

fn whole_text(value: PartialValue<'_>) -> Option<&[u8]> {
    value.is_whole.then_some(value.json)
}

/// The complete values in `text`: the elements of an array, the values of an object's members, or
/// values that follow each other, as `container` states. The list ends before a value that is cut
/// off.
pub(super) fn whole_values(text: &[u8], container: Container) -> Vec<&[u8]> {
    match container {
        Container::Array => elements(text).map_while(whole_text).collect(),
        Container::Keyed => members(text)
            .map_while(|(_, value)| whole_text(value))
            .collect(),
        Container::Sequence | Container::Lines => {
            let mut rest = text;
            let values = std::iter::from_fn(|| {
                let (value, behind) = take(rest, 0x1e)?;
                rest = behind;
                Some(value)
            });
            values.map_while(whole_text).collect()
        }
    }
}

/// The part of a document that contains the rows: an array, an object, or the document itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// An array, whose elements are rows.
    Array,
    /// An object; the values of its members are rows.
    Keyed,
    /// The document itself: one value, or several that follow each other.
    Sequence,
    /// The document itself, with one value on each line.
    Lines,
}

/// The offset, in bytes, of `part` in `whole`. `part` is a slice of `whole`.
pub(super) fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize)
        .saturating_sub(whole.as_ptr() as usize)
        .min(whole.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_cut_off_keeps_its_whole_values() {
        let text = br#"{"a":[1,[2,3]],"b":{"c":"x"#;
        let all: Vec<_> = members(text)
            .map(|(key, value)| (key.into_owned(), value.is_whole))
            .collect();
        assert_eq!(all, [("a".to_owned(), true), ("b".to_owned(), false)]);
        assert_eq!(whole_values(b"[[1],[2],[3", Container::Array).len(), 2);
        assert_eq!(whole_values(b"{} {} {", Container::Sequence).len(), 2);
        let path = [PathStep::Member("a".to_owned()), PathStep::Element(0)];
        assert_eq!(
            (dotted(&path), dotted(&[])),
            ("a.1".to_owned(), "$".to_owned())
        );
    }
}
