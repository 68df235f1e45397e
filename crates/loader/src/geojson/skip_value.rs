//! Skipping of JSON values: the end of a value is found without parsing the value.
//!
//! Brackets are counted, but a bracket is not matched with its partner, so `[1}` counts as a value.
//! Such faults are found later, when the value is parsed.

use memchr::memchr2;

/// The number of bytes of white space at the beginning of `bytes`. The record separator of RFC 8142
/// counts as white space here.
pub(crate) fn blank(bytes: &[u8]) -> usize {
    let is_blank = |b: &&u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x1e);
    bytes.iter().take_while(is_blank).count()
}

/// The length in bytes of the value at the beginning of `bytes`. It is 0 if there is no value, and
/// `None` if the value may continue after `bytes`.
pub(crate) fn value(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string(bytes),
        b'{' | b'[' => bracketed(bytes),
        _ => bytes.iter().position(|b| {
            matches!(
                b,
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b']' | b'}' | b'[' | b'{' | b'"'
            )
        }),
    }
}

/// The length in bytes of the string at the beginning of `bytes`, both quotes included; `None` if
/// the string doesn't end in `bytes`.
fn string(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The length in bytes of the array or object at the beginning of `bytes`; `None` if it doesn't end
/// in `bytes`.
fn bracketed(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += string(bytes.get(at..)?)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The elements of an array, each as its JSON text. The array must be well-formed JSON.
pub(crate) fn elements(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = array.strip_prefix(b"[").unwrap_or_default();
    std::iter::from_fn(move || {
        let skip = rest
            .iter()
            .take_while(|b| b.is_ascii_whitespace() || **b == b',')
            .count();
        let begun = rest.get(skip..)?;
        let (element, behind) = begun.split_at_checked(value(begun)?)?;
        rest = behind;
        (!element.is_empty()).then_some(element)
    })
}

/// The members of an object, each as the JSON texts of its name and its value. The object must be
/// well-formed JSON.
pub(crate) fn members(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = object.strip_prefix(b"{").unwrap_or_default();
    let mut next = move |between: u8| {
        let skip = rest
            .iter()
            .take_while(|b| b.is_ascii_whitespace() || **b == between)
            .count();
        let begun = rest.get(skip..)?;
        let (found, behind) = begun.split_at_checked(value(begun)?)?;
        rest = behind;
        (!found.is_empty()).then_some(found)
    };
    std::iter::from_fn(move || Some((next(b',')?, next(b':')?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_end_where_they_should() {
        for (text, length) in [
            ("{\"a\":[1,{\"}\":\"]\\\"\"}]} x", Some(21)),
            ("\"a\\\\\"b", Some(5)),
            ("\"a\\\"b", None),
            ("12.5,", Some(4)),
            ("12.5", None),
            ("[[1,2],[3]", None),
            ("]", Some(0)),
            ("", None),
        ] {
            assert_eq!(value(text.as_bytes()), length, "{text}");
        }
        let parts: Vec<&[u8]> = elements(b"[ 1, [2 ,3],\"a,b\" ]").collect();
        assert_eq!(parts, [&b"1"[..], b"[2 ,3]", b"\"a,b\""]);
        assert_eq!(elements(b"[]").count() + elements(b"7").count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            prop_assert!(value(&bytes).is_none_or(|n| n <= bytes.len()));
            prop_assert!(elements(&bytes).count() <= bytes.len());
            prop_assert!(members(&bytes).count() <= bytes.len());
        }
    }
}
