//! Secrets that must not be written into files: passwords in addresses of databases, and the keys
//! of layers.

use super::error::ConfigError;
use super::interpolate::interpolate;
use super::raw::ConfigSection;

/// The environment variable that a saved configuration file has in place of a password.
pub(crate) const VARIABLE: &str = "${PGPASSWORD}";

/// The environment variable that a saved configuration file has in place of a layer's first secret
/// key. The names of the variables of further keys end in a number.
pub(crate) const KEY_VARIABLE: &str = "${HEATSPLAT_KEY}";

/// Splits a database's address before and after its password: `postgres://ann:s3c@host/db` becomes
/// `postgres://ann`, `s3c` and `@host/db`. The middle part is `None` if there is a user without a
/// password. The result is `None` if the address has no user.
fn parts(url: &str) -> Option<(&str, Option<&str>, &str)> {
    let start = url.find("://")? + 3;
    let (scheme, rest) = url.split_at_checked(start)?;
    let before = rest.split_once('?').map_or(rest, |(before, _)| before);
    // A password may contain the characters @, / and ? unescaped. So user and password end at the
    // last @ before the first question mark. If there is no such @, they end at the first @ of the
    // address, but only if a colon comes before it.
    let with_password = |at: &usize| rest.get(..*at).is_some_and(|user| user.contains(':'));
    let at = before.rfind('@').or(rest.find('@').filter(with_password))?;
    let (user, after) = rest.split_at_checked(at)?;
    match user.split_once(':') {
        Some((name, password)) => {
            let before = url.get(..scheme.len() + name.len())?;
            Some((before, Some(password), after))
        }
        None => Some((url.get(..scheme.len() + user.len())?, None, after)),
    }
}

/// Returns an error if the key `url` of a section has a password in plain text instead of an
/// environment variable.
pub(super) fn check_url(source: &ConfigSection) -> Result<(), ConfigError> {
    let entry = source.get("url").filter(|entry| entry.line.is_some());
    match entry {
        Some(entry) if has_plain_password(&entry.shown()) => Err(ConfigError::new(
            entry.line,
            "url: a password has no place in this file; put it into the environment and write \
             postgres://user:${PGPASSWORD}@host/database",
        )),
        _ => Ok(()),
    }
}

/// Tests whether an address, as the configuration file has it, contains a password in plain text
/// instead of an environment variable.
fn has_plain_password(raw: &str) -> bool {
    // Variables are replaced by an empty text, so that a password made of variables alone is empty
    // here.
    let Ok(filled) = interpolate(raw, |_| Some(String::new())) else {
        return false;
    };
    let in_user = parts(&filled.text).and_then(|(_, password, _)| password);
    let mut in_query = filled.text.split(['?', '&']);
    in_user.is_some_and(|password| !password.is_empty())
        || in_query.any(|pair| pair.len() > 9 && pair.starts_with("password="))
}

/// Replaces the password in a database's address by [`VARIABLE`]. The password may stand behind the
/// user or be the parameter `password`.
pub(crate) fn without_password(url: &str) -> String {
    let known = query(url).any(|pair| pair.starts_with("password="));
    let kept: Vec<_> = query(url)
        .filter(|pair| !pair.starts_with("password="))
        .collect();
    let base = url.get(..url.len() - question(url).len()).unwrap_or(url);
    let base = match parts(base) {
        Some((before, Some(_), after)) => format!("{before}:{VARIABLE}{after}"),
        Some((before, None, after)) if known => format!("{before}:{VARIABLE}{after}"),
        None if known => base.replacen("://", &format!("://:{VARIABLE}@"), 1),
        _ => base.to_owned(),
    };
    if kept.is_empty() {
        base
    } else {
        format!("{base}?{}", kept.join("&"))
    }
}

fn query(url: &str) -> impl Iterator<Item = &str> {
    let query = question(url).strip_prefix('?').unwrap_or_default();
    query.split('&').filter(|pair| !pair.is_empty())
}

/// The query string of an address with its question mark; an empty text if there is none.
fn question(url: &str) -> &str {
    let after = parts(url).map_or(url, |(_, _, after)| after);
    after.find('?').and_then(|at| after.get(at..)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_becomes_a_variable() {
        for (url, kept) in [
            ("postgres://db/gis", "postgres://db/gis"),
            ("postgres://ann@db/gis?a=1", "postgres://ann@db/gis?a=1"),
            (
                "postgres://ann:s3c@db/gis?a=1",
                "postgres://ann:${PGPASSWORD}@db/gis?a=1",
            ),
            (
                "postgres://ann:s@3c:x@db",
                "postgres://ann:${PGPASSWORD}@db",
            ),
            (
                "postgres://ann@db/gis?password=s3c&a=1",
                "postgres://ann:${PGPASSWORD}@db/gis?a=1",
            ),
            (
                "postgres://db/gis?password=s3c",
                "postgres://:${PGPASSWORD}@db/gis",
            ),
            ("postgres:///gis?user=ann", "postgres:///gis?user=ann"),
            (
                "postgres://ann:s/3c@db/gis?a=1",
                "postgres://ann:${PGPASSWORD}@db/gis?a=1",
            ),
            (
                "postgres://ann:s?3c@db/gis?a=1",
                "postgres://ann:${PGPASSWORD}@db/gis?a=1",
            ),
            (
                "postgres://db/gis?user=a@b&password=s3c",
                "postgres://:${PGPASSWORD}@db/gis?user=a@b",
            ),
        ] {
            assert_eq!(without_password(url), kept);
            assert!(!has_plain_password(&without_password(url)), "{url}");
            assert_eq!(has_plain_password(url), url.contains("3c"), "{url}");
        }
        assert!(!has_plain_password("${DATABASE_URL}"));
        assert!(has_plain_password("postgres://ann:s3c${X}@${HOST}/gis"));
    }
}
