//! Configurations with errors. Each error is reported once, with its place in the file, and a
//! running server goes on unchanged.

use crate::program::{command, folder};
use std::path::Path;

/// A configuration with an error: a name for the test's messages, the text, and pieces that the
/// error message must contain besides the name of the file, for example the line and what to do.
type Spoiled = (&'static str, Vec<u8>, &'static [&'static str]);

const LAYER: &str = "[[layers]]\nfile = \"a.csv\"\n";

/// A configuration with `text` after a correct layer.
fn after(text: &str) -> Vec<u8> {
    format!("{LAYER}{text}").into_bytes()
}

/// A configuration with `text` before a correct layer.
fn before(text: &str) -> Vec<u8> {
    format!("{text}{LAYER}").into_bytes()
}

fn spoiled() -> Vec<Spoiled> {
    vec![
        // Errors in the file itself.
        ("empty", Vec::new(), &["nothing to serve", "[[layers]]"]),
        (
            "nothing but a remark",
            b"# later\n".to_vec(),
            &["nothing to serve"],
        ),
        (
            "binary",
            b"\x7fELF\x02\x01\x01\0\xff\xfe\x80".to_vec(),
            &["line 1", "UTF-8"],
        ),
        (
            "latin",
            before("attribution = \"a\"\n")
                .iter()
                .map(|b| if *b == b'a' { 0xe4 } else { *b })
                .collect(),
            &["line 1", "UTF-8"],
        ),
        ("nul", after("name = \"a\0b\"\n"), &["line 3"]),
        (
            "too long",
            [before(""), vec![b'#'; 4 << 20]].concat(),
            &["4194304 bytes"],
        ),
        (
            "deep",
            before(&format!(
                "listen = {}1{}\n",
                "[".repeat(9999),
                "]".repeat(9999)
            )),
            &["line 1"],
        ),
        (
            "deep tables",
            before(&format!("{}a = 1\n", "a.".repeat(9999))),
            &["recursion limit"],
        ),
        (
            "deep inline",
            before(&format!("a = {}\n", "{a=".repeat(9999))),
            &["line 1"],
        ),
        ("json", b"{\"layers\": []}\n".to_vec(), &["line 1"]),
        ("yaml", b"layers:\n  - file: a.csv\n".to_vec(), &["line 1"]),
        // Errors in the syntax.
        ("unclosed text", after("name = \"a\n"), &["line 3"]),
        ("unclosed list", after("keep = [\"n\"\n"), &["line"]),
        ("unclosed header", after("[limits\n"), &["line 3"]),
        ("no value", after("name =\n"), &["line 3"]),
        (
            "a value and more",
            after("name = \"a\" \"b\"\n"),
            &["line 3"],
        ),
        ("bad escape", after("name = \"\\q\"\n"), &["line 3"]),
        (
            "key twice",
            after("file = \"b.csv\"\n"),
            &["line 3", "duplicate"],
        ),
        (
            "section twice",
            after("[limits]\nrenders = 1\n[limits]\nwaiting = 1\n"),
            &["line 5", "duplicate"],
        ),
        (
            "one layer and many",
            b"[layers]\nfile = \"a.csv\"\n".to_vec(),
            &["line 1", "[[layers]]"],
        ),
        // Errors in keys.
        (
            "near key",
            after("wieght = \"n\"\n"),
            &["line 3", "did you mean `weight`"],
        ),
        (
            "near section",
            before("[limts]\nrenders = 1\n"),
            &["line 1", "did you mean `limits`"],
        ),
        (
            "section in capitals",
            before("[Limits]\nrenders = 1\n"),
            &["line 1", "unknown section `Limits`; did you mean [limits]?"],
        ),
        (
            "layers in capitals",
            b"[[Layers]]\nfile = \"a.csv\"\n".to_vec(),
            &["line 1", "did you mean [[layers]]?"],
        ),
        (
            "section of the server",
            before("[server]\nlisten = \"127.0.0.1:0\"\n"),
            &["line 1", "stand at the top of the file"],
        ),
        (
            "list of sources",
            before("[[sources]]\nfile = \"a.csv\"\n"),
            &["line 1", "expected [sources.NAME], a section with a name"],
        ),
        (
            "near top",
            before("lisen = \"127.0.0.1:0\"\n"),
            &["line 1", "did you mean `listen`"],
        ),
        (
            "near style's key",
            after("style = { radios = 3 }\n"),
            &["line 3", "did you mean `radius`"],
        ),
        (
            "others' key",
            b"[[layers]]\npath = \"a.csv\"\n".to_vec(),
            &["line 2", "did you mean `file`"],
        ),
        ("far key", after("zzz = 1\n"), &["line 3", "zzz"]),
        (
            "include",
            before("include = \"heatsplat.toml\"\n"),
            &["line 1", "include"],
        ),
        (
            "near style",
            [
                before("[styles.hot]\nradius = 3\n"),
                b"style = \"hto\"\n".to_vec(),
            ]
            .concat(),
            &["line 5", "did you mean `hot`"],
        ),
        // Values of the wrong kind.
        (
            "number for text",
            before("listen = 3000\n"),
            &["line 1", "listen", "127.0.0.1:3000"],
        ),
        (
            "text for truth",
            before("watch = \"yes\"\n"),
            &["line 1", "watch", "true or false"],
        ),
        (
            "table for text",
            after("name = { a = 1 }\n"),
            &["line 3", "name", "not a table"],
        ),
        (
            "empty list",
            after("keep = []\n"),
            &["line 3", "keep", "empty list"],
        ),
        (
            "list of lists",
            after("keep = [[\"n\"]]\n"),
            &["line 3", "keep", "array"],
        ),
        (
            "section for number",
            before("limits = 3\n"),
            &["line 1", "limits", "table"],
        ),
        (
            "text for number",
            before("[limits]\nrenders = \"many\"\n"),
            &["line 2", "renders"],
        ),
        // Wrong numbers.
        (
            "too small",
            before("[limits]\nrenders = 0\n"),
            &["line 2", "renders", "1..=1024"],
        ),
        (
            "negative",
            before("[limits]\nconnections = -1\n"),
            &["line 2", "connections"],
        ),
        (
            "huge",
            before("[limits]\nwaiting = 99999999999999999999\n"),
            &["line 2", "waiting"],
        ),
        (
            "fraction",
            before("[limits]\nrenders = 1.5\n"),
            &["line 2", "renders"],
        ),
        (
            "not a number",
            after("style = { radius = nan }\n"),
            &["line 3", "radius"],
        ),
        (
            "infinite",
            after("style = { domain = [0, inf] }\n"),
            &["line 3", "domain"],
        ),
        (
            "hexadecimal",
            before("[limits]\nrenders = 0x10\n"),
            &["line 2", "renders"],
        ),
        (
            "huge memory",
            before("[cache]\ncache_size = \"99999999999G\"\n"),
            &["line 2", "cache_size"],
        ),
        (
            "huge time",
            before("reload = \"5124095576030431h\"\n"),
            &["line 1", "reload", "ten years"],
        ),
        (
            "date for time",
            before("reload = 2020-01-01\n"),
            &["line 1", "reload", "10m"],
        ),
        (
            "opaque beyond",
            after("style = { opacity = 2 }\n"),
            &["line 3", "opacity"],
        ),
        (
            "no ramp",
            after("style = { ramp = \"nosuch\" }\n"),
            &["line 3", "ramp"],
        ),
        (
            "domain upside down",
            after("style = { domain = [5, 1] }\n"),
            &["line 3", "domain"],
        ),
        (
            "style of nothing",
            after("style = { style = \"nowhere.xml\" }\n"),
            &["line 3", "nowhere.xml"],
        ),
        (
            "kernel",
            after("style = { kernel = \"round\" }\n"),
            &["line 3", "kernel", "gaussian"],
        ),
        (
            "outside the world",
            after("within = [0, 0, 0, 99]\n"),
            &["line 3", "within"],
        ),
        // Wrong addresses.
        (
            "no port",
            before("listen = \"127.0.0.1\"\n"),
            &["line 1", "listen", "127.0.0.1:3000"],
        ),
        (
            "port beyond",
            before("listen = \"127.0.0.1:99999\"\n"),
            &["line 1", "listen"],
        ),
        (
            "many addresses",
            before("listen = [\"a:1\", \"b\"]\n"),
            &["line 1", "listen"],
        ),
        (
            "public address",
            before("public_url = \"maps\"\n"),
            &["line 1", "public_url", "https://"],
        ),
        (
            "header of two lines",
            before("[cache]\ncache_control = \"a\\nb: c\"\n"),
            &["line 2", "cache_control"],
        ),
        // Errors in the names of files.
        (
            "no such file",
            b"[[layers]]\n\nfile = \"nowhere.csv\"\n".to_vec(),
            &["line 3", "nowhere.csv"],
        ),
        (
            "no points in it",
            b"[[layers]]\nfile = \"b.csv\"\n".to_vec(),
            &["line 2", "b.csv"],
        ),
        (
            "no such column",
            after("weight = \"m\"\n"),
            &["line 2", "a.csv", "\"m\"", "\"n\""],
        ),
        (
            "empty folder",
            b"[[layers]]\nfile = \"nothing\"\n".to_vec(),
            &["line 2", "nothing", "no files of points"],
        ),
        (
            "a slash in a name that is none",
            b"[[layers]]\nfile = \"../../../etc/\\u0000\"\n".to_vec(),
            &["line 2"],
        ),
        (
            "no file",
            b"[[layers]]\nname = \"a/b/../c\"\n".to_vec(),
            &["line 1", "file = "],
        ),
        (
            "a name for many",
            b"[[layers]]\nfile = \".\"\nname = \"a\"\n".to_vec(),
            &["line 1", "name"],
        ),
        (
            "live file",
            after("mode = \"live\"\n"),
            &["line 1", "mode", "database"],
        ),
        (
            "derived of nothing",
            before("derive = \"c = a - b\"\n"),
            &["derive", "`b`"],
        ),
        (
            "derived of one",
            before("derive = \"c = a\"\n"),
            &["line 1", "derive", "two layers"],
        ),
        ("filter", after("filter = \"n >\"\n"), &["line 3", "filter"]),
        // Errors in variables. SECRET has a value that no message may contain.
        (
            "unset",
            after("name = \"${NOT_SET_HERE}\"\n"),
            &["line 3", "name", "NOT_SET_HERE"],
        ),
        (
            "unclosed variable",
            after("name = \"${SECRET\"\n"),
            &["line 3", "name", "}"],
        ),
        (
            "secret style",
            after("style = \"${SECRET}\"\n"),
            &["line 3", "${SECRET}"],
        ),
        (
            "secret ramp",
            after("style = { ramp = \"red, ${SECRET}\" }\n"),
            &["line 3", "ramp"],
        ),
        (
            "secret domain",
            after("style = { domain = \"0,${SECRET}\" }\n"),
            &["line 3", "domain"],
        ),
        (
            "secret begin",
            after("style = { style = \"${SECRET}\" }\n"),
            &["line 3", "style"],
        ),
        (
            "secret number",
            before("[limits]\nrenders = \"${SECRET}\"\n"),
            &["line 2", "renders"],
        ),
        (
            "secret filter",
            after("filter = \"n > ${SECRET}\"\n"),
            &["line 3", "filter"],
        ),
        (
            "secret header",
            before("[cache]\ncache_control = \"${SECRET}\\n\"\n"),
            &["line 2"],
        ),
    ]
}

const SECRET: &str = "s3cret-\"Wörter\" und so weiter";

/// Makes a folder with a file of points, a file without positions, and an empty folder.
fn beginning(name: &str) -> std::path::PathBuf {
    let dir = folder(name);
    std::fs::write(dir.join("a.csv"), "lon,lat,n\n1,2,3\n5,6,1\n").unwrap();
    std::fs::write(dir.join("b.csv"), "kind,n\nx,3\n").unwrap();
    std::fs::create_dir(dir.join("nothing")).unwrap();
    dir
}

/// Lists what is wrong with an error message. It must be one line that contains the name of the
/// file and all hints, and must not contain any piece of the secret.
fn mistakes(name: &str, said: &str, file: &Path, hints: &[&str]) -> Vec<String> {
    let hints = [&[file.to_str().unwrap()][..], hints].concat();
    let missing = hints.into_iter().filter(|hint| !said.contains(hint));
    let mut all: Vec<_> = missing.map(|hint| format!("no {hint:?}")).collect();
    let never = ["s3cret", "Wörter", "weiter", "panicked", "\n"];
    let there = never
        .iter()
        .filter(|never| said.trim_end().contains(**never));
    all.extend(there.map(|never| format!("{never:?}")));
    if said.len() > 600 {
        all.push("long".to_owned());
    }
    let named = |wrong| format!("{name}: {wrong} in {said}");
    all.into_iter().map(named).collect()
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let dir = beginning("spoiled");
    let file = dir.join("heatsplat.toml");
    let check = || {
        let arguments = ["serve", "--check", "--config", file.to_str().unwrap()];
        let out = command(&arguments).env("SECRET", SECRET).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        (out.status.code(), said)
    };
    let mut wrong = Vec::new();
    for (name, text, hints) in spoiled() {
        std::fs::write(&file, text).unwrap();
        let (code, said) = check();
        if code != Some(1) {
            wrong.push(format!("{name}: {code:?}"));
        }
        wrong.extend(mistakes(name, &said, &file, hints));
    }
    std::fs::remove_file(&file).unwrap();
    wrong.extend(mistakes("gone", &check().1, &file, &["No such file"]));
    std::fs::create_dir(&file).unwrap();
    wrong.extend(mistakes("a folder", &check().1, &file, &["directory"]));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    std::fs::remove_dir(&file).unwrap();
    std::fs::write(&file, LAYER).unwrap();
    assert_eq!(check(), (Some(0), String::new()));
    std::fs::write(&file, [b"\xef\xbb\xbf", LAYER.as_bytes()].concat()).unwrap();
    assert_eq!(check().0, Some(0), "with a byte order mark");
}

/// While a configuration is served, it is replaced by each of the wrong configurations. Each gives
/// one warning, and all layers stay unchanged.
#[cfg(unix)]
#[test]
fn a_server_goes_on_whatever_its_file_becomes() {
    use crate::program::Server;
    use std::time::Duration;

    let dir = beginning("spoiled-served");
    let file = dir.join("heatsplat.toml");
    std::fs::write(&file, LAYER).unwrap();
    let arguments = ["--config", file.to_str().unwrap()];
    let (server, heard) = Server::start_heard(&arguments, &[("SECRET", SECRET)]);
    while heard.recv_timeout(Duration::from_millis(200)).is_ok() {}
    let seen = || ["/a/0/0/0.png", "/catalog", "/a"].map(|path| server.get(path, ""));
    let good = seen();
    assert_eq!(good[0].0, 200);
    let warned = |name: &str, hints: &[&str]| {
        let said = heard.recv_timeout(Duration::from_secs(20)).expect(name);
        assert_eq!(mistakes(name, &said, &file, hints), [""; 0]);
        assert!(
            said.ends_with("everything stays as it was"),
            "{name}: {said}"
        );
    };
    for (name, text, hints) in spoiled() {
        // Two kinds of errors don't occur in a running server: flags override the key `listen`, and
        // derived layers are made only at the start.
        let at_start = hints.contains(&"derive") && !hints.contains(&"line 1");
        if at_start || hints.contains(&"listen") {
            continue;
        }
        std::fs::write(&file, text).unwrap();
        server.signal("HUP");
        warned(name, hints);
        assert_eq!(server.get("/a/0/0/0.png", "").2, good[0].2, "{name}");
    }
    // Without a signal the server notices the change by its check of the file, and warns once.
    std::fs::write(&file, "[[layers]]\nfiel = \"a.csv\"\n").unwrap();
    warned("by itself", &["line 2", "did you mean `file`"]);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    server.signal("HUP");
    warned("a folder", &["directory"]);
    let more = heard.recv_timeout(Duration::from_millis(2500));
    assert!(more.is_err(), "said twice: {more:?}");
    let bodies = |all: [(u16, String, Vec<u8>); 3]| all.map(|(status, _, body)| (status, body));
    assert_eq!(bodies(seen()), bodies(good));
    // A correct configuration is followed again.
    std::fs::remove_dir(&file).unwrap();
    std::fs::write(&file, format!("{LAYER}name = \"b\"\n")).unwrap();
    server.signal("HUP");
    while server.get("/b/0/0/0.png", "").0 != 200 {
        std::thread::sleep(Duration::from_millis(50));
    }
}
