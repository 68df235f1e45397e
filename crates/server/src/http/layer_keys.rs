//! Keys of layers: secrets without which a layer isn't found.
//!
//! A request sends a key as `Authorization: Bearer KEY` or as the parameter `key`. If a layer has
//! keys and a request sends none of them, the answer is 404, as for a layer that doesn't exist,
//! since the layer's name may be a secret too.

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;

/// The name of the parameter by which a URL sends a key.
const PARAMETER: &str = "key";

/// The largest number of keys that a request may send. One key is not enough for a layer that is
/// made of two others, which needs the keys of both. A choice.
const MAX_KEYS: usize = 4;

/// The keys of layers that a request has sent. The request has them as an extension.
#[derive(Clone, Default)]
pub(crate) struct SentKeys(Vec<String>);

impl SentKeys {
    /// Moves the keys out of a request's URL into an extension of the request, so that nothing else
    /// sees or logs them. Also copies the keys of the header `Authorization` there. Returns true if
    /// there are any keys.
    pub(crate) fn take(request: &mut Request) -> bool {
        let mut keys = Vec::new();
        if let Some(uri) = without_keys(request.uri(), &mut keys) {
            *request.uri_mut() = uri;
        }
        if let Some(bearer) = bearer(request.headers()) {
            keys.push(bearer.to_owned());
        }
        keys.truncate(MAX_KEYS);
        let any = !keys.is_empty();
        if any {
            request.extensions_mut().insert(Self(keys));
        }
        any
    }

    /// The keys that a request has sent, after [`take`](Self::take) has moved them into an
    /// extension.
    pub(crate) fn of(request: &Request) -> &[String] {
        let keys = request.extensions().get::<Self>();
        keys.map_or(&[], |keys| &keys.0)
    }
}

/// The credentials of the header `Authorization: Bearer …`; `None` without such a header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, given) = given.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| given.trim())
}

/// The URL without its parameters `key`, whose values are appended to `keys`. `None` if the URL has
/// no such parameter.
fn without_keys(uri: &Uri, keys: &mut Vec<String>) -> Option<Uri> {
    let query = uri.query()?;
    // The name may be percent-encoded.
    let is_key = |pair: &&str| {
        let mut named = form_urlencoded::parse(pair.as_bytes());
        named.next().is_some_and(|(name, _)| name == PARAMETER)
    };
    if !query.split('&').any(|pair| is_key(&pair)) {
        return None;
    }
    let (of_keys, rest): (Vec<_>, Vec<_>) = query.split('&').partition(is_key);
    for (_, value) in of_keys
        .iter()
        .flat_map(|pair| form_urlencoded::parse(pair.as_bytes()))
    {
        keys.push(value.into_owned());
    }
    let path = uri.path();
    let mut parts = uri.clone().into_parts();
    let path_and_query = match rest.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", rest.join("&")),
    };
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Makes an answer private: shared caches must not store it, since they would send it to clients
/// without the key.
pub(crate) fn make_private(response: &mut Response) {
    let headers = response.headers_mut();
    let Some(control) = headers
        .get(CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
    else {
        return;
    };
    let is_shared = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default().trim();
        ["public", "private", "s-maxage", "proxy-revalidate"]
            .iter()
            .any(|shared| name.eq_ignore_ascii_case(shared))
    };
    let parts = control.split(',').map(str::trim);
    if parts
        .clone()
        .any(|part| part.eq_ignore_ascii_case("no-store"))
    {
        return;
    }
    let kept = parts.filter(|part| !is_shared(part));
    let control: Vec<&str> = std::iter::once("private").chain(kept).collect();
    if let Ok(control) = HeaderValue::try_from(control.join(", ")) {
        headers.insert(CACHE_CONTROL, control);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn keys_leave_the_url() {
        for (url, left, sent) in [
            ("/a?key=x", "/a", vec!["x"]),
            ("/a?b=1&key=x%2By&c=2", "/a?b=1&c=2", vec!["x+y"]),
            ("/a?key=x&key=y", "/a", vec!["x", "y"]),
            ("/a?key", "/a", vec![""]),
            ("/a?k%65y=x", "/a", vec!["x"]),
            ("/a?keys=1&monkey=2", "/a?keys=1&monkey=2", vec![]),
            ("/a", "/a", vec![]),
        ] {
            let mut request = Request::get(url).body(Body::empty()).unwrap();
            assert_eq!(SentKeys::take(&mut request), !sent.is_empty(), "{url}");
            assert_eq!(request.uri(), left, "{url}");
            assert_eq!(SentKeys::of(&request), sent, "{url}");
        }
        let mut request = Request::get("/a").header("authorization", "bearer  z ");
        request = request.header("host", "b");
        let mut request = request.body(Body::empty()).unwrap();
        assert!(SentKeys::take(&mut request));
        assert_eq!(SentKeys::of(&request), ["z"]);
    }

    #[test]
    fn private_answers_stay_out_of_shared_caches() {
        for (before, after) in [
            (
                "public, max-age=300, stale-if-error=9",
                "private, max-age=300, stale-if-error=9",
            ),
            ("Public,s-maxage=9", "private"),
            ("no-cache", "private, no-cache"),
            ("private, max-age=1", "private, max-age=1"),
            ("no-store", "no-store"),
        ] {
            let mut response = Response::new(Body::empty());
            let control = HeaderValue::from_static(before);
            response.headers_mut().insert(CACHE_CONTROL, control);
            make_private(&mut response);
            assert_eq!(response.headers()[CACHE_CONTROL], after);
        }
    }
}
