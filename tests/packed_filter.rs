//! `?filter=` on packed files with columns: answers are those of the source in memory, only pages
//! that may have rows are read, and what can't be answered is an error.

use crate::program::{Server, folder, heatsplat};
use heatsplat::generate;
use std::path::{Path, PathBuf};

const KEEP: &str = "--keep=kind,price,at,yes,id,east";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes rows with columns of all kinds as `NAME.csv`, and packs them as `NAME.heat`. Some values
/// are missing. `east` follows the place, so pages differ in it.
fn files(folder: &Path, name: &str, count: usize) -> (PathBuf, PathBuf) {
    let row = |(i, (lon, lat, weight)): (usize, (f64, f64, f32))| {
        let kind = ["theft", "fraud", "", "arson", "007"][i * i % 5];
        let at = format!(
            "2024-{:02}-{:02}T12:{:02}:00Z",
            i % 12 + 1,
            i % 28 + 1,
            i % 60
        );
        let id = 867_322_040_000_000_001 + i % 50;
        let (east, cents) = (format!("{lon:.1}"), i * 37 % 100_000);
        let east = if i % 50 == 0 { "" } else { &east };
        let (whole, rest) = (cents / 100, cents % 100);
        let yes = ["true", "false", ""][i % 3];
        format!("{lon},{lat},{weight},{kind},{whole}.{rest:02},{at},{yes},{id},{east}\n")
    };
    let rows: String = generate::points(count, 4).enumerate().map(row).collect();
    let csv = folder.join(format!("{name}.csv"));
    std::fs::write(
        &csv,
        format!("lon,lat,weight,kind,price,at,yes,id,east\n{rows}"),
    )
    .unwrap();
    let heat = folder.join(format!("{name}.heat"));
    let words = [
        "pack",
        text(&csv),
        "-o",
        text(&heat),
        KEEP,
        "--memory=1M",
        "--counts",
    ];
    let (code, _, errors) = heatsplat(&words);
    assert_eq!(code, 0, "{errors}");
    (csv, heat)
}

fn encoded(filter: &str) -> String {
    filter.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Waits until a server has prepared its scales in the background, and reads no more pages for
/// that.
fn settle(server: &Server) {
    let mut pages = -1.0;
    while pages != server.metric("pages_read_total") {
        pages = server.metric("pages_read_total");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

const FILTERS: [&str; 16] = [
    "kind = 'theft'",
    "kind in ('fraud', 'arson') and at >= 2024-07-01",
    "not (east < 100) or kind is null",
    "east > 0 and east <= 30.5",
    "east between -20 and -10",
    "at < '2024-02-03'",
    "at between 2024-03-01 and 2024-03-15",
    "kind > 'b' and not east is null",
    "kind = 7",
    "kind = '7' or price < 10",
    "price = '12.50' or price > 900",
    "id = 867322040000000003",
    "id in (867322040000000004, 867322040000000005) and yes = true",
    "yes = false and price < 500 or yes is null",
    "east > 170",
    "east = 1234",
];

#[test]
fn filtered_answers_are_those_of_memory() {
    let folder = folder("packed-filter");
    let (csv, heat) = files(&folder, "a", 60_000);
    let memory = Server::start(&[text(&csv), KEEP]);
    let packed = Server::start(&[text(&heat)]);
    let mut different = std::collections::HashSet::new();
    for filter in FILTERS {
        let query = encoded(filter);
        for path in [
            "0/0/0.png?",
            "3/4/2.png?measure=mean&",
            "6/33/21.webp?radius=4px&",
            "2/2/1.png?scale=eq_hist&",
            "map.png?bbox=-20,-40,60,50&width=300&height=200&",
            "legend.json?z=4&",
            "value?lon=13.4&lat=52.5&z=3&",
            "value?lon=13.4&lat=52.5&z=3&rows=5&",
        ] {
            let path = format!("/a/{path}filter={query}");
            let (expected, got) = (memory.get(&path, ""), packed.get(&path, ""));
            let body = String::from_utf8_lossy(&got.2);
            assert_eq!(got.0, expected.0, "{filter}: {path}: {body}");
            assert!(got.2 == expected.2, "{filter}: {path}: {body}");
            if expected.0 == 200 {
                different.insert(got.2);
            }
        }
    }
    assert!(different.len() > 80, "{}", different.len());
    for filter in [
        "colour = 1",
        "kind > 2024-01-01",
        "at = 'x'",
        "price >",
        "price > 2024-01-01",
    ] {
        let path = format!("/a/0/0/0.png?filter={}", encoded(filter));
        let (expected, got) = (memory.get(&path, ""), packed.get(&path, ""));
        let body = String::from_utf8_lossy(&got.2);
        assert_eq!((expected.0, got.0), (400, 400), "{filter}: {body}");
    }
    let attribute = |server: &Server, at: usize| {
        let catalog: serde_json::Value =
            serde_json::from_slice(&server.get("/catalog", "").2).unwrap();
        catalog["layers"][0]["attributes"][at].clone()
    };
    for at in 0..6 {
        let (expected, got) = (attribute(&memory, at), attribute(&packed, at));
        for key in ["name", "type", "nulls", "range"] {
            assert_eq!(got[key], expected[key], "{key}");
        }
        assert!(
            got.get("histogram").is_none() && got.get("values").is_none(),
            "{got}"
        );
    }
}

#[test]
fn only_pages_that_may_have_points_are_read_and_not_too_many_points() {
    let folder = folder("packed-filter-pages");
    let (_, heat) = files(&folder, "a", 200_000);
    let server = Server::start(&[text(&heat), "--filter-limit", "20k", "--domain", "0,1000"]);
    settle(&server);
    let get = |filter: &str| {
        let before = server.metric("pages_read_total");
        let path = format!("/a/0/0/0.png?filter={}", encoded(filter));
        let (status, _, body) = server.get(&path, "");
        let pages = server.metric("pages_read_total") - before;
        (status, pages, String::from_utf8_lossy(&body).into_owned())
    };
    // There are 98 pages of points, and as many of each column.
    let (status, pages, _) = get("east > 175");
    assert!(status == 200 && pages > 0.0 && pages < 70.0, "{pages}");
    assert_eq!(get("east > 175").1, 0.0, "points are selected once");
    let (status, pages, _) = get("east > 999 or kind = 'murder'");
    assert_eq!((status, pages), (200, 0.0));
    let (status, _, body) = get("kind = 'theft'");
    assert_eq!(status, 422, "{body}");
    for word in ["20000 points", "--filter-limit", "filter: "] {
        assert!(body.contains(word), "{body}");
    }
    // What zone maps show already is refused without a page, be it from the file or the cache.
    let hits = server.metric("page_hits_total");
    let (status, pages, body) = get("not at is null");
    let hits = server.metric("page_hits_total") - hits;
    assert_eq!((status, pages, hits), (422, 0.0, 0.0), "{body}");
}

/// A damaged page of a column is a 503 that names it, as often as it is needed, and once the file
/// is whole again the answer is right.
#[test]
fn a_damaged_page_of_a_column_is_an_error_and_nothing_is_kept() {
    let folder = folder("packed-filter-damage");
    let (csv, heat) = files(&folder, "a", 60_000);
    let whole = std::fs::read(&heat).unwrap();
    let start = whole
        .windows(16)
        .position(|at| at.starts_with(b"[{\"name\":\"kind\""))
        .unwrap();
    let table = serde_json::Deserializer::from_slice(&whole[start..]);
    let table: serde_json::Value = table.into_iter().next().unwrap().unwrap();
    let page = table[0]["directories"][0][1].as_u64().unwrap() as usize;
    let mut damaged = whole.clone();
    damaged[page + 40] ^= 1;
    std::fs::write(&heat, &damaged).unwrap();
    let server = Server::start(&[text(&heat)]);
    let memory = Server::start(&[text(&csv), KEEP]);
    let path = format!("/a/0/0/0.png?filter={}", encoded("kind = 'theft'"));
    for _ in 0..2 {
        let (status, _, body) = server.get(&path, "");
        let body = String::from_utf8_lossy(&body);
        assert_eq!(status, 503, "{body}");
        assert!(body.contains("of a.heat is damaged"), "{body}");
    }
    // Other columns, and all points, don't need it.
    let other = format!("/a/0/0/0.png?filter={}", encoded("east > 170"));
    for path in ["/a/0/0/0.png", &other] {
        let (expected, got) = (memory.get(path, ""), server.get(path, ""));
        assert!(got.0 == 200 && got.2 == expected.2, "{path}");
    }
    use std::io::{Seek as _, SeekFrom, Write as _};
    let mut file = std::fs::OpenOptions::new().write(true).open(&heat).unwrap();
    file.seek(SeekFrom::Start(page as u64)).unwrap();
    file.write_all(&whole[page..page + 64]).unwrap();
    let (expected, got) = (memory.get(&path, ""), server.get(&path, ""));
    assert!(got.0 == 200 && got.2 == expected.2);
}

#[cfg(feature = "remote")]
#[test]
fn a_file_at_an_address_is_filtered_by_few_requests() {
    let folder = folder("packed-filter-remote");
    let (_, heat) = files(&folder, "a", 200_000);
    use crate::web::{Item, Web};
    let web = Web::start();
    let address = web.put("/a.heat", Item::of(std::fs::read(&heat).unwrap()));
    let here = Server::start(&[text(&heat)]);
    let there = Server::start(&[&address]);
    settle(&there);
    for filter in [
        "east > 175",
        "kind = 'theft' and price < 100",
        "at >= 2024-06-01",
    ] {
        web.asked();
        let path = format!("/a/0/0/0.png?domain=0,100&filter={}", encoded(filter));
        let (expected, got) = (here.get(&path, ""), there.get(&path, ""));
        assert_eq!(
            (expected.0, got.0),
            (200, 200),
            "{}",
            String::from_utf8_lossy(&got.2)
        );
        assert!(expected.2 == got.2, "{filter}");
        let requests = web.asked().len();
        assert!(requests > 0 && requests <= 24, "{filter}: {requests}");
    }
}
