use crate::compare::decode_png;
use crate::program::{Server, folder, heatsplat};
use serde_json::Value;

const CITIES: &str = "examples/cities.csv.gz";

#[test]
fn info_counts_what_a_file_holds() {
    let (code, out, _) = heatsplat(&["info", CITIES, "--json"]);
    assert_eq!(code, 0);
    let info: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(info["rows"], 195_940);
    assert_eq!(info["kept"], 195_940);
    assert_eq!(info["weight_sum"], 4_454_976_635.0);
    assert_eq!(info["bounds"].as_array().unwrap().len(), 4);
    assert!(
        info["skipped"].is_object() && info["columns"].is_object() && info["seconds"].is_number()
    );
}

#[test]
fn bad_rows_are_counted_by_reason_and_leave_the_others_alone() {
    let dir = folder("rows");
    let file = dir.join("rows.csv");
    let rows = "lon,lat,weight\n1,2,3\n,2,1\n5,95,1\n5,86,1\n5,6,NaN\nabc,1,1\n7,8,\n0,0,2\n";
    std::fs::write(&file, rows).unwrap();
    let file = file.to_str().unwrap();
    let (code, out, _) = heatsplat(&["info", file, "--json", "--weight", "weight"]);
    let info: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &info["rows"], &info["kept"]),
        (0, &8.into(), &3.into())
    );
    for (reason, count) in [
        ("no position", 1),
        ("bad position", 2),
        ("outside", 1),
        ("bad weight", 1),
    ] {
        assert_eq!(info["skipped"][reason], count, "{reason}: {out}");
    }
    assert_eq!(info["weight_sum"], 5.0);
    let (code, _, err) = heatsplat(&["info", file, "--strict"]);
    assert!(code == 1 && err.contains("line 3"), "{code} {err}");
}

#[test]
fn quotes_and_encodings_are_found_or_said() {
    let dir = folder("quotes");
    let info = |name: &str, content: &[u8], more: &[&str]| {
        let file = dir.join(name);
        std::fs::write(&file, content).unwrap();
        let args = [&["info", file.to_str().unwrap(), "--json"], more].concat();
        let (code, out, err) = heatsplat(&args);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let stray = b"lon\tlat\tname\n1\t2\t\"NSG Aue\n3\t4\tb\n5\t6\tTeiche\"\n";
    let found = info("a.tsv", stray, &[]);
    assert_eq!(found["kept"], 3);
    let note = found["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("1 stray quote taken as text in 1 row, on line 2"),
        "{note}"
    );
    assert_eq!(info("a.tsv", stray, &["--quote", "none"])["kept"], 3);
    assert_eq!(info("a.tsv", stray, &["--quote", "\""])["kept"], 1);
    let latin1 = b"lon,lat,ort\n1,2,K\xf6ln\n3,4,Bonn\n";
    for more in [
        &["--filter", "ort = 'Köln'"][..],
        &["--filter", "ort = 'Köln'", "--encoding", "latin1"],
    ] {
        assert_eq!(info("b.csv", latin1, more)["kept"], 1, "{more:?}");
    }
    let (code, _, err) = heatsplat(&["info", "b.csv", "--encoding", "klingon"]);
    assert!(code == 2 && err.contains("unknown encoding"), "{err}");
}

#[test]
fn what_a_filter_can_not_compare_is_told() {
    let file = folder("dates").join("dates.csv");
    let rows = "date,lat,lon,weight\n01/15/2024,10,20,1\n06/15/2024 03:00:00 PM,10,20,2\n\
        2024-06-20,10,20,4\n";
    std::fs::write(&file, rows).unwrap();
    let info = |more: &[&str]| heatsplat(&[&["info", file.to_str().unwrap()], more].concat());
    let says = "2 values of date are no dates that are understood, e.g. \"01/15/2024\"";
    let (code, out, _) = info(&["--filter", "date >= 2024-06-01"]);
    assert!(code == 0 && out.contains(says), "{out}");
    let (_, out, _) = info(&["--filter", "date >= 2024-06-01", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["uncompared"][0]["count"], 2, "{out}");
    assert_eq!(json["uncompared"][0]["why"], "no date", "{out}");
    let (code, _, err) = info(&["--filter", "date < 2024-06-01"]);
    assert!(code == 1 && err.contains(says), "{code} {err}");
    let american = [
        "--filter",
        "date >= 2024-06-01",
        "--time-format",
        "%m/%d/%Y",
    ];
    let (_, out, _) = info(&[&american[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["weight_sum"], 6.0, "{out}");
    assert_eq!(json["uncompared"], serde_json::json!([]), "{out}");
    let (code, _, err) = info(&["--time-format", "%d.%m"]);
    assert!(
        code == 2 && err.contains("day, month and year"),
        "{code} {err}"
    );
    let (_, help, _) = heatsplat(&["info", "--help"]);
    assert!(help.contains("--time-format <FORMAT>") && help.contains("docs/filters.md"));
}

#[test]
fn kinds_of_points_have_colours_of_their_own() {
    let dir = folder("kinds");
    let (file, out) = (dir.join("kinds.csv"), dir.join("map.png"));
    let rows = "lon,lat,kind\n-20,0,a\n-20,0,a\n-20,0,a\n20,0,b\n20,0,b\n";
    std::fs::write(&file, rows).unwrap();
    let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
    let picture = [
        "render",
        file,
        "-o",
        out,
        "--bbox=-40,-20,40,20",
        "--size",
        "400x200",
    ];
    let (code, _, err) = heatsplat(&[&picture[..], &["--by", "kind", "--opacity", "0:1"]].concat());
    assert_eq!(code, 0, "{err}");
    let drawn = decode_png(&std::fs::read(out).unwrap());
    let at = |x, y| drawn.get_pixel(x, y).0;
    // The first colour is at the left point, the second colour at the right point, and there is
    // none between them.
    let [a, b, between] = [at(100, 100), at(300, 100), at(200, 100)];
    assert!(
        a[3] == 255 && b[3] == 255 && a[..3] != b[..3],
        "{a:?} {b:?}"
    );
    assert_eq!(between[3], 0);
    let (code, _, err) = heatsplat(&[&picture[..], &["--by", "nosuch"]].concat());
    assert!(code == 1 && err.contains("nosuch"), "{code} {err}");
}

#[test]
fn isolines_are_drawn_over_the_colours_or_alone() {
    let dir = folder("isolines");
    let out = dir.join("lines.png");
    let out = out.to_str().unwrap();
    let seen = |more: &[&str]| {
        let europe = [
            "render",
            CITIES,
            "-o",
            out,
            "--bbox=-10,35,30,60",
            "--size",
            "320x240",
            "--radius",
            "16px",
        ];
        let (code, _, err) = heatsplat(&[&europe[..], more].concat());
        assert_eq!(code, 0, "{err}");
        let drawn = decode_png(&std::fs::read(out).unwrap());
        drawn.pixels().filter(|p| p.0[3] > 0).count()
    };
    let (plain, over, alone) = (
        seen(&[]),
        seen(&["--isolines", "6"]),
        seen(&["--isolines", "6", "--opacity", "0"]),
    );
    assert!(
        over >= plain && alone > 500 && alone < plain / 2,
        "{plain} {over} {alone}"
    );
}

#[test]
fn render_writes_a_whole_picture_or_none() {
    let dir = folder("render");
    let path = dir.join("map.png");
    let out = path.to_str().unwrap();
    let (code, _, err) = heatsplat(&[
        "render",
        CITIES,
        "-o",
        out,
        "--bbox",
        "-10,35,30,60",
        "--size",
        "320x240",
    ]);
    assert_eq!(code, 0, "{err}");
    let picture = decode_png(&std::fs::read(&path).unwrap());
    assert_eq!(picture.dimensions(), (320, 240));
    let lit = picture.pixels().filter(|p| p.0[3] > 100).count();
    assert!(lit > 20_000, "Europe is not empty: {lit}");
    let (code, _, _) = heatsplat(&[
        "render",
        "no-such-file.csv",
        "-o",
        dir.join("none.png").to_str().unwrap(),
    ]);
    assert_eq!(code, 1);
    assert_eq!(
        std::fs::read_dir(&dir).unwrap().count(),
        1,
        "nothing half done is left behind"
    );
}

#[test]
fn mistakes_are_explained() {
    let dir = folder("mistakes");
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let columns = file("columns.csv", "name,size\na,1\n");
    let empty = file("empty.csv", "");
    let bad = file("bad.csv", "lon,lat\nx,y\nq,r\n");
    let odd = file("picture.xyz", "\u{1}\0\0\u{7f}binary\0");
    let folder_path = dir.to_str().unwrap();
    let map = dir.join("m.png");
    let map = map.to_str().unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["info", "no/such/file.csv"], 1, "no/such/file.csv"),
        (&["info", folder_path], 1, "directory"),
        (&["info", &columns], 1, "\"name\", \"size\""),
        (&["info", &empty], 1, "empty"),
        (&["info", &bad], 1, "2"),
        (&["info", &odd], 1, "no text; expected CSV"),
        (&["info", CITIES, "--weight", "nosuch"], 1, "population"),
        (
            &["render", CITIES, "-o", map, "--bbox", "30,35,-10,60"],
            2,
            "inside out",
        ),
        (
            &["render", CITIES, "-o", map, "--bbox", "NaN,35,-10,60"],
            2,
            "bbox",
        ),
        (&["render", CITIES, "-o", map, "--size", "0x0"], 2, "size"),
        (
            &["render", CITIES, "-o", map, "--ramp", "nosuch"],
            2,
            "inferno",
        ),
        (&["render", CITIES, "-o", map, "--radius=-3"], 2, "radius"),
        (&["render", CITIES, "-o", map, "--by", "nosuch"], 1, "--by:"),
        (
            &["render", CITIES, "-o", map, "--bbox", "170,-10,-170,10"],
            2,
            "170,-10,190,10",
        ),
        (
            &["render", CITIES, "-o", map, "--size", "200000x20"],
            2,
            "at most 16384 pixels",
        ),
        (
            &["render", CITIES, "-o", map, "--domain", "40,10"],
            2,
            "lower end must come first",
        ),
        (
            &["export", CITIES, "-o", "m.pmtiles", "--zoom", "10-0"],
            2,
            "lower zoom must come first",
        ),
        (
            &["render", CITIES, "-o", map, "--mapnik-style", "no/map.xml"],
            1,
            "no/map.xml: there is no such file",
        ),
        (&["bench", "--points", "0"], 2, "at least 1"),
        (
            &[
                "render",
                "examples/quakes.csv",
                "-o",
                map,
                "--radius-column",
                "time",
            ],
            1,
            "holds no radii",
        ),
        (
            &[
                "export",
                CITIES,
                "-o",
                "postgres://heat:secret@host/gis",
                "--zoom",
                "0-1",
            ],
            2,
            "--output: expected postgres://user@host/database?table=NAME",
        ),
        (
            &["info", "postgres://heat:sec@ret@host/gis", "--table", "a"],
            1,
            "%40",
        ),
        (&["frobnicate"], 2, "frobnicate"),
        (&[], 2, "serve"),
    ];
    for (arguments, expected, hint) in cases {
        let (code, _, err) = heatsplat(arguments);
        assert_eq!(code, *expected, "{arguments:?}: {err}");
        assert!(
            err.contains(hint),
            "{arguments:?} should mention {hint}: {err}"
        );
        assert!(!err.contains("panicked"), "{err}");
        assert!(!err.contains("os error"), "{err}");
    }
}

#[test]
fn made_up_points_are_always_the_same_and_go_through_a_pipe() {
    let dir = folder("generate");
    let path = dir.join("points.csv");
    let (code, _, err) = heatsplat(&["generate", "5000", "-o", path.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let (_, out, _) = heatsplat(&["generate", "5000"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), out);
    let (code, info, _) = heatsplat(&["info", path.to_str().unwrap(), "--json"]);
    let info: Value = serde_json::from_str(&info).unwrap();
    assert_eq!((code, &info["kept"]), (0, &5000.into()));
}

#[test]
fn ramps_are_listed() {
    let (code, out, _) = heatsplat(&["ramps"]);
    assert!(
        code == 0
            && ["inferno", "cividis", "ember", "ink"]
                .iter()
                .all(|n| out.contains(n)),
        "{out}"
    );
}

#[test]
fn bench_tells_each_stage_as_json() {
    let flags = [
        "--points",
        "3000",
        "--seconds",
        "0.02",
        "--tile",
        "0/0/0",
        "--tile",
        "3/4/2",
    ];
    let (code, out, err) = heatsplat(&[&["bench", "--json", "-"][..], &flags].concat());
    assert_eq!(code, 0, "{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&told["points"], told["style"]["kernel"].as_str()),
        (&3000.into(), Some("gaussian"))
    );
    assert!(told["machine"]["cores"].as_u64().unwrap() > 0, "{out}");
    let cpu = told["backends"]
        .as_array()
        .unwrap()
        .iter()
        .find(|b| b["name"] == "cpu")
        .unwrap();
    let tiles = cpu["tiles"].as_array().unwrap();
    let kinds: Vec<_> = tiles.iter().map(|tile| tile["kind"].clone()).collect();
    assert_eq!(kinds, ["0/0/0", "3/4/2"]);
    for stage in ["find", "deposit", "convolve", "scale", "encode"] {
        assert!(
            tiles[0]["stages_ms"][stage].as_f64().unwrap() > 0.0,
            "{stage}: {out}"
        );
    }
    assert!(
        cpu.get("adapter").is_none() && tiles[0].get("drawn_by").is_none(),
        "{out}"
    );
    assert!(cpu["load"]["cores"].as_f64().unwrap() > 0.0, "{out}");
    let last = err.trim_end().lines().last().unwrap();
    assert!(last.starts_with("  bottleneck: "), "{err}");
    assert_eq!(err.lines().find(|line| line.chars().count() > 80), None);
    let wall = &tiles[0]["wall_ms"];
    let [low, median, high] = ["low", "median", "high"].map(|name| wall[name].as_f64().unwrap());
    assert!(0.0 < low && low <= median && median <= high, "{out}");
}

#[test]
fn bench_draws_several_styles_forms_and_sizes() {
    let flags = [
        "bench",
        "--json",
        "-",
        "--points",
        "2000",
        "--seconds",
        "0.02",
        "--backend",
        "cpu",
        "--window",
        "300x200",
        "--threads",
        "2",
        "--format",
        "none",
        "--also",
        "kernel=quartic radius=9",
    ];
    let (code, out, err) = heatsplat(&flags);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["format"], "none");
    assert_eq!(report["style"]["kernel"], "gaussian");
    let other = &report["more_styles"][0];
    assert_eq!(other["style"]["kernel"], "quartic");
    for backends in [&report["backends"], &other["backends"]] {
        let row = &backends[0]["tiles"][0];
        assert_eq!(backends[0]["threads"], 2);
        assert_eq!(
            (row["kind"].as_str(), row["bytes"].as_u64()),
            (Some("300x200"), Some(60_000))
        );
        assert!(row["stages_ms"].get("encode").is_none(), "{row}");
    }
    let (code, _, err) = heatsplat(&["bench", "--points", "9", "--also", "kernel=no"]);
    assert!(code != 0 && err.contains("--also"), "{err}");
}

/// Rows at exactly 0,0 are probably rows without a position. The program names the filter that
/// leaves them out, and the filter does.
#[test]
fn rows_at_0_0_are_named_with_their_cure() {
    let dir = folder("null-island");
    let file = dir.join("rows.csv");
    std::fs::write(&file, "lon dd,lat dd\n1,2\n0,0\n3,4\n").unwrap();
    let (file, map) = (file.to_str().unwrap(), dir.join("m.png"));
    let render = ["render", file, "-o", map.to_str().unwrap()];
    let (code, _, err) = heatsplat(&render);
    let cure = "\"lat dd\" <> 0";
    assert!(
        code == 0 && err.contains(&format!("--filter '{cure}'")),
        "{err}"
    );
    let (code, _, err) = heatsplat(&[&render[..], &["--filter", cure]].concat());
    assert!(code == 0 && !err.contains("0,0"), "{err}");
}

/// Without `--radius` the radius follows the distances between the points. The style that the
/// server shows has it in full, a reload doesn't change it, and a difference has that of its first
/// layer.
#[test]
fn a_radius_that_is_not_given_is_fitted_once() {
    let dir = folder("fitted-radius");
    let file = dir.join("rows.csv");
    let field = |count: u32| {
        let rows = (0..count).map(|i| format!("{},{}\n", i % 40, i / 40));
        format!("lon,lat\n{}", rows.collect::<String>())
    };
    std::fs::write(&file, field(1600)).unwrap();
    let name = file.to_str().unwrap();
    let other = dir.join("other.csv");
    std::fs::write(&other, "lon,lat\n1,2\n").unwrap();
    let other = other.to_str().unwrap();
    let server = Server::start(&["--watch", name, other, "--derive", "change = other - rows"]);
    let catalog = || -> Value {
        let (status, _, body) = server.get("/catalog", "");
        assert_eq!(status, 200);
        serde_json::from_slice(&body).unwrap()
    };
    let layer = |id: &str| {
        let catalog = catalog();
        let layers = catalog["layers"].as_array().unwrap();
        layers.iter().find(|l| l["id"] == id).unwrap().clone()
    };
    let radius = |id: &str| layer(id)["style"]["radius"].as_str().unwrap().to_owned();
    let fitted = radius("rows");
    assert!(fitted.contains(':') && fitted.ends_with("24px"), "{fitted}");
    assert_eq!(
        (radius("other"), radius("change")),
        ("24px".into(), "24px".into())
    );
    std::fs::write(dir.join("new"), field(1)).unwrap();
    std::fs::rename(dir.join("new"), &file).unwrap();
    let started = std::time::Instant::now();
    while layer("rows")["points"] != 1 {
        assert!(started.elapsed().as_secs() < 30);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(radius("rows"), fitted);
}

/// Title, legend, scale bar and attribution stand in the corners of a picture, and change nothing
/// else in it. Densities have none.
#[test]
fn captions_stand_in_the_corners_of_a_picture() {
    let dir = folder("captions");
    let out = dir.join("m.png");
    let out = out.to_str().unwrap();
    let drawn = |more: &[&str]| {
        let europe = [
            "render",
            CITIES,
            "-o",
            out,
            "--bbox=-10,35,30,60",
            "--size",
            "640x600",
            "--background",
            "#101418",
        ];
        let (code, _, err) = heatsplat(&[&europe[..], more].concat());
        assert!(code == 0 && err.contains("640 × 600 pixels"), "{err}");
        decode_png(&std::fs::read(out).unwrap())
    };
    let captions = [
        "--title",
        "Where people live",
        "--legend",
        "--scalebar",
        "--attribution",
        "© GeoNames",
    ];
    let (plain, captioned) = (drawn(&[]), drawn(&captions));
    let changed = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
        let all = y.flat_map(|y| x.clone().map(move |x| (x, y)));
        let pixels = all.filter(|&(x, y)| plain.get_pixel(x, y) != captioned.get_pixel(x, y));
        pixels.count()
    };
    for corner in [(0..320, 0..100), (0..340, 500..600), (400..640, 500..600)] {
        assert!(
            changed(corner.0.clone(), corner.1.clone()) > 1000,
            "{corner:?}"
        );
    }
    assert_eq!(changed(0..640, 100..480), 0);
    let (code, _, err) = heatsplat(&["render", CITIES, "-o", "d.npy", "--legend"]);
    assert!(code == 2 && err.contains("--legend"), "{err}");
}

/// A layer whose database doesn't answer is not called well by `serve --check`.
#[cfg(feature = "postgis")]
#[test]
fn a_layer_that_could_not_be_checked_is_named() {
    let database = "postgres://heat@127.0.0.1:9/gis";
    let (code, out, err) = heatsplat(&["serve", database, "--table", "quakes", "--check"]);
    assert!(code == 0 && out.contains("but not checked"), "{out}{err}");
    assert!(out.trim_end().ends_with("quakes"), "{out}{err}");
}

/// `info --explain` shows each column with its use, and where its points are.
#[test]
fn the_first_points_of_a_source_are_explained() {
    let dir = folder("explained");
    let file = dir.join("shops.csv");
    let rows = "name;breite;laenge;umsatz\nAlt;48,25;2,5;7\nNeu\u{7};-33,5;151,25;0,5\n";
    std::fs::write(&file, rows).unwrap();
    let file = file.to_str().unwrap();
    let flags = [
        "--lat",
        "breite",
        "--lon",
        "laenge",
        "--weight",
        "umsatz",
        "--explain",
    ];
    let (code, out, err) = heatsplat(&[&["info", file][..], &flags].concat());
    assert_eq!(code, 0, "{err}");
    let line = |start: &str| {
        let line = out
            .lines()
            .find(|line| line.trim_start().starts_with(start));
        line.unwrap_or_else(|| panic!("{start}: {out}"))
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        line("breite"),
        ["breite", "latitude", "number", "48.25", "-33.5"]
    );
    assert_eq!(line("umsatz"), ["umsatz", "weight", "number", "7", "0.5"]);
    assert_eq!(line("name"), ["name", "–", "text", "Alt", "Neu"]);
    assert_eq!(
        line("→ latitude"),
        ["→", "latitude", "48.250000", "-33.500000"]
    );
    assert_eq!(line("→ weight"), ["→", "weight", "7", "0.5"]);
    let (_, out, _) = heatsplat(&[&["info", file, "--json"][..], &flags].concat());
    let info: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(info["first"][1]["values"]["breite"], "-33.5");
    assert!((info["first"][0]["lon"].as_f64().unwrap() - 2.5).abs() < 1e-6);
    let geometries = heatsplat(&["info", "examples/shops.geojson", "--explain"]);
    assert!(
        geometries.0 == 0 && geometries.1.contains("→ longitude"),
        "{geometries:?}"
    );
    // The column that holds whole positions has a use as well.
    let column = dir.join("column.csv");
    std::fs::write(&column, "id,where\n1,POINT (2.5 48.25)\n").unwrap();
    let (_, out, err) = heatsplat(&["info", column.to_str().unwrap(), "--explain"]);
    let place = out
        .lines()
        .find(|line| line.trim_start().starts_with("where"));
    assert!(
        place.is_some_and(|line| line.contains("position  text")),
        "{out}{err}"
    );
    let (code, _, err) = heatsplat(&["info", column.to_str().unwrap(), "--by", "nowhere"]);
    assert!(
        code == 1 && err.contains("--by: there is no column \"nowhere\""),
        "{err}"
    );
    let database = [
        "info",
        "postgres://nobody@127.0.0.1:1/x",
        "--table",
        "t",
        "--lon",
        "x",
    ];
    let (code, _, err) = heatsplat(&database);
    assert!(
        code != 0 && err.contains("lon and lat are for files"),
        "{err}"
    );
    // A file that can't be read as a whole is explained too, and so are columns that can't be kept.
    let metres = dir.join("metres.csv");
    std::fs::write(&metres, "x,y\n358553.5,5117090.7\n").unwrap();
    let (code, out, err) = heatsplat(&["info", metres.to_str().unwrap(), "--explain"]);
    let is_explained = err.contains("metres") && out.contains("→ weight");
    assert!(code == 1 && is_explained, "{out}{err}");
    let nested = "fuzz/corpus/parquet/whole-wkb-zstd.parquet";
    let (code, out, err) = heatsplat(&["info", nested, "--explain"]);
    let says = out.contains("columns that are not shown");
    assert!(code == 0 && says, "{out}{err}");
    let (code, _, err) = heatsplat(&["info", "-", "--explain"]);
    assert!(code == 2 && err.contains("standard input"), "{err}");
}
