use crate::program::{Server, command};
use heatsplat::{Layer, Points, Style, TileId, TileSize};
use std::process::Stdio;

fn points() -> Vec<(f64, f64, f32)> {
    (0..500)
        .map(|i| {
            (
                f64::from(i % 37) * 3.0 - 50.0,
                f64::from(i % 23) * 4.0 - 40.0,
                1.0,
            )
        })
        .collect()
}

fn csv() -> String {
    let rows = points()
        .into_iter()
        .map(|(lon, lat, w)| format!("{lon},{lat},{w}\n"));
    std::iter::once("lon,lat,weight\n".to_owned())
        .chain(rows)
        .collect()
}

/// The server limits the allocator's arenas to one for each core, unless the environment has a
/// limit already.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_allocator_has_a_limit() {
    let limit = |environment: &[(&str, &str)]| {
        let server = Server::start_with(&["examples/quakes.csv"], environment);
        let variables = std::fs::read(format!("/proc/{}/environ", server.id())).unwrap();
        let variables = String::from_utf8(variables).unwrap();
        let mut found = variables.split('\0').filter_map(|variable| {
            let (name, value) = variable.split_once('=')?;
            (name == "MALLOC_ARENA_MAX").then(|| value.to_owned())
        });
        found.next()
    };
    let cores = std::thread::available_parallelism().unwrap().get().max(2);
    assert_eq!(limit(&[]), Some(cores.to_string()));
    assert_eq!(limit(&[("MALLOC_ARENA_MAX", "3")]).as_deref(), Some("3"));
    assert_eq!(
        limit(&[("GLIBC_TUNABLES", "glibc.malloc.arena_max=1")]),
        None
    );
}

#[test]
fn a_tile_over_http_is_the_librarys_tile() {
    let dir = crate::program::folder("serve");
    let file = dir.join("grid.csv");
    std::fs::write(&file, csv()).unwrap();
    let server = Server::start(&[file.to_str().unwrap(), "examples/cities.csv.gz"]);
    assert_eq!(server.get("/ready", "").0, 200);

    let points = Points::from_lon_lat(points()).unwrap();
    let fitted = crate::scenes::fitted(Style::default(), &points);
    let layer = Layer::on_cpu("grid", points, fitted.clone());
    let tile = TileId::new(2, 1, 1).unwrap();
    for (query, size, words) in [
        ("", TileSize::NORMAL, &[][..]),
        ("@2x", TileSize::RETINA, &[][..]),
        (
            "?radius=30px&ramp=viridis_r&scale=sqrt",
            TileSize::NORMAL,
            &[("radius", "30px"), ("ramp", "viridis_r"), ("scale", "sqrt")],
        ),
    ] {
        let mut style = fitted.clone();
        style.set_all(words.iter().copied()).unwrap();
        let expected = layer.tile(tile).size(size).style(&style).png().unwrap();
        let (at, style) = if query.starts_with('@') {
            (query, "")
        } else {
            ("", query)
        };
        let (status, head, body) = server.get(&format!("/grid/2/1/1{at}.png{style}"), "");
        assert_eq!((status, body.as_slice()), (200, &expected[..]), "{query}");
        // A client that has the tile already gets 304 and not the tile.
        let etag = head
            .lines()
            .find_map(|l| l.strip_prefix("etag: "))
            .expect("an ETag");
        let again = server.get(
            &format!("/grid/2/1/1{at}.png{style}"),
            &format!("If-None-Match: {etag}\r\n"),
        );
        assert_eq!((again.0, again.2.len()), (304, 0), "{query}");
    }

    let (status, _, catalog) = server.get("/catalog", "");
    let catalog: serde_json::Value = serde_json::from_slice(&catalog).unwrap();
    assert_eq!(status, 200);
    let ids: Vec<_> = catalog["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["id"].clone())
        .collect();
    assert_eq!(ids, ["grid", "cities"]);

    // Legends and values name the column of the weights, and rows where rows are counted.
    for path in ["legend.json?z=2", "value?lon=2.35&lat=48.85&z=2"] {
        for (words, unit) in [("", "population"), ("&measure=count", "rows")] {
            let (_, _, body) = server.get(&format!("/cities/{path}{words}"), "");
            let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(answer["unit"], unit, "{path}{words}");
        }
    }

    for (path, hint) in [
        ("/grid/2/4/1.png", "tile"),
        ("/grid/25/0/0.png", "24"),
        ("/grid/0/0/0.png?ramp=nosuch", "inferno"),
        ("/grid/0/0/0.png?colour=red", "radius"),
        ("/grid/value?lon=NaN&lat=0", "lon"),
        ("/grid/map.png?bbox=9,0,-9,5", "inside out"),
    ] {
        let (status, head, body) = server.get(path, "");
        let body = String::from_utf8_lossy(&body);
        assert!(
            status == 400 && body.contains(hint),
            "{path}: {status} {body}"
        );
        assert!(
            head.contains("access-control-allow-origin: *"),
            "{path}: {head}"
        );
    }
}

#[test]
fn a_port_in_use_is_said_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let out = command(&["serve", "examples/cities.csv.gz", "--listen", &address])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.code() == Some(1) && err.contains(&address),
        "{err}"
    );
}

/// Points are read from a pipe, and a signal ends the server in an orderly way.
#[cfg(unix)]
#[test]
fn points_from_a_pipe_and_an_orderly_end() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let mut child = command(&["serve", "-", "--listen", "127.0.0.1:0", "--name", "piped"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(csv().as_bytes())
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("http://127.0.0.1:"), "{line}");
    let kill = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The health report of a server that is ready.
fn readiness(server: &Server) -> serde_json::Value {
    let (status, _, body) = server.get("/ready", "");
    assert_eq!(status, 200);
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn one_source_that_cannot_be_read_leaves_the_others_served() {
    let dir = crate::program::folder("serve-failed");
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    std::fs::write(at("good.csv"), csv()).unwrap();
    std::fs::write(at("bad.csv"), "nothing,to,see\nx,y,z\n").unwrap();
    std::fs::create_dir(at("empty")).unwrap();
    let text = "watch = true\nderive = [\"change = late - good\"]\n\
                [[layers]]\nfile = \"bad.csv\"\n[[layers]]\nfile = \"good.csv\"\n\
                [[layers]]\nfile = \"late.csv\"\n[[layers]]\nfile = \"empty\"\n";
    std::fs::write(at("heatsplat.toml"), text).unwrap();
    let config = at("heatsplat.toml");
    let server = Server::start(&["--config", &config]);
    let failed = |names: &[&str]| serde_json::json!({ "status": "ready", "failed": names });
    assert_eq!(readiness(&server), failed(&["bad", "late"]));
    assert_eq!(server.get("/good/0/0/0.png", "").0, 200);
    let (status, head, body) = server.get("/bad/0/0/0.png", "");
    let body = String::from_utf8(body).unwrap();
    assert!(
        status == 503 && head.contains("retry-after"),
        "{status} {head}"
    );
    assert!(
        body.contains("can't be read") && !body.contains("csv"),
        "{body}"
    );
    let (_, _, page) = server.get("/metrics", "");
    let page = String::from_utf8(page).unwrap();
    assert!(
        page.contains("heatsplat_layers{state=\"failed\"} 2"),
        "{page}"
    );
    // Each is read as soon as it can be, whatever the other is.
    let started = std::time::Instant::now();
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(started.elapsed().as_secs() < 60, "{what}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    std::fs::write(at("late.csv"), csv()).unwrap();
    until("a file that came late is not served", &|| {
        server.get("/late/0/0/0.png", "").0 == 200
    });
    until("its derived layer is not served", &|| {
        server.get("/change/0/0/0.png", "").0 == 200
    });
    assert_eq!(readiness(&server), failed(&["bad"]));
    // Others follow their files meanwhile.
    std::fs::write(at("good.csv"), "lon,lat\n1,2\n").unwrap();
    until("a file is not read again", &|| {
        let (_, _, body) = server.get("/good/value?lon=1&lat=2&z=9", "");
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        value["count"] == 1
    });
    std::fs::write(at("bad.csv"), csv()).unwrap();
    until("a mended file is not served", &|| {
        server.get("/bad/0/0/0.png", "").0 == 200
    });
    assert_eq!(readiness(&server), serde_json::json!({ "status": "ready" }));

    // Nothing to serve is an error, and so is a missing layer where all are required.
    std::fs::write(at("bad.csv"), "nothing,to,see\nx,y,z\n").unwrap();
    for arguments in [
        &[at("bad.csv"), at("none.csv")][..],
        &[at("good.csv"), at("bad.csv"), "--require-all".to_owned()],
        &[at("empty")],
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let all = [&["serve", "--listen", "127.0.0.1:0"], &arguments[..]].concat();
        let (code, out, err) = crate::program::heatsplat(&all);
        assert!(code == 1 && out.is_empty(), "{arguments:?}: {code} {out}");
        assert!(err.contains("error: "), "{arguments:?}: {err}");
    }
}

/// A pipe without a writer doesn't keep the layers after it from being served.
#[cfg(unix)]
#[test]
fn pipes_are_read_last() {
    let dir = crate::program::folder("serve-pipes");
    let (pipe, file) = (dir.join("pipe.csv"), dir.join("grid.csv"));
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    std::fs::write(&file, csv()).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut child = command(&[
        "serve",
        pipe.to_str().unwrap(),
        file.to_str().unwrap(),
        "--listen",
        &address,
    ])
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let get = |path: &str| {
        use std::io::{Read as _, Write as _};
        let Ok(mut stream) = std::net::TcpStream::connect(&address) else {
            return String::new();
        };
        let _ = write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        );
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let started = std::time::Instant::now();
    while !get("/grid/0/0/0.png").contains("200 OK") {
        let elapsed = started.elapsed().as_secs();
        assert!(elapsed < 30, "the pipe holds the file up");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(get("/ready").contains(r#""loading":["pipe"]"#));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn each_file_of_a_folder_is_a_layer_and_others_are_left_out() {
    let dir = crate::program::folder("serve-folder");
    std::fs::write(dir.join("grid.csv"), csv()).unwrap();
    std::fs::write(dir.join("notes.txt"), "nothing here\n").unwrap();
    std::fs::write(dir.join(".hidden.csv"), csv()).unwrap();
    std::fs::write(
        dir.join("one.geojson"),
        r#"{"type":"Point","coordinates":[1,2]}"#,
    )
    .unwrap();
    let server = Server::start(&[dir.to_str().unwrap()]);
    let (_, _, body) = server.get("/catalog", "");
    let catalog: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let layers = catalog["layers"].as_array().unwrap().iter();
    let ids: Vec<_> = layers.map(|layer| layer["id"].clone()).collect();
    assert_eq!(ids, ["grid", "one"]);

    let empty = crate::program::folder("serve-empty");
    let (code, _, err) = crate::program::heatsplat(&["serve", empty.to_str().unwrap()]);
    assert!(code == 1 && err.contains("no files of points"), "{err}");
}

#[test]
fn a_file_that_changes_is_read_again() {
    let dir = crate::program::folder("serve-watch");
    let file = dir.join("grid.csv");
    std::fs::write(&file, "lon,lat\n1,2\n").unwrap();
    let server = Server::start(&["--watch", file.to_str().unwrap()]);
    let count = || {
        let (status, _, body) = server.get("/grid/value?lon=1&lat=2&z=9", "");
        assert_eq!(status, 200);
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        value["count"].as_u64().unwrap()
    };
    assert_eq!(count(), 1);
    // A file that can't be read leaves the old points in place.
    std::fs::write(&file, "lon,lat\nx,y\n").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(3500));
    assert_eq!(count(), 1);
    std::fs::write(&file, "lon,lat\n1,2\n1,2\n1,2\n").unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while count() != 3 {
        assert!(std::time::Instant::now() < until, "still the old points");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// The first reading decides whether a layer's colours lie on both sides of zero. A reload that
/// brings more negative weight doesn't change this.
#[test]
fn a_reload_leaves_colours_on_the_side_of_zero_where_they_were() {
    let dir = crate::program::folder("serve-signs");
    let file = dir.join("sums.csv");
    let write = |below: u32| {
        let rows = format!("lon,lat,weight\n1,2,{}\n3,4,-{below}\n", 100 - below);
        std::fs::write(dir.join("new"), rows).unwrap();
        std::fs::rename(dir.join("new"), &file).unwrap();
    };
    write(4);
    let server = Server::start(&["--watch", file.to_str().unwrap()]);
    let json = |path: &str| -> serde_json::Value {
        let (status, _, body) = server.get(path, "");
        assert_eq!(status, 200);
        serde_json::from_slice(&body).unwrap()
    };
    let range = || json("/sums/legend.json")["domain"][0].as_f64().unwrap();
    let sum = || {
        json("/catalog")["layers"][0]["weight_sum"]
            .as_f64()
            .unwrap()
    };
    assert_eq!((sum(), range()), (92.0, 0.0));
    write(30);
    let started = std::time::Instant::now();
    while sum() != 40.0 {
        assert!(started.elapsed().as_secs() < 30);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(range(), 0.0);
    // A layer that has this much negative weight at the first reading has colours on both sides of
    // zero.
    let server = Server::start(&[file.to_str().unwrap()]);
    let (_, _, body) = server.get("/sums/legend.json", "");
    let legend: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(legend["domain"][0].as_f64().unwrap() < 0.0, "{legend}");
    let (code, out, _) = crate::program::heatsplat(&["info", file.to_str().unwrap()]);
    assert!(code == 0 && !out.contains("negative"), "{out}");
    write(4);
    let (code, out, _) = crate::program::heatsplat(&["info", file.to_str().unwrap()]);
    assert!(
        code == 0 && out.contains("4.00 % of all weight is negative: drawn as"),
        "{out}"
    );
}

/// The output of a command is a layer, read again after each reload period. A command that fails
/// changes nothing, whatever it wrote before.
#[test]
fn the_output_of_a_command_is_a_layer_that_follows_it() {
    let dir = crate::program::folder("serve-command");
    let rows = dir.join("rows.csv");
    std::fs::write(&rows, "lon,lat\n1,2\n3,4\n").unwrap();
    let status = dir.join("status");
    std::fs::write(&status, "0").unwrap();
    // A run that has ended is a line of a file.
    let runs = dir.join("runs");
    let command = format!(
        "cat {}; echo >> {}; exit $(cat {})",
        rows.display(),
        runs.display(),
        status.display()
    );
    let server = Server::start(&["--command", &command, "--reload", "1s"]);
    let layer = || -> serde_json::Value {
        let (status, _, body) = server.get("/catalog", "");
        assert_eq!(status, 200);
        let catalog: serde_json::Value = serde_json::from_slice(&body).unwrap();
        catalog["layers"][0].clone()
    };
    let wait = |is_so: &dyn Fn(&serde_json::Value) -> bool| {
        let started = std::time::Instant::now();
        while !is_so(&layer()) {
            assert!(started.elapsed().as_secs() < 30, "{}", layer());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    assert_eq!(layer()["id"], "cat");
    wait(&|layer| layer["points"] == 2);
    std::fs::write(&status, "3").unwrap();
    std::fs::write(&rows, "lon,lat\n1,2\n").unwrap();
    // The third run from now begins when the result of the second is known.
    let ended = || std::fs::read(&runs).map_or(0, |lines| lines.len());
    let before = ended();
    wait(&|_| ended() >= before + 3);
    assert_eq!(layer()["points"], 2);
    std::fs::write(&status, "0").unwrap();
    wait(&|layer| layer["points"] == 1);
}

/// Each metric that the dashboard and the alerts name is one of the server's.
#[test]
fn dashboards_and_alerts_name_metrics_that_there_are() {
    let server = Server::start(&["examples/cities.csv.gz", "--backend", "cpu"]);
    assert_eq!(server.get("/cities/0/0/0.png", "").0, 200);
    let (_, _, page) = server.get("/metrics", "");
    let page = String::from_utf8(page).unwrap();
    let there = |name: &str| page.contains(&format!("# TYPE heatsplat_{name} "));
    for file in ["docs/monitoring/grafana.json", "docs/monitoring/alerts.yml"] {
        let text = std::fs::read_to_string(file).unwrap();
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let names = text.split("heatsplat_").skip(1);
        let names = names.map(|rest| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())]);
        let names: Vec<_> = names.collect();
        assert!(names.len() > 6, "{file}");
        for name in names {
            let histogram = ["_bucket", "_sum", "_count"];
            let mut families = histogram.iter().filter_map(|end| name.strip_suffix(end));
            assert!(
                there(name) || families.any(there),
                "{file}: heatsplat_{name}"
            );
        }
    }
    let text = std::fs::read_to_string("docs/monitoring/grafana.json").unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 6);
}

/// A configuration's keys open its layers, follow the file, and are in no log, message or saved
/// file.
#[cfg(unix)]
#[test]
fn keys_open_layers_and_are_shown_nowhere() {
    const KEY: &str = "a-key-of-some-length";
    let dir = crate::program::folder("serve-keys");
    let file = dir.join("heatsplat.toml");
    let cities = std::env::current_dir()
        .unwrap()
        .join("examples/cities.csv.gz");
    let write = |keys: &str| {
        let layer = format!("[[layers]]\nfile = \"{}\"\n{keys}\n", cities.display());
        std::fs::write(dir.join("new"), format!("access_log = true\n{layer}")).unwrap();
        std::fs::rename(dir.join("new"), &file).unwrap();
    };
    write("key = [\"${HEAT_KEY}\", \"another-key-of-some-length\"]");
    let config = ["--config", file.to_str().unwrap(), "--log-format", "json"];
    let (server, lines) = Server::start_heard(&config, &[("HEAT_KEY", KEY)]);
    let tile = "/cities/3/4/2.png";
    assert_eq!(server.get(tile, "").0, 404);
    assert_eq!(
        server
            .get(tile, &format!("Authorization: Bearer {KEY}\r\n"))
            .0,
        200
    );
    let (status, head, _) = server.get(&format!("{tile}?ramp=ice&key={KEY}"), "");
    assert!(
        status == 200 && head.contains("cache-control: private"),
        "{head}"
    );
    let mut logged = Vec::new();
    while logged.len() < 3 {
        let line = lines
            .recv_timeout(std::time::Duration::from_secs(20))
            .unwrap();
        assert!(!line.contains(KEY), "{line}");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        if line["target"] == "access" {
            logged.push(line);
        }
    }
    let statuses: Vec<_> = logged
        .iter()
        .map(|line| line["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [404, 200, 200]);
    let last = &logged[2];
    assert_eq!(last["path"], "/cities/3/4/2.png?ramp=ice");
    assert_eq!(
        (&last["method"], &last["client"]),
        (&"GET".into(), &"127.0.0.1".into())
    );
    assert!(last["bytes"].as_i64().unwrap() > 100 && last["ms"].as_f64().is_some());
    assert_eq!(last["id"].as_str().unwrap().len(), 16);
    // Other keys are a change of the file, and the layer stays as it is.
    write("key = \"a-third-key-of-some-length\"");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while server.get(&format!("{tile}?key={KEY}"), "").0 != 404 {
        assert!(std::time::Instant::now() < until, "still the old key");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(
        server
            .get(&format!("{tile}?key=a-third-key-of-some-length"), "")
            .0,
        200
    );

    // A key that is too short, and what is saved.
    write("key = \"too-short\"");
    let (code, _, err) = crate::program::heatsplat(&["serve", "--check", config[0], config[1]]);
    assert!(
        code == 1 && err.contains("line 4") && !err.contains("too-short"),
        "{err}"
    );
    let saved = dir.join("saved.toml");
    let source = cities.to_str().unwrap();
    let arguments = [
        "serve",
        source,
        "--key",
        KEY,
        "--key",
        "another-key-of-some-length",
    ];
    let saving = ["--save-config", saved.to_str().unwrap(), "--check"];
    let (code, _, err) = crate::program::heatsplat(&[&arguments[..], &saving].concat());
    assert!(
        code == 0 && err.contains("set HEATSPLAT_KEY") && !err.contains(KEY),
        "{err}"
    );
    let text = std::fs::read_to_string(saved).unwrap();
    assert!(
        text.contains("\"${HEATSPLAT_KEY}\", \"${HEATSPLAT_KEY_2}\""),
        "{text}"
    );
    assert!(!text.contains("length"), "{text}");
}

/// A socket that systemd has opened, as the third file of the program.
#[cfg(unix)]
#[test]
fn a_socket_of_systemd_is_taken_over() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let program = env!("CARGO_BIN_EXE_heatsplat");
    // The number of the process is known only to the process itself.
    let script = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"";
    let arguments = ["serve", "examples/cities.csv.gz", "--listen", "systemd"];
    let mut child = std::process::Command::new("sh")
        .args(["-c", script, "sh", program])
        .args(arguments)
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(socket)))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.contains(&address.to_string()), "{line}");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("200 OK"), "{answer}");
    child.kill().unwrap();
    child.wait().unwrap();
    // Without systemd there is none.
    let (code, _, err) = crate::program::heatsplat(&arguments);
    assert!(code == 1 && err.contains("LISTEN_FDS"), "{err}");
}
