//! Tags of XML: their names and attributes.

use super::LONGEST;
use super::plain::is_of_name;
use quick_xml::events::attributes::Attributes;
use std::borrow::Cow;

/// The opening tag of an element, such as `<trkpt lat="48.1" lon="11.5">`.
#[derive(Clone, Copy)]
pub(in crate::records) struct XmlTag<'a> {
    /// The tag without its brackets.
    content: &'a str,
    /// The length, in bytes, of the name at the beginning of `content`.
    name: usize,
}

impl<'a> XmlTag<'a> {
    /// A tag without its brackets, whose name has `name` bytes.
    pub(super) fn new(content: &'a str, name: usize) -> Self {
        Self { content, name }
    }

    /// The tag without its brackets, and the length of its name in bytes.
    #[cfg(test)]
    pub(super) fn parts(&self) -> (&'a str, usize) {
        (self.content, self.name)
    }

    /// The name without its prefix: `when` for `gx:when`.
    pub(in crate::records) fn local_name(&self) -> &'a str {
        local(self.content.get(..self.name).unwrap_or_default())
    }

    /// The attributes: names with their prefixes, and values as they are written. Malformed
    /// attributes are left out.
    pub(in crate::records) fn attributes(&self) -> XmlAttributes<'a> {
        XmlAttributes {
            content: self.content,
            at: self.name,
            others: None,
        }
    }

    /// The value of the attribute `name`, with or without a prefix; `None` if the attribute is
    /// missing or its value has over [`LONGEST`] bytes.
    pub(in crate::records) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut attributes = self.attributes();
        let (_, value) = attributes.find(|(key, _)| local(key) == name)?;
        if value.len() > LONGEST {
            return None;
        }
        match value {
            Cow::Borrowed(value) => quick_xml::escape::unescape(value).ok(),
            Cow::Owned(value) => {
                let text = quick_xml::escape::unescape(&value).ok()?;
                Some(Cow::Owned(text.into_owned()))
            }
        }
    }

    /// The value of the first attribute with exactly this name, as it is written; `None` if there
    /// is no such attribute, or if an attribute before it is malformed.
    pub(in crate::records) fn first_attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut all = self.attributes();
        while let Some((key, value)) = all.next_plain() {
            if key == name {
                return Some(Cow::Borrowed(value));
            }
        }
        let mut others = Attributes::new(self.content, all.at);
        let others = others.with_checks(false).map_while(Result::ok);
        let mut others = others.filter(|attribute| attribute.key.as_ref() == name);
        others.next().map(|attribute| attribute.value)
    }
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    match name.bytes().position(|byte| byte == b':') {
        Some(colon) => name.get(colon + 1..).unwrap_or(name),
        None => name,
    }
}

/// The attributes of a tag. This type itself reads attributes in their usual spelling (see
/// [`plain_attribute`]). From the first other attribute on, the crate `quick-xml` reads them.
pub(in crate::records) struct XmlAttributes<'a> {
    content: &'a str,
    /// The offset, in `content`, after the attributes that were read here.
    at: usize,
    others: Option<Attributes<'a>>,
}

impl<'a> XmlAttributes<'a> {
    /// The name and the value of the next attribute. `None` if there is none, or if it is not in
    /// its usual spelling.
    fn next_plain(&mut self) -> Option<(&'a str, &'a str)> {
        let (name, value, size) = plain_attribute(self.content.get(self.at..)?)?;
        self.at += size;
        Some((name, value))
    }
}

impl<'a> Iterator for XmlAttributes<'a> {
    type Item = (&'a str, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.others.is_none() {
            if let Some((name, value)) = self.next_plain() {
                return Some((name, Cow::Borrowed(value)));
            }
            if self.at == self.content.len() {
                return None;
            }
        }
        let (content, at) = (self.content, self.at);
        let others = self.others.get_or_insert_with(|| {
            let mut others = Attributes::new(content, at);
            others.with_checks(false);
            others
        });
        let attribute = others.flatten().next()?;
        Some((attribute.key.into_inner(), attribute.value))
    }
}

/// The name and the value of the attribute at the beginning of a text, and the number of the
/// attribute's bytes. `None` unless it is in its usual spelling: one blank, a name, `=` and a
/// quoted value, followed by a blank or the end of the text.
fn plain_attribute(text: &str) -> Option<(&str, &str, usize)> {
    let bytes = text.as_bytes();
    if !is_blank(*bytes.first()?) {
        return None;
    }
    let name = bytes.get(1..)?.iter().position(|byte| !is_of_name(*byte))? + 1;
    let [b'=', quote @ (b'"' | b'\''), value @ ..] = bytes.get(name..)? else {
        return None;
    };
    let length = memchr::memchr(*quote, value)?;
    let start = name + 2;
    let end = start + length + 1;
    let is_end = bytes.get(end).is_none_or(|byte| is_blank(*byte));
    let names = text
        .get(1..name)
        .filter(|name| !name.is_empty() && is_end)?;
    Some((names, text.get(start..end - 1)?, end))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
