//! Packed files, `.heat`, as sources of the commands: answers are those of the source in memory,
//! and damaged files give errors and no wrong pictures.

use crate::program::{Server, folder, heatsplat};
use heatsplat::points::TileWeight;
use heatsplat::{Points, generate};
use heatsplat_heat::{Metadata, WriterOptions, write_index};
use std::path::{Path, PathBuf};

/// The number of tiles of each zoom that are compared.
const TILES: usize = 60;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes points as `NAME.csv` and `NAME.heat`. Returns both paths, and the points.
fn files(folder: &Path, name: &str, count: usize, seed: u64) -> (PathBuf, PathBuf, Points) {
    let rows: Vec<(f64, f64, f32)> = generate::points(count, seed).collect();
    let lines = rows.iter().map(|(x, y, w)| format!("{x},{y},{w}\n"));
    let csv = folder.join(format!("{name}.csv"));
    let header = std::iter::once("lon,lat,weight\n".to_owned());
    std::fs::write(&csv, header.chain(lines).collect::<String>()).unwrap();
    let points = Points::from_lon_lat(rows).unwrap();
    let heat = folder.join(format!("{name}.heat"));
    pack(&points, &heat, 2048);
    (csv, heat, points)
}

fn pack(points: &Points, to: &Path, page_entries: u32) {
    let mut metadata = Metadata::default();
    let sources = serde_json::json!([{ "weight": "weight" }]);
    metadata.other.insert("sources".to_owned(), sources);
    let mut options = WriterOptions::default();
    options.page_entries = page_entries;
    write_index(points, to, &metadata, options).unwrap();
}

/// The addresses of some tiles of each zoom up to 10: half of them dense ones.
fn addresses(points: &Points) -> Vec<String> {
    let mut all = Vec::new();
    for z in 0..=10 {
        let mut tiles = points.occupied_tiles(z);
        tiles.sort_by(|a, b| b.mass.total_cmp(&a.mass));
        let step = tiles.len().div_ceil(TILES / 2).max(1);
        let even = tiles.iter().step_by(step);
        let address = |t: &TileWeight| format!("{z}/{}/{}", t.tile.x(), t.tile.y());
        let chosen = tiles.iter().take(TILES / 2).chain(even);
        all.extend(chosen.map(address));
    }
    all
}

#[test]
fn every_answer_is_that_of_the_source_in_memory() {
    let folder = folder("packed-same");
    let (csv, heat, points) = files(&folder, "a", 200_000, 3);
    let memory = Server::start(&[text(&csv)]);
    let packed = Server::start(&[text(&heat), "--page-cache", "4M"]);
    let same = |path: &str| {
        let (expected, got) = (memory.get(path, ""), packed.get(path, ""));
        assert_eq!(
            (got.0, expected.0),
            (200, 200),
            "{path}: {}",
            String::from_utf8_lossy(&got.2)
        );
        assert!(got.2 == expected.2, "{path}");
    };
    let addresses = addresses(&points);
    assert!(addresses.len() > 400, "{}", addresses.len());
    for (i, address) in addresses.iter().enumerate() {
        let style = [
            "",
            "?radius=1.5px",
            "?kernel=uniform&radius=9px",
            "?scale=eq_hist",
            "?kernel=pixel",
        ][i % 5];
        same(&format!("/a/{address}.png{style}"));
    }
    same("/a/map.png?bbox=-20,-40,60,50&width=300&height=200");
    same("/a/legend.json?z=4");
    let value = |server: &Server| server.get("/a/value?lon=13.4&lat=52.5&z=6", "").2;
    assert_eq!(value(&packed), value(&memory));
    let (_, _, catalog) = packed.get("/catalog", "");
    let catalog: serde_json::Value = serde_json::from_slice(&catalog).unwrap();
    let (_, _, expected) = memory.get("/catalog", "");
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    for key in ["bounds", "view", "style", "points"] {
        assert_eq!(
            catalog["layers"][0][key], expected["layers"][0][key],
            "{key}"
        );
    }
    let metrics = packed.get("/metrics", "").2;
    let metrics = String::from_utf8(metrics).unwrap();
    let count = |name: &str| -> f64 {
        let line = metrics.lines().find(|line| {
            let before = line.split_once(' ').map_or("", |(before, _)| before);
            before.ends_with(name)
        });
        let number = line.and_then(|line| line.split_once(' '));
        number
            .unwrap_or_else(|| panic!("{name}: {metrics}"))
            .1
            .parse()
            .unwrap()
    };
    assert!(count("pages_read_total") > 50.0 && count("page_hits_total") > 50.0);
    assert!(count("page_bytes_total") > 100_000.0 && count("page_cache_bytes") <= 4_194_304.0);
    assert_eq!(count("page_crc_failures_total"), 0.0);
}

#[test]
fn files_of_one_content_share_etags_and_a_replaced_file_is_a_new_state() {
    let folder = folder("packed-etag");
    let (_, a, points) = files(&folder, "a", 20_000, 5);
    let (_, other, _) = files(&folder, "b", 20_000, 6);
    let coarse = folder.join("coarse");
    std::fs::create_dir(&coarse).unwrap();
    let coarse = coarse.join("a.heat");
    pack(&points, &coarse, 128);
    assert_ne!(std::fs::read(&a).unwrap(), std::fs::read(&coarse).unwrap());
    let etag = |server: &Server| {
        let (status, head, _) = server.get("/a/2/1/1.png", "");
        assert_eq!(status, 200);
        let etag = head.lines().find_map(|line| line.strip_prefix("etag: "));
        etag.unwrap().to_owned()
    };
    let server = Server::start(&[text(&a), "--watch"]);
    let before = etag(&server);
    assert_eq!(etag(&Server::start(&[text(&coarse)])), before);
    std::fs::rename(&other, &a).unwrap();
    let start = std::time::Instant::now();
    while etag(&server) == before {
        assert!(start.elapsed().as_secs() < 60, "the new file is not served");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Counts and means of a file that was packed with `--counts` are those of memory, whatever the
/// weights are: of one sign or both, all there or some missing.
#[test]
fn counts_and_means_are_those_of_the_source_in_memory() {
    let folder = folder("packed-counts");
    for (name, least, missing) in [("a", 0.0, 0), ("b", 3.0, 0), ("c", 0.0, 3), ("d", 3.0, 7)] {
        let rows = generate::points(60_000, 5).collect::<Vec<_>>().into_iter();
        let lines = rows
            .enumerate()
            .map(|(i, (x, y, w))| match i % 10 < missing {
                true => format!("{x},{y},\n"),
                false => format!("{x},{y},{}\n", w - least),
            });
        let csv = folder.join(format!("{name}.csv"));
        let header = std::iter::once("lon,lat,weight\n".to_owned());
        std::fs::write(&csv, header.chain(lines).collect::<String>()).unwrap();
        let heat = folder.join(format!("{name}.heat"));
        let words = [
            "pack",
            text(&csv),
            "-o",
            text(&heat),
            "--counts",
            "--memory=1M",
        ];
        let (code, _, errors) = heatsplat(&words);
        assert_eq!(code, 0, "{errors}");
        let (code, out, _) = heatsplat(&["info", text(&heat), "--verify"]);
        assert!(code == 0, "{out}");
        let servers = [&csv, &heat].map(|path| Server::start(&[text(path), "--radius", "9"]));
        for z in 0..=9 {
            let (x, y) = ((1 << z) / 2, (1 << z) / 3);
            for measure in ["count", "mean", "count_per_km2", "sum"] {
                let path = format!("/{name}/{z}/{x}/{y}.png?measure={measure}");
                let [expected, got] = servers.each_ref().map(|server| server.get(&path, ""));
                assert_eq!((expected.0, got.0), (200, 200), "{path}");
                assert!(expected.2 == got.2, "{path}");
            }
        }
        let value = format!("/{name}/value?lon=13.4&lat=52.5&z=6&measure=mean");
        assert_eq!(servers[0].get(&value, "").2, servers[1].get(&value, "").2);
    }
}

#[test]
fn commands_take_packed_files() {
    let folder = folder("packed-commands");
    let (csv, heat, _) = files(&folder, "a", 30_000, 8);
    let out = |name: &str| folder.join(name);
    for (command, rest) in [
        ("render", "--size 300x200"),
        ("export", "--zoom 0-4 --name a"),
    ] {
        let ending = if command == "render" {
            "png"
        } else {
            "pmtiles"
        };
        let results = [&csv, &heat].map(|source| {
            let kind = source.extension().unwrap().to_string_lossy().into_owned();
            let target = out(&format!("{kind}.{ending}"));
            let mut words = vec![command, text(source), "-o", text(&target)];
            words.extend(rest.split(' '));
            let (code, _, errors) = heatsplat(&words);
            assert_eq!(code, 0, "{words:?}: {errors}");
            std::fs::read(target).unwrap()
        });
        assert!(results[0] == results[1], "{command}");
    }
    let (code, about, errors) = heatsplat(&["info", text(&heat), "--json"]);
    assert_eq!(code, 0, "{errors}");
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    assert_eq!(about["kept"], 30_000);
    let (code, about, _) = heatsplat(&["info", text(&heat)]);
    assert!(code == 0 && about.contains("30,000 points in"), "{about}");
    for flags in [
        "--filter weight>1",
        "--by kind",
        "--keep kind",
        "--radius-column r",
    ] {
        let mut words = vec!["info", text(&heat)];
        words.extend(flags.split(' '));
        let (code, _, errors) = heatsplat(&words);
        let flag = flags.split(' ').next().unwrap();
        assert!(code == 1 && errors.contains(flag), "{flags}: {errors}");
        assert!(errors.contains("packed file"), "{flags}: {errors}");
    }
    let (code, _, errors) = heatsplat(&["render", text(&heat), "-o", "-", "--measure", "mean"]);
    assert!(
        code == 1 && errors.contains("measure=mean counts points"),
        "{errors}"
    );
    let server = Server::start(&[text(&heat)]);
    for query in ["measure=count", "filter=weight%3E1"] {
        let (status, _, body) = server.get(&format!("/a/1/1/1.png?{query}"), "");
        let body = String::from_utf8(body).unwrap();
        assert_eq!(status, 400, "{query}: {body}");
        let word = ["counts points", "has no columns"][usize::from(query.starts_with("filter"))];
        assert!(body.contains(word), "{query}: {body}");
    }
}

#[test]
fn damaged_files_give_errors_and_no_pictures() {
    let folder = folder("packed-damage");
    let (csv, heat, _) = files(&folder, "a", 50_000, 9);
    let mut bytes = std::fs::read(&heat).unwrap();
    bytes[1 << 16..]
        .iter_mut()
        .step_by(200)
        .for_each(|byte| *byte ^= 0x40);
    let damaged = folder.join("damaged.heat");
    std::fs::write(&damaged, &bytes).unwrap();
    let picture = folder.join("a.png");
    for radius in [&[][..], &["--radius", "9px"]] {
        let words = [&["render", text(&damaged), "-o", text(&picture)], radius].concat();
        let (code, _, errors) = heatsplat(&words);
        assert_eq!(code, 1, "{errors}");
        assert!(errors.contains("of damaged.heat is damaged"), "{errors}");
        assert!(!picture.exists());
    }
    let export = folder.join("a.pmtiles");
    let words = [
        "export",
        text(&damaged),
        "-o",
        text(&export),
        "--zoom",
        "0-3",
        "--radius",
        "9px",
    ];
    let (code, _, errors) = heatsplat(&words);
    assert!(
        code == 1 && errors.contains("of damaged.heat is damaged"),
        "{errors}"
    );
    assert!(!export.exists());
    let server = Server::start(&[text(&damaged), text(&csv), "--radius", "9px"]);
    for _ in 0..2 {
        let (status, _, body) = server.get("/damaged/0/0/0.png", "");
        let body = String::from_utf8_lossy(&body);
        assert_eq!(status, 503, "{body}");
        assert!(body.contains("of damaged.heat is damaged"), "{body}");
        assert_eq!(server.get("/a/0/0/0.png", "").0, 200);
    }
    let metrics = String::from_utf8(server.get("/metrics", "").2).unwrap();
    let counted = |line: &str| line.contains("crc_failures_total") && !line.ends_with(" 0");
    assert!(metrics.lines().any(counted), "{metrics}");
    // A file that was cut short is refused when it is opened.
    std::fs::write(&damaged, &bytes[..bytes.len() - 1]).unwrap();
    let (code, _, errors) = heatsplat(&["info", text(&damaged)]);
    assert!(
        code == 1 && errors.contains("was cut or replaced"),
        "{errors}"
    );
}
