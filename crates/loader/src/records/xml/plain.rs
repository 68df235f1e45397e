//! Events of XML in their usual spelling, which are read without the parser. Usual are tags such as
//! `<a b="c">`, `<a/>` and `</a>`, texts, and references such as `&amp;`. Comments and closing tags
//! with blanks in them, for example, are not.

use std::ops::Range;

/// An event in its usual spelling. Ranges are in bytes of the block's text.
pub(super) enum PlainEvent {
    /// An opening tag, without its brackets. The second field is the length of the name in bytes.
    Start(Range<usize>, usize),
    /// The tag of an empty element such as `<a/>`, without its brackets and its slash. The second
    /// field is the length of the name in bytes.
    Empty(Range<usize>, usize),
    /// The name in a closing tag.
    End(Range<usize>),
    Text(Range<usize>),
    /// The name of an entity or a character: `amp` in `&amp;`.
    Reference(Range<usize>),
}

/// The event at the index `at` of a block's text, and the number of its bytes. `None` if the event
/// goes on after the block or is not in its usual spelling; then the parser has to read it. `open`
/// is the range, in the block's text, of the name of the innermost open element; `None` if the name
/// isn't in this block.
pub(super) fn plain_event(
    text: &str,
    at: usize,
    open: Option<Range<usize>>,
) -> Option<(PlainEvent, usize)> {
    let all = text.as_bytes();
    let bytes = all.get(at..)?;
    match bytes {
        [b'<', b'/', rest @ ..] => {
            let name = open?;
            let rest = rest.strip_prefix(all.get(name.clone())?)?;
            let size = name.len() + 3;
            let start = at + 2;
            let event = PlainEvent::End(start..start + name.len());
            (rest.first() == Some(&b'>')).then_some((event, size))
        }
        [b'<', ..] => tag(bytes, at),
        [b'&', rest @ ..] => {
            let end = memchr::memchr3(b';', b'&', b'<', rest)?;
            let name = at + 1..at + 1 + end;
            (rest.get(end) == Some(&b';')).then_some((PlainEvent::Reference(name), end + 2))
        }
        _ => {
            let end = memchr::memchr2(b'<', b'&', bytes)?;
            Some((PlainEvent::Text(at..at + end), end))
        }
    }
}

/// The tag at the beginning of `bytes`, and the number of its bytes. `at` is the index of the tag's
/// first byte in the block's text. `None` if the tag has to be read by the parser.
fn tag(bytes: &[u8], at: usize) -> Option<(PlainEvent, usize)> {
    let inner = bytes.get(1..)?;
    let name = inner.iter().position(|byte| !is_of_name(*byte))?;
    if name == 0 {
        return None;
    }
    let end = match inner.get(name)? {
        b'>' => name,
        b'/' if inner.get(name + 1) == Some(&b'>') => name + 1,
        b' ' | b'\t' | b'\r' | b'\n' => name + tag_end(inner.get(name..)?)?,
        _ => return None,
    };
    let start = at + 1;
    Some(match inner.get(..end)? {
        [content @ .., b'/'] => {
            let content = start..start + content.len();
            (PlainEvent::Empty(content, name), end + 2)
        }
        _ => (PlainEvent::Start(start..start + end, name), end + 2),
    })
}

/// The index, in `bytes`, of the bracket that ends a tag; `None` if there is none. A bracket in
/// quotes is part of an attribute's value. `bytes` begin after the tag's name.
fn tag_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..)?;
        let next = memchr::memchr3(b'>', b'"', b'\'', rest)?;
        at += next + 1;
        match rest.get(next)? {
            b'>' => return Some(at - 1),
            quote => at += memchr::memchr(*quote, bytes.get(at..)?)? + 1,
        }
    }
}

/// Returns true for the bytes of usual names.
pub(super) fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.') || byte >= 0x80
}
