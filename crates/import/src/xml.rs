//! A reader that turns XML into a tree of elements, since configurations are small enough to be in
//! memory as a whole.

use crate::ImportError;
use quick_xml::events::{BytesStart, Event};

/// An element, with its attributes, its children and its text.
#[derive(Debug, Default)]
pub(crate) struct XmlElement {
    /// The name of the element without the prefix of a namespace.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<XmlElement>,
    /// The text that is directly in this element, without blanks at its ends.
    pub(crate) text: String,
}

/// The greatest depth to which elements may be nested: a choice.
const MAX_DEPTH: usize = 200;

/// Reads a document and returns its outermost element. Older Mapnik styles declare entities in
/// their DOCTYPE; such entities are replaced by their values.
pub(crate) fn read(text: &str) -> Result<XmlElement, ImportError> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut entities: Vec<(String, String)> = Vec::new();
    let mut open = vec![XmlElement::default()];
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => return fail(text, reader.error_position(), &format!("XML ({error})")),
        };
        let at = reader.buffer_position();
        match event {
            Event::DocType(doctype) => entities = spelt_out(&doctype),
            Event::Start(start) => {
                if open.len() > MAX_DEPTH {
                    return fail(text, at, "fewer elements inside each other");
                }
                open.push(element(&start, &entities));
            }
            Event::Empty(start) => {
                let element = element(&start, &entities);
                if let Some(parent) = open.last_mut() {
                    parent.children.push(element);
                }
            }
            Event::End(_) => close(&mut open),
            Event::Text(part) => push_text(&mut open, &part),
            Event::CData(part) => push_text(&mut open, &part),
            Event::GeneralRef(entity) => {
                let known = match entity.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    _ => resolve(&entity, &entities).map(str::to_owned),
                };
                let Some(known) = known else {
                    return fail(text, at, "an entity that the document declares");
                };
                push_text(&mut open, &known);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if open.len() > 1 {
        return fail(text, text.len() as u64, "the end of every element");
    }
    let root = open.pop().and_then(|root| root.children.into_iter().next());
    root.map_or_else(|| fail(text, 0, "an XML document"), Ok)
}

impl XmlElement {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// The element's direct children with the name `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a XmlElement> {
        self.children.iter().filter(move |c| c.name == name)
    }

    pub(crate) fn child<'a>(&'a self, name: &'a str) -> Option<&'a XmlElement> {
        self.all(name).next()
    }

    /// The element itself and all elements inside it, in the order of the document.
    pub(crate) fn descendants(&self) -> Vec<&XmlElement> {
        let mut all = vec![self];
        let mut next = 0;
        while let Some(element) = all.get(next).copied() {
            let inner: Vec<&XmlElement> = element.children.iter().collect();
            all.splice(next + 1..next + 1, inner);
            next += 1;
        }
        all
    }
}

fn close(open: &mut Vec<XmlElement>) {
    if open.len() > 1
        && let Some(mut done) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        done.text = done.text.trim().to_owned();
        parent.children.push(done);
    }
}

fn push_text(open: &mut [XmlElement], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>, entities: &[(String, String)]) -> XmlElement {
    let attribute = |found: quick_xml::events::attributes::Attribute<'_>| {
        let key = found.key.local_name().as_ref().to_owned();
        let value = quick_xml::escape::unescape_with(&found.value, |name| resolve(name, entities));
        (
            key,
            value.map_or_else(|_| found.value.to_string(), |v| v.into_owned()),
        )
    };
    XmlElement {
        name: start.local_name().as_ref().to_owned(),
        attributes: start.attributes().flatten().map(attribute).collect(),
        ..XmlElement::default()
    }
}

fn resolve<'a>(name: &str, entities: &'a [(String, String)]) -> Option<&'a str> {
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(known) => Some(known),
        None => entities
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str()),
    }
}

/// The entities that a DOCTYPE declares like `<!ENTITY name "value">`, each as a name and a value.
fn spelt_out(doctype: &str) -> Vec<(String, String)> {
    let declared = doctype.split("<!ENTITY").skip(1);
    let entity = |text: &str| {
        let text = text.trim_start();
        let (name, rest) = text.split_once(char::is_whitespace)?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, _) = rest.get(1..)?.split_once(quote)?;
        Some((name.to_owned(), value.to_owned()))
    };
    declared.filter_map(entity).collect()
}

fn fail<T>(text: &str, at: u64, expected: &str) -> Result<T, ImportError> {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    let before: String = text
        .char_indices()
        .take_while(|(i, _)| *i < at)
        .map(|(_, c)| c)
        .collect();
    Err(ImportError::Syntax {
        line: before.matches('\n').count() + 1,
        column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
        expected: expected.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_text_and_entities() {
        let root = read(
            "<?xml version='1.0'?><!DOCTYPE Map [<!ENTITY srs \"+init=epsg:3857\">]>\n\
             <Map srs='&srs;'><a:Layer name='x &amp; y'><P> one &lt;<![CDATA[ <two> ]]></P><Q/></a:Layer></Map>",
        )
        .unwrap();
        assert_eq!(root.attribute("srs"), Some("+init=epsg:3857"));
        let layer = root.child("Layer").unwrap();
        assert_eq!(layer.attribute("name"), Some("x & y"));
        assert_eq!(layer.child("P").unwrap().text, "one < <two>");
        let names: Vec<_> = root.descendants().iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["Map", "Layer", "P", "Q"]);
    }

    #[test]
    fn what_is_no_xml_is_refused_with_its_place() {
        for bad in ["", "<a><b></a>", "<a>&nosuch;</a>", "<a", "<a><b/>"] {
            assert!(
                matches!(read(bad), Err(ImportError::Syntax { .. })),
                "{bad}"
            );
        }
        assert!(read(&"<a>".repeat(1000)).is_err());
    }
}
