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

/// The report of a command, as JSON.
fn report(words: &[&str]) -> serde_json::Value {
    let (code, out, errors) = heatsplat(&[words, &["--json"]].concat());
    assert_eq!(code, 0, "{words:?}: {errors}");
    serde_json::from_str(&out).unwrap()
}

/// The file that a command makes of a source; of a pack, its identity.
fn made(command: &str, source: &Path, target: &Path, flags: &[&str]) -> Vec<u8> {
    let mut words: Vec<&str> = command.split(' ').collect();
    words.extend([text(source), "-o", text(target)]);
    words.extend(flags);
    if target.extension().unwrap() == "heat" {
        // The metadata name the source.
        let report = report(&words);
        std::fs::remove_file(target).unwrap();
        return report["identity"].to_string().into_bytes();
    }
    let (code, _, errors) = heatsplat(&words);
    assert_eq!(code, 0, "{words:?}: {errors}");
    let bytes = std::fs::read(target).unwrap();
    std::fs::remove_file(target).unwrap();
    bytes
}

/// Chosen rows of a pack are those of its source: in pictures, tiles, GeoParquet and packs.
#[test]
fn commands_choose_rows_of_packs_as_of_their_sources() {
    let folder = folder("packed-filter-commands");
    let (csv, heat) = files(&folder, "a", 30_000);
    for choice in [
        &["--filter=kind = 'theft' and price < 300"][..],
        &["--filter=east > 100 or id = 867322040000000003"],
        // Of numbers with a point those are left that are whole.
        &["--filter=price in (37, 74, 111)"],
        &["--within=-20.5,-40.25,60.125,50.5"],
        &["--within=150,-60,200,60", "--filter=yes is null"],
    ] {
        for (command, name, of_rows) in [
            ("render --size 300x200", "a.png", false),
            ("render --size 300x200 --by kind", "a.png", false),
            ("export --zoom 0-3 --name a", "a.pmtiles", false),
            ("export", "a.parquet", true),
            ("pack", "b.heat", true),
        ] {
            let target = folder.join(name);
            let kept = [choice, &[KEEP][..]].concat();
            let of_source = if of_rows { &kept } else { choice };
            let wanted = made(command, &csv, &target, of_source);
            let got = made(command, &heat, &target, choice);
            assert!(wanted == got, "{choice:?}: {command}");
        }
        let about = [&csv, &heat].map(|source| {
            let about = report(&[&["info", text(source)], choice].concat());
            ["kept", "filtered", "bounds", "weight_sum"].map(|key| about[key].clone())
        });
        assert_eq!(about[0], about[1]);
        assert!(about[0][0].as_u64().unwrap() > 0, "{choice:?}");
        let dry = ["pack", text(&heat), "-o", "no.heat", "--dry-run"];
        let dry = report(&[&dry, choice].concat());
        assert_eq!(dry["points"], about[1][0]);
    }
    // Flags that need the rows in memory read all of them.
    for flags in [
        "--by kind",
        "--radius-column price",
        "--time at --window 2024-03",
        "--time at --time-step 1d --window 2024-03-02",
    ] {
        let command = format!("render --size 300x200 {flags}");
        let target = folder.join("a.png");
        let wanted = made(&command, &csv, &target, &[]);
        assert!(wanted == made(&command, &heat, &target, &[]), "{flags}");
    }
}

/// Layers of chosen rows of packs answer as those of their sources, filters of requests too.
#[test]
fn servers_choose_rows_of_packs_as_of_their_sources() {
    let folder = folder("packed-filter-serve");
    let (csv, heat) = files(&folder, "a", 20_000);
    let choice = ["--filter=price < 400", "--within=-100,-50,120,60"];
    let memory = Server::start(&[&[text(&csv), KEEP][..], &choice].concat());
    let packed = Server::start(&[&[text(&heat)][..], &choice].concat());
    for path in [
        "1/1/0.png",
        "2/2/1.png?filter=kind%3D%27theft%27",
        "2/2/1.png?time=2024-03",
        "value?lon=13.4&lat=52.5&z=3&rows=5",
        "legend.json?z=4",
    ] {
        let (wanted, got) = (
            memory.get(&format!("/a/{path}"), ""),
            packed.get(&format!("/a/{path}"), ""),
        );
        assert_eq!((got.0, wanted.0), (200, 200), "{path}");
        assert!(wanted.2 == got.2, "{path}");
    }
}

#[test]
fn choices_of_rows_of_packs_that_cannot_be_made_are_refused() {
    let folder = folder("packed-filter-refused");
    let (csv, heat) = files(&folder, "a", 3000);
    let plain = folder.join("plain.heat");
    report(&["pack", text(&csv), "-o", text(&plain)]);
    for (source, filter, why) in [
        (&plain, "kind = 'theft'", "has no columns"),
        (&heat, "colour = 1", "no column \"colour\""),
        (&heat, "at > 5", "\"at\""),
        (&heat, "east > 5000", "leaves out all"),
    ] {
        for command in [&["info"][..], &["pack", "-o", "no.heat"]] {
            let words = [command, &[text(source), "--filter", filter]].concat();
            let (code, _, errors) = heatsplat(&words);
            assert!(code == 1 && errors.contains(why), "{filter}: {errors}");
        }
    }
    // A damaged page is named, and nothing is made of the others.
    let mut bytes = std::fs::read(&heat).unwrap();
    let len = bytes.len();
    bytes[200..len / 2].fill(0x55);
    let broken = folder.join("broken.heat");
    std::fs::write(&broken, bytes).unwrap();
    let made = folder.join("made.heat");
    for command in ["info", "pack"] {
        let mut words = vec![command, text(&broken), "--filter", "price < 300"];
        words.extend(["-o", text(&made)].iter().filter(|_| command == "pack"));
        let (code, _, errors) = heatsplat(&words);
        assert!(
            code == 1 && errors.contains("damaged"),
            "{command}: {errors}"
        );
    }
    assert!(!made.exists());
}

/// The files of `--split` are those of a filter for each value, and together they are the whole.
#[test]
fn a_pack_is_split_by_the_values_of_a_column() {
    let folder = folder("packed-split");
    let (csv, heat) = files(&folder, "a", 30_000);
    let entries = || std::fs::read_dir(&folder).unwrap().count();
    let [parts, one] = ["parts.heat", "one.heat"].map(|name| folder.join(name));
    let words = ["pack", text(&heat), "-o", text(&parts), "--split", "yes"];
    let dry = report(&[&words[..], &["--dry-run"]].concat());
    assert_eq!(entries(), 2, "a dry run writes nothing");
    let made = report(&words);
    let of = |report: &serde_json::Value, member: &str| -> Vec<serde_json::Value> {
        let files = report["files"].as_array().unwrap().iter();
        files.map(|file| file[member].clone()).collect()
    };
    let values = [None, Some("false"), Some("true")];
    assert_eq!(of(&made, "value"), values.map(serde_json::Value::from));
    let names = ["null", "false", "true"];
    let paths = names.map(|name| folder.join(format!("parts-{name}.heat")));
    assert_eq!(of(&made, "file"), paths.each_ref().map(|path| text(path)));
    for member in ["file", "value", "points"] {
        assert_eq!(of(&dry, member), of(&made, member));
    }
    let points = of(&made, "points");
    let points = points.iter().map(|points| points.as_u64().unwrap());
    assert_eq!(points.sum::<u64>(), 30_000);
    assert_eq!(entries(), 2 + 3, "nothing else is left");
    for (name, identity) in names.iter().zip(of(&made, "identity")) {
        let filter = match *name {
            "null" => "yes is null".to_owned(),
            name => format!("yes = {name}"),
        };
        let words = ["pack", text(&csv), "-o", text(&one), KEEP, "--overwrite"];
        let filtered = report(&[&words[..], &["--filter", &filter]].concat());
        assert_eq!(identity, filtered["identity"], "{name}");
        let info = report(&["info", text(&folder.join(format!("parts-{name}.heat")))]);
        assert_eq!(info["kept"], filtered["points"]);
    }
    let mut union = vec!["pack", "-o", text(&one), "--overwrite"];
    union.extend(paths.iter().map(|path| text(path)));
    let all = folder.join("all.heat");
    let whole = report(&["pack", text(&csv), "-o", text(&all), KEEP]);
    assert_eq!(report(&union)["identity"], whole["identity"]);
}

/// Any source is split, of some of its rows too; the memory decides how many files are made at a
/// time.
#[test]
fn sources_are_split_into_files_that_are_made_a_few_at_a_time() {
    let folder = folder("split-sources");
    let (csv, heat) = files(&folder, "a", 20_000);
    let split = |source: &Path, name: &str, memory: &str| {
        let out = folder.join(name);
        let filter = "--filter=east > 0";
        let words = [
            "pack",
            text(source),
            "-o",
            text(&out),
            "--split",
            "KIND",
            KEEP,
        ];
        let made = report(&[&words[..], &["--memory", memory, filter]].concat());
        let files = made["files"].as_array().unwrap().clone();
        let file = |file: serde_json::Value| (file["value"].clone(), file["identity"].clone());
        files.into_iter().map(file).collect::<Vec<_>>()
    };
    let of_source = split(&csv, "b.heat", "1M");
    assert_eq!(of_source.len(), 3);
    assert!(of_source == split(&heat, "c.heat", "1G"));
}

#[test]
fn splits_that_cannot_be_made_are_refused() {
    let folder = folder("split-refused");
    let (csv, heat) = files(&folder, "a", 20_000);
    let out = folder.join("out.heat");
    report(&["pack", text(&heat), "-o", text(&out), "--split", "kind"]);
    let theft = folder.join("out-theft.heat");
    let before = std::fs::read(&theft).unwrap();
    for (source, flags, why) in [
        (text(&heat), "--split kind", "exists"),
        (text(&theft), "--split kind --overwrite", "is a source too"),
        (text(&heat), "--split colour", "no column \"colour\""),
        (text(&csv), "--split colour", "--split"),
        (text(&heat), "--split price", "more than 1000"),
        ("-", "--split kind", "standard input"),
    ] {
        let mut words = vec!["pack", source, "-o", text(&out)];
        words.extend(flags.split(' '));
        let (code, _, errors) = heatsplat(&words);
        assert!(code != 0 && errors.contains(why), "{flags}: {errors}");
    }
    assert!(before == std::fs::read(&theft).unwrap());
    let folders = std::fs::read_dir(&folder).unwrap();
    let partial = |name: &str| name.ends_with(".partial");
    let mut names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names.any(|name| partial(&name)), "nothing is left");
}
