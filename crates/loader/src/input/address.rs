//! Addresses (URLs) in place of paths, and the part of an address that may appear in messages.

/// Returns true if a source is read over the network, because it begins with `http://`, `https://`
/// or `s3://`.
///
/// The function `open` can read such sources if this crate is built with its feature `remote`.
pub fn is_remote(source: &str) -> bool {
    scheme(source).is_some()
}

/// An address in the form in which it may appear in messages: without user and password, and
/// without the query, which may contain a signature. The text of any other source is returned
/// unchanged.
pub fn shown_source(source: &str) -> String {
    let Some((scheme, rest)) = scheme(source) else {
        return source.to_owned();
    };
    // In an S3 address everything after the bucket is the key. A `?` or `#` is a part of it.
    let rest = match scheme {
        "s3" => rest,
        _ => rest.split(['?', '#']).next().unwrap_or_default(),
    };
    let (host, path) = parts(rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// Splits an address into its scheme in lower case and the rest after `://`. `None` if `source` is
/// a path, or an address with another scheme than `http`, `https` or `s3`.
pub(crate) fn scheme(source: &str) -> Option<(&'static str, &str)> {
    let (said, rest) = source.split_once("://")?;
    let known = ["http", "https", "s3"];
    let scheme = known.into_iter().find(|s| said.eq_ignore_ascii_case(s))?;
    Some((scheme, rest))
}

/// Splits the rest of an address after `://` in two: the host with any user and password, and the
/// path with the query.
pub(crate) fn parts(rest: &str) -> (&str, &str) {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        for (source, shown) in [
            ("HTTPS://h:8/a%20b.csv?X-Sig=s3c#t", "https://h:8/a%20b.csv"),
            ("http://ann:s@3c@h/a@b.csv", "http://h/a@b.csv"),
            ("http://h?k=s3c", "http://h"),
            ("s3://bucket/a?b#c.parquet", "s3://bucket/a?b#c.parquet"),
            ("s3://id:s3c@bucket/a", "s3://bucket/a"),
            ("data/a?b.csv", "data/a?b.csv"),
            ("ftp://h/a", "ftp://h/a"),
        ] {
            assert_eq!(shown_source(source), shown);
        }
        for (source, remote) in [
            ("S3://b/k", true),
            ("http://h", true),
            ("http:/h", false),
            ("ftp://h/a", false),
            ("postgres://h/a", false),
            ("a.csv", false),
        ] {
            assert_eq!(is_remote(source), remote, "{source}");
        }
    }
}
