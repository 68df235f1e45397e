//! A reader of the configurations in web pages. They are JSON, or object literals of JavaScript
//! with the statements around them.
//!
//! The reader understands keys without quotes, single quotes, comments, trailing commas, numbers
//! like `.5`, calls, and `new Thing(…)`. Other code (functions, variables or arithmetic), which
//! only a JavaScript engine could evaluate, becomes [`JsLiteral::Code`]. An importer that needs
//! such a value warns that it isn't known.

use crate::ImportError;

/// A value in a configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JsLiteral {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<JsLiteral>),
    /// The keys with their values, in the order of the text.
    Object(Vec<(String, JsLiteral)>),
    /// A call `name(…)` or `new name(…)`, with the name and the arguments.
    Call(String, Vec<JsLiteral>),
    /// The text of code that only a JavaScript engine could evaluate.
    Code(String),
}

/// The greatest depth to which values may be nested: a choice, which bounds the recursion.
const MAX_DEPTH: usize = 64;

/// Reads all values in a text. JSON has one value; a script has one for each statement.
pub(crate) fn read(text: &str) -> Result<Vec<JsLiteral>, ImportError> {
    let mut reader = JsLiteralReader { text, at: 0 };
    let mut found = Vec::new();
    loop {
        reader.space();
        if reader.eat(";") {
            continue;
        }
        if reader.at >= text.len() {
            return Ok(found);
        }
        found.push(reader.statement()?);
    }
}

impl JsLiteral {
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(t) => Some(t),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[JsLiteral]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&[(String, JsLiteral)]> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The value of a key in an object. If the key occurs twice, the last value counts. `None` if
    /// the key is missing, or if `self` is no object.
    pub(crate) fn get(&self, key: &str) -> Option<&JsLiteral> {
        let mut pairs = self.as_object()?.iter().rev();
        pairs.find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The value as a text for messages, cut off after 40 characters.
    pub(crate) fn shown(&self) -> String {
        let text = match self {
            Self::Null => "null".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Number(n) => n.to_string(),
            Self::Text(t) => t.clone(),
            Self::List(_) => "[…]".to_owned(),
            Self::Object(_) => "{…}".to_owned(),
            Self::Call(name, _) => format!("{name}(…)"),
            Self::Code(code) => code.clone(),
        };
        crate::shorten(&text)
    }
}

struct JsLiteralReader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> JsLiteralReader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    /// Skips `word` if it comes next in the text and is not part of a longer word. Returns `true`
    /// if it was skipped.
    fn eat_word(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word).map(|r| r.chars().next());
        let found = after.is_some_and(|next| !next.is_some_and(is_name));
        if found {
            self.at += word.len();
        }
        found
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Skips white space and comments.
    fn space(&mut self) {
        loop {
            self.take(|c| c.is_whitespace() || c == '\u{feff}');
            if self.eat("//") {
                self.take(|c| c != '\n');
            } else if self.eat("/*") {
                let end = self.rest().find("*/").map_or(self.rest().len(), |n| n + 2);
                self.at += end;
            } else {
                return;
            }
        }
    }

    fn fail<T>(&self, expected: &str) -> Result<T, ImportError> {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Err(ImportError::Syntax {
            line,
            column,
            expected: expected.to_owned(),
        })
    }

    /// Reads a statement. It is a value, which may have `const name =` before it and calls like
    /// `.addTo(map)` after it.
    fn statement(&mut self) -> Result<JsLiteral, ImportError> {
        for word in ["export", "default", "const", "let", "var"] {
            if self.eat_word(word) {
                self.space();
            }
        }
        let start = self.at;
        let name = self.take(|c| is_name(c) || c == '.');
        self.space();
        if name.is_empty() || self.rest().starts_with("==") || !self.eat("=") {
            self.at = start;
        }
        self.space();
        let start = self.at;
        let mut value = self.value(0)?;
        self.space();
        loop {
            if self.eat(".") || self.eat("?.") {
                let name = self.take(is_name).to_owned();
                self.space();
                if self.rest().starts_with('(') {
                    self.skip_group()?;
                } else if name.is_empty() {
                    return self.fail("a name");
                }
                self.space();
            } else {
                break;
            }
        }
        if !matches!(self.peek(), None | Some(';' | ',' | '\n')) && !self.on_new_line(start) {
            value = self.code_from(start)?;
        }
        self.eat(",");
        Ok(value)
    }

    /// Tests whether the white space directly before the current position contains a line break.
    /// White space before the offset `start` doesn't count.
    fn on_new_line(&self, start: usize) -> bool {
        let before = self.text.get(start..self.at).unwrap_or_default();
        let blanks = before.trim_end();
        before.get(blanks.len()..).is_some_and(|b| b.contains('\n'))
    }

    fn value(&mut self, depth: usize) -> Result<JsLiteral, ImportError> {
        if depth > MAX_DEPTH {
            return self.fail("fewer values inside each other");
        }
        self.space();
        let start = self.at;
        let value = self.primary(depth)?;
        self.space();
        let over = matches!(self.peek(), None | Some(',' | '}' | ']' | ')' | ';'));
        if depth > 0 && !over {
            return self.code_from(start);
        }
        Ok(value)
    }

    fn primary(&mut self, depth: usize) -> Result<JsLiteral, ImportError> {
        match self.peek() {
            None => self.fail("a value"),
            Some('{') => self.object(depth),
            Some('[') => {
                self.at += 1;
                Ok(JsLiteral::List(self.list(']', depth)?))
            }
            Some(quote @ ('"' | '\'' | '`')) => Ok(JsLiteral::Text(self.string(quote)?)),
            Some(c) if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') => self.number(),
            Some(c) if is_name(c) => self.named(depth),
            Some('(') => {
                let start = self.at;
                self.skip_group()?;
                Ok(JsLiteral::Code(self.since(start)))
            }
            Some(_) => self.fail("a value: JSON, or an object as in JavaScript"),
        }
    }

    fn since(&self, start: usize) -> String {
        self.text.get(start..self.at).unwrap_or_default().to_owned()
    }

    fn number(&mut self) -> Result<JsLiteral, ImportError> {
        let start = self.at;
        self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
        let text = self.since(start);
        match text.trim_start_matches('+').parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(JsLiteral::Number(number)),
            _ => Ok(JsLiteral::Code(text)),
        }
    }

    fn string(&mut self, quote: char) -> Result<String, ImportError> {
        self.at += 1;
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((i, c)) = chars.next() {
            if c == quote {
                self.at += i + 1;
                return Ok(out);
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                    let code = u32::from_str_radix(&digits, 16).ok();
                    out.push(code.and_then(char::from_u32).unwrap_or('\u{fffd}'));
                }
                Some(c) => out.push(c),
                None => break,
            }
        }
        self.fail("the end of the text in quotes")
    }

    fn named(&mut self, depth: usize) -> Result<JsLiteral, ImportError> {
        let start = self.at;
        if self.eat_word("new") {
            self.space();
        }
        let name = self.take(|c| is_name(c) || c == '.').to_owned();
        self.space();
        if name == "function" || name == "async" || self.rest().starts_with("=>") {
            return self.code_from(start);
        }
        if self.eat("(") {
            let arguments = self.list(')', depth)?;
            self.space();
            if self.rest().starts_with("=>") || self.rest().starts_with('{') {
                return self.code_from(start);
            }
            return Ok(JsLiteral::Call(name, arguments));
        }
        Ok(match name.as_str() {
            "true" => JsLiteral::Bool(true),
            "false" => JsLiteral::Bool(false),
            "null" | "undefined" => JsLiteral::Null,
            _ => JsLiteral::Code(name),
        })
    }

    fn list(&mut self, end: char, depth: usize) -> Result<Vec<JsLiteral>, ImportError> {
        let mut list = Vec::new();
        loop {
            self.space();
            if self.eat(end.encode_utf8(&mut [0; 4])) {
                return Ok(list);
            }
            if self.eat("...") {
                let start = self.at;
                list.push(self.code_from(start)?);
            } else {
                list.push(self.value(depth + 1)?);
            }
            self.space();
            if !self.eat(",") && self.peek() != Some(end) {
                return self.fail(&format!("a comma or {end}"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<JsLiteral, ImportError> {
        self.at += 1;
        let mut pairs = Vec::new();
        loop {
            self.space();
            if self.eat("}") {
                return Ok(JsLiteral::Object(pairs));
            }
            let start = self.at;
            let key = match self.peek() {
                Some(quote @ ('"' | '\'')) => self.string(quote)?,
                Some(c) if is_name(c) || c == '.' => {
                    self.take(|c| is_name(c) || c == '.').to_owned()
                }
                _ => return self.fail("a key or }"),
            };
            self.space();
            let value = if self.eat(":") {
                self.value(depth + 1)?
            } else {
                // This is a name without a value (`radius`), `...options`, or a method like
                // `getWeight() { … }`.
                self.at = start;
                self.code_from(start)?
            };
            pairs.push((key, value));
            self.space();
            if !self.eat(",") && self.peek() != Some('}') {
                return self.fail("a comma or }");
            }
        }
    }

    /// Reads code: the text from `start` up to the next comma, semicolon or closing bracket that is
    /// not within brackets or quotes.
    fn code_from(&mut self, start: usize) -> Result<JsLiteral, ImportError> {
        self.at = start;
        loop {
            match self.peek() {
                None | Some(',' | ';' | '}' | ']' | ')') => {
                    let code = self.since(start);
                    return Ok(JsLiteral::Code(code.trim().to_owned()));
                }
                Some('{' | '[' | '(') => self.skip_group()?,
                Some(quote @ ('"' | '\'' | '`')) => {
                    self.string(quote)?;
                }
                Some(c) => self.at += c.len_utf8(),
            }
        }
    }

    /// Skips a group in brackets, with all that is inside it.
    fn skip_group(&mut self) -> Result<(), ImportError> {
        let mut depth = 0usize;
        while let Some(c) = self.peek() {
            match c {
                '"' | '\'' | '`' => {
                    self.string(c)?;
                    continue;
                }
                '{' | '[' | '(' => depth += 1,
                '}' | ']' | ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += c.len_utf8();
            if depth == 0 {
                return Ok(());
            }
        }
        self.fail("the end of what stands in brackets")
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '@' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> JsLiteral {
        let mut all = read(text).unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn json_and_javascript_are_the_same() {
        let json =
            one(r#"{"radius": 40, "gradient": {".25": "blue", "1": "red"}, "a": [1, true, null]}"#);
        let script = one(
            "const options = { // mine\n radius: 40., gradient: {.25: 'blue', 1: \"red\",}, \
             /* x */ a: [1, true, undefined], };",
        );
        assert_eq!(json, script);
        assert_eq!(json.get("radius"), Some(&JsLiteral::Number(40.0)));
    }

    #[test]
    fn calls_keep_their_arguments() {
        let call = one("L.heatLayer([[50.5, 30.5, .2]], {radius: 25}).addTo(map);");
        let JsLiteral::Call(name, arguments) = call else {
            panic!("a call");
        };
        assert_eq!((name.as_str(), arguments.len()), ("L.heatLayer", 2));
        let two = read("var a = new HeatCanvas('x')\na.push(1, 2, 3)\n").unwrap();
        assert_eq!(two.len(), 2, "{two:?}");
        assert_eq!(
            two[1],
            JsLiteral::Call(
                "a.push".into(),
                vec![1.0, 2.0, 3.0]
                    .into_iter()
                    .map(JsLiteral::Number)
                    .collect()
            )
        );
    }

    #[test]
    fn what_needs_an_engine_is_kept_as_code() {
        let found = one(
            "{getWeight: d => d.mag * 2, f(x) { return x; }, r: 2 * 3, el: document.getElementById('a').x, ok: 1}",
        );
        assert_eq!(
            found.get("getWeight"),
            Some(&JsLiteral::Code("d => d.mag * 2".into()))
        );
        assert_eq!(found.get("r"), Some(&JsLiteral::Code("2 * 3".into())));
        assert!(matches!(found.get("el"), Some(JsLiteral::Code(_))));
        assert_eq!(found.get("ok"), Some(&JsLiteral::Number(1.0)));
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, place) in [
            ("{\n  radius: }", "line 2, column 11"),
            ("[1, 2", "line 1, column 6"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(place), "{message}");
        }
        assert!(read(&"[".repeat(1000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,80}|[\\[\\]{}(),:;'\"a-z0-9.=> -]{0,80}") {
            let _ = read(&text);
        }
    }
}
