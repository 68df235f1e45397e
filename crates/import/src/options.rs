//! The options of a script's layer: read one by one, and what nobody read is named.

use crate::ImportError;
use crate::builder::Draft;
use crate::js_literal::Literal;

/// An object's keys and values, of which it is known which were read.
pub(crate) struct Options<'a> {
    pairs: &'a [(String, Literal)],
    read: Vec<&'a str>,
}

impl<'a> Options<'a> {
    /// The options of an object; none of anything else.
    pub(crate) fn of(object: &'a Literal) -> Self {
        Self {
            pairs: object.as_object().unwrap_or_default(),
            read: Vec::new(),
        }
    }

    /// The value of a key, unless it is missing or null; of two the later.
    pub(crate) fn get(&mut self, name: &str) -> Option<&'a Literal> {
        let pairs = self.pairs;
        let (key, value) = pairs.iter().rev().find(|(key, _)| key == name)?;
        self.read.push(key);
        (*value != Literal::Null).then_some(value)
    }

    /// A number. What only a script could tell is left out, with a warning.
    pub(crate) fn number(
        &mut self,
        name: &str,
        draft: &mut Draft,
    ) -> Result<Option<f64>, ImportError> {
        match self.get(name) {
            None => Ok(None),
            Some(Literal::Number(n)) => Ok(Some(*n)),
            Some(Literal::Text(t)) if t.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
                Ok(t.trim().parse().ok())
            }
            Some(code @ (Literal::Code(_) | Literal::Call(..))) => {
                draft.warn(format!(
                    "{name} is code, `{}`: the default is taken",
                    code.shown()
                ));
                Ok(None)
            }
            Some(other) => draft.refuse(name, &other.shown(), "expected a number"),
        }
    }

    /// A number that must be above 0.
    pub(crate) fn positive(
        &mut self,
        name: &str,
        draft: &mut Draft,
    ) -> Result<Option<f64>, ImportError> {
        match self.number(name, draft)? {
            Some(n) if n <= 0.0 => draft.refuse(name, &n.to_string(), "expected a number above 0"),
            number => Ok(number),
        }
    }

    /// A share, 0 to 1.
    pub(crate) fn share(
        &mut self,
        name: &str,
        draft: &mut Draft,
    ) -> Result<Option<f64>, ImportError> {
        match self.number(name, draft)? {
            Some(n) if !(0.0..=1.0).contains(&n) => {
                draft.refuse(name, &n.to_string(), "expected 0 to 1")
            }
            number => Ok(number),
        }
    }

    /// A text.
    pub(crate) fn text(
        &mut self,
        name: &str,
        draft: &mut Draft,
    ) -> Result<Option<&'a str>, ImportError> {
        match self.get(name) {
            None => Ok(None),
            Some(Literal::Text(text)) => Ok(Some(text)),
            Some(other) => draft.refuse(name, &other.shown(), "expected a text"),
        }
    }

    /// true or false.
    pub(crate) fn flag(
        &mut self,
        name: &str,
        draft: &mut Draft,
    ) -> Result<Option<bool>, ImportError> {
        match self.get(name) {
            None => Ok(None),
            Some(Literal::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => draft.refuse(name, &other.shown(), "expected true or false"),
        }
    }

    /// Takes note of keys that have no meaning for the picture.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        let known = self.pairs.iter().map(|(key, _)| key.as_str());
        self.read.extend(known.filter(|key| names.contains(key)));
    }

    /// Names the keys that nobody has read.
    pub(crate) fn finish(self, draft: &mut Draft) {
        for (key, _) in self.pairs {
            if !self.read.contains(&key.as_str()) {
                draft.warn(format!(
                    "`{}` is not known and left out",
                    crate::shorten(key)
                ));
            }
        }
    }
}
