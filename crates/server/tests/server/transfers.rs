//! The transfer of answers: byte ranges and compression.

use crate::app::{Answer, TILE, app, get, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use flate2::read::GzDecoder;
use std::io::Read as _;

async fn ask(app: &Router, method: Method, uri: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(uri);
    let add = |request: axum::http::request::Builder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    let request = headers.iter().fold(request, add);
    send(app, request.body(Body::empty()).unwrap()).await
}

async fn with(app: &Router, uri: &str, headers: &[(&str, &str)]) -> Answer {
    ask(app, Method::GET, uri, headers).await
}

#[tokio::test]
async fn a_part_is_that_part_of_the_whole() {
    let app = app();
    for uri in [
        TILE,
        "/cities/4/8/5.npy",
        "/cities",
        "/cities/map.png",
        "/catalog",
    ] {
        let whole = get(&app, uri).await;
        assert_eq!(whole.header("accept-ranges"), "bytes", "{uri}");
        let (etag, length) = (whole.header("etag"), whole.body.len());
        for (range, part) in [
            ("bytes=0-9".to_owned(), 0..10),
            ("bytes=10-".to_owned(), 10..length),
            ("bytes=-7".to_owned(), length - 7..length),
            (format!("bytes=5-{}", length * 2), 5..length),
        ] {
            // A part is never compressed.
            let headers = [
                ("range", &*range),
                ("if-range", etag),
                ("accept-encoding", "gzip"),
            ];
            let answer = with(&app, uri, &headers).await;
            assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{uri} {range}");
            assert_eq!(answer.body, whole.body[part.clone()], "{uri} {range}");
            let about = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            assert_eq!(answer.header("content-range"), about);
            for name in ["etag", "cache-control", "content-type", "vary"] {
                assert_eq!(answer.header(name), whole.header(name), "{uri}: {name}");
            }
        }
        let behind = with(&app, uri, &[("range", &format!("bytes={length}-"))]).await;
        assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(behind.header("content-range"), format!("bytes */{length}"));
        assert!(behind.error().contains(&length.to_string()));
        // The whole answer is sent for several ranges, for an illegal range, and for a range of
        // another state of the answer.
        for headers in [
            [("range", "bytes=0-1,4-5"), ("x", "y")],
            [("range", "bytes=5-2"), ("x", "y")],
            [("range", "bytes=0-9"), ("if-range", "\"another\"")],
            [("range", "bytes=0-9"), ("if-range", &format!("W/{etag}"))],
            [
                ("range", "bytes=0-9"),
                ("if-range", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ],
        ] {
            let answer = with(&app, uri, &headers).await;
            assert_eq!(answer.status, StatusCode::OK, "{uri} {headers:?}");
            assert_eq!(answer.body, whole.body);
        }
        let known = [("range", "bytes=0-9"), ("if-none-match", etag)];
        assert_eq!(
            with(&app, uri, &known).await.status,
            StatusCode::NOT_MODIFIED
        );
        let head = ask(&app, Method::HEAD, uri, &[("range", "bytes=0-9")]).await;
        assert_eq!(head.status, StatusCode::OK);
    }
    let missing = with(&app, "/nope/0/0/0.png", &[("range", "bytes=0-9")]).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn text_and_numbers_are_compressed_and_pictures_are_not() {
    let app = app();
    for uri in [
        "/catalog",
        "/cities/legend.svg",
        "/cities/4/8/5.npy",
        "/cities/4/8/5.tif",
        "/cities/gdal.vrt",
    ] {
        let plain = get(&app, uri).await;
        let strong = plain.header("etag").to_owned();
        assert!(plain.body.len() >= 1024, "{uri}: {}", plain.body.len());
        assert!(plain.header("vary").contains("accept-encoding"), "{uri}");
        assert_eq!(plain.header("content-encoding"), "");
        for (accepted, encoding) in [
            ("gzip", "gzip"),
            ("br", "br"),
            ("zstd", "zstd"),
            ("gzip;q=0.5, br;q=0.9, zstd;q=0", "br"),
        ] {
            let packed = with(&app, uri, &[("accept-encoding", accepted)]).await;
            assert_eq!(packed.header("content-encoding"), encoding, "{uri}");
            assert_eq!(packed.header("vary"), plain.header("vary"), "{uri}");
            assert_eq!(packed.header("content-type"), plain.header("content-type"));
            assert_eq!(packed.header("accept-ranges"), "");
            assert!(packed.body.len() < plain.body.len(), "{uri}");
            // The compressed answer is another representation, with a weak ETag. Its bytes are
            // never joined with those of the plain one.
            assert_eq!(packed.header("etag"), format!("W/{strong}"));
            if encoding == "gzip" {
                let mut unpacked = Vec::new();
                GzDecoder::new(&*packed.body)
                    .read_to_end(&mut unpacked)
                    .unwrap();
                assert_eq!(unpacked, plain.body, "{uri}");
            }
            let head = ask(&app, Method::HEAD, uri, &[("accept-encoding", accepted)]).await;
            for name in ["etag", "content-encoding", "vary", "cache-control"] {
                assert_eq!(head.header(name), packed.header(name), "{uri}: {name}");
            }
            // A 304 repeats the ETag of the client's copy.
            let weak = packed.header("etag").to_owned();
            for known in [&weak, &strong] {
                let headers = [("accept-encoding", accepted), ("if-none-match", &**known)];
                let again = with(&app, uri, &headers).await;
                assert_eq!(again.status, StatusCode::NOT_MODIFIED);
                assert_eq!(again.header("etag"), known, "{uri}");
                assert_eq!(again.header("vary"), plain.header("vary"));
            }
        }
        for accepted in [
            "identity",
            "gzip;q=0",
            "deflate",
            "*;q=0.1, gzip;q=0, br;q=0, zstd;q=0",
        ] {
            let answer = with(&app, uri, &[("accept-encoding", accepted)]).await;
            assert_eq!(answer.body, plain.body, "{uri} {accepted}");
            assert_eq!(answer.header("etag"), strong);
        }
    }
    let all = [("accept-encoding", "gzip, br, zstd")];
    for uri in [TILE, "/cities/map.png", "/health", "/nope"] {
        let answer = with(&app, uri, &all).await;
        assert_eq!(answer.header("content-encoding"), "", "{uri}");
        assert_eq!(answer.header("vary"), "", "{uri}");
    }
}

#[tokio::test]
async fn a_fault_of_the_origin_leaves_old_copies_usable() {
    let control = get(&app(), TILE).await.header("cache-control").to_owned();
    assert!(control.contains("stale-if-error=86400"), "{control}");
}
