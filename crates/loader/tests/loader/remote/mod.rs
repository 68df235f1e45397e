//! Files at addresses: they give the points that the same local files give, whatever the server
//! does.

mod formats;
#[path = "web.rs"]
mod web;

use crate::{loaded, opened};
use heatsplat_loader::{LoadError, LoadOptions, RemoteFile, Report, load, open, remote_version};
use heatsplat_points::Point;
use std::path::Path;
use std::time::Duration;
use web::{Item, Web};

fn from(address: &str, options: &LoadOptions) -> Result<(Vec<Point>, Report), LoadError> {
    opened(Path::new(address), options)
}

fn refused(address: &str) -> String {
    let error = from(address, &LoadOptions::default()).map(|(_, report)| report);
    error.unwrap_err().to_string()
}

/// A CSV file that takes several requests if it has many rows.
fn csv(rows: usize) -> String {
    let row = |i: usize| format!("{}.5,{}.25,{}\n", i % 180, i % 80, i % 7);
    let rows = (0..rows).map(row);
    std::iter::once("lon,lat,count\n".to_owned())
        .chain(rows)
        .collect()
}

#[test]
fn what_goes_wrong_is_said_without_secrets() {
    let web = Web::start();
    let with = |item: Item| web.put("/a.csv?sig=s3cret", item);
    let status = |status| Item {
        status: Some(status),
        ..Item::default()
    };
    for (item, says, requests) in [
        (status(404), "404 Not Found: nothing is there", 1),
        (status(403), "403 Forbidden", 1),
        (status(401), "401", 1),
        (status(400), "400 Bad Request", 1),
        // Temporary errors are retried three times.
        (status(500), "500 Internal Server Error", 4),
        (status(503), "503", 4),
    ] {
        let address = with(item);
        web.asked();
        let message = refused(&address.replace("://", "://ann:pa55@"));
        let shown = format!("{}/a.csv: cannot be opened: ", web.address);
        assert!(message.starts_with(&shown), "{message}");
        assert!(message.contains(says), "{message}");
        let secret = ["s3cret", "pa55", "ann:", "secret page"];
        assert!(!secret.iter().any(|s| message.contains(s)), "{message}");
        let asked = web.asked();
        assert_eq!(asked.len(), requests, "{message}");
        // This is the header for the user `ann` with the password `pa55`.
        let basic = "authorization: basic yw5uonbhntu=";
        assert!(asked.iter().all(|a| a.head.contains("?sig=s3cret")));
        assert!(asked.iter().all(|a| a.head.contains(basic)), "{asked:?}");
    }
    let round = with(Item {
        location: Some("/a.csv?sig=s3cret".into()),
        ..Item::default()
    });
    let message = refused(&round);
    assert!(
        message.contains("redirect") && !message.contains("s3cret"),
        "{message}"
    );
    // No server listens on this port.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let message = refused(&format!("http://{free}/a.csv?sig=s3cret"));
    assert!(
        message.contains("no connection to the server") && !message.contains("s3cret"),
        "{message}"
    );
    for bad in [
        "http://",
        "https://[::1/a.csv?s3cret",
        "s3://bucket",
        "s3://id:s3cret@b/k",
    ] {
        let message = refused(bad);
        assert!(
            message.contains("cannot be opened") && !message.contains("s3cret"),
            "{message}"
        );
    }
}

#[test]
fn a_redirect_is_followed_and_a_busy_server_asked_again() {
    let web = Web::start();
    let text = csv(30_000);
    web.put(
        "/there.csv",
        Item {
            busy: 2,
            ..Item::of(text.clone())
        },
    );
    let address = web.put(
        "/here.csv?sig=s3cret",
        Item {
            location: Some("/there.csv".into()),
            ..Item::default()
        },
    );
    let (points, _) = from(&address, &LoadOptions::default()).unwrap();
    assert_eq!(
        points,
        loaded("a.csv", text.as_bytes(), &LoadOptions::default())
            .unwrap()
            .0
    );
    // The header `Referer` would send the signature to the other address.
    assert!(
        web.asked()
            .iter()
            .all(|asked| !asked.head.contains("referer"))
    );
}

#[test]
fn an_empty_file_is_an_empty_file() {
    let web = Web::start();
    for no_ranges in [false, true] {
        let address = web.put(
            "/a.csv",
            Item {
                no_ranges,
                ..Item::of("")
            },
        );
        assert!(refused(&address).contains("is empty"));
    }
}

#[test]
fn what_breaks_off_is_taken_up_again_or_an_error() {
    let web = Web::start();
    let text = csv(200_000);
    let whole = loaded("a.csv", text.as_bytes(), &LoadOptions::default())
        .unwrap()
        .0;
    // The first responses are cut off, one after the other.
    for cuts in [1, 2, 3] {
        let address = web.put(
            "/a.csv",
            Item {
                cuts,
                ..Item::of(text.clone())
            },
        );
        assert_eq!(
            from(&address, &LoadOptions::default()).unwrap().0,
            whole,
            "{cuts}"
        );
    }
    // Without an ETag nothing shows that the rest belongs to the same file. An ETag that changes
    // shows that it doesn't.
    let anonymous = Item {
        e_tag: None,
        cuts: 50,
        ..Item::of(text.clone())
    };
    let restless = Item {
        restless: true,
        ..Item::of(text.clone())
    };
    for item in [anonymous, restless] {
        let message = refused(&web.put("/a.csv", item));
        assert!(
            message.contains("broke off") || message.contains("has changed while it was read"),
            "{message}"
        );
    }
}

#[test]
fn nothing_is_fetched_that_nobody_reads() {
    let web = Web::start();
    let text = csv(2_000_000);
    let address = web.put("/a.csv", Item::of(text.clone()));
    let source = open(&address, &LoadOptions::default()).unwrap();
    assert_eq!(source.progress().bytes_total, Some(text.len() as u64));
    drop(source);
    let asked = web.asked();
    assert!(asked[0].bytes <= 64 << 10, "{asked:?}");
    let mut points = Vec::new();
    let mut source = open(&address, &LoadOptions::default()).unwrap();
    let report = load(&mut *source, &mut points, |_| ()).unwrap();
    assert_eq!((report.kept, report.bytes), (2_000_000, text.len() as u64));
}

#[test]
fn a_server_is_asked_whether_something_has_changed() {
    let web = Web::start();
    for no_ranges in [false, true] {
        let item = Item {
            no_ranges,
            ..Item::of(csv(10))
        };
        let address = web.put("/a.csv", item.clone());
        let first = remote_version(&address, None).unwrap();
        assert_eq!(first.as_deref(), Some("\"first\""));
        web.asked();
        assert_eq!(remote_version(&address, first.as_deref()).unwrap(), first);
        let asked = web.asked();
        assert!(asked.iter().all(|asked| asked.status == 304), "{asked:?}");
        web.put(
            "/a.csv",
            Item {
                e_tag: Some("second".into()),
                ..item.clone()
            },
        );
        let second = remote_version(&address, first.as_deref()).unwrap();
        assert_eq!(second.as_deref(), Some("\"second\""));

        let dated = |day: u8| Item {
            e_tag: None,
            modified: Some(format!("Wed, 0{day} Nov 2026 09:00:00 GMT")),
            ..item.clone()
        };
        web.put("/a.csv", dated(4));
        let early = remote_version(&address, None).unwrap();
        assert_eq!(remote_version(&address, early.as_deref()).unwrap(), early);
        let dated = Item {
            modified: Some("Wed, 11 Nov 2026 09:00:00 GMT".into()),
            ..dated(4)
        };
        web.put("/a.csv", dated);
        assert_ne!(remote_version(&address, early.as_deref()).unwrap(), early);
        assert!(early.is_some());
        web.put(
            "/a.csv",
            Item {
                e_tag: None,
                ..item
            },
        );
        assert_eq!(remote_version(&address, None).unwrap(), None);
    }
    assert!(remote_version(&format!("{}/b", web.address), None).is_err());
}

/// A file that is read range by range has all ranges at once, says when a failed read may succeed,
/// and gives nothing more once it has changed.
#[test]
fn ranges_of_a_file_are_of_one_version() {
    let web = Web::start();
    let bytes: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    let address = web.put("/a?sig=s3cret", Item::of(bytes.clone()));
    let file = RemoteFile::open(&address).unwrap();
    assert_eq!((file.size(), web.asked().len()), (300_000, 1));
    let limit = Duration::from_secs(20);
    let ranges = [0..10, 100_000..200_000, 299_990..300_000];
    for (range, read) in ranges.iter().zip(file.read(&ranges, limit)) {
        let expected = &bytes[range.start as usize..range.end as usize];
        assert_eq!(&read.unwrap()[..], expected);
    }
    // The first bytes were there already.
    assert_eq!(web.asked().len(), 2);
    let read = || file.read(std::slice::from_ref(&ranges[1]), limit).remove(0);
    let busy = Item {
        status: Some(429),
        header: "Retry-After: 7\r\n",
        ..Item::default()
    };
    web.put("/a?sig=s3cret", busy);
    let error = read().unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let gone = Item {
        status: Some(404),
        ..Item::default()
    };
    web.put("/a?sig=s3cret", gone);
    assert_eq!(read().unwrap_err().retry_after(), None);
    web.put("/a?sig=s3cret", Item::of(bytes.clone()));
    assert!(read().is_ok());
    let changed = Item {
        e_tag: Some("second".into()),
        ..Item::of(bytes)
    };
    web.put("/a?sig=s3cret", changed);
    for _ in 0..2 {
        let error = read().unwrap_err();
        assert!(error.to_string().contains("has changed") && error.retry_after().is_none());
    }
    assert!(file.changed().load(std::sync::atomic::Ordering::Relaxed));
}
