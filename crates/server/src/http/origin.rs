//! The client of a request, and the URL by which it reached the server. Both come from the
//! connection and the request itself or, behind a trusted proxy, from the proxy's headers: from
//! `Forwarded` (RFC 7239) or, without it, from `X-Forwarded-For`, `-Proto` and `-Host`. The prefix
//! of the URL's path always comes from `X-Forwarded-Prefix`.

use super::host::is_host;
use crate::http::connection_info::ConnectionInfo;
use axum::http::header::{FORWARDED, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Request};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// The names of the headers from which the URL follows by which a client has reached this server,
/// also behind a trusted proxy. Answers that contain this URL name these headers in `Vary`.
pub(crate) const PROXY_HEADERS: [&str; 5] = [
    "host",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-prefix",
    "x-forwarded-proto",
];

/// The address of one proxy, or the addresses of several, whose headers are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedProxy(ProxyKind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProxyKind {
    /// A network: its first address, and the number of leading bits that all its addresses have in
    /// common.
    Network(IpAddr, u32),
    /// A proxy that connects through a Unix socket. It has no address, so every client of such a
    /// socket is trusted.
    UnixSocket,
}

/// The error for a text that names no trusted proxy: it is neither an IP address nor a network nor
/// `unix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address, a network like 10.0.0.0/8, or unix")]
pub struct ParseProxyError;

impl FromStr for TrustedProxy {
    type Err = ParseProxyError;

    fn from_str(text: &str) -> Result<Self, ParseProxyError> {
        if text == "unix" {
            return Ok(Self(ProxyKind::UnixSocket));
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| ParseProxyError)?;
        let most = if written.is_ipv4() { 32 } else { 128 };
        let plain = |bits: &&str| bits.bytes().all(|b| b.is_ascii_digit());
        let bits: u32 = match bits {
            None => most,
            Some(bits) => {
                let bits = Some(bits).filter(plain).and_then(|bits| bits.parse().ok());
                bits.filter(|&bits| bits <= most).ok_or(ParseProxyError)?
            }
        };
        // An IPv4 network may be written as an IPv6 one: ::ffff:10.0.0.0/104.
        let network = written.to_canonical();
        let bits = if written.is_ipv6() && network.is_ipv4() {
            bits.checked_sub(96).ok_or(ParseProxyError)?
        } else {
            bits
        };
        Ok(Self(ProxyKind::Network(network, bits)))
    }
}

impl TrustedProxy {
    fn contains(&self, address: IpAddr) -> bool {
        let ProxyKind::Network(network, bits) = self.0 else {
            return false;
        };
        // An IPv4 client of an IPv6 socket has an address like ::ffff:10.0.0.1.
        let differing = match (network, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()) << 96,
            (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
            _ => return false,
        };
        differing.leading_zeros() >= bits
    }
}

/// The client of a request, and the parts of the URL by which it reached the server.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestOrigin {
    /// The address of the client; `None` if it is not known.
    pub(crate) client: Option<IpAddr>,
    pub(crate) is_https: bool,
    /// The host that the client asked for, with its port; `None` if the request names no legal
    /// host.
    pub(crate) host: Option<String>,
    /// The path under which a proxy serves this server, without a slash at its end; empty without a
    /// prefix.
    pub(crate) prefix: String,
}

/// The values that one proxy has added to a request about the machine that sent it the request.
/// `None` for a value that the proxy hasn't added.
#[derive(Clone, Copy, Default)]
struct Hop<'a> {
    client: Option<&'a str>,
    proto: Option<&'a str>,
    host: Option<&'a str>,
}

impl RequestOrigin {
    /// Finds the client of a request, and the URL by which it reached the server. Headers of
    /// proxies are used only if the connection comes from one that is `trusted`.
    pub(crate) fn new<B>(trusted: &[TrustedProxy], request: &Request<B>) -> Self {
        let headers = request.headers();
        let connection = request.extensions().get::<Arc<ConnectionInfo>>();
        let peer = connection.and_then(|connection| connection.peer);
        // A request of HTTP/2 has an authority in place of `Host`. In HTTP/1, an authority takes
        // precedence over `Host`.
        let authority = request.uri().authority().map(Authority::as_str);
        let host = authority.or(headers.get(HOST).and_then(|host| host.to_str().ok()));
        let mut origin = Self {
            client: peer.map(|peer| peer.ip().to_canonical()),
            is_https: connection.is_some_and(|connection| connection.is_tls),
            host: legal_host(host),
            prefix: String::new(),
        };
        if !is_from_proxy(trusted, request) {
            return origin;
        }
        let is_trusted = |address: IpAddr| trusted.iter().any(|proxy| proxy.contains(address));
        // Each proxy appends its value to the list. The values at the end come from trusted
        // proxies; the values before them may be forged. So the first value of a trusted proxy is
        // used.
        let lines = |name: &str| list(headers, name);
        let forwarded = lines(FORWARDED.as_str());
        let (hops, prefixes) = (&forwarded, lines("x-forwarded-prefix"));
        let (clients, hosts, protos);
        let hop = if hops.is_empty() {
            clients = lines("x-forwarded-for");
            hosts = lines("x-forwarded-host");
            protos = lines("x-forwarded-proto");
            let behind = trusted_hops(clients.iter().copied(), is_trusted);
            let hop = Hop {
                client: from_end(&clients, behind),
                proto: from_end(&protos, behind),
                host: from_end(&hosts, behind),
            };
            (hop, behind)
        } else {
            let each: Vec<Hop<'_>> = hops.iter().map(|hop| parse_hop(hop)).collect();
            let clients = each.iter().map(|hop| hop.client.unwrap_or_default());
            let behind = trusted_hops(clients, is_trusted);
            (from_end(&each, behind).unwrap_or_default(), behind)
        };
        let (hop, behind) = hop;
        if let Some(client) = hop.client {
            origin.client = address(client);
        }
        if let Some(proto) = hop.proto {
            origin.is_https = proto.eq_ignore_ascii_case("https");
        }
        origin.host = legal_host(hop.host).or(origin.host);
        let prefix = from_end(&prefixes, behind).map(|prefix| prefix.trim_end_matches('/'));
        origin.prefix = prefix
            .filter(|prefix| is_prefix(prefix))
            .unwrap_or_default()
            .to_owned();
        origin
    }
}

/// Returns whether the peer of a request's connection is a trusted proxy.
pub(crate) fn is_from_proxy<B>(trusted: &[TrustedProxy], request: &Request<B>) -> bool {
    let connection = request.extensions().get::<Arc<ConnectionInfo>>();
    connection.is_some_and(|connection| match connection.peer {
        Some(peer) => trusted.iter().any(|proxy| proxy.contains(peer.ip())),
        None => trusted.contains(&TrustedProxy(ProxyKind::UnixSocket)),
    })
}

/// The number of trusted proxies at the end of a list of addresses, counted from the last address
/// back to the first one that is no trusted proxy.
fn trusted_hops<'a>(
    clients: impl DoubleEndedIterator<Item = &'a str>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> usize {
    let is_proxy = |client: &&str| address(client).is_some_and(&is_trusted);
    clients.rev().take_while(is_proxy).count()
}

/// The item that has `behind` other items after it or, if the list is too short for that, its first
/// item. `None` if the list is empty.
fn from_end<T: Copy>(items: &[T], behind: usize) -> Option<T> {
    let last = items.len().checked_sub(1)?;
    items.get(last.saturating_sub(behind)).copied()
}

/// The items of all headers with this name, each of which is a list separated by commas. A comma
/// within quotes doesn't separate items.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).into_iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| split(line, ',')).collect()
}

/// Splits a text at a separator that is not within quotes, and trims the parts.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    let parts = text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator => return !quoted,
            _ => {}
        }
        false
    });
    parts.map(str::trim)
}

/// Parses what one proxy has added to `Forwarded`, like
/// `for=192.0.2.60;proto=http;host=example.org`.
fn parse_hop(element: &str) -> Hop<'_> {
    let mut hop = Hop::default();
    for pair in split(element, ';') {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match name.trim() {
            name if name.eq_ignore_ascii_case("for") => hop.client = Some(value),
            name if name.eq_ignore_ascii_case("proto") => hop.proto = Some(value),
            name if name.eq_ignore_ascii_case("host") => hop.host = Some(value),
            _ => {}
        }
    }
    hop
}

/// Parses an IP address with or without a port. `None` for anything else, like the word `unknown`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = || {
        text.trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok()
    };
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    bare()
        .or_else(with_port)
        .map(|address: IpAddr| address.to_canonical())
}

fn legal_host(host: Option<&str>) -> Option<String> {
    host.filter(|host| is_host(host))
        .map(str::to_ascii_lowercase)
}

/// Returns whether a text is empty or the beginning of a path, like `/heat`.
fn is_prefix(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let mut segments = text.split('/');
    let fine =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(legal);
    text.len() <= 255 && segments.next() == Some("") && segments.all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::request::Builder;

    fn origin(peer: &str, lines: &[(&str, &str)]) -> RequestOrigin {
        let trusted = ["10.0.0.0/8", "fd00::/8", "::1"].map(|net| net.parse().unwrap());
        let request = Request::get("/").header("host", "inner:3000");
        let add = |request: Builder, (name, value): &(&str, &str)| request.header(*name, *value);
        let request = lines.iter().fold(request, add);
        let mut request = request.body(()).unwrap();
        let info = ConnectionInfo {
            peer: Some(SocketAddr::new(peer.parse().unwrap(), 9)),
            ..ConnectionInfo::default()
        };
        request.extensions_mut().insert(Arc::new(info));
        RequestOrigin::new(&trusted, &request)
    }

    #[test]
    fn clients_of_a_unix_socket_are_proxies_where_that_is_said() {
        let mut request = Request::get("http://a.example/x").header("host", "b");
        request = request.header("x-forwarded-for", "8.8.8.8");
        let mut request = request.body(()).unwrap();
        request
            .extensions_mut()
            .insert(Arc::new(ConnectionInfo::default()));
        let any = ["0.0.0.0/0", "::/0"].map(|net| net.parse().unwrap());
        assert_eq!(
            shown(&RequestOrigin::new(&any, &request)),
            "- http://a.example"
        );
        let unix = ["unix".parse().unwrap()];
        assert_eq!(
            shown(&RequestOrigin::new(&unix, &request)),
            "8.8.8.8 http://a.example"
        );
    }

    fn shown(origin: &RequestOrigin) -> String {
        let client = origin
            .client
            .map_or("-".to_owned(), |client| client.to_string());
        let scheme = if origin.is_https { "https" } else { "http" };
        let host = origin.host.as_deref().unwrap_or("-");
        format!("{client} {scheme}://{host}{}", origin.prefix)
    }

    #[test]
    fn networks_hold_their_addresses() {
        let holds = |net: &str, address: &str| {
            let net: TrustedProxy = net.parse().unwrap();
            net.contains(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(!holds("::ffff:10.0.0.0/104", "11.1.2.3"));
        assert!("::ffff:10.0.0.0/8".parse::<TrustedProxy>().is_err());
        assert!(holds("192.168.1.7", "192.168.1.7") && !holds("192.168.1.7", "192.168.1.6"));
        assert!(holds("0.0.0.0/0", "1.2.3.4") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("::/0", "fe80::1") && !holds("::1", "::2"));
        assert!(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fe00::1"));
        for bad in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "a",
            "10.0.0.0/",
            "10.0.0.0/+8",
        ] {
            assert!(bad.parse::<TrustedProxy>().is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_count_from_trusted_proxies_alone() {
        let lies = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/evil"),
            ("forwarded", "for=1.1.1.1;host=evil.example;proto=https"),
        ];
        assert_eq!(
            shown(&origin("9.9.9.9", &lies)),
            "9.9.9.9 http://inner:3000"
        );
        let of = |lines: &[(&str, &str)]| shown(&origin("10.0.0.1", lines));
        assert_eq!(of(&[]), "10.0.0.1 http://inner:3000");
        let lines = [
            ("x-forwarded-for", "7.7.7.7, 8.8.8.8"),
            ("x-forwarded-host", "Maps.example.org"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/heat/"),
        ];
        assert_eq!(of(&lines), "8.8.8.8 https://maps.example.org/heat");
        // There are two trusted proxies, one behind the other. The values that the outer one has
        // added count.
        let lines = [
            ("x-forwarded-for", "1.1.1.1, 8.8.8.8"),
            ("x-forwarded-for", "10.0.0.2"),
            ("x-forwarded-host", "evil.example, maps.example.org, inner"),
            ("x-forwarded-proto", "https, http"),
        ];
        assert_eq!(of(&lines), "8.8.8.8 https://maps.example.org");
        let lines = [(
            "forwarded",
            "for=1.1.1.1;host=evil.example, \
            For=\"[2001:db8::7]:4711\";PROTO=https;host=\"maps.example.org:8443\", for=10.0.0.2",
        )];
        assert_eq!(of(&lines), "2001:db8::7 https://maps.example.org:8443");
        assert_eq!(
            of(&[("forwarded", "for=unknown;proto=https")]),
            "- https://inner:3000"
        );
        assert_eq!(
            of(&[("forwarded", "for=\"_a,b\\\"c;\";host=a")]),
            "- http://a"
        );
        // Illegal values are ignored.
        for (name, value) in [
            ("x-forwarded-host", "evil.example/x"),
            ("x-forwarded-host", "a@b"),
            ("x-forwarded-proto", "javascript"),
            ("x-forwarded-prefix", "//evil.example"),
            ("x-forwarded-prefix", "/a/../b"),
            ("x-forwarded-prefix", "/a?b"),
            ("x-forwarded-prefix", "a"),
            ("forwarded", ";;=,=;\"\\"),
        ] {
            assert_eq!(
                of(&[(name, value)]),
                "10.0.0.1 http://inner:3000",
                "{name}: {value}"
            );
        }
    }
}
