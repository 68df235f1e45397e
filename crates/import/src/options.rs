//! A reader of the options in a script. It also finds the keys that no importer has read.

use crate::ImportError;
use crate::builder::StyleBuilder;
use crate::js_literal::JsLiteral;

/// The options in a JavaScript object, and the names of those that an importer has read. The others
/// are reported at the end.
pub(crate) struct OptionReader<'a> {
    pairs: &'a [(String, JsLiteral)],
    read: Vec<&'a str>,
}

impl<'a> OptionReader<'a> {
    /// Makes a reader of the options in an object. If the value is no object, there are no options.
    pub(crate) fn of(object: &'a JsLiteral) -> Self {
        Self {
            pairs: object.as_object().unwrap_or_default(),
            read: Vec::new(),
        }
    }

    /// The value of an option; `None` if the option is missing or its value is null. If the option
    /// occurs twice, the last value counts.
    pub(crate) fn get(&mut self, name: &str) -> Option<&'a JsLiteral> {
        let pairs = self.pairs;
        let (key, value) = pairs.iter().rev().find(|(key, _)| key == name)?;
        self.read.push(key);
        (*value != JsLiteral::Null).then_some(value)
    }

    /// The value of an option that must be a number; `None` if the option is missing. Code that
    /// only JavaScript could evaluate counts as missing, and gives a warning.
    pub(crate) fn number(
        &mut self,
        name: &str,
        builder: &mut StyleBuilder,
    ) -> Result<Option<f64>, ImportError> {
        match self.get(name) {
            None => Ok(None),
            Some(JsLiteral::Number(n)) => Ok(Some(*n)),
            Some(JsLiteral::Text(t)) if t.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
                Ok(t.trim().parse().ok())
            }
            Some(code @ (JsLiteral::Code(_) | JsLiteral::Call(..))) => {
                builder.warn(format!(
                    "{name} is code, `{}`: the default is taken",
                    code.shown()
                ));
                Ok(None)
            }
            Some(other) => builder.refuse(name, &other.shown(), "expected a number"),
        }
    }

    /// The value of an option that must be a number above 0; `None` if the option is missing.
    pub(crate) fn positive(
        &mut self,
        name: &str,
        builder: &mut StyleBuilder,
    ) -> Result<Option<f64>, ImportError> {
        match self.number(name, builder)? {
            Some(n) if n <= 0.0 => {
                builder.refuse(name, &n.to_string(), "expected a number above 0")
            }
            number => Ok(number),
        }
    }

    /// The value of an option that must be a number from 0 to 1; `None` if the option is missing.
    pub(crate) fn share(
        &mut self,
        name: &str,
        builder: &mut StyleBuilder,
    ) -> Result<Option<f64>, ImportError> {
        match self.number(name, builder)? {
            Some(n) if !(0.0..=1.0).contains(&n) => {
                builder.refuse(name, &n.to_string(), "expected 0 to 1")
            }
            number => Ok(number),
        }
    }

    /// The value of an option that must be a text; `None` if the option is missing.
    pub(crate) fn text(
        &mut self,
        name: &str,
        builder: &mut StyleBuilder,
    ) -> Result<Option<&'a str>, ImportError> {
        match self.get(name) {
            None => Ok(None),
            Some(JsLiteral::Text(text)) => Ok(Some(text)),
            Some(other) => builder.refuse(name, &other.shown(), "expected a text"),
        }
    }

    /// The value of an option that must be `true` or `false`; `None` if the option is missing.
    pub(crate) fn flag(
        &mut self,
        name: &str,
        builder: &mut StyleBuilder,
    ) -> Result<Option<bool>, ImportError> {
        match self.get(name) {
            None => Ok(None),
            Some(JsLiteral::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => builder.refuse(name, &other.shown(), "expected true or false"),
        }
    }

    /// Marks options as read, so that no warning is given for them, because they don't change the
    /// picture.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        let known = self.pairs.iter().map(|(key, _)| key.as_str());
        self.read.extend(known.filter(|key| names.contains(key)));
    }

    /// Adds a warning to the builder for each option that has not been read.
    pub(crate) fn finish(self, builder: &mut StyleBuilder) {
        for (key, _) in self.pairs {
            if !self.read.contains(&key.as_str()) {
                builder.warn(format!(
                    "`{}` is not known and left out",
                    crate::shorten(key)
                ));
            }
        }
    }
}
