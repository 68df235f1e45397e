//! Addresses (URLs) in place of paths, and the part of an address that messages may show.

/// Returns whether a source is read over the network: `http://`, `https://` or `s3://`.
///
/// Such sources can be opened if this crate is built with its feature `remote`.
pub fn is_remote(source: &str) -> bool {
    scheme(source).is_some()
}

/// An address as messages may show it: without user and password, and without the query, which may
/// hold a signature. Any other source is returned unchanged.
pub fn shown_source(source: &str) -> String {
    let Some((scheme, rest)) = scheme(source) else {
        return source.to_owned();
    };
    // In an S3 address everything behind the bucket is the key, even `?` and `#`.
    let rest = match scheme {
        "s3" => rest,
        _ => rest.split(['?', '#']).next().unwrap_or_default(),
    };
    let (host, path) = parts(rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// The scheme of an address in lower case, and the rest behind `://`; `None` for any other source.
pub(crate) fn scheme(source: &str) -> Option<(&'static str, &str)> {
    let (said, rest) = source.split_once("://")?;
    let known = ["http", "https", "s3"];
    let scheme = known.into_iter().find(|s| said.eq_ignore_ascii_case(s))?;
    Some((scheme, rest))
}

/// The two parts of an address behind its scheme: the host, with user and password before it, and
/// the path with the query.
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
