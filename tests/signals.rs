use crate::program::{Server, command, folder, heatsplat};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
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
        // The pipe stays open, since its end would be another reason to end: it holds no points.
        let input = child.stdin.take();
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
        drop(input);
    }
}

/// Counts of a client's requests by their outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Outcome {
    answered: u32,
    /// Sent on a connection from before the signal, without a whole answer.
    lost: u32,
    /// Answers that break off.
    broken: u32,
    /// Connections from after the signal that were closed without a byte of an answer.
    turned_away: u32,
}

/// Requests one tile after the other, each in another style, until no connection is accepted.
fn ask_for_ever(address: &str, client: usize, is_over: &AtomicBool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut sent = 0;
    while let Ok(stream) = TcpStream::connect(address) {
        let is_late = is_over.load(Ordering::SeqCst);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut writer = stream;
        loop {
            sent += 1;
            let (x, y) = (sent % 8, sent / 8 % 8);
            let path = format!("/cities/3/{x}/{y}.png?domain=0,{}", client * 1000 + sent);
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
            let written = writer.write_all(request.as_bytes());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if !reader.read_line(&mut head).is_ok_and(|n| n > 0) {
                    break;
                }
            }
            if written.is_err() || head.is_empty() {
                if is_late {
                    outcome.turned_away += 1;
                } else {
                    outcome.lost += 1;
                }
                break;
            }
            let head = head.to_lowercase();
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |n| n.parse().unwrap())];
            if !head.ends_with("\r\n\r\n") || reader.read_exact(&mut body).is_err() {
                outcome.broken += 1;
                break;
            }
            assert!(head.contains(" 200 ") || head.contains(" 503 "), "{head}");
            outcome.answered += 1;
            if head.contains("connection: close") {
                break;
            }
        }
    }
    outcome
}

/// Ends servers while clients with connections that stay open keep all cores busy. Three ends, or
/// as many as `HEATSPLAT_ENDS` says (`scripts/signals`).
#[test]
fn ends_under_load_lose_no_request() {
    const CLIENTS: usize = 12;
    let ends = std::env::var("HEATSPLAT_ENDS").map_or(3, |n| n.parse().unwrap());
    let mut all = Outcome::default();
    let mut longest = Duration::ZERO;
    for end in 0..ends {
        let mut server = Server::start(&[CITIES]);
        let (address, is_over) = (server.address.clone(), AtomicBool::new(false));
        let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
            let ask = |client| {
                let (address, is_over) = (&address, &is_over);
                scope.spawn(move || ask_for_ever(address, client, is_over))
            };
            let clients: Vec<_> = (0..CLIENTS).map(ask).collect();
            std::thread::sleep(Duration::from_millis(400 + 37 * (end % 7)));
            is_over.store(true, Ordering::SeqCst);
            let since = Instant::now();
            server.signal("TERM");
            assert_eq!(server.wait(), Some(0));
            longest = longest.max(since.elapsed());
            clients.into_iter().map(|c| c.join().unwrap()).collect()
        });
        for one in outcomes {
            all.answered += one.answered;
            all.lost += one.lost;
            all.broken += one.broken;
            all.turned_away += one.turned_away;
        }
    }
    let _ = writeln!(
        std::io::stderr(),
        "{ends} ends, {CLIENTS} clients: {all:?}, the longest took {longest:.2?}"
    );
    assert!(all.answered > 0);
    assert_eq!((all.lost, all.broken), (0, 0), "{all:?}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let (mut server, heard) = Server::start_heard(&[CITIES, "--drain-wait", "1h"], &[]);
    drop(heard);
    server.signal("TERM");
    until("it is ready although it stops", || {
        let (status, head, _) = server.get("/ready", "");
        status == 503 && head.contains("connection: close")
    });
    assert_eq!(server.get("/cities/0/0/0.png", "").0, 200);
    server.signal("HUP");
    server.signal("INT");
    assert_eq!(server.wait(), Some(0));
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
