//! The `Host` header of requests.

use super::error::ApiError;
use super::origin::{RequestOrigin, TrustedProxy};
use crate::http::connection_info::ConnectionInfo;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{StatusCode, Version};
use std::sync::Arc;

/// Refuses a request with several `Host` headers or an illegal one, and a request of HTTP/1.1
/// without any (RFC 9112, section 3.2). An empty header is legal.
///
/// A request that reached the router without a connection of this server is not checked, since an
/// embedding program has sent it.
///
/// # Errors
/// The status 400.
pub(crate) fn check(request: &Request) -> Result<(), ApiError> {
    if request.extensions().get::<Arc<ConnectionInfo>>().is_none() {
        return Ok(());
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_11 => {
            Err(ApiError::bad_request("the request has no Host header"))
        }
        (_, Some(_)) => Err(ApiError::bad_request("the request has two Host headers")),
        (Some(host), None)
            if !host
                .to_str()
                .is_ok_and(|host| host.is_empty() || is_host(host)) =>
        {
            Err(ApiError::bad_request(
                "the Host header is no host, like example.org:3000",
            ))
        }
        _ => Ok(()),
    }
}

/// Refuses a request for a host that is not among the allowed ones. The probes `/health` and
/// `/ready`, and `/metrics`, are answered for any host.
///
/// # Errors
/// 421 (RFC 9110, section 15.5.20).
pub(crate) fn check_allowed(
    allowed: &[String],
    trusted: &[TrustedProxy],
    request: &Request,
) -> Result<(), ApiError> {
    if allowed.is_empty() || matches!(request.uri().path(), "/health" | "/ready" | "/metrics") {
        return Ok(());
    }
    let origin = RequestOrigin::new(trusted, request);
    let host = origin.host.unwrap_or_default();
    match allowed.iter().any(|pattern| matches(pattern, &host)) {
        true => Ok(()),
        false => Err(ApiError::with_status(
            StatusCode::MISDIRECTED_REQUEST,
            "this host isn't served here",
        )),
    }
}

/// Returns whether a pattern allows a host, which is in lower case and may have a port:
///
/// * `example.org` allows this host at any port
/// * `example.org:8080` allows it at this port only
/// * `*.example.org` allows its subdomains
fn matches(pattern: &str, host: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let host = match split_port(&pattern) {
        (_, Some(_)) => host,
        (_, None) => split_port(host).0,
    };
    match pattern.strip_prefix('*') {
        Some(end) => host.len() > end.len() && host.ends_with(end),
        None => host == pattern,
    }
}

/// Returns whether a text can be a host, with or without a port, like `example.org:3000`.
pub(crate) fn is_host(text: &str) -> bool {
    let legal =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'[' | b']' | b'-' | b'_');
    let (host, port) = split_port(text);
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
    (1..=255).contains(&text.len())
        && !host.is_empty()
        && text.bytes().all(legal)
        && port.is_none_or(is_port)
}

/// Splits a text into a host and its port, which is `None` if the text has none. The colons of an
/// IPv6 address are within brackets.
pub(crate) fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_allow_ports_and_subdomains() {
        for (pattern, host, fits) in [
            ("a.b", "a.b", true),
            ("A.b", "a.b:80", true),
            ("a.b:80", "a.b:80", true),
            ("a.b:80", "a.b", false),
            ("a.b", "a.b.c", false),
            ("*.a.b", "x.a.b:9", true),
            ("*.a.b", "a.b", false),
            ("*.a.b", "xa.b", false),
            ("[::1]", "[::1]:80", true),
            ("a", "", false),
        ] {
            assert_eq!(matches(pattern, host), fits, "{pattern} {host}");
        }
    }

    #[test]
    fn hosts_have_a_name_and_at_most_a_port() {
        for good in [
            "a",
            "a.b:80",
            "my_host:3000",
            "[::1]",
            "[::1]:3000",
            "1.2.3.4",
            "a:",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "", ":80", "a:99999", "a:x", "a/b", "a b", "u@a", "<a>", "a?b", "é",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
