use crate::program::{Server, command, folder, heatsplat};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CITIES: &str = "examples/cities.csv.gz";

/// The longest time that a test waits for anything.
const LONGEST: Duration = Duration::from_secs(30);

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LONGEST, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid])
        .status();
    assert!(status.unwrap().success());
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Tests whether a process has a handler for the signal with this number, so that the signal
/// doesn't end the process.
#[cfg(target_os = "linux")]
fn hears(child: &Child, number: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask >> (number - 1) & 1 == 1
}

/// Starts a server that reads from a pipe without a writer. Returns as soon as the server handles
/// signals.
#[cfg(target_os = "linux")]
fn begun() -> Child {
    let arguments = ["serve", "-", "--listen", "127.0.0.1:0", "--name", "piped"];
    let child = command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("signals are not heard while points are read", || {
        [1, 2, 15].iter().all(|&number| hears(&child, number))
    });
    child
}

#[cfg(target_os = "linux")]
#[test]
fn a_hangup_in_the_first_moments_ends_nothing() {
    let mut child = begun();
    for _ in 0..3 {
        signal(&child, "HUP");
    }
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"lon,lat\n1,2\n").unwrap();
    drop(input);
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert!(line.contains("map at http"), "{line}");
    // The server also handles a signal right after it has printed its address.
    signal(&child, "HUP");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_in_the_first_moments_is_an_orderly_end() {
    for name in ["TERM", "INT"] {
        let mut child = begun();
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[test]
fn a_pipe_is_no_set_up_and_holds_nobody_up() {
    let dir = folder("doors-fifo");
    let file = dir.join("heatsplat.toml");
    let text = |names: &[&str]| -> String {
        let layer = |name: &&str| format!("[[layers]]\nname = \"{name}\"\nfile = \"a.csv\"\n");
        names.iter().map(layer).collect()
    };
    std::fs::write(dir.join("a.csv"), "lon,lat\n1,2\n").unwrap();
    fifo(&file);
    for arguments in [
        &["serve", "--check", "--config"][..],
        &["serve", "--config"],
    ] {
        let (code, _, err) = heatsplat(&[arguments, &[file.to_str().unwrap()]].concat());
        assert!(code == 1 && err.contains("regular file"), "{code} {err}");
    }
    let (code, _, err) = heatsplat(&["serve", "--config", dir.to_str().unwrap()]);
    assert!(code == 1 && err.contains("regular file"), "{code} {err}");
    // An archive of tiles and a file with a token must not be pipes either.
    let (tiles, token, set_up) = (dir.join("a.pmtiles"), dir.join("token"), dir.join("piped"));
    fifo(&tiles);
    fifo(&token);
    let source = "[sources.gis]\nurl = \"postgres://nobody@127.0.0.1:1/none\"\n";
    let posting = "[posting]\nsource = \"gis\"\ntoken_file = \"token\"\n";
    let of_archive = "[[layers]]\nfile = \"a.pmtiles\"\n".to_owned();
    let mut texts = vec![of_archive];
    if cfg!(feature = "postgis") {
        texts.push(format!("{source}{posting}{}", text(&["one"])));
    }
    for text in texts {
        std::fs::write(&set_up, text).unwrap();
        let (code, _, err) = heatsplat(&["serve", "--check", "--config", set_up.to_str().unwrap()]);
        assert!(code == 1 && err.contains("regular file"), "{code} {err}");
    }

    let put = |text: &str| {
        let new = dir.join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &file).unwrap();
    };
    put(&text(&["one"]));
    let arguments = ["--config", file.to_str().unwrap()];
    let (server, heard) = Server::start_heard(&arguments, &[]);
    std::fs::remove_file(&file).unwrap();
    fifo(&file);
    server.signal("HUP");
    until("nothing is said of the pipe", || {
        heard.try_iter().any(|line| line.contains("regular file"))
    });
    put(&text(&["one", "two"]));
    until("the set-up is not followed any more", || {
        server.get("/two", "").0 == 200
    });
    // A layer whose file becomes a pipe doesn't hold up the other layers either.
    fifo(&dir.join("b.csv"));
    let pipe = "[[layers]]\nname = \"three\"\nfile = \"b.csv\"\n";
    put(&format!("{}{pipe}", text(&["one"])));
    until("nothing is said of the layer", || {
        heard
            .try_iter()
            .any(|line| line.contains("when the server starts"))
    });
    put(&text(&["one", "four"]));
    until("the set-up is not followed any more", || {
        server.get("/four", "").0 == 200
    });
}

/// Standard error has no reader any more, as after a terminal is closed, or in `heatsplat … 2>&1 |
/// head`.
#[test]
fn a_closed_standard_error_ends_no_work() {
    let dir = folder("doors-stderr");
    let picture = dir.join("a.png");
    let tiles = dir.join("a.pmtiles");
    for arguments in [
        &["render", CITIES, "-o", picture.to_str().unwrap()][..],
        &[
            "export",
            CITIES,
            "-o",
            tiles.to_str().unwrap(),
            "--zoom",
            "0-1",
        ],
    ] {
        let mut child = command(arguments).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
    assert!(picture.exists() && tiles.exists());
    let (code, _, _) = heatsplat(&["info", CITIES]);
    assert_eq!(code, 0);
}

#[test]
fn a_closed_standard_error_does_not_end_the_watching() {
    let dir = folder("doors-watch");
    let (first, second) = (dir.join("first.csv"), dir.join("second.csv"));
    let write = |file: &Path, n: usize| {
        std::fs::write(file, format!("lon,lat\n{}", "1,2\n".repeat(n))).unwrap();
    };
    write(&first, 1);
    write(&second, 1);
    let arguments = ["--watch", first.to_str().unwrap(), second.to_str().unwrap()];
    let (server, heard) = Server::start_heard(&arguments, &[]);
    drop(heard);
    let is_read = |name: &str, n: usize| {
        let (_, _, body) = server.get(&format!("/{name}/value?lon=1&lat=2&z=9"), "");
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        value["count"].as_u64() == Some(n as u64)
    };
    for n in 2..5 {
        // The first file can't be read. This is reported on standard error before the second file
        // is read.
        std::fs::write(&first, "lon,lat\nx,y\n").unwrap();
        write(&second, n);
        until("a file is not read again", || is_read("second", n));
        write(&first, n);
        until("a file is not read again", || is_read("first", n));
    }
}

/// Standard output is closed, as with `heatsplat info … | head -0`: the reader needs nothing more.
#[test]
fn a_closed_standard_output_is_a_quiet_end() {
    for arguments in [
        &["info", CITIES][..],
        &["info", CITIES, "--json"],
        &["render", CITIES, "-o", "-"],
        &["generate", "100k"],
        &["ramps"],
        &["style", "radius=3px"],
        &["serve", "--check", CITIES],
        &["bench", "--points", "1000", "--seconds", "0.05"],
        &["--help"],
    ] {
        let streams = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = streams.unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
        assert_eq!(out.status.code(), Some(0), "{arguments:?}: {err}");
    }
}

/// The macros `eprintln!` and `println!` panic if the output has no reader. The program's macro
/// `say!` doesn't.
#[test]
fn nothing_is_printed_by_what_may_panic() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let crates = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("crates"));
    folders.extend(
        crates
            .unwrap()
            .map(|entry| entry.unwrap().path().join("src")),
    );
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for line in lines {
                let prints = ["print!(", "println!("]
                    .iter()
                    .any(|word| line.contains(word));
                assert!(!prints, "{}: {line}", path.display());
            }
        }
    }
}

/// An output that can't be written is an error before the source is read. The source here is a pipe
/// without a writer, so reading it would take forever.
#[test]
fn an_output_that_cannot_be_is_found_before_anything_is_read() {
    let dir = folder("doors-output");
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    std::fs::write(at("there.pmtiles"), "tiles").unwrap();
    std::fs::create_dir(at("there")).unwrap();
    std::fs::create_dir(at("tiles")).unwrap();
    let (exists, no_folder) = ("exists already", "cannot be written");
    for (program, output, expected, hint) in [
        ("export", at("there.pmtiles"), 1, exists),
        ("export", at("tiles/{z}/{x}/{y}.png"), 1, exists),
        ("export", at("none/a.pmtiles"), 1, no_folder),
        ("export", at("none/tiles/{z}/{x}/{y}.png"), 1, no_folder),
        ("export", at("there.pmtiles/a.tif"), 1, no_folder),
        ("export", "s3://bucket/a.pmtiles".to_owned(), 2, "s3://"),
        ("export", "https://host/a.mbtiles".to_owned(), 2, "https://"),
        ("render", at("none/a.png"), 1, no_folder),
        ("render", at("there"), 1, "is a folder"),
        ("render", "s3://bucket/a.png".to_owned(), 1, "s3://"),
    ] {
        let zoom: &[&str] = if program == "export" {
            &["--zoom", "0"]
        } else {
            &["--as", "png"]
        };
        let arguments = [&[program, "-", "-o", &output], zoom].concat();
        let mut child = command(&arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        until(&format!("{arguments:?} reads"), || {
            child.try_wait().unwrap().is_some()
        });
        drop(input);
        let out = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(expected), "{arguments:?}: {err}");
        assert!(err.contains(hint), "{arguments:?}: {err}");
    }
    let mut names: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["there", "there.pmtiles", "tiles"]);
}
