//! Recognition of a JavaScript text whose value is JSON or much like it: `var points = [ … ];`,
//! `export default { … }` or `callback({ … })`.

/// The offset of the bracket at which the JSON begins in a script such as `var points = [ … ];`, or
/// in JSON after a prefix such as `for(;;);`, by which servers keep it from being run. `None` for
/// any other text, also for JSON alone.
pub(crate) fn value_start(text: &[u8]) -> Option<usize> {
    let mut scan = ScriptHead { text, at: 0 };
    scan.blanks();
    for guard in [
        &b")]}'"[..],
        b")]}',",
        b"for(;;);",
        b"for (;;);",
        b"while(1);",
    ] {
        // Some servers send this before JSON, so that it is no script.
        if scan.skip(guard) {
            scan.skip(b",");
            return scan.bracket();
        }
    }
    for directive in [&b"\"use strict\";"[..], b"'use strict';"] {
        if scan.skip(directive) {
            scan.blanks();
        }
    }
    if scan.word(b"export") && scan.word(b"default") {
        return scan.bracket();
    }
    for keyword in [&b"var"[..], b"let", b"const"] {
        if scan.word(keyword) {
            break;
        }
    }
    scan.name()?;
    scan.blanks();
    let is_assigned = scan.skip(b"=");
    let ends = is_assigned || scan.skip(b"(");
    scan.blanks();
    if is_assigned {
        // What is assigned may be the result of a call: `= L.heatLayer([ … ]`.
        let before = scan.at;
        scan.word(b"new");
        let is_call = scan.name().is_some() && {
            scan.blanks();
            scan.rest().starts_with(b"(")
        };
        scan.at = if is_call { scan.at } else { before };
    }
    scan.skip(b"(");
    scan.bracket().filter(|_| ends)
}

/// The beginning of a script, and the offset up to which it is parsed.
struct ScriptHead<'a> {
    text: &'a [u8],
    at: usize,
}

impl ScriptHead<'_> {
    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, prefix: &[u8]) -> bool {
        let is_there = self.rest().starts_with(prefix);
        self.at += if is_there { prefix.len() } else { 0 };
        is_there
    }

    /// Skips a keyword and the blanks after it. Returns false, and skips nothing, if another word
    /// comes next.
    fn word(&mut self, word: &[u8]) -> bool {
        let behind = self.rest().get(word.len());
        if !self.rest().starts_with(word) || behind.is_some_and(|b| is_letter(*b)) {
            return false;
        }
        self.at += word.len();
        self.blanks();
        true
    }

    /// Skips white space and comments.
    fn blanks(&mut self) {
        loop {
            let rest = self.rest();
            let white = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
            if white > 0 {
                self.at += white;
            } else if rest.starts_with(b"//") {
                self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            } else if rest.starts_with(b"/*") {
                let end = memchr::memmem::find(rest, b"*/").map(|end| end + 2);
                self.at += end.unwrap_or(rest.len());
            } else {
                return;
            }
        }
    }

    /// Skips the name of a variable or function, which may have dots and a text in brackets. `None`
    /// if no name comes next.
    fn name(&mut self) -> Option<()> {
        let start = self.at;
        loop {
            let letters = self.rest().iter().take_while(|b| is_letter(**b)).count();
            self.at += letters;
            if letters > 0 && self.skip(b".") {
                continue;
            }
            let rest = self.rest();
            if self.at > start && (rest.starts_with(b"[\"") || rest.starts_with(b"['")) {
                self.at += memchr::memchr(b']', rest)? + 1;
                continue;
            }
            break;
        }
        let is_number = self.text.get(start).is_none_or(u8::is_ascii_digit);
        (self.at > start && !is_number).then_some(())
    }

    /// Skips blanks and returns the offset of the bracket `[` or `{` that comes next; `None` if
    /// anything else does.
    fn bracket(&mut self) -> Option<usize> {
        self.blanks();
        matches!(self.rest().first(), Some(b'[' | b'{')).then_some(self.at)
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_scripts() {
        for (text, value) in [
            ("var addressPoints = [\n", "[\n"),
            ("// a\n/* b */ const x={a:1}", "{a:1}"),
            ("window.map[\"points\"] = [1]", "[1]"),
            ("export default [1]", "[1]"),
            ("module.exports = {", "{"),
            ("/**/callback({\"a\":1});", "{\"a\":1});"),
            (
                "L.heatLayer([[1,2]], {}).addTo(map)",
                "[[1,2]], {}).addTo(map)",
            ),
            (
                "var heat = L.heatLayer(\n[[1,2]], {}).addTo(map)",
                "[[1,2]], {}).addTo(map)",
            ),
            (")]}'\n[1]", "[1]"),
            ("'use strict';\nlet $a = ([1])", "[1])"),
        ] {
            let start = value_start(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(&text[start..], value, "{text}");
        }
        for text in [
            "[1]",
            "{}",
            "lat,lon\n1,2",
            "a = 1",
            "lon(deg),lat",
            "7 = [",
            "<kml>",
            "",
            "var x",
            "x",
            "name[0]=[1]",
            "a = b",
            "a = f(1)",
        ] {
            assert_eq!(value_start(text.as_bytes()), None, "{text}");
        }
    }
}
