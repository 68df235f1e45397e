//! Escaping of texts for XML documents.

/// Replaces the characters of a text that have a meaning in XML by references like `&lt;`, and tabs
/// and line breaks by blanks. Leaves out other control characters, which XML 1.0 can't contain. The
/// result may stand between tags and in quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn no_text_ends_its_element_or_its_quotes() {
        assert_eq!(
            escaped("a<b>&\"c\"\u{0}\u{7}\u{ffff}\nü"),
            "a&lt;b&gt;&amp;&quot;c&quot; ü"
        );
    }
}
