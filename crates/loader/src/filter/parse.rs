//! The parser of filters.

use super::Tree;
use super::condition::{CompareOp, Condition};
use super::list::LiteralList;
use super::literal::Literal;
use crate::messages::shown;
use crate::number::exact::{Number, is_too_long};
use std::iter::Peekable;
use std::vec::IntoIter;

/// The most bytes that a filter may have: a choice.
const LONGEST: usize = 4096;
/// The greatest depth to which conditions may be nested: a choice.
const DEPTH: usize = 16;
/// The most comparisons and values that a filter may have, counted together: a choice.
const MOST: usize = 256;

/// The reason why a text can't be parsed as a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{message}; a filter is like: kind = 'theft' and (n between 2 and 9 or time >= 2010-03-01)"
)]
pub struct FilterError {
    message: String,
}

fn error(message: impl Into<String>) -> FilterError {
    FilterError {
        message: message.into(),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum FilterToken {
    /// A word without quotes: a column's name or a keyword.
    Word(String),
    /// A column's name in double quotes.
    Name(String),
    Literal(Literal),
    CompareOp(CompareOp),
    Open,
    Close,
    Comma,
}

impl FilterToken {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }

    fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Name(text) => shown(text.as_bytes()),
            Self::Literal(literal) => literal.to_string(),
            Self::CompareOp(other) => format!("{other:?}"),
            Self::Open => "(".to_owned(),
            Self::Close => ")".to_owned(),
            Self::Comma => ",".to_owned(),
        }
    }
}

/// Parses the text of a filter. Returns the condition as a tree, and the names of the columns in
/// it, each once.
pub(super) fn parse(text: &str) -> Result<(Tree, Vec<String>), FilterError> {
    if text.len() > LONGEST {
        return Err(error(format!("longer than {LONGEST} bytes")));
    }
    let mut parser = FilterParser {
        tokens: tokens(text)?.into_iter().peekable(),
        columns: Vec::new(),
        left: MOST,
    };
    let tree = parser.or_expr(DEPTH)?;
    match parser.tokens.next() {
        None => Ok((tree, parser.columns)),
        Some(token) => Err(error(format!("unexpected {}", token.shown()))),
    }
}

fn tokens(text: &str) -> Result<Vec<FilterToken>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = match first {
            '(' => (FilterToken::Open, rest.split_at(1).1),
            ')' => (FilterToken::Close, rest.split_at(1).1),
            ',' => (FilterToken::Comma, rest.split_at(1).1),
            '\'' => {
                let (inner, behind) = quoted(rest, '\'')?;
                (FilterToken::Literal(Literal::quoted(&inner)), behind)
            }
            '"' => {
                let (inner, behind) = quoted(rest, '"')?;
                (FilterToken::Name(inner), behind)
            }
            '=' | '<' | '>' | '!' => comparison(rest)?,
            _ => word(rest)?,
        };
        tokens.push(token);
        rest = behind.trim_start();
    }
    Ok(tokens)
}

/// Splits `text`, which begins with a quote, into the text in quotes and the rest after them. A
/// doubled quote stands for one quote.
fn quoted(text: &str, quote: char) -> Result<(String, &str), FilterError> {
    let mut inner = String::new();
    let mut rest = text.split_at(1).1;
    while let Some((plain, behind)) = rest.split_once(quote) {
        inner.push_str(plain);
        match behind.strip_prefix(quote) {
            Some(more) => {
                inner.push(quote);
                rest = more;
            }
            None => return Ok((inner, behind)),
        }
    }
    Err(error(format!("a quote {quote} is not closed")))
}

fn comparison(text: &str) -> Result<(FilterToken, &str), FilterError> {
    let known = [
        ("<=", CompareOp::LessOrEqual),
        (">=", CompareOp::GreaterOrEqual),
        ("<>", CompareOp::Unequal),
        ("!=", CompareOp::Unequal),
        ("==", CompareOp::Equal),
        ("=", CompareOp::Equal),
        ("<", CompareOp::Less),
        (">", CompareOp::Greater),
    ];
    known
        .iter()
        .find_map(|(sign, comparison)| {
            let behind = text.strip_prefix(sign)?;
            Some((FilterToken::CompareOp(*comparison), behind))
        })
        .ok_or_else(|| error("unexpected !"))
}

/// Splits `text` into its first token, which has no quotes, and the rest after it. The token is a
/// column's name, a number, a date, a Boolean or a keyword.
fn word(text: &str) -> Result<(FilterToken, &str), FilterError> {
    let ends = |c: char| c.is_whitespace() || "()',\"=<>!".contains(c);
    let (word, behind) = text.split_at(text.find(ends).unwrap_or(text.len()));
    let token = if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") {
        FilterToken::Literal(Literal::Bool(word.eq_ignore_ascii_case("true")))
    } else if let Some(number) = Number::parse(word.as_bytes()) {
        if is_too_long(word.as_bytes()) {
            let word = shown(word.as_bytes());
            return Err(error(format!(
                "{word} has too many digits: whole numbers are compared up to 38"
            )));
        }
        FilterToken::Literal(Literal::Number(number))
    } else if word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
        let date = Literal::date(word).ok_or_else(|| {
            error(format!(
                "{} is neither a number nor a date, which is written like 2010-03-01 or \
                 '2010-03-01 12:30'",
                shown(word.as_bytes())
            ))
        })?;
        FilterToken::Literal(date)
    } else if word
        .chars()
        .all(|c| c.is_alphanumeric() || "_.-:$".contains(c))
    {
        FilterToken::Word(word.to_owned())
    } else {
        let word = shown(word.as_bytes());
        return Err(error(format!("{word} is no name; put it in double quotes")));
    };
    Ok((token, behind))
}

struct FilterParser {
    tokens: Peekable<IntoIter<FilterToken>>,
    columns: Vec<String>,
    /// The number of comparisons and values, counted together, that the rest of the filter may
    /// have.
    left: usize,
}

impl FilterParser {
    fn skip(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| token.is(word)).is_some()
    }

    fn count(&mut self) -> Result<(), FilterError> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| error(format!("more than {MOST} comparisons and values")))?;
        Ok(())
    }

    fn or_expr(&mut self, depth: usize) -> Result<Tree, FilterError> {
        let first = self.and_expr(depth)?;
        let mut any = vec![first];
        while self.skip("or") {
            any.push(self.and_expr(depth)?);
        }
        Ok(if any.len() > 1 {
            Tree::Or(any)
        } else {
            any.swap_remove(0)
        })
    }

    fn and_expr(&mut self, depth: usize) -> Result<Tree, FilterError> {
        let first = self.unary_expr(depth)?;
        let mut all = vec![first];
        while self.skip("and") {
            all.push(self.unary_expr(depth)?);
        }
        Ok(if all.len() > 1 {
            Tree::And(all)
        } else {
            all.swap_remove(0)
        })
    }

    fn unary_expr(&mut self, depth: usize) -> Result<Tree, FilterError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(error(format!(
                "conditions are nested more than {DEPTH} deep"
            )));
        };
        if self.skip("not") {
            return Ok(Tree::Not(Box::new(self.unary_expr(depth)?)));
        }
        if self.tokens.next_if_eq(&FilterToken::Open).is_some() {
            let inner = self.or_expr(depth)?;
            return self.expect(&FilterToken::Close).map(|()| inner);
        }
        self.count()?;
        let column = self.column()?;
        if self.skip("is") {
            let not = self.skip("not");
            if !self.skip("null") {
                return Err(error("expected null after is"));
            }
            return Ok(negated(Tree::Of(column, Condition::IsNull), not));
        }
        let not = self.skip("not");
        if self.skip("in") {
            return Ok(negated(
                Tree::Of(column, Condition::In(LiteralList::new(self.list()?))),
                not,
            ));
        }
        if self.skip("between") {
            let low = self.compare(column, CompareOp::GreaterOrEqual)?;
            if !self.skip("and") {
                return Err(error("expected and after the first value of between"));
            }
            let high = self.compare(column, CompareOp::LessOrEqual)?;
            return Ok(negated(Tree::And(vec![low, high]), not));
        }
        match self.tokens.next() {
            Some(FilterToken::CompareOp(comparison)) if !not => self.compare(column, comparison),
            _ => Err(error(
                "after a column is expected: = <> < <= > >= in between is",
            )),
        }
    }

    fn compare(&mut self, column: usize, by: CompareOp) -> Result<Tree, FilterError> {
        Ok(Tree::Of(column, Condition::Compare(by, self.literal()?)))
    }

    fn column(&mut self) -> Result<usize, FilterError> {
        let name = match self.tokens.next() {
            Some(FilterToken::Word(name) | FilterToken::Name(name)) => name,
            Some(other) => return Err(error(format!("expected a column, not {}", other.shown()))),
            None => return Err(error("it ends where a column is expected")),
        };
        Ok(match self.columns.iter().position(|known| *known == name) {
            Some(at) => at,
            None => {
                self.columns.push(name);
                self.columns.len() - 1
            }
        })
    }

    fn list(&mut self) -> Result<Vec<Literal>, FilterError> {
        self.expect(&FilterToken::Open)?;
        let mut all = vec![self.literal()?];
        while self.tokens.next_if_eq(&FilterToken::Comma).is_some() {
            all.push(self.literal()?);
        }
        self.expect(&FilterToken::Close)?;
        Ok(all)
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        self.count()?;
        match self.tokens.next() {
            Some(FilterToken::Literal(literal)) => Ok(literal),
            Some(FilterToken::Word(word)) => {
                let word = shown(word.as_bytes());
                Err(error(format!(
                    "expected a value, not {word}; texts are in single quotes"
                )))
            }
            Some(other) => Err(error(format!("expected a value, not {}", other.shown()))),
            None => Err(error("it ends where a value is expected")),
        }
    }

    fn expect(&mut self, token: &FilterToken) -> Result<(), FilterError> {
        match self.tokens.next_if_eq(token) {
            Some(_) => Ok(()),
            None => Err(error(format!("expected {}", token.shown()))),
        }
    }
}

fn negated(tree: Tree, not: bool) -> Tree {
    if not { Tree::Not(Box::new(tree)) } else { tree }
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use proptest::prelude::*;

    #[test]
    fn what_is_wrong_is_said() {
        for (filter, says) in [
            ("", "it ends where a column is expected"),
            ("a", "after a column is expected"),
            ("a =", "it ends where a value is expected"),
            ("a = b", "texts are in single quotes"),
            ("a = 'b", "not closed"),
            ("a = 1 b = 2", "unexpected \"b\""),
            ("(a = 1", "expected )"),
            ("a in 1", "expected ("),
            ("a in ()", "expected a value"),
            ("a between 1 or 2", "expected and"),
            ("a is 5", "expected null"),
            ("a ! 5", "unexpected !"),
            ("a = 2010-13-45", "neither a number nor a date"),
            ("a = 06/15/2024", "a date, which is written like 2010-03-01"),
            ("5 = a", "expected a column"),
            ("a;drop = 1", "double quotes"),
            ("a not = 1", "after a column"),
            (
                "a = 170141183460469231731687303715884105728",
                "has too many digits",
            ),
            ("a < -999999999999999999999999999999999999999.0", "up to 38"),
        ] {
            let message = filter.parse::<Filter>().unwrap_err().to_string();
            assert!(message.contains(says), "{filter}: {message}");
        }
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let deep = format!("{}a = 1{}", "(".repeat(200), ")".repeat(200));
        let nots = format!("{}a = 1", "not ".repeat(900));
        let many = vec!["a = 1"; 300].join(" or ");
        let long = format!("a = '{}'", "x".repeat(5000));
        for (filter, says) in [
            (deep, "deep"),
            (nots, "deep"),
            (many, "more than"),
            (long, "longer"),
        ] {
            let message = filter.parse::<Filter>().unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_text_does_harm(text in "[a-z0-9 ()'\"=<>!,.\\-]{0,80}") {
            let _ = text.parse::<Filter>();
        }

        #[test]
        fn nor_any_other(text: String) {
            let _ = text.parse::<Filter>();
        }
    }
}
