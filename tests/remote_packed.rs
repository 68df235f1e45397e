//! Packed files and archives of tiles at addresses: answers are those of the file here, with few
//! requests, and what goes wrong on the way is tried again or an error that names the page.

use crate::program::{Server, command, folder, heatsplat};
use crate::web::{Asked, Item, Web};
use heatsplat::{Points, generate};
use heatsplat_heat::{Metadata, WriterOptions, write_index};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes a packed file of random points.
fn pack(folder: &Path, name: &str, count: usize, seed: u64) -> PathBuf {
    let path = folder.join(name);
    let points = Points::from_lon_lat(generate::points(count, seed)).unwrap();
    // As `heatsplat pack` does, so that none is fitted.
    let mut metadata = Metadata::default();
    metadata.radius = Some("9px".to_owned());
    write_index(&points, &path, &metadata, WriterOptions::default()).unwrap();
    path
}

fn item(path: &Path) -> Item {
    Item::of(std::fs::read(path).unwrap())
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until the server prepares nothing more in the background. Returns the requests until then.
fn quiet(web: &Web) -> Vec<Asked> {
    let mut all = Vec::new();
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let more = web.asked();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Asserts that an answer is 503, asks to try again, and names a page of the file but no secret.
fn assert_names_page(answer: &(u16, String, Vec<u8>), why: &str) {
    let body = String::from_utf8_lossy(&answer.2);
    assert_eq!(answer.0, 503, "{body}");
    assert!(answer.1.contains("retry-after: "), "{}", answer.1);
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    let message = value["error"].as_str().unwrap();
    assert!(
        message.starts_with("page ") && message.contains(" of a.heat cannot be read: "),
        "{message}"
    );
    assert!(message.contains(why), "{message}");
    assert!(
        !body.contains("s3cret") && !body.contains("127.0.0.1"),
        "{body}"
    );
}

#[test]
fn an_address_is_served_like_its_file_with_few_requests() {
    let folder = folder("remote-packed");
    let file = pack(&folder, "a.heat", 1_000_000, 3);
    let web = Web::start();
    let address = web.put("/data/a.heat?sig=s3cret", item(&file));
    let here = Server::start(&[text(&file), "--domain", "0,1000"]);
    let there = Server::start(&[&address, "--domain", "0,1000"]);
    let start = web.asked();
    let in_first = |asked: &&Asked| {
        ["=0-0\r", "=0-65535\r"]
            .iter()
            .any(|r| asked.head.contains(r))
    };
    // The file is opened by two requests. Pages may be read already to prepare scales.
    assert_eq!(start.iter().filter(in_first).count(), 2, "{start:?}");
    assert!(start.len() <= 5, "{start:?}");
    // A server that keeps no pages shows what a cold tile takes.
    let cold = Server::start(&[&address, "--domain", "0,1000", "--page-cache", "0"]);
    let points = Points::from_lon_lat(generate::points(1_000_000, 3)).unwrap();
    let (mut most, mut all, mut count) = (0, 0, 0);
    for z in 0..=14 {
        let mut tiles = points.occupied_tiles(z);
        tiles.sort_by(|a, b| b.mass.total_cmp(&a.mass));
        let step = tiles.len().div_ceil(6).max(1);
        for tile in tiles.iter().step_by(step) {
            let path = format!("/a/{z}/{}/{}.png", tile.tile.x(), tile.tile.y());
            quiet(&web);
            let (got, expected) = (cold.get(&path, ""), here.get(&path, ""));
            assert_eq!((got.0, expected.0), (200, 200), "{path}");
            assert!(got.2 == expected.2, "{path}");
            let requests = web.asked().len();
            assert!(there.get(&path, "").2 == expected.2, "{path}");
            web.asked();
            (most, all, count) = (most.max(requests), all + requests, count + 1);
            there.get(&format!("{path}?ramp=magma"), "");
            assert_eq!(web.asked().len(), 0, "{path} is warm");
        }
    }
    println!("{all} requests for {count} tiles, {most} at the most");
    assert!(all >= count, "cold tiles are requested");
    assert!(most <= 16 && all <= 4 * count, "{most} {all} {count}");
    assert!(there.metric("page_reads_total") >= 1.0);
    assert_eq!(there.metric("page_read_failures_total"), 0.0);
    for path in ["/catalog", "/a", "/metrics"] {
        let (_, _, body) = there.get(path, "");
        assert!(!String::from_utf8_lossy(&body).contains("s3cret"), "{path}");
    }
}

#[test]
fn commands_take_packed_files_at_addresses() {
    let folder = folder("remote-packed-commands");
    let file = pack(&folder, "a.heat", 30_000, 8);
    let web = Web::start();
    let address = web.put("/a.heat?sig=s3cret", item(&file));
    let out = |name: &str| folder.join(name);
    for (arguments, name) in [
        ("render --size 300x200", "a.png"),
        ("export --zoom 0-4 --name a", "a.pmtiles"),
        ("pack", "b.heat"),
    ] {
        let results = [text(&file), &address].map(|source| {
            let target = out(name);
            let mut words: Vec<&str> = arguments.split(' ').collect();
            words.extend([source, "-o", text(&target)]);
            let (code, _, errors) = heatsplat(&words);
            assert_eq!(code, 0, "{words:?}: {errors}");
            assert!(!errors.contains("s3cret"), "{errors}");
            let bytes = std::fs::read(&target).unwrap();
            std::fs::remove_file(&target).unwrap();
            bytes
        });
        let same = match name {
            // The metadata name the source.
            "b.heat" => results[0].len().abs_diff(results[1].len()) < 1000,
            _ => results[0] == results[1],
        };
        assert!(same, "{arguments}");
    }
    web.asked();
    let (code, about, errors) = heatsplat(&["info", &address, "--verify"]);
    assert!(code == 0 && about.contains(" 0 faults"), "{about} {errors}");
    assert!(!about.contains("s3cret"), "{about}");
    let pages = web.asked().len();
    assert!(pages < 50, "{pages} requests");
    let mut damaged = std::fs::read(&file).unwrap();
    let end = damaged.len() * 3 / 4;
    damaged[end] ^= 4;
    web.put("/a.heat?sig=s3cret", Item::of(damaged));
    let (code, about, _) = heatsplat(&["info", &address, "--verify"]);
    assert!(
        code == 1 && about.contains(" of a.heat is damaged"),
        "{about}"
    );
}

#[test]
fn s3_has_packed_files_too() {
    let folder = folder("remote-packed-s3");
    let file = pack(&folder, "a.heat", 5_000, 2);
    let web = Web::start();
    web.put("/bucket/folder/a.heat", item(&file));
    let mut command = command(&["info", "s3://bucket/folder/a.heat", "--json"]);
    let output = command
        .env("AWS_ENDPOINT_URL", &web.address)
        .env("AWS_ACCESS_KEY_ID", "AKIDHEAT")
        .env("AWS_SECRET_ACCESS_KEY", "s3cret")
        .output()
        .unwrap();
    let about: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(about["kept"], 5_000);
    let signed = |asked: &Asked| asked.head.contains("credential=akidheat/");
    assert!(web.asked().iter().all(signed));
}

#[test]
fn failed_reads_are_tried_twice_again_and_then_name_the_page() {
    let folder = folder("remote-packed-faults");
    let file = pack(&folder, "a.heat", 300_000, 4);
    let web = Web::start();
    let path = "/a.heat?sig=s3cret";
    let address = web.put(path, item(&file));
    let server = Server::start(&[&address, "--domain", "0,1000", "--page-cache", "0"]);
    let whole = item(&file);
    // Each tile is one that no cache has.
    let mut x = 0;
    let mut tile = || {
        x += 1;
        server.get(&format!("/a/0/0/0.png?radius={}.{x:02}px", 10), "")
    };
    assert_eq!(tile().0, 200);
    for faulty in [
        Item {
            busy: 2,
            ..whole.clone()
        },
        Item {
            cuts: 2,
            ..whole.clone()
        },
        Item {
            resets: 2,
            ..whole.clone()
        },
    ] {
        web.put(path, faulty);
        web.asked();
        let answer = tile();
        assert_eq!(answer.0, 200, "{}", String::from_utf8_lossy(&answer.2));
        let asked = web.asked();
        let bad = |asked: &&Asked| asked.status != 206;
        assert!(asked.len() >= 3, "{asked:?}");
        assert!(asked.iter().filter(bad).count() <= 2, "{asked:?}");
    }
    // What won't get better isn't tried again.
    for status in [403, 404] {
        let gone = Item {
            status: Some(status),
            ..whole.clone()
        };
        web.put(path, gone);
        web.asked();
        assert_names_page(&tile(), &status.to_string());
        let asked = web.asked();
        let places: std::collections::HashSet<_> = asked.iter().map(|a| a.head.clone()).collect();
        assert_eq!(places.len(), asked.len(), "{asked:?}");
    }
    let no_ranges = Item {
        no_ranges: true,
        ..whole.clone()
    };
    web.put(path, no_ranges);
    assert_names_page(&tile(), "with the whole file");
    let broken = Item {
        status: Some(500),
        ..whole.clone()
    };
    web.put(path, broken);
    assert_names_page(&tile(), "500");
    // The server is left alone for a while, and then all is well again.
    web.put(path, whole.clone());
    until("the server is back", || tile().0 == 200);
    assert!(server.metric("page_read_failures_total") >= 4.0);
}

#[test]
fn a_slow_server_holds_neither_its_pictures_nor_others() {
    let folder = folder("remote-packed-slow");
    let file = pack(&folder, "a.heat", 300_000, 4);
    let here = pack(&folder, "b.heat", 10_000, 4);
    let web = Web::start();
    let address = web.put("/a.heat?sig=s3cret", item(&file));
    let deadline = Duration::from_secs(4);
    let server = Server::start(&[
        &address,
        text(&here),
        "--domain",
        "0,1000",
        "--page-cache",
        "0",
        "--draw-deadline",
        "4s",
    ]);
    assert_eq!(server.get("/a/0/0/0.png?radius=9px", "").0, 200);
    let slow = Item {
        pause: Duration::from_secs(60),
        ..item(&file)
    };
    web.put("/a.heat?sig=s3cret", slow);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let ask = |radius: usize| {
            let server = &server;
            move || server.get(&format!("/a/0/0/0.png?radius={radius}px"), "")
        };
        let asking: Vec<_> = (10..14).map(|radius| scope.spawn(ask(radius))).collect();
        // Meanwhile everything else is answered.
        for _ in 0..5 {
            assert_eq!(server.get("/health", "").0, 200);
        }
        for asked in asking {
            let answer = asked.join().unwrap();
            assert!([503, 504].contains(&answer.0), "{}", answer.0);
        }
    });
    // An estimate waits for two seconds at the most, then a picture for its deadline.
    assert!(begun.elapsed() < 2 * deadline, "{:?}", begun.elapsed());
    assert_eq!(server.get("/b/0/0/0.png", "").0, 200);
    let answer = server.get("/a/0/0/0.png?radius=15px", "");
    assert_names_page(&answer, "in time");
}

#[test]
fn a_changed_file_is_opened_again_and_never_mixed() {
    let folder = folder("remote-packed-changed");
    let first = pack(&folder, "a.heat", 200_000, 5);
    let second = pack(&folder, "b.heat", 200_000, 6);
    let web = Web::start();
    let path = "/a.heat?sig=s3cret";
    for tagged in [true, false] {
        let state = |file: &Path, version: &str| {
            let modified = format!("Wed, 21 Oct 2015 07:28:{version} GMT");
            Item {
                e_tag: tagged.then(|| version.to_owned()),
                modified: Some(modified),
                ..item(file)
            }
        };
        let address = web.put(path, state(&first, "01"));
        let server = Server::start(&[&address, "--domain", "0,1000"]);
        let expected = [&first, &second].map(|file| {
            let here = Server::start(&[text(file), "--domain", "0,1000", "--name", "a"]);
            here.get("/a/3/4/2.png", "").2
        });
        assert!(expected[0] != expected[1]);
        // A part of the pages is in the cache when the file is replaced.
        assert_eq!(server.get("/a/0/0/0.png", "").0, 200);
        web.put(path, state(&second, "02"));
        let mut refused = 0;
        until("the second file", || {
            let answer = server.get("/a/3/4/2.png", "");
            match answer.0 {
                200 => {
                    assert!(answer.2 == expected[1], "a mixture");
                    return true;
                }
                _ => assert_names_page(&answer, "has changed"),
            }
            refused += 1;
            false
        });
        assert!(refused > 0);
    }
}

#[test]
fn what_cannot_be_read_by_ranges_is_refused_by_name() {
    let folder = folder("remote-packed-refused");
    let file = pack(&folder, "a.heat", 5_000, 2);
    let web = Web::start();
    let no_ranges = Item {
        no_ranges: true,
        ..item(&file)
    };
    for (item, why) in [
        (no_ranges, "doesn't support ranges"),
        (
            Item {
                status: Some(404),
                ..Item::default()
            },
            "404",
        ),
        (
            Item {
                status: Some(403),
                ..Item::default()
            },
            "403",
        ),
        (Item::of("lon,lat\n1,2\n".repeat(100)), "is no .heat file"),
        (Item::of(""), "the file is empty"),
    ] {
        let address = web.put("/data/a.heat?sig=s3cret", item);
        let address = address.replace("://", "://ann:s3cret@");
        let (code, _, errors) = heatsplat(&["info", &address]);
        assert!(code == 1 && errors.contains(why), "{errors}");
        assert!(
            errors.contains("a.heat") && !errors.contains("s3cret"),
            "{errors}"
        );
    }
    let (code, _, errors) =
        heatsplat(&["info", &format!("{}/a.heat", web.address), "--weight", "a"]);
    assert!(code == 1 && errors.contains("packed file"), "{errors}");
}

#[test]
fn an_archive_of_tiles_at_an_address_is_served_like_its_file() {
    let folder = folder("remote-archive");
    let file = pack(&folder, "a.heat", 20_000, 7);
    let archive = folder.join("a.pmtiles");
    let (code, _, errors) =
        heatsplat(&["export", text(&file), "-o", text(&archive), "--zoom", "0-6"]);
    assert_eq!(code, 0, "{errors}");
    let web = Web::start();
    let path = "/tiles/a.pmtiles?sig=s3cret";
    let address = web.put(path, item(&archive));
    let here = Server::start(&[text(&archive)]);
    let there = Server::start(&[&address]);
    assert!(web.asked().len() <= 5);
    for tile in ["0/0/0", "3/4/2", "6/33/21", "6/0/0"] {
        let url = format!("/a/{tile}.png");
        let (got, expected) = (there.get(&url, ""), here.get(&url, ""));
        assert_eq!((got.0, expected.0), (200, 200), "{tile}");
        assert!(got.2 == expected.2, "{tile}");
        assert!(web.asked().len() <= 2, "{tile}");
    }
    assert_eq!(there.get("/a", "").2, {
        let text = String::from_utf8(here.get("/a", "").2).unwrap();
        text.replace(&here.address, &there.address).into_bytes()
    });
    web.put(
        path,
        Item {
            busy: 2,
            ..item(&archive)
        },
    );
    assert_eq!(there.get("/a/5/17/11.png", "").0, 200);
    web.put(
        path,
        Item {
            status: Some(500),
            ..item(&archive)
        },
    );
    let (status, head, body) = there.get("/a/4/8/5.png", "");
    assert!(status == 503 && head.contains("retry-after"), "{head}");
    assert!(!String::from_utf8_lossy(&body).contains("s3cret"));
    let changed = Item {
        e_tag: Some("second".into()),
        ..item(&archive)
    };
    web.put(path, changed);
    until("the archive is opened again", || {
        there.get("/a/4/8/5.png", "").0 == 200
    });
}
