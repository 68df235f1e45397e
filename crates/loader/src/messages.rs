//! Text for messages: values, quoted and shortened, and lists of names.

use crate::encoding::{decoded, may_be_utf8};

/// The largest number of characters that messages show of a value: a choice.
const SHOWN: usize = 60;

/// The largest number of names that messages show of a list: a choice.
const LISTED: usize = 40;

/// A value as text for messages: in quotes, cut off after 60 characters, and with control
/// characters escaped.
pub(crate) fn shown(value: &[u8]) -> String {
    // A character has at most 4 bytes, so the rest of a long value need not be decoded.
    let head = value.get(..4 * (SHOWN + 1)).unwrap_or(value);
    // The last character may be cut off. That must not be taken for another encoding.
    let text = if may_be_utf8(head, head.len() == value.len()) {
        String::from_utf8_lossy(head)
    } else {
        decoded(head)
    };
    let mut out = String::from("\"");
    for c in text.chars().take(SHOWN) {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}') {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.push_str(if text.chars().nth(SHOWN).is_some() {
        "…\""
    } else {
        "\""
    });
    out
}

/// The names in quotes, separated by commas. At most 40 names are shown. An empty list is shown as
/// `none`.
pub(crate) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown_names = names
        .iter()
        .take(LISTED)
        .map(|name| shown(name.as_ref().as_bytes()));
    let mut text = shown_names.collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        text.push_str("none");
    } else if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_short_and_printable() {
        assert_eq!(shown(b"abc"), "\"abc\"");
        assert_eq!(shown(b"a\n\x1b[31m\0"), "\"a\\n\\u{1b}[31m\\u{0}\"");
        assert_eq!(shown(&[b'L'; 70_000]), format!("\"{}…\"", "L".repeat(60)));
        assert_eq!(shown(&[b'L'; 60]), format!("\"{}\"", "L".repeat(60)));
        assert_eq!(
            shown("é".repeat(61).as_bytes()),
            format!("\"{}…\"", "é".repeat(60))
        );
        assert_eq!(shown(b"Stra\xdfe"), "\"Straße\"");
    }
}
