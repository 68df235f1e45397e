//! HTML pages for people: all members of a JSON document, with links to follow.

use crate::http::xml::escaped;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Writes the HTML page of a document.
pub(super) fn page(title: &str, document: &Value) -> String {
    let title = escaped(title);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n"
    );
    write(&mut text, document);
    text + "</body>\n</html>\n"
}

/// Writes a JSON value: an object as a list of its members with their names, an array as a list of
/// its items, and an object with the member `href` as a link.
fn write(text: &mut String, value: &Value) {
    match value {
        Value::Object(members) if members.contains_key("href") => write_link(text, members),
        Value::Object(members) => {
            text.push_str("<dl>\n");
            for (name, value) in members {
                // Writing to a text can't fail.
                let _ = write!(text, "<dt>{}</dt>\n<dd>", escaped(name));
                write(text, value);
                text.push_str("</dd>\n");
            }
            text.push_str("</dl>\n");
        }
        Value::Array(items) if items.iter().all(|item| item.is_number()) => {
            let numbers: Vec<String> = items.iter().map(Value::to_string).collect();
            text.push_str(&numbers.join(", "));
        }
        Value::Array(items) => {
            text.push_str("<ul>\n");
            for item in items {
                text.push_str("<li>");
                write(text, item);
                text.push_str("</li>\n");
            }
            text.push_str("</ul>\n");
        }
        Value::String(word) => text.push_str(&escaped(word)),
        other => text.push_str(&other.to_string()),
    }
}

/// Writes a link. A URL template with placeholders can't be followed, so it is shown as text.
fn write_link(text: &mut String, members: &Map<String, Value>) {
    let member = |name: &str| {
        let member = members.get(name).and_then(Value::as_str);
        escaped(member.unwrap_or_default())
    };
    let (href, title, rel) = (member("href"), member("title"), member("rel"));
    let _ = match members.contains_key("templated") {
        true => write!(text, "{title} ({rel}): {href}"),
        false => write!(text, "<a rel=\"{rel}\" href=\"{href}\">{title}</a> ({rel})"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn links_can_be_followed_and_nothing_else_is_markup() {
        let text = page(
            "<b>",
            &value!({
                "id": "a&b",
                "numbers": [1, 2],
                "links": [
                    { "rel": "self", "href": "http://a/\"x", "title": "<i>" },
                    { "rel": "item", "href": "http://a/{z}", "title": "t", "templated": true },
                ],
            }),
        );
        assert!(text.contains("<h1>&lt;b&gt;</h1>") && text.contains("1, 2"));
        assert!(text.contains("<dt>id</dt>\n<dd>a&amp;b</dd>"), "{text}");
        let link = "<a rel=\"self\" href=\"http://a/&quot;x\">&lt;i&gt;</a> (self)";
        assert!(text.contains(link), "{text}");
        assert!(text.contains("t (item): http://a/{z}"), "{text}");
    }
}
