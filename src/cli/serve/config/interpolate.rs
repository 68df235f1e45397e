//! Environment variables in the texts of a configuration file: `${NAME}`, or with a default
//! `${NAME:-otherwise}`.

use std::fmt::Write as _;

/// A text in which environment variables were replaced by their values. `has_variables` is true if
/// there were any.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InterpolatedText {
    pub(super) text: String,
    pub(super) has_variables: bool,
}

/// Replaces each variable in `raw` by its value, which the function `variable` returns. `$${`
/// stands for the characters `${`. The value of a variable that is the user or the password of an
/// address is percent-encoded.
///
/// # Errors
/// A message if a variable is not set and has no default, has an illegal name, or lacks its closing
/// brace.
pub(super) fn interpolate(
    raw: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<InterpolatedText, String> {
    let mut text = String::with_capacity(raw.len());
    let mut has_variables = false;
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            text.push_str(before);
            text.push_str("${");
            rest = after;
            continue;
        }
        text.push_str(before);
        let (inside, after) = after
            .split_once('}')
            .ok_or("`${` without its `}`; write `$${` for the characters themselves")?;
        let (name, otherwise) = match inside.split_once(":-") {
            Some((name, otherwise)) => (name, Some(otherwise)),
            None => (inside, None),
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(legal) {
            return Err(format!(
                "`${{{inside}}}`: expected the name of a variable, like ${{DATABASE_URL}}"
            ));
        }
        let value = match (variable(name), otherwise) {
            (Some(value), None) => value,
            (Some(value), Some(_)) if !value.is_empty() => value,
            (_, Some(otherwise)) => otherwise.to_owned(),
            (None, None) => {
                return Err(format!(
                    "the environment has no {name}; set it, or write ${{{name}:-otherwise}}"
                ));
            }
        };
        if in_credentials(&text, after) {
            text.push_str(&percent_encoded(&value));
        } else {
            text.push_str(&value);
        }
        has_variables = true;
        rest = after;
    }
    text.push_str(rest);
    Ok(InterpolatedText {
        text,
        has_variables,
    })
}

/// Escapes a text, so that [`interpolate`] gives the original text back.
pub(super) fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

/// Tests whether a value is the user or the password of an address. The value stands between the
/// texts `before` and `after`.
fn in_credentials(before: &str, after: &str) -> bool {
    let user = before.rsplit_once("://").map(|(_, user)| user);
    let end = after.find(['/', '?', ' ']).unwrap_or(after.len());
    user.is_some_and(|user| !user.contains(['@', '/']))
        && after.get(..end).is_some_and(|user| user.contains('@'))
}

fn percent_encoded(value: &str) -> String {
    let mut escaped = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("db:5433".to_owned()),
            "PASSWORD" => Some("p@ss/w rd".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_put_in() {
        for (raw, text) in [
            ("plain $HOST $$ {x}", "plain $HOST $$ {x}"),
            ("${HOST}", "db:5433"),
            ("a${HOST}b${EMPTY}c", "adb:5433bc"),
            ("${NONE:-x:-y}", "x:-y"),
            ("${EMPTY:-x}${HOST:-x}${NONE:-}", "xdb:5433"),
            ("$${HOST}", "${HOST}"),
            (
                "postgres://ann:${PASSWORD}@${HOST}/gis?a=${HOST}",
                "postgres://ann:p%40ss%2Fw%20rd@db:5433/gis?a=db:5433",
            ),
        ] {
            assert_eq!(interpolate(raw, environment).unwrap().text, text, "{raw}");
        }
        assert_eq!(
            interpolate(&escape("a${HOST}$"), environment).unwrap().text,
            "a${HOST}$"
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (raw, hint) in [
            ("${NONE}", "no NONE"),
            ("${HOST", "}"),
            ("${}", "name"),
            ("${A B}", "name"),
        ] {
            let error = interpolate(raw, environment).unwrap_err();
            assert!(error.contains(hint), "{error}");
        }
    }
}
