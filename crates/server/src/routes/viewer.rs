//! The viewer: a page at `/` that shows the layers on a map, and the page's files under `/viewer/`.
//!
//! `build.rs` compresses these files and packs them into the program, each with a digest of its
//! contents.

use crate::config::Basemap;
use crate::http::etag::if_none_match;
use crate::state::Server;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use std::io::Read as _;
use std::sync::Arc;

mod packed {
    //! The viewer's files, in code that `build.rs` has written.
    use super::Asset;
    include!(concat!(env!("OUT_DIR"), "/assets.rs"));
}

/// One of the files that make up the viewer.
struct Asset {
    path: &'static str,
    media_type: &'static str,
    /// A digest of the uncompressed contents. It is the file's ETag, and browsers request the file
    /// with it as `?v=`.
    tag: &'static str,
    gzip: &'static [u8],
}

/// The land and the borders of countries that the viewer shows if no base map is configured, as a
/// GeoJSON FeatureCollection: a MultiPolygon whose property `kind` is `land`, and a MultiLineString
/// whose `kind` is `border`. They are simplified for zooms up to 6. From Natural Earth, which is in
/// the public domain.
pub fn land_geojson() -> Vec<u8> {
    let mut plain = Vec::new();
    let asset = packed::ASSETS.iter().find(|a| a.path == "land.geojson");
    let gzip = asset.map_or(&[][..], |asset| asset.gzip);
    // What is packed into the program is whole: `build.rs` compressed it.
    if GzDecoder::new(gzip).read_to_end(&mut plain).is_err() {
        plain.clear();
    }
    plain
}

pub(crate) async fn page(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let mut response = serve("index.html", None, &headers);
    if let Some(origin) = server.config.basemap.as_ref().and_then(Basemap::origin) {
        admit(&mut response, origin);
    }
    response
}

pub(crate) async fn file(
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    serve(&path, query.as_deref(), &headers)
}

/// Adds headers that let the viewer's page load tiles of the base map from `origin`. They also let
/// the page send its own origin in these requests: servers of maps want to know which page shows
/// them.
fn admit(response: &mut Response, origin: &str) {
    let policy = ["img-src 'self'", "connect-src 'self'"].into_iter().fold(
        packed::CONTENT_SECURITY_POLICY.to_owned(),
        |policy, source| policy.replacen(source, &format!("{source} {origin}"), 1),
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        let referrer = HeaderValue::from_static("strict-origin-when-cross-origin");
        headers.insert(REFERRER_POLICY, referrer);
    }
}

fn serve(path: &str, query: Option<&str>, request: &HeaderMap) -> Response {
    let Some(asset) = packed::ASSETS.iter().find(|asset| asset.path == path) else {
        let body = r#"{"error":"the viewer has no such file"}"#;
        return (
            StatusCode::NOT_FOUND,
            [(CONTENT_TYPE, "application/json")],
            body,
        )
            .into_response();
    };
    let compressed = accepts_gzip(request);
    // The compressed and the plain bytes are two representations of the file. Strong ETags must
    // distinguish them.
    let etag = format!("\"{}{}\"", asset.tag, if compressed { "-gz" } else { "" });
    // The page refers to its files by URLs with their digests, so the contents at such a URL never
    // change.
    let named_by_tag = query.is_some_and(|query| query.strip_prefix("v=") == Some(asset.tag));
    let caching = if named_by_tag {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let about = [
        (ETAG, etag.as_str()),
        (CACHE_CONTROL, caching),
        (VARY, "accept-encoding"),
        (CONTENT_SECURITY_POLICY, packed::CONTENT_SECURITY_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ];
    if if_none_match(request, &etag) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let media_type = [(CONTENT_TYPE, asset.media_type)];
    if compressed {
        let body = Body::from(Bytes::from_static(asset.gzip));
        return (about, media_type, [(CONTENT_ENCODING, "gzip")], body).into_response();
    }
    let mut plain = Vec::new();
    match GzDecoder::new(asset.gzip).read_to_end(&mut plain) {
        Ok(_) => (about, media_type, plain).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Returns true if the client accepts gzip: the header `Accept-Encoding` has `gzip` or `*`, with
/// another weight than `q=0`.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let mut wildcard = false;
    for value in request.get_all(ACCEPT_ENCODING) {
        for coding in value.to_str().unwrap_or_default().split(',') {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused = parts.any(|part| {
                let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
                weight
                    .and_then(|weight| weight.parse().ok())
                    .is_some_and(|weight: f32| weight <= 0.0)
            });
            if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
                return !refused;
            }
            wildcard |= name == "*" && !refused;
        }
    }
    wildcard
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::IF_NONE_MATCH;

    fn request(pairs: &[(axum::http::HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    fn header(response: &Response, name: axum::http::HeaderName) -> &str {
        response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    async fn body(response: Response) -> Vec<u8> {
        axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    #[tokio::test]
    async fn both_encodings_hold_the_same_page() {
        let zipped = serve(
            "index.html",
            None,
            &request(&[(ACCEPT_ENCODING, "br, gzip")]),
        );
        assert_eq!(header(&zipped, CONTENT_ENCODING), "gzip");
        assert!(header(&zipped, CONTENT_TYPE).starts_with("text/html"));
        let plain = serve("index.html", None, &request(&[]));
        assert_eq!(header(&plain, CONTENT_ENCODING), "");
        assert_ne!(header(&zipped, ETAG), header(&plain, ETAG));

        let mut unzipped = Vec::new();
        GzDecoder::new(&*body(zipped).await)
            .read_to_end(&mut unzipped)
            .unwrap();
        let plain = body(plain).await;
        assert!(plain.starts_with(b"<!doctype html>"));
        assert_eq!(unzipped, plain);
    }

    #[tokio::test]
    async fn a_known_tag_is_answered_without_a_body() {
        let first = serve("js/viewer.js", None, &request(&[]));
        let etag: &'static str = Box::leak(header(&first, ETAG).to_owned().into_boxed_str());
        let again = serve("js/viewer.js", None, &request(&[(IF_NONE_MATCH, etag)]));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(body(again).await.is_empty());
        let other = serve("js/viewer.js", None, &request(&[(IF_NONE_MATCH, "\"0\"")]));
        assert_eq!(other.status(), StatusCode::OK);
        // The ETag of the compressed file differs from the ETag of the plain one.
        let zipped = [(IF_NONE_MATCH, etag), (ACCEPT_ENCODING, "gzip")];
        assert_eq!(
            serve("js/viewer.js", None, &request(&zipped)).status(),
            StatusCode::OK
        );
    }

    #[tokio::test]
    async fn every_file_the_page_names_is_there_and_may_be_kept() {
        let page = String::from_utf8(body(serve("index.html", None, &request(&[]))).await).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for rest in page.split("./viewer/").skip(1) {
            let address = rest.split('"').next().unwrap();
            // The keys of the import map are the plain paths of the modules.
            let Some((path, query)) = address.split_once('?') else {
                assert!(
                    page.contains(&format!(":\"./viewer/{address}?v=")),
                    "{address}"
                );
                continue;
            };
            let response = serve(path, Some(query), &request(&[]));
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert!(
                header(&response, CACHE_CONTROL).contains("immutable"),
                "{path}"
            );
            let outdated = serve(path, Some("v=0"), &request(&[]));
            assert_eq!(header(&outdated, CACHE_CONTROL), "no-cache", "{path}");
            seen.insert(path.to_owned());
        }
        let all = packed::ASSETS.iter().map(|asset| asset.path);
        let unnamed: Vec<&str> = all.filter(|path| !seen.contains(*path)).collect();
        assert_eq!(
            unnamed
                .iter()
                .filter(|path| !path.contains("LICENSE"))
                .collect::<Vec<_>>(),
            [&"index.html"]
        );
    }

    #[test]
    fn our_own_code_is_small() {
        let sizes = |own: bool| -> usize {
            let assets = packed::ASSETS.iter();
            let chosen = assets.filter(|asset| {
                let is_own = asset.path.contains('/') || asset.path == "index.html";
                // The map's details are loaded only where it is near.
                let is_first = !asset.path.contains("LICENSE") && asset.path != "detail.json";
                (is_own || !own) && is_first
            });
            chosen.map(|asset| asset.gzip.len()).sum()
        };
        let (own, all) = (sizes(true), sizes(false));
        assert!(own <= 60 << 10, "{own}");
        assert!(all <= 650 << 10, "{all}");
    }

    #[test]
    fn the_policy_follows_the_base_map() {
        let mut response = serve("index.html", None, &request(&[]));
        let before = header(&response, CONTENT_SECURITY_POLICY).to_owned();
        admit(&mut response, "https://tile.example.org");
        let after = header(&response, CONTENT_SECURITY_POLICY);
        assert!(
            after.contains("img-src 'self' https://tile.example.org data:"),
            "{after}"
        );
        assert!(
            after.contains("connect-src 'self' https://tile.example.org"),
            "{after}"
        );
        assert_eq!(after.replace(" https://tile.example.org", ""), before);
    }

    #[test]
    fn nothing_else_is_served() {
        for path in [
            "",
            "viewer",
            "../Cargo.toml",
            "js/viewer.js/",
            "js",
            "maplibre.pins",
        ] {
            assert_eq!(
                serve(path, None, &request(&[])).status(),
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }

    #[test]
    fn gzip_only_for_those_who_take_it() {
        let takes = |value| accepts_gzip(&request(&[(ACCEPT_ENCODING, value)]));
        assert!(takes("gzip") && takes("br;q=1.0, gzip;q=0.2") && takes("*") && takes("GZIP"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("*, gzip;q=0.0") && !takes("*;q=0"));
        assert!(!accepts_gzip(&request(&[])));
    }
}
