use crate::program::{Server, command, folder, heatsplat};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn write(file: &Path, text: &str) {
    // The file is replaced all at once, as editors do it.
    let new = file.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, file).unwrap();
}

fn catalog(server: &Server) -> Vec<(String, u64, u64)> {
    let (status, _, body) = server.get("/catalog", "");
    assert_eq!(status, 200);
    let catalog: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let layers = catalog["layers"].as_array().unwrap().iter();
    let text = |layer: &serde_json::Value| layer["id"].as_str().unwrap().to_owned();
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    layers
        .map(|layer| {
            (
                text(layer),
                number(&layer["epoch"]),
                number(&layer["points"]),
            )
        })
        .collect()
}

fn until(server: &Server, wanted: &[(&str, u64, u64)]) {
    let wanted: Vec<_> = wanted
        .iter()
        .map(|&(id, e, n)| (id.to_owned(), e, n))
        .collect();
    let started = Instant::now();
    while catalog(server) != wanted {
        let there = catalog(server);
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{there:?}, not {wanted:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_documents_example_is_well() {
    let dir = folder("config-example");
    std::fs::copy("examples/cities.csv.gz", dir.join("cities.csv.gz")).unwrap();
    std::fs::create_dir(dir.join("counts")).unwrap();
    std::fs::write(dir.join("counts/may.csv"), "lon,lat,n\n1,2,3\n").unwrap();
    std::fs::write(dir.join("token"), "0123456789abcdef").unwrap();
    let document = std::fs::read_to_string("docs/config.md").unwrap();
    let (_, rest) = document.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let without_database = example.split("# -- a database").next().unwrap();
    let example = if cfg!(feature = "postgis") {
        example
    } else {
        without_database
    };
    let file = dir.join("heatsplat.toml");
    write(&file, example);
    let out = command(&["serve", "--check", "--config", file.to_str().unwrap()])
        .env("DATABASE_URL", "postgres://heat@db.example/gis")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(said.contains("Cities") && said.contains("may"), "{said}");
}

#[test]
fn a_saved_config_serves_what_the_command_line_does() {
    let dir = folder("config-saved");
    let csv = dir.join("a b.csv");
    std::fs::write(&csv, "lon;lat;kind;w\n1;2;x;3\n5;6;y;1\n-9;8;x;2\n").unwrap();
    let csv = csv.to_str().unwrap();
    let flags = [
        csv,
        "examples/cities.csv.gz",
        "--name",
        "Some points",
        "--within",
        "-20,1,40,60",
        "--radius",
        "9px",
        "--ramp",
        "transparent, \"\\ ${x} #ff0000\"",
        "--domain=-1,5",
        "--attribution",
        "\"We\" & ${others}\\",
    ];
    // A bad ramp is reported before any file is written.
    let file = dir.join("heatsplat.toml");
    let save = ["--save-config", file.to_str().unwrap(), "--check"];
    let (code, _, err) = heatsplat(&[&["serve"], &flags[..], &save].concat());
    assert!(code == 2 && err.contains("ramp") && !file.exists(), "{err}");
    let mut flags = flags;
    flags[9] = "transparent, blue, #ff0000";
    let (code, _, err) = heatsplat(&[&["serve"], &flags[..], &save].concat());
    assert_eq!(code, 0, "{err}");
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(
        saved.contains("file = \"a b.csv\""),
        "beside the file:\n{saved}"
    );
    let (one, other) = (
        Server::start(&flags),
        Server::start(&["--config", file.to_str().unwrap()]),
    );
    for path in [
        "/catalog",
        "/some-points",
        "/some-points/3/4/3.png",
        "/cities/2/2/1.png",
        "/cities/value?lon=2.35&lat=48.85&z=4",
    ] {
        let address = |server: &Server, body: Vec<u8>| {
            let text = String::from_utf8_lossy(&body).into_owned();
            text.replace(&server.address, "HERE")
        };
        let (a, b) = (one.get(path, ""), other.get(path, ""));
        assert_eq!((a.0, b.0), (200, 200), "{path}");
        assert_eq!(address(&one, a.2), address(&other, b.2), "{path}");
    }
}

#[cfg(feature = "postgis")]
#[test]
fn secrets_are_in_no_file_and_no_message() {
    let dir = folder("config-secrets");
    let file = dir.join("heatsplat.toml");
    let path = file.to_str().unwrap();
    let url = "postgres://ann:s3cret@db.example/gis?sslmode=disable";
    let save = [
        "serve",
        url,
        "--table",
        "t",
        "--live",
        "--save-config",
        path,
        "--check",
    ];
    let out = command(&save)
        .env("HEATSPLAT_TOKEN", "s3cret-s3cret-s3cret")
        .output()
        .unwrap();
    assert!(out.status.success());
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(
        !saved.contains("s3cret") && saved.contains("${PGPASSWORD}"),
        "{saved}"
    );
    let told = |environment: &[(&str, &str)]| {
        let out = command(&["serve", "--check", "--config", path])
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = format!("{out:?}");
        assert!(!text.contains("s3cret"), "{text}");
        (out.status.code().unwrap(), text)
    };
    let (code, text) = told(&[]);
    assert!(code == 1 && text.contains("no PGPASSWORD"), "{text}");
    let all = [
        ("PGPASSWORD", "s3cret"),
        ("HEATSPLAT_TOKEN", "s3cret-s3cret-s3cret"),
    ];
    assert_eq!(told(&all).0, 0);
    for (line, hint) in [
        ("url = \"postgres://ann:s3cret@db/gis\"", "${PGPASSWORD}"),
        ("url = \"${SECRET}\"", "url"),
        (
            "url = \"postgres://db/gis\"\npool_size = \"${SECRET}\"",
            "pool_size",
        ),
        ("url = \"postgres://db/gis?sslmode=${SECRET}\"", "sslmode"),
    ] {
        write(
            &file,
            &format!("[sources.a]\n{line}\n[[layers]]\nsource = \"a\"\ntable = \"t\"\n"),
        );
        let (code, text) = told(&[("SECRET", "s3cret")]);
        assert!(
            code == 1 && text.contains(hint) && text.contains("line"),
            "{text}"
        );
    }
}

/// A configuration is changed while clients request tiles. Layers whose configuration is the same
/// stay, new layers are added, and removed layers disappear. A configuration with an error changes
/// nothing.
#[cfg(unix)]
#[test]
fn a_config_that_changes_is_followed_under_requests() {
    let dir = folder("config-reload");
    for (name, rows) in [
        ("a", "1,2\n"),
        ("b", "1,2\n3,4\n"),
        ("c", "5,6\n7,8\n9,9\n"),
    ] {
        std::fs::write(dir.join(format!("{name}.csv")), format!("lon,lat\n{rows}")).unwrap();
    }
    let file = dir.join("heatsplat.toml");
    let layers = |all: &[(&str, &str)]| -> String {
        let one =
            |(name, more): &(&str, &str)| format!("[[layers]]\nfile = \"{name}.csv\"\n{more}\n");
        all.iter().map(one).collect()
    };
    write(&file, &layers(&[("a", ""), ("b", "")]));
    let server = Server::start(&["--config", file.to_str().unwrap()]);
    assert_eq!(
        catalog(&server),
        [("a".to_owned(), 1, 1), ("b".to_owned(), 1, 2)]
    );

    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for path in ["/a/0/0/0.png", "/b/1/1/0.png"] {
            let (server, done, asked) = (&server, &done, &asked);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(server.get(path, "").0, 200, "{path}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let finish = Finish(&done);
        let before = server.get("/b/1/1/0.png", "").2;
        // The server notices this change by its check of the file.
        write(
            &file,
            &layers(&[("c", ""), ("a", ""), ("b", "style = { radius = 40 }")]),
        );
        until(&server, &[("c", 1, 3), ("a", 1, 1), ("b", 2, 2)]);
        assert_ne!(server.get("/b/1/1/0.png", "").2, before);
        // Each of these configurations has an error: an unknown key, a missing file or wrong
        // syntax.
        for text in [
            layers(&[("a", "wieght = \"n\"")]),
            layers(&[("b", ""), ("nowhere", "")]),
            "[[layers]\n".to_owned(),
        ] {
            write(&file, &text);
            server.signal("HUP");
            std::thread::sleep(Duration::from_millis(400));
            assert_eq!(catalog(&server).len(), 3, "{text}");
        }
        drop(finish);
    });
    assert!(asked.load(Ordering::Relaxed) > 20);

    // A layer is removed, and another layer gets its name. No cache may answer with the tiles of
    // the former.
    write(&file, &layers(&[("a", "")]));
    server.signal("HUP");
    until(&server, &[("a", 1, 1)]);
    assert_eq!(server.get("/b/0/0/0.png", "").0, 404);
    write(&file, &layers(&[("a", ""), ("c", "name = \"b\"")]));
    server.signal("HUP");
    until(&server, &[("a", 1, 1), ("b", 3, 3)]);
    // After a signal, a file that has changed is read again; a file that hasn't is not.
    std::fs::write(dir.join("c.csv"), "lon,lat\n1,1\n").unwrap();
    server.signal("HUP");
    until(&server, &[("a", 1, 1), ("b", 4, 1)]);
}

/// A layer that can't be read again is reported only once each time its reload period ends. It is
/// still served.
#[cfg(unix)]
#[test]
fn an_emptied_folder_is_asked_again_in_its_time() {
    let dir = folder("config-emptied");
    let points = dir.join("points");
    std::fs::create_dir(&points).unwrap();
    std::fs::write(points.join("a.csv"), "lon,lat\n1,2\n").unwrap();
    let other = dir.join("b.csv");
    std::fs::write(&other, "lon,lat\n1,2\n").unwrap();
    let both = [&points, &other].map(|path| path.to_str().unwrap());
    let (server, heard) = Server::start_heard(&[both[0], both[1], "--reload", "1s"], &[]);
    std::fs::remove_file(points.join("a.csv")).unwrap();
    let lines = || std::iter::from_fn(|| heard.recv_timeout(Duration::from_secs(15)).ok());
    let empty = |line: &String| line.contains("no files of points");
    assert!(lines().any(|line| empty(&line)));
    std::thread::sleep(Duration::from_millis(2500));
    let said = heard.try_iter().filter(empty).count();
    assert!((1..=3).contains(&said), "{said} times");
    // The other layer is still read again when its file has changed.
    std::fs::write(&other, "lon,lat\n1,2\n3,4\n").unwrap();
    until(&server, &[("a", 1, 1), ("b", 2, 2)]);
    assert_eq!(server.get("/a/0/0/0.png", "").0, 200);
    std::fs::write(points.join("a.csv"), "lon,lat\n1,2\n3,4\n").unwrap();
    until(&server, &[("a", 2, 2), ("b", 2, 2)]);
}

/// Ends the threads that request tiles, even if the test fails.
struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_port_is_an_address_of_this_machine() {
    let file = folder("port").join("saved.toml");
    let words = [
        "serve",
        "examples/cities.csv.gz",
        "--port",
        "4321",
        "--check",
    ];
    let saved = ["--save-config", file.to_str().unwrap()];
    let (code, _, err) = heatsplat(&[&words[..], &saved].concat());
    assert_eq!(code, 0, "{err}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("listen = \"127.0.0.1:4321\"\n"), "{text}");
    let words = ["serve", "--config", saved[1], "--port", "0", "--check"];
    let (code, _, err) = heatsplat(&words);
    assert_eq!(code, 0, "{err}");
}
