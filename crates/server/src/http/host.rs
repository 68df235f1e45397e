//! The `Host` header of requests.

use super::error::ApiError;
use crate::http::connection_info::ConnectionInfo;
use axum::extract::Request;
use axum::http::Version;
use axum::http::header::HOST;
use std::sync::Arc;

/// Refuses a request of HTTP/1.1 without exactly one legal `Host` header, and any other request
/// with several (RFC 9112, section 3.2).
///
/// # Errors
/// 400. Requests that reached the router without a connection of this server, as those of embedding
/// programs do, are not checked.
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

/// Returns whether a text can be a host with or without a port, like `example.org:3000`.
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

/// Splits a host from its port; `None` if it has none. The colons of an IPv6 address are within
/// brackets.
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
