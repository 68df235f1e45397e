//! Skipping of JSON values: the end of a value is found without parsing the value.
//!
//! Brackets are counted, but a bracket is not matched with its partner, so `[1}` counts as a value.
//! Such faults are found later, when the value is parsed.

use memchr::{memchr2, memchr3};

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
    if let Some(length) = flat(bytes) {
        return Some(length);
    }
    let (mut depth, mut at) = (0usize, 0);
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

/// The length in bytes of the array at the beginning of `bytes`. `None` if it contains texts,
/// arrays or objects, or is cut off. Most rows are arrays of plain numbers, whose end is found here
/// without a look at each byte.
fn flat(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_prefix(b"[")?;
    let end = memchr3(b'[', b']', b'"', inner)?;
    let (values, behind) = inner.split_at_checked(end)?;
    let is_flat = behind.first() == Some(&b']') && memchr2(b'{', b'}', values).is_none();
    is_flat.then_some(end + 2)
}

/// Returns true if a text is a valid array of numbers without exponents. This check is faster than
/// a parser of JSON. If it returns false, the text may still be valid JSON.
pub(crate) fn is_flat(text: &[u8]) -> bool {
    let inner = text.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]"));
    let Some(mut rest) = inner else {
        return false;
    };
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // A form feed is no white space of JSON.
    let spaces = |text: &[u8]| {
        let is_space = |b: &&u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
        text.iter().take_while(is_space).count()
    };
    loop {
        rest = rest.get(spaces(rest)..).unwrap_or_default();
        rest = rest.strip_prefix(b"-").unwrap_or(rest);
        let whole = digits(rest);
        if whole == 0 || (whole > 1 && rest.first() == Some(&b'0')) {
            return false;
        }
        rest = rest.get(whole..).unwrap_or_default();
        if let Some(behind) = rest.strip_prefix(b".") {
            let decimals = digits(behind);
            if decimals == 0 {
                return false;
            }
            rest = behind.get(decimals..).unwrap_or_default();
        }
        rest = match rest.get(spaces(rest)..).unwrap_or_default() {
            [] => return true,
            [b',', behind @ ..] => behind,
            _ => return false,
        };
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
    use serde::de::IgnoredAny;

    #[test]
    fn values_end_where_they_should() {
        for (text, length) in [
            ("{\"a\":[1,{\"}\":\"]\\\"\"}]} x", Some(21)),
            ("\"a\\\\\"b", Some(5)),
            ("\"a\\\"b", None),
            ("12.5,", Some(4)),
            ("12.5", None),
            ("[[1,2],[3]", None),
            ("[1,2]]", Some(5)),
            ("[1.23456789012345,-2.3456789,3.45678901234]", Some(43)),
            ("[1,\"]\",{}]", Some(10)),
            ("[1,{}]", Some(6)),
            ("[1}", Some(3)),
            ("[1,2", None),
            ("]", Some(0)),
            ("", None),
        ] {
            assert_eq!(value(text.as_bytes()), length, "{text}");
        }
        let parts: Vec<&[u8]> = elements(b"[ 1, [2 ,3],\"a,b\" ]").collect();
        assert_eq!(parts, [&b"1"[..], b"[2 ,3]", b"\"a,b\""]);
        assert_eq!(elements(b"[]").count() + elements(b"7").count(), 0);
    }

    #[test]
    fn arrays_of_numbers_are_flat() {
        for text in ["[1]", "[48.5,2.25,0]", "[ -1.0 , 20 ]", "[0.5,\n7\t]"] {
            assert!(is_flat(text.as_bytes()), "{text}");
        }
        for text in [
            "[]", "[1,]", "[01]", "[.5]", "[5.]", "[1 2]", "[[1]]", "[1e5]", "7", "[-]",
        ] {
            assert!(!is_flat(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn flat_arrays_are_valid(text in "\\[[-0-9., \t\n\u{b}\u{c}]{0,12}\\]", numbers: Vec<f32>) {
            let is_valid = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
            prop_assert!(!is_flat(text.as_bytes()) || is_valid(&text), "{}", text);
            let numbers: Vec<String> = numbers.iter().map(f32::to_string).collect();
            let text = format!("[{}]", numbers.join(", "));
            prop_assert_eq!(is_flat(text.as_bytes()), is_valid(&text) && text != "[]", "{}", text);
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            prop_assert!(value(&bytes).is_none_or(|n| n <= bytes.len()));
            prop_assert!(elements(&bytes).count() <= bytes.len());
            prop_assert!(members(&bytes).count() <= bytes.len());
        }
    }
}
