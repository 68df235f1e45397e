//! Lexer of SQL queries: finds tokens like `!bbox!` by SQL's rules for strings, names and
//! comments.

use super::template::{Template, TemplatePiece, Token, definition};
use crate::error::DatabaseError;

/// A lexer of SQL text: its position in the text, and the pieces (tokens, and the texts between
/// them) into which the text before this position was split.
pub(super) struct Lexer<'a> {
    sql: &'a str,
    at: usize,
    /// The offset, in bytes of the text, at which the last piece ends. The text from here to the
    /// lexer's position `at` is in no piece yet.
    from: usize,
    pieces: Vec<TemplatePiece>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Self {
            sql,
            at: 0,
            from: 0,
            pieces: Vec::new(),
        }
    }

    fn rest(&self) -> &'a str {
        self.sql.get(self.at..).unwrap_or("")
    }

    pub(super) fn run(mut self) -> Result<Template, DatabaseError> {
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\'' => self.string()?,
                '"' => self.skip_past("\"", 1, "a name in double quotes")?,
                '-' if self.rest().starts_with("--") => self.line(),
                '/' if self.rest().starts_with("/*") => self.comment()?,
                '$' if !self.after_a_word() => self.dollar()?,
                '!' => self.token(false)?,
                _ => self.at += c.len_utf8(),
            }
        }
        self.flush();
        Ok(Template {
            pieces: self.pieces,
        })
    }

    fn flush(&mut self) {
        if let Some(text) = self.sql.get(self.from..self.at).filter(|t| !t.is_empty()) {
            self.pieces.push(TemplatePiece::Text(text.to_owned()));
        }
        self.from = self.at;
    }

    /// Returns true if a name or number ends directly before the current position. A `$` there is a
    /// part of the name and doesn't begin a string.
    fn after_a_word(&self) -> bool {
        let before = self.sql.get(..self.at).unwrap_or("").chars().next_back();
        before.is_some_and(is_word)
    }

    fn skip_past(&mut self, end: &str, from: usize, what: &str) -> Result<(), DatabaseError> {
        let found = self.rest().get(from..).and_then(|rest| rest.find(end));
        let Some(found) = found else {
            return Err(definition(&format!("{what} is never closed")));
        };
        self.at += from + found + end.len();
        Ok(())
    }

    fn line(&mut self) {
        self.at += self.rest().find(['\n', '\r']).unwrap_or(self.rest().len());
    }

    /// Skips a comment between `/*` and `*/`. Other comments may be nested in it.
    fn comment(&mut self) -> Result<(), DatabaseError> {
        let mut depth = 0usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else if let Some(c) = rest.chars().next() {
                self.at += c.len_utf8();
            } else {
                return Err(definition("a comment is never closed"));
            }
        }
    }

    /// Skips a string in single quotes and finds the tokens in it. In a string that begins with
    /// `E'`, a backslash escapes the next character.
    fn string(&mut self) -> Result<(), DatabaseError> {
        let before = self.sql.get(..self.at).unwrap_or("");
        let mut back = before.chars().rev();
        let escapes = matches!(back.next(), Some('e' | 'E')) && !back.next().is_some_and(is_word);
        self.at += 1;
        loop {
            let mut chars = self.rest().chars();
            match chars.next() {
                None => return Err(definition("a string is never closed")),
                Some('\\') if escapes => {
                    self.at += 1 + chars.next().map_or(0, char::len_utf8);
                }
                // Two quotes in a row within a string stand for one quote and don't end the string.
                Some('\'') => {
                    self.at += 1;
                    if !self.rest().starts_with('\'') {
                        return Ok(());
                    }
                    self.at += 1;
                }
                Some('!') => self.token(true)?,
                Some(c) => self.at += c.len_utf8(),
            }
        }
    }

    /// Skips a string of the form `$$ … $$` or `$tag$ … $tag$`. A parameter like `$1` is an error,
    /// since there would be no value for it. Any other `$` is skipped.
    fn dollar(&mut self) -> Result<(), DatabaseError> {
        let rest = self.rest().get(1..).unwrap_or("");
        let tag = rest
            .find(|c: char| !is_word(c))
            .map(|end| rest.split_at(end));
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(definition(
                "the query has a parameter like $1, which nobody would set",
            ));
        }
        match tag {
            Some((tag, after)) if after.starts_with('$') => {
                let quote = format!("${tag}$");
                self.skip_past(&quote, quote.len(), "a string in dollar quotes")
            }
            _ => {
                self.at += 1;
                Ok(())
            }
        }
    }

    /// Reads a token `!name!`. An exclamation mark without such a name after it is an operator, and
    /// is skipped.
    fn token(&mut self, in_string: bool) -> Result<(), DatabaseError> {
        let rest = self.rest().get(1..).unwrap_or("");
        let end = rest.find(|c: char| !is_word(c) && c != '@');
        let Some((name, _)) = end
            .map(|end| rest.split_at(end))
            .filter(|(name, after)| !name.is_empty() && after.starts_with('!'))
        else {
            self.at += 1;
            return Ok(());
        };
        match Token::named(name) {
            Some(token) => {
                self.flush();
                self.at += name.len() + 2;
                self.from = self.at;
                self.pieces.push(if in_string {
                    TemplatePiece::Spliced(token)
                } else {
                    TemplatePiece::Token(token)
                });
                Ok(())
            }
            // Text between two exclamation marks in a string may be ordinary text.
            None if in_string => {
                self.at += 1;
                Ok(())
            }
            None if name.starts_with('@') => Err(definition(&format!(
                "the query has a variable of Mapnik's, {}: requests hand nothing on to the \
                 database, so write its value in the query",
                crate::messages::shown(name.as_bytes())
            ))),
            None if name.eq_ignore_ascii_case("id_field") => Err(definition(
                "the query has Tegola's !id_field!: a heat map's points need no ids, so leave it \
                 out, or write the column's name",
            )),
            None => {
                let legal = Token::ALL.map(|(name, _)| format!("!{name}!")).join(", ");
                let name = crate::messages::shown(name.as_bytes());
                Err(definition(&format!(
                    "the query has an unknown token {name}; there are {legal}"
                )))
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
